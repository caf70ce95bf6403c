"""Each channel of a window with weights of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, IntArray, Range


@dataclass(frozen=True, slots=True)
class ChannelProduct:
    """Inputs (x, weights): x (..., positions * C) and weights (positions, C) to (..., C): sums over the positions."""

    kind: ClassVar[str] = "ChannelProduct"

    def infer_shape(self, *shapes: Shape) -> Shape:
        """(..., C); raises ValueError when the window has another size."""
        x, (positions, channels) = shapes[0], shapes[1]
        if x[-1] != positions * channels:
            raise ValueError(f"windows of {x[-1]} elements are not {positions} positions of {channels} channels")
        return (*x[:-1], channels)

    def evaluate(self, *inputs: Array) -> Array:
        """int64, exact; the leading axis counts frames."""
        x, weights = inputs
        sums: Array = np.einsum("...pc,pc->...c", x.reshape(*x.shape[:-1], *weights.shape), weights)
        return sums

    def infer_range(self, x: Range, weights: IntArray) -> Range:
        """The exact reachable sums of each channel."""
        inputs = x.per_channel(weights.size)
        low, high = inputs.lo.reshape(weights.shape), inputs.hi.reshape(weights.shape)
        products = np.stack([weights * low, weights * high])
        return Range.of(products.min(axis=0).sum(axis=0), products.max(axis=0).sum(axis=0))
