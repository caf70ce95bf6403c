"""Vectors that meet different constant matrices in a fixed order: grouped and transposed convolution."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, IntArray, Range


@dataclass(frozen=True, slots=True)
class MatrixCycle:
    """Which matrix each vector of a frame meets: row y of `height` rows of `width` vectors meets those of segment
    y mod segments in turn, from the first on.

    `columns[segment][place]` is how many columns the matrix has, and so how long its vectors are. Every segment has the
    same number of matrices; matrices are numbered segment by segment.
    """

    columns: tuple[tuple[int, ...], ...]
    width: int
    height: int = 1

    def __post_init__(self) -> None:
        if len({len(segment) for segment in self.columns}) != 1 or not self.columns[0] or self.width < 1:
            raise ValueError("every segment needs the same number of matrices, at least one")

    @property
    def matrices(self) -> int:
        """How many there are."""
        return len(self.columns) * len(self.columns[0])

    @property
    def lengths(self) -> tuple[int, ...]:
        """Columns of each matrix."""
        return tuple(size for segment in self.columns for size in segment)

    @property
    def begins(self) -> IntArray:
        """(matrices + 1,): where each matrix begins when they lie side by side."""
        return np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int64)

    @property
    def vectors(self) -> int:
        """Vectors of a frame."""
        return self.width * self.height

    @property
    def elements(self) -> int:
        """Elements of all vectors of a frame together."""
        return int(_starts(self)[-1])

    @property
    def regular(self) -> bool:
        """Whether all matrices are met equally often, one after another, and have equally many columns."""
        segments, places = len(self.columns), len(self.columns[0])
        whole = (self.width == places and self.height % segments == 0) or (segments == 1 and self.width % places == 0)
        return whole and len(set(self.lengths)) == 1

    def order(self) -> IntArray:
        """(vectors,): the number of the matrix that each vector meets. Read-only."""
        return _order(self)

    def starts(self) -> IntArray:
        """(vectors + 1,): the element at which each vector begins. Read-only."""
        return _starts(self)


@lru_cache(maxsize=64)
def _order(cycle: MatrixCycle) -> IntArray:
    places = len(cycle.columns[0])
    row, column = np.divmod(np.arange(cycle.vectors, dtype=np.int64), cycle.width)
    order: IntArray = row % len(cycle.columns) * places + column % places
    order.setflags(write=False)
    return order


@lru_cache(maxsize=64)
def _starts(cycle: MatrixCycle) -> IntArray:
    starts: IntArray = np.concatenate([[0], np.cumsum(np.array(cycle.lengths, np.int64)[_order(cycle)])])
    starts.setflags(write=False)
    return starts


@dataclass(frozen=True, slots=True)
class CyclicProduct:
    """Inputs (x, weights): the vectors of x, one after another, each with its matrix; the results as `shape`.

    `weights` is (rows, columns of all matrices side by side); every vector gives `rows` numbers.
    """

    kind: ClassVar[str] = "CyclicProduct"
    cycle: MatrixCycle
    shape: Shape

    def infer_shape(self, *shapes: Shape) -> Shape:
        """`shape`; raises ValueError when elements, weights or results do not fit the cycle."""
        x, (rows, columns) = shapes[0], shapes[1]
        elements, results = self.cycle.elements, self.cycle.vectors * rows
        if int(np.prod(x)) != elements or columns != self.cycle.begins[-1] or int(np.prod(self.shape)) != results:
            raise ValueError(f"a tensor {x} and weights {(rows, columns)} do not fit {self.cycle}")
        return self.shape

    def evaluate(self, *inputs: Array) -> Array:
        """int64, exact (through float64 where no sum reaches 2**53); the leading axis counts frames."""
        x, weights = inputs[0].reshape(inputs[0].shape[0], -1), inputs[1]
        largest = int(np.abs(weights).sum(axis=1).max(initial=0)) * int(np.abs(x).max(initial=0))
        kind = np.float64 if largest < 2**53 else np.int64
        order, starts, begins = self.cycle.order(), self.cycle.starts(), self.cycle.begins
        results = np.empty((x.shape[0], order.size, weights.shape[0]), np.int64)
        for number, size in enumerate(self.cycle.lengths):
            vectors = np.flatnonzero(order == number)
            chosen = x[:, starts[vectors][:, None] + np.arange(size)].astype(kind)
            matrix = weights[:, begins[number] : begins[number + 1]].astype(kind)
            results[:, vectors] = (chosen @ matrix.T).astype(np.int64)
        return results.reshape(x.shape[0], *self.shape)

    def matrix_ranges(self, x: Range) -> tuple[Range, ...]:
        """For each matrix what its vectors can hold, a number a column; zeros where no vector meets it."""
        order, starts = self.cycle.order(), self.cycle.starts()
        found = []
        for number, size in enumerate(self.cycle.lengths):
            if x.lo.size == 1:
                found.append(x.per_channel(size))
                continue
            vectors = starts[np.flatnonzero(order == number)][:, None] + np.arange(size)
            if not vectors.size:
                found.append(Range.of(0, 0).per_channel(size))
                continue
            found.append(Range.of(x.lo[vectors % x.lo.size].min(axis=0), x.hi[vectors % x.lo.size].max(axis=0)))
        return tuple(found)

    def infer_range(self, x: Range, weights: IntArray) -> Range:
        """The exact reachable sums of each channel, over all vectors that give it.

        `x` is the range of a tensor whose last axis divides the stream: one number for all, or one for each channel.
        """
        begins, order = self.cycle.begins, self.cycle.order()
        low, high = [], []
        for number, inputs in enumerate(self.matrix_ranges(x)):
            matrix = weights[:, begins[number] : begins[number + 1]]
            positive, negative = np.maximum(matrix, 0), np.minimum(matrix, 0)
            low.append(positive @ inputs.lo + negative @ inputs.hi)
            high.append(positive @ inputs.hi + negative @ inputs.lo)
        channels = self.shape[-1]
        lows, highs = (np.stack(bound)[order].reshape(-1, channels) for bound in (low, high))
        return Range.of(lows.min(axis=0), highs.max(axis=0))
