"""The host's edge of the accelerator: real numbers to integer codes and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array
from qcompile.ops.roles import Lattice, broadcast_shape


@dataclass(frozen=True, slots=True)
class Encode:
    """Inputs (x, scale, shift, offset): integer codes of real numbers, rounded half to even and saturated to lo..hi."""

    kind: ClassVar[str] = "Encode"
    lo: int
    hi: int

    def infer_shape(self, *shapes: Shape) -> Shape:
        """Shape of x."""
        return broadcast_shape(shapes)

    def evaluate(self, *inputs: Array) -> Array:
        """int64 codes."""
        return np.clip(Lattice.of(*inputs[1:]).encode(inputs[0]), self.lo, self.hi)


@dataclass(frozen=True, slots=True)
class Decode:
    """Inputs (q, scale, shift, offset): the real numbers scale * (q + shift) + offset; product and sum are rounded to
    float32.
    """

    kind: ClassVar[str] = "Decode"

    def infer_shape(self, *shapes: Shape) -> Shape:
        """Shape of q."""
        return broadcast_shape(shapes)

    def evaluate(self, *inputs: Array) -> Array:
        """float32 values."""
        return Lattice.of(*inputs[1:]).decode(inputs[0].astype(np.int64))
