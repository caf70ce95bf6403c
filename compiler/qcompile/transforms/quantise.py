"""Quantisers end what was put off: a function from integers to integers, found by evaluating the reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qcompile.ir.graph import Node
from qcompile.ir.types import Array, IntArray
from qcompile.ops.roles import Lattice, Quantiser
from qcompile.transforms import pair_form, reordering
from qcompile.transforms.channels import channel_operands
from qcompile.transforms.deferred import Deferred
from qcompile.transforms.join import joint_operands, nearly_settled, settled, weighted_sum
from qcompile.transforms.joined import Joined
from qcompile.transforms.pairs import codes_of, pairs_of
from qcompile.transforms.pixels import over_pixels
from qcompile.transforms.step_function import Function, Identity, Thresholds, Trend, derive
from qcompile.transforms.walk import RefusedError, Walk, tap_of


def quantise(walk: Walk, node: Node, source: Deferred, operands: tuple[Array, ...]) -> Deferred:
    """A function of one integer."""
    op = node.op
    assert isinstance(op, Quantiser)
    lattice = op.lattice(*operands)
    if source.omits:
        source = reordering.settled(walk, node, source)
    source, rows = channel_operands(walk, source, (*operands, lattice.scale, lattice.shift, lattice.offset), node)
    constants = rows[: len(operands)]

    def function(codes: IntArray) -> IntArray:
        return codes_of(op, source.evaluate(codes), constants)

    return _ended(walk, node, source, function, source.trend(), Lattice.of(*rows[len(operands) :]))


def _ended(walk: Walk, node: Node, source: Deferred, function: Function, trend: Trend, lattice: Lattice) -> Deferred:
    """The quantised tensor: `function` of the integers of `source`, on a lattice of its own."""
    form = derive(function, walk.integer.range_of(source.q), source.channels, trend)
    if isinstance(form, str):
        raise RefusedError(form)
    if isinstance(form, Thresholds) and source.steps:
        found = over_pixels(walk, node, source, form)
        channel = None if found is None else _per_channel(lattice, found[0].channels)
        if found is not None and channel is not None:
            (source, form), lattice = found, channel
    if isinstance(form, Identity):
        q, lattice = source.q, replace(lattice, shift=lattice.shift + form.added)
    else:
        q = walk.integer.step(node.name, source.q, form, node.origin)
    deferred = replace(source, q=q, lattice=lattice, steps=(), anchor=node.output)
    walk.taps.append(tap_of(node, deferred))
    return deferred


def _per_channel(lattice: Lattice, channels: int) -> Lattice | None:
    """A lattice of each element of an image as one of its channels; None where it differs between pixels."""
    parts = [part.reshape(-1, channels) if part.size > 1 else part.reshape(1, 1) for part in _parts(lattice)]
    return Lattice.of(*(part[0] for part in parts)) if all(bool(np.all(part == part[0])) for part in parts) else None


def _parts(lattice: Lattice) -> tuple[Array, Array, Array]:
    return lattice.scale, lattice.shift, lattice.offset


def quantise_joined(walk: Walk, node: Node, source: Joined, operands: tuple[Array, ...]) -> Deferred:
    """A function of two integers: of a weighted sum or of the product of them, proven for every pair.

    Where there are too many pairs or none of the forms is exact, the joined tensor must lie on an exact lattice of its own.
    """
    op = node.op
    assert isinstance(op, Quantiser)
    lattice = op.lattice(*operands)
    flat, rows = joint_operands(walk, source, (*operands, lattice.scale, lattice.shift, lattice.offset), node)
    constants, result = rows[: len(operands)], Lattice.of(*rows[len(operands) :])
    if flat.first.q == flat.second.q:

        def diagonal(codes: IntArray) -> IntArray:
            return codes_of(op, flat.evaluate(codes, codes), constants)

        return _ended(walk, node, flat.first, diagonal, Trend.UNKNOWN, result)
    pairs = pairs_of(walk, op, flat, constants)
    found = pairs.exact()
    if isinstance(found, str):
        found = pairs.tables(pair_form.SMALL_TABLE) or found
    if isinstance(found, str):
        try:
            return quantise(walk, node, settled(walk, source), operands)
        except RefusedError as error:
            last = pairs.tables(pair_form.LARGEST_TABLE)
            if last is None:
                return _nearly(walk, node, source, operands, f"{error}; nor as a function of pairs: {found}")
            found = last
    ends = (flat.first.q, flat.second.q)
    if found.product is not None:
        q = walk.integer.multiply(source.node.name, ends, found.product, source.node.origin)
    else:
        factors = np.asarray([form.factors for form in found.forms], np.int64)[found.numbers]
        q = weighted_sum(walk, source.node, ends, factors)
    trend = Trend.MONOTONE if all(form.monotone for form in found.forms) else Trend.UNKNOWN
    return _ended(walk, node, replace(flat.first, q=q), found.at, trend, result)


def _nearly(walk: Walk, node: Node, source: Joined, operands: tuple[Array, ...], why: str) -> Deferred:
    """Behind a sum that is exact but for less than float32 could tell; `why` nothing better could be had."""
    try:
        return quantise(walk, node, nearly_settled(walk, source), operands)
    except RefusedError as error:
        raise RefusedError(why) from error
