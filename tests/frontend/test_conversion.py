"""Conversion to QONNX and QCDQ: the same numbers in every quantised tensor, the same names, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import onnx
import pytest
import qonnx.core.onnx_exec
from onnx import TensorProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.infer_shapes import InferShapes

from qcompile.frontend.constants import open_session
from qcompile.frontend.conversion import DIALECTS, Converted
from qcompile.frontend.importer import import_model
from qcompile.ir.errors import CompilerError
from tests.support.converting import assert_converted, converted, runs
from tests.support.onnx_models import ModelBuilder
from tests.support.random_images import random_image_network
from tests.support.random_networks import random_network

REFUSED = ("no integer", "not multiples of its step")
"""What QCDQ cannot say of a random network: zero points that are no integers, thresholds with any offset."""


def operators(found: Converted) -> set[str]:
    return {node.op_type for node in found.model.graph.node}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("chunk", range(4))
def test_random_networks(dialect: str, chunk: int) -> None:
    refused = 0
    for seed in range(10 * chunk, 10 * (chunk + 1)):
        network = random_network(seed)
        for model, types in ((network.model, network.types), (random_image_network(seed).model, {})):
            try:
                found = assert_converted(model, dialect, types)
            except CompilerError as error:
                if dialect != "qcdq" or not any(reason in str(error) for reason in REFUSED):
                    raise
                refused += 1
                continue
            assert not {"QuantizeLinear", "DequantizeLinear"} & operators(found) or dialect == "qcdq"
            assert not {"Quant", "BipolarQuant", "MultiThreshold", "Trunc"} & operators(found) or dialect == "qonnx"
            if dialect == "qonnx":
                import_model(found.model, "converted.onnx")
    assert refused <= 3


SHARED = [
    "espcn_nnresize",
    "finn_tfc_multithreshold",
    "gtsrb_cnn_w2a3",
    "jettagging",
    "kws_dscnn_int8_qdq",
    "kwsmlp_w3a3",
    "minimobilenet_requantshift",
    "resnet8_int8_qdq",
    "tfc_w1a1",
    "tfc_w2a2",
]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", SHARED)
def test_shared_models(dialect: str, name: str, shared_model: Callable[[str], Path]) -> None:
    path = shared_model(name)
    model = onnx.load(path)
    with np.load(path.with_suffix(".golden.npz")) as golden:
        x = golden["x"][:2]
    found = assert_converted(model, dialect, x=x)
    assert [value.name for value in found.model.graph.output] == [value.name for value in model.graph.output]


def int8_layer(zero_in: int, zero_out: int, opset: int = 13, bias: int = 700) -> onnx.ModelProto:
    """A quantised input, a convolution with weights for each channel and a bias of 32 bits, a quantised output."""
    rng, b = np.random.default_rng(1), ModelBuilder(opset)
    first = [b.constant(0.25), b.constant(zero_in, np.int8)]
    x = b.node("DequantizeLinear", [b.node("QuantizeLinear", ["x", *first]), *first])
    scales = b.constant([0.5, 0.25, 0.125])
    weights = [b.constant(rng.integers(-128, 128, (3, 2, 1, 1)), np.int8), scales, b.constant([0, 0, 0], np.int8)]
    w = b.node("DequantizeLinear", weights, {"axis": 0})
    biases = [b.constant([bias, -900, 3], np.int32), b.constant(np.float32([0.5, 0.25, 0.125]) / 4)]
    bias_name = b.node("DequantizeLinear", biases, {"axis": 0})
    last = [b.constant(8.0), b.constant(zero_out, np.int8)]
    codes = b.node("QuantizeLinear", [b.node("Conv", [x, w, bias_name]), *last])
    return b.model((1, 2, 3, 3), b.node("DequantizeLinear", [codes, *last]))


def halves(shape: tuple[int, ...]) -> np.ndarray:
    """Numbers half-way between the codes of a scale of a quarter, and codes."""
    rng = np.random.default_rng(2)
    return np.asarray(rng.integers(-400, 400, shape) / 8, np.float32)


@pytest.mark.parametrize(("zero_in", "zero_out"), [(0, 0), (-128, -128), (7, -11), (-101, 100)])
def test_zero_points_behind_rounding(zero_in: int, zero_out: int) -> None:
    """Ties are met, and zero points are odd: a Quant with a zero point would round half of them to the other side."""
    model, x = int8_layer(zero_in, zero_out), halves((12, 1, 2, 3, 3))
    found = assert_converted(model, "qonnx", x=x)
    assert_converted(model, "qcdq", x=x)
    graph = found.model.graph
    quants = {node.output[0]: node for node in graph.node if node.op_type == "Quant"}
    assert set(quants) == set(found.quantised)
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    assert all(constants[node.input[2]] == 0 for node in quants.values())
    first = quants[next(node.output[0] for node in model.graph.node if node.op_type == "DequantizeLinear")]
    assert int(constants[first.input[3]]) == (8 if zero_in in (0, -128) else 9)
    assert import_model(found.model, "converted").nodes


def test_zero_points_in_front_of_rounding() -> None:
    """The other way: what Quant adds before it rounds, QuantizeLinear must not add behind."""
    b = ModelBuilder(13)
    x = b.quant("x", 0.25, 3.0, 4.0)
    found = assert_converted(b.model((1, 4), b.node("Relu", [x])), "qcdq", x=halves((40, 1, 4)))
    assert "Round" in operators(found)


@pytest.mark.parametrize("mode", ["CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN", "ROUND"])
def test_rounding_modes(mode: str) -> None:
    b = ModelBuilder(13)
    x = b.quant("x", 0.25, 0.0, 4.0, rounding_mode=mode, narrow=1)
    found = assert_converted(b.model((1, 4), b.node("Neg", [x])), "qcdq", x=halves((40, 1, 4)))
    assert len(found.quantised) == 1
    plain = {"QuantizeLinear", "Clip", "DequantizeLinear", "Neg"}
    assert (operators(found) == plain) == (mode == "ROUND")


@pytest.mark.parametrize("opset", [9, 11, 13, 21])
@pytest.mark.parametrize("bits", [1, 2, 3, 8, 9, 12, 16])
@pytest.mark.parametrize("signed", [0, 1])
def test_widths_in_qcdq(opset: int, bits: int, signed: int) -> None:
    """Sixteen bits are onnxruntime's own operators before set 21; old sets become newer; one signed bit is bipolar."""
    b = ModelBuilder(opset)
    x = b.quant("x", 0.25, 0.0, float(bits), signed=signed)
    model = b.model((1, 6), b.node("Neg", [x]))
    found = assert_converted(model, "qcdq", x=halves((60, 1, 6)) * 2.0 ** max(bits - 6, 0))
    (version,) = (entry.version for entry in found.model.opset_import if entry.domain == "")
    assert version == max(opset, 13)
    domains = {node.domain for node in found.model.graph.node}
    assert ("com.microsoft" in domains) == (bits > 8 and opset < 21)
    import_model(found.model, "converted")


