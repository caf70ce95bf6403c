"""Elements that an operator needs in another order or number: moved in hardware where nothing else absorbs it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from qcompile.ops import ChannelProduct, MatMul, Take
from tests.support.onnx_models import ModelBuilder
from tests.support.proving import Proof, assert_exact, prove


def weights(b: ModelBuilder, *shape: int, scale: object = 0.25) -> str:
    real = np.random.default_rng(sum(shape)).normal(0, 0.7, shape)
    return b.quant(b.constant(real), scale, 0.0, 3.0, narrow=1)


def relu(b: ModelBuilder, x: str, scale: float = 0.5, bits: float = 4.0) -> str:
    return b.quant(b.node("Relu", [x]), scale, 0.0, bits, signed=0)


def convolution(b: ModelBuilder, x: str, *shape: int, **attributes: object) -> str:
    return b.node("Conv", [x, weights(b, *shape)], attributes)


def proven(b: ModelBuilder, shape: Sequence[int], *outputs: str) -> Proof:
    found = prove(b.model(shape, *outputs), frames=20)
    assert_exact(found)
    return found


def moves(found: Proof) -> list[tuple[int, ...]]:
    """Shapes of the frames that nodes of the integer graph reorder."""
    graph = found.network.integer
    return [graph.values[node.output].shape for node in graph.nodes if isinstance(node.op, Take)]


def test_a_dense_layer_across_the_others() -> None:
    """Tokens are mixed as channels were: a transposition between two dense layers, and one back."""
    b = ModelBuilder()
    x = relu(b, b.node("MatMul", [b.quant("x"), weights(b, 6, 4)]))
    x = b.node("Transpose", [x], {"perm": [0, 2, 1]})
    x = relu(b, b.node("MatMul", [x, weights(b, 5, 7)]))
    x = b.node("Transpose", [x], {"perm": [0, 2, 1]})
    found = proven(b, (1, 5, 6), b.node("MatMul", [x, weights(b, 4, 3)]))
    assert moves(found) == [(4, 5), (7, 4)]


def test_channels_that_become_pixels() -> None:
    b = ModelBuilder()
    x = relu(b, convolution(b, b.quant("x"), 4, 2, 3, 3))
    x = b.node("Transpose", [x], {"perm": [0, 2, 1, 3]})
    found = proven(b, (1, 2, 6, 5), convolution(b, x, 3, 4, 2, 2))
    assert moves(found) == [(4, 3, 4)]


def test_two_branches_in_different_orders() -> None:
    b = ModelBuilder()
    x = relu(b, convolution(b, b.quant("x"), 5, 2, 2, 2))
    y = b.node("Transpose", [x], {"perm": [0, 3, 2, 1]})
    total = b.quant(b.node("Add", [x, y]), 0.5, 0.0, 5.0)
    found = proven(b, (1, 2, 6, 6), convolution(b, total, 3, 5, 2, 2))
    assert moves(found) == [(5, 5, 5)]


def test_a_reordering_is_made_once_and_its_inverse_never() -> None:
    b = ModelBuilder()
    x = relu(b, convolution(b, b.quant("x"), 4, 2, 2, 2))
    turned = b.node("Transpose", [x], {"perm": [0, 1, 3, 2]})
    first = convolution(b, turned, 3, 4, 2, 2)
    second = convolution(b, turned, 3, 4, 1, 1)
    back = convolution(b, b.node("Transpose", [turned], {"perm": [0, 1, 3, 2]}), 2, 4, 1, 1)
    assert moves(proven(b, (1, 2, 4, 5), first, second, back)) == [(4, 3, 4)]


def test_scales_follow_their_channels() -> None:
    """Weights with a scale for each output channel, whose channels are then reversed, pooled and padded."""
    b = ModelBuilder()
    scales = 2.0 ** np.asarray([-1, -3, -2, -1]).reshape(4, 1, 1, 1)
    kernel = b.quant(b.constant(np.random.default_rng(0).normal(0, 0.7, (4, 2, 2, 2))), scales, 0.0, 3.0)
    x = b.node("Conv", [b.quant("x"), kernel])
    x = b.node("Reshape", [x, b.constant([1, 2, 2, 4, 4], np.int64)])
    x = b.node("Transpose", [x], {"perm": [0, 2, 1, 3, 4]})
    x = b.node("Reshape", [x, b.constant([1, 4, 4, 4], np.int64)])
    x = b.node("MaxPool", [x], {"kernel_shape": [2, 2]})
    x = b.quant(x, 0.25, 0.0, 4.0)
    proven(b, (1, 2, 5, 5), convolution(b, x, 3, 4, 2, 2, pads=[1, 0, 0, 1]))


def test_elements_of_different_scales_meet_in_one_channel() -> None:
    """Height becomes channel: the elements of the new channels come from channels with scales of their own."""
    b = ModelBuilder()
    scales = 2.0 ** np.asarray([-1, -3, -2, -1]).reshape(4, 1, 1, 1)
    kernel = b.quant(b.constant(np.random.default_rng(0).normal(0, 0.7, (4, 2, 2, 2))), scales, 0.0, 3.0)
    x = b.node("Transpose", [b.node("Conv", [b.quant("x"), kernel])], {"perm": [0, 2, 1, 3]})
    proven(b, (1, 2, 5, 5), convolution(b, x, 3, 4, 2, 2))


def test_constants_of_the_new_channels() -> None:
    """Biases and scales for each channel of the transposed tensor, in front of its quantiser."""
    b = ModelBuilder()
    x = relu(b, convolution(b, b.quant("x"), 4, 2, 2, 2))
    x = b.node("Transpose", [x], {"perm": [0, 2, 1, 3]})
    x = b.node("Add", [x, b.constant(np.arange(5).reshape(1, 5, 1, 1) / 4)])
    x = b.node("Mul", [x, b.constant(2.0 ** np.arange(5).reshape(1, 5, 1, 1) / 8)])
    x = b.quant(x, 0.25, 0.0, 5.0)
    proven(b, (1, 2, 6, 6), convolution(b, x, 3, 5, 2, 2))


def test_layers_behind_flatten_take_any_order() -> None:
    """Weights of a dense layer are put in the order of the stream: nothing moves."""
    b = ModelBuilder()
    x = relu(b, convolution(b, b.quant("x"), 4, 2, 2, 2))
    x = b.node("Flatten", [b.node("Transpose", [x], {"perm": [0, 3, 1, 2]})])
    found = proven(b, (1, 2, 4, 4), b.node("MatMul", [x, weights(b, 36, 3)]))
    assert moves(found) == []


@pytest.mark.parametrize("padding", [0, 1])
def test_convolutions_take_channels_in_any_order(padding: int) -> None:
    """A channel shuffle in front of a convolution is in its weights: nothing moves. Scales for each channel follow."""
    b = ModelBuilder()
    scales = 2.0 ** np.asarray([-1, -3, -2, -1, -2, -1]).reshape(6, 1, 1, 1)
    kernel = b.quant(b.constant(np.random.default_rng(0).normal(0, 0.7, (6, 2, 2, 2))), scales, 0.0, 3.0)
    x = b.node("Conv", [b.quant("x"), kernel])
    x = b.node("Reshape", [x, b.constant([1, 2, 3, 4, 5], np.int64)])
    x = b.node("Transpose", [x], {"perm": [0, 2, 1, 3, 4]})
    x = b.node("Reshape", [x, b.constant([1, 6, 4, 5], np.int64)])
    found = proven(b, (1, 2, 5, 6), convolution(b, x, 3, 6, 2, 2, pads=[padding] * 4))
    assert moves(found) == []


@pytest.mark.parametrize("behind", ["pooling", "depthwise"])
def test_a_vector_that_becomes_an_image(behind: str) -> None:
    b = ModelBuilder()
    x = relu(b, b.node("MatMul", [b.quant("x"), weights(b, 6, 32)]))
    x = b.node("Reshape", [x, b.constant([1, 2, 4, 4], np.int64)])
    if behind == "pooling":
        x = b.quant(b.node("AveragePool", [x], {"kernel_shape": [2, 2], "strides": [2, 2]}), 0.25, 0.0, 5.0)
    else:
        x = convolution(b, x, 2, 1, 3, 3, group=2)
    found = proven(b, (1, 6), x)
    assert moves(found) == [(4, 4, 2)]
    assert {MatMul, ChannelProduct} <= {type(node.op) for node in found.network.integer.nodes}
