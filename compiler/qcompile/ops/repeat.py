"""A tensor repeated along new axes: what broadcasting means on a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape, element_count
from qcompile.ir.types import Array, Range


@dataclass(frozen=True, slots=True)
class Repeat:
    """Input x, in stream order a sequence of vectors of `vector` elements: each of them `times` times, as `shape`."""

    kind: ClassVar[str] = "Repeat"
    vector: int
    times: int
    shape: Shape

    def infer_shape(self, *shapes: Shape) -> Shape:
        """`shape`; raises ValueError when the number of elements does not fit."""
        count = element_count(shapes[0])
        if count % self.vector or count * self.times != element_count(self.shape):
            raise ValueError(f"{shapes[0]} does not become {self.shape} by repeating {self.vector} {self.times} times")
        return self.shape

    def evaluate(self, *inputs: Array) -> Array:
        """Any dtype; the leading axis counts frames."""
        (x,) = inputs
        vectors = x.reshape(x.shape[0], -1, 1, self.vector)
        return np.repeat(vectors, self.times, axis=2).reshape(x.shape[0], *self.shape)

    def infer_range(self, x: Range) -> Range:
        """As of x where the channels stay the same, else one range for all."""
        return x if x.lo.size in (1, self.shape[-1]) and self.vector % x.lo.size == 0 else x.shared()