@pytest.mark.parametrize("zero", [-300.0, -150.0, -130.0, 130.0, 300.0, 40000.0])
def test_a_zero_point_beyond_the_codes(zero: float) -> None:
    """The codes less a zero point of this size need another one, or more bits: it must be of the type of the codes."""
    b = ModelBuilder(13)
    x = b.quant("x", 0.25, zero, 6.0, signed=0)
    assert_converted(b.model((1, 4), b.node("Neg", [x])), "qcdq", x=halves((60, 1, 4)) - np.float32(zero / 4))


def test_a_cast_in_front() -> None:
    """A quantiser reads what Cast gives, not the integers in front of it."""
    for target in DIALECTS:
        b = ModelBuilder(13)
        x = b.node("Cast", ["x"], {"to": int(TensorProto.FLOAT)})
        first, second = b.quant(x, 4.0, 0.0, 3.0), b.node("Clip", [b.node("Round", [x]), b.constant(3.0), b.constant(9.0)])
        model = b.model((1, 4), first, second, element=TensorProto.UINT8)
        assert_converted(model, target, x=np.arange(256, dtype=np.uint8).reshape(64, 1, 4))


def test_scales_for_each_channel() -> None:
    b = ModelBuilder(13)
    x = b.quant("x", np.float32([[[0.5]], [[0.25]], [[1.0]]]), 0.0, 5.0)
    model = b.model((1, 3, 2, 2), b.node("Neg", [x]))
    found = assert_converted(model, "qcdq", x=halves((20, 1, 3, 2, 2)))
    (node,) = (node for node in found.model.graph.node if node.op_type == "QuantizeLinear")
    assert [helper.get_attribute_value(a) for a in node.attribute if a.name == "axis"] == [1]


