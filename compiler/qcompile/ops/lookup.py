"""Integer functions of one integer as a table, for what is not monotone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, IntArray, Range


@dataclass(frozen=True, slots=True)
class Lookup:
    """Inputs (x, table): table[c, x - first] for channel c, the last axis of x; table (channels or 1, size), int64."""

    kind: ClassVar[str] = "Lookup"
    first: int

    def infer_shape(self, *shapes: Shape) -> Shape:
        """Shape of x; raises ValueError when the channels differ."""
        x, table = shapes
        if table[0] not in (1, x[-1]):
            raise ValueError(f"a table {table} does not fit a tensor {x}")
        return x

    def evaluate(self, *inputs: Array) -> Array:
        """int64 result of the shape of x; raises IndexError for an x outside of the table."""
        x, table = inputs
        index = x - self.first
        if bool(np.any(index < 0)):
            raise IndexError(f"{int(x.min())} lies before the first entry, {self.first}")
        channel = 0 if table.shape[0] == 1 else np.arange(x.shape[-1])
        entries: Array = table[channel, index]
        return entries

    def infer_range(self, x: Range, table: IntArray) -> Range:
        """Per channel, the least and greatest entry within the range of x."""
        channels = max(x.lo.size, table.shape[0])
        ranges = x.per_channel(channels)
        rows = np.broadcast_to(table, (channels, table.shape[1]))
        reachable = np.arange(table.shape[1]) + self.first
        inside = (reachable >= ranges.lo[:, None]) & (reachable <= ranges.hi[:, None])
        low = np.where(inside, rows, np.iinfo(np.int64).max).min(axis=1)
        return Range.of(low, np.where(inside, rows, np.iinfo(np.int64).min).max(axis=1))
