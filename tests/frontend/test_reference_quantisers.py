"""The quantisers as ONNX functions against qonnx's own implementations in numpy: equal, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qonnx.custom_op.general.bipolar_quant import binary_quant
from qonnx.custom_op.general.multithreshold import multithreshold
from qonnx.custom_op.general.quant import quant
from qonnx.custom_op.general.trunc import trunc_v1, trunc_v2

from qcompile.frontend.reference import make_reference
from qcompile.ir.types import Array

from ..support.onnx_models import NEWEST, QONNX, ModelBuilder, same_bits

MODES = ("ROUND", "HALF_EVEN", "CEIL", "floor", "UP", "DOWN", "HALF_UP", "HALF_DOWN")
OPSETS = (7, 8, 9, 10, 11, 13, 17, 21, NEWEST)
CHANNELS = 5
FRAMES = 6

seeds = st.integers(0, 2**32 - 1)
modes = st.sampled_from(MODES)
opsets = st.sampled_from(OPSETS)


def run(builder: ModelBuilder, output: str, x: Array) -> Array:
    """The output for frames x (frames, 1, channels)."""
    return make_reference(builder.model((1, x.shape[-1]), output)).run(x)[output]


def inputs(rng: np.random.Generator, scale: Array) -> Array:
    """Numbers of several magnitudes: halves of the scale (ties), their neighbours, and anything."""
    steps = rng.integers(-40, 41, (FRAMES, 1, CHANNELS)) * 0.5
    x = (steps * scale).astype(np.float32)
    x[1] = np.nextafter(x[1], np.float32(np.inf))
    x[2] = np.nextafter(x[2], np.float32(-np.inf))
    x[3] = rng.normal(size=(1, CHANNELS)) * 10.0 ** rng.integers(-3, 8)
    return x


@settings(max_examples=60, deadline=None)
@given(
    seed=seeds,
    mode=modes,
    opset=opsets,
    signed=st.booleans(),
    narrow=st.booleans(),
    bits=st.integers(1, 16),
    zero_point=st.sampled_from([0, 0, 1, 3, -2, 0.5]),
    per_channel=st.booleans(),
    wide=st.booleans(),
    constant_nodes=st.booleans(),
)
def test_quant_equals_qonnx(
    seed: int,
    mode: str,
    opset: int,
    signed: bool,
    narrow: bool,
    bits: int,
    zero_point: float,
    per_channel: bool,
    wide: bool,
    constant_nodes: bool,
) -> None:
    rng = np.random.default_rng(seed)
    kind = np.float64 if wide else np.float32
    size = (1, CHANNELS) if per_channel else ()
    scale = np.asarray(rng.choice([0.25, 1.0, rng.uniform(0.01, 3.0)], size), kind)
    zero = np.asarray(zero_point, np.float32)
    width = np.asarray(bits, np.float32)
    x = inputs(rng, scale)

    builder = ModelBuilder(opset, constant_nodes)
    y = builder.quant("x", scale, zero, width, signed=int(signed), narrow=int(narrow), rounding_mode=mode)

    expected = np.stack([quant(frame, scale, zero, width, signed, narrow, mode) for frame in x])
    assert same_bits(run(builder, y, x), expected.astype(np.float32))


@pytest.mark.parametrize("bits_type", [np.float32, np.float64, np.int8, np.uint8, np.int32, np.int64])
@pytest.mark.parametrize("zero_type", [np.float32, np.int8, np.uint8])
@pytest.mark.parametrize("opset", [7, 17])
def test_quant_reads_parameters_of_any_type(bits_type: type, zero_type: type, opset: int) -> None:
    builder = ModelBuilder(opset)
    y = builder.quant("x", 0.5, np.asarray(3, zero_type), np.asarray(4, bits_type))
    x = np.linspace(-9, 9, 37, dtype=np.float32).reshape(1, 1, 37)
    expected = quant(x, np.float32(0.5), np.float32(3), np.float32(4), True, False, "ROUND")
    assert same_bits(run(builder, y, x), expected)


@settings(max_examples=60, deadline=None)
@given(seed=seeds, opset=opsets, wide=st.booleans(), per_channel=st.booleans())
def test_bipolar_quant_equals_qonnx(seed: int, opset: int, wide: bool, per_channel: bool) -> None:
    rng = np.random.default_rng(seed)
    scale = np.asarray(rng.uniform(0.01, 3.0, (1, CHANNELS) if per_channel else ()), np.float64 if wide else np.float32)
    x = inputs(rng, scale)
    x[4, 0, :2] = [0.0, -0.0]
    builder = ModelBuilder(opset)
    y = builder.node("BipolarQuant", ["x", builder.constant(scale, scale.dtype)], domain=QONNX)
    assert same_bits(run(builder, y, x), binary_quant(x, scale).astype(np.float32))


@settings(max_examples=50, deadline=None)
@given(
    seed=seeds,
    mode=modes,
    opset=opsets,
    zero_point=st.sampled_from([0, 0, 2, -3]),
    bits=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    wide=st.booleans(),
)
def test_trunc_version_1_equals_qonnx(
    seed: int, mode: str, opset: int, zero_point: int, bits: tuple[int, int], wide: bool
) -> None:
    rng = np.random.default_rng(seed)
    scale = np.asarray(rng.choice([0.25, 1.0, rng.uniform(0.01, 3.0)]), np.float64 if wide else np.float32)
    operands = [scale, *(np.asarray(v, np.float32) for v in (zero_point, max(bits), min(bits)))]
    x = inputs(rng, scale)
    builder = ModelBuilder(opset)
    names = [builder.constant(v, v.dtype) for v in operands]
    y = builder.node("Trunc", ["x", *names], {"rounding_mode": mode}, domain=QONNX)
    assert same_bits(run(builder, y, x), trunc_v1(x, *operands, mode).astype(np.float32))


@settings(max_examples=50, deadline=None)
@given(
    seed=seeds,
    mode=modes,
    opset=opsets,
    signed=st.booleans(),
    narrow=st.booleans(),
    zero_point=st.sampled_from([0, 0, 2, -4]),
    bits=st.integers(2, 12),
    shift=st.integers(0, 6),
)
def test_trunc_version_2_equals_qonnx(
    seed: int, mode: str, opset: int, signed: bool, narrow: bool, zero_point: int, bits: int, shift: int
) -> None:
    rng = np.random.default_rng(seed)
    scale = np.float32(rng.choice([0.25, 1.0, rng.uniform(0.01, 3.0)]))
    output_scale = np.float32(scale * 2.0**shift * rng.choice([1.0, 0.8, 1.3]))
    operands = [np.asarray(v, np.float32) for v in (scale, zero_point, bits + shift, output_scale, bits)]
    x = inputs(rng, operands[0])
    builder = ModelBuilder(opset)
    names = [builder.constant(v) for v in operands]
    attributes = {"rounding_mode": mode, "signed": int(signed), "narrow": int(narrow)}
    y = builder.node("Trunc", ["x", *names], attributes, domain=QONNX)
    s, z, b, t, o = operands
    assert same_bits(run(builder, y, x), np.asarray(trunc_v2(x, s, z, b, narrow, signed, t, o, mode), np.float32))


@settings(max_examples=60, deadline=None)
@given(
    seed=seeds,
    opset=opsets,
    shared=st.booleans(),
    layout=st.sampled_from(["NC", "NHWC", "NCHW", "NCW", "NWC", ""]),
    scale=st.sampled_from([1.0, 2.0, 0.3]),
    bias=st.sampled_from([0.0, -1.0, -0.7]),
    kind=st.sampled_from([np.float32, np.float64, np.int8]),
)
def test_multithreshold_equals_qonnx(
    seed: int, opset: int, shared: bool, layout: str, scale: float, bias: float, kind: type
) -> None:
    rng = np.random.default_rng(seed)
    shape = [{"N": 1, "C": 3, "H": 2, "W": 4}[axis] for axis in layout or "NC"]
    axis = (layout or "NC").index("C")
    thresholds = (rng.normal(size=(1 if shared else 3, 7)) * 5).astype(kind)
    x = rng.choice(np.append(thresholds.ravel(), rng.normal(size=50) * 5), (FRAMES, *shape)).astype(np.float32)
    builder = ModelBuilder(opset)
    attributes = {"out_scale": scale, "out_bias": bias, "data_layout": layout, "out_dtype": "UINT4"}
    y = builder.node("MultiThreshold", ["x", builder.constant(thresholds, kind)], attributes, domain=QONNX)

    result = make_reference(builder.model(shape, y)).run(x)[y]

    moved = np.swapaxes(x, axis + 1, 2)
    rounded = np.float32(scale), np.float32(bias)
    expected = np.stack([multithreshold(frame, thresholds, *rounded) for frame in moved])
    assert same_bits(result, np.swapaxes(expected, axis + 1, 2).astype(np.float32))


@pytest.mark.parametrize("domain", ["onnx.brevitas", "finn.custom_op.general", "", QONNX])
def test_every_domain_of_the_quantisers_is_known(domain: str) -> None:
    builder = ModelBuilder(11, qonnx_domain=domain)
    y = builder.quant("x", 0.5, 0.0, 3.0, narrow=1)
    x = np.asarray([[[-4.0, -0.75, 0.25, 9.0]]], np.float32)
    assert run(builder, y, x).tolist() == [[[-1.5, -1.0, 0.0, 1.5]]]
