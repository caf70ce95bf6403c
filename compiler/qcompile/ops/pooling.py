"""Maximum and sum over windows of real numbers (channels first), maximum over the vectors of a sliding window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape, element_count
from qcompile.ir.types import Array, Range
from qcompile.ops.windows import Windows


@dataclass(frozen=True, slots=True)
class MaxPool:
    """Input (x): (batch, C, *spatial) to (batch, C, *output spatial); what lies outside counts as minus infinity.

    With `minimum` the least of each window in place of the greatest.
    """

    kind: ClassVar[str] = "MaxPool"
    windows: Windows
    minimum: bool = False

    def infer_shape(self, *shapes: Shape) -> Shape:
        """(batch, C, *output spatial)."""
        return (*shapes[0][:2], *self.windows.output(shapes[0][2:]))

    def evaluate(self, *inputs: Array) -> Array:
        """float32; the leading axis counts frames."""
        x = -inputs[0] if self.minimum else inputs[0]
        axes = x.ndim - 3
        fill = float(np.finfo(np.float32).min)
        patches = self.windows.patches(np.moveaxis(x, 2, -1), first_axis=2, fill=fill)
        kernel_axes = tuple(range(2 + axes, 2 + 2 * axes))
        greatest: Array = np.moveaxis(patches.max(axis=kernel_axes), -1, 2)
        return -greatest if self.minimum else greatest


@dataclass(frozen=True, slots=True)
class SumPool:
    """Input (x): (batch, C, *spatial) to (batch, C, *output spatial): sums over windows, zero outside. An average is a sum
    and a division.
    """

    kind: ClassVar[str] = "SumPool"
    windows: Windows

    def infer_shape(self, *shapes: Shape) -> Shape:
        """(batch, C, *output spatial)."""
        return (*shapes[0][:2], *self.windows.output(shapes[0][2:]))

    def terms(self, *shapes: Shape) -> int:
        """One for each element of a window."""
        return element_count(self.windows.kernel)

    def evaluate(self, *inputs: Array) -> Array:
        """float32; the leading axis counts frames."""
        x = inputs[0].astype(np.float32)
        axes = x.ndim - 3
        patches = self.windows.patches(np.moveaxis(x, 2, -1), first_axis=2, fill=0)
        total = patches.sum(axis=tuple(range(2 + axes, 2 + 2 * axes)), dtype=np.float32)
        return np.moveaxis(total, -1, 2)


@dataclass(frozen=True, slots=True)
class WindowMaximum:
    """Input (x): (..., positions * C) to (..., C), the maximum over the positions of a window for each channel."""

    kind: ClassVar[str] = "WindowMaximum"
    positions: int

    def infer_shape(self, *shapes: Shape) -> Shape:
        """(..., C); raises ValueError when the positions do not divide the vector."""
        if shapes[0][-1] % self.positions:
            raise ValueError(f"{self.positions} positions do not divide vectors of {shapes[0][-1]}")
        return (*shapes[0][:-1], shapes[0][-1] // self.positions)

    def evaluate(self, *inputs: Array) -> Array:
        """int64; the leading axis counts frames."""
        x = inputs[0]
        greatest: Array = x.reshape(*x.shape[:-1], self.positions, -1).max(axis=-2)
        return greatest

    def infer_range(self, x: Range) -> Range:
        """Per channel, the greatest of the bounds over the positions."""
        if x.lo.size == 1:
            return x
        return Range.of(x.lo.reshape(self.positions, -1).max(axis=0), x.hi.reshape(self.positions, -1).max(axis=0))
