"""Real tensors held as functions of integer ones (design 4): nothing is rewritten, evaluation is put off."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qcompile.ir.graph import Shape, element_count
from qcompile.ir.types import Array, FloatArray, IntArray
from qcompile.ops import Elementwise
from qcompile.ops.roles import Direction, Float32Array, Lattice, Layout, Pointwise
from qcompile.transforms.step_function import Trend


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A pointwise operator with its constants, each of shape (channels,) or (1,)."""

    op: Pointwise
    operands: tuple[Array, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Deferred:
    """The real tensor f(q). Channels are the last axis of the integer value `q`, whose frame has the shape `q_shape`.

    The real tensor has the shape `shape`; its element at position p is element `index[p]` of the flattened integer
    frame, or element p of a frame of as many elements when `index` is None. Several elements may be the same one of the
    frame, and elements of the frame may be left out. `anchor` is the last real tensor for which integers were made: that
    at which `steps` began, or one of which some of them are a part (a maximum of integers is that of what they stand for).
    """

    q: str
    q_shape: Shape
    shape: Shape
    lattice: Lattice
    anchor: str
    index: IntArray | None = None
    steps: tuple[Step, ...] = ()

    @property
    def channels(self) -> int:
        """Number of channels of the integer value."""
        return self.q_shape[-1]

    def positions(self) -> IntArray:
        """`index`, written out where it is None."""
        return np.arange(element_count(self.shape)).reshape(self.shape) if self.index is None else self.index

    @property
    def complete(self) -> bool:
        """Whether the tensor is every element of the integer frame, once."""
        return self.index is None or (self.index.size == element_count(self.q_shape) and not self.omits)

    @property
    def omits(self) -> bool:
        """Whether the tensor leaves elements of the integer frame out."""
        if self.index is None:
            return False
        present = np.zeros(element_count(self.q_shape), bool)
        present[self.index] = True
        return not bool(np.all(present))

    def evaluate(self, codes: IntArray) -> Float32Array:
        """The real numbers of codes of shape (n, channels or 1), in the reference's own arithmetic."""
        real = self.lattice.decode(codes)
        for step in self.steps:
            real = step.op.evaluate(real, *step.operands).astype(np.float32)
        return real

    def rearranged(self, op: Layout, shape: Shape) -> Deferred:
        """The same elements moved by a layout operator."""
        if not op.moves_elements:
            index = None if self.index is None else self.index.reshape(shape)
            return replace(self, shape=shape, index=index)
        return self.taken(op.evaluate(self.positions()[None])[0], shape)

    def taken(self, index: IntArray, shape: Shape) -> Deferred:
        """The tensor of `shape` that is made of these elements of the integer frame."""
        identity = bool(np.array_equal(index.ravel(), np.arange(element_count(self.q_shape))))
        return replace(self, shape=shape, index=None if identity else np.ascontiguousarray(index))

    def to_channels(self, operand: Array) -> Array | None:
        """A constant that broadcasts against the real tensor, as one number a channel: shape (channels,) or (1,).

        None when it differs between positions of one channel, or between elements of the tensor that are the same one of
        the integers.
        """
        if operand.size == 1:
            return operand.reshape(1)
        full = np.broadcast_to(operand, self.shape).ravel()
        if self.index is not None:
            flat = np.zeros(element_count(self.q_shape), full.dtype)
            present = np.zeros(flat.size, bool)
            flat[self.index.ravel()], present[self.index.ravel()] = full, True
            if not bool(np.all(flat[self.index.ravel()] == full)):
                return None
            full = _filled(flat.reshape(-1, self.channels), present.reshape(-1, self.channels))
        rows = full.reshape(-1, self.channels)
        if not bool(np.all(rows == rows[0])):
            return None
        return rows[0, :1] if bool(np.all(rows[0] == rows[0, 0])) else rows[0].copy()

    def trend(self) -> Trend:
        """Whether f rises or falls steadily in every channel, by what is known of its steps."""
        for step in self.steps:
            if step.op.direction(*step.operands) is not Direction.UNKNOWN:
                continue
            channels = max((operand.size for operand in step.operands), default=1)
            rows = [np.broadcast_to(operand, (channels,)) for operand in step.operands]
            each = (step.op.direction(*(row[c : c + 1] for row in rows)) for c in range(channels))
            if channels == 1 or any(direction is Direction.UNKNOWN for direction in each):
                return Trend.UNKNOWN
        return Trend.WAVERING if any(step.op.wavering for step in self.steps) else Trend.MONOTONE

    def affine(self) -> Lattice | None:
        """F as one lattice when every step is affine (float64), else None; exact zeros of the factor are no lattice."""
        scale: FloatArray = self.lattice.scale
        shift: FloatArray = self.lattice.shift
        offset: FloatArray = self.lattice.offset
        for step in self.steps:
            if not isinstance(step.op, Elementwise):
                return None
            parts = step.op.affine(*step.operands)
            if parts is None:
                return None
            factor, term = parts
            if bool(np.all(scale == 1) and np.all(factor == 1) and not np.any(offset) and np.all(2 * term % 1 == 0)):
                shift = np.asarray(shift + term)  # a zero point of codes: real zero stays an integer
                continue
            scale, offset = np.asarray(scale * factor), np.asarray(offset * factor + term)
        if bool(np.any(scale == 0)) or not bool(np.all(np.isfinite(scale))):
            return None
        return Lattice.of(scale, shift, offset)


def _filled(rows: Array, present: IntArray) -> Array:
    """Rows in which elements that are not `present` get the number of their channel's first present one, and channels
    without any that of the first channel with one.
    """
    if bool(np.all(present)):
        return rows
    first = np.argmax(present, axis=0)
    numbers = rows[first, np.arange(rows.shape[1])]
    known = present.any(axis=0)
    numbers = np.where(known, numbers, numbers[np.argmax(known)])
    filled: Array = np.where(present, rows, numbers)
    return filled
