"""Averages, maxima and reductions in integers, with and without a quantiser behind them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.ops import BorderAffine, Lookup, MatMul, Threshold
from tests.support.onnx_models import ModelBuilder
from tests.support.proving import Proof, assert_exact, assert_explained, prove

RNG = np.random.default_rng


def weights(b: ModelBuilder, *shape: int, bits: int = 3) -> str:
    return b.quant(b.constant(RNG(sum(shape)).normal(0, 0.4, shape)), 0.25, 0.0, float(bits), narrow=1)


def kinds(found: Proof) -> list[type]:
    return [type(node.op) for node in found.network.integer.nodes]


@settings(max_examples=30, deadline=None)
@given(
    pads=st.tuples(*[st.integers(0, 1)] * 4),
    include=st.booleans(),
    ceil=st.booleans(),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    bits=st.sampled_from([1, 4]),
)
def test_average_pool_in_front_of_a_quantiser(
    pads: tuple[int, ...], include: bool, ceil: bool, strides: tuple[int, int], bits: int
) -> None:
    """Any padding, counted or not; bits 1 is bipolar."""
    b = ModelBuilder()
    attributes = {"kernel_shape": [2, 3], "strides": strides, "pads": pads}
    attributes |= {"ceil_mode": int(ceil), "count_include_pad": int(include)}
    x = b.node("AveragePool", [b.quant("x", 0.25, 0.0, float(bits))], attributes)
    assert_exact(prove(b.model((1, 2, 5, 6), b.quant(x, 0.125, 0.0, 5.0)), frames=6))


def step_rows(found: Proof) -> int:
    """Rows of the only thresholds."""
    (step,) = [node for node in found.network.integer.nodes if isinstance(node.op, Threshold)]
    return found.network.integer.constants[step.inputs[1]].shape[0]


@pytest.mark.parametrize("scale", [0.25, 0.1])
def test_averages_at_the_border_need_few_thresholds(scale: float) -> None:
    """Sums brought to one scale have the same thresholds everywhere, the model's roundings included."""
    b = ModelBuilder()
    x = b.node("AveragePool", [b.quant("x", scale)], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]})
    found = prove(b.model((1, 1, 5, 6), b.quant(x, scale, 0.0, 3.0)), frames=80)
    (assert_exact if scale == 0.25 else assert_explained)(found)
    assert step_rows(found) == 1
    assert BorderAffine in kinds(found)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scales=st.booleans(), relu=st.booleans())
def test_averages_of_any_scale(seed: int, scales: bool, relu: bool) -> None:
    """Windows of several sizes at the border, scales for each channel, what stands between the average and the quantiser."""
    rng, b = RNG(seed), ModelBuilder()
    scale = b.constant(rng.uniform(0.05, 0.5, (1, 2, 1, 1))) if scales else float(rng.choice([0.1, 0.3, 1 / 3]))
    attributes = {"kernel_shape": rng.integers(2, 5, 2).tolist(), "strides": rng.integers(1, 3, 2).tolist()}
    attributes |= {"pads": [1, 1, 1, 1], "ceil_mode": int(rng.integers(0, 2)), "count_include_pad": int(rng.integers(0, 2))}
    x = b.node("AveragePool", [b.quant("x", scale, 0.0, float(rng.integers(2, 9)))], attributes)
    x = b.quant(b.node("Relu", [x]) if relu else x, float(rng.uniform(0.1, 0.5)), 0.0, float(rng.integers(2, 9)))
    assert_explained(prove(b.model((1, 2, 6, 7), x), frames=12))


def test_roundings_that_tell_pixels_apart() -> None:
    """The same real number is rounded up behind one division and down behind another: each pixel has its own thresholds."""
    rows = []
    for bits in (5.0, 7.0, 8.0):
        b = ModelBuilder()
        x = b.node("AveragePool", [b.quant("x", 0.1, 0.0, bits)], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]})
        found = prove(b.model((1, 1, 6, 6), b.quant(x, 0.1, 0.0, bits)), frames=20)
        assert_explained(found)
        rows.append(step_rows(found))
    assert rows[0] == 1
    assert rows[-1] == 36


def test_a_constant_for_each_row_of_an_image() -> None:
    """What is added differs between rows and channels: one function of sums to which it is added, for each channel."""
    b, rng = ModelBuilder(), RNG(5)
    x = b.node("Conv", [b.quant("x"), weights(b, 3, 2, 2, 2)])
    x = b.node("Relu", [b.node("Add", [x, b.constant(rng.integers(-9, 9, (1, 3, 4, 1)) / 16)])])
    found = prove(b.model((1, 2, 5, 7), b.quant(x, 0.25, 0.0, 3.0, signed=0)), frames=12)
    assert_exact(found)
    assert step_rows(found) == 3


@pytest.mark.parametrize("scale", [0.25, 0.1])
@pytest.mark.parametrize("include", [0, 1])
def test_average_pool_at_the_end(include: int, scale: float) -> None:
    b = ModelBuilder()
    attributes = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "count_include_pad": include}
    found = prove(b.model((1, 2, 5, 6), b.node("AveragePool", [b.quant("x", scale)], attributes)))
    assert_exact(found)


