"""Forms that convolutional models come in: inputs, weights and activations of all kinds."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper

from tests.support.onnx_models import ModelBuilder
from tests.support.proving import assert_exact, assert_explained, prove


def weights(b: ModelBuilder, *shape: int, bits: int = 3, scale: float = 0.25) -> str:
    real = np.random.default_rng(sum(shape)).normal(0, 0.4, shape)
    return b.quant(b.constant(real), scale, 0.0, float(bits), narrow=1)


def relu6(b: ModelBuilder, x: str) -> str:
    x = b.node("Clip", [x, b.constant(0.0), b.constant(6.0)])
    return b.quant(x, 6 / 15, 0.0, 4.0, signed=0)


def test_relu6_weights_of_twelve_bits_and_an_asymmetric_input() -> None:
    b = ModelBuilder()
    x = b.quant("x", 0.05, -17.0, 8.0)
    x = relu6(b, b.node("Conv", [x, weights(b, 4, 2, 3, 3, bits=12, scale=2**-9)], {"pads": [1, 1, 1, 1]}))
    x = relu6(b, b.node("Conv", [x, weights(b, 4, 1, 3, 3)], {"group": 4, "pads": [1, 1, 1, 1]}))
    assert_explained(prove(b.model((1, 2, 5, 6), x)))


def test_zero_points_of_sequences() -> None:
    b = ModelBuilder()
    x = b.node("Conv", [b.quant("x", 0.125, 3.0, 6.0, signed=0), weights(b, 4, 2, 3)], {"pads": [1, 1]})
    assert_exact(prove(b.model((1, 2, 9), b.quant(x, 0.25, 2.0, 4.0, signed=0))))


def test_two_images_of_differing_quantisers_meet() -> None:
    b = ModelBuilder()
    x = b.node("Conv", [b.quant("x", 0.25), weights(b, 4, 2, 3, 3)], {"pads": [1, 1, 1, 1]})
    z = b.node("Conv", [b.quant("z", 0.5, 0.0, 3.0), weights(b, 4, 3, 1, 1)])
    y = b.node("Add", [b.quant(x, 0.5), b.quant(z, 0.25)])
    model = b.model((1, 2, 5, 6), b.quant(y, 0.5))
    model.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, (1, 3, 5, 6)))
    assert_exact(prove(model))


def test_averages_without_a_quantiser_in_front_of_a_convolution() -> None:
    for pads in (0, 1):
        b = ModelBuilder()
        attributes = {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [pads] * 4}
        x = b.node("AveragePool", [b.quant("x", 0.25)], attributes)
        found = prove(b.model((1, 2, 8, 8), b.node("Conv", [x, weights(b, 4, 2, 3, 3)], {"pads": [1, 1, 1, 1]})))
        assert_exact(found)
