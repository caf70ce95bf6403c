"""Small networks whose neurons read few bits; scales are powers of two, so every integer is exact in float32."""

from __future__ import annotations

import numpy as np
import onnx

from .onnx_models import ModelBuilder


def sparse(b: ModelBuilder, rng: np.random.Generator, inputs: int, outputs: int, fan_in: int) -> str:
    """Weights (inputs, outputs) of which each column has `fan_in` that are not zero, of three bits."""
    weights = np.zeros((inputs, outputs))
    for column in range(outputs):
        rows = rng.choice(inputs, fan_in, replace=False)
        weights[rows, column] = rng.integers(1, 4, fan_in) * rng.choice([-1, 1], fan_in) / 4
    return b.quant(b.constant(weights), 0.25, 0.0, 3.0, narrow=1)


def activation(b: ModelBuilder, x: str, bits: int = 2) -> str:
    """BatchNormalization-like scale and bias, Relu, quantiser."""
    x = b.node("Add", [x, b.constant(0.125)])
    return b.quant(b.node("Relu", [x]), 0.5, 0.0, float(bits), signed=0)


def perceptron(seed: int = 1, argmax: bool = True) -> onnx.ModelProto:
    """16 inputs of two bits, layers of 12, 10 and 4 neurons that read 3, the greatest of four sums."""
    b, rng = ModelBuilder(), np.random.default_rng(seed)
    x = b.quant("x", 0.5, 0.0, 2.0, signed=0)
    x = activation(b, b.node("MatMul", [x, sparse(b, rng, 16, 12, 3)]))
    x = activation(b, b.node("MatMul", [x, sparse(b, rng, 12, 10, 3)]))
    x = b.quant(b.node("MatMul", [x, sparse(b, rng, 10, 4, 3)]), 0.5, 0.0, 3.0)
    return b.model((1, 16), b.node("ArgMax", [x], {"axis": -1}) if argmax else x)


def mixed(seed: int = 2) -> onnx.ModelProto:
    """A dense layer that reads 64 bits, two sparse ones behind it, sums at the end."""
    b, rng = ModelBuilder(), np.random.default_rng(seed)
    x = b.quant("x", 0.125, 0.0, 4.0, signed=0)
    x = activation(b, b.node("MatMul", [x, sparse(b, rng, 16, 12, 16)]))
    x = activation(b, b.node("MatMul", [x, sparse(b, rng, 12, 10, 4)]))
    return b.model((1, 16), b.node("MatMul", [x, sparse(b, rng, 10, 5, 3)]))


def convolutional(seed: int = 3) -> onnx.ModelProto:
    """A sparse 3x3 convolution with padding, a dense 1x1 one, max pooling, a dense layer that reads 36 bits."""
    b, rng = ModelBuilder(), np.random.default_rng(seed)
    x = b.quant("x", 0.5, 0.0, 2.0)
    weights = np.zeros((6, 2 * 9))
    for row in weights:
        row[rng.choice(18, 4, replace=False)] = rng.choice([-0.5, -0.25, 0.25, 0.5], 4)
    x = b.node("Conv", [x, b.quant(b.constant(weights.reshape(6, 2, 3, 3)), 0.25, 0.0, 3.0, narrow=1)], {"pads": [1] * 4})
    x = activation(b, x)
    x = activation(b, b.node("Conv", [x, b.quant(b.constant(rng.normal(0, 0.5, (3, 6, 1, 1))), 0.25, 0.0, 3.0, narrow=1)]))
    x = b.node("MaxPool", [x], {"kernel_shape": [2, 2], "strides": [2, 2]})
    x = b.node("Flatten", [x])
    return b.model((1, 2, 6, 4), b.node("MatMul", [x, sparse(b, rng, 18, 4, 18)]))
