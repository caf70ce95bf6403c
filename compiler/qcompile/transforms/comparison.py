"""Integers that compare as the real numbers they stand for, for ArgMax."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qcompile.ir.types import IntArray, Range, read_only
from qcompile.ops.roles import Direction
from qcompile.transforms.deferred import Deferred

MOST_FRACTION_BITS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Comparable:
    """q * 2**shift + offsets has the order of the real numbers; `offsets` is None when it is all zero."""

    shift: int
    offsets: IntArray | None


def comparable(source: Deferred, codes: Range) -> Comparable | None:
    """How to compare channels with each other, or None when integers of one common scale cannot."""
    lattice = source.lattice
    shared = all(bool(np.all(part == part.ravel()[0])) for part in (lattice.scale, lattice.shift, lattice.offset))
    shared = shared and all(operand.size == 1 for step in source.steps for operand in step.operands)
    if shared:
        rising = all(step.op.direction(*step.operands) is Direction.INCREASING for step in source.steps)
        return Comparable(0, None) if rising and bool(lattice.scale.ravel()[0] > 0) else None
    affine = source.affine()
    if affine is None or bool(np.any(affine.scale <= 0)):
        return None
    if not bool(np.all(affine.scale == affine.scale.ravel()[0])):
        return None
    ones = np.ones(source.channels)
    return _aligned(ones * affine.shift + ones * affine.offset / affine.scale.ravel()[0], codes)


def _aligned(position: np.ndarray, codes: Range) -> Comparable | None:
    """Offsets with as few fraction bits as keep every comparison of q_i + position_i with q_j + position_j."""
    difference = position[:, None] - position[None, :]
    if float(np.abs(difference).max()) > 2.0**40:
        return None
    nearest = np.rint(difference)
    whole = np.abs(difference - nearest) < 1e-9 * (1 + codes.greatest - codes.least)
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
            return Comparable(shift, read_only(offsets) if bool(np.any(offsets)) else None)
    return None
