"""Quantisers in plain operators: the numbers of onnxruntime, and one quantiser where a rounded number is bounded."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto

from qcompile.frontend.importer import import_model
from qcompile.ops import Decode, Elementwise, Quantize
from tests.support.onnx_models import NEWEST, ModelBuilder, assert_exact
from tests.support.proving import assert_exact as assert_proven
from tests.support.proving import assert_explained, prove

CHANNELS = 3
seeds = st.integers(0, 2**32 - 1)


def around(rng: np.random.Generator, frames: int = 12) -> np.ndarray:
    x = (rng.integers(-80, 81, (frames, 1, CHANNELS)) * 0.125).astype(np.float32)
    x[1::3] = np.nextafter(x[1::3], np.float32(np.inf))
    x[2::3] = rng.normal(size=x[2::3].shape) * 20
    return x


def bounded(b: ModelBuilder, x: str, low: float, high: float, form: str) -> str:
    """The three ways to bound a number."""
    if form == "Clip":
        if b.opset < 11:
            return b.node("Clip", [x], {"min": low, "max": high})
        return b.node("Clip", [x, b.constant(low), b.constant(high)])
    if form == "MaxMin":
        return b.node("Min", [b.node("Max", [x, b.constant(low)]), b.constant(high)])
    return b.node("Max", [b.node("Min", [b.constant(high), x]), b.constant(low)])


def quantisers(model: object) -> list[Quantize]:
    graph = import_model(model, "m")  # type: ignore[arg-type]
    return [cast(Quantize, node.op) for node in graph.nodes if isinstance(node.op, Quantize)]


@settings(max_examples=80)
@given(
    seed=seeds,
    opset=st.sampled_from([11, 13, NEWEST]),
    rounding=st.sampled_from(["Round", "Floor", "Ceil"]),
    form=st.sampled_from(["Clip", "MaxMin", "MinMax"]),
    order=st.sampled_from(["round first", "bound first"]),
    zero_point=st.sampled_from(["", "before", "behind"]),
    cast=st.booleans(),
)
def test_chains(seed: int, opset: int, rounding: str, form: str, order: str, zero_point: str, cast: bool) -> None:
    rng = np.random.default_rng(seed)
    b = ModelBuilder(opset)
    scale = rng.uniform(0.1, 0.6, CHANNELS if rng.integers(2) else ()).astype(np.float32)
    zero = rng.integers(-9, 9, scale.shape)
    low = float(rng.integers(-20, 0))
    high = low + float(rng.integers(3, 40))
    x = b.node("Div", ["x", b.constant(scale)])
    x = b.node("Add", [x, b.constant(zero)]) if zero_point == "before" else x
    if order == "bound first":
        x = b.node(rounding, [bounded(b, x, low, high, form)])
        x = b.node("Add", [x, b.constant(zero)]) if zero_point == "behind" else x
    else:
        x = b.node(rounding, [x])
        x = b.node("Add", [x, b.constant(zero)]) if zero_point == "behind" else x
        x = bounded(b, x, low, high, form)
    if cast and not (order == "bound first" and zero_point == "behind"):
        x = b.node("Cast", [b.node("Cast", [x], {"to": int(TensorProto.INT8)})], {"to": int(TensorProto.FLOAT)})
    x = b.node("Sub", [x, b.constant(zero)]) if zero_point else x
    model = b.model((1, CHANNELS), b.node("Mul", [x, b.constant(scale)]))
    assert_exact(model, around(rng))
    (op,) = quantisers(model)
    assert (op.lo, op.hi, op.dequantized) == (low, high, False)
    functions = {cast_.function for cast_ in elementwise(model)}
    assert not functions & {"Round", "Floor", "Ceil", "Clip", "Min", "Max", "ToInteger"}


def elementwise(model: object) -> list[Elementwise]:
    graph = import_model(model, "m")  # type: ignore[arg-type]
    return [node.op for node in graph.nodes if isinstance(node.op, Elementwise)]


def test_bounds_of_old_operator_sets_and_relu() -> None:
    for opset in (7, 10, 13):
        b = ModelBuilder(opset)
        x = b.node("Floor", [b.node("Mul", ["x", b.constant(3.7)])])
        x = b.node("Relu", [x])
        x = b.node("Min", [x, b.constant(15.0)]) if opset >= 8 else bounded(b, x, 0.0, 15.0, "Clip")
        model = b.model((1, CHANNELS), x)
        assert_exact(model, around(np.random.default_rng(opset)))
        (op,) = quantisers(model)
        assert (op.lo, op.hi, op.rounding) == (0, 15, "FLOOR")


@pytest.mark.parametrize("bounds", [(-3.5, 4.0), (-3.0, 1e9), (None, 3.0)])
def test_other_bounds_make_no_quantiser(bounds: tuple[float | None, float]) -> None:
    low, high = bounds
    b = ModelBuilder(13)
    x = b.node("Round", ["x"])
    x = b.node("Clip", [x, "" if low is None else b.constant(low), b.constant(high)])
    model = b.model((1, CHANNELS), x)
    assert_exact(model, around(np.random.default_rng(1)))
    assert quantisers(model) == []


@pytest.mark.parametrize("scale_axis", [None, 0, 1])
@pytest.mark.parametrize("stored", ["rounded", "int8", "int8 with zero point"])
def test_weights(stored: str, scale_axis: int | None) -> None:
    """Integers times scales stay integers, also behind a transposition; no unit has to be guessed."""
    rng = np.random.default_rng(2)
    b = ModelBuilder(13)
    shape = {None: (), 0: (5, 1), 1: (4,)}[scale_axis]
    scale = b.constant(rng.uniform(0.01, 0.02, shape))
    if stored == "rounded":
        w = b.node("Round", [b.node("Div", [b.constant(rng.normal(size=(5, 4)) + 1.5), scale])])
        w = b.node("Clip", [w, b.constant(-127.0), b.constant(127.0)])
    else:
        w = b.node("Cast", [b.constant(rng.integers(40, 127, (5, 4)), np.int8)], {"to": 1})
        w = b.node("Sub", [w, b.constant(77.0)]) if "zero" in stored else w
    w = b.node("Transpose", [b.node("Mul", [w, scale])], {"perm": [1, 0]})
    model = b.model((1, 4), b.node("MatMul", ["x", w]))
    graph = import_model(model, "m")
    (decode,) = (node for node in graph.nodes if isinstance(node.op, Decode))
    assert graph.constants[decode.inputs[0]].shape == (4, 5)
    assert graph.constants[decode.inputs[0]].dtype == np.int64
    x = rng.integers(-8, 8, (9, 1, 4)).astype(np.float32)
    imported = graph.evaluate(x)[graph.outputs[0]]
    assert np.allclose(imported, x @ graph.nodes[0].op.evaluate(*(graph.constants[n] for n in decode.inputs)))


def network(b: ModelBuilder, rng: np.random.Generator, scales: np.ndarray) -> str:
    """Fake quantisation as PyTorch writes it out: weights, an asymmetric input, activations."""

    def fake(x: str, scale: float, zero: int, low: int, high: int) -> str:
        x = b.node("Round", [b.node("Div", [x, b.constant(scale)])])
        x = b.node("Clip", [b.node("Add", [x, b.constant(zero)]), b.constant(low), b.constant(high)])
        return b.node("Mul", [b.node("Sub", [x, b.constant(zero)]), b.constant(scale)])

    def weights(scale: float, *shape: int) -> str:
        return fake(b.constant(rng.normal(0, 20 * scale, shape)), scale, 0, -127, 127)

    x = fake("x", float(scales[0]), 100, 0, 255)
    x = b.node("Conv", [x, weights(float(scales[1]), 4, 2, 3, 3)], {"pads": [1, 1, 1, 1]})
    x = fake(b.node("Relu", [x]), float(scales[2]) * 8, 0, 0, 15)
    x = b.node("MaxPool", [x], {"kernel_shape": [2, 2], "strides": [2, 2]})
    x = b.node("MatMul", [b.node("Flatten", [x]), weights(float(scales[3]), 16, 3)])
    return fake(x, float(scales[4]) * 16, -3, -128, 127)


@pytest.mark.parametrize("seed", range(3))
def test_networks(seed: int) -> None:
    """Rounding decides as in any other quantiser: no ties where scales are powers of two, explained ones elsewhere."""
    rng = np.random.default_rng(seed)
    for scales, check in ((2.0 ** rng.integers(-4, -2, 5), assert_proven), (rng.uniform(0.05, 0.2, 5), assert_explained)):
        b = ModelBuilder(13)
        found = prove(b.model((1, 2, 4, 4), network(b, rng, scales)), frames=24)
        check(found)
        assert len([node for node in found.graph.nodes if isinstance(node.op, Quantize)]) == 3
