"""Operators that move elements and compute nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qcompile.ir.graph import Shape, element_count
from qcompile.ir.types import Array, IntArray, Range


@dataclass(frozen=True, slots=True)
class Reshape:
    """The same elements in the same row-major order under another shape. Costs no hardware."""

    kind: ClassVar[str] = "Reshape"
    moves_elements: ClassVar[bool] = False
    shape: Shape

    def infer_shape(self, *shapes: Shape) -> Shape:
        """The target shape; raises ValueError when the element counts differ."""
        if element_count(shapes[0]) != element_count(self.shape):
            raise ValueError(f"{shapes[0]} does not reshape to {self.shape}")
        return self.shape

    def evaluate(self, *inputs: Array) -> Array:
        """Any dtype; the leading axis of frames stays."""
        return inputs[0].reshape(inputs[0].shape[0], *self.shape)


@dataclass(frozen=True, slots=True)
class Transpose:
    """Axes of one frame in the order `perm`, as numpy's transpose."""

    kind: ClassVar[str] = "Transpose"
    moves_elements: ClassVar[bool] = True
    perm: tuple[int, ...]

    def infer_shape(self, *shapes: Shape) -> Shape:
        """The permuted shape."""
        if sorted(self.perm) != list(range(len(shapes[0]))):
            raise ValueError(f"perm {self.perm} does not permute the {len(shapes[0])} axes of {shapes[0]}")
        return tuple(shapes[0][axis] for axis in self.perm)

    def evaluate(self, *inputs: Array) -> Array:
        """Any dtype; the leading axis of frames stays."""
        return inputs[0].transpose(0, *(axis + 1 for axis in self.perm))


@dataclass(frozen=True, slots=True)
class Take:
    """Inputs (x, index): element `index[...]` of the flattened frame, for each position of the constant `index`."""

    kind: ClassVar[str] = "Take"

    def infer_shape(self, *shapes: Shape) -> Shape:
        """Shape of the index."""
        return shapes[1]

    def evaluate(self, *inputs: Array) -> Array:
        """Any dtype; the leading axis of frames stays."""
        x, index = inputs
        return x.reshape(x.shape[0], -1)[:, index]

    def infer_range(self, x: Range, index: IntArray) -> Range:
        """For each channel of the result, all that its elements can be; `x` has the channels of the flattened frame's
        last axis.
        """
        if x.lo.size == 1:
            return x
        channels = (index % x.lo.size).reshape(-1, index.shape[-1])
        return Range.of(x.lo[channels].min(axis=0), x.hi[channels].max(axis=0))
