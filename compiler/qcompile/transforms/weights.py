"""Constant matrices as integers: what a weight is worth in units of its output channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qcompile.ir.types import Array, FloatArray, IntArray, read_only
from qcompile.ops.roles import Lattice

LARGEST_WEIGHT = 1 << 15
"""Weights of more than 16 bits are refused: what needs them is not a quantised layer."""

FLOAT32_NOISE = 2.0**-22
"""What a few roundings to float32 may change in a number, relative to it."""

DIVISORS = range(1, 9)
"""How many units the least number may be, when the unit has to be guessed."""


@dataclass(frozen=True, slots=True, eq=False)
class IntegerMatrix:
    """real[k, m] = scale[m] * integers[k, m]: `integers` (K, M), `scale` (M,) float64."""

    integers: IntArray
    scale: FloatArray


def from_lattice(codes: IntArray, lattice: Lattice) -> IntegerMatrix | str:
    """Quantised weights as integers; a sentence when they do not lie on one lattice for each output channel."""
    if bool(np.any(lattice.offset != 0)):
        return "its weights have an offset that is no zero point"
    exact = 2 * (codes + lattice.shift)
    if bool(np.any(exact != np.rint(exact))):
        return "its weights have a zero point that is no multiple of one half"
    doubled = np.rint(exact).astype(np.int64)
    halves = bool(np.any(doubled % 2))
    integers = doubled if halves else doubled // 2
    scale = np.broadcast_to(lattice.scale, codes.shape) / (2 if halves else 1)
    found = common_unit(scale)
    if found is None:
        return "its weights have a scale for each input channel, and the ratios of the scales are not integers"
    factors, unit = found
    return _bounded(integers * factors, unit)


def from_real(weights: Array) -> IntegerMatrix | str:
    """Weights given as float numbers, where they are exact float32 multiples of one unit (for all, or for each output
    channel).
    """
    wide = weights.astype(np.float64)
    if bool(np.all(wide == np.rint(wide))):
        return _bounded(wide.astype(np.int64), np.ones(weights.shape[1]))
    magnitude = np.where(wide == 0, np.inf, np.abs(wide))
    for least in (np.full(weights.shape[1], magnitude.min()), magnitude.min(axis=0)):
        least = np.where(np.isfinite(least), least, 1.0)
        for divisor in DIVISORS:
            unit = least / divisor
            integers = np.rint(wide / unit)
            if float(np.abs(integers).max()) < LARGEST_WEIGHT and bool(
                np.all((integers * unit).astype(np.float32) == weights.astype(np.float32))
            ):
                return _bounded(integers.astype(np.int64), unit)
    return "its weights are not quantised: they are no integer multiples of a common unit"


def scaled_rows(matrix: IntegerMatrix, factors: FloatArray) -> tuple[IntegerMatrix, float] | str:
    """The matrix with row k multiplied by factors[k] (inputs of differing scales), and the unit that was taken out.

    A sentence when the factors are no integer multiples of a common unit.
    """
    found = common_unit(factors[:, None])
    if found is None:
        return "its input has a scale for each channel, and the ratios of the scales are not integers"
    multiples, unit = found
    scaled = _bounded(matrix.integers * multiples, matrix.scale)
    return scaled if isinstance(scaled, str) else (scaled, float(unit[0]))


def scaled_entries(matrix: IntegerMatrix, factors: FloatArray) -> IntegerMatrix | str:
    """The matrix with each entry multiplied by that of `factors` (K, M), where output channels read inputs of their own.

    A sentence when the factors of an output channel are no integer multiples of a common unit.
    """
    found = common_unit(factors)
    if found is None:
        return "its input has a scale for each channel, and the ratios of the scales are not integers"
    multiples, unit = found
    return _bounded(matrix.integers * multiples, matrix.scale * unit)


def common_unit(numbers: FloatArray) -> tuple[IntArray, FloatArray] | None:
    """Integers (K, M) and a unit (M,) that give the numbers (K, M), up to what a rounding to float32 may have changed."""
    least = np.abs(numbers).min(axis=0)
    for divisor in DIVISORS:
        ratio = numbers / (least / divisor)
        multiples = np.rint(ratio)
        if bool(np.all(np.abs(ratio - multiples) <= FLOAT32_NOISE * np.abs(ratio))):
            return multiples.astype(np.int64), least / divisor
    return None


def _bounded(integers: IntArray, scale: FloatArray) -> IntegerMatrix | str:
    """Takes out a common factor of each output channel, then holds the size against the limit."""
    factor = np.maximum(np.gcd.reduce(integers, axis=0), 1)
    integers = integers // factor
    largest = int(np.abs(integers).max(initial=0))
    if largest > LARGEST_WEIGHT:
        return f"its weights reach {largest} units: more than 16 bits"
    return IntegerMatrix(read_only(integers), np.asarray(scale, np.float64) * factor)
