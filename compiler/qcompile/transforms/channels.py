"""Constants of pointwise operators as one number a channel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qcompile.ir.graph import Node, element_count
from qcompile.ir.types import Array
from qcompile.ops.roles import Lattice
from qcompile.transforms.deferred import Deferred, Step
from qcompile.transforms.reordering import settled
from qcompile.transforms.walk import Walk


def channel_operands(
    walk: Walk, source: Deferred, operands: tuple[Array, ...], node: Node
) -> tuple[Deferred, tuple[Array, ...]]:
    """Constants as one number a channel; where they differ within a channel every element becomes a channel of its
    own. Elements that came several times from one integer, and differ now, become integers of their own before.
    """
    rows = _rows(source, operands)
    if rows is None and not source.complete:
        source = settled(walk, node, source)
        rows = _rows(source, operands)
    if rows is None:
        source = flattened(walk, source, node)
        rows = _rows(source, operands)
    assert rows is not None, "a channel of one element takes any constant"
    return source, rows


def _rows(source: Deferred, operands: tuple[Array, ...]) -> tuple[Array, ...] | None:
    """Constants as one number a channel; None where one of them differs within a channel."""
    rows = tuple(source.to_channels(operand) for operand in operands)
    known = tuple(row for row in rows if row is not None)
    return known if len(known) == len(rows) else None


def flattened(walk: Walk, source: Deferred, node: Node) -> Deferred:
    """The same tensor with each element of the frame as a channel."""
    count = element_count(source.q_shape)
    repeat = count // source.channels

    def tiled(row: Array) -> Array:
        return row if row.size == 1 else np.tile(row, repeat)

    lattice = Lattice(
        *(tiled(np.atleast_1d(p)) for p in (source.lattice.scale, source.lattice.shift, source.lattice.offset))
    )
    steps = tuple(Step(step.op, tuple(tiled(operand) for operand in step.operands)) for step in source.steps)
    q = walk.integer.reshape(source.q, (count,), node.origin)
    return replace(source, q=q, q_shape=(count,), lattice=lattice, steps=steps)
