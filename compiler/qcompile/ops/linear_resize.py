"""Images of another size whose pixels lie on lines between the pixels of the given: Resize in the mode linear."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, IntArray
from qcompile.ops.selection import Resize
from qcompile.ops.windows import Windows


@dataclass(frozen=True, slots=True)
class LinearAxis:
    """An axis of `size` pixels, of which `outputs` are made. Output o lies at the coordinate
    (2 * step * o + offset) / (2 * fine) among the pixels; what lies outside is like the outermost pixel.

    With each pixel repeated `fine` times, every output is a weighted sum over one window: a line is what is left of a step
    function when it is averaged over the length of a step.
    """

    size: int
    outputs: int
    fine: int = 1
    step: int = 1
    offset: int = 0

    @property
    def weights(self) -> IntArray:
        """(taps,): in units of 1 / their sum. Outputs between two places have one place more, of which the outer ones count
        half.
        """
        if self.offset % 2 == 0:
            return np.ones(self.fine, np.int64)
        return np.array([1, *[2] * (self.fine - 1), 1], np.int64)

    def places(self) -> IntArray:
        """The pixel at each place that the windows cover."""
        count = (self.outputs - 1) * self.step + self.weights.size
        places: IntArray = np.clip((self.offset // 2 + np.arange(count, dtype=np.int64)) // self.fine, 0, self.size - 1)
        return places

    @property
    def roundings(self) -> int:
        """How many roundings of a product by float32 are as much as that of the coordinates, which is relative to the size of
        the image, and of products with the least weight; none where they are multiples of a power of two.
        """
        return 0 if self.fine & (self.fine - 1) == 0 else 4 * self.fine * self.size


@dataclass(frozen=True, slots=True)
class LinearResize:
    """Input (x): (batch, C, *spatial) to (batch, C, *output spatial), one `LinearAxis` for each spatial axis."""

    kind: ClassVar[str] = "LinearResize"
    axes: tuple[LinearAxis, ...]

    @property
    def windows(self) -> Windows:
        """Those over the image with repeated pixels."""
        kernel, stride = tuple(axis.weights.size for axis in self.axes), tuple(axis.step for axis in self.axes)
        ones, zeros = (1,) * len(self.axes), (0,) * len(self.axes)
        return Windows(kernel, stride, ones, zeros, zeros)

    @property
    def repeated(self) -> Resize:
        """What makes the image over which the windows go."""
        found = (axis.places() for axis in self.axes)
        same = (np.array_equal(places, np.arange(axis.size)) for axis, places in zip(self.axes, found, strict=True))
        positions = (None if s else tuple(axis.places().tolist()) for axis, s in zip(self.axes, same, strict=True))
        return Resize((None, None, *positions))

    @property
    def weights(self) -> IntArray:
        """(places of a window,), row by row, in units of 1 / their sum."""
        total = np.ones(1, np.int64)
        for axis in self.axes:
            total = np.multiply.outer(total, axis.weights).reshape(-1)
        return total

    def infer_shape(self, *shapes: Shape) -> Shape:
        """(batch, C, *output spatial); raises ValueError for an image of another size."""
        if shapes[0][2:] != tuple(axis.size for axis in self.axes):
            raise ValueError(f"an image of {tuple(axis.size for axis in self.axes)} is resized, not {shapes[0]}")
        return (*shapes[0][:2], *(axis.outputs for axis in self.axes))

    def terms(self, *shapes: Shape) -> int:
        """One for each place of a window, and what roundings of the coordinates amount to."""
        return prod(axis.weights.size for axis in self.axes) + sum(axis.roundings for axis in self.axes)

    def evaluate(self, *inputs: Array) -> Array:
        """float32; the leading axis counts frames."""
        x, axes = self.repeated.evaluate(inputs[0].astype(np.float32)), len(self.axes)
        patches = self.windows.patches(np.moveaxis(x, 2, -1), first_axis=2, fill=0)
        weights = (self.weights / self.weights.sum()).astype(np.float32)
        flat = patches.reshape(*patches.shape[: 2 + axes], weights.size, -1)
        sums: Array = np.einsum("...pc,p->...c", flat, weights, dtype=np.float32)
        return np.moveaxis(sums, -1, 2)
