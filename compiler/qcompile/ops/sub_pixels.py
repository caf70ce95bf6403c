"""Channels to pixels and back: sub-pixel convolution and its inverse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array


@dataclass(frozen=True, slots=True)
class DepthToSpace:
    """(1, C * block**2, H, W) to (1, C, H * block, W * block).

    The channels are block rows, block columns, C; with `column_row_depth` (mode CRD) C, block rows, block columns.
    """

    kind: ClassVar[str] = "DepthToSpace"
    moves_elements: ClassVar[bool] = True
    block: int
    column_row_depth: bool = False

    def infer_shape(self, *shapes: Shape) -> Shape:
        """See the class; raises ValueError where the block does not divide the channels."""
        batch, channels, height, width = _image(shapes[0])
        if self.block < 1 or channels % self.block**2:
            raise ValueError(f"{channels} channels are no blocks of {self.block} x {self.block}")
        return (batch, channels // self.block**2, height * self.block, width * self.block)

    def evaluate(self, *inputs: Array) -> Array:
        """Any dtype; the leading axis of frames stays."""
        (x,) = inputs
        frames, batch, channels, height, width = x.shape
        size, depth = self.block, channels // self.block**2
        if self.column_row_depth:
            split = x.reshape(frames, batch, depth, size, size, height, width).transpose(0, 1, 2, 5, 3, 6, 4)
        else:
            split = x.reshape(frames, batch, size, size, depth, height, width).transpose(0, 1, 4, 5, 2, 6, 3)
        return split.reshape(frames, batch, depth, height * size, width * size)


@dataclass(frozen=True, slots=True)
class SpaceToDepth:
    """(1, C, H * block, W * block) to (1, C * block**2, H, W); the channels are block rows, block columns, C."""

    kind: ClassVar[str] = "SpaceToDepth"
    moves_elements: ClassVar[bool] = True
    block: int

    def infer_shape(self, *shapes: Shape) -> Shape:
        """See the class; raises ValueError where the block does not divide the image."""
        batch, channels, height, width = _image(shapes[0])
        if self.block < 1 or height % self.block or width % self.block:
            raise ValueError(f"blocks of {self.block} x {self.block} do not divide an image of {height} x {width}")
        return (batch, channels * self.block**2, height // self.block, width // self.block)

    def evaluate(self, *inputs: Array) -> Array:
        """Any dtype; the leading axis of frames stays."""
        (x,) = inputs
        frames, batch, channels, height, width = x.shape
        size = self.block
        split = x.reshape(frames, batch, channels, height // size, size, width // size, size)
        moved = split.transpose(0, 1, 4, 6, 2, 3, 5)
        return moved.reshape(frames, batch, size * size * channels, height // size, width // size)


def _image(shape: Shape) -> Shape:
    if len(shape) != 4:
        raise ValueError(f"an image has four axes, not the shape {shape}")
    return shape
