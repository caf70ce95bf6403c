"""Quantisers: the imported graph's numbers equal the reference's bit for bit, and so do the integers behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.frontend.importer import import_model
from qcompile.ir.errors import CompilerError
from qcompile.ops import MatMul, Quantize
from qcompile.ops.roles import Quantiser
from tests.support.onnx_models import NEWEST, QONNX, ModelBuilder, assert_exact, import_and_reference

MODES = ("ROUND", "HALF_EVEN", "CEIL", "floor", "UP", "DOWN", "HALF_UP", "HALF_DOWN")
OPSETS = (7, 9, 11, 13, 17, NEWEST)
CHANNELS = 4

seeds = st.integers(0, 2**32 - 1)


def around(rng: np.random.Generator, scale: np.ndarray, frames: int = 12) -> np.ndarray:
    """Ties, their neighbours in float32, and anything, (frames, 1, CHANNELS)."""
    x = (rng.integers(-40, 41, (frames, 1, CHANNELS)) * 0.5 * scale).astype(np.float32)
    x[1::4] = np.nextafter(x[1::4], np.float32(np.inf))
    x[2::4] = np.nextafter(x[2::4], np.float32(-np.inf))
    x[3::4] = rng.normal(size=x[3::4].shape) * 10.0 ** rng.integers(-3, 8)
    return x


@settings(max_examples=60, deadline=None)
@given(
    seed=seeds,
    mode=st.sampled_from(MODES),
    opset=st.sampled_from(OPSETS),
    signed=st.booleans(),
    narrow=st.booleans(),
    bits=st.integers(1, 16),
    zero_point=st.sampled_from([0, 0, 1, 3, -2]),
    per_channel=st.booleans(),
    negative=st.booleans(),
    wide=st.booleans(),
)
def test_quant(
    seed: int,
    mode: str,
    opset: int,
    signed: bool,
    narrow: bool,
    bits: int,
    zero_point: float,
    per_channel: bool,
    negative: bool,
    wide: bool,
) -> None:
    rng = np.random.default_rng(seed)
    scale = np.asarray(rng.choice([0.25, 1.0, rng.uniform(0.01, 3.0)], (1, CHANNELS) if per_channel else ()))
    scale = (-scale if negative else scale).astype(np.float64 if wide else np.float32)
    builder = ModelBuilder(opset)
    y = builder.quant("x", scale, zero_point, bits, signed=int(signed), narrow=int(narrow), rounding_mode=mode)
    assert_exact(builder.model((1, CHANNELS), y), around(rng, scale))


def test_codes_of_real_zero_are_zero() -> None:
    """Zero points are taken off, so that padding with the code 0 is padding with the number 0."""
    for zero_point in (0.0, 3.0, -2.0):
        builder = ModelBuilder(13)
        y = builder.quant("x", 0.5, zero_point, 5)
        graph = import_model(builder.model((1, 1), y), "m")
        (node,) = graph.nodes
        constants = [graph.constants[name] for name in node.inputs[1:]]
        op = cast(Quantiser, node.op)
        assert op.codes(np.zeros((1, 1, 1), np.float32), *constants).ravel().tolist() == [0]
        assert op.lattice(*constants).decode(np.zeros(1, np.int64)).tolist() == [0.0]


def test_fractional_zero_points_stay_in_the_lattice() -> None:
    builder = ModelBuilder(13)
    y = builder.quant("x", 0.5, 0.25, 4)
    assert_exact(builder.model((1, CHANNELS), y), around(np.random.default_rng(1), np.asarray(0.5)))


@settings(max_examples=40, deadline=None)
@given(seed=seeds, opset=st.sampled_from(OPSETS), per_channel=st.booleans(), wide=st.booleans())
def test_bipolar_quant(seed: int, opset: int, per_channel: bool, wide: bool) -> None:
    rng = np.random.default_rng(seed)
    scale = np.asarray(rng.uniform(0.01, 3.0, (1, CHANNELS) if per_channel else ()), np.float64 if wide else np.float32)
    builder = ModelBuilder(opset)
    y = builder.node("BipolarQuant", ["x", builder.constant(scale, scale.dtype)], domain=QONNX)
    x = around(rng, scale)
    x[0, 0, :2] = [0.0, -0.0]
    assert_exact(builder.model((1, CHANNELS), y), x)


@settings(max_examples=40, deadline=None)
@given(
    seed=seeds,
    mode=st.sampled_from(MODES),
    opset=st.sampled_from(OPSETS),
    version=st.sampled_from([1, 2]),
    signed=st.booleans(),
    narrow=st.booleans(),
    bits=st.integers(2, 10),
    shift=st.integers(0, 6),
    multiple=st.sampled_from([0, 0, 1, -2]),
)
def test_trunc(
    seed: int, mode: str, opset: int, version: int, signed: bool, narrow: bool, bits: int, shift: int, multiple: int
) -> None:
    rng = np.random.default_rng(seed)
    scale = np.float32(rng.choice([0.25, 1.0, rng.uniform(0.01, 3.0)]))
    zero_point = multiple * 2**shift
    operands = [scale, zero_point, bits + shift, bits]
    attributes: dict[str, object] = {"rounding_mode": mode}
    if version == 2:
        operands.insert(3, np.float32(scale * 2.0**shift * rng.choice([1.0, 0.8, 1.3])))
        attributes |= {"signed": int(signed), "narrow": int(narrow)}
    builder = ModelBuilder(opset)
    y = builder.node("Trunc", ["x", *map(builder.constant, operands)], attributes, domain=QONNX)
    assert_exact(builder.model((1, CHANNELS), y), around(rng, scale))


@pytest.mark.parametrize("bipolar", [False, True])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(
    ("layout", "shape"), [("NC", (1, 3)), ("", (1, 3)), ("NHWC", (1, 2, 4, 3)), ("", (1, 3, 2, 4)), ("NWC", (1, 4, 3))]
)
def test_multi_threshold(layout: str, shape: tuple[int, ...], shared: bool, bipolar: bool) -> None:
    rng = np.random.default_rng(2)
    for opset in OPSETS:
        for kind in (np.float32, np.float64):
            builder = ModelBuilder(opset)
            thresholds = (rng.normal(size=(1 if shared else 3, 1 if bipolar else 7)) * 4).astype(kind)
            attributes: dict[str, object] = {"data_layout": layout, "out_dtype": "BIPOLAR" if bipolar else "INT4"}
            attributes |= {"out_scale": 2.0, "out_bias": -1.0} if bipolar else {"out_scale": 0.3, "out_bias": -0.7}
            y = builder.node("MultiThreshold", ["x", builder.constant(thresholds, kind)], attributes, domain=QONNX)
            x = rng.choice(np.append(thresholds.ravel(), rng.normal(size=40) * 4), (9, *shape)).astype(np.float32)
            assert_exact(builder.model(shape, y), x)


def test_thresholds_need_not_be_sorted() -> None:
    builder = ModelBuilder(13)
    y = builder.node("MultiThreshold", ["x", builder.constant([[3.0, -1.0, 2.0]])], {"data_layout": "NC"}, domain=QONNX)
    assert_exact(builder.model((1, 1), y), np.arange(-3, 5, dtype=np.float32).reshape(-1, 1, 1))


def test_a_bit_width_that_is_computed() -> None:
    builder = ModelBuilder(11, constant_nodes=True)
    bits = builder.node("Add", [builder.constant(3.0), builder.constant(1.0)])
    scale = builder.node(
        "Div", [builder.constant(4.0), builder.node("Pow", [builder.constant(2.0), builder.constant(4.0)])]
    )
    y = builder.quant("x", scale, 0.0, bits)
    model = builder.model((1, CHANNELS), y)
    assert_exact(model, around(np.random.default_rng(3), np.asarray(0.25)))
    op = import_model(model, "m").nodes[0].op
    assert isinstance(op, Quantize)
    assert (op.lo, op.hi) == (-8, 7)


def test_weights_quantised_by_chains_are_exact() -> None:
    """Quantised, scaled and quantised again; transposed; multiplied: folded here, computed by the reference."""
    rng = np.random.default_rng(4)
    builder = ModelBuilder(11)
    w = builder.quant(
        builder.constant(rng.normal(size=(CHANNELS, 3))), np.full((CHANNELS, 1), 0.125, np.float32), bits=6
    )
    w = builder.quant(builder.node("Mul", [w, builder.constant(2.0)]), 0.5, bits=4)
    y = builder.node("MatMul", ["x", w])
    assert_exact(builder.model((1, CHANNELS), y), rng.integers(-8, 8, (9, 1, CHANNELS)).astype(np.float32))


def test_several_quantisers_share_their_parameters() -> None:
    builder = ModelBuilder(9)
    scale, zero, bits = builder.constant(0.25), builder.constant(0.0), builder.constant(4.0)
    w = builder.quant(builder.constant(np.eye(CHANNELS)), scale, zero, bits)
    y = builder.quant(builder.node("MatMul", [builder.quant("x", scale, zero, bits), w]), scale, zero, bits, signed=0)
    model = builder.model((1, CHANNELS), y)
    assert_exact(model, around(np.random.default_rng(5), np.asarray(0.25)))
    assert [type(n.op) for n in import_model(model, "m").nodes].count(MatMul) == 1


Build = Callable[[ModelBuilder], str]
REFUSED: list[tuple[str, Build]] = [
    (r"the scale 0\.0", lambda b: b.quant("x", 0.0)),
    ("the scale 1e-40|the scale 9.99", lambda b: b.quant("x", 1e-40)),
    ("NaN or infinity", lambda b: b.quant("x", np.float32(np.inf))),
    ("NaN or infinity", lambda b: b.quant("x", np.asarray([1.0, np.nan], np.float32))),
    ("bit width of 0", lambda b: b.quant("x", bits=0)),
    ("bit width of 2.5", lambda b: b.quant("x", bits=2.5)),
    ("bit width of 33", lambda b: b.quant("x", bits=33)),
    ("bit width for each channel", lambda b: b.quant("x", bits=np.asarray([2, 3], np.float32))),
    ("rounding mode STOCHASTIC", lambda b: b.quant("x", rounding_mode="STOCHASTIC")),
    ("must be a constant", lambda b: b.quant("x", b.node("Abs", ["x"]))),
    ("must be a constant", lambda b: b.quant("x", 0.5, 0.0, b.node("Abs", ["x"]))),
    ("widen", lambda b: b.quant("x", np.ones((3, 1, 1), np.float32))),
    ("the scale 0", lambda b: b.node("BipolarQuant", ["x", b.constant(0.0)], domain=QONNX)),
    ("thresholds of shape", lambda b: b.node("MultiThreshold", ["x", b.constant([1.0])], domain=QONNX)),
    ("out_scale", lambda b: b.node("MultiThreshold", ["x", b.constant([[1.0]])], {"out_scale": 0.0}, domain=QONNX)),
    (
        "data_layout",
        lambda b: b.node("MultiThreshold", ["x", b.constant([[1.0]])], {"data_layout": "NCHW"}, domain=QONNX),
    ),
    ("inputs", lambda b: b.node("Quant", ["x", b.constant(1.0)], domain=QONNX)),
    ("inputs", lambda b: b.node("Trunc", ["x", b.constant(1.0)], domain=QONNX)),
    ("inputs", lambda b: b.node("BipolarQuant", ["x"], domain=QONNX)),
    ("different shift", lambda b: trunc(b, [1.0, 1.0], [2.0, 4.0], 4)),
    ("bit width of 0", lambda b: trunc(b, 1.0, 2.0, 0)),
]


def trunc(builder: ModelBuilder, scale: object, output_scale: object, bits: object) -> str:
    """A Trunc of version 2."""
    operands = map(builder.constant, (scale, 0.0, 8, output_scale, bits))
    return builder.node("Trunc", ["x", *operands], domain=QONNX)


@pytest.mark.parametrize(("reason", "build"), REFUSED, ids=[str(k) for k in range(len(REFUSED))])
def test_refused_by_name(reason: str, build: Build) -> None:
    builder = ModelBuilder(13)
    y = build(builder)
    with pytest.raises(CompilerError, match=reason) as caught:
        import_model(builder.model((1, 2), y), "model.onnx")
    assert caught.value.where == "model.onnx"
    assert "node node_" in caught.value.why or "tensor c_" in caught.value.why


def test_integer_inputs_are_quantised_without_wrapping() -> None:
    builder = ModelBuilder(13)
    y = builder.quant(builder.node("Cast", ["x"], {"to": 1}), 3.0, bits=5)
    x = np.arange(256, dtype=np.uint8).reshape(-1, 1, 1)
    imported, reference = import_and_reference(builder.model((1, 1), y, element=2), x)
    assert np.array_equal(imported, reference)
    assert float(imported.max()) == 45.0
