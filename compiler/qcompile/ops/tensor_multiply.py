"""Product of two tensors that are both computed, element by element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, Range
from qcompile.ops.roles import joint_shape


@dataclass(frozen=True, slots=True)
class TensorMultiply:
    """Inputs (a, b): a * b on real numbers (shapes broadcast, of as many axes).

    On integers of one shape (factors[0] * a + terms[0]) * (factors[1] * b + terms[1]): what is left of a zero point, and
    the factor 2 that makes an integer of a bipolar half.
    """

    kind: ClassVar[str] = "TensorMultiply"
    elementwise: ClassVar[bool] = True
    factors: tuple[int, int] = (1, 1)
    terms_added: tuple[int, int] = (0, 0)

    def infer_shape(self, *shapes: Shape) -> Shape:
        """The common shape; raises ValueError where there is none."""
        return joint_shape("multiplied", shapes)

    def terms(self, *shapes: Shape) -> int:
        """One product."""
        return 1

    def joint_magnitude(self, *largest: Array) -> Array:
        """The product of both."""
        return np.asarray(largest[0] * largest[1])

    def evaluate(self, *inputs: Array) -> Array:
        """int64 for integers, else float32."""
        a, b = inputs
        if np.issubdtype(a.dtype, np.integer):
            first, second = (
                x * factor + term for x, factor, term in zip(inputs, self.factors, self.terms_added, strict=True)
            )
            return np.asarray(first * second)
        return np.asarray(a.astype(np.float32) * b.astype(np.float32))

    def infer_range(self, a: Range, b: Range) -> Range:
        """Per channel, the extreme corners."""
        channels = max(a.lo.size, b.lo.size)
        ends = [
            (known.per_channel(channels).lo * factor + term, known.per_channel(channels).hi * factor + term)
            for known, factor, term in zip((a, b), self.factors, self.terms_added, strict=True)
        ]
        corners = np.stack([x * y for x in ends[0] for y in ends[1]])
        return Range.of(corners.min(axis=0), corners.max(axis=0))
