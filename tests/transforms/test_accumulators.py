"""Accumulator certificates: exact by brute force, never above the bounds of the literature, as measured on real networks."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.frontend.importer import import_model
from qcompile.ir.errors import CompilerError
from qcompile.ir.graph import Graph, Node, Value
from qcompile.ir.types import Array, IntArray, IntType, Range, read_only
from qcompile.ops import ChannelProduct, MatMul, MatrixProduct
from qcompile.transforms.accumulators import Accumulator, accumulators, datatype_bits, require_bits, signed_bits
from qcompile.transforms.streamline import streamline
from qcompile.transforms.walk import InputType

seeds = st.integers(0, 2**32 - 1)


def certificate(weights: Array, codes: Range, bias: Array | None = None) -> Accumulator:
    rows, columns = weights.shape
    constants = {"w": read_only(weights)} | ({} if bias is None else {"b": read_only(bias)})
    values = {"x": Value((rows,), codes), "y": Value((columns,), MatMul().infer_range(codes, constants["w"], bias))}
    node = Node("layer", MatMul(), ("x", *constants), "y", ("fc1",))
    (found,) = accumulators(Graph("net", (node,), ("x",), ("y",), values, constants))
    return found


def brute_force(weights: IntArray, codes: Range, bias: IntArray | None) -> tuple[IntArray, IntArray]:
    ranges = codes.per_channel(weights.shape[0])
    corners = np.asarray(list(itertools.product(*zip(ranges.lo, ranges.hi, strict=True))))
    sums = corners @ weights + (0 if bias is None else bias)
    return sums.min(axis=0), sums.max(axis=0)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(seed=seeds, with_bias=st.booleans(), per_channel=st.booleans())
def test_the_reach_is_exact(seed: int, with_bias: bool, per_channel: bool) -> None:
    rng = np.random.default_rng(seed)
    rows, columns = (int(n) for n in rng.integers(1, 7, 2))
    weights = rng.integers(-8, 8, (rows, columns))
    low = rng.integers(-6, 4, rows if per_channel else 1)
    codes = Range.of(low, low + rng.integers(0, 8, low.shape))
    bias = rng.integers(-20, 20, columns) if with_bias else None
    found = certificate(weights, codes, bias)
    least, greatest = brute_force(weights, codes, bias)
    assert np.array_equal(found.lo, least)
    assert np.array_equal(found.hi, greatest)
    for bits, lo, hi in zip(found.exact_bits, least, greatest, strict=True):
        assert -(1 << (bits - 1)) <= lo <= hi < 1 << (bits - 1)
        assert bits == 1 or lo < -(1 << (bits - 2)) or hi >= 1 << (bits - 2)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(seed=seeds, signed=st.booleans(), bits=st.integers(1, 8))
def test_never_wider_than_the_bounds(seed: int, signed: bool, bits: int) -> None:
    rng = np.random.default_rng(seed)
    kind = IntType(bits, signed)
    weights = rng.integers(-8, 8, (int(rng.integers(1, 40)), int(rng.integers(1, 6))))
    found = certificate(weights, Range.of(kind.lo, kind.hi))
    assert np.all(found.exact_bits <= found.a2q_bits)
    assert int(found.exact_bits.max()) <= found.datatype_bits


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=seeds)
def test_partial_sums_in_any_order_stay_within(seed: int) -> None:
    """For inputs that can be zero: hardware may add in any order and skip padding."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(-8, 8, (6, 1))
    codes = Range.of(int(rng.integers(-4, 1)), int(rng.integers(0, 5)))
    found = certificate(weights, codes)
    for _ in range(20):
        x = rng.integers(codes.least, codes.greatest + 1, 6)
        partial = np.cumsum((x * weights[:, 0])[rng.permutation(6)])
        assert found.lo[0] <= partial.min()
        assert partial.max() <= found.hi[0]


@pytest.mark.parametrize(
    ("lo", "hi", "bits"), [(0, 0, 1), (-1, 0, 1), (0, 1, 2), (-2, 1, 2), (-3, 1, 3), (0, 127, 8), (-129, 0, 9)]
)
def test_two_s_complement_widths(lo: int, hi: int, bits: int) -> None:
    assert signed_bits(np.asarray([lo]), np.asarray([hi])).tolist() == [bits]


def test_data_type_bound() -> None:
    """4-bit unsigned times 4-bit signed, 16 of them: less than 16 * 8 * 16 = 2 ** 11, both ends counted."""
    assert datatype_bits(16, IntType(4, False), IntType(4, True)) == 13
    assert datatype_bits(1, IntType(1, False), IntType(1, False)) == 4


def test_layers_and_channels_that_are_too_wide_are_named() -> None:
    found = certificate(np.asarray([[7, 1], [7, 0]]), Range.of(0, 15))
    require_bits([found], 9)
    with pytest.raises(CompilerError) as error:
        require_bits([found, found], 6)
    reason = "layer fc1: 1 of 2 channels need more (0); channel 0 reaches 0 to 210: 9 bits, 3 too many"
    assert str(error.value).count(reason) == 2
    assert "--wrap" not in str(error.value)


