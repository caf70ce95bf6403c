"""Random frames that exercise a model whose input range nobody has stated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from qcompile.ir.graph import Graph
from qcompile.ir.types import Array, IntArray
from qcompile.ops import RequantShift
from qcompile.ops.roles import Quantiser

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


def model_frames(graph: Graph, known: Mapping[str, Array], frames: int, seed: int) -> tuple[Array, ...]:
    """Inputs (frames, *shape) of a model in real arithmetic: those that are `known`, and float32 numbers so that its first
    quantisers give as many different ones as can be. A network that requantises integers gets integers.
    """
    if all(name in known for name in graph.inputs):
        return tuple(known[name] for name in graph.inputs)
    generator = np.random.default_rng(seed)
    whole = any(isinstance(node.op, RequantShift) for node in graph.nodes)
    draws = {name: generator.random((frames, *graph.values[name].shape)) for name in graph.inputs}
    first = _first_quantisers(graph)
    best: tuple[float, tuple[Array, ...]] | None = None
    for magnitude in MAGNITUDES:
        for low in (0.0, -magnitude):
            spread = {name: low + draw * (magnitude - low) for name, draw in draws.items()}
            candidate = tuple(
                known.get(name, np.rint(spread[name]) if whole else spread[name]).astype(np.float32) for name in graph.inputs
            )
            values = first.evaluate(*(array[:16] for array in candidate))
            score = _entropy(tuple(values[name] for name in first.outputs))
            if best is None or score > best[0]:
                best = (score, candidate)
    assert best is not None
    return best[1]


def _first_quantisers(graph: Graph) -> Graph:
    """The part of a graph that ends with the quantisers in front of which there is none; all of it where there are none."""
    behind: set[str] = set()
    first: list[str] = []
    for node in graph.nodes:
        quantised = any(name in behind for name in node.inputs)
        if quantised or isinstance(node.op, Quantiser):
            behind.add(node.output)
        if isinstance(node.op, Quantiser) and not quantised:
            first.append(node.output)
    return replace(graph, outputs=tuple(first)).pruned() if first else graph


def encode(before: Graph, inputs: tuple[Array, ...]) -> tuple[IntArray, ...]:
    """Integer inputs of the accelerator for real inputs of the model."""
    values = before.evaluate(*inputs)
    return tuple(np.asarray(values[name], np.int64) for name in before.outputs)


def _entropy(codes: tuple[Array, ...]) -> float:
    total = 0.0
    for array in codes:
        _, counts = np.unique(array, return_counts=True)
        share = counts / array.size
        total -= float((share * np.log2(share)).sum())
    return total
