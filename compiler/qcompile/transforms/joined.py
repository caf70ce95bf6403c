"""Two real tensors joined element by element, held as a function of two integer ones until a quantiser ends it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qcompile.ir.graph import Node, Shape
from qcompile.ir.types import Array, FloatArray, IntArray
from qcompile.ops.roles import Float32Array, Joint, Layout
from qcompile.transforms.deferred import Deferred, Step


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """The real tensor steps(op(first, second)).

    `first` and `second` have one shape, and their elements travel in the same order. `node` is the node of the model that
    joins them, `origin` the two as they were there.
    """

    node: Node
    op: Joint
    first: Deferred
    second: Deferred
    origin: tuple[Deferred, Deferred]
    steps: tuple[Step, ...] = ()

    @property
    def shape(self) -> Shape:
        """Of the real tensor."""
        return self.first.shape

    @property
    def channels(self) -> int:
        """Number of channels of both integer values."""
        return self.first.channels

    def rearranged(self, op: Layout, shape: Shape) -> Joined:
        """The same elements moved by a layout operator."""
        return replace(self, first=self.first.rearranged(op, shape), second=self.second.rearranged(op, shape))

    def evaluate(self, first: IntArray, second: IntArray) -> Float32Array:
        """The real numbers of pairs of codes, of shapes that broadcast, in the reference's own arithmetic."""
        real: Float32Array = self.op.evaluate(self.first.evaluate(first), self.second.evaluate(second))
        for step in self.steps:
            real = step.op.evaluate(real, *step.operands).astype(np.float32)
        return real

    def groups(self, further: tuple[Array, ...]) -> tuple[IntArray, IntArray]:
        """One channel for each set of equal parameters (`further` ones of shape (channels,) or (1,) included), and for each
        channel the number of its set.
        """
        rows: list[Array] = list(further)
        for operand in (self.first, self.second):
            rows += [operand.lattice.scale, operand.lattice.shift, operand.lattice.offset]
            rows += [row for step in operand.steps for row in step.operands]
        rows += [row for step in self.steps for row in step.operands]
        if all(row.size == 1 for row in rows):
            return np.zeros(1, np.int64), np.zeros(self.channels, np.int64)
        table: FloatArray = np.stack(
            [np.broadcast_to(row.astype(np.float64).ravel(), (self.channels,)) for row in rows]
        )
        _, chosen, numbers = np.unique(table, axis=1, return_index=True, return_inverse=True)
        return chosen, numbers.reshape(-1)

    def channel(self, number: int) -> Joined:
        """The function of one channel alone."""
        first, second = one_channel(self.first, number), one_channel(self.second, number)
        steps = tuple(Step(step.op, picked(step.operands, number)) for step in self.steps)
        return replace(self, first=first, second=second, steps=steps)


def one_channel(deferred: Deferred, number: int) -> Deferred:
    """The function of one channel of a deferred tensor."""
    lattice = deferred.lattice
    parts = picked((lattice.scale, lattice.shift, lattice.offset), number)
    steps = tuple(Step(step.op, picked(step.operands, number)) for step in deferred.steps)
    return replace(deferred, lattice=type(lattice)(*parts), steps=steps)


def picked(rows: tuple[Array, ...], number: int) -> tuple[Array, ...]:
    """Of rows of one number a channel that of a channel; shared numbers as they are. Each of shape (1,)."""
    return tuple(row.reshape(-1)[number : number + 1] if row.size > 1 else row.reshape(-1) for row in rows)
