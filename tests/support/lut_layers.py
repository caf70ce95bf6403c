"""Random layers of neurons that read few inputs: thresholds of sums, as quantised networks have them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qcompile.ir.types import IntArray, IntType
from qcompile.luts.tables import Layer


def sparse_layer(
    rng: np.random.Generator, name: str, inputs: int, outputs: int, fan_in: int, x: IntType, y: IntType
) -> Layer:
    """Each neuron: lo + the number of random thresholds that a random sum of `fan_in` random inputs reaches."""
    sources = tuple(tuple(sorted(rng.choice(inputs, fan_in, replace=False).tolist())) for _ in range(outputs))
    weights = rng.integers(1, 4, (outputs, fan_in)) * rng.choice([-1, 1], (outputs, fan_in))
    ends = np.stack([weights * x.lo, weights * x.hi])
    low, high = ends.min(axis=0).sum(axis=1), ends.max(axis=0).sum(axis=1)
    thresholds = np.sort(rng.integers(low[:, None], high[:, None] + 2, (outputs, y.hi - y.lo)), axis=1)

    def function(neuron: int, values: IntArray) -> IntArray:
        sums = values @ weights[neuron]
        return y.lo + np.searchsorted(thresholds[neuron], sums, side="right").astype(np.int64)

    return Layer(name, (f"node_{name}",), x, inputs, y, sources, function)


def chain(rng: np.random.Generator, sizes: Sequence[int], fan_in: int, types: Sequence[IntType]) -> tuple[Layer, ...]:
    """Layers behind each other: sizes[0] inputs, then as many neurons as each further size says."""
    return tuple(
        sparse_layer(rng, f"fc{k}", sizes[k], sizes[k + 1], fan_in, types[k], types[k + 1])
        for k in range(len(sizes) - 1)
    )


def evaluate(layers: Sequence[Layer], x: IntArray) -> IntArray:
    """What the layers make of vectors (vectors, inputs), neuron by neuron."""
    for layer in layers:
        outputs = [layer.function(n, x[:, list(sources)]) for n, sources in enumerate(layer.sources)]
        x = np.stack(outputs, axis=1)
    return x
