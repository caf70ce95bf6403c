"""Sign as a quantiser: the ONNX operator has the three values -1, 0, 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, IntArray
from qcompile.ops.roles import Float32Array, Lattice, broadcast_shape


@dataclass(frozen=True, slots=True)
class Sign:
    """Input (x): -1, 0 or 1."""

    kind: ClassVar[str] = "Sign"

    def infer_shape(self, *shapes: Shape) -> Shape:
        """Shape of x."""
        return broadcast_shape(shapes)

    def codes(self, x: Float32Array, *_operands: Array) -> IntArray:
        """The sign as an integer."""
        return np.sign(x).astype(np.int64)

    def evaluate(self, *inputs: Array) -> Array:
        """The sign as float32."""
        return np.sign(inputs[0]).astype(np.float32)

    def lattice(self, *_operands: Array) -> Lattice:
        """A code stands for itself."""
        return Lattice.of(1.0)
