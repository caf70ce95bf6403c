"""Integers that compare as the real numbers they stand for, for ArgMax."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qcompile.ir.types import FloatArray, IntArray, Range, read_only
from qcompile.transforms.deferred import Deferred

MOST_FRACTION_BITS = 16

FLOAT_NOISE = 2.0**-26
"""Half of what a float32 number may be off by, relative to it."""

LARGEST_ENUMERATION = 1 << 18
"""Ranges up to this size are enumerated to see that a function rises."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparable:
    """q * 2**shift + offsets has the order of the real numbers; `offsets` is None when it is all zero.

    `gap` is the least difference of two unequal real numbers.
    """

    shift: int
    offsets: IntArray | None
    gap: float


def comparable(source: Deferred, codes: Range) -> Comparable | None:
    """How to compare channels with each other, or None when integers of one common scale cannot."""
    lattice = source.lattice
    shared = all(bool(np.all(part == part.ravel()[0])) for part in (lattice.scale, lattice.shift, lattice.offset))
    shared = shared and all(operand.size == 1 for step in source.steps for operand in step.operands)
    if shared:
        gap = _least_rise(source, codes)
        return Comparable(0, None, gap) if gap > 0 else None
    affine = source.affine()
    if affine is None or bool(np.any(affine.scale <= 0)):
        return None
    scale = float(affine.scale.ravel()[0])
    if not bool(np.all(affine.scale == scale)):
        return None
    ones = np.ones(source.channels)
    return _aligned(ones * affine.shift + ones * affine.offset / scale, scale)


def _least_rise(source: Deferred, codes: Range) -> float:
    """The least difference of the numbers of neighbouring integers, in the reference's arithmetic; 0 where any is not
    positive.

    Ranges too large to enumerate must be affine; float32 then tells integers apart the worst at the ends.
    """
    if codes.greatest - codes.least < LARGEST_ENUMERATION:
        points = np.arange(codes.least, codes.greatest + 1, dtype=np.int64)
    elif source.affine() is not None:
        points = np.asarray([codes.least, codes.least + 1, codes.greatest - 1, codes.greatest], np.int64)
    else:
        return 0.0
    real = source.evaluate(points[:, None])[:, 0].astype(np.float64)
    least = float(np.diff(real).min(initial=np.inf))
    return max(0.0, least) if np.isfinite(real).all() else 0.0


def _aligned(position: FloatArray, scale: float) -> Comparable | None:
    """Offsets with as few fraction bits as keep every comparison of q_i + position_i with q_j + position_j.

    Positions whose difference is an integer but for less than float32 could hold of them count as equal in the
    fraction.
    """
    difference = position[:, None] - position[None, :]
    if float(np.abs(difference).max()) > 2.0**40:
        return None
    nearest = np.rint(difference)
    magnitude = np.maximum(np.abs(position)[:, None], np.abs(position)[None, :])
    whole = np.abs(difference - nearest) <= FLOAT_NOISE * magnitude
    apart = np.where(whole, 1.0, np.abs(difference - nearest))
    for shift in range(MOST_FRACTION_BITS + 1):
        offsets = np.rint((position - position.min()) * 2**shift).astype(np.int64)
        rounded = offsets[:, None] - offsets[None, :]
        # q_i - q_j is an integer: only the integers on both sides of the true difference matter, and equality.
        same = np.where(
            whole,
            rounded == nearest.astype(np.int64) << shift,
            (rounded >> shift == np.floor(difference)) & (rounded % 2**shift != 0),
        )
        if bool(np.all(same)):
            return Comparable(shift, read_only(offsets) if bool(np.any(offsets)) else None, float(apart.min()) * scale)
    return None
