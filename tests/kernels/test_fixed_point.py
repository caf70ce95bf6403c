"""Fixed-point forms of step functions: exact on every reachable integer, or none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcompile.ir.types import IntArray, Range
from qcompile.kernels.fixed_point import MULTIPLIER_BITS, FixedPoint, fixed_point


def thresholds_of(codes: IntArray, lo: int, levels: int) -> IntArray:
    """(channels, levels): where ascending rows of codes over lo, lo + 1... reach 1, 2, ...; beyond the end for never."""
    return np.stack([np.searchsorted(row, np.arange(1, levels + 1)) + lo for row in codes])


def solved(codes: IntArray, lo: int) -> FixedPoint | None:
    """The form of functions given by their codes (channels, range), 0 and up."""
    levels = int(codes.max())
    flags = np.zeros(codes.shape[0], np.int64)
    return fixed_point(thresholds_of(codes, lo, levels), flags, 0, 0, Range.of(lo, lo + codes.shape[1] - 1))


def assert_equal(form: FixedPoint, codes: IntArray, lo: int) -> None:
    x = np.arange(lo, lo + codes.shape[1])[:, None]
    assert np.array_equal(np.broadcast_to(form.evaluate(x), codes.T.shape), codes.T)


@given(st.integers(0, 2**32 - 1))
def test_rounded_scales(seed: int) -> None:
    """What an 8-bit network does: scale, round half to even, clamp. There is a form with a multiplier of few bits."""
    rng = np.random.default_rng(seed)
    lo, levels, channels = int(rng.integers(-3000, 1)), int(rng.integers(1, 256)), int(rng.integers(1, 6))
    x = np.arange(lo, lo + int(rng.integers(2, 6000)))
    scale, offset = rng.uniform(0.001, 1.5, (channels, 1)), rng.uniform(-20, 20, (channels, 1))
    codes = np.clip(np.rint(x * scale + offset), 0, levels).astype(np.int64)
    if codes.max() == 0:
        return
    form = solved(codes, lo)
    assert form is not None
    assert_equal(form, codes, lo)
    assert int(np.abs(form.multipliers).max()) < 1 << (MULTIPLIER_BITS - 1)


@pytest.mark.parametrize("shift", [1, 2, 5])
@pytest.mark.parametrize("factor", [1, 3])
def test_halves_to_even(shift: int, factor: int) -> None:
    """A scale that is a fraction of a power of two: ties occur, and are rounded as the model does."""
    x = np.arange(-100, 400)
    codes = np.clip(np.rint(x * factor / 2**shift), 0, 63).astype(np.int64)[None]
    form = solved(codes, -100)
    assert form is not None
    assert form.half_even
    assert (int(form.multipliers[0]), form.shift) == (factor, shift)
    assert_equal(form, codes, -100)


def test_truncation_needs_no_multiplier() -> None:
    codes = np.clip(np.arange(-50, 200) >> 3, 0, 15)[None]
    form = solved(codes, -50)
    assert form is not None
    assert (int(form.multipliers[0]), form.shift, form.half_even) == (1, 3, False)
    assert_equal(form, codes, -50)


def test_what_is_no_line_has_no_form() -> None:
    x = np.arange(256)
    assert solved(np.rint(np.sqrt(x) * 2).astype(np.int64)[None], 0) is None
    both = np.stack([np.clip(x // 4, 0, 40), np.rint(np.sqrt(x) * 2).astype(np.int64)])
    assert solved(both, 0) is None


@pytest.mark.parametrize("base", [-128, 0, 7])
def test_falling_channels_and_bases(base: int) -> None:
    rng = np.random.default_rng(base + 128)
    lo, hi, levels = -500, 800, 255
    x = np.arange(lo, hi + 1)
    slopes = np.array([0.3, -0.21, 0.13, -0.5])
    codes = np.clip(np.rint(x * slopes[:, None] + rng.uniform(-9, 9, (4, 1))), base, base + levels).astype(np.int64)
    falls = (slopes < 0).astype(np.int64)
    mirrored = np.where(falls[:, None] == 1, codes[:, ::-1], codes) - base
    starts = np.where(falls == 1, -1 - hi, lo)
    thresholds = np.stack([thresholds_of(row[None], s, levels)[0] for row, s in zip(mirrored, starts, strict=True)])
    form = fixed_point(thresholds, falls, -1, base, Range.of(lo, hi))
    assert form is not None
    assert (form.lo, form.hi) == (base, base + levels)
    assert_equal(form, codes, lo)


def test_reachable_ranges_of_channels() -> None:
    """What a channel cannot reach is not asked for: thresholds there may stand anywhere."""
    thresholds = np.array([[2, 4, 6, 1000], [-3, 5, 13, 13]])
    known = Range.of([0, -2], [7, 12])
    form = fixed_point(thresholds, np.zeros(2), 0, 0, known)
    assert form is not None
    for channel in range(2):
        x = np.arange(known.lo[channel], known.hi[channel] + 1)
        expected = np.searchsorted(thresholds[channel], x, side="right")
        both = form.evaluate(np.stack([x, x], axis=-1))
        assert np.array_equal(both[:, channel], expected)


def test_sixteen_bits() -> None:
    x = np.arange(-(1 << 20), 1 << 20, 7)
    scale = 0.0123
    levels = 25_000
    thresholds = np.ceil((np.arange(1, levels + 1) - 0.5) / scale).astype(np.int64)[None]
    form = fixed_point(thresholds, np.zeros(1), 0, 0, Range.of(-(1 << 20), (1 << 20) - 1))
    assert form is not None
    assert np.array_equal(form.evaluate(x[:, None])[:, 0], np.searchsorted(thresholds[0], x, side="right"))
