"""Quantised joins as functions of pairs of integers: every pair that a channel can meet, and the forms that are exact."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qcompile.ir.types import Array, IntArray
from qcompile.ops import TensorAdd, TensorMultiply
from qcompile.ops.roles import Direction, Float32Array, Quantiser
from qcompile.transforms.border_form import border_form
from qcompile.transforms.join import integer_product
from qcompile.transforms.joined import Joined, picked
from qcompile.transforms.pair_form import PairForm, each_pair, product_form, sum_form
from qcompile.transforms.step_function import NOT_A_NUMBER, UNDEFINED, Trend
from qcompile.transforms.walk import RefusedError, Walk

MOST_PAIRS = 1 << 18
"""Pairs of integers of one channel that are enumerated."""

MOST_PAIRS_IN_ALL = 1 << 26
"""Pairs of all channels that differ, which are enumerated."""


Ends = tuple[int, int]


def codes_of(op: Quantiser, real: Float32Array, constants: tuple[Array, ...]) -> IntArray:
    """The quantiser's codes, NOT_A_NUMBER where there is no number."""
    undefined = np.isnan(real)
    return np.where(undefined, NOT_A_NUMBER, op.codes(np.where(undefined, np.float32(0), real), *constants))


@dataclass(frozen=True, slots=True, eq=False)
class PairSet:
    """The integers that channels of equal parameters can meet, from the first to the last of `ends_a` and of `ends_b`, and
    the function of one such channel.
    """

    source: Joined
    op: Quantiser
    constants: tuple[Array, ...]
    ends_a: Ends
    ends_b: Ends

    @property
    def a(self) -> IntArray:
        """All of the first."""
        return np.arange(self.ends_a[0], self.ends_a[1] + 1)

    @property
    def b(self) -> IntArray:
        """All of the second."""
        return np.arange(self.ends_b[0], self.ends_b[1] + 1)

    @property
    def sizes(self) -> tuple[int, int]:
        """How many of both."""
        return self.ends_a[1] - self.ends_a[0] + 1, self.ends_b[1] - self.ends_b[0] + 1

    @property
    def size(self) -> int:
        """Number of pairs."""
        return self.sizes[0] * self.sizes[1]

    def at(self, a: IntArray, b: IntArray) -> IntArray:
        """The codes of pairs, of shapes that broadcast."""
        return codes_of(self.op, self.source.evaluate(a, b), self.constants)

    def codes(self) -> IntArray:
        """The codes of all pairs, (a.size, b.size)."""
        codes = self.at(self.a[:, None], self.b[None])
        if bool(np.any(codes == NOT_A_NUMBER)):
            raise RefusedError(UNDEFINED)
        return codes

    @property
    def ratio(self) -> float:
        """What a step of `a` is worth in steps of `b`; 0 where they are not added, or one is not affine in its integers."""
        first, second = self.source.first.affine(), self.source.second.affine()
        if first is None or second is None or not isinstance(self.source.op, TensorAdd):
            return 0.0
        factors = self.source.op.factors
        return float((first.scale * factors[0] / (second.scale * factors[1])).ravel()[0])

    @property
    def steady(self) -> bool:
        """Whether every step behind the join is known to rise or to fall, without wavering."""
        return all(
            step.op.direction(*step.operands) is not Direction.UNKNOWN and not step.op.wavering
            for step in self.source.steps
        )

    def weighted(self, enumerated: bool) -> PairForm | str:
        """The least weighted sum that tells all codes apart; a sentence where there is none."""
        ratio = self.ratio
        if not ratio:
            return "its inputs are no multiples of integers"
        if enumerated:
            form = sum_form(self.codes(), self.a, self.b, ratio, self.steady)
            return "no integer factors of 20 bits tell all codes apart" if form is None else form
        trends = [operand.trend() for operand in (self.source.first, self.source.second)]
        if not self.steady or any(trend is not Trend.MONOTONE for trend in trends):
            return (
                f"{self.sizes[0]} x {self.sizes[1]} pairs of integers are too many for a function that is not monotone"
            )
        if self.sizes[1] <= self.sizes[0]:
            return border_form(self.at, self.ends_a, self.ends_b, ratio)
        swapped = border_form(lambda b, a: self.at(a, b), self.ends_b, self.ends_a, 1 / ratio)
        return swapped if isinstance(swapped, str) else replace(swapped, factors=swapped.factors[::-1])


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Forms of all sets of channels: of weighted sums, or of `product`; `numbers` has the set of each channel."""

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


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """One set for all channels of equal parameters, and for each channel the number of its set."""

    source: Joined
    sets: tuple[PairSet, ...]
    numbers: IntArray

    @property
    def few(self) -> bool:
        """Whether all pairs can be enumerated."""
        return max(s.size for s in self.sets) <= MOST_PAIRS and sum(s.size for s in self.sets) <= MOST_PAIRS_IN_ALL

    def exact(self) -> Found | str:
        """Weighted sums that tell all codes apart, or the product where equal products have equal codes; a sentence where
        there is no such form.
        """
        if isinstance(self.source.op, TensorMultiply):
            return self._product()
        forms: list[PairForm] = []
        for pairs in self.sets:
            form = pairs.weighted(self.few)
            if isinstance(form, str):
                return form
            forms.append(form)
        return Found(tuple(forms), self.numbers)

    def tables(self, limit: int) -> Found | None:
        """A table with an entry for each pair, where there are not too many."""
        span = max(s.ends_b[1] for s in self.sets) - min(s.ends_b[0] for s in self.sets) + 1
        rows = max(s.ends_a[1] for s in self.sets) - min(s.ends_a[0] for s in self.sets) + 1
        if rows * span * (1 if len(self.sets) == 1 else self.source.channels) > limit:
            return None
        return Found(tuple(each_pair(s.codes(), s.a, s.b, span) for s in self.sets), self.numbers)

    def _product(self) -> Found | str:
        first, second = self.source.first.affine(), self.source.second.affine()
        if first is None or second is None:
            return "a factor is no multiple of integers"
        product = integer_product(first, second)
        if isinstance(product, str):
            return product
        if not self.few:
            return "there are too many pairs of integers to look at"
        forms = [product_form(s.codes(), product.evaluate(s.a[:, None], s.b[None])) for s in self.sets]
        whole = tuple(form for form in forms if form is not None)
        return (
            Found(whole, self.numbers, product) if len(whole) == len(forms) else "equal products have different codes"
        )


def pairs_of(walk: Walk, op: Quantiser, source: Joined, constants: tuple[Array, ...]) -> Pairs:
    """The pairs of every channel, with the quantiser behind."""
    chosen, numbers = source.groups(constants)
    reach = [walk.integer.range_of(operand.q).per_channel(source.channels) for operand in (source.first, source.second)]
    sets = []
    for number, channel in enumerate(chosen.tolist()):
        mine = numbers == number
        ends = [(int(r.lo[mine].min()), int(r.hi[mine].max())) for r in reach]
        sets.append(PairSet(source.channel(channel), op, picked(constants, channel), ends[0], ends[1]))
    return Pairs(source, tuple(sets), numbers)
