"""RequantShift of integer networks for PULP processors: multiply, add, shift, saturate, all on integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, IntArray
from qcompile.ops.roles import Float32Array, Lattice, broadcast_shape

LARGEST_PRODUCT = 1 << 62
"""With a term and a half of 2^40 at most, sums fit 64 bits."""


@dataclass(frozen=True, slots=True)
class RequantShift:
    """Inputs (x, factor, term), x float32 numbers that are integers, the others int64 that broadcast against it.

    lo..hi saturates floor((x * factor + term + 2**(shift - 1)) / 2**shift): halves are rounded up.
    """

    kind: ClassVar[str] = "RequantShift"
    shift: int
    lo: int
    hi: int

    def infer_shape(self, *shapes: Shape) -> Shape:
        """Shape of x."""
        return broadcast_shape(shapes)

    def codes(self, x: Float32Array, *operands: Array) -> IntArray:
        """The integers themselves. What is so large that 64 bits do not hold the product saturates like any large number."""
        factor, term = (operand.astype(np.int64) for operand in operands)
        half = (1 << self.shift) >> 1
        limit = LARGEST_PRODUCT // np.maximum(np.abs(factor), 1)
        whole = np.clip(np.trunc(x).astype(np.float64), -limit, limit).astype(np.int64)
        total = whole * factor + term + half
        result: IntArray = np.clip(total >> self.shift, self.lo, self.hi)
        return result

    def evaluate(self, *inputs: Array) -> Array:
        """The codes as float32 numbers."""
        return self.codes(inputs[0].astype(np.float32), *inputs[1:]).astype(np.float32)

    def lattice(self, *operands: Array) -> Lattice:
        """Codes stand for themselves."""
        return Lattice.of(1.0)
