"""Random frames that exercise a model whose input range nobody has stated."""

from __future__ import annotations

import numpy as np

from qcompile.ir.graph import Graph
from qcompile.ir.types import Array, IntArray

MAGNITUDES = tuple(2.0**k for k in range(-6, 11))


def random_frames(before: Graph, frames: int, seed: int) -> tuple[Array, ...]:
    """float32 inputs of the model, (frames, *shape) each, spread so that their integer codes differ as much as can
    be.

    The spread is chosen, for all inputs together, among uniform ones from 0 or from -m to m by the entropy of the
    codes.
    """
    generator = np.random.default_rng(seed)
    draws = [generator.random((frames, *before.values[name].shape), dtype=np.float32) for name in before.inputs]
    best: tuple[float, tuple[Array, ...]] | None = None
    for magnitude in MAGNITUDES:
        for low in (0.0, -magnitude):
            candidate = tuple((low + draw * np.float32(magnitude - low)).astype(np.float32) for draw in draws)
            score = _entropy(encode(before, tuple(c[:16] for c in candidate)))
            if best is None or score > best[0]:
                best = (score, candidate)
    assert best is not None
    return best[1]


def encode(before: Graph, inputs: tuple[Array, ...]) -> tuple[IntArray, ...]:
    """Integer inputs of the accelerator for real inputs of the model."""
    values = before.evaluate(*inputs)
    return tuple(np.asarray(values[name], np.int64) for name in before.outputs)


def _entropy(codes: tuple[IntArray, ...]) -> float:
    total = 0.0
    for array in codes:
        _, counts = np.unique(array, return_counts=True)
        share = counts / array.size
        total -= float((share * np.log2(share)).sum())
    return total
