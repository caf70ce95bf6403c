"""Step functions by evaluation: bisection, enumeration and tables give the function itself, on all that can be reached."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.ir.types import IntArray, Range
from qcompile.ops import Lookup, Threshold
from qcompile.transforms import step_function
from qcompile.transforms.step_function import (
    NOT_A_NUMBER,
    UNDEFINED,
    Identity,
    StepFunction,
    Table,
    Thresholds,
    Trend,
    derive,
)

Function = Callable[[IntArray], IntArray]
seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=120, deadline=None, derandomize=True)


def apply(form: StepFunction | str, x: IntArray) -> IntArray:
    """What hardware of this form makes of x (n, channels)."""
    assert not isinstance(form, str), form
    if isinstance(form, Identity):
        return x + form.added
    if isinstance(form, Table):
        return np.asarray(Lookup(form.first).evaluate(x, form.entries))
    return np.asarray(Threshold(form.base).evaluate(x, form.thresholds, form.descending))


def reachable(x: Range, channels: int, most: int = 6000) -> IntArray:
    """(n, channels): the whole range of every channel, or its ends and a sample."""
    ranges = x.per_channel(channels)
    size = int((ranges.hi - ranges.lo).max()) + 1
    offsets = np.arange(size) if size <= most else np.unique(np.linspace(0, size - 1, most).astype(np.int64))
    points = np.minimum(ranges.lo + offsets[:, None], ranges.hi)
    return np.concatenate([points, ranges.lo[None], ranges.hi[None]])


def steps(rng: np.random.Generator, x: Range, channels: int, levels: int, shared: bool = False) -> Function:
    """A random monotone function of each channel, rising or falling, with some levels out of reach."""
    rows = 1 if shared else channels
    spread = max(4, x.greatest - x.least)
    thresholds = rng.integers(x.least - spread // 4, x.greatest + spread // 4, (rows, levels))
    sign = np.where(rng.random(rows) < 0.4, -1, 1)
    base = int(rng.integers(-5, 5))

    def function(points: IntArray) -> IntArray:
        return base + (points[..., None] * sign[:, None] >= thresholds * sign[:, None]).sum(axis=-1)

    return function


def ranges(rng: np.random.Generator, channels: int, size: int, per_channel: bool) -> Range:
    low = rng.integers(-size, size // 2 + 1, channels if per_channel else 1)
    return Range.of(low, low + rng.integers(0, size + 1, low.shape))


@quick
@given(seed=seeds, per_channel=st.booleans(), shared=st.booleans(), size=st.sampled_from([0, 1, 5, 60, 1000]))
def test_enumeration_is_the_function(seed: int, per_channel: bool, shared: bool, size: int) -> None:
    rng = np.random.default_rng(seed)
    channels = int(rng.integers(1, 6))
    x = ranges(rng, channels, size, per_channel)
    function = steps(rng, x, channels, int(rng.integers(0, 9)), shared)
    form = derive(function, x, channels, Trend.MONOTONE)
    points = reachable(x, channels)
    assert np.array_equal(apply(form, points), np.broadcast_to(function(points), points.shape))


@quick
@given(seed=seeds, per_channel=st.booleans(), shared=st.booleans())
def test_bisection_equals_enumeration(seed: int, per_channel: bool, shared: bool) -> None:
    rng = np.random.default_rng(seed)
    channels = int(rng.integers(1, 5))
    x = ranges(rng, channels, int(rng.choice([3, 40, 700])), per_channel)
    function = steps(rng, x, channels, int(rng.integers(1, 12)), shared)
    bisected = step_function._bisect(function, x, channels)
    points = reachable(x, channels)
    assert np.array_equal(apply(bisected, points), np.broadcast_to(function(points), points.shape))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=seeds, per_channel=st.booleans())
def test_large_ranges_are_bisected_exactly(seed: int, per_channel: bool) -> None:
    rng = np.random.default_rng(seed)
    channels = int(rng.integers(1, 5))
    x = ranges(rng, channels, int(rng.choice([50_000, 2**24, 2**40])), per_channel)
    function = steps(rng, x, channels, int(rng.integers(1, 40)))
    form = derive(function, x, channels, Trend.MONOTONE)
    points = reachable(x, channels)
    if isinstance(form, Thresholds):  # and on both sides of every threshold
        edges = np.where(form.descending[:, None] == 1, -form.thresholds - 1, form.thresholds)
        around = (np.broadcast_to(edges, (channels, edges.shape[1])).T[:, None] + np.arange(-1, 2)[:, None]).reshape(
            -1, channels
        )
        inside = x.per_channel(channels)
        points = np.concatenate([points, np.clip(around, inside.lo, inside.hi)])
    assert np.array_equal(apply(form, points), np.broadcast_to(function(points), points.shape))


@quick
@given(seed=seeds, per_channel=st.booleans(), shared=st.booleans())
def test_what_is_not_monotone_becomes_a_table(seed: int, per_channel: bool, shared: bool) -> None:
    rng = np.random.default_rng(seed)
    channels = int(rng.integers(1, 5))
    x = ranges(rng, channels, 200, per_channel)
    wild = rng.integers(-9, 10, (x.greatest - x.least + 1, 1 if shared else channels))

    def function(points: IntArray) -> IntArray:
        return np.take_along_axis(np.broadcast_to(wild, (len(wild), points.shape[1])), points - x.least, axis=0)

    def spread(points: IntArray) -> IntArray:
        return function(np.broadcast_to(points, (len(points), channels)))

    form = derive(spread, x, channels, Trend.UNKNOWN)
    points = reachable(x, channels)
    assert np.array_equal(apply(form, points), spread(points))
    if isinstance(form, Table):  # no entry, reachable or not, is wider than the results
        seen = spread(points)
        assert seen.min() <= form.entries.min() <= form.entries.max() <= seen.max()


def test_a_parabola_is_a_table() -> None:
    form = derive(lambda p: p * p // 8, Range.of(-20, 20), 3, Trend.UNKNOWN)
    assert isinstance(form, Table)
    assert form.entries.shape == (1, 41)
    assert form.first == -20


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("trend", [Trend.MONOTONE, Trend.UNKNOWN])
@pytest.mark.parametrize("greatest", [15, 100_000])
def test_a_threshold_above_the_reach_never_fires(sign: int, trend: Trend, greatest: int) -> None:
    """Channel 1 ends below the top level: its threshold lies above all that it can meet, it is not clipped to it."""

    def function(points: IntArray) -> IntArray:
        limits = np.asarray([greatest, 10 * greatest])
        return np.where(sign > 0, points >= limits, greatest - points >= limits).astype(np.int64)

    form = derive(function, Range.of(0, greatest), 2, trend)
    assert isinstance(form, Thresholds)
    assert form.thresholds.shape == (2, 1)
    ends = np.asarray([[0, 0], [greatest, greatest]])
    assert np.array_equal(apply(form, ends), function(ends))
    assert apply(form, ends).max(axis=0).tolist() == [1, 0]


def test_constants_have_no_thresholds() -> None:
    for greatest in (20, 100_000):
        form = derive(lambda p: np.full_like(p, 7), Range.of(0, greatest), 4, Trend.MONOTONE)
        assert isinstance(form, Thresholds)
        assert (form.base, form.thresholds.shape) == (7, (1, 0))


def test_constant_channels_among_others() -> None:
    constant = np.asarray([False, True, True])

    def function(points: IntArray) -> IntArray:
        return np.where(constant, [0, 5, -3], points // 4)

    for greatest in (40, 40_000):
        x = Range.of(0, greatest)
        form = derive(function, x, 3, Trend.MONOTONE)
        points = reachable(x, 3)
        assert np.array_equal(apply(form, points), function(points))


def test_falling_and_rising_channels_side_by_side() -> None:
    sign = np.asarray([1, -1, 1])

    def function(points: IntArray) -> IntArray:
        return sign * points // 3

    for greatest in (50, 50_000):
        form = derive(function, Range.of(-greatest, greatest), 3, Trend.MONOTONE)
        assert isinstance(form, Thresholds)
        assert form.descending.tolist() == [0, 1, 0]
        points = reachable(Range.of(-greatest, greatest), 3)
        assert np.array_equal(apply(form, points), function(points))


def test_equal_rows_are_shared_even_where_channels_reach_differently() -> None:
    x = Range.of([0, -5, 3], [30, 12, 9])
    form = derive(lambda p: p // 4, x, 3, Trend.MONOTONE)
    assert isinstance(form, Thresholds)
    assert form.thresholds.shape[0] == form.descending.size == 1


@pytest.mark.parametrize("added", [0, -7])
@pytest.mark.parametrize("greatest", [30, 70_000])
@pytest.mark.parametrize("trend", [Trend.MONOTONE, Trend.UNKNOWN])
def test_moving_by_a_constant_needs_no_hardware(added: int, greatest: int, trend: Trend) -> None:
    form = derive(lambda p: p + added, Range.of([0, 5], [greatest, greatest - 3]), 2, trend)
    assert isinstance(form, Identity)
    assert form.added == added


def test_the_identity_within_the_reach_needs_no_hardware() -> None:
    """A clamp that no channel meets."""
    x = Range.of([-3, 0], [4, 7])
    assert isinstance(derive(lambda p: np.clip(p, [-3, 0], [4, 7]), x, 2, Trend.MONOTONE), Identity)


def test_what_is_no_number_is_refused() -> None:
    def root(points: IntArray) -> IntArray:
        return np.where(points < 0, NOT_A_NUMBER, np.sqrt(np.maximum(points, 0)).astype(np.int64))

    for greatest in (50, 50_000):
        assert derive(root, Range.of(-1, greatest), 1, Trend.MONOTONE) == UNDEFINED
        assert derive(root, Range.of(-1, greatest), 1, Trend.UNKNOWN) == UNDEFINED
        # Unreachable: the second channel alone makes the common range begin below zero.
        x = Range.of([0, -9], [greatest, greatest])

        def second_is_safe(points: IntArray) -> IntArray:
            return np.where([True, False], root(points), points // 2)

        form = derive(second_is_safe, x, 2, Trend.MONOTONE)
        points = reachable(x, 2)
        assert np.array_equal(apply(form, points), second_is_safe(points))


def test_too_large_for_any_form() -> None:
    assert isinstance(derive(lambda p: p % 5, Range.of(0, 2**30), 1, Trend.UNKNOWN), str)
    assert isinstance(derive(lambda p: p * 2, Range.of(0, 2**30), 1, Trend.MONOTONE), str)


def test_wavering_functions_are_proven_where_they_can_be_enumerated() -> None:
    """A dip of one code: a table while that is small, else thresholds that are wrong nowhere but in the dip."""

    def dips(points: IntArray) -> IntArray:
        return points // 3000 - (points == 6001)

    small = derive(dips, Range.of(0, 20_000), 1, Trend.WAVERING)
    assert isinstance(small, Table)
    large = derive(dips, Range.of(0, 200_000), 1, Trend.WAVERING)
    assert isinstance(large, Thresholds)
    points = np.arange(200_001)[:, None]
    wrong = np.flatnonzero(apply(large, points) != dips(points))
    assert set(wrong) <= {6000, 6001}
