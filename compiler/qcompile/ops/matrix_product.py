"""Matrix product of two tensors that are both computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, Range


@dataclass(frozen=True, slots=True)
class MatrixProduct:
    """Inputs (a, b): a (..., M, K) times b (..., K, N), or b (..., N, K) where it is `transposed`.

    On integers factors[0] * a + terms_added[0] times factors[1] * b + terms_added[1]: see TensorMultiply.
    """

    kind: ClassVar[str] = "MatrixProduct"
    elementwise: ClassVar[bool] = False
    transposed: bool = False
    factors: tuple[int, int] = (1, 1)
    terms_added: tuple[int, int] = (0, 0)

    def infer_shape(self, *shapes: Shape) -> Shape:
        """(..., M, N); raises ValueError where the shapes do not fit."""
        a, b = shapes
        if len(a) < 2 or len(a) != len(b) or a[:-2] != b[:-2] or a[-1] != b[-1 if self.transposed else -2]:
            raise ValueError(f"tensors of the shapes {a} and {b} have no matrix product")
        return (*a[:-1], b[-2 if self.transposed else -1])

    def terms(self, *shapes: Shape) -> int:
        """One for each element of the summed axis."""
        return shapes[0][-1]

    def joint_magnitude(self, *largest: Array) -> Array:
        """The product of the magnitudes."""
        return self._product(*largest)

    def evaluate(self, *inputs: Array) -> Array:
        """int64, exact, for integers, else float32."""
        a, b = inputs
        if np.issubdtype(a.dtype, np.integer):
            a, b = (x * f + t for x, f, t in zip(inputs, self.factors, self.terms_added, strict=True))
            return self._product(a, b)
        return self._product(a.astype(np.float32), b.astype(np.float32))

    def infer_range(self, a: Range, b: Range, inner: int) -> Range:
        """One range for all sums of `inner` products, from the extreme corners of each."""
        right = b if self.transposed or b.lo.size == 1 else b.shared()
        ends = [
            (known.per_channel(inner).lo * factor + term, known.per_channel(inner).hi * factor + term)
            for known, factor, term in zip((a, right), self.factors, self.terms_added, strict=True)
        ]
        corners = np.stack([x * y for x in ends[0] for y in ends[1]])
        return Range.of(corners.min(axis=0).sum(), corners.max(axis=0).sum())

    def _product(self, a: Array, b: Array) -> Array:
        return np.asarray(np.matmul(a, np.swapaxes(b, -1, -2) if self.transposed else b))
