"""QuantizeLinear, DequantizeLinear and Clip between them: numbers equal onnxruntime's, and the integers are the model's."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import cast

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from qcompile.frontend.importer import import_model, integer_inputs
from qcompile.ir.errors import CompilerError
from qcompile.ops import Decode, Elementwise, MatMul, Quantize
from tests.support.onnx_models import NEWEST, ModelBuilder, assert_exact, import_and_reference

CODES = {
    "int8": np.int8,
    "uint8": np.uint8,
    "int16": np.int16,
    "uint16": np.uint16,
    "int4": ml_dtypes.int4,
    "uint4": ml_dtypes.uint4,
    "int2": ml_dtypes.int2,
    "uint2": ml_dtypes.uint2,
}
LIMITS = {name: (-(2 ** (int(name[3:]) - 1)), 2 ** (int(name[3:]) - 1) - 1) for name in CODES if name[0] == "i"} | {
    name: (0, 2 ** int(name[4:]) - 1) for name in CODES if name[0] == "u"
}
CHANNELS = 4

seeds = st.integers(0, 2**32 - 1)


def around(rng: np.random.Generator, scale: np.ndarray, frames: int = 12) -> np.ndarray:
    """Ties, their neighbours in float32, and anything, (frames, 1, CHANNELS, 2)."""
    x = (rng.integers(-600, 601, (frames, 1, CHANNELS, 2)) * 0.5 * scale).astype(np.float32)
    x[1::4] = np.nextafter(x[1::4], np.float32(np.inf))
    x[2::4] = np.nextafter(x[2::4], np.float32(-np.inf))
    x[3::4] = rng.normal(size=x[3::4].shape) * 10.0 ** rng.integers(-3, 8)
    return x


def opset_for(kind: str, opset: int) -> int:
    return max(opset, 10 if kind[-1] == "8" else 25 if kind[-1] == "2" else 21)


@settings(max_examples=80)
@given(
    seed=seeds,
    kind=st.sampled_from(list(CODES)),
    opset=st.sampled_from([10, 13, 19, 21, NEWEST]),
    per_channel=st.booleans(),
    last_axis=st.booleans(),
    bounds=st.sampled_from([None, None, (0.2, 0.9), (0.0, 0.5)]),
    zero_point=st.booleans(),
    between=st.sampled_from(["", "", "Transpose", "Cast"]),
)
def test_quantised_and_dequantised(
    seed: int,
    kind: str,
    opset: int,
    per_channel: bool,
    last_axis: bool,
    bounds: tuple[float, float] | None,
    zero_point: bool,
    between: str,
) -> None:
    """Per tensor and per channel, with a Clip of the integers (QCDQ), with the axes moved between the two, as codes."""
    rng = np.random.default_rng(seed)
    builder = ModelBuilder(opset_for(kind, opset))
    per_channel = per_channel and builder.opset >= 13
    axis, size = (-1, 2) if last_axis else (1, CHANNELS)
    scale = rng.choice([0.25, 1.0, rng.uniform(0.01, 3.0)], size if per_channel else ()).astype(np.float32)
    least, greatest = LIMITS[kind]
    zero = rng.integers(least, greatest + 1, scale.shape) if zero_point else np.zeros(scale.shape, int)
    operands = [builder.constant(scale), builder.constant(zero.astype(CODES[kind]), CODES[kind])]
    if kind == "uint8" and not zero_point:
        operands = operands[:1]
    attributes: dict[str, object] = {"axis": axis} if per_channel else {}
    y = builder.node("QuantizeLinear", ["x", *operands], attributes)
    if bounds and builder.opset >= 12 and kind in ("int8", "uint8"):
        low, high = (int(least + share * (greatest - least)) for share in bounds)
        y = builder.node("Clip", [y, *(builder.constant(bound, CODES[kind]) for bound in (low, high))])
    if between == "Transpose" and kind[-1] == "8":
        y = builder.node("Transpose", [y], {"perm": [0, 2, 1]})
        attributes |= {"axis": {1: 2, -1: 1}[axis]} if per_channel else {}
    if between == "Cast":
        y = builder.node("Cast", [y], {"to": int(TensorProto.FLOAT)})
    else:
        y = builder.node("DequantizeLinear", [y, *operands], attributes)
    shape = scale.reshape((CHANNELS, 1) if per_channel and not last_axis else (-1,) if per_channel else ())
    assert_exact(builder.model((1, CHANNELS, 2), y), around(rng, shape))


def test_the_pair_is_one_quantiser_of_real_numbers() -> None:
    """So the host's part in front knows what one step of the integers stands for, and real zero is the integer 0."""
    builder = ModelBuilder(13)
    operands = [builder.constant(0.5), builder.constant(3, np.int8)]
    codes = builder.node("QuantizeLinear", ["x", *operands])
    codes = builder.node("Clip", [codes, builder.constant(-7, np.int8), builder.constant(7, np.int8)])
    first, second = (builder.node("DequantizeLinear", [codes, *operands]) for _ in range(2))
    graph = import_model(builder.model((1, 2), builder.node("Relu", [first]), builder.node("Neg", [second])), "m")
    (node,) = (node for node in graph.nodes if isinstance(node.op, Quantize))
    op = cast(Quantize, node.op)
    assert (op.lo, op.hi, op.dequantized) == (-7, 7, True)
    assert len(node.origin) == 3
    constants = [graph.constants[name] for name in node.inputs[1:]]
    assert float(op.lattice(*constants).scale) == 0.5
    assert op.codes(np.zeros(1, np.float32), *constants).tolist() == [0]


