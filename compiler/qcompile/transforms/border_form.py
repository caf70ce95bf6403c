"""A monotone function of two integers as one of a weighted sum, proven at the borders between its codes.

For pairs too many to evaluate: one integer is enumerated, and for each of its values the borders are found by bisection
over the other. As the function is monotone, the pairs on both sides of a border are all that the sum must tell apart.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qcompile.ir.types import IntArray
from qcompile.transforms.pair_form import PairForm, candidates
from qcompile.transforms.step_function import NOT_A_NUMBER, UNDEFINED

FAR = 1 << 62
"""Beyond all sums."""

MOST_BORDERS = 1 << 20
"""Borders (levels times values of the enumerated integer) that are looked for."""

Function = Callable[[IntArray, IntArray], IntArray]
"""Codes of pairs, of shapes that broadcast; it rises or falls steadily with each integer."""

Ends = tuple[int, int]


def border_form(function: Function, ends: Ends, enumerated: Ends, ratio: float) -> PairForm | str:
    """The weighted sum with the smallest factors that tells all codes apart; a sentence where there is none.

    The first integer goes from the first to the last of `ends`, the second of `enumerated`; `ratio` is what one step of the
    first is worth in steps of the second.
    """
    b = np.arange(enumerated[0], enumerated[1] + 1)
    codes = function(np.asarray(ends)[:, None], b[None])
    if bool(np.any(codes == NOT_A_NUMBER)):
        return UNDEFINED
    sign = -1 if bool(np.any(codes[0] > codes[1])) else 1
    base, top = int(codes.min()), int(codes.max())
    if (top - base) * b.size > MOST_BORDERS:
        return f"{b.size} integers with {top - base} borders each are too many to look at"
    levels = np.arange(base + 1, top + 1)
    lo, hi = ends if sign > 0 else (-ends[1], -ends[0])
    border = _borders(lambda x: function(sign * x, b[None]), levels, lo, hi, b.size)
    for m, n in candidates(ratio):
        factors = (m, n) if sign * m > 0 else (-m, -n)
        # A code is reached from a sum of `low` on; all sums up to `high` belong to codes below.
        step, across = abs(m), factors[1] * b[None]
        low = np.min(np.where(border <= hi, step * border + across, FAR), axis=1)
        high = np.max(np.where(border > lo, step * (border - 1) + across, -FAR), axis=1)
        if bool(np.all(high < low)):
            return PairForm(factors, np.concatenate([[-FAR], low]), np.arange(base, top + 1), monotone=True)
    return "no integer factors of 20 bits tell all codes apart"


def _borders(function: Callable[[IntArray], IntArray], levels: IntArray, lo: int, hi: int, count: int) -> IntArray:
    """The least of lo..hi with which each level is reached, hi + 1 where none does: (levels, count)."""
    low = np.full((levels.size, count), lo, np.int64)
    high = np.full((levels.size, count), hi + 1, np.int64)
    while bool(np.any(low < high)):
        middle = (low + high) >> 1
        reached = (function(np.minimum(middle, hi)) >= levels[:, None]) | (middle > hi)
        high = np.where(reached, middle, high)
        low = np.where(reached, low, np.minimum(middle + 1, high))
    return low
