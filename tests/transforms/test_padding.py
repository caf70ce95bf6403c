"""The value that padding has: real zero whatever its code, and a code below all others for maxima."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.ir.errors import CompilerError
from qcompile.ir.types import IntType
from qcompile.ops import BorderAffine, MatMul, Pad, SlidingWindow
from qcompile.transforms.walk import InputType
from tests.support.onnx_models import QONNX, ModelBuilder
from tests.support.proving import Proof, assert_exact, prove

RNG = np.random.default_rng


def weights(b: ModelBuilder, *shape: int, bits: int = 3) -> str:
    return b.quant(b.constant(RNG(sum(shape)).normal(0, 0.4, shape)), 0.25, 0.0, float(bits), narrow=1)


def windows_of(found: Proof) -> list[SlidingWindow]:
    return [node.op for node in found.network.integer.nodes if isinstance(node.op, SlidingWindow)]


def convolved(b: ModelBuilder, x: str, channels: int, group: int = 1) -> str:
    shape = (4, channels // group, 3, 3)
    return b.node("Conv", [x, weights(b, *shape)], {"pads": [1, 0, 1, 2], "group": group})


def window_type(found: Proof) -> IntType:
    graph = found.network.integer
    (name,) = [node.output for node in graph.nodes if isinstance(node.op, SlidingWindow)]
    known = graph.values[name].range
    assert known is not None
    return known.type


@pytest.mark.parametrize(("group", "shape", "bits"), [(1, (5, 6), 1), (4, (5, 6), 2), (4, (9, 40), 1)])
def test_bipolar_numbers_are_padded_with_zero(group: int, shape: tuple[int, int], bits: int) -> None:
    """One bit wide, with a constant for each class of pixels at the border; two bits where that costs less."""
    b = ModelBuilder()
    x = b.quant("x", 0.5, 0.0, 1.0)
    found = prove(b.model((1, 4, *shape), b.quant(convolved(b, x, 4, group), 0.5, 0.0, 3.0)), frames=8)
    assert_exact(found)
    assert window_type(found) == IntType(bits, bits > 1)
    kinds = [type(node.op) for node in found.network.integer.nodes]
    assert (BorderAffine in kinds) == (bits == 1)


@settings(max_examples=20, deadline=None)
@given(
    pads=st.tuples(*[st.integers(0, 3)] * 4),
    stride=st.tuples(st.integers(1, 2), st.integers(1, 3)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    seed=st.integers(0, 99),
)
def test_bipolar_weights_and_numbers_with_any_padding(
    pads: tuple[int, ...], stride: tuple[int, int], dilation: tuple[int, int], seed: int
) -> None:
    b, rng = ModelBuilder(), RNG(seed)
    w = b.quant(b.constant(rng.normal(size=(5, 3, 3, 2))), 0.5, 0.0, 1.0)
    attributes = {"pads": pads, "strides": stride, "dilations": dilation}
    x = b.node("Conv", [b.quant("x", 0.5, 0.0, 1.0), w, b.constant(rng.integers(-4, 5, 5) / 4)], attributes)
    x = b.node("Mul", [x, b.constant(rng.choice([-1.0, 0.5, 2.0], (5, 1, 1)))])
    found = prove(b.model((1, 3, 6, 7), b.quant(x, 0.5, 0.0, 1.0)), frames=8)
    assert_exact(found)
    assert window_type(found) in (IntType(1, False), IntType(2, True))


def test_products_in_front_of_a_border_stay_popcounts() -> None:
    b = ModelBuilder()
    w = b.quant(b.constant(RNG(1).normal(size=(4, 4, 3, 3))), 0.5, 0.0, 1.0)
    x = b.node("Conv", [b.quant("x", 0.5, 0.0, 1.0), w], {"pads": [1, 1, 1, 1]})
    found = prove(b.model((1, 4, 6, 6), b.quant(x, 0.5, 0.0, 1.0)))
    assert_exact(found)
    (product,) = [node for node in found.network.integer.nodes if isinstance(node.op, MatMul)]
    weights_, bias = (found.network.integer.constants[name] for name in product.inputs[1:])
    assert np.array_equal(bias, (weights_ < 0).sum(axis=0))


def test_padding_with_zero_in_front_of_a_convolution_of_bipolar_numbers() -> None:
    """A Pad node is taken into the convolution, which pads with -1 and corrects."""
    b = ModelBuilder()
    x = padded(b, b.quant("x", 0.5, 0.0, 1.0), [0, 0, 1, 1, 0, 0, 1, 1])
    found = prove(b.model((1, 4, 6, 6), b.node("Conv", [x, weights(b, 4, 4, 3, 3)])))
    assert_exact(found)
    assert window_type(found) == IntType(1, False)
    assert pads_of(found) == 0


def test_bipolar_numbers_are_padded_with_minus_one_where_the_model_says_so() -> None:
    """Pads of the model's own, of a value that is a code, cost no bit."""
    b = ModelBuilder()
    x = b.quant("x", 0.5, 0.0, 1.0)
    x = b.node("Pad", [x, b.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64), b.constant(-0.5)])
    found = prove(b.model((1, 4, 5, 6), b.quant(b.node("Conv", [x, weights(b, 4, 4, 3, 3)]), 0.5, 0.0, 3.0)))
    assert_exact(found)
    assert {value.range.type for value in found.network.integer.values.values()} >= {IntType(1, False)}


