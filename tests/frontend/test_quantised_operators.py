"""Quantised operators: what they are written as gives what onnxruntime's own kernels give, wherever those are exact."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from qcompile.frontend.constants import open_session, run_session
from qcompile.frontend.importer import import_model
from qcompile.frontend.quantised_operators import CONTRIBUTED, DYNAMIC, MICROSOFT, STANDARD, rewritten
from qcompile.ir.errors import CompilerError
from qcompile.ir.types import Array, IntType
from qcompile.transforms.walk import InputType
from tests.support.onnx_models import ModelBuilder, import_and_reference
from tests.support.proving import assert_exact as assert_proven
from tests.support.proving import prove

Kind = type[np.generic]
seeds = st.integers(0, 2**32 - 1)
kinds = st.sampled_from([np.uint8, np.int8])
shapes = (1, 4, 5, 6)


def model_of(b: ModelBuilder, shape: tuple[int, ...], output: str, kind: Kind) -> onnx.ModelProto:
    model = b.model(shape, output, element=helper.np_dtype_to_tensor_dtype(np.dtype(kind)), ir_version=8)
    model.opset_import.append(helper.make_opsetid(MICROSOFT, 1))
    return model


def own_kernels(model: onnx.ModelProto, x: Array) -> Array:
    """What onnxruntime makes of the model as it is written."""
    session = open_session(model)
    (name,) = (o.name for o in model.graph.output)
    return np.stack([run_session(session, [name], {"x": frame})[name] for frame in x])


def codes(rng: np.random.Generator, kind: Kind, *shape: int) -> Array:
    limits = np.iinfo(kind)  # type: ignore[type-var]
    return rng.integers(limits.min, limits.max + 1, shape).astype(kind)


def scale_and_zero(b: ModelBuilder, rng: np.random.Generator, kind: Kind, size: int | None = None) -> list[str]:
    scale = rng.uniform(0.002, 0.05, () if size is None else size)
    zero = codes(rng, kind, *(() if size is None else (size,)))
    return [b.constant(scale), b.constant(zero, kind)]


def output_scale_and_zero(b: ModelBuilder, rng: np.random.Generator, kind: Kind, scale: float) -> list[str]:
    return [b.constant(scale), b.constant(codes(rng, kind), kind)]


def test_every_operator_is_one_of_these_tests() -> None:
    tested = {"QLinearConv", "ConvInteger", "QLinearMatMul", "MatMulInteger", "QGemm", "QLinearConcat", *ONE, *TWO}
    assert tested == {*STANDARD, *CONTRIBUTED}


@settings(max_examples=40)
@given(
    seed=seeds,
    kind=kinds,
    per_channel=st.booleans(),
    zeros=st.booleans(),
    bias=st.booleans(),
    group=st.sampled_from([1, 2, 4]),
    opset=st.sampled_from([10, 13, 21]),
)
def test_q_linear_conv(
    seed: int, kind: Kind, per_channel: bool, zeros: bool, bias: bool, group: int, opset: int
) -> None:
    """Weights unsigned where activations are: with signed ones some processors saturate sums on the way."""
    rng = np.random.default_rng(seed)
    b = ModelBuilder(opset)
    w_zero = codes(rng, kind) if zeros else np.asarray(0 if kind == np.int8 else 128)
    size = (4,) if per_channel else ()
    weights = [
        b.constant(codes(rng, kind, 4, 4 // group, 3, 2), kind),
        b.constant(rng.uniform(0.002, 0.05, size)),
        b.constant(np.broadcast_to(w_zero, size if kind == np.int8 else ()), kind),
    ]
    inputs = ["x", *scale_and_zero(b, rng, kind), *weights, *output_scale_and_zero(b, rng, kind, 0.9)]
    inputs += [b.constant(rng.integers(-9999, 9999, 4), np.int32)] if bias else []
    y = b.node("QLinearConv", inputs, {"pads": [1, 0, 1, 1], "strides": [2, 1], "group": group})
    model = model_of(b, shapes, y, kind)
    x = codes(rng, kind, 3, *shapes)
    imported, reference = import_and_reference(model, x)
    assert np.array_equal(imported, reference)
    assert np.array_equal(reference, own_kernels(model, x))


@settings(max_examples=30)
@given(seed=seeds, kind=kinds, per_column=st.booleans(), gemm=st.sampled_from(["", "codes", "real"]))
def test_q_linear_matmul_and_q_gemm(seed: int, kind: Kind, per_column: bool, gemm: str) -> None:
    rng = np.random.default_rng(seed)
    b = ModelBuilder(17)
    transposed = bool(gemm) and bool(rng.integers(2))
    size = (5,) if per_column else ()
    zero = np.full(size, 0) if kind == np.int8 else codes(rng, kind, *size)
    weights = [b.constant(codes(rng, kind, *((5, 24) if transposed else (24, 5))), kind)]
    weights += [b.constant(rng.uniform(0.002, 0.05, size)), b.constant(zero, kind)]
    inputs = ["x", *scale_and_zero(b, rng, kind), *weights]
    output = output_scale_and_zero(b, rng, kind, 0.7)
    if not gemm:
        y = b.node("QLinearMatMul", [*inputs, *output])
    else:
        inputs.append(b.constant(rng.integers(-9999, 9999, 5), np.int32))
        attributes = {"transB": int(transposed), "alpha": float(rng.choice([1.0, 0.37]))}
        y = b.node("QGemm", [*inputs, *(output if gemm == "codes" else [])], attributes, domain=MICROSOFT)
    model = model_of(b, (1, 24), y, kind)
    x = codes(rng, kind, 5, 1, 24)
    imported, reference = import_and_reference(model, x)
    assert np.array_equal(imported, reference)
    assert np.array_equal(reference, own_kernels(model, x))


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("operator", ["ConvInteger", "MatMulInteger"])
def test_integer_products(operator: str, zeros: bool) -> None:
    """Sums of type int32 and what usually follows: a bias of integers, a Cast, scales."""
    rng = np.random.default_rng(int(zeros))
    b = ModelBuilder(17)
    convolution = operator == "ConvInteger"
    weights = codes(rng, np.uint8, *((3, 4, 2, 2) if convolution else (6, 3)))
    inputs = ["x", b.constant(weights, np.uint8)]
    inputs += [b.constant(codes(rng, np.uint8), np.uint8), b.constant(codes(rng, np.uint8), np.uint8)] if zeros else []
    y = b.node(operator, inputs, {"pads": [0, 1, 0, 1]} if convolution else {})
    y = b.node("Add", [y, b.constant(rng.integers(-999, 999, (3, 1, 1) if convolution else (3,)), np.int32)])
    y = b.node("Mul", [b.node("Cast", [y], {"to": int(TensorProto.FLOAT)}), b.constant(0.013)])
    shape = shapes if convolution else (1, 6)
    model = model_of(b, shape, y, np.uint8)
    x = codes(rng, np.uint8, 4, *shape)
    imported, reference = import_and_reference(model, x)
    assert np.array_equal(imported, reference)
    assert np.array_equal(reference, own_kernels(model, x))


ONE: Mapping[str, Mapping[str, object]] = {
    "QLinearAveragePool": {"kernel_shape": [2, 3], "pads": [1, 0, 0, 1], "strides": [2, 1], "count_include_pad": 1},
    "QLinearGlobalAveragePool": {},
    "QLinearLeakyRelu": {"alpha": 0.13},
    "QLinearSigmoid": {},
}
TWO = ("QLinearAdd", "QLinearMul")
TABLES = ("QLinearLeakyRelu", "QLinearSigmoid")


@settings(max_examples=40)
@given(seed=seeds, kind=kinds, operator=st.sampled_from(list(ONE)))
def test_operators_of_one_tensor(seed: int, kind: Kind, operator: str) -> None:
    """Functions of one code are what onnxruntime's tables hold; pools may differ from its kernels on ties, by one."""
    rng = np.random.default_rng(seed)
    b = ModelBuilder(17)
    inputs = ["x", *scale_and_zero(b, rng, kind), *output_scale_and_zero(b, rng, kind, float(rng.uniform(0.003, 0.05)))]
    model = model_of(b, shapes, b.node(operator, inputs, ONE[operator], domain=MICROSOFT), kind)
    x = codes(rng, kind, 3, *shapes)
    imported, reference = import_and_reference(model, x)
    difference = np.abs(reference.astype(int) - own_kernels(model, x))
    assert difference.max() <= (0 if operator in TABLES else 1)
    assert (difference > 0).mean() < 0.01
    if operator in TABLES:
        assert np.array_equal(imported, reference)
    else:
        assert np.abs(imported - reference).max() <= 1


