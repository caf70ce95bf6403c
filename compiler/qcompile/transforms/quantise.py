"""Quantisers end what was put off: a function from integers to integers, found by evaluating the reference."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qcompile.ir.graph import Node
from qcompile.ir.types import Array, IntArray
from qcompile.ops import TensorAdd, TensorMultiply
from qcompile.ops.roles import Direction, Float32Array, Lattice, Quantiser
from qcompile.transforms import pair_form, reordering
from qcompile.transforms.channels import channel_operands
from qcompile.transforms.deferred import Deferred, Step
from qcompile.transforms.join import integer_product, joint_operands, settled, weighted_sum
from qcompile.transforms.joined import Joined, picked
from qcompile.transforms.pair_form import PairForm, each_pair, product_form, sum_form
from qcompile.transforms.step_function import NOT_A_NUMBER, UNDEFINED, Function, Identity, Trend, derive
from qcompile.transforms.walk import RefusedError, Walk, tap_of

MOST_PAIRS = 1 << 18
"""Pairs of integers of one channel that are enumerated."""

MOST_PAIRS_IN_ALL = 1 << 26
"""Pairs of all channels that differ."""


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


def codes_of(op: Quantiser, real: Float32Array, constants: tuple[Array, ...]) -> IntArray:
    """The quantiser's codes, NOT_A_NUMBER where there is no number."""
    undefined = np.isnan(real)
    return np.where(undefined, NOT_A_NUMBER, op.codes(np.where(undefined, np.float32(0), real), *constants))


def _ended(walk: Walk, node: Node, source: Deferred, function: Function, trend: Trend, lattice: Lattice) -> Deferred:
    """The quantised tensor: `function` of the integers of `source`, on a lattice of its own."""
    form = derive(function, walk.integer.range_of(source.q), source.channels, trend)
    if isinstance(form, str):
        raise RefusedError(form)
    if isinstance(form, Identity):
        q, lattice = source.q, replace(lattice, shift=lattice.shift + form.added)
    else:
        q = walk.integer.step(node.name, source.q, form, node.origin)
    deferred = replace(source, q=q, lattice=lattice, steps=(), anchor=node.output)
    walk.taps.append(tap_of(node, deferred))
    return deferred


def quantise_joined(walk: Walk, node: Node, source: Joined, operands: tuple[Array, ...]) -> Deferred:
    """A function of two integers: of a weighted sum or of the product of them, proven by evaluating every pair.

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
    pairs = _enumerated(walk, op, flat, constants)
    found = None if isinstance(pairs, str) else _exact(flat, pairs) or _tables(flat, pairs, pair_form.SMALL_TABLE)
    if found is None:
        try:
            return quantise(walk, node, settled(walk, source), operands)
        except RefusedError as error:
            if isinstance(pairs, str):
                raise RefusedError(f"{error} ({pairs})") from error
            found = _tables(flat, pairs, pair_form.LARGEST_TABLE)
            if found is None:
                bits = pair_form.LARGEST_FACTOR.bit_length() - 1
                raise RefusedError(f"{error}; nor do integer factors of {bits} bits tell all codes apart") from error
    ends = (flat.first.q, flat.second.q)
    if found.product is not None:
        q = walk.integer.multiply(source.node.name, ends, found.product, source.node.origin)
    else:
        factors = np.asarray([form.factors for form in found.forms], np.int64)[found.numbers]
        q = weighted_sum(walk, source.node, ends, factors)
    trend = Trend.MONOTONE if all(form.monotone for form in found.forms) else Trend.UNKNOWN
    return _ended(walk, node, replace(flat.first, q=q), found.at, trend, result)


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """All pairs of codes that channels of equal parameters can meet, and what the quantiser makes of them.

    `ratio` is what a step of `a` is worth in steps of `b`, 0 where the two are not affine.
    """

    a: IntArray
    b: IntArray
    codes: IntArray
    ratio: float
    steady: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Enumerated:
    """One entry for each set of equal channels, and for each channel the number of its entry."""

    sets: tuple[_Pairs, ...]
    numbers: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Forms of all sets of channels: of weighted sums, or of `product`."""

    forms: tuple[PairForm, ...]
    numbers: IntArray
    product: TensorMultiply | None = None

    def at(self, sums: IntArray) -> IntArray:
        """The codes of sums (n, channels or 1)."""
        if len(self.forms) == 1:
            return self.forms[0].at(sums)
        wide = np.broadcast_to(sums, (sums.shape[0], self.numbers.size))
        codes = np.empty(wide.shape, np.int64)
        for number, form in enumerate(self.forms):
            columns = self.numbers == number
            codes[:, columns] = form.at(wide[:, columns])
        return codes


