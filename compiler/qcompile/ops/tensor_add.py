"""Sum of two tensors that are both computed, with integer factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, Range
from qcompile.ops.roles import joint_shape


@dataclass(frozen=True, slots=True)
class TensorAdd:
    """Inputs (a, b): factors[0] * a + factors[1] * b, on real numbers (factors 1 and -1; shapes broadcast, of as many axes)
    or integers (one shape).
    """

    kind: ClassVar[str] = "TensorAdd"
    elementwise: ClassVar[bool] = True
    factors: tuple[int, int] = (1, 1)

    def infer_shape(self, *shapes: Shape) -> Shape:
        """The common shape; raises ValueError where there is none."""
        return joint_shape("added", shapes)

    def terms(self, *shapes: Shape) -> int:
        """One for each tensor."""
        return len(shapes)

    def joint_magnitude(self, *largest: Array) -> Array:
        """The sum of both."""
        return np.asarray(largest[0] + largest[1])

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
