"""Integer operators on images: against loops in plain Python, and their ranges against exhaustive search."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.ir.types import Range
from qcompile.ops import BorderAffine, ChannelProduct, SlidingWindow, TensorAdd, WindowMaximum
from qcompile.ops.windows import Windows

seeds = st.integers(0, 2**32 - 1)


def random_range(rng: np.random.Generator, channels: int) -> Range:
    low = rng.integers(-6, 7, channels)
    return Range.of(low, low + rng.integers(0, 6, channels))


def ends(reach: Range, channels: int) -> list[tuple[int, int]]:
    each = reach.per_channel(channels)
    return list(zip(each.lo.tolist(), each.hi.tolist(), strict=True))


def same_range(stated: Range, results: np.ndarray) -> bool:
    channels = results.shape[-1]
    rows = results.reshape(-1, channels)
    return ends(stated, channels) == list(zip(rows.min(axis=0).tolist(), rows.max(axis=0).tolist(), strict=True))


@settings(max_examples=60, deadline=None)
@given(seed=seeds)
def test_sliding_window_takes_rows_columns_channels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kernel, stride, dilation, before, after = (
        tuple(int(size) for size in rng.integers(low, high, 2))
        for low, high in ((1, 4), (1, 3), (1, 3), (0, 3), (0, 3))
    )
    x = rng.integers(1, 99, (2, 7, 8, 3))
    op = SlidingWindow(Windows(kernel, stride, dilation, before, after))
    result = op.evaluate(x)
    assert result.shape == (2, *op.infer_shape(x.shape[1:]))
    for frame, row, column in np.ndindex(result.shape[:3]):
        expected: list[int] = []
        for k, j in itertools.product(range(kernel[0]), range(kernel[1])):
            at = (row * stride[0] + k * dilation[0] - before[0], column * stride[1] + j * dilation[1] - before[1])
            inside = 0 <= at[0] < 7 and 0 <= at[1] < 8
            expected += x[frame, at[0], at[1]].tolist() if inside else [0, 0, 0]
        assert result[frame, row, column].tolist() == expected


def test_sliding_window_reaches_zero_where_it_is_padded() -> None:
    positive = Range.of([2, 3], [5, 9])
    plain = Windows((1, 2), (1, 1), (1, 1), (0, 0), (0, 0))
    padded = Windows((1, 2), (1, 1), (1, 1), (0, 1), (0, 0))
    assert ends(SlidingWindow(plain).infer_range(positive), 4) == [(2, 5), (3, 9), (2, 5), (3, 9)]
    assert ends(SlidingWindow(padded).infer_range(positive), 4) == [(0, 5), (0, 9), (0, 5), (0, 9)]


@settings(max_examples=40, deadline=None)
@given(seed=seeds, shared=st.booleans())
def test_ranges_of_windows_are_exact(seed: int, shared: bool) -> None:
    rng = np.random.default_rng(seed)
    positions, channels = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    reach = random_range(rng, 1 if shared else positions * channels)
    corners = np.asarray(list(itertools.product(*ends(reach, positions * channels))))
    weights = rng.integers(-4, 5, (positions, channels))
    assert same_range(ChannelProduct().infer_range(reach, weights), ChannelProduct().evaluate(corners, weights))
    assert same_range(WindowMaximum(positions).infer_range(reach), WindowMaximum(positions).evaluate(corners))


@settings(max_examples=40, deadline=None)
@given(seed=seeds, shared=st.booleans(), factors=st.tuples(st.integers(-3, 3), st.integers(-3, 3)))
def test_range_of_a_sum_is_exact(seed: int, shared: bool, factors: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    a, b = random_range(rng, 3), random_range(rng, 1 if shared else 3)
    pairs = list(itertools.product((0, 1), repeat=2))
    left = np.asarray([[ends(a, 3)[c][i] for c in range(3)] for i, _ in pairs])
    right = np.asarray([[ends(b, 3)[c][j] for c in range(3)] for _, j in pairs])
    assert same_range(TensorAdd(factors).infer_range(a, b), TensorAdd(factors).evaluate(left, right))


@settings(max_examples=40, deadline=None)
@given(seed=seeds, shared=st.booleans())
def test_border_affine_looks_at_the_class_of_each_pixel(seed: int, shared: bool) -> None:
    rng = np.random.default_rng(seed)
    op = BorderAffine((0, 1, 1), (0, 1, 2, 2))
    factors, constants = rng.integers(0, 4, op.count), rng.integers(-5, 6, (op.count, 2))
    x = rng.integers(-9, 9, (2, 3, 4, 2))
    result = op.evaluate(x, factors, constants)
    for frame, y, column, channel in np.ndindex(x.shape):
        k = op.rows[y] * 3 + op.columns[column]
        assert result[frame, y, column, channel] == factors[k] * x[frame, y, column, channel] + constants[k, channel]
    reach = random_range(rng, 1 if shared else 2)
    corners = np.asarray([[ends(reach, 2)[c][i] for c in range(2)] for i in (0, 1)])
    images = np.broadcast_to(corners[:, None, None], (2, 3, 4, 2))
    assert same_range(op.infer_range(reach, factors, constants), op.evaluate(images, factors, constants))


def test_windows_that_hang_over_the_end() -> None:
    """ceil_mode adds a window that begins inside, never one that begins in the padding behind."""
    assert Windows((2,), (2,), (1,), (0,), (0,), ceil_mode=True).output((5,)) == (3,)
    assert Windows((2,), (2,), (1,), (0,), (0,)).output((5,)) == (2,)
    assert Windows((1,), (2,), (1,), (0,), (1,), ceil_mode=True).output((4,)) == (2,)
    with pytest.raises(ValueError, match="does not fit"):
        Windows((4,), (1,), (1,), (0,), (0,)).output((3,))


@pytest.mark.parametrize(
    ("op", "shapes"),
    [
        (ChannelProduct(), ((2, 2, 7), (2, 3))),
        (WindowMaximum(3), ((2, 2, 7),)),
        (TensorAdd(), ((1, 4), (1, 5))),
        (BorderAffine((0, 1), (0,)), ((2, 1, 3), (2,), (2, 4))),
    ],
)
def test_shapes_that_do_not_fit(op: TensorAdd, shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        op.infer_shape(*shapes)
