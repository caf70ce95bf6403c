"""Padding with one value, of real tensors and of integer images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, Range


@dataclass(frozen=True, slots=True)
class Pad:
    """Input (x): `before` and `after` elements of `value` along each axis of a frame; of an integer image (height, width,
    C), where `value` is an integer, along the first two.
    """

    kind: ClassVar[str] = "Pad"
    before: Shape
    after: Shape
    value: float = 0

    def infer_shape(self, *shapes: Shape) -> Shape:
        """The larger shape; raises ValueError where the axes differ in number."""
        if not len(shapes[0]) == len(self.before) == len(self.after):
            raise ValueError(f"pads for {len(self.before)} axes of a tensor {shapes[0]}")
        return tuple(sum(sizes) for sizes in zip(self.before, shapes[0], self.after, strict=True))

    def evaluate(self, *inputs: Array) -> Array:
        """The dtype of the input; the leading axis counts frames."""
        pads = ((0, 0), *zip(self.before, self.after, strict=True))
        return np.pad(inputs[0], pads, constant_values=self.value)

    def infer_range(self, x: Range) -> Range:
        """That of the image with the value in every channel."""
        value = int(self.value)
        return Range.of(np.minimum(x.lo, value), np.maximum(x.hi, value))
