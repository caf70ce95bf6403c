"""Uniform quantisation: QONNX Quant and BipolarQuant, and ONNX QuantizeLinear followed by DequantizeLinear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, IntArray
from qcompile.ops.roles import Float32Array, Lattice, broadcast_shape

ROUNDING: dict[str, Callable[[Array], Array]] = {
    "HALF_EVEN": np.rint,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
    "UP": lambda x: np.sign(x) * np.ceil(np.abs(x)),
    "DOWN": lambda x: np.sign(x) * np.floor(np.abs(x)),
    "HALF_UP": lambda x: np.sign(x) * np.floor(np.abs(x) + x.dtype.type(0.5)),
    "HALF_DOWN": lambda x: np.sign(x) * np.ceil(np.abs(x) - x.dtype.type(0.5)),
}
"""Rounding modes of the QONNX standard; those named HALF round to the nearest and differ on ties, away from or
towards zero.
"""


@dataclass(frozen=True, slots=True)
class Quantize:
    """Inputs (x, scale, zero_point). Codes lo..hi; `clamp_first` and `zero_point_first` as the dialect orders its
    steps.

    A `bipolar` quantiser has the two codes 0 and 1 for -scale and +scale; without `divide` (BipolarQuant) x is
    compared with zero directly. Where it is not `dequantized` (QuantizeLinear) the model goes on with the codes
    themselves, zero point included, as numbers.
    """

    kind: ClassVar[str] = "Quantize"
    lo: int
    hi: int
    rounding: str = "HALF_EVEN"
    zero_point_first: bool = True
    bipolar: bool = False
    divide: bool = True
    dequantized: bool = True

    def infer_shape(self, *shapes: Shape) -> Shape:
        """Shape of x."""
        return broadcast_shape(shapes)

    def codes(self, x: Float32Array, *operands: Array) -> IntArray:
        """Codes with the zero point subtracted where it is an integer, so that real zero has the code 0."""
        scale, zero_point = operands
        with np.errstate(all="ignore"):
            scaled = x / scale if self.divide else x
            if self.bipolar:
                return (scaled + zero_point >= 0).astype(np.int64)
            if self.zero_point_first:
                rounded = ROUNDING[self.rounding](
                    np.clip(scaled + zero_point, x.dtype.type(self.lo), x.dtype.type(self.hi))
                )
            else:
                rounded = np.clip(ROUNDING[self.rounding](scaled) + zero_point, self.lo, self.hi)
            return (rounded - self._removed(zero_point)).astype(np.int64)

    def evaluate(self, *inputs: Array) -> Array:
        """The dequantised float32 values, or the codes as float32."""
        x, scale, zero_point = inputs
        return self.lattice(scale, zero_point).decode(self.codes(x.astype(np.float32), scale, zero_point))

    def lattice(self, *operands: Array) -> Lattice:
        """X = scale * (code - what is left of the zero point); a bipolar code c stands for 2 * scale * (c - 1/2)."""
        scale, zero_point = operands
        if self.bipolar:
            return Lattice.of(2.0 * np.asarray(scale, np.float64), -0.5 - 0.5 * np.asarray(zero_point, np.float64))
        if not self.dequantized:
            return Lattice.of(1.0, self._removed(zero_point))
        return Lattice.of(scale, np.asarray(self._removed(zero_point) - zero_point, np.float64))

    @staticmethod
    def _removed(zero_point: Array) -> Array:
        """The integer part of the zero point that codes are freed of: all of it when it is an integer, else nothing."""
        return np.where(np.rint(zero_point) == zero_point, zero_point, np.zeros_like(zero_point))