def _enumerated(walk: Walk, op: Quantiser, source: Joined, constants: tuple[Array, ...]) -> _Enumerated | str:
    """Evaluates the quantiser for all pairs of every channel; a sentence where there are too many."""
    chosen, numbers = source.groups(constants)
    ranges = [
        walk.integer.range_of(operand.q).per_channel(source.channels) for operand in (source.first, source.second)
    ]
    reaches: list[tuple[IntArray, IntArray]] = []
    for number in range(chosen.size):
        mine = numbers == number
        a, b = (np.arange(r.lo[mine].min(), r.hi[mine].max() + 1) for r in ranges)
        if a.size * b.size > MOST_PAIRS:
            return f"{a.size} x {b.size} pairs of integers are too many to look at"
        reaches.append((a, b))
    if sum(a.size * b.size for a, b in reaches) > MOST_PAIRS_IN_ALL:
        return f"the pairs of integers of {chosen.size} different channels are too many to look at"
    sets = []
    for number, (a, b) in zip(chosen.tolist(), reaches, strict=True):
        alone = source.channel(number)
        operands = picked(constants, number)
        codes = codes_of(op, alone.evaluate(a[:, None], b[None]), operands)
        if bool(np.any(codes == NOT_A_NUMBER)):
            return UNDEFINED
        sets.append(_Pairs(a, b, codes, _ratio(alone), all(_steady(step) for step in alone.steps)))
    return _Enumerated(tuple(sets), numbers)


def _ratio(source: Joined) -> float:
    """What a step of the first is worth in steps of the second; 0 where one is not affine in its integers."""
    first, second = source.first.affine(), source.second.affine()
    if first is None or second is None or not isinstance(source.op, TensorAdd):
        return 0.0
    return float((first.scale * source.op.factors[0] / (second.scale * source.op.factors[1])).ravel()[0])


def _steady(step: Step) -> bool:
    """Whether a step of one channel is known to rise or to fall, without wavering."""
    return step.op.direction(*step.operands) is not Direction.UNKNOWN and not step.op.wavering


def _exact(source: Joined, pairs: _Enumerated) -> _Found | None:
    """Weighted sums that tell all codes apart, or the product where equal products have equal codes."""
    product = None
    forms: list[PairForm | None] = []
    if isinstance(source.op, TensorMultiply):
        first, second = source.first.affine(), source.second.affine()
        made = "" if first is None or second is None else integer_product(first, second)
        if isinstance(made, str):
            return None
        product = made
        forms = [product_form(p.codes, made.evaluate(p.a[:, None], p.b[None])) for p in pairs.sets]
    else:
        for p in pairs.sets:
            forms.append(sum_form(p.codes, p.a, p.b, p.ratio, p.steady) if p.ratio else None)
            if forms[-1] is None:
                break
    whole = tuple(form for form in forms if form is not None)
    return _Found(whole, pairs.numbers, product) if len(whole) == len(forms) else None


def _tables(source: Joined, pairs: _Enumerated, limit: int) -> _Found | None:
    """A table with an entry for each pair, where there are not too many."""
    low, high = min(int(p.b[0]) for p in pairs.sets), max(int(p.b[-1]) for p in pairs.sets)
    span = high - low + 1
    rows = max(int(p.a[-1]) for p in pairs.sets) - min(int(p.a[0]) for p in pairs.sets) + 1
    if rows * span * (1 if len(pairs.sets) == 1 else source.channels) > limit:
        return None
    return _Found(tuple(each_pair(p.codes, p.a, p.b, span) for p in pairs.sets), pairs.numbers)
