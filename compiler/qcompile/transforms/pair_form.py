"""A function of two integers as one of a weighted sum of them, found and proven by evaluating all pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from qcompile.ir.types import IntArray

LARGEST_FACTOR = 1 << 20
"""Factors of the operands stay below this."""

SMALL_TABLE = 1 << 12
"""Pairs that get a table of their own without a second thought."""

LARGEST_TABLE = 1 << 16
"""Pairs that get a table of their own where nothing else is exact."""

SMALL_FACTORS = 16
"""Up to here every factor is tried: the best separation is not always nearest to the ratio of the scales."""

Factors = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class PairForm:
    """codes[k] is the function where factors[0] * a + factors[1] * b is sums[k] (ascending), for all pairs there are."""

    factors: Factors
    sums: IntArray
    codes: IntArray
    monotone: bool

    def at(self, sums: IntArray) -> IntArray:
        """The function at any sums, that of the nearest possible sum below where there is no such pair."""
        nearest = np.searchsorted(self.sums, sums, side="right") - 1
        result: IntArray = self.codes[np.clip(nearest, 0, self.sums.size - 1)]
        return result


def sum_form(codes: IntArray, a: IntArray, b: IntArray, ratio: float, steady: bool) -> PairForm | None:
    """`codes` (a.size, b.size) as a function of the sum with the smallest factors that keep every two codes apart.

    `ratio` is what one step of a is worth in steps of b. Functions that are not known to be `steady` (to rise or to fall with
    the sum) may be anything as long as equal sums have equal codes.
    """
    order = np.argsort(codes, axis=None, kind="stable")
    starts = np.flatnonzero(np.diff(codes.ravel()[order], prepend=codes.min() - 1))
    for factors in candidates(ratio):
        sums = (factors[0] * a[:, None] + factors[1] * b[None]).ravel()
        grouped = sums[order]
        low, high = np.minimum.reduceat(grouped, starts), np.maximum.reduceat(grouped, starts)
        if bool(np.all(high[:-1] < low[1:])) or bool(np.all(low[:-1] > high[1:])):
            return _form(factors, sums, codes, monotone=True)
    if not steady:
        for factors in candidates(ratio):
            sums = (factors[0] * a[:, None] + factors[1] * b[None]).ravel()
            if int(sums.max() - sums.min()) >= LARGEST_TABLE:
                break
            if agree(sums, codes):
                return _form(factors, sums, codes, monotone=False)
    return None


def product_form(codes: IntArray, products: IntArray) -> PairForm | None:
    """`codes` as a function of the products of the same pairs, where equal products have equal codes."""
    return _form((1, 1), products.ravel(), codes, monotone=False) if agree(products.ravel(), codes) else None


def agree(keys: IntArray, codes: IntArray) -> bool:
    """Whether equal keys have equal codes."""
    order = np.argsort(keys, kind="stable")
    same = np.diff(keys[order]) == 0
    return bool(np.all(np.diff(codes.ravel()[order])[same] == 0))


def each_pair(codes: IntArray, a: IntArray, b: IntArray, span: int) -> PairForm:
    """Factors that give every pair a sum of its own; b varies by less than `span`."""
    sums = (span * a[:, None] + b[None]).ravel()
    return _form((span, 1), sums, codes, monotone=False)


def _form(factors: Factors, keys: IntArray, codes: IntArray, monotone: bool) -> PairForm:
    sums, first = np.unique(keys, return_index=True)
    return PairForm(factors, sums, codes.ravel()[first], monotone)


def candidates(ratio: float) -> Iterator[Factors]:
    """Factors (m, n) with m / n near the ratio, the smallest first."""
    exact = abs(Fraction(ratio))
    sign = 1 if ratio > 0 else -1
    sizes = (*range(1, SMALL_FACTORS + 1), *(1 << k for k in range(5, LARGEST_FACTOR.bit_length())))
    near = {fraction for size in sizes for fraction in _near(exact, size)}
    usable = [f for f in near if max(f.numerator, f.denominator) < LARGEST_FACTOR]
    for f in sorted(usable, key=lambda f: (max(f.numerator, f.denominator), f)):
        yield sign * f.numerator, f.denominator


def _near(exact: Fraction, size: int) -> Iterator[Fraction]:
    """Positive fractions near another with a numerator or a denominator of `size`, or the nearest of those up to it."""
    for fraction in (Fraction(round(exact * size), size), exact.limit_denominator(size)):
        if fraction:
            yield fraction
    for fraction in (Fraction(round(size / exact), size), (1 / exact).limit_denominator(size)):
        if fraction:
            yield 1 / fraction
