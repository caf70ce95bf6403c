"""Windows that differ from phase to phase: what turns a transposed convolution into products with dense vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, Range
from qcompile.ops.taps import TapAxis, gather


@dataclass(frozen=True, slots=True)
class PhasedWindow:
    """Input (x): (height, width, C) to (elements,), one window after another, each only as long as its phase has taps.

    The order is output row, output column, group, tap row, tap column, channel of the group; the integer `padding`
    outside of the image.
    """

    kind: ClassVar[str] = "PhasedWindow"
    rows: TapAxis
    columns: TapAxis
    groups: int = 1
    padding: int = 0

    def infer_shape(self, *shapes: Shape) -> Shape:
        """(elements,) of all windows; raises ValueError when the image has another size."""
        height, width, channels = shapes[0]
        if (height, width) != (self.rows.size, self.columns.size) or channels % self.groups:
            raise ValueError(f"windows over {self.rows.size} x {self.columns.size} do not fit an image {shapes[0]}")
        return (int(self.rows.counts().sum() * self.columns.counts().sum()) * channels,)

    def evaluate(self, *inputs: Array) -> Array:
        """int64; the leading axis counts frames."""
        x = inputs[0]
        index = gather(self.rows, self.columns, self.groups)
        parts = x.reshape(x.shape[0], self.rows.size * self.columns.size * self.groups, -1)
        taken = np.where((index >= 0)[:, None], parts[:, index], self.padding)
        return taken.reshape(x.shape[0], -1)

    def infer_range(self, x: Range) -> Range:
        """That of the image for each element, the padding where it lies outside; one range where the image has one."""
        index = gather(self.rows, self.columns, self.groups)
        outside = index < 0
        if x.lo.size == 1:
            low, high = x.lo, x.hi
            widened = np.minimum(low, self.padding), np.maximum(high, self.padding)
            return Range.of(*widened) if bool(outside.any()) else x
        parts = (bound.reshape(self.groups, -1)[index % self.groups] for bound in (x.lo, x.hi))
        low, high = (np.where(outside[:, None], self.padding, part).reshape(-1) for part in parts)
        return Range.of(low, high)
