"""Transposed convolution in real arithmetic, one or two spatial axes, channels first as ONNX has it."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, prod
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array
from qcompile.ops.windows import Windows


@dataclass(frozen=True, slots=True)
class TransposedConvolution:
    """Inputs (x, weights[, bias]): x (batch, C, *spatial), weights (C, M / groups, *kernel), bias (M,).

    Element i along an axis is added, times the weight of tap k, to element i * stride + k * dilation - before of the
    result, which has (size - 1) * stride + (kernel - 1) * dilation + 1 - before - after of them: `windows` is that of
    the convolution that this one transposes, `after` its padding less the output padding, and negative at times.
    """

    kind: ClassVar[str] = "TransposedConvolution"
    windows: Windows
    groups: int = 1

    def outputs(self, spatial: Shape) -> Shape:
        """Size of the result along each axis; raises ValueError where there is nothing left of one."""
        w = self.windows
        axes = zip(spatial, w.kernel, w.stride, w.dilation, w.before, w.after, strict=True)
        sizes = tuple((size - 1) * s + (k - 1) * d + 1 - b - a for size, k, s, d, b, a in axes)
        if min(sizes) < 1:
            raise ValueError(f"padding of {w.before} and {w.after} leaves nothing of an image {spatial}")
        return sizes

    def infer_shape(self, *shapes: Shape) -> Shape:
        """(batch, M, *output spatial); raises ValueError when channels, groups or kernel do not fit."""
        x, weights = shapes[:2]
        if len(x) != len(weights) or len(x) != 2 + len(self.windows.kernel):
            raise ValueError(f"a tensor {x} cannot be convolved with weights {weights}")
        if x[1] != weights[0] or weights[0] % self.groups or weights[2:] != self.windows.kernel:
            raise ValueError(f"weights {weights} in {self.groups} groups do not fit a tensor {x}")
        return (x[0], weights[1] * self.groups, *self.outputs(x[2:]))

    def terms(self, *shapes: Shape) -> int:
        """One for each channel of a group and each tap of the phase that has most."""
        w = self.windows
        axes = zip(w.kernel, w.stride, w.dilation, strict=True)
        return shapes[1][0] // self.groups * prod(-(-k * gcd(d, s) // s) for k, s, d in axes)

    def evaluate(self, *inputs: Array) -> Array:
        """float32 result; the leading axis counts frames."""
        x, weights = inputs[0].astype(np.float32), inputs[1].astype(np.float32)
        spatial, w = x.shape[3:], self.windows
        output = self.outputs(spatial)
        grouped = np.moveaxis(x, 2, -1).reshape(*x.shape[:2], *spatial, self.groups, 1, -1)
        kernels = np.moveaxis(weights.reshape(self.groups, -1, *weights.shape[1:]), (1, 2), (-2, -1))
        room = [o + b + max(a, 0) for o, b, a in zip(output, w.before, w.after, strict=True)]
        total = np.zeros((*x.shape[:2], *room, self.groups, 1, weights.shape[1]), np.float32)
        for tap in np.ndindex(*w.kernel):
            axes = zip(tap, w.dilation, w.stride, spatial, strict=True)
            places = tuple(slice(k * d, k * d + (size - 1) * s + 1, s) for k, d, s, size in axes)
            total[(slice(None), slice(None), *places)] += grouped @ kernels[(slice(None), *tap)]
        cut = tuple(slice(b, b + o) for b, o in zip(w.before, output, strict=True))
        result = np.moveaxis(total[(slice(None), slice(None), *cut)].reshape(*x.shape[:2], *output, -1), -1, 2)
        return result + inputs[2].reshape(-1, *(1,) * len(spatial)) if len(inputs) > 2 else result
