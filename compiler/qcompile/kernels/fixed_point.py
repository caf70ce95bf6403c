"""Step functions as multiplication, addition and shift: the smallest constants that are exact.

The idea of requantisation in integers is that of Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference" (CVPR 2018), section 2.2; here the constants are not rounded from a scale but solved for, so
that every integer of the reachable range comes out as the thresholds have it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qcompile.ir.types import FloatArray, IntArray, Range, read_only

MULTIPLIER_BITS = 35
"""Signed width of the largest multiplier: two halves for DSP blocks of 18 bits. Most layers need far less."""

LONGEST_SHIFT = 48
FAR = 1 << 60
"""Beyond every addend."""

HALVINGS = 60
"""Of an interval of slopes: beyond the resolution of float64."""


@dataclass(frozen=True, slots=True, eq=False)
class FixedPoint:
    """y = clamp(round((multipliers[c] * x + addends[c]) / 2**shift), lo, hi), rounded down, or, `half_even`, to the nearest
    integer, halves to the even one. Both int64 arrays have the shape (channels,), or (1,) where all channels agree.
    """

    multipliers: IntArray
    addends: IntArray
    shift: int
    half_even: bool
    lo: int
    hi: int

    def evaluate(self, x: IntArray) -> IntArray:
        """int64 (..., channels) to the same shape."""
        total = x * self.multipliers + self.addends
        tie = np.zeros(1, np.int64)
        if self.half_even:
            total = total + (1 << (self.shift - 1))
            tie = ((total & ((1 << self.shift) - 1)) == 0).astype(np.int64)
        result: IntArray = np.clip((total >> self.shift) & ~tie, self.lo, self.hi)
        return result


@dataclass(frozen=True, slots=True, eq=False)
class _Scaling:
    """Multipliers (channels,), the shift behind them and how it rounds, for codes that begin at `base`."""

    multipliers: IntArray
    shift: int
    half_even: bool
    base: int

    def levels(self, k: IntArray) -> IntArray:
        """What the sum has to reach for level k: where halves are rounded to even, an odd code needs more than a half."""
        if not self.half_even:
            return k << self.shift
        return ((2 * k - 1) << (self.shift - 1)) + (k + self.base & 1)


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """For some levels k (n,): in each channel (row) the least x that reaches it and the greatest that does not, where there
    are such x in the channel's range.
    """

    k: IntArray
    least: IntArray
    has_least: npt.NDArray[np.bool_]
    below: IntArray
    has_below: npt.NDArray[np.bool_]

    def slack(self, slope: FloatArray) -> FloatArray:
        """(channels,): how much room an addend has between the levels, for real slopes (channels,); negative for none."""
        upper = np.where(self.has_below, self.k - slope[:, None] * self.below, np.inf).min(axis=1)
        lower = np.where(self.has_least, self.k - slope[:, None] * self.least, -np.inf).max(axis=1)
        result: FloatArray = upper - lower
        return result

    def bounds(self, scaling: _Scaling) -> tuple[IntArray, IntArray]:
        """(channels, n) each: the least and the greatest addend with which each level is reached at its step."""
        levels, slope = scaling.levels(self.k), scaling.multipliers[:, None]
        lower = np.where(self.has_least, levels - slope * self.least, -FAR)
        return lower, np.where(self.has_below, levels - 1 - slope * self.below, FAR)

    def only(self, columns: IntArray) -> _Steps:
        """Some of the levels."""
        here = (slice(None), columns)
        return _Steps(
            self.k[columns], self.least[here], self.has_least[here], self.below[here], self.has_below[here]
        )


def fixed_point(thresholds: IntArray, descending: IntArray, mirror: int, base: int, x: Range) -> FixedPoint | None:
    """The form with the shortest shift that equals base + #{k: x >= thresholds[c, k]} on the reachable range `x`.

    `thresholds` is int64 (channels or 1, n), ascending; channels where `descending` compare mirror - x in place of x. None
    where a channel has no form with a multiplier of MULTIPLIER_BITS bits.
    """
    channels = max(thresholds.shape[0], descending.size, x.lo.size)
    falls = np.broadcast_to(descending.astype(np.bool_), (channels,))
    known = x.per_channel(channels) if x.lo.size > 1 or channels == 1 else x
    lo, hi = (np.broadcast_to(bound, (channels,)) for bound in (known.lo, known.hi))
    lo, hi = np.where(falls, mirror - hi, lo), np.where(falls, mirror - lo, hi)
    rows = np.broadcast_to(thresholds, (channels, thresholds.shape[1]))
    k = np.arange(1, rows.shape[1] + 1)
    least, below = np.maximum(rows, lo[:, None]), np.minimum(rows - 1, hi[:, None])
    steps = _Steps(k, least, rows <= hi[:, None], below, rows > lo[:, None])
    solved = _solve_all(steps, base)
    if solved is None:
        return None
    multipliers, addends, shift, half_even = solved
    addends = np.where(falls, addends + multipliers * mirror, addends) + (base << shift)
    multipliers = np.where(falls, -multipliers, multipliers)
    if bool(np.all(multipliers == multipliers[0]) and np.all(addends == addends[0])):
        multipliers, addends = multipliers[:1], addends[:1]
    return FixedPoint(read_only(multipliers), read_only(addends), shift, half_even, base, base + rows.shape[1])


def _slopes(steps: _Steps) -> tuple[FloatArray, FloatArray]:
    """The least and the greatest slope (channels,) of a line through the steps: where the slack, which is concave, is not
    negative. Where it is negative everywhere, by ties, both are the slope of the largest slack.
    """
    channels, steepest = steps.least.shape[0], 2.0 * float(steps.k[-1]) + 2
    low, high = np.zeros(channels), np.full(channels, steepest)
    for _ in range(HALVINGS * 2):
        third = (high - low) / 3
        left, right = low + third, high - third
        rising = steps.slack(left) < steps.slack(right)
        low, high = np.where(rising, left, low), np.where(rising, high, right)
    best = (low + high) / 2
    ends = []
    for outer in (np.zeros(channels), np.full(channels, steepest)):
        inside, outside = best, outer
        for _ in range(HALVINGS):
            middle = (inside + outside) / 2
            good = steps.slack(middle) > 0
            inside, outside = np.where(good, middle, inside), np.where(good, outside, middle)
        ends.append(np.where(steps.slack(outer) > 0, outer, inside))
    return ends[0], ends[1]


def _solve_all(steps: _Steps, base: int) -> tuple[IntArray, IntArray, int, bool] | None:
    """Multipliers, addends, shift and rounding for all levels: solved for some, and again with those that this breaks."""
    count = steps.k.size
    columns = np.unique(np.linspace(0, count - 1, min(count, 64)).astype(np.int64))
    while True:
        scaling = _solve(steps.only(columns), base)
        if scaling is None:
            return None
        lower, upper = steps.bounds(scaling)
        above, below = lower.argmax(axis=1), upper.argmin(axis=1)
        channels = np.arange(above.size)
        least, greatest = lower[channels, above], upper[channels, below]
        broken = least > greatest
        if not bool(broken.any()):
            least = np.where(least == -FAR, greatest, least)
            addends = (least + np.where(greatest == FAR, least, greatest)) >> 1
            return scaling.multipliers, addends, scaling.shift, scaling.half_even
        columns = np.union1d(columns, np.concatenate([above[broken], below[broken]]))


def _solve(steps: _Steps, base: int) -> _Scaling | None:
    """The scaling with the shortest shift, and with small multipliers."""
    low, high = _slopes(steps)
    reach = max(int(np.abs(steps.least).max()), int(np.abs(steps.below).max())).bit_length()
    limit = 1 << min(MULTIPLIER_BITS - 1, 61 - reach)
    for shift in range(LONGEST_SHIFT):
        first = np.ceil(np.ldexp(low, shift)).astype(np.int64)
        if int(first.max()) >= limit or shift + int(steps.k[-1]).bit_length() > 59:
            return None
        candidates = (first, first + 1, np.rint(np.ldexp((low + high) / 2, shift)).astype(np.int64))
        for half_even in (False, True) if shift else (False,):
            chosen = np.full(first.size, -1)
            for multipliers in candidates:
                lower, upper = steps.bounds(_Scaling(multipliers, shift, half_even, base))
                fits = (lower.max(axis=1) <= upper.min(axis=1)) & (chosen < 0) & (multipliers < limit)
                chosen = np.where(fits, multipliers, chosen)
            if bool(np.all(chosen >= 0)):
                return _Scaling(chosen, shift, half_even, base)
    return None
