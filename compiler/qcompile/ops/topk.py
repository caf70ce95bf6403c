"""Indices of the k greatest (or least) elements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array


@dataclass(frozen=True, slots=True)
class TopK:
    """Input (x): along `axis` (counted from the end) the indices, or the values, of the k greatest or least, in order.

    Equal elements keep the order of their indices, as onnxruntime does.
    """

    kind: ClassVar[str] = "TopK"
    k: int
    axis: int = -1
    largest: bool = True
    values: bool = False

    def infer_shape(self, *shapes: Shape) -> Shape:
        """Shape of x with k elements along the axis."""
        shape = list(shapes[0])
        if self.k > shape[self.axis]:
            raise ValueError(f"k = {self.k} exceeds the {shape[self.axis]} elements of axis {self.axis}")
        shape[self.axis] = self.k
        return tuple(shape)

    def evaluate(self, *inputs: Array) -> Array:
        """int64 indices, or values of the dtype of x."""
        x = inputs[0]
        order = np.argsort(-x if self.largest else x, axis=self.axis, kind="stable")
        indices = np.take(order, np.arange(self.k), axis=self.axis)
        return np.take_along_axis(x, indices, axis=self.axis) if self.values else indices.astype(np.int64)
