"""Windows and matrices that differ from phase to phase: against loops in plain Python, ranges against exhaustive search."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.ir.types import Range
from qcompile.ops import CyclicProduct, PhasedWindow, SlidingWindow, TransposedConvolution
from qcompile.ops.matrix_cycle import MatrixCycle
from qcompile.ops.taps import TapAxis
from qcompile.ops.windows import Windows

seeds = st.integers(0, 2**32 - 1)


def random_windows(rng: np.random.Generator) -> Windows:
    kernel, stride, dilation = (tuple(int(n) for n in rng.integers(1, high, 2)) for high in (5, 4, 4))
    before, after = (tuple(int(n) for n in rng.integers(0, 3, 2)) for _ in range(2))
    return Windows(kernel, stride, dilation, before, after)


def tap_axes(windows: Windows, size: tuple[int, int], outputs: tuple[int, ...]) -> list[TapAxis]:
    parts = (windows.kernel, windows.stride, windows.dilation, windows.before, outputs)
    return [TapAxis(*each, transposed=True) for each in zip(size, *parts, strict=True)]


@settings(max_examples=60, deadline=None)
@given(seed=seeds, groups=st.integers(1, 3))
def test_phases_of_a_transposed_convolution_are_its_products(seed: int, groups: int) -> None:
    """Windows times the weights of their phase are what scattering every pixel gives; no product of a zero is added."""
    rng = np.random.default_rng(seed)
    windows, size = random_windows(rng), (int(rng.integers(1, 5)), int(rng.integers(1, 5)))
    op = TransposedConvolution(windows, groups)
    try:
        outputs = op.outputs(size)
    except ValueError:
        return
    x = rng.integers(-9, 10, (2, 1, 2 * groups, *size))
    weights = rng.integers(-9, 10, (2 * groups, 3, *windows.kernel))
    expected = op.evaluate(x, weights)
    assert expected.shape[1:] == op.infer_shape(x.shape[1:], weights.shape)
    scattered = np.zeros(expected.shape)
    for f, c, y, v, m, ky, kx in np.ndindex(2, 2 * groups, *size, 3, *windows.kernel):
        row = y * windows.stride[0] + ky * windows.dilation[0] - windows.before[0]
        column = v * windows.stride[1] + kx * windows.dilation[1] - windows.before[1]
        if 0 <= row < outputs[0] and 0 <= column < outputs[1]:
            scattered[f, 0, c // 2 * 3 + m, row, column] += x[f, 0, c, y, v] * weights[c, m, ky, kx]
    assert np.array_equal(expected, scattered)
    rows, columns = tap_axes(windows, size, outputs)
    vectors = PhasedWindow(rows, columns, groups).evaluate(np.moveaxis(x[:, 0], 1, -1))
    place = 0
    for row, column in np.ndindex(*outputs):
        taps = list(itertools.product(rows.kernel_taps(row), columns.kernel_taps(column)))
        given_taps = int(rows.counts()[row] * columns.counts()[column])
        for group in range(groups):
            vector = vectors[:, place : place + 2 * given_taps].reshape(2, given_taps, 2)
            place += 2 * given_taps
            if not taps:
                assert not vector.any()
                assert not expected[:, 0, group * 3 : group * 3 + 3, row, column].any()
                continue
            assert given_taps == len(taps)
            kernel = np.stack([weights[2 * group : 2 * group + 2, :, ky, kx] for ky, kx in taps])
            sums = np.einsum("ftc,tcm->fm", vector, kernel)
            assert np.array_equal(sums, expected[:, 0, group * 3 : group * 3 + 3, row, column])
    assert place == vectors.shape[1]


@pytest.mark.parametrize(("kernel", "stride", "counts"), [(3, 2, [2, 1]), (4, 2, [2, 2]), (5, 3, [2, 2, 1]), (1, 2, [1, 1])])
def test_taps_of_the_phases(kernel: int, stride: int, counts: list[int]) -> None:
    axis = TapAxis(4, kernel, stride, 1, 0, 6, transposed=True)
    assert axis.counts().tolist() == (counts * 6)[:6]
    assert axis.stretched == 6 * kernel


@settings(max_examples=40, deadline=None)
@given(seed=seeds, groups=st.sampled_from([1, 2, 3]))
def test_groups_of_a_window_come_one_after_another(seed: int, groups: int) -> None:
    rng = np.random.default_rng(seed)
    windows = Windows((2, 3), (1, 2), (2, 1), (1, 0), (0, 1))
    x = rng.integers(1, 99, (2, 5, 6, 6))
    whole = SlidingWindow(windows, 7).evaluate(x)
    op = SlidingWindow(windows, 7, groups)
    result = op.evaluate(x)
    assert result.shape[1:] == op.infer_shape(x.shape[1:])
    size = 6 // groups
    for group in range(groups):
        chosen = whole.reshape(*whole.shape[:3], 6, 6)[..., group * size : (group + 1) * size]
        assert np.array_equal(np.split(result, groups, axis=-1)[group], chosen.reshape(*whole.shape[:3], -1))
    low = rng.integers(-9, 9, 6)
    reach = op.infer_range(Range.of(low, low + 3))
    corners = op.evaluate(np.broadcast_to(low, (1, 5, 6, 6)))
    assert np.array_equal(reach.lo, np.minimum(corners.reshape(-1, 36).min(axis=0), 7))


def test_groups_must_divide_the_channels() -> None:
    windows = Windows((2, 2), (1, 1), (1, 1), (0, 0), (0, 0))
    with pytest.raises(ValueError, match="3 groups do not divide 4 channels"):
        SlidingWindow(windows, 0, 3).infer_shape((5, 5, 4))


@settings(max_examples=60, deadline=None)
@given(seed=seeds, shared=st.booleans())
def test_matrices_in_turn(seed: int, shared: bool) -> None:
    """Each vector meets the matrix whose turn it is, and the range is the least and greatest sum of each channel."""
    rng = np.random.default_rng(seed)
    segments, places, rows, width, height = (int(n) for n in rng.integers(1, 4, 5))
    columns = tuple(tuple(int(n) for n in rng.integers(1, 4, places)) for _ in range(segments))
    cycle = MatrixCycle(columns, width, height)
    weights = rng.integers(-4, 5, (rows, sum(map(sum, columns))))
    op = CyclicProduct(cycle, (height, width * rows))
    matrices = [[np.empty(0)] * places for _ in columns]
    begin = 0
    for segment, place in np.ndindex(segments, places):
        matrices[segment][place] = weights[:, begin : begin + columns[segment][place]]
        begin += columns[segment][place]
    order = [(y % segments, v % places) for y in range(height) for v in range(width)]
    low = rng.integers(-5, 5, 1 if shared else cycle.elements)
    high = low + rng.integers(0, 4, low.size)
    lows, highs = (np.broadcast_to(bound, (cycle.elements,)) for bound in (low, high))
    x = rng.integers(lows, highs + 1, (2, cycle.elements))
    assert op.infer_shape((cycle.elements,), weights.shape) == (height, width * rows)
    expected, least, greatest, start = [], [], [], 0
    for segment, place in order:
        matrix = matrices[segment][place]
        part = slice(start, start + matrix.shape[1])
        expected.append(x[:, part] @ matrix.T)
        products = np.stack([matrix * lows[part], matrix * highs[part]])
        least.append(products.min(axis=0).sum(axis=1))
        greatest.append(products.max(axis=0).sum(axis=1))
        start = part.stop
    assert np.array_equal(op.evaluate(x, weights), np.concatenate(expected, axis=1).reshape(2, height, width * rows))
    reach = op.infer_range(Range.of(low, high), weights)
    # The range takes all vectors of a matrix together: it is exact where they have one, and else no narrower.
    tight = (np.stack(bound).reshape(height, -1) for bound in (least, greatest))
    tightest = [next(tight).min(axis=0), next(tight).max(axis=0)]
    assert np.all(reach.lo <= tightest[0])
    assert np.all(reach.hi >= tightest[1])
    if shared:
        assert np.array_equal(reach.lo, tightest[0])
        assert np.array_equal(reach.hi, tightest[1])


def test_a_product_that_does_not_fit_its_cycle() -> None:
    op = CyclicProduct(MatrixCycle(((2, 3),), 4), (8,))
    assert op.infer_shape((10,), (2, 5)) == (8,)
    for shapes in (((11,), (2, 5)), ((10,), (2, 6)), ((10,), (3, 5))):
        with pytest.raises(ValueError, match="do not fit"):
            op.infer_shape(*shapes)
    with pytest.raises(ValueError, match="same number of matrices"):
        MatrixCycle(((2, 3), (2,)), 4)


def test_a_transposed_convolution_that_does_not_fit() -> None:
    op = TransposedConvolution(Windows((2,), (2,), (1,), (0,), (0,)), 2)
    assert op.infer_shape((1, 4, 5), (4, 3, 2)) == (1, 6, 10)
    for shapes in (((1, 4, 5), (3, 3, 2)), ((1, 4, 5), (4, 3, 3)), ((1, 4), (4, 3, 2))):
        with pytest.raises(ValueError, match=r"do not fit|cannot be convolved"):
            op.infer_shape(*shapes)
    with pytest.raises(ValueError, match="leaves nothing"):
        TransposedConvolution(Windows((2,), (1,), (1,), (3,), (3,))).outputs((4,))
