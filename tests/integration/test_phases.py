"""Networks with grouped and transposed convolutions, from an ONNX file to simulated RTL, exact and as fast as predicted."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from qcompile.cli import main

from ..support.onnx_models import QONNX, ModelBuilder
from .test_convolutional import activation, weights

Network = tuple[ModelBuilder, str, tuple[int, ...]]


def grouped(rng: np.random.Generator) -> Network:
    """Groups of several channels with a window and without, padded on some sides; a depthwise multiplier of 2."""
    b = ModelBuilder()
    x = b.quant("x", 0.125, 0.0, 6.0)
    bias = b.constant(rng.integers(-8, 8, 6) / 32)
    x = b.node("Conv", [x, weights(b, rng, 6, 2, 3, 2), bias], {"strides": [2, 1], "pads": [1, 0, 0, 1], "group": 2})
    x = b.node("Conv", [activation(b, x), weights(b, rng, 6, 2, 1, 1)], {"group": 3})
    x = b.node("Conv", [activation(b, x), weights(b, rng, 12, 1, 2, 2)], {"group": 6})
    return b, activation(b, x), (1, 4, 7, 6)


def upsampled(rng: np.random.Generator) -> Network:
    """An encoder and a decoder: 3x3 of stride 2 with output padding, then 2x2 of stride 2, scales for each channel."""
    b = ModelBuilder()
    x = b.quant("x", 0.125, 0.0, 5.0)
    x = b.node("Conv", [x, weights(b, rng, 4, 1, 3, 3)], {"strides": [2, 2], "pads": [1, 1, 1, 1]})
    scales = b.constant(np.array([0.25, 0.5, 0.125, 0.25]).reshape(1, 4, 1, 1))
    w = b.quant(b.constant(rng.normal(0, 0.5, (4, 4, 3, 3))), scales, 0.0, 4.0, narrow=1)
    attributes = {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]}
    x = b.node("ConvTranspose", [activation(b, x), w, b.constant(rng.integers(-8, 8, 4) / 32)], attributes)
    x = b.node("ConvTranspose", [activation(b, x), weights(b, rng, 4, 2, 2, 2)], {"strides": [2, 2]})
    return b, activation(b, x), (1, 1, 6, 6)


def overlapping(rng: np.random.Generator) -> Network:
    """4x4 of stride 2 in groups with binary weights, whose accumulators begin with a constant of each phase."""
    b = ModelBuilder()
    x = b.quant("x", 0.25, 0.0, 3.0, signed=0)
    w = b.node("BipolarQuant", [b.constant(rng.normal(0, 1, (4, 2, 4, 4))), b.constant(0.25)], domain=QONNX)
    x = b.node("ConvTranspose", [x, w], {"strides": [2, 2], "pads": [1, 1, 1, 1], "group": 2})
    return b, activation(b, x), (1, 4, 4, 3)


def sequence(rng: np.random.Generator) -> Network:
    """One axis: five taps of stride 3, cut unevenly, behind bipolar activations, of which none is zero."""
    b = ModelBuilder()
    x = b.node("BipolarQuant", ["x", b.constant(0.5)], domain=QONNX)
    x = b.node("ConvTranspose", [x, weights(b, rng, 4, 3, 5)], {"strides": [3], "pads": [1, 2]})
    x = b.node("ConvTranspose", [activation(b, x), weights(b, rng, 3, 2, 2)], {"strides": [3], "dilations": [2]})
    return b, activation(b, x), (1, 4, 6)


@pytest.mark.parametrize("interval", [None, 3000])
@pytest.mark.parametrize("network", [grouped, upsampled, overlapping, sequence])
def test_exact_in_rtl(
    network: Callable[[np.random.Generator], Network],
    interval: int | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    builder, output, shape = network(np.random.default_rng(7))
    onnx.save(builder.model(shape, output), tmp_path / "model.onnx")
    arguments = [str(tmp_path / "model.onnx"), "--target", "pynq-z2", "-o", str(tmp_path / "build"), "--check"]
    arguments += ["--rtl-frames", "8"] + (["--interval", str(interval)] if interval else [])
    assert main(arguments) == 0
    verdict = json.loads(capsys.readouterr().out.splitlines()[-1])
    manifest = json.loads((tmp_path / "build" / "manifest.json").read_text(encoding="utf-8"))
    assert (verdict["mismatches"], verdict["ties"], verdict["rtl_mismatches"], verdict["rtl_frames"]) == (0, 0, 0, 8)
    assert verdict["interval"] == manifest["interval_cycles"]
    assert verdict["latency"] == manifest["latency_cycles"]


def dilated(rng: np.random.Generator) -> Network:
    """A dilated convolution, a depthwise one and an average, which multiplies nothing."""
    b = ModelBuilder()
    x = b.quant("x", 0.125, 0.0, 5.0)
    x = b.node("Conv", [x, weights(b, rng, 4, 2, 3, 3)], {"dilations": [2, 2]})
    x = b.node("Conv", [activation(b, x), weights(b, rng, 4, 1, 2, 2)], {"group": 4})
    x = b.node("AveragePool", [activation(b, x)], {"kernel_shape": [2, 2]})
    return b, b.quant(x, 0.25, 0.0, 3.0, signed=0), (1, 2, 9, 8)


@pytest.mark.parametrize(
    ("network", "performed"),
    [
        (dilated, {"Conv_10": (5 * 4 * 9 * 2 * 4, 5 * 4 * 25 * 2 * 4), "Conv_21": (4 * 3 * 4 * 4, 4 * 3 * 4 * 4)}),
        (
            upsampled,
            {
                "Conv_10": (9 * 9 * 4, 9 * 9 * 4),
                "ConvTranspose_22": (3 * 3 * 9 * 16, 6 * 6 * 9 * 16),
                "ConvTranspose_33": (6 * 6 * 4 * 8, 12 * 12 * 4 * 8),
            },
        ),
    ],
)
def test_multiplications_are_reported(
    network: Callable[[np.random.Generator], Network],
    performed: dict[str, tuple[int, int]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Those of the taps, and how many there would be with zeros inserted; nothing for what adds up alone."""
    builder, output, shape = network(np.random.default_rng(7))
    onnx.save(builder.model(shape, output), tmp_path / "model.onnx")
    folder = str(tmp_path / "build")
    assert main([str(tmp_path / "model.onnx"), "--target", "pynq-z2", "-o", folder, "--no-sim"]) == 0
    report = json.loads((tmp_path / "build" / "report.json").read_text(encoding="utf-8"))
    found = {}
    for row in report["design"]["instances"]:
        products = row["multiplications"]
        if products:
            found[row["origin"][0].removeprefix("node_")] = products["performed"], products["zero_inserted"]
            assert products["ratio"] == products["zero_inserted"] / products["performed"]
    assert found == performed
    capsys.readouterr()
    assert main(["report", folder]) == 0
    shown = capsys.readouterr().out
    assert f"multiplications a frame: {sum(done for done, _ in performed.values()):,}" in shown
    assert shown.count("times as many with zeros inserted") == sum(done < more for done, more in performed.values())


