"""Joins of two computed tensors: on a common integer lattice, where there is one."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from qcompile.ir.graph import Node
from qcompile.ir.types import Array, FloatArray, IntArray
from qcompile.ops import TensorAdd, TensorMultiply
from qcompile.ops.roles import Joint, Lattice
from qcompile.transforms.broadcast import aligned
from qcompile.transforms.channels import flattened
from qcompile.transforms.deferred import Deferred, Step
from qcompile.transforms.joined import Joined
from qcompile.transforms.materialised import on_lattice
from qcompile.transforms.walk import UNTYPED_HINT, Known, Pending, RefusedError, Unjoined, Walk, tap_of

LARGEST_FACTOR = 1 << 12
"""What a common scale may cost where no quantiser says how fine it has to be: factors beyond 12 bits are refused."""


def joined(walk: Walk, node: Node, op: Joint, first: Deferred) -> Joined:
    """Both tensors element by element; what becomes of it is left to the quantiser behind."""
    second = integers(walk, walk.known[node.inputs[1]])
    if isinstance(second, Pending):
        raise RefusedError(f"the input '{second.source}' reaches {op.kind} without being quantised; {UNTYPED_HINT}")
    if not isinstance(second, Deferred):
        raise RefusedError("it joins a tensor of the accelerator with one that only the host computes")
    pair = aligned(walk, node, first, second, walk.graph.values[node.output].shape)
    return Joined(node, op, *pair, pair)


def integers(walk: Walk, known: Known) -> Unjoined:
    """What is known of a tensor, with a joined one on integers of its own."""
    return settled(walk, known) if isinstance(known, Joined) else known


def put_off(walk: Walk, source: Joined, step: Step, node: Node) -> Joined:
    """One more step; its constants may have any shape that broadcasts."""
    source, operands = joint_operands(walk, source, step.operands, node)
    return replace(source, steps=(*source.steps, Step(step.op, operands)))


def joint_operands(
    walk: Walk, source: Joined, operands: tuple[Array, ...], node: Node
) -> tuple[Joined, tuple[Array, ...]]:
    """Constants as one number a channel; where they differ within a channel every element becomes a channel of its
    own.
    """
    rows = tuple(source.first.to_channels(operand) for operand in operands)
    if any(row is None for row in rows):
        carrier = flattened(walk, replace(source.first, steps=source.steps), node)
        first, second = (flattened(walk, operand, node) for operand in (source.first, source.second))
        source = replace(source, first=first, second=second, steps=carrier.steps)
        rows = tuple(source.first.to_channels(operand) for operand in operands)
        if any(row is None for row in rows):
            raise RefusedError("its constants differ between elements that a layout operator made of one; quantise in front")
    return source, tuple(row for row in rows if row is not None)


NEAR = Fraction(1, 1 << 28)
"""How far the ratio of two scales may be from that of their factors where float32 is far from telling."""

MOST_DENOMINATOR = 1 << 20


def settled(walk: Walk, source: Joined) -> Deferred:
    """The joined tensor as affine in integers of its own, with the steps behind; refused where no lattice is exact."""
    node = source.node
    base = walk.known.get(node.output)
    if not isinstance(base, Deferred):
        base = _sum(walk, source) if isinstance(source.op, TensorAdd) else _product(walk, source)
        walk.known[node.output] = base
    return _rearranged(walk, source, base)


def nearly_settled(walk: Walk, source: Joined) -> Deferred:
    """A sum on a lattice that is exact but for 2**-28 of each term: less than a rounding to float32 may change in it.

    For a quantiser only: what the model's own rounding decides differently is a float tie.
    """
    if not isinstance(source.op, TensorAdd):
        raise RefusedError("a product of tensors whose zeros are no integers")
    return _rearranged(walk, source, _sum(walk, source, nearly=True))


def _rearranged(walk: Walk, source: Joined, base: Deferred) -> Deferred:
    """Integers of a join in the order and with the steps that have come behind it."""
    node = source.node
    if base.channels != source.channels:
        base = flattened(walk, base, node)
    return replace(base, shape=source.shape, index=source.first.index, steps=source.steps)


def _sum(walk: Walk, source: Joined, nearly: bool = False) -> Deferred:
    """Both tensors in units of a common scale, where the ratio of theirs is exact, or `nearly`."""
    node, op = source.node, source.op
    assert isinstance(op, TensorAdd)
    a, b = (on_lattice(walk, node, *pair) for pair in zip(source.origin, node.inputs, strict=True))
    signs = op.factors
    offset = a.lattice.offset * signs[0] + b.lattice.offset * signs[1]
    if a.q == b.q:
        scale = a.lattice.scale * signs[0] + b.lattice.scale * signs[1]
        if bool(np.any(scale == 0)):
            raise RefusedError("its two inputs cancel each other")
        moved = (a.lattice.scale * a.lattice.shift * signs[0] + b.lattice.scale * b.lattice.shift * signs[1]) / scale
        return replace(a, lattice=Lattice.of(scale, moved, offset), anchor=node.output)
    factors, unit = _common_scale(a.lattice.scale, b.lattice.scale, nearly)
    factors = factors * np.asarray(signs)
    q = weighted_sum(walk, node, (a.q, b.q), factors)
    shift = a.lattice.shift * factors[:, 0] + b.lattice.shift * factors[:, 1]
    deferred = replace(a, q=q, lattice=Lattice.of(unit, shift, offset), anchor=node.output)
    if not nearly:
        walk.taps.append(tap_of(node, deferred))
    return deferred


def weighted_sum(walk: Walk, node: Node, sources: tuple[str, str], factors: IntArray) -> str:
    """factors[c, 0] * a + factors[c, 1] * b for each channel c, or for all of them where there is one row."""
    names, shared = [], []
    for k, name in enumerate(sources):
        column = factors[:, k]
        same = bool(np.all(column == column[0]))
        shared.append(int(column[0]) if same else 1)
        names.append(name if same else walk.integer.channel_product(node.name, name, column[None], node.origin))
    return walk.integer.add(node.name, (names[0], names[1]), (shared[0], shared[1]), node.origin)


def _common_scale(a: FloatArray, b: FloatArray, nearly: bool) -> tuple[IntArray, FloatArray]:
    """Factors (channels or 1, 2) and the unit of each channel, with a = m * unit (exactly, or `nearly`) and b = n * unit."""
    wide_a, wide_b = np.broadcast_arrays(np.atleast_1d(a), np.atleast_1d(b))
    ratios = [Fraction(float(x)) / Fraction(float(y)) for x, y in zip(wide_a, wide_b, strict=True)]
    ratios = [_near(ratio) for ratio in ratios] if nearly else ratios
    for k, ratio in enumerate(ratios):
        if max(abs(ratio.numerator), ratio.denominator) > (MOST_DENOMINATOR if nearly else LARGEST_FACTOR):
            raise RefusedError(
                f"the scales of its inputs, {float(wide_a[k]):g} and {float(wide_b[k]):g}, are no small integer "
                "multiples of a common one; share one quantiser between them, or quantise the sum"
            )
    if all(ratio == ratios[0] for ratio in ratios):
        factors = np.asarray([[ratios[0].numerator, ratios[0].denominator]], np.int64)
    else:
        factors = np.asarray([[ratio.numerator, ratio.denominator] for ratio in ratios], np.int64)
    return factors, wide_b / factors[:, 1]


def _near(ratio: Fraction) -> Fraction:
    """The fraction of least denominator that is as near as it has to be."""
    denominator = 1
    while denominator < MOST_DENOMINATOR and abs(ratio.limit_denominator(denominator) - ratio) > NEAR * abs(ratio):
        denominator *= 2
    return ratio.limit_denominator(denominator)


def _product(walk: Walk, source: Joined) -> Deferred:
    """The product of the integers, scales multiplied."""
    node = source.node
    a, b = (on_lattice(walk, node, *pair) for pair in zip(source.origin, node.inputs, strict=True))
    op = integer_product(a.lattice, b.lattice)
    if isinstance(op, str):
        raise RefusedError(op)
    q = walk.integer.multiply(node.name, (a.q, b.q), op, node.origin)
    scale = np.asarray(a.lattice.scale * b.lattice.scale / (op.factors[0] * op.factors[1]))
    deferred = replace(a, q=q, lattice=Lattice.of(scale), anchor=node.output)
    walk.taps.append(tap_of(node, deferred))
    return deferred


def integer_product(first: Lattice, second: Lattice) -> TensorMultiply | str:
    """The product of integers that stands for that of real numbers on two lattices; a sentence where there is none."""
    factors, terms = [], []
    for lattice in (first, second):
        with np.errstate(all="ignore"):
            moved = np.unique(2 * (lattice.shift + lattice.offset / lattice.scale))
        if moved.size > 1 or not float(moved[0]).is_integer():
            return "a factor whose zero is no integer or half of its steps, or differs between channels"
        doubled = int(moved[0])
        factors.append(1 + doubled % 2)
        terms.append(doubled if doubled % 2 else doubled // 2)
    return TensorMultiply((factors[0], factors[1]), (terms[0], terms[1]))
