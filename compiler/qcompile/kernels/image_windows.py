"""What window units over an image have in common: shape, parameters, result."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.window_geometry import WindowAxis, WindowGeometry
from qcompile.ops.windows import Windows


@dataclass(frozen=True, slots=True)
class ImageWindows:
    """Windows of an image (height, width, channels), row by row, each in the order tap row, tap column, channel.

    Element (oy, ox, ky, kx, c) is x[oy * stride[0] + ky * dilation[0] - top, ox * stride[1] + kx * dilation[1] - left,
    c], and `padding` outside of the image; `pads` are (top, left, bottom, right).
    """

    height: int
    width: int
    channels: int
    element: IntType
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    padding: int = 0

    @property
    def geometry(self) -> WindowGeometry:
        """Which pixels the windows read, and when."""
        top, left, bottom, right = self.pads
        return WindowGeometry(
            WindowAxis(self.height, self.kernel[0], self.stride[0], self.dilation[0], top, bottom),
            WindowAxis(self.width, self.kernel[1], self.stride[1], self.dilation[1], left, right),
        )

    def shape_parameters(self) -> tuple[tuple[str, int | str], ...]:
        """The RTL parameters of image and windows."""
        names = ("TOP", "LEFT", "BOTTOM", "RIGHT")
        return (
            ("HEIGHT", self.height),
            ("WIDTH", self.width),
            ("KERNEL_H", self.kernel[0]),
            ("KERNEL_W", self.kernel[1]),
            ("STRIDE_H", self.stride[0]),
            ("STRIDE_W", self.stride[1]),
            ("DILATION_H", self.dilation[0]),
            ("DILATION_W", self.dilation[1]),
            *((f"PAD_{name}", pad) for name, pad in zip(names, self.pads, strict=True)),
        )

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """(frames, height * width * channels) to (frames, windows * taps * channels)."""
        (x,) = frames
        windows = Windows(self.kernel, self.stride, self.dilation, self.pads[:2], self.pads[2:])
        image = x.reshape(-1, self.height, self.width, self.channels)
        patches = windows.patches(image, first_axis=1, fill=self.padding)
        return (np.ascontiguousarray(patches).reshape(x.shape[0], -1),)
