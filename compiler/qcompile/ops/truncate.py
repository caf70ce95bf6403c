"""QONNX Trunc: takes low bits off a quantised tensor, with a choice of rounding (version 1 and version 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, IntArray
from qcompile.ops.quantize import ROUNDING
from qcompile.ops.roles import Float32Array, Lattice, broadcast_shape


@dataclass(frozen=True, slots=True)
class Truncate:
    """Inputs (x, scale, zero_point, output_scale).

    The codes of x are recovered by rounding x / scale + zero_point, divided by 2**shift, clamped to lo..hi where
    those are given (version 2 clamps, version 1 does not and has output_scale = scale), and rounded.
    """

    kind: ClassVar[str] = "Truncate"
    shift: int
    rounding: str = "FLOOR"
    lo: int | None = None
    hi: int | None = None

    def infer_shape(self, *shapes: Shape) -> Shape:
        """Shape of x."""
        return broadcast_shape(shapes)

    def codes(self, x: Float32Array, *operands: Array) -> IntArray:
        """Truncated codes, zero point included."""
        scale, zero_point, _ = operands
        divided = np.rint(x / scale + zero_point) / np.float32(2.0**self.shift)
        if self.lo is not None and self.hi is not None:
            divided = np.clip(divided, np.float32(self.lo), np.float32(self.hi))
        return ROUNDING[self.rounding](divided).astype(np.int64)

    def evaluate(self, *inputs: Array) -> Array:
        """The dequantised float32 values."""
        return self.lattice(*inputs[1:]).decode(self.codes(inputs[0].astype(np.float32), *inputs[1:]))

    def lattice(self, *operands: Array) -> Lattice:
        """(code - zero_point / 2**shift) * output_scale; version 1 leaves the zero point undivided."""
        _, zero_point, output_scale = operands
        divided = zero_point if self.lo is None else zero_point / 2.0**self.shift
        return Lattice.of(output_scale, -np.asarray(divided, np.float64))