@pytest.mark.parametrize(("scale", "shift"), [(1.0, -3.0), (0.5, -128.0), (0.25, 1.0), (0.25, 7.0)])
def test_zero_is_another_code(scale: float, shift: float) -> None:
    """An unsigned input from which a constant is taken: zero lies among the codes, or beside them."""
    b = ModelBuilder()
    x = b.node("Add", ["x", b.constant(scale * shift)])
    types = {"x": InputType(IntType(8, False), scale)}
    found = prove(b.model((1, 4, 5, 6), convolved(b, x, 4)), types)
    assert_exact(found)
    assert [window.padding for window in windows_of(found)] == [-shift]


def test_zero_that_is_a_quarter_between_the_codes() -> None:
    b = ModelBuilder()
    x = b.quant("x", 0.5, 1.25, 2.0)
    found = prove(b.model((1, 4, 5, 6), convolved(b, x, 4)))
    assert_exact(found)


def test_multi_thresholds_with_a_bias_between_the_codes() -> None:
    b = ModelBuilder()
    thresholds = b.constant(np.arange(15).reshape(1, 15) / 4)
    attributes = {"out_scale": 0.5, "out_bias": -3.75, "out_dtype": "INT4", "data_layout": "NCHW"}
    x = b.node("MultiThreshold", [b.quant("x", 0.25, 0.0, 6.0), thresholds], attributes, domain=QONNX)
    assert_exact(prove(b.model((1, 4, 5, 6), convolved(b, x, 4))))


def test_zero_that_differs_between_channels() -> None:
    b = ModelBuilder()
    x = b.node("Add", [b.quant("x", 0.25, 0.0, 4.0), b.constant(np.arange(4).reshape(1, 4, 1, 1) / 4)])
    assert_exact(prove(b.model((1, 4, 5, 6), convolved(b, x, 4))))


def test_zero_on_no_small_lattice_is_refused_by_name() -> None:
    b = ModelBuilder()
    x = b.node("Add", [b.quant("x", 0.25, 0.0, 4.0), b.constant(np.float32(0.1234567))])
    with pytest.raises(CompilerError, match="padding with 0 of a tensor whose integers have no common place for it"):
        prove(b.model((1, 4, 5, 6), convolved(b, x, 4)))


def test_average_of_padded_bipolar_numbers() -> None:
    b = ModelBuilder()
    attributes = {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [1, 1, 1, 1], "count_include_pad": 1}
    x = b.node("AveragePool", [b.quant("x", 0.5, 0.0, 1.0)], attributes)
    assert_exact(prove(b.model((1, 4, 5, 6), b.quant(x, 0.125, 0.0, 4.0))))


@settings(max_examples=30, deadline=None)
@given(st.tuples(*[st.integers(0, 1)] * 4), st.booleans(), st.tuples(st.integers(1, 3), st.integers(1, 3)))
def test_maximum_of_signed_numbers_with_padding(pads: tuple[int, ...], ceil: bool, strides: tuple[int, int]) -> None:
    b = ModelBuilder()
    attributes = {"kernel_shape": [2, 3], "strides": strides, "pads": pads, "ceil_mode": int(ceil)}
    found = prove(b.model((1, 2, 5, 6), b.node("MaxPool", [b.quant("x", 0.25, 0.0, 4.0)], attributes)), frames=6)
    assert_exact(found)
    assert [window.padding for window in windows_of(found)] == [-8]