def test_a_large_bias_becomes_real() -> None:
    """Float32 does not hold its codes, so no Quant could find them again."""
    found = assert_converted(int8_layer(0, 0, bias=30_000_001), "qonnx", x=halves((4, 1, 2, 3, 3)))
    conv = next(node for node in found.model.graph.node if node.op_type == "Conv")
    assert conv.input[2] in {tensor.name for tensor in found.model.graph.initializer}


@pytest.mark.parametrize("shape", [(1, 3, 2, 2), (1, 3)])
def test_integer_requantisation(shape: tuple[int, ...]) -> None:
    """Rising, falling and constant channels, against every integer of a range."""
    b = ModelBuilder(13)
    per_channel = (3,) if len(shape) == 2 else (3, 1, 1)
    factor = np.asarray([37, -512, 0]).reshape(per_channel)
    term = np.asarray([-5, 77, 800]).reshape(per_channel)
    operands = ["x", b.constant(factor), b.constant(term)]
    attributes = {"div": 256, "n_levels_out": 16, "signed": 1}
    y = b.node("RequantShift", operands, attributes, domain="PACTOps")
    model = b.model(shape, b.node("Neg", [y]))
    model.opset_import.append(helper.make_opsetid("PACTOps", 1))
    x = np.broadcast_to(np.arange(-200, 200).reshape(-1, *(1,) * len(shape)), (400, *shape)).astype(np.float32)
    found = assert_converted(model, "qonnx", x=x)
    assert "MultiThreshold" in operators(found)
    import_model(found.model, "converted")
    assert_converted(model, "qcdq", x=x)


def test_codes_that_are_used_as_they_are() -> None:
    """Pooled, transposed, dequantised by another scale, given out: they keep their types."""
    b = ModelBuilder(17)
    operands = [b.constant(0.5), b.constant(-11, np.int8)]
    codes = b.node("QuantizeLinear", ["x", *operands])
    pooled = b.node("MaxPool", [codes], {"kernel_shape": [2, 2]})
    narrow = b.node("Clip", [pooled, b.constant(-20, np.int8), b.constant(40, np.int8)])
    real = b.node("DequantizeLinear", [narrow, b.constant(0.25), b.constant(3, np.int8)])
    model = b.model((1, 2, 4, 4), codes, b.node("Neg", [real]))
    found = assert_converted(model, "qonnx", x=halves((12, 1, 2, 4, 4)))
    assert not {"QuantizeLinear", "DequantizeLinear"} & operators(found)


def test_quantised_operators_and_plain_ones() -> None:
    rng, b = np.random.default_rng(6), ModelBuilder(17)
    operands = [b.constant(0.03), b.constant(120, np.uint8)]
    codes = b.node("QuantizeLinear", ["x", *operands])
    weights = [b.constant(rng.integers(-99, 99, (3, 2, 2, 2)), np.int8), b.constant(0.01), b.constant(0, np.int8)]
    y = b.node("QLinearConv", [codes, *operands, *weights, b.constant(0.1), b.constant(77, np.uint8)])
    z = b.node("DequantizeLinear", [y, b.constant(0.1), b.constant(77, np.uint8)])
    z = b.node("Clip", [b.node("Floor", [b.node("Mul", [z, b.constant(3.0)])]), b.constant(-3.0), b.constant(4.0)])
    model = b.model((1, 2, 4, 4), y, b.node("Mul", [z, b.constant(0.3)]))
    for dialect in DIALECTS:
        found = assert_converted(model, dialect)
        assert not any(node.op_type.startswith("QLinear") for node in found.model.graph.node)