def enlarged(rng: np.random.Generator) -> Network:
    """A decoder that doubles its image by nearest neighbours in front of a convolution."""
    b = ModelBuilder()
    x = b.quant("x", 0.125, 0.0, 5.0)
    x = activation(b, b.node("Conv", [x, weights(b, rng, 3, 1, 2, 2)]))
    x = b.node("Resize", [x, "", b.constant([1.0, 1.0, 2.0, 2.0])], {"mode": "nearest"})
    x = b.node("Conv", [x, weights(b, rng, 4, 3, 3, 3)], {"pads": [1, 1, 1, 1]})
    return b, activation(b, x), (1, 1, 5, 4)


def sub_pixels(rng: np.random.Generator) -> Network:
    """Channels become pixels, with a bias that differs between the phases and a quantiser, in front of a convolution."""
    b = ModelBuilder()
    x = b.quant("x", 0.125, 0.0, 4.0)
    x = b.node("Conv", [x, weights(b, rng, 8, 2, 3, 2), b.constant(rng.integers(-8, 8, 8) / 32)], {"pads": [1, 0, 1, 1]})
    x = b.node("DepthToSpace", [activation(b, x)], {"blocksize": 2, "mode": "CRD"})
    x = b.node("Conv", [x, weights(b, rng, 4, 2, 3, 3)], {"pads": [1, 1, 1, 1]})
    return b, activation(b, x), (1, 2, 4, 3)


@pytest.mark.parametrize(
    ("network", "mode", "products"),
    [
        (enlarged, "auto", 48 * 12 * 4),
        (enlarged, "deconv", 48 * 12 * 4),
        (enlarged, "resize", 48 * 27 * 4),
        (sub_pixels, "deconv", 48 * 18 * 4),
    ],
)
def test_upsampling_is_exact_in_rtl(
    network: Callable[[np.random.Generator], Network],
    mode: str,
    products: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    builder, output, shape = network(np.random.default_rng(5))
    onnx.save(builder.model(shape, output), tmp_path / "model.onnx")
    arguments = [str(tmp_path / "model.onnx"), "--target", "pynq-z2", "-o", str(tmp_path / "build"), "--check"]
    assert main([*arguments, "--rtl-frames", "6", "--upsample", mode]) == 0
    verdict = json.loads(capsys.readouterr().out.splitlines()[-1])
    report = json.loads((tmp_path / "build" / "report.json").read_text(encoding="utf-8"))
    manifest = json.loads((tmp_path / "build" / "manifest.json").read_text(encoding="utf-8"))
    assert (verdict["mismatches"], verdict["ties"], verdict["rtl_mismatches"], verdict["rtl_frames"]) == (0, 0, 0, 6)
    assert (verdict["interval"], verdict["latency"]) == (manifest["interval_cycles"], manifest["latency_cycles"])
    assert manifest["options"]["upsample"] == mode
    assert [r["multiplications"]["performed"] for r in report["design"]["instances"] if r["multiplications"]][-1] == products


def test_a_mode_of_upsampling_that_there_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    builder, output, shape = enlarged(np.random.default_rng(5))
    onnx.save(builder.model(shape, output), tmp_path / "model.onnx")
    arguments = [str(tmp_path / "model.onnx"), "--target", "pynq-z2", "-o", str(tmp_path / "build")]
    assert main([*arguments, "--upsample", "cubic"]) == 2
    assert "it is auto, resize, deconv" in capsys.readouterr().err