def test_maximum_of_numbers_above_zero_is_padded_with_zero() -> None:
    b = ModelBuilder()
    x = b.node("MaxPool", [b.quant("x", 0.25, 0.0, 4.0, signed=0)], {"kernel_shape": [2, 2], "pads": [1, 1, 0, 0]})
    found = prove(b.model((1, 2, 5, 6), x))
    assert_exact(found)
    assert [window.padding for window in windows_of(found)] == [0]


def padded(b: ModelBuilder, x: str, pads: list[int], value: float = 0.0) -> str:
    return b.node("Pad", [x, b.constant(pads, np.int64), b.constant(value)])


def pads_of(found: Proof) -> int:
    return sum(isinstance(node.op, Pad) for node in found.network.integer.nodes)


@pytest.mark.parametrize(("value", "kernel", "units"), [(0.0, 3, 0), (0.75, 3, 0), (0.75, 1, 1), (-4.0, 2, 0), (0.123, 3, -1)])
def test_padding_in_front_of_a_convolution(value: float, kernel: int, units: int) -> None:
    """Windows large enough take it over; a value between the codes needs finer ones, or is refused."""
    b = ModelBuilder()
    x = padded(b, b.quant("x", 0.25, 0.0, 4.0), [0, 0, 1, 0, 0, 0, 1, 1], value)
    model = b.model((1, 3, 4, 5), b.node("Conv", [x, weights(b, 4, 3, kernel, kernel)]))
    if units < 0:
        with pytest.raises(CompilerError, match=r"padding with 0\.123 of a tensor whose integers have no common place"):
            prove(model)
        return
    found = prove(model)
    assert_exact(found)
    assert pads_of(found) == units


@pytest.mark.parametrize("shape", [(1, 3, 4, 5), (1, 4, 6), (1, 5), (1, 2, 2, 3, 2)])
def test_padding_of_any_axes(shape: tuple[int, ...]) -> None:
    """Between two quantisers, behind a function that is not affine, channels among the axes."""
    rng = RNG(len(shape))
    for _ in range(4):
        b = ModelBuilder()
        pads = [0, *rng.integers(0, 3, len(shape) - 1).tolist()]
        pads += [0, *rng.integers(0, 3, len(shape) - 1).tolist()]
        x = padded(b, b.node("Relu", [b.quant("x", 0.25, 0.0, 4.0)]), pads, 0.5)
        assert_exact(prove(b.model(shape, b.quant(x, 0.5, 0.0, 4.0)), frames=6))


def test_padding_of_channels_that_differ() -> None:
    b = ModelBuilder()
    x = b.node("Conv", [b.quant("x"), weights(b, 3, 2, 3, 3)])
    x = b.node("Mul", [x, b.constant(np.array([0.5, 1, 2]).reshape(3, 1, 1))])
    x = padded(b, x, [0, 1, 1, 0, 0, 2, 0, 1])
    assert_exact(prove(b.model((1, 2, 5, 6), b.quant(x, 0.25, 0.0, 5.0))))


def test_padding_in_front_of_two_readers_and_of_a_padded_maximum() -> None:
    b = ModelBuilder()
    x = padded(b, b.quant("x", 0.25, 0.0, 4.0), [0, 0, 1, 1, 0, 0, 1, 1], 0.25)
    y = b.node("MaxPool", [x], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]})
    z = b.node("Conv", [x, weights(b, 4, 3, 3, 3)])
    found = prove(b.model((1, 3, 4, 5), y, z))
    assert_exact(found)
    assert pads_of(found) == 1


def test_the_host_pads_what_it_quantises() -> None:
    b = ModelBuilder()
    x = padded(b, "x", [0, 0, 1, 1, 0, 0, 1, 1], 0.3)
    assert_exact(prove(b.model((1, 3, 4, 5), b.node("Conv", [b.quant(x), weights(b, 4, 3, 3, 3)]))))


def test_padding_wider_than_the_window() -> None:
    b = ModelBuilder()
    x = b.node("Conv", [b.quant("x", 0.5, 0.0, 1.0), weights(b, 4, 3, 2, 2)], {"pads": [3, 2, 0, 4], "strides": [2, 1]})
    found = prove(b.model((1, 3, 4, 5), b.quant(x, 0.5, 0.0, 3.0)))
    assert_exact(found)
    assert pads_of(found) == 1
