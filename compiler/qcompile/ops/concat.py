"""Tensors one behind the other along an axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, Range


@dataclass(frozen=True, slots=True)
class Concat:
    """Inputs of equal shapes but for the size of `axis` (counted from the front), on real numbers or integers.

    Among integers there are two inputs and `axis` is the last.
    """

    kind: ClassVar[str] = "Concat"
    axis: int

    def infer_shape(self, *shapes: Shape) -> Shape:
        """The sum of the sizes along the axis; raises ValueError where the others differ."""
        axis = self.axis
        if any(len(shape) != len(shapes[0]) or not 0 <= axis < len(shape) for shape in shapes):
            raise ValueError(f"tensors of the shapes {', '.join(map(str, shapes))} joined along axis {axis}")
        if len({shape[:axis] + shape[axis + 1 :] for shape in shapes}) > 1:
            raise ValueError(f"tensors of the shapes {', '.join(map(str, shapes))} joined along axis {axis}")
        return (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])

    def evaluate(self, *inputs: Array) -> Array:
        """Any dtype; the leading axis of frames stays."""
        return np.concatenate(inputs, axis=self.axis + 1)

    def infer_range(self, ranges: tuple[Range, ...], channels: tuple[int, ...]) -> Range:
        """Those of all channels, along the last axis."""
        rows = [known.per_channel(count) for known, count in zip(ranges, channels, strict=True)]
        return Range.of(np.concatenate([row.lo for row in rows]), np.concatenate([row.hi for row in rows]))