def test_names_stay() -> None:
    model = int8_layer(7, -11)
    found = converted(model, "qonnx").model.graph
    kept = {node.name for node in found.node} & {node.name for node in model.graph.node}
    assert kept >= {node.name for node in model.graph.node if node.op_type in ("Conv", "DequantizeLinear")}
    tensors = {name for node in found.node for name in node.output}
    assert tensors >= {node.output[0] for node in model.graph.node if node.op_type in ("Conv", "DequantizeLinear")}


@pytest.mark.parametrize(("zero_in", "zero_out"), [(0, -128), (7, -11)])
def test_the_qonnx_package_computes_the_same(zero_in: int, zero_out: int) -> None:
    """Its own execution, node by node; it makes models of the newest IR version, which onnxruntime may not know."""
    model, x = int8_layer(zero_in, zero_out), halves((4, 1, 2, 3, 3))
    (name,) = (value.name for value in model.graph.output)
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 3, 3, 3)))
    found = converted(model, "qonnx")
    original, _ = runs(model, found, "qonnx", (x,))
    make = onnx.helper.make_model
    with mock.patch.object(onnx.helper, "make_model", lambda *a, **k: make(*a, **{"ir_version": 8, **k})):
        wrapper = ModelWrapper(found.model).transform(InferShapes())
        for k, frame in enumerate(x):
            result = qonnx.core.onnx_exec.execute_onnx(wrapper, {"x": frame})[name]
            assert np.array_equal(result, original[name][k])


def test_what_qcdq_cannot_say_is_refused_in_one_list() -> None:
    b = ModelBuilder(13)
    x = b.quant("x", 0.25, 0.3, 4.0)
    x = b.quant(x, 0.25, 0.0, 17.0)
    x = b.node("MultiThreshold", [x, b.constant([[0.0, 1.0]])], {"out_bias": 0.3}, domain=b.qonnx_domain)
    w = b.quant(b.constant(np.ones((4, 3))), np.float32(np.arange(1, 13).reshape(4, 3)), 0.0, 4.0)
    model = b.model((1, 4), b.node("MatMul", [x, w]))
    with pytest.raises(CompilerError) as caught:
        converted(model, "qcdq")
    lines = [line for line in str(caught.value).splitlines() if line.startswith("    - ")]
    reasons = ["no integer", "17 bits", "not multiples of its step", "scale of shape (4, 3)"]
    assert len(lines) == len(reasons)
    assert all(any(reason in line for line in lines) for reason in reasons), lines
    assert all(f"node {node.name}" in str(caught.value) for node in model.graph.node[:3])


@pytest.mark.parametrize("batch", [4, "frames"])
def test_batches(batch: int | str) -> None:
    """A model of several frames stays one of as many."""
    b, rng = ModelBuilder(13), np.random.default_rng(1)
    x = b.node("Reshape", [b.quant("x", 0.125, 3.0, 4.0), b.constant([4 if batch == 4 else -1, 8], np.int64)])
    w = b.quant(b.constant(rng.normal(size=(8, 5))), 0.5, 0.0, 3.0)
    x = b.node("BipolarQuant", [b.node("MatMul", [x, w]), b.constant(0.5)], domain=b.qonnx_domain)
    model = b.model((batch, 2, 4), x)
    for target in DIALECTS:
        found = assert_converted(model, target)
        assert found.model.graph.input[0] == model.graph.input[0]
    (result,) = open_session(found.model).run(None, {"x": rng.normal(size=(4, 2, 4)).astype(np.float32)})
    assert result.shape == (4, 5)


def test_an_input_of_integers() -> None:
    b = ModelBuilder(13)
    x = b.node("DequantizeLinear", ["x", b.constant(0.25), b.constant(5, np.uint8)])
    model = b.model((1, 4), b.quant(x, 1.0, 0.0, 3.0), element=TensorProto.UINT8)
    for dialect in DIALECTS:
        assert_converted(model, dialect, x=np.arange(256, dtype=np.uint8).reshape(64, 1, 4))
