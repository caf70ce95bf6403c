"""One row of thresholds for several functions that are the same but for an affine function in front of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qcompile.ir.types import Array, IntArray, read_only

FAR = 1 << 62
"""Beyond all sums."""


@dataclass(frozen=True, slots=True, eq=False)
class Common:
    """What brings integers of several kinds to one unit: x * factors + added, with factors of at least 1."""

    factors: IntArray
    added: IntArray

    @property
    def changes(self) -> bool:
        """Whether it is anything but the integers as they are."""
        return bool(np.any(self.factors != 1) or np.any(self.added))


def shared_thresholds(
    levels: IntArray, falls: Array, least: IntArray, most: IntArray, common: Common
) -> tuple[IntArray, IntArray] | None:
    """Thresholds (C, levels) and which of them descend (C,), one row where all are equal; None where there are none.

    `levels` (kinds, C, levels) are those of each kind of integers, which go from `least` to `most`, (kinds, C); `falls` (C,)
    says where -x - 1 is compared. `common` (kinds, C) brings them to one unit. For all integers that occur the result
    says the same as each kind's own: a threshold lies anywhere between two integers, and beyond them all where a level is
    reached always, or never.
    """
    factors, added = common.factors, common.added
    moved = np.where(falls, factors - 1 - added, added)
    first, last = (np.where(falls, -end - 1, own) for end, own in ((most, least), (least, most)))
    factors, moved, first, last = (part[:, :, None] for part in (factors, moved, first, last))
    highest = np.where(levels > last, FAR, factors * np.maximum(levels, first) + moved).min(axis=0)
    lowest = np.where(levels <= first, -FAR, factors * (np.minimum(levels, last + 1) - 1) + 1 + moved).max(axis=0)
    rows = np.where(highest < FAR, highest, lowest)
    if bool(np.any(rows < lowest)) or bool(np.any(np.diff(rows, axis=1) < 0)):
        return None
    descending = np.asarray(falls).astype(np.int64)
    if bool(np.all(rows == rows[0])) and bool(np.all(descending == descending[0])):
        rows, descending = rows[:1], descending[:1]
    return read_only(rows), read_only(descending)
