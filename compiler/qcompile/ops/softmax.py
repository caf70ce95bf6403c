"""Softmax and LogSoftmax: left to the host, which needs them only for probabilities (they keep the order)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array
from qcompile.ops.roles import Float32Array


@dataclass(frozen=True, slots=True)
class Softmax:
    """Input (x): exponentials normalised over the last `axes` axes together; their logarithm with `logarithm`."""

    kind: ClassVar[str] = "Softmax"
    axes: tuple[int, ...] = (-1,)
    logarithm: bool = False

    def infer_shape(self, *shapes: Shape) -> Shape:
        """Shape of x."""
        return shapes[0]

    def evaluate(self, *inputs: Array) -> Array:
        """float32 result."""
        x = inputs[0].astype(np.float32)
        shifted: Float32Array = x - x.max(axis=self.axes, keepdims=True)
        total: Float32Array = np.exp(shifted).sum(axis=self.axes, keepdims=True)
        return shifted - np.log(total) if self.logarithm else np.exp(shifted) / total
