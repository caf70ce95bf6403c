"""Layers as functions of few integers: which values can reach each neuron, and what it makes of them, enumerated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from qcompile.ir.types import IntArray, IntType

MOST_PATTERNS = 1 << 14
"""Joint patterns of a cone that are enumerated to find out which ones of them cannot occur."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A layer whose output elements ("neurons") are each a function of some elements of the input vector.

    `sources[n]` are the elements that neuron n reads; `function(n, x)` gives its int64 (patterns,) for their values
    x, int64 (patterns, sources), by the operators of the integer graph.
    """

    name: str
    origin: tuple[str, ...]
    input: IntType
    inputs: int
    output: IntType
    sources: tuple[tuple[int, ...], ...]
    function: Callable[[int, IntArray], IntArray]

    @property
    def outputs(self) -> int:
        """Elements of the output vector."""
        return len(self.sources)


@dataclass(frozen=True, slots=True, eq=False)
class NeuronTable:
    """All that a neuron can meet: `patterns` int64 (rows, sources), no row twice, and `values` int64 (rows,)."""

    sources: tuple[int, ...]
    patterns: IntArray
    values: IntArray


@dataclass(slots=True)
class _Reach:
    """What can occur in front of and behind each layer, found from the front."""

    layers: Sequence[Layer]
    elements: list[list[IntArray]]
    """For each place between layers (0: the input), the values of each element, ascending."""
    tables: list[tuple[NeuronTable, ...]] = field(default_factory=list)
    known: dict[tuple[int, tuple[int, ...]], IntArray] = field(default_factory=dict)

    def joint(self, place: int, elements: tuple[int, ...]) -> IntArray:
        """Every combination of values that these elements can have at once: int64 (rows, elements).

        At least those that do occur: where the cone behind is too large, each element by itself.
        """
        key = (place, elements)
        if key not in self.known:
            self.known[key] = self._joint(place, elements)
        return self.known[key]

    def _joint(self, place: int, elements: tuple[int, ...]) -> IntArray:
        marginal = self.elements[place]
        if place:
            behind = self.tables[place - 1]
            cone = tuple(sorted({source for e in elements for source in behind[e].sources}))
            before = self.elements[place - 1]
            if len(elements) > 1 and _count([before[e] for e in cone]) <= MOST_PATTERNS:
                patterns = self.joint(place - 1, cone)
                layer, column = self.layers[place - 1], {source: k for k, source in enumerate(cone)}
                outputs = [layer.function(e, patterns[:, [column[s] for s in behind[e].sources]]) for e in elements]
                found: IntArray = np.unique(np.stack(outputs, axis=1), axis=0)
                return found
        return _product([marginal[e] for e in elements])


def _count(values: Sequence[IntArray]) -> int:
    """Combinations of these values; stops counting where they are too many anyway."""
    count = 1
    for row in values:
        count *= row.size
        if count > MOST_PATTERNS:
            return count
    return count


def _product(values: Sequence[IntArray]) -> IntArray:
    """Every combination, one a row."""
    if not values:
        return np.zeros((1, 0), np.int64)
    grids = np.meshgrid(*values, indexing="ij")
    return np.stack([grid.ravel() for grid in grids], axis=1).astype(np.int64)


def enumerate_layers(
    layers: Sequence[Layer], lo: IntArray, hi: IntArray
) -> tuple[tuple[tuple[NeuronTable, ...], ...], tuple[IntArray, ...]]:
    """The tables of every neuron of layers behind each other, and the values of each element of the last output.

    `lo` and `hi` int64 (elements,) bound the input vector. Patterns that cannot occur are left out: values that no
    neuron of the layer before gives, and where the cone behind a neuron is small, combinations that do not come together.
    """
    read = {source for sources in layers[0].sources for source in sources}
    start = [
        np.arange(lo[k], (hi[k] if k in read else lo[k]) + 1, dtype=np.int64) for k in range(layers[0].inputs)
    ]
    reach = _Reach(layers, [start])
    for place, layer in enumerate(layers):
        rows: list[NeuronTable] = []
        for neuron, sources in enumerate(layer.sources):
            patterns = reach.joint(place, sources)
            rows.append(NeuronTable(sources, patterns, layer.function(neuron, patterns)))
        reach.tables.append(tuple(rows))
        reach.elements.append([np.unique(row.values) for row in rows])
    return tuple(reach.tables), tuple(reach.elements[-1])
