"""Convolutional networks, from an ONNX file to simulated RTL: scales are powers of two, so every integer must agree."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from qcompile.cli import main

from ..support.onnx_models import ModelBuilder


def weights(b: ModelBuilder, rng: np.random.Generator, *shape: int, bits: int = 3) -> str:
    """Quantised random weights, scale 1/4."""
    return b.quant(b.constant(rng.normal(0, 0.4, shape)), 0.25, 0.0, float(bits), narrow=1)


def activation(b: ModelBuilder, x: str, scale: float = 0.25, bits: int = 3) -> str:
    """Relu and an unsigned quantiser."""
    return b.quant(b.node("Relu", [x]), scale, 0.0, float(bits), signed=0)


def plain(rng: np.random.Generator) -> tuple[ModelBuilder, str, tuple[int, ...]]:
    """Strided and dilated convolutions with padding on some sides, max pooling, a dense layer behind a Flatten."""
    b = ModelBuilder()
    x = b.quant("x", 0.125, 0.0, 6.0)
    bias = b.constant(rng.integers(-8, 8, 6) / 32)
    x = b.node("Conv", [x, weights(b, rng, 6, 2, 3, 2), bias], {"strides": [2, 1], "pads": [1, 0, 0, 1]})
    x = activation(b, x)
    x = b.node("MaxPool", [x], {"kernel_shape": [2, 3], "strides": [1, 2], "pads": [1, 1, 0, 1]})
    x = b.node("Conv", [x, weights(b, rng, 4, 6, 2, 2)], {"dilations": [2, 1]})
    x = activation(b, x, 0.5)
    x = b.node("Flatten", [x])
    return b, b.node("MatMul", [x, weights(b, rng, 4 * 3 * 4, 5)]), (1, 2, 10, 9)


def residual(rng: np.random.Generator) -> tuple[ModelBuilder, str, tuple[int, ...]]:
    """A depthwise and a pointwise convolution beside a shortcut of another scale, and global average pooling."""
    b = ModelBuilder()
    x = b.quant("x", 0.25, 0.0, 4.0)
    x = activation(b, b.node("Conv", [x, weights(b, rng, 4, 1, 3, 3)], {"pads": [1, 1, 1, 1]}))
    y = b.node("Conv", [x, weights(b, rng, 4, 1, 3, 3)], {"pads": [1, 1, 1, 1], "group": 4})
    y = b.node("Conv", [activation(b, y, 0.5), weights(b, rng, 4, 4, 1, 1)])
    y = b.quant(y, 0.125, 0.0, 5.0)
    x = activation(b, b.node("Add", [x, y]), 0.25, 4)
    x = b.node("GlobalAveragePool", [x])
    x = b.quant(x, 0.125, 0.0, 6.0, signed=0)
    x = b.node("Flatten", [x])
    return b, b.node("Gemm", [x, weights(b, rng, 3, 4)], {"transB": 1}), (1, 1, 6, 5)


def sequence(rng: np.random.Generator) -> tuple[ModelBuilder, str, tuple[int, ...]]:
    """One spatial axis: dilated convolution, average pooling in front of a quantiser, ArgMax at the end."""
    b = ModelBuilder()
    x = b.quant("x", 0.125, 0.0, 8.0)
    x = activation(b, b.node("Conv", [x, weights(b, rng, 4, 2, 3)], {"dilations": [2], "pads": [1, 3]}))
    x = b.node("AveragePool", [x], {"kernel_shape": [2], "strides": [2]})
    x = b.quant(x, 0.25, 0.0, 3.0, signed=0)
    x = b.node("Flatten", [x])
    x = b.node("MatMul", [x, weights(b, rng, 4 * 8, 6)])
    return b, b.node("ArgMax", [x], {"axis": -1}), (1, 2, 16)


def channels_last(rng: np.random.Generator) -> tuple[ModelBuilder, str, tuple[int, ...]]:
    """An image that comes channels last and is transposed for the convolution."""
    b = ModelBuilder()
    x = b.quant("x", 0.25, 0.0, 4.0)
    x = b.node("Transpose", [x], {"perm": [0, 3, 1, 2]})
    x = activation(b, b.node("Conv", [x, weights(b, rng, 4, 3, 2, 2)]))
    x = b.node("Transpose", [x], {"perm": [0, 2, 3, 1]})
    x = b.node("Reshape", [x, b.constant([1, -1], np.int64)])
    return b, b.node("MatMul", [x, weights(b, rng, 4 * 4 * 4, 3)]), (1, 5, 5, 3)


def padded(rng: np.random.Generator) -> tuple[ModelBuilder, str, tuple[int, ...]]:
    """Zero padding of bipolar numbers, padding of signed numbers in front of a maximum that hangs over the end."""
    b = ModelBuilder()
    x = b.quant("x", 0.5, 0.0, 1.0)
    x = b.quant(b.node("Conv", [x, weights(b, rng, 4, 3, 3, 3)], {"pads": [1, 1, 1, 1]}), 0.5, 0.0, 3.0)
    x = b.node("Pad", [x, b.constant([0, 0, 1, 0, 0, 0, 0, 1], np.int64), b.constant(0.5)])
    x = b.node("Conv", [x, weights(b, rng, 4, 4, 1, 1)], {"pads": [0, 1, 0, 0]})
    x = b.quant(x, 0.5, 0.0, 3.0)
    x = b.node("MaxPool", [x], {"kernel_shape": [2, 3], "strides": [2, 2], "pads": [1, 1, 0, 1], "ceil_mode": 1})
    x = b.node("Flatten", [x])
    return b, b.node("MatMul", [x, weights(b, rng, 4 * 4 * 5, 5)]), (1, 3, 6, 7)


def binary(rng: np.random.Generator) -> tuple[ModelBuilder, str, tuple[int, ...]]:
    """Weights and numbers of one bit with zero padding, and averages that leave padding out."""
    b = ModelBuilder()
    x = b.quant("x", 0.5, 0.0, 1.0)
    for channels in (3, 4):
        w = b.quant(b.constant(rng.normal(size=(4, channels, 3, 3))), 0.5, 0.0, 1.0)
        x = b.quant(b.node("Conv", [x, w], {"pads": [1, 1, 1, 1]}), 0.5, 0.0, 1.0)
    x = b.node("AveragePool", [x], {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]})
    x = b.quant(x, 0.125, 0.0, 4.0)
    x = b.node("Flatten", [x])
    return b, b.node("MatMul", [x, weights(b, rng, 4 * 3 * 4, 5)]), (1, 3, 6, 7)


def pooled(rng: np.random.Generator) -> tuple[ModelBuilder, str, tuple[int, ...]]:
    """Averages that leave padding out, a maximum behind factors of both signs, a mean over space without a quantiser."""
    b = ModelBuilder()
    x = b.quant("x", 0.25, 0.0, 4.0)
    x = b.node("AveragePool", [x], {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]})
    x = b.quant(x, 0.25, 0.0, 4.0)
    x = b.node("Conv", [x, weights(b, rng, 4, 2, 2, 2)])
    x = b.node("Mul", [x, b.constant(np.array([0.5, -0.25, 1, -1]).reshape(4, 1, 1))])
    x = activation(b, b.node("MaxPool", [x], {"kernel_shape": [2, 2], "strides": [1, 1]}), 0.25, 4)
    x = b.node("ReduceMean", [x], {"axes": [-1, -2], "keepdims": 0})
    return b, b.node("Gemm", [x, weights(b, rng, 4, 3)]), (1, 2, 8, 7)


def eight_bits(rng: np.random.Generator) -> tuple[ModelBuilder, str, tuple[int, ...]]:
    """Activations of 8 and 16 bits, of scales that are no powers of two and of such that are: multiplications and shifts."""
    b = ModelBuilder()

    def matrix(*shape: int) -> str:
        return b.quant(b.constant(rng.normal(0, 0.3, shape)), 0.015625, 0.0, 8.0, narrow=1)

    x = b.quant("x", 0.0625, 0.0, 8.0)
    x = b.node("Conv", [x, matrix(4, 3, 3, 3), b.constant(rng.integers(-99, 99, 4) / 1024)], {"pads": [1, 1, 1, 1]})
    x = b.quant(b.node("Relu", [x]), 0.0237, 0.0, 8.0, signed=0)
    x = b.quant(b.node("Conv", [x, matrix(4, 1, 2, 2)], {"group": 4}), 0.0431, 0.0, 8.0)
    x = b.quant(b.node("Conv", [x, matrix(4, 4, 1, 1)]), 0.00390625, 0.0, 16.0, signed=0)
    return b, b.node("MatMul", [b.node("Flatten", [x]), matrix(36, 3)]), (1, 3, 4, 4)


Network = Callable[[np.random.Generator], tuple[ModelBuilder, str, tuple[int, ...]]]

NETWORKS = [plain, residual, sequence, channels_last, padded, pooled, binary, eight_bits]


def test_exact_with_a_steady_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The latency is that for frames spread over the interval; in bursts they are no slower."""
    builder, output, shape = residual(np.random.default_rng(7))
    onnx.save(builder.model(shape, output), tmp_path / "model.onnx")
    latencies = {}
    for source in ("steady", "burst"):
        folder = tmp_path / source
        arguments = [str(tmp_path / "model.onnx"), "--target", "pynq-z2", "--interval", "1000", "-o", str(folder)]
        assert main([*arguments, "--source", source, "--rtl-frames", "14"]) == 0
        verdict = json.loads(capsys.readouterr().out.splitlines()[-1])
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        assert (verdict["mismatches"], verdict["rtl_mismatches"]) == (0, 0)
        assert verdict["interval"] == manifest["interval_cycles"]
        assert verdict["latency"] == manifest["latency_cycles"]
        assert manifest["options"]["source"] == source
        latencies[source] = verdict["latency"]
    assert latencies["steady"] > latencies["burst"]
    assert main(["verify", str(tmp_path / "steady"), "--no-protocol"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["latency"] == latencies["steady"]
    assert main([*arguments, "--source", "early"]) == 2


@pytest.mark.parametrize("interval", [None, 4000])
@pytest.mark.parametrize("network", NETWORKS)
def test_exact_in_rtl(
    network: Network, interval: int | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exact(network, ["--interval", str(interval)] if interval else [], tmp_path, capsys)


@pytest.mark.parametrize("network", [plain, sequence, binary])
def test_exact_in_rtl_where_inputs_are_stationary(
    network: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Behind windows of many pixels, and behind one another."""
    folding = tmp_path / "folding.json"
    folding.write_text('{"Defaults": {"stationary": ["input", ["MVAU"]], "PE": [1, ["MVAU"]], "SIMD": [1, ["MVAU"]]}}')
    exact(network, ["--folding", str(folding)], tmp_path, capsys)
    sources = (tmp_path / "build" / "rtl" / "files.f").read_text(encoding="utf-8")
    assert "input_stationary_unit.sv" in sources
    assert "matrix_vector_unit.sv" not in sources


def test_the_latency_asked_for_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    latencies = []
    for options in ([], ["--latency", "1200"], ["--latency", "lowest"]):
        exact(plain, ["--interval", "1500", *options], tmp_path, capsys)
        latencies.append(json.loads((tmp_path / "build" / "manifest.json").read_text(encoding="utf-8"))["latency_cycles"])
    assert latencies[0] > 1200 >= latencies[1] > latencies[2]


def exact(network: Network, options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Compiles, simulates, and compares integers, cycles and line buffers."""
    builder, output, shape = network(np.random.default_rng(7))
    onnx.save(builder.model(shape, output), tmp_path / "model.onnx")
    arguments = [str(tmp_path / "model.onnx"), "--target", "pynq-z2", "-o", str(tmp_path / "build"), "--check"]
    arguments += ["--rtl-frames", "14", *options]
    assert main(arguments) == 0
    verdict = json.loads(capsys.readouterr().out.splitlines()[-1])
    manifest = json.loads((tmp_path / "build" / "manifest.json").read_text(encoding="utf-8"))
    assert (verdict["mismatches"], verdict["ties"], verdict["rtl_mismatches"], verdict["rtl_frames"]) == (0, 0, 0, 14)
    assert verdict["interval"] == manifest["interval_cycles"]
    assert verdict["latency"] == manifest["latency_cycles"]
    report = json.loads((tmp_path / "build" / "report.json").read_text(encoding="utf-8"))
    buffers = [row["line_buffer"] for row in report["design"]["instances"] if row["kernel"].endswith("_window")]
    assert buffers
    assert all(buffer["bits"] >= 0.5 * buffer["least_bits"] > 0 for buffer in buffers)
    assert main(["report", str(tmp_path / "build")]) == 0
    assert "that the windows need" in capsys.readouterr().out
