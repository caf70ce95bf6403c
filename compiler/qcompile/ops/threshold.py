"""Integer thresholds: the form that most quantisers of low-bit networks take in hardware."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, IntArray, Range


@dataclass(frozen=True, slots=True)
class Threshold:
    """Inputs (x, thresholds, descending): base + #{k: x >= thresholds[c, k]} for channel c, the last axis of x.

    `thresholds` is int64 (channels or 1, n), ascending along n. Where `descending[c]` is 1, -x - 1 is compared
    instead of x: the function falls with x.
    """

    kind: ClassVar[str] = "Threshold"
    base: int

    def infer_shape(self, *shapes: Shape) -> Shape:
        """Shape of x; raises ValueError when the channels differ."""
        x, thresholds, descending = shapes
        if thresholds[0] not in (1, x[-1]) or descending[0] not in (1, x[-1]):
            raise ValueError(f"thresholds {thresholds} do not fit a tensor {x}")
        return x

    def evaluate(self, *inputs: Array) -> Array:
        """int64 result of the shape of x."""
        x, thresholds, descending = inputs
        compared = np.where(descending.astype(bool), -x - 1, x)
        if thresholds.shape[0] == 1:
            return self.base + np.searchsorted(thresholds[0], compared, side="right")
        result = np.empty(compared.shape, np.int64)
        for channel, row in enumerate(thresholds):
            result[..., channel] = np.searchsorted(row, compared[..., channel], side="right")
        return result + self.base

    def infer_range(self, x: Range, thresholds: IntArray, descending: IntArray) -> Range:
        """Per channel, the results at the two ends of the range of x."""
        channels = max(x.lo.size, thresholds.shape[0], descending.size)
        ends = self.evaluate(np.stack([x.per_channel(channels).lo, x.per_channel(channels).hi]), thresholds, descending)
        return Range.of(ends.min(axis=0), ends.max(axis=0))
