"""Integer functions of one integer, found by evaluating the reference: thresholds by bisection, tables by
enumeration.

The function is never taken from a formula, so ties, rounding modes and clamps of the model come out as the model has
them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from qcompile.ir.types import IntArray, Range, read_only

Function = Callable[[IntArray], IntArray]
"""Codes of shape (n, channels or 1) to codes of shape (n, channels)."""

NOT_A_NUMBER = int(np.iinfo(np.int64).min)
"""What a function gives where the model computes no number."""

EXHAUSTIVE = 4096
"""Ranges up to this size are enumerated whole: every value is then proven, monotone or not."""

LARGEST_TABLE = 1 << 22
"""Entries (channels x range) that may be enumerated for a function that is not known to be monotone."""


LARGEST_WAVERING = 1 << 16
"""Entries of a table that a function may cost which only wavers."""


class Trend(Enum):
    """What is known of a function in each channel: it rises or falls steadily, but for last places, or nothing."""

    MONOTONE = "monotone"
    WAVERING = "wavering"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, eq=False)
class Thresholds:
    """base + #{k: x >= thresholds[c, k]}, with -x - 1 in place of x where `descending[c]`; rows may be shared (one
    row).
    """

    base: int
    thresholds: IntArray
    descending: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """entries[c, x - first]; rows may be shared (one row)."""

    first: int
    entries: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """x + added: needs no hardware."""

    added: int


StepFunction = Thresholds | Table | Identity


def derive(function: Function, x: Range, channels: int, trend: Trend) -> StepFunction | str:
    """The exact form of `function` over the reachable range of x; a sentence when there is none of feasible size.

    Where the range is enumerated, what `trend` says is not relied on. A wavering function whose range is too large for that
    gets the thresholds of one of its crossings: next to them the model itself is not monotone.
    """
    least, greatest = x.least, x.greatest
    size = greatest - least + 1
    ranges = x.per_channel(channels) if x.lo.size > 1 else x
    if size <= EXHAUSTIVE or (trend is not Trend.MONOTONE and size * channels <= LARGEST_TABLE):
        form = _from_table(function, ranges, least, greatest, channels)
        if trend is not Trend.WAVERING or not isinstance(form, Table) or form.entries.size <= LARGEST_WAVERING:
            return form
    if trend is Trend.UNKNOWN:
        return f"a function that is not monotone over {size} values in {channels} channels is too large for a table"
    ends = _ends(function, x, channels)
    if bool(np.any(ends == NOT_A_NUMBER)):
        return UNDEFINED
    if _moves_one_to_one(ends, x, channels) and size * channels <= LARGEST_TABLE:
        form = _from_table(function, ranges, least, greatest, channels)
        if isinstance(form, Identity):
            return form
    levels = int(ends.max() - ends.min())
    if levels * channels > LARGEST_TABLE:
        return f"{levels} thresholds in {channels} channels are too many"
    return _bisect(function, x, channels)


UNDEFINED = "the model computes no number (a root or a logarithm below zero, say) for some of the integers it can meet"


def _ends(function: Function, x: Range, channels: int) -> IntArray:
    """The function at the two ends of each channel's range: (2, channels)."""
    ranges = x.per_channel(channels)
    return np.stack([_at(function, ranges.lo), _at(function, ranges.hi)])


def _moves_one_to_one(ends: IntArray, x: Range, channels: int) -> bool:
    """Whether the ends are those of x + a constant."""
    ranges = x.per_channel(channels)
    moved = ends - np.stack([ranges.lo, ranges.hi])
    return bool(np.all(moved == moved[0, 0]))


def _levels(ends: IntArray) -> tuple[int, int]:
    return int(ends.min()), int(ends.max())


def _from_table(function: Function, x: Range, least: int, greatest: int, channels: int) -> StepFunction | str:
    """Enumerates the whole range; unreachable entries of a channel are made equal to its nearest reachable one."""
    grid = np.arange(least, greatest + 1, dtype=np.int64)[:, None]
    entries = np.broadcast_to(function(grid), (grid.shape[0], channels)).T
    reachable = np.broadcast_to(np.clip(grid.T, x.lo[:, None], x.hi[:, None]), entries.shape)
    seen = np.take_along_axis(entries, reachable - least, axis=1)
    if bool(np.any(seen == NOT_A_NUMBER)):
        return UNDEFINED
    differences = seen - reachable
    if bool(np.all(differences == differences[0, 0])):
        return Identity(int(differences[0, 0]))
    base, top = _levels(seen)
    rows = np.clip(entries[:1] if bool(np.all(entries == entries[0])) else seen, base, top)
    slope = np.diff(seen, axis=1)
    rising, falling = np.all(slope >= 0, axis=1), np.all(slope <= 0, axis=1)
    if not bool(np.all(rising | falling)):
        return Table(least, read_only(rows))
    levels = np.arange(base + 1, top + 1)
    # A row shared by all channels is kept in one piece as long as the whole of it is monotone.
    whole = np.diff(rows, axis=1)
    shared = rows.shape[0] == 1 and (bool(np.all(whole >= 0)) or bool(np.all(whole <= 0)))
    source = rows if shared else seen
    descending = np.any(np.diff(source, axis=1) < 0, axis=1).astype(np.int64)
    thresholds = np.empty((source.shape[0], levels.size), np.int64)
    for channel, row in enumerate(source):
        if descending[channel]:
            thresholds[channel] = np.searchsorted(row[::-1], levels) - greatest - 1
        else:
            thresholds[channel] = np.searchsorted(row, levels) + least
    return _shared(base, thresholds, descending)


def _bisect(function: Function, x: Range, channels: int) -> StepFunction:
    """For all channels and levels at once, the least x (greatest, where the function falls) that reaches the level."""
    ranges = x.per_channel(channels)
    base, top = _levels(_ends(function, x, channels))
    outer = np.stack([_at(function, np.full(channels, x.least)), _at(function, np.full(channels, x.greatest))])
    if bool(np.any(outer == NOT_A_NUMBER)):
        outer = _ends(function, x, channels)
    else:
        ranges = x.shared()
    descending = outer[1] < outer[0]
    levels = np.arange(base + 1, top + 1)[:, None]
    low = np.full((levels.size, channels), x.least, np.int64)
    high = np.full((levels.size, channels), x.greatest + 1, np.int64)
    while bool(np.any(low < high)):
        middle = (low + high) >> 1
        mirrored = np.where(descending, x.least + x.greatest - middle, middle)
        reached = (function(np.clip(mirrored, ranges.lo, ranges.hi)) >= levels) | (middle > x.greatest)
        high = np.where(reached, middle, high)
        low = np.where(reached, low, np.minimum(middle + 1, high))
    thresholds = np.where(descending, low - (x.least + x.greatest) - 1, low).T
    return _shared(base, np.ascontiguousarray(thresholds), descending.astype(np.int64))


def _at(function: Function, points: IntArray) -> IntArray:
    """The function at one point a channel."""
    result: IntArray = function(points[None])[0]
    return np.broadcast_to(result, points.shape)


def _shared(base: int, thresholds: IntArray, descending: IntArray) -> Thresholds:
    """One row where all are equal."""
    if bool(np.all(thresholds == thresholds[0])) and bool(np.all(descending == descending[0])):
        thresholds, descending = thresholds[:1], descending[:1]
    return Thresholds(base, read_only(thresholds), read_only(descending))