def test_codes_that_others_read_stay_codes() -> None:
    builder = ModelBuilder(13)
    operands = [builder.constant(0.5), builder.constant(3, np.int8)]
    codes = builder.node("QuantizeLinear", ["x", *operands])
    pooled = builder.node("MaxPool", [codes], {"kernel_shape": [2], "pads": [1, 0]})
    real = builder.node("DequantizeLinear", [codes, *operands])
    coarse = builder.node("DequantizeLinear", [pooled, builder.constant(2.0), builder.constant(-1, np.int8)])
    model = builder.model((1, 2, 5), builder.node("Relu", [real]), coarse, pooled)
    x = np.random.default_rng(1).normal(size=(9, 1, 2, 5)).astype(np.float32) * 20
    assert_exact(model, x)
    graph = import_model(model, "m")
    assert sum(isinstance(node.op, Quantize) for node in graph.nodes) == 1
    assert [cast(Elementwise, n.op).function for n in graph.nodes if n.output == coarse] == ["Mul"]


@pytest.mark.parametrize("constant_nodes", [False, True])
@pytest.mark.parametrize("form", ["integers", "clipped integers", "quantised here", "quantised and clipped here", "asymmetric"])
def test_weights_stay_integers(form: str, constant_nodes: bool) -> None:
    """Integers, or float numbers that go through QuantizeLinear, with and without Clip; per output channel."""
    rng = np.random.default_rng(3)
    builder = ModelBuilder(17, constant_nodes=constant_nodes)
    scale = rng.choice([0.25, 0.5], 3).astype(np.float32)
    zero = rng.integers(-3, 4, 3) if form == "asymmetric" else np.zeros(3)
    operands = [builder.constant(scale), builder.constant(zero, np.int8)]
    if "here" in form:
        real = builder.constant(rng.normal(size=(CHANNELS, 3)) * 3)
        w = builder.node("QuantizeLinear", [real, *operands], {"axis": 1})
    else:
        w = builder.constant(rng.integers(-8, 8, (CHANNELS, 3)), np.int8)
    if "clipped" in form:
        w = builder.node("Clip", [w, builder.constant(-7, np.int8), builder.constant(7, np.int8)])
    w = builder.node("DequantizeLinear", [w, *operands], {"axis": -1})
    model = builder.model((1, CHANNELS), builder.node("MatMul", ["x", w]))
    assert_exact(model, rng.integers(-8, 8, (9, 1, CHANNELS)).astype(np.float32))
    graph = import_model(model, "m")
    (decode,) = (node for node in graph.nodes if isinstance(node.op, Decode))
    codes = graph.constants[decode.inputs[0]]
    assert codes.dtype == np.int64
    assert np.abs(codes).max() <= (7 if "clipped" in form else 128)
    assert any(isinstance(node.op, MatMul) for node in graph.nodes)


