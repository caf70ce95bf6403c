"""Two tensors brought to one shape and one order of elements, as broadcasting has it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qcompile.ir.graph import Node, Shape
from qcompile.ir.types import Array, IntArray
from qcompile.ops import Repeat
from qcompile.ops.roles import Lattice
from qcompile.transforms.channels import flattened
from qcompile.transforms.deferred import Deferred, Step
from qcompile.transforms.reordering import as_other, reordered, settled
from qcompile.transforms.walk import RefusedError, Walk


def aligned(walk: Walk, node: Node, first: Deferred, second: Deferred, shape: Shape) -> tuple[Deferred, Deferred]:
    """The two as tensors of `shape` whose elements travel in the same order, as integer frames of one shape."""
    if first.shape != shape and second.shape != shape:
        first = replace(first, index=np.broadcast_to(first.positions(), shape), shape=shape)
    if first.shape != second.shape:
        first, second = (part if part.complete else settled(walk, node, part) for part in (first, second))
    if second.shape != shape:
        second = _repeated(walk, node, second, first)
    elif first.shape != shape:
        first = _repeated(walk, node, first, second)
    first, second = as_other(walk, node, first, second)
    if first.channels != second.channels:
        first, second = flattened(walk, first, node), flattened(walk, second, node)
    return first, replace(second, q=walk.integer.reshape(second.q, first.q_shape, node.origin), q_shape=first.q_shape)


def _repeated(walk: Walk, node: Node, source: Deferred, like: Deferred) -> Deferred:
    """A tensor that is broadcast, in the order in which the elements of `like` travel."""
    own = source.positions()
    wanted = np.broadcast_to(own, like.shape).ravel()
    if like.index is not None:
        ordered = np.empty_like(wanted)
        ordered[like.index.ravel()] = wanted
        wanted = ordered
    op = _pattern(wanted, own.size, like.q_shape)
    if op is None:
        broadcast = replace(source, index=np.broadcast_to(own, like.shape), shape=like.shape)
        return reordered(walk, node, broadcast, like.index, like.q_shape)
    q = walk.integer.repeat(f"{node.name}_repeated", source.q, op, node.origin)

    def rows(row: Array) -> Array:
        """One number a channel of `source` as one a channel of `like`."""
        if row.size == 1:
            return row.reshape(1)
        each = np.tile(row, own.size // row.size)[wanted].reshape(-1, like.channels)
        if not bool(np.all(each == each[0])):
            raise RefusedError("the scales of an input that is broadcast would differ within a channel")
        result: Array = each[0]
        return result

    lattice = source.lattice
    parts = (rows(np.atleast_1d(part)) for part in (lattice.scale, lattice.shift, lattice.offset))
    steps = tuple(Step(step.op, tuple(rows(operand) for operand in step.operands)) for step in source.steps)
    return replace(
        source, q=q, q_shape=like.q_shape, shape=like.shape, index=like.index, lattice=Lattice(*parts), steps=steps
    )


def _pattern(wanted: IntArray, count: int, shape: Shape) -> Repeat | None:
    """The repetition whose element p is element wanted[p] of `count`; None where it is none."""
    run = int(np.argmax(wanted[: count + 1] != np.arange(min(count + 1, wanted.size)))) or wanted.size
    times = wanted.size // count
    for vector in (run, 1):
        if count % vector == 0:
            op = Repeat(vector, times, shape)
            if np.array_equal(op.evaluate(np.arange(count)[None]).ravel(), wanted):
                return op
    return None
