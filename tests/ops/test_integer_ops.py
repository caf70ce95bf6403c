"""Operators on integers: what they compute and which ranges they state, against plain Python and exhaustive search."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.ir.types import Range
from qcompile.ops import ArgMax, Lookup, MatMul, Reshape, Take, Threshold, TopK, Transpose

seeds = st.integers(0, 2**32 - 1)


def random_range(rng: np.random.Generator, channels: int, spread: int) -> Range:
    low = rng.integers(-spread, spread + 1, channels)
    return Range.of(low, low + rng.integers(0, spread + 1, channels))


def corners(reach: Range, channels: int) -> np.ndarray:
    """Every combination of least and greatest values, (combinations, channels)."""
    each = reach.per_channel(channels)
    return np.asarray(list(itertools.product(*zip(each.lo.tolist(), each.hi.tolist(), strict=True))))


@settings(max_examples=60, deadline=None)
@given(seed=seeds, biased=st.booleans(), shared=st.booleans())
def test_matmul_reaches_exactly_its_range(seed: int, biased: bool, shared: bool) -> None:
    rng = np.random.default_rng(seed)
    inputs, outputs = int(rng.integers(1, 7)), int(rng.integers(1, 5))
    reach = random_range(rng, 1 if shared else inputs, 9)
    weights = rng.integers(-4, 5, (inputs, outputs))
    bias = (rng.integers(-50, 50, outputs),) if biased else ()
    results = MatMul().evaluate(corners(reach, inputs), weights, *bias)
    stated = MatMul().infer_range(reach, weights, *bias)
    assert stated.lo.tolist() == results.min(axis=0).tolist()
    assert stated.hi.tolist() == results.max(axis=0).tolist()


@pytest.mark.parametrize("magnitude", [2**10, 2**30, 2**50])
def test_matmul_is_exact_for_large_integers(magnitude: int) -> None:
    rng = np.random.default_rng(0)
    x, weights = rng.integers(-magnitude, magnitude, (5, 2, 8)), rng.integers(-200, 200, (8, 3))
    expected = [
        [[sum(int(a) * int(b) for a, b in zip(row, column, strict=True)) for column in weights.T] for row in frame]
        for frame in x
    ]
    assert MatMul().evaluate(x, weights).tolist() == expected


def thresholds_of(rng: np.random.Generator, channels: int) -> tuple[np.ndarray, np.ndarray]:
    count = int(rng.integers(0, 9))
    rows = int(rng.choice([1, channels]))
    return np.sort(rng.integers(-20, 20, (rows, count)), axis=1), rng.integers(0, 2, int(rng.choice([1, channels])))


@settings(max_examples=80, deadline=None)
@given(seed=seeds, base=st.integers(-9, 9))
def test_threshold_counts(seed: int, base: int) -> None:
    rng = np.random.default_rng(seed)
    channels = int(rng.integers(1, 5))
    thresholds, descending = thresholds_of(rng, channels)
    x = rng.integers(-25, 25, (6, 2, channels))
    result = Threshold(base).evaluate(x, thresholds, descending)
    for place in np.ndindex(x.shape):
        channel = place[-1]
        row = thresholds[channel if len(thresholds) > 1 else 0]
        value = int(x[place])
        if descending[channel if descending.size > 1 else 0]:
            value = -value - 1
        assert result[place] == base + sum(value >= int(t) for t in row)


@settings(max_examples=80, deadline=None)
@given(seed=seeds, shared=st.booleans())
def test_threshold_and_lookup_reach_exactly_their_ranges(seed: int, shared: bool) -> None:
    rng = np.random.default_rng(seed)
    channels = int(rng.integers(1, 4))
    reach = random_range(rng, 1 if shared else channels, 12)
    each = reach.per_channel(channels)
    thresholds, descending = thresholds_of(rng, channels)
    table = rng.integers(-99, 99, (int(rng.choice([1, channels])), reach.greatest - reach.least + 1))
    cases = (
        (Threshold(3), (thresholds, descending)),
        (Lookup(reach.least), (table,)),
    )
    for op, constants in cases:
        stated = op.infer_range(reach, *constants).per_channel(channels)
        for channel in range(channels):
            x = np.full((each.hi[channel] - each.lo[channel] + 1, channels), each.lo[channel])
            x[:, channel] = np.arange(each.lo[channel], each.hi[channel] + 1)
            x = np.clip(x, reach.least, reach.greatest)
            results = op.evaluate(x, *constants)[:, channel]
            assert (stated.lo[channel], stated.hi[channel]) == (results.min(), results.max())


def test_lookup_refuses_what_lies_outside_of_its_table() -> None:
    table = np.asarray([[5, 7, 9]])
    assert Lookup(-1).evaluate(np.asarray([[-1, 0, 1]]), table).tolist() == [[5, 7, 9]]
    for outside in (-2, 2):
        with pytest.raises(IndexError):
            Lookup(-1).evaluate(np.asarray([[outside]]), table)


@settings(max_examples=60, deadline=None)
@given(seed=seeds, last=st.booleans(), keepdims=st.booleans(), axis=st.sampled_from([-1, -2]), shift=st.integers(0, 5))
def test_argmax_chooses_the_first_or_the_last_of_equals(
    seed: int, last: bool, keepdims: bool, axis: int, shift: int
) -> None:
    rng = np.random.default_rng(seed)
    x, offsets = rng.integers(-2, 3, (5, 3, 4)), rng.integers(-9, 9, (3, 4))
    op = ArgMax(axis, keepdims, last, shift)
    result = op.evaluate(x, offsets)
    assert result.shape == (5, *op.infer_shape((3, 4)))
    scores = np.moveaxis(x * 2**shift + offsets, axis, -1)
    chosen = result.reshape(scores.shape[:-1])
    for place in np.ndindex(chosen.shape):
        row = scores[place].tolist()
        equals = [k for k, score in enumerate(row) if score == max(row)]
        assert chosen[place] == equals[-1 if last else 0]


@pytest.mark.parametrize("largest", [False, True])
def test_topk_orders_and_keeps_equals_in_order(largest: bool) -> None:
    x = np.asarray([[3, 1, 3, 2], [0, 0, 0, 0]])
    order = [[0, 2], [0, 1]] if largest else [[1, 3], [0, 1]]
    assert TopK(2, largest=largest).evaluate(x).tolist() == order
    taken = np.take_along_axis(x, np.asarray(order), axis=-1)
    assert TopK(2, largest=largest, values=True).evaluate(x).tolist() == taken.tolist()


def test_layout_operators_move_frames_one_by_one() -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(0, 99, (3, 2, 4))
    index = rng.integers(0, 8, (5, 2))
    for op, constants in ((Reshape((4, 1, 2)), ()), (Transpose((1, 0)), ()), (Take(), (index,))):
        moved = op.evaluate(x, *constants)
        assert moved.shape == (3, *op.infer_shape((2, 4), *(c.shape for c in constants)))
        for frame in range(3):
            assert np.array_equal(op.evaluate(x[frame : frame + 1], *constants)[0], moved[frame])
    assert np.array_equal(Transpose((1, 0)).evaluate(x), x.transpose(0, 2, 1))
    assert np.array_equal(Take().evaluate(x, index), x.reshape(3, 8)[:, index])


@settings(max_examples=60, deadline=None)
@given(seed=seeds, shared=st.booleans())
def test_moved_elements_keep_their_ranges(seed: int, shared: bool) -> None:
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    reach = random_range(rng, 1 if shared else shape[1], 9)
    index = rng.integers(0, shape[0] * shape[1], rng.integers(1, 4, 2))
    each = reach.per_channel(shape[1])
    ends = np.broadcast_to(np.stack([each.lo, each.hi])[:, None], (2, *shape))
    low, high = Take().evaluate(ends, index)
    stated = Take().infer_range(reach, index).per_channel(index.shape[1])
    if shared:
        assert (stated.least, stated.greatest) == (reach.least, reach.greatest)
    else:
        assert np.array_equal(stated.lo, low.min(axis=0))
        assert np.array_equal(stated.hi, high.max(axis=0))


@pytest.mark.parametrize(
    ("op", "shapes"),
    [
        (MatMul(), ((1, 4), (5, 3))),
        (MatMul(), ((1, 4), (4,))),
        (Threshold(0), ((1, 4), (3, 2), (1,))),
        (Threshold(0), ((1, 4), (1, 2), (3,))),
        (Lookup(0), ((1, 4), (3, 8))),
        (Reshape((5,)), ((1, 4),)),
        (Transpose((0, 0)), ((1, 4),)),
        (Transpose((0,)), ((1, 4),)),
        (TopK(5), ((1, 4),)),
    ],
)
def test_shapes_that_do_not_fit(op: MatMul, shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        op.infer_shape(*shapes)