@pytest.mark.parametrize("kind", ["int8", "int4", "uint4"])
@pytest.mark.parametrize("block", [2, 3, 4])
def test_weights_in_blocks(kind: str, block: int) -> None:
    rng = np.random.default_rng(block)
    builder = ModelBuilder(21)
    least, greatest = LIMITS[kind]
    w = rng.integers(max(least, -20), min(greatest, 20) + 1, (8, 3))
    blocks = -(-8 // block)
    scale, zero = 2.0 ** rng.integers(-3, 1, (blocks, 3)), rng.integers(0, 4, (blocks, 3))
    operands = [builder.constant(scale), builder.constant(zero.astype(CODES[kind]), CODES[kind])]
    attributes = {"axis": 0, "block_size": block}
    w_name = builder.node("DequantizeLinear", [builder.constant(w.astype(CODES[kind]), CODES[kind]), *operands], attributes)
    model = builder.model((1, 8), builder.node("MatMul", ["x", w_name]))
    assert_exact(model, rng.integers(-8, 8, (9, 1, 8)).astype(np.float32))


def test_biases_of_32_bits() -> None:
    rng = np.random.default_rng(5)
    builder = ModelBuilder(13)
    w = builder.node("DequantizeLinear", [builder.constant(rng.integers(-8, 8, (3, 2, 2)), np.int8), builder.constant(0.5)])
    bias = [2**24 + 1, -5, 7]
    scale = builder.constant([0.25, 0.5, 1.0])
    b = builder.node("DequantizeLinear", [builder.constant(bias, np.int32), scale], {"axis": 0})
    model = builder.model((1, 2, 4), builder.node("Conv", ["x", w, b]))
    assert_exact(model, rng.integers(-8, 8, (9, 1, 2, 4)).astype(np.float32))


def test_integer_inputs_are_typed() -> None:
    builder = ModelBuilder(13)
    y = builder.node("DequantizeLinear", ["x", builder.constant(0.5), builder.constant(-3, np.int8)])
    model = builder.model((1, 3), y, element=TensorProto.INT8)
    assert integer_inputs(model) == {"x": "int8"}
    imported, reference = import_and_reference(model, np.arange(-128, 127, dtype=np.int8).reshape(-1, 1, 3))
    assert np.array_equal(imported, reference)
    assert integer_inputs(ModelBuilder(13).model((1, 3), "x")) == {}


Build = Callable[[ModelBuilder], str]


def quantised(scale: object = 0.5, zero: object = 0, kind: object = np.int8, **attributes: object) -> Build:
    return lambda b: b.node("QuantizeLinear", ["x", b.constant(scale), b.constant(zero, kind)], attributes)


REFUSED: list[tuple[str, int, Build]] = [
    (r"the scale 0\.0", 13, quantised(0.0)),
    ("must be a constant", 13, lambda b: b.node("QuantizeLinear", ["x", b.node("Abs", ["x"])])),
    ("codes of type float8_e4m3fn: only integers", 19, quantised(kind=ml_dtypes.float8_e4m3fn)),
    (
        "codes of type float8e4m3fn: only integers",
        21,
        lambda b: b.node("QuantizeLinear", ["x", b.constant(0.5)], {"output_dtype": int(TensorProto.FLOAT8E4M3FN)}),
    ),
    ("precision FLOAT16", 23, quantised(precision=int(TensorProto.FLOAT16))),
    ("output_dtype FLOAT16", 23, lambda b: dequantised(b, output_dtype=int(TensorProto.FLOAT16))),
    ("a scale of type float16", 21, lambda b: dequantised(b, scale=np.float16(0.5))),
    (r"of shape \(2,\) for a tensor", 10, quantised([0.5, 0.25], [0, 0])),
    (r"of shape \(3,\) for a tensor|of shape \(1, 3\)", 13, quantised([0.5, 0.25, 1.0], [0, 0, 0])),
    ("the axis 2", 13, quantised([0.5, 0.25], [0, 0], axis=2)),
    (r"of shape \(1, 3\)", 21, quantised([[0.5, 0.25, 1.0]], [[0, 0, 0]], block_size=1)),
]


def dequantised(b: ModelBuilder, scale: object = np.float32(0.5), **attributes: object) -> str:
    codes = b.node("QuantizeLinear", ["x", b.constant(0.5)])
    return b.node("DequantizeLinear", [codes, b.constant(scale, np.asarray(scale).dtype)], attributes)


@pytest.mark.parametrize(("reason", "opset", "build"), REFUSED, ids=[str(k) for k in range(len(REFUSED))])
def test_refused_by_name(reason: str, opset: int, build: Build) -> None:
    builder = ModelBuilder(opset)
    y = build(builder)
    with pytest.raises(CompilerError, match=reason) as caught:
        import_model(builder.model((1, 2), y), "model.onnx")
    assert "node node_" in caught.value.why


def test_refusals_of_several_nodes_come_together() -> None:
    builder = ModelBuilder(19)
    ends = [quantised(kind=ml_dtypes.float8_e5m2)(builder), quantised(0.0)(builder)]
    with pytest.raises(CompilerError) as caught:
        import_model(builder.model((1, 2), *ends), "model.onnx")
    assert reduce(lambda n, end: n + (f"node node_{end}" in caught.value.why), ends, 0) == 2
    assert helper.tensor_dtype_to_np_dtype(TensorProto.FLOAT8E5M2) == ml_dtypes.float8_e5m2
