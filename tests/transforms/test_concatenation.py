"""Concat: streams in turn, lattices of each channel, nothing at all where everything comes from one tensor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from qcompile.ir.errors import CompilerError
from qcompile.ops import Concat, Take
from tests.support.onnx_models import ModelBuilder
from tests.support.proving import Proof, assert_exact, prove


def weights(b: ModelBuilder, *shape: int, scale: float = 0.25) -> str:
    real = np.random.default_rng(sum(shape)).normal(0, 0.7, shape)
    return b.quant(b.constant(real), scale, 0.0, 3.0, narrow=1)


def relu(b: ModelBuilder, x: str, scale: float = 0.5, bits: float = 4.0) -> str:
    return b.quant(b.node("Relu", [x]), scale, 0.0, bits, signed=0)


def proven(b: ModelBuilder, shape: Sequence[int], *outputs: str) -> Proof:
    found = prove(b.model(shape, *outputs), frames=20)
    assert_exact(found)
    return found


def count(found: Proof, kind: type) -> int:
    return sum(isinstance(node.op, kind) for node in found.network.integer.nodes)


def concat(b: ModelBuilder, *parts: str, axis: int = 1) -> str:
    return b.node("Concat", parts, {"axis": axis})


def test_channels_of_three_branches_with_scales_of_their_own() -> None:
    b = ModelBuilder()
    x = b.quant("x")
    y = relu(b, b.node("Conv", [x, weights(b, 3, 2, 3, 3)], {"pads": [1, 1, 1, 1]}), 0.25)
    z = b.quant(b.node("Conv", [y, weights(b, 2, 3, 1, 1)]), 0.5, 0.0, 5.0)
    joined = concat(b, x, y, z)
    found = proven(b, (1, 2, 5, 4), b.node("Conv", [joined, weights(b, 4, 7, 2, 2)], {"pads": [1, 0, 0, 1]}))
    assert (count(found, Concat), count(found, Take)) == (2, 0)


def test_batch_normalisation_behind() -> None:
    b = ModelBuilder()
    x = b.quant("x")
    y = b.node("Conv", [x, weights(b, 3, 2, 1, 1)])
    joined = concat(b, x, y)
    constants = [
        b.constant(np.asarray(v, np.float32)) for v in ([1, 2, 0.5, 1, 4], [0.5, 0, 1, -1, 0], [0.0] * 5, [1.0] * 5)
    ]
    normalised = b.node("BatchNormalization", [joined, *constants], {"epsilon": 0.0})
    proven(b, (1, 2, 3, 4), b.node("Conv", [relu(b, normalised), weights(b, 4, 5, 2, 2)]))


def test_vectors() -> None:
    b = ModelBuilder()
    x = relu(b, b.node("MatMul", [b.quant("x"), weights(b, 6, 5)]))
    y = relu(b, b.node("MatMul", [x, weights(b, 5, 4)]), 0.25)
    found = proven(b, (1, 6), b.node("MatMul", [concat(b, x, y, axis=-1), weights(b, 9, 3)]))
    assert count(found, Concat) == 1


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize("scale", [0.5, 0.25])
def test_tokens(axis: int, scale: float) -> None:
    """Behind each other or side by side, in front of a dense layer over the last axis."""
    b = ModelBuilder()
    x = relu(b, b.node("MatMul", [b.quant("x"), weights(b, 6, 4)]))
    y = relu(b, b.node("MatMul", [x, weights(b, 4, 4)]), scale)
    found = proven(b, (1, 5, 6), b.node("MatMul", [concat(b, x, y, axis=axis), weights(b, 4 * axis, 3)]))
    assert (count(found, Concat), count(found, Take)) == (1, 0)


@pytest.mark.parametrize("axis", [2, 3])
@pytest.mark.parametrize("scale", [0.5, 0.25])
def test_rows_and_columns_of_images(axis: int, scale: float) -> None:
    b = ModelBuilder()
    x = relu(b, b.node("Conv", [b.quant("x"), weights(b, 3, 2, 1, 1)]))
    y = relu(b, b.node("Conv", [x, weights(b, 3, 3, 1, 1)]), scale)
    found = proven(b, (1, 2, 4, 3), b.node("Conv", [concat(b, x, y, axis=axis), weights(b, 2, 3, 2, 2)]))
    assert (count(found, Concat), count(found, Take)) == (1, 0)


def test_one_tensor_split_and_joined_is_an_index() -> None:
    b = ModelBuilder()
    x = relu(b, b.node("Conv", [b.quant("x"), weights(b, 4, 2, 2, 2)]))
    first = b.node("Split", [x], {"axis": 1}, outputs=2)
    joined = concat(b, f"{first}.1", first, x)
    found = proven(b, (1, 2, 4, 4), b.node("Conv", [joined, weights(b, 3, 8, 1, 1)]))
    assert (count(found, Concat), count(found, Take)) == (0, 1)


def test_split_computed_and_joined() -> None:
    b = ModelBuilder()
    x = relu(b, b.node("Conv", [b.quant("x"), weights(b, 4, 2, 2, 2)]))
    first = b.node("Split", [x], {"axis": 1}, outputs=2)
    y = relu(b, b.node("Conv", [f"{first}.1", weights(b, 2, 1, 3, 3)], {"pads": [1, 1, 1, 1], "group": 2}), 0.25)
    found = proven(b, (1, 2, 4, 4), b.node("Conv", [concat(b, first, y), weights(b, 3, 4, 1, 1)]))
    assert (count(found, Concat), count(found, Take)) == (1, 2)


def test_halves_of_one_tensor_with_other_functions() -> None:
    """The same integers, as they are and behind a Relu that nothing quantises."""
    b = ModelBuilder()
    x = b.quant(b.node("Conv", [b.quant("x"), weights(b, 4, 2, 2, 2)]), 0.5, 0.0, 4.0)
    found = proven(b, (1, 2, 4, 4), b.node("Conv", [concat(b, x, b.node("Relu", [x])), weights(b, 3, 8, 1, 1)]))
    assert count(found, Concat) == 1


def test_resized_and_joined() -> None:
    b = ModelBuilder()
    x = relu(b, b.node("Conv", [b.quant("x"), weights(b, 3, 2, 3, 3)], {"pads": [1, 1, 1, 1]}))
    y = b.node("MaxPool", [x], {"kernel_shape": [2, 2], "strides": [2, 2]})
    y = relu(b, b.node("Conv", [y, weights(b, 4, 3, 1, 1)]), 0.25)
    y = b.node("Resize", [y, "", b.constant([1.0, 1.0, 2.0, 2.0])])
    found = proven(b, (1, 2, 4, 6), relu(b, b.node("Conv", [concat(b, y, x), weights(b, 2, 7, 1, 1)])))
    assert (count(found, Concat), count(found, Take)) == (1, 1)


def test_a_join_is_the_output() -> None:
    b = ModelBuilder()
    x = relu(b, b.node("Conv", [b.quant("x"), weights(b, 3, 2, 1, 1)]))
    y = b.node("Conv", [x, weights(b, 2, 3, 1, 1)])
    found = proven(b, (1, 2, 3, 4), concat(b, x, y))
    assert len(found.network.integer.outputs) == 1


def test_a_sum_in_a_join() -> None:
    b = ModelBuilder()
    x = relu(b, b.node("Conv", [b.quant("x"), weights(b, 3, 2, 1, 1)]))
    y = relu(b, b.node("Conv", [x, weights(b, 3, 3, 1, 1)]))
    joined = concat(b, b.node("Add", [x, y]), y)
    proven(b, (1, 2, 3, 4), b.node("Conv", [joined, weights(b, 2, 6, 1, 1)]))


def test_what_the_host_computes_stays_there() -> None:
    """In front of the first quantiser a Concat is the host's; with a tensor that is quantised already it is refused."""
    b = ModelBuilder()
    x = b.quant(concat(b, "x", b.node("Neg", ["x"])))
    proven(b, (1, 2, 3, 4), b.node("Conv", [x, weights(b, 2, 4, 2, 2)]))
    b = ModelBuilder()
    y = b.node("Conv", [concat(b, b.quant("x"), "x"), weights(b, 2, 4, 2, 2)])
    with pytest.raises(CompilerError, match="reaches Concat without being quantised"):
        prove(b.model((1, 2, 3, 4), y))
