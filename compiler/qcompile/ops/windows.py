"""Geometry of sliding windows: kernel, stride, dilation and padding over any number of spatial axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, IntArray


@dataclass(frozen=True, slots=True)
class Windows:
    """One number an axis each; `before` and `after` are the padding at the start and at the end of the axis.

    `ceil_mode` lets the last window begin inside and end outside of the padded axis (pooling only).
    """

    kernel: Shape
    stride: Shape
    dilation: Shape
    before: Shape
    after: Shape
    ceil_mode: bool = False

    def output(self, spatial: Shape) -> Shape:
        """Number of windows along each axis; raises ValueError where not even one fits."""
        sizes = []
        for size, kernel, stride, dilation, before, after in zip(
            spatial, self.kernel, self.stride, self.dilation, self.before, self.after, strict=True
        ):
            room = size + before + after - (kernel - 1) * dilation - 1
            if room < 0:
                raise ValueError(f"a window of {kernel} with dilation {dilation} does not fit an axis of {size}")
            count = -(-room // stride) + 1 if self.ceil_mode else room // stride + 1
            if self.ceil_mode and (count - 1) * stride >= size + before:
                count -= 1
            sizes.append(count)
        return tuple(sizes)

    def counts(self, spatial: Shape, padding: bool) -> tuple[IntArray, ...]:
        """For each axis, how many elements the windows hold, with those of the padding or without; what a last window
        reaches beyond the padding (`ceil_mode`) is never counted.
        """
        found = []
        for k, (size, outputs) in enumerate(zip(spatial, self.output(spatial), strict=True)):
            place = np.arange(outputs)[:, None] * self.stride[k] + np.arange(self.kernel[k]) * self.dilation[k]
            first, end = (0, size + self.before[k] + self.after[k]) if padding else (self.before[k], size + self.before[k])
            found.append(((place >= first) & (place < end)).sum(axis=1))
        return tuple(found)

    def inside(self, spatial: Shape) -> tuple[Array, ...]:
        """For each axis (outputs, kernel), bool: whether an element of a window lies in the image."""
        found = []
        for k, (size, outputs) in enumerate(zip(spatial, self.output(spatial), strict=True)):
            place = np.arange(outputs)[:, None] * self.stride[k] + np.arange(self.kernel[k]) * self.dilation[k]
            found.append((place >= self.before[k]) & (place < self.before[k] + size))
        return tuple(found)

    @property
    def padded(self) -> bool:
        """Whether there is any padding."""
        return any(self.before) or any(self.after)

    @property
    def trivial(self) -> bool:
        """Whether every window is just one element, in order."""
        return self.kernel == (1,) * len(self.kernel) == self.stride and not self.padded

    def patches(self, x: Array, first_axis: int, fill: float) -> Array:
        """Windows of x, whose spatial axes start at `first_axis`: (..., *output, *kernel, rest of x)."""
        axes = len(self.kernel)
        spatial = x.shape[first_axis : first_axis + axes]
        out = self.output(spatial)
        pads = [(0, 0)] * x.ndim
        for k in range(axes):
            needed = (out[k] - 1) * self.stride[k] + (self.kernel[k] - 1) * self.dilation[k] + 1
            pads[first_axis + k] = (self.before[k], max(needed - spatial[k] - self.before[k], 0))
        padded = np.pad(x, pads, constant_values=fill)
        reach = tuple((self.kernel[k] - 1) * self.dilation[k] + 1 for k in range(axes))
        views = np.lib.stride_tricks.sliding_window_view(
            padded, reach, axis=tuple(range(first_axis, first_axis + axes))
        )
        index: list[slice] = [slice(None)] * views.ndim
        for k in range(axes):
            index[first_axis + k] = slice(0, (out[k] - 1) * self.stride[k] + 1, self.stride[k])
            index[views.ndim - axes + k] = slice(None, None, self.dilation[k])
        chosen = views[tuple(index)]
        order = list(range(first_axis + axes)) + list(range(chosen.ndim - axes, chosen.ndim))
        order += list(range(first_axis + axes, chosen.ndim - axes))
        return chosen.transpose(order)