@pytest.mark.parametrize("scale", [0.25, 0.1])
@pytest.mark.parametrize("quantised", [False, True])
@pytest.mark.parametrize("pooling", ["GlobalAveragePool", "ReduceMean", "ReduceSum"])
def test_global_average_pool_and_a_dense_layer(pooling: str, quantised: bool, scale: float) -> None:
    """A number of pixels that is no power of two: the division goes into the scale where no quantiser ends it."""
    b = ModelBuilder(13)
    x = b.node("Relu", [b.node("Conv", [b.quant("x", scale), weights(b, 6, 2, 3, 3)])])
    x = b.quant(x, scale, 0.0, 4.0, signed=0)
    if pooling == "ReduceSum":
        x = b.node(pooling, [x, b.constant([2, 3], np.int64)], {"keepdims": 0})
    elif pooling == "ReduceMean":
        x = b.node(pooling, [x], {"axes": [2, 3], "keepdims": 0})
    else:
        x = b.node("Flatten", [b.node(pooling, [x])])
    if quantised:
        x = b.quant(x, scale / 2, 0.0, 6.0, signed=0)
    found = prove(b.model((1, 2, 5, 7), b.quant(b.node("Gemm", [x, weights(b, 6, 4)]), 0.5, 0.0, 6.0)), frames=60)
    (assert_exact if scale == 0.25 and (quantised or pooling == "ReduceSum") else assert_explained)(found)


@pytest.mark.parametrize("operator", ["ReduceMean", "ReduceMax", "ReduceMin"])
@pytest.mark.parametrize("keepdims", [0, 1])
def test_reductions_of_images_with_channels_last(operator: str, keepdims: int) -> None:
    b = ModelBuilder(13)
    x = b.node("Transpose", [b.quant("x", 0.25)], {"perm": [0, 3, 1, 2]})
    x = b.quant(b.node("Conv", [x, weights(b, 4, 2, 2, 2)]), 0.25, 0.0, 4.0)
    x = b.node("Transpose", [x], {"perm": [0, 2, 3, 1]})
    x = b.node(operator, [x], {"axes": [1, 2], "keepdims": keepdims})
    x = b.quant(x, 0.125, 0.0, 6.0)
    x = b.node("Flatten", [x])
    assert_exact(prove(b.model((1, 5, 6, 2), b.node("MatMul", [x, weights(b, 4, 3)]))))


def test_a_maximum_over_one_axis_only() -> None:
    b = ModelBuilder(13)
    x = b.node("ReduceMax", [b.quant("x")], {"axes": [2], "keepdims": 0})
    assert_exact(prove(b.model((1, 3, 5, 6), b.node("Conv", [x, weights(b, 4, 3, 3)]))))


def test_maximum_where_some_channels_fall_costs_nothing() -> None:
    """A normalisation with factors of both signs: the weights of the channels that fall are negated."""
    b, rng = ModelBuilder(), RNG(3)
    x = b.node("Conv", [b.quant("x"), weights(b, 6, 2, 3, 3)])
    operands = [rng.normal(size=6), rng.normal(size=6), rng.normal(size=6), rng.uniform(0.5, 2, 6)]
    x = b.node("BatchNormalization", [x, *(b.constant(operand) for operand in operands)])
    x = b.node("MaxPool", [b.node("Relu", [x])], {"kernel_shape": [2, 2], "pads": [1, 0, 0, 1]})
    found = prove(b.model((1, 2, 6, 6), b.quant(x, 0.25, 0.0, 4.0, signed=0)))
    assert_explained(found)
    assert kinds(found).count(MatMul) == 1
    assert Lookup not in kinds(found)


def test_maximum_of_numbers_that_fall_with_their_integers() -> None:
    b = ModelBuilder()
    x = b.node("MaxPool", [b.node("Neg", [b.quant("x", 0.25, 0.0, 4.0)])], {"kernel_shape": [2, 2]})
    found = prove(b.model((1, 2, 4, 4), b.quant(x, 0.5, 0.0, 3.0)))
    assert_exact(found)
    assert Threshold in kinds(found)


def test_maximum_over_single_elements() -> None:
    b = ModelBuilder()
    x = b.node("MaxPool", [b.quant("x")], {"kernel_shape": [1, 1], "strides": [2, 3]})
    assert_exact(prove(b.model((1, 2, 5, 7), x)))


def test_a_maximum_of_real_numbers_as_output() -> None:
    """The host takes what stands in front of the maximum behind it, on the integers that are left, and goes on from there."""
    b = ModelBuilder()
    x = b.node("Mul", [b.node("Relu", [b.quant("x", 0.25, 0.0, 4.0)]), b.constant(np.float32([0.3, 0.7]).reshape(2, 1, 1))])
    x = b.node("MaxPool", [x], {"kernel_shape": [2, 2]})
    turned = b.node("Transpose", [x], {"perm": [0, 3, 2, 1]})
    found = prove(b.model((1, 2, 4, 4), x, turned, b.node("Softmax", [turned], {"axis": 1})))
    assert_exact(found)
    for name in (x, turned):
        assert np.array_equal(found.outputs[name], found.reference[name])