@settings(max_examples=30)
@given(
    seed=seeds,
    kind=kinds,
    operator=st.sampled_from(["QLinearConv", "QLinearAveragePool", "QLinearGlobalAveragePool"]),
    group=st.sampled_from([1, 4]),
)
def test_channels_as_the_last_axis(seed: int, kind: Kind, operator: str, group: int) -> None:
    """As onnxruntime's own kernels have them; weights of convolutions stay as they are."""
    rng = np.random.default_rng(seed)
    b = ModelBuilder(17)
    shape = (1, 5, 6, 4)
    inputs, attributes = ["x", *scale_and_zero(b, rng, kind)], {"channels_last": 1}
    if operator == "QLinearConv":
        zero = 0 if kind == np.int8 else 128
        weights = b.constant(codes(rng, kind, 8, 4 // group, 3, 2), kind)
        inputs += [weights, b.constant(rng.uniform(0.002, 0.05)), b.constant(zero, kind)]
        attributes |= {"pads": [1, 0, 1, 1], "strides": [2, 1], "group": group, "kernel_shape": [3, 2]}
    elif operator == "QLinearAveragePool":
        attributes |= ONE[operator]
    inputs += output_scale_and_zero(b, rng, kind, 0.9 if operator == "QLinearConv" else 0.02)
    model = model_of(b, shape, b.node(operator, inputs, attributes, domain=MICROSOFT), kind)
    x = codes(rng, kind, 3, *shape)
    imported, reference = import_and_reference(model, x)
    assert np.abs(imported - reference).max() <= (0 if operator == "QLinearConv" else 1)
    difference = np.abs(reference.astype(int) - own_kernels(model, x))
    assert difference.max() <= (0 if operator == "QLinearConv" else 1)
    assert (difference > 0).mean() < 0.01


@settings(max_examples=30)
@given(seed=seeds, kind=kinds, operator=st.sampled_from(TWO))
def test_operators_of_two_tensors(seed: int, kind: Kind, operator: str) -> None:
    rng = np.random.default_rng(seed)
    b = ModelBuilder(17)
    inputs = ["x", *scale_and_zero(b, rng, kind), "x", *scale_and_zero(b, rng, kind)]
    inputs += output_scale_and_zero(b, rng, kind, float(rng.uniform(0.01, 0.05)))
    model = model_of(b, shapes, b.node(operator, inputs, domain=MICROSOFT), kind)
    x = codes(rng, kind, 3, *shapes)
    imported, reference = import_and_reference(model, x)
    assert np.array_equal(imported, reference)
    difference = np.abs(reference.astype(int) - own_kernels(model, x))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


def test_a_network_of_quantised_operators() -> None:
    """From an input of real numbers to codes: no float ties, for sums are integers in the reference as well."""
    rng, b = np.random.default_rng(3), ModelBuilder(17)
    x = b.node("QuantizeLinear", ["x", b.constant(0.031), b.constant(120, np.uint8)])
    w = [b.constant(codes(rng, np.int8, 4, 2, 3, 3), np.int8), b.constant(rng.uniform(0.01, 0.02, 4))]
    zero = b.constant(np.zeros(4), np.int8)
    bias = b.constant(rng.integers(-9999, 9999, 4), np.int32)
    first = [b.constant(0.031), b.constant(120, np.uint8)]
    second = [b.constant(0.11), b.constant(20, np.uint8)]
    attributes = {"pads": [1, 1, 1, 1]}
    x = b.node("QLinearConv", [x, *first, *w, zero, *second, bias], attributes)
    x = b.node("Clip", [x, b.constant(10, np.uint8), b.constant(200, np.uint8)])
    x = b.node("MaxPool", [x], {"kernel_shape": [2, 2], "strides": [2, 2]})
    third = [b.constant(0.17), b.constant(90, np.uint8)]
    x = b.node("QLinearLeakyRelu", [x, *second, *third], {"alpha": 0.2}, domain=MICROSOFT)
    x = b.node("Flatten", [x])
    gemm = [b.constant(codes(rng, np.int8, 3, 16), np.int8), b.constant(0.013), b.constant(0, np.int8)]
    x = b.node("QGemm", [x, *third, *gemm, "", b.constant(0.9), b.constant(3, np.uint8)], {"transB": 1}, domain=MICROSOFT)
    model = model_of(b, (1, 2, 4, 5), x, np.float32)
    found = prove(model, frames=20)
    assert_proven(found)
    assert np.array_equal(np.asarray(found.outputs[x]), found.reference[x])
    sums = {f"{node.output[0]}.sum" for node in model.graph.node if node.op_type in ("QLinearConv", "QGemm")}
    assert sums <= {tap.tensor for tap in found.network.taps}
    assert sums <= set(found.reference)
    names = {node.name for node in model.graph.node}
    assert all(set(node.origin) <= names for node in (*found.graph.nodes, *found.network.integer.nodes))


def test_a_concatenation_is_written_as_one_of_real_numbers() -> None:
    rng, b = np.random.default_rng(4), ModelBuilder(17)
    inputs = [*output_scale_and_zero(b, rng, np.uint8, 0.05)]
    for _ in range(2):
        inputs += ["x", *scale_and_zero(b, rng, np.uint8)]
    model = model_of(b, shapes, b.node("QLinearConcat", inputs, {"axis": 1}, domain=MICROSOFT), np.uint8)
    standard = rewritten(model).model
    assert [n.op_type for n in standard.graph.node] == ["DequantizeLinear"] * 2 + ["Concat", "QuantizeLinear"]
    x = codes(rng, np.uint8, 3, *shapes)
    assert np.abs(own_kernels(standard, x).astype(int) - own_kernels(model, x)).max() <= 1


Build = Callable[[ModelBuilder], str]


def conv(b: ModelBuilder, **changed: str) -> str:
    names = {"xs": b.constant(0.1), "xz": b.constant(0, np.uint8), "w": b.constant(np.ones((1, 1, 1)), np.int8)}
    names |= {"ws": b.constant(0.1), "wz": b.constant(0, np.int8), "ys": b.constant(1.0), "yz": b.constant(0, np.uint8)}
    names |= {"bias": b.constant([5], np.int32), **changed}
    return b.node("QLinearConv", ["x", *names.values()])


def twice(b: ModelBuilder) -> str:
    return b.node("QLinearSigmoid", ["x", b.constant(0.1), "", b.constant(0.1)], domain=MICROSOFT)


def dynamic(b: ModelBuilder, name: str) -> str:
    return b.node(name, ["x"], outputs=3, domain="" if name == "DynamicQuantizeLinear" else MICROSOFT)


REFUSED: list[tuple[str, Build]] = [
    ("its second factor .* is no constant", lambda b: conv(b, w="x")),
    ("a bias of 2.24 or more", lambda b: conv(b, bias=b.constant([2**24], np.int32))),
    ("a scale of the input for each channel", lambda b: conv(b, xs=b.constant([0.1, 0.2]))),
    ("QLinearSigmoid without its input 3", twice),
    *((f"{name} computes scales from the numbers of each frame", lambda b, name=name: dynamic(b, name)) for name in DYNAMIC),
    ("Mul of integers", lambda b: b.node("Mul", [b.node("Cast", ["x"], {"to": 6}), b.constant(3, np.int32)])),
    ("operator of the domain 'com.microsoft'", lambda b: b.node("QLinearSoftmax", ["x"], domain=MICROSOFT)),
]


@pytest.mark.parametrize(("reason", "build"), REFUSED, ids=[str(k) for k in range(len(REFUSED))])
def test_refused_by_name(reason: str, build: Build) -> None:
    b = ModelBuilder(17)
    model = model_of(b, (1, 1, 4), build(b), np.uint8)
    with pytest.raises(CompilerError, match=reason) as caught:
        import_model(model, "model.onnx")
    assert "node node_" in caught.value.why


def test_integers_that_a_cast_cannot_hold_are_refused() -> None:
    b = ModelBuilder(17)
    x = b.node("Cast", [b.node("Mul", ["x", b.constant(3.0)])], {"to": int(TensorProto.INT8)})
    model = b.model((1, 4), b.quant(b.node("Cast", [x], {"to": 1}), 1.0, 0.0, 8.0))
    assert prove(model, {"x": InputType(IntType(6, True), 1.0)}).agreement.mismatches == ()
    with pytest.raises(CompilerError, match="the model computes no number"):
        prove(model, {"x": InputType(IntType(8, True), 1.0)})


def test_quantisers_of_onnxruntime_s_own_domain() -> None:
    """How 16 bits were written before the standard had them."""
    b = ModelBuilder(17)
    operands = [b.constant(0.01), b.constant(-30, np.int16)]
    q = b.node("QuantizeLinear", ["x", *operands], domain=MICROSOFT)
    y = b.node("DequantizeLinear", [q, *operands], domain=MICROSOFT)
    model = model_of(b, (1, 4), y, np.float32)
    x = np.random.default_rng(5).normal(size=(50, 1, 4)).astype(np.float32) * 300
    imported, reference = import_and_reference(model, x)
    assert np.array_equal(imported, reference)
