"""Windows of an integer image as vectors: what turns a convolution into a matrix product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape, element_count
from qcompile.ir.types import Array, Range
from qcompile.ops.windows import Windows


@dataclass(frozen=True, slots=True)
class SlidingWindow:
    """Input (x): (height, width, C) to (output height, output width, kernel height * kernel width * C), the window in
    the order row, column, channel; the integer `padding` outside of the image. Two spatial axes; one of them is 1 for
    sequences. With several `groups` of channels, a window has those of one group after another: group, row, column,
    channel of the group.
    """

    kind: ClassVar[str] = "SlidingWindow"
    windows: Windows
    padding: int = 0
    groups: int = 1

    def infer_shape(self, *shapes: Shape) -> Shape:
        """(output height, output width, elements of a window); raises ValueError when the groups do not divide C."""
        height, width, channels = shapes[0]
        if channels % self.groups:
            raise ValueError(f"{self.groups} groups do not divide {channels} channels")
        return (*self.windows.output((height, width)), element_count(self.windows.kernel) * channels)

    def evaluate(self, *inputs: Array) -> Array:
        """int64; the leading axis counts frames."""
        patches = self.windows.patches(inputs[0], first_axis=1, fill=self.padding)
        split = patches.reshape(*patches.shape[:5], self.groups, -1)
        ordered = split.transpose(0, 1, 2, 5, 3, 4, 6)
        return np.ascontiguousarray(ordered).reshape(*patches.shape[:3], -1)

    def infer_range(self, x: Range) -> Range:
        """That of the image for each position of the window, and the padding where there is any."""
        positions = element_count(self.windows.kernel)
        low, high = x.lo, x.hi
        if x.lo.size > 1:
            parts = (bound.reshape(self.groups, 1, -1) for bound in (low, high))
            low, high = (np.tile(part, (1, positions, 1)).reshape(-1) for part in parts)
        if self.windows.padded or self.windows.ceil_mode:
            low, high = np.minimum(low, self.padding), np.maximum(high, self.padding)
        return Range.of(low, high)
