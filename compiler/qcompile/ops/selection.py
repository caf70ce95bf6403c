"""Operators that take elements from positions along the axes: some of them several times, others never."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array

Positions = tuple[tuple[int, ...] | None, ...]
"""For each axis the positions that are taken, in order; None for all of them as they are."""


def _taken_shape(positions: Positions, shape: Shape) -> Shape:
    """Shape of what is taken; raises ValueError where a position is not there."""
    if len(positions) != len(shape):
        raise ValueError(f"positions along {len(positions)} axes of a tensor with {len(shape)}")
    sizes = []
    for axis, (size, wanted) in enumerate(zip(shape, positions, strict=True)):
        if wanted is not None and not wanted:
            raise ValueError(f"nothing is left of axis {axis} of {shape}")
        if wanted is not None and (min(wanted) < 0 or max(wanted) >= size):
            raise ValueError(f"positions {min(wanted)} to {max(wanted)} of axis {axis} of {shape}")
        sizes.append(size if wanted is None else len(wanted))
    return tuple(sizes)


def _taken(positions: Positions, x: Array) -> Array:
    """What is taken; the leading axis of x counts frames."""
    for axis, wanted in enumerate(positions):
        if wanted is not None:
            x = x.take(np.asarray(wanted), axis=axis + 1)
    return x


@dataclass(frozen=True, slots=True)
class Gather:
    """Elements from constant positions along each axis: Slice, Split, Expand, Tile and Gather of the standard."""

    kind: ClassVar[str] = "Gather"
    moves_elements: ClassVar[bool] = True
    positions: Positions

    def infer_shape(self, *shapes: Shape) -> Shape:
        """As many elements along each axis as there are positions."""
        return _taken_shape(self.positions, shapes[0])

    def evaluate(self, *inputs: Array) -> Array:
        """Any dtype; the leading axis of frames stays."""
        return _taken(self.positions, inputs[0])


@dataclass(frozen=True, slots=True)
class Resize:
    """An image of another size whose pixels are the nearest ones of the given: `positions` says which along each axis."""

    kind: ClassVar[str] = "Resize"
    moves_elements: ClassVar[bool] = True
    positions: Positions

    def infer_shape(self, *shapes: Shape) -> Shape:
        """As many elements along each axis as there are positions."""
        return _taken_shape(self.positions, shapes[0])

    def evaluate(self, *inputs: Array) -> Array:
        """Any dtype; the leading axis of frames stays."""
        return _taken(self.positions, inputs[0])
