"""Sum of two tensors that are both computed, with integer factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, Range


@dataclass(frozen=True, slots=True)
class TensorAdd:
    """Inputs (a, b) of one shape: factors[0] * a + factors[1] * b, on real numbers (factors 1 and -1) or integers."""

    kind: ClassVar[str] = "TensorAdd"
    factors: tuple[int, int] = (1, 1)

    def infer_shape(self, *shapes: Shape) -> Shape:
        """The common shape; raises ValueError where they differ."""
        if shapes[0] != shapes[1]:
            raise ValueError(f"tensors of the shapes {shapes[0]} and {shapes[1]} are added")
        return shapes[0]

    def terms(self, *shapes: Shape) -> int:
        """One for each tensor."""
        return len(shapes)

    def evaluate(self, *inputs: Array) -> Array:
        """The dtype of the inputs."""
        a, b = inputs
        if np.issubdtype(a.dtype, np.integer):
            total: Array = a * self.factors[0] + b * self.factors[1]
            return total
        return (a * np.float32(self.factors[0]) + b * np.float32(self.factors[1])).astype(np.float32)

    def infer_range(self, a: Range, b: Range) -> Range:
        """Per channel, both operands at their worst."""
        channels = max(a.lo.size, b.lo.size)
        parts = [
            np.sort(
                np.stack([factor * known.per_channel(channels).lo, factor * known.per_channel(channels).hi]), axis=0
            )
            for factor, known in zip(self.factors, (a, b), strict=True)
        ]
        return Range.of(parts[0][0] + parts[1][0], parts[0][1] + parts[1][1])
