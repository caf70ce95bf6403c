"""Matrix product with constant weights, in real or in integer arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, IntArray, Range


@dataclass(frozen=True, slots=True)
class MatMul:
    """Inputs (x, weights[, bias]): x (..., K) times weights (K, M), plus bias (M,)."""

    kind: ClassVar[str] = "MatMul"

    def infer_shape(self, *shapes: Shape) -> Shape:
        """(..., M); raises ValueError when the inner dimensions differ."""
        x, weights = shapes[:2]
        if len(weights) != 2 or not x or x[-1] != weights[0]:
            raise ValueError(f"a tensor {x} cannot be multiplied with weights {weights}")
        return (*x[:-1], weights[1])

    def evaluate(self, *inputs: Array) -> Array:
        """float32 for real inputs; int64, exact, for integers (through float64 where no sum reaches 2**53)."""
        x, weights = inputs[:2]
        if not np.issubdtype(x.dtype, np.integer):
            product: Array = np.matmul(x.astype(np.float32), weights.astype(np.float32))
            return product + inputs[2] if len(inputs) > 2 else product
        largest = int(np.abs(weights).sum(axis=0).max(initial=0)) * int(np.abs(x).max(initial=0))
        if largest < 2**53:
            result: Array = np.matmul(x.astype(np.float64), weights.astype(np.float64)).astype(np.int64)
        else:
            result = np.matmul(x, weights)
        return result + inputs[2] if len(inputs) > 2 else result

    def terms(self, *shapes: Shape) -> int:
        """One for each row of the weights."""
        return shapes[1][0]

    def infer_range(self, x: Range, weights: IntArray, bias: IntArray | None = None) -> Range:
        """The exact reachable sums for each of the M outputs (formulas.md D: each weight times the worst input of its
        sign).
        """
        inputs = x.per_channel(weights.shape[0])
        positive, negative = np.maximum(weights, 0), np.minimum(weights, 0)
        start = np.zeros(weights.shape[1], np.int64) if bias is None else bias
        return Range.of(
            start + inputs.lo @ positive + inputs.hi @ negative,
            start + inputs.hi @ positive + inputs.lo @ negative,
        )
