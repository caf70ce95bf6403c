"""FINN's MultiThreshold: counts how many thresholds a value reaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, IntArray
from qcompile.ops.roles import Float32Array, Lattice, broadcast_shape


@dataclass(frozen=True, slots=True)
class MultiThreshold:
    """Inputs (x, t_0, ..., t_n-1): each threshold a constant that broadcasts against x; y = scale * #{k: x >= t_k} +
    bias.
    """

    kind: ClassVar[str] = "MultiThreshold"
    scale: float
    bias: float

    def infer_shape(self, *shapes: Shape) -> Shape:
        """Shape of x."""
        return broadcast_shape(shapes)

    def codes(self, x: Float32Array, *operands: Array) -> IntArray:
        """The counts, with bias / scale added where that is an integer so that real zero has the code 0."""
        count = np.zeros(np.broadcast_shapes(x.shape, *(threshold.shape for threshold in operands)), np.int64)
        for threshold in operands:
            count += x >= threshold
        return count + self._added(len(operands))

    def evaluate(self, *inputs: Array) -> Array:
        """The dequantised float32 values."""
        x, *thresholds = inputs
        return self.lattice(*thresholds).decode(self.codes(x.astype(np.float32), *thresholds))

    def lattice(self, *operands: Array) -> Lattice:
        """Scale * (code - added) + bias, where the bias is taken into the shift when it is a multiple of half the
        scale.
        """
        if self._joined(len(operands)):
            return Lattice.of(self.scale, self.bias / self.scale - self._added(len(operands)))
        return Lattice.of(self.scale, 0.0, self.bias)

    def _added(self, thresholds: int) -> int:
        ratio = self.bias / self.scale
        return int(ratio) if ratio.is_integer() and self._joined(thresholds) else 0

    def _joined(self, thresholds: int) -> bool:
        """Whether scale * (count + bias / scale), rounded once, is what the model computes for every count: rounded
        twice.
        """
        ratio = self.bias / self.scale
        if not (2 * ratio).is_integer():
            return False
        counts = np.arange(thresholds + 1)
        apart = Lattice.of(self.scale, 0.0, self.bias).decode(counts)
        return bool(np.array_equal(Lattice.of(self.scale, ratio).decode(counts), apart))
