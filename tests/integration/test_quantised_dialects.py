"""Networks in the QDQ and QCDQ dialects: proven against onnxruntime as integers, two of them in RTL."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from qcompile.cli import main
from qcompile.frontend.importer import import_model, integer_inputs
from qcompile.ir.types import IntType
from qcompile.ops import MatMul, Threshold
from qcompile.ops.roles import Quantiser
from qcompile.transforms.walk import InputType
from tests.support.onnx_models import ModelBuilder
from tests.support.proving import assert_exact, assert_explained, prove

Bounds = tuple[int, int] | None


class QdqBuilder(ModelBuilder):
    """Quantisers of the QDQ dialect, with a Clip of the codes between where `bounds` are given."""

    def qdq(self, x: str, scale: float, zero: int, kind: type[np.generic] = np.uint8, bounds: Bounds = None) -> str:
        """A tensor through QuantizeLinear and DequantizeLinear."""
        operands = [self.constant(scale), self.constant(zero, kind)]
        codes = self.node("QuantizeLinear", [x, *operands])
        if bounds:
            codes = self.node("Clip", [codes, *(self.constant(bound, kind) for bound in bounds)])
        return self.node("DequantizeLinear", [codes, *operands])

    def weights(self, codes: np.ndarray, scale: object, axis: int = 0, zero: object = 0) -> str:
        """Integer weights with one scale, or one for each place on an axis."""
        scales = np.asarray(scale, np.float32)
        operands = [self.constant(scales), self.constant(np.broadcast_to(zero, scales.shape), codes.dtype)]
        return self.node("DequantizeLinear", [self.constant(codes, codes.dtype), *operands], {"axis": axis})


def network(seed: int, scales: Callable[[np.random.Generator, int], np.ndarray], bounds: Bounds = None) -> onnx.ModelProto:
    """Asymmetric activations behind a padded convolution, a depthwise one, a residual sum, a mean and a dense layer."""
    rng, b = np.random.default_rng(seed), QdqBuilder(17)

    def step(index: int = 0) -> float:
        return float(scales(rng, 8)[index])

    def codes(*shape: int) -> np.ndarray:
        return rng.integers(-100, 100, shape).astype(np.int8)

    x = b.qdq("x", step(), 100)
    w = scales(rng, 4) / 16
    bias = b.weights(rng.integers(-900, 900, 4).astype(np.int32), w)
    x = b.node("Conv", [x, b.weights(codes(4, 2, 3, 3), w), bias], {"pads": [1, 1, 1, 0], "strides": [1, 2]})
    x = b.qdq(b.node("Relu", [x]), step() * 8, -128 if not bounds else -7, np.int8, bounds)
    y = b.node("Conv", [x, b.weights(codes(4, 1, 2, 2), w[0], zero=3)], {"pads": [1, 0, 0, 1], "group": 4})
    y = b.qdq(y, step() * 16, -20 if not bounds else 1, np.int8, bounds)
    x = b.qdq(b.node("Add", [x, y]), step() * 16, 30 if not bounds else -2, np.int8, bounds)
    x = b.qdq(b.node("GlobalAveragePool", [x]), step() * 8, 17)
    x = b.node("Flatten", [x])
    x = b.node("MatMul", [x, b.weights(codes(4, 3), step() / 16, zero=-5)])
    codes_out = b.node("QuantizeLinear", [x, b.constant(step() * 16), b.constant(-4, np.int8)])
    return b.model((1, 2, 5, 6), codes_out)


def powers_of_two(rng: np.random.Generator, count: int) -> np.ndarray:
    return (2.0 ** rng.integers(-4, -1, count)).astype(np.float32)


def any_scales(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.uniform(0.05, 0.3, count).astype(np.float32)


@pytest.mark.parametrize("bounds", [None, (-7, 7)], ids=["QDQ", "QCDQ"])
@pytest.mark.parametrize("seed", range(3))
def test_scales_that_are_powers_of_two_leave_no_ties(seed: int, bounds: Bounds) -> None:
    found = prove(network(seed, powers_of_two, bounds), frames=16)
    assert_exact(found)
    (output,) = (o.name for o in found.model.graph.output)
    assert np.array_equal(np.asarray(found.outputs[output]), found.reference[output])


@pytest.mark.parametrize("bounds", [None, (-7, 7)], ids=["QDQ", "QCDQ"])
@pytest.mark.parametrize("seed", range(3))
def test_any_scales(seed: int, bounds: Bounds) -> None:
    found = prove(network(seed, any_scales, bounds), frames=16)
    assert_explained(found)
    quantisers = {node.output for node in found.graph.nodes if isinstance(node.op, Quantiser)}
    assert len(quantisers) == 6
    assert quantisers <= {tap.tensor for tap in found.network.taps}


def test_a_quantised_softmax_at_the_end_is_the_host_s() -> None:
    rng, b = np.random.default_rng(4), QdqBuilder(13)
    x = b.qdq("x", 0.25, 3, np.int8)
    x = b.node("MatMul", [x, b.weights(rng.integers(-9, 9, (6, 4)).astype(np.int8), 0.25)])
    x = b.node("Softmax", [b.qdq(x, 0.5, -3, np.int8)], {"axis": -1})
    x = b.node("QuantizeLinear", [x, b.constant(1 / 256), b.constant(-128, np.int8)])
    found = prove(b.model((1, 6), x))
    assert_exact(found)
    assert np.array_equal(np.asarray(found.outputs[x]), found.reference[x])


def test_codes_at_both_ends() -> None:
    """An input of integers, transposed and pooled as codes, and codes as output."""
    rng, b = np.random.default_rng(5), QdqBuilder(17)
    x = b.node("Transpose", ["x"], {"perm": [0, 3, 1, 2]})
    operands = [b.constant(0.5), b.constant(-11, np.int8)]
    x = b.node("DequantizeLinear", [b.node("MaxPool", [x], {"kernel_shape": [2, 2]}), *operands])
    w = b.weights(rng.integers(-9, 9, (4, 3, 2, 2)).astype(np.int8), powers_of_two(rng, 4))
    x = b.node("Conv", [x, w], {"pads": [0, 1, 1, 0]})
    x = b.node("QuantizeLinear", [x, b.constant(4.0), b.constant(-3, np.int8)])
    model = b.model((1, 5, 4, 3), x, element=TensorProto.INT8)
    assert integer_inputs(model) == {"x": "int8"}
    found = prove(model, {"x": InputType(IntType(8, True), 1.0)}, rng.integers(-128, 128, (12, 1, 5, 4, 3)))
    assert_exact(found)
    assert np.array_equal(np.asarray(found.outputs[x]), found.reference[x])


def test_codes_and_the_numbers_they_stand_for_share_hardware() -> None:
    """A residual network of quantised operators: codes go into a product and, as real numbers, into a sum."""
    rng, b = np.random.default_rng(8), ModelBuilder(17)
    first, second = ([b.constant(scale), b.constant(zero, np.uint8)] for scale, zero in ((0.03, 120), (0.05, 99)))
    x = b.node("QuantizeLinear", ["x", *first])

    def conv(x: str, source: list[str], output: list[str]) -> str:
        weights = [b.constant(rng.integers(-99, 99, (3, 3, 1, 1)), np.int8), b.constant(0.02), b.constant(0, np.int8)]
        return b.node("QLinearConv", [x, *source, *weights, *output])

    for _ in range(2):
        y = conv(x, first, second)
        y = conv(y, second, first)
        x = b.node("QLinearAdd", [x, *first, y, *first, *first], domain="com.microsoft")
    model = b.model((1, 3, 4, 4), x)
    model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    found = prove(model, frames=16)
    assert_explained(found)
    assert len(found.network.integer.inputs) == 1
    assert sum(isinstance(node.op, Threshold) for node in found.network.integer.nodes) <= 6


@pytest.mark.parametrize("name", ["kws_dscnn_int8_qdq", "resnet8_int8_qdq"])
def test_shared_models(name: str, shared_model: Callable[[str], Path]) -> None:
    """Every quantiser and sum of the golden frames; where a frame has no tie its outputs are the golden ones."""
    path = shared_model(name)
    model = onnx.load(path)
    with np.load(path.with_suffix(".golden.npz")) as golden:
        x, y = golden["x"], golden["y"]
    (source,) = import_model(model, name).inputs
    found = prove(model, {source: InputType(IntType(8, True), 1.0)}, x)
    assert_explained(found)
    sums = {node.output for node in found.graph.nodes if isinstance(node.op, MatMul)}
    assert sums <= {tap.tensor for tap in found.network.taps}
    tied = [tie.frame for tie in found.agreement.ties]
    ours = np.asarray(found.outputs[model.graph.output[0].name]).reshape(y.shape)
    assert np.array_equal(np.delete(ours, tied, axis=0), np.delete(y, tied, axis=0))
    assert len(tied) <= len(x) // 2


def test_shared_model_of_integers(
    shared_model: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """RequantShift: golden outputs, no ties, RTL."""
    path = shared_model("minimobilenet_requantshift")
    vectors = str(path.with_suffix(".golden.npz"))
    options = ("--input", "uint8", "--interval", "6000", "--rtl-frames", "1", "--vectors", vectors)
    found = verdict(path, tmp_path / "build", capsys, *options)
    assert (found["frames"], found["ties"], found["rtl_frames"]) == (1, 0, 1)


def verdict(path: Path, folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, int]:
    assert main([str(path), "--target", "zcu104", "-o", str(folder), *options]) == 0
    found: dict[str, int] = json.loads(capsys.readouterr().out.splitlines()[-1])
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert (found["mismatches"], found["rtl_mismatches"]) == (0, 0)
    assert (found["interval"], found["latency"]) == (manifest["interval_cycles"], manifest["latency_cycles"])
    return found


def test_exact_in_rtl(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "qdq.onnx"
    onnx.save(network(7, powers_of_two), path)
    found = verdict(path, tmp_path / "build", capsys, "--interval", "1200", "--rtl-frames", "6")
    assert (found["ties"], found["rtl_frames"]) == (0, 6)
    manifest = json.loads((tmp_path / "build" / "manifest.json").read_text(encoding="utf-8"))
    (port,) = manifest["inputs"]
    assert len(port["scale"]) == 1
    assert port["scale"][0] < 1  # what a step stands for in the model's input, not that of the codes


def test_shared_model_in_rtl(
    shared_model: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = shared_model("kws_dscnn_int8_qdq")
    vectors = str(path.with_suffix(".golden.npz"))
    options = ("--interval", "80000", "--rtl-frames", "1", "--vectors", vectors)
    assert verdict(path, tmp_path / "build", capsys, *options)["rtl_frames"] == 1


def test_quantised_operators_tell_the_host_what_to_send(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The manifest says what the integers stand for in the numbers in front of QuantizeLinear; no ties, also in RTL."""
    rng, b = np.random.default_rng(6), ModelBuilder(17)
    operands = [b.constant(0.03), b.constant(120, np.uint8)]
    codes = b.node("QuantizeLinear", ["x", *operands])
    weights = [b.constant(rng.integers(-99, 99, (3, 2, 2, 2)), np.int8), b.constant(0.01), b.constant(0, np.int8)]
    y = b.node("QLinearConv", [codes, *operands, *weights, b.constant(0.1), b.constant(77, np.uint8)])
    onnx.save(b.model((1, 2, 4, 4), y), tmp_path / "qop.onnx")
    found = verdict(tmp_path / "qop.onnx", tmp_path / "build", capsys, "--interval", "400", "--rtl-frames", "3")
    assert (found["ties"], found["rtl_frames"]) == (0, 3)
    (port,) = json.loads((tmp_path / "build" / "manifest.json").read_text(encoding="utf-8"))["inputs"]
    assert port["tensor"] == "x"
    assert (np.float32(port["scale"][0]), port["shift"], port["offset"]) == (np.float32(0.03), [0.0], [0.0])
    assert (port["least"], port["greatest"]) == (-120, 135)
