"""Convolution in real arithmetic, one or two spatial axes, channels first as ONNX has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape, element_count
from qcompile.ir.types import Array
from qcompile.ops.windows import Windows


@dataclass(frozen=True, slots=True)
class Convolution:
    """Inputs (x, weights[, bias]): x (batch, C, *spatial), weights (M, C / groups, *kernel), bias (M,).

    `windows` is over the spatial axes; zero padding.
    """

    kind: ClassVar[str] = "Convolution"
    windows: Windows
    groups: int = 1

    def infer_shape(self, *shapes: Shape) -> Shape:
        """(batch, M, *output spatial); raises ValueError when channels, groups or kernel do not fit."""
        x, weights = shapes[:2]
        if len(x) != len(weights) or len(x) != 2 + len(self.windows.kernel):
            raise ValueError(f"a tensor {x} cannot be convolved with weights {weights}")
        if x[1] != weights[1] * self.groups or weights[0] % self.groups or weights[2:] != self.windows.kernel:
            raise ValueError(f"weights {weights} in {self.groups} groups do not fit a tensor {x}")
        return (x[0], weights[0], *self.windows.output(x[2:]))

    def terms(self, *shapes: Shape) -> int:
        """One for each weight of an output channel."""
        return element_count(shapes[1][1:])

    def evaluate(self, *inputs: Array) -> Array:
        """float32 result; the leading axis counts frames."""
        x, weights = inputs[0].astype(np.float32), inputs[1].astype(np.float32)
        frames, batch, channels = x.shape[:3]
        axes = x.ndim - 3
        patches = self.windows.patches(np.moveaxis(x, 2, -1), first_axis=2, fill=0)  # (F, B, *out, *kernel, C)
        patches = np.moveaxis(patches, -1, 2 + axes)  # (F, B, *out, C, *kernel)
        size = channels // self.groups
        outputs = weights.shape[0] // self.groups
        out_shape = patches.shape[2 : 2 + axes]
        parts = []
        for group in range(self.groups):
            chosen = patches[(slice(None),) * (2 + axes) + (slice(group * size, (group + 1) * size),)]
            rows = chosen.reshape(frames * batch * int(np.prod(out_shape)), -1)
            matrix = weights[group * outputs : (group + 1) * outputs].reshape(outputs, -1)
            parts.append((rows @ matrix.T).reshape(frames, batch, *out_shape, outputs))
        result = np.moveaxis(np.concatenate(parts, axis=-1), -1, 2)
        return result + inputs[2].reshape(-1, *(1,) * axes) if len(inputs) > 2 else result
