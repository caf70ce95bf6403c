"""Integers that rise with the numbers they stand for, for maxima."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qcompile.ir.graph import Node
from qcompile.ir.types import IntArray, read_only
from qcompile.ops import ChannelProduct, MatMul, Reshape
from qcompile.ops.roles import Direction, Lattice
from qcompile.transforms.deferred import Deferred
from qcompile.transforms.step_function import Table
from qcompile.transforms.walk import RefusedError, Walk

LARGEST_TABLE = 1 << 12
"""Integers that a table may negate."""


def rising(walk: Walk, node: Node, source: Deferred, minimum: bool = False) -> Deferred:
    """The tensor on integers that rise with it in every channel; that fall with it for a `minimum`.

    Where that is not so they are negated: by negated weights in the product that they come from, else by a table. Refused
    where a function neither rises nor falls.
    """
    signs = _signs(source) * (-1 if minimum else 1)
    if not bool(np.any(signs < 0)):
        return source
    negated = _from_product(walk, source, signs)
    if negated is None:
        codes = walk.integer.range_of(source.q)
        if codes.greatest - codes.least >= LARGEST_TABLE:
            raise RefusedError("its input falls with its integers, which are too many for a table that negates them")
        grid = np.arange(codes.least, codes.greatest + 1, dtype=np.int64)
        form = Table(codes.least, read_only(grid * signs[:, None]))
        negated = walk.integer.step(f"{node.name}_negated", source.q, form, node.origin)
    lattice = source.lattice
    return replace(
        source, q=negated, lattice=Lattice.of(lattice.scale * signs, lattice.shift * signs, lattice.offset)
    )


def _signs(source: Deferred) -> IntArray:
    """(channels or 1,): 1 where the tensor rises with its integers, -1 where it falls."""
    signs = np.atleast_1d(np.sign(source.lattice.scale)).astype(np.int64)
    for step in source.steps:
        channels = max((operand.size for operand in step.operands), default=1)
        rows = [np.broadcast_to(operand, (channels,)) for operand in step.operands]
        each = [step.op.direction(*(row[c : c + 1] for row in rows)) for c in range(channels)]
        if Direction.UNKNOWN in each:
            raise RefusedError(f"the maximum of numbers that neither rise nor fall with their integers ({step.op.kind})")
        signs = signs * np.asarray([direction.value for direction in each])
    return signs


def _from_product(walk: Walk, source: Deferred, signs: IntArray) -> str | None:
    """The same integers negated where `signs` say so, from the product that makes them; None where none does."""
    producers = {made.output: made for made in walk.integer.nodes}
    made = producers.get(source.q)
    while made is not None and isinstance(made.op, Reshape) and made.op.shape[-1] == source.channels:
        made = producers.get(made.inputs[0])
    if made is None or not isinstance(made.op, (MatMul, ChannelProduct)) or len(made.inputs) > 2:
        return None
    weights = walk.integer.constants[made.inputs[1]] * signs
    if isinstance(made.op, MatMul):
        q = walk.integer.matmul(made.name, made.inputs[0], weights, None, made.origin)
    else:
        q = walk.integer.channel_product(made.name, made.inputs[0], weights, made.origin)
    walk.taps[:] = [
        replace(tap, value=q, scale=tap.scale * signs, shift=tap.shift * signs) if tap.value == made.output else tap
        for tap in walk.taps
    ]
    return walk.integer.reshape(q, source.q_shape, made.origin)