def test_sums_on_the_way_count_unless_they_wrap() -> None:
    """8 inputs of 16 to 31, half of them subtracted: at most 60 in the end, 124 on the way."""
    found = certificate(np.asarray([[1], [-1]] * 4), Range.of(16, 31))
    assert (found.lo.tolist(), found.hi.tolist(), found.exact_bits.tolist()) == ([-60], [60], [7])
    assert (found.partial_lo.tolist(), found.partial_hi.tolist(), found.partial_bits.tolist()) == ([-124], [124], [8])
    require_bits([found], 8)
    require_bits([found], 7, wrap=True)
    with pytest.raises(CompilerError, match="reaches -60 to 60: 7 bits, and on the way -124 to 124: 8 bits, 1 too many") as error:
        require_bits([found], 7)
    assert "--wrap builds layers whose final sums fit" in str(error.value)
    with pytest.raises(CompilerError, match="channel 0 reaches -60 to 60: 7 bits, 1 too many"):
        require_bits([found], 6, wrap=True)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=seeds)
def test_what_is_reached_on_the_way_is_exact(seed: int) -> None:
    """In any order, from the bias on: the reach of all subsets of the terms."""
    rng = np.random.default_rng(seed)
    weights, low = rng.integers(-8, 8, (4, 1)), rng.integers(-6, 6, 4)
    codes, bias = Range.of(low, low + rng.integers(0, 4, 4)), rng.integers(-9, 9, 1)
    found = certificate(weights, codes, bias)
    corners = np.asarray(list(itertools.product(*zip(codes.lo, codes.hi, strict=True))))
    terms = corners * weights[:, 0]
    chosen = np.asarray(list(itertools.product((0, 1), repeat=4)))
    sums = bias + terms @ chosen.T
    assert (found.partial_lo[0], found.partial_hi[0]) == (sums.min(), sums.max())


def test_depthwise_layers_and_products_of_tensors_are_certified() -> None:
    codes, weights = Range.of(0, 15), read_only([[7, -3], [1, -8]])
    values = {"x": Value((4,), codes), "y": Value((2,), ChannelProduct().infer_range(codes, weights))}
    node = Node("depthwise", ChannelProduct(), ("x", "w"), "y")
    (found,) = accumulators(Graph("net", (node,), ("x",), ("y",), values, {"w": weights}))
    assert (found.inputs, found.lo.tolist(), found.hi.tolist()) == (2, [0, -165], [120, 0])
    assert found.a2q_bits.tolist() == [1 + (8 * 16).bit_length(), 1 + (11 * 16).bit_length()]
    product = MatrixProduct()
    a, b = Range.of(-2, 1), Range.of(0, 3)
    values = {"a": Value((1, 2, 5), a), "b": Value((1, 5, 3), b), "y": Value((1, 2, 3), product.infer_range(a, b, 5))}
    node = Node("attention", product, ("a", "b"), "y")
    (found,) = accumulators(Graph("net", (node,), ("a", "b"), ("y",), values, {}))
    assert (found.lo.tolist(), found.hi.tolist(), found.exact_bits.tolist()) == ([-30], [15], [6])
    assert found.exact_bits[0] <= found.a2q_bits[0] <= found.datatype_bits


@settings(max_examples=200, deadline=None, derandomize=True)
@given(seed=seeds, signed=st.booleans(), bits=st.integers(1, 8))
def test_a2q_plus_bound(seed: int, signed: bool, bits: int) -> None:
    """Never below the exact width; for zero-centred weights the least P of the published inequality, and never above A2Q."""
    rng = np.random.default_rng(seed)
    kind = IntType(bits, signed)
    weights = rng.integers(-8, 8, (int(rng.integers(1, 20)), 2))
    weights = np.concatenate([weights, np.stack([-weights[:, 0], weights[:, 1]], axis=1)])
    found = certificate(weights, Range.of(kind.lo, kind.hi))
    assert np.all(found.exact_bits <= found.a2q_plus_bits)
    assert found.zero_centred.tolist() == [1, int(weights[:, 1].sum() == 0)]
    norm = int(np.abs(weights[:, 0]).sum())
    fits = [p for p in range(1, 40) if norm * (2**bits - 1) <= 2**p - 2]
    assert found.a2q_plus_bits[0] == fits[0]
    assert found.a2q_plus_bits[0] <= found.a2q_bits[0]


# From formulas.md, D: (data type, A2Q, exact) of each layer.
MEASURED = [
    ("kwsmlp_w3a3", None, [(19, 18, 18), (15, 14, 13), (15, 14, 13), (15, 14, 14)]),
    ("jettagging", InputType(IntType(16, True), 2.0**-10), [(19, 15, 15), (18, 15, 15), (18, 16, 16)]),
    ("tfc_w2a2", None, [(13, 11, 10), (10, 8, 7), (10, 8, 7), (10, 8, 7)]),
]


@pytest.mark.parametrize(("name", "kind", "expected"), MEASURED, ids=[row[0] for row in MEASURED])
def test_as_measured_on_real_networks(
    shared_model: Callable[[str], Path], name: str, kind: InputType | None, expected: list[tuple[int, int, int]]
) -> None:
    graph = import_model(onnx.load(shared_model(name)), name)
    types = {} if kind is None else dict.fromkeys(graph.inputs, kind)
    found = accumulators(streamline(graph, types).integer)
    measured = [(a.datatype_bits, int(a.a2q_bits.max()), int(a.exact_bits.max())) for a in found]
    assert measured[-len(expected) :] == expected  # the first layer of jettagging depends on the input's type
