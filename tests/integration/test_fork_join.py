"""A fork and a join around a convolution, in RTL: the computed FIFO depth runs at full speed, one less does not, and far less
is a deadlock, of which the message names every instance and channel.
"""

import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest

from qcompile.cli import main

from ..support.onnx_models import ModelBuilder
from .test_convolutional import activation, weights


def residual(folder: Path) -> Path:
    """One convolution beside a shortcut; returns the folder of the design."""
    b, rng = ModelBuilder(), np.random.default_rng(5)
    x = activation(b, b.node("Conv", [b.quant("x", 0.25, 0.0, 4.0), weights(b, rng, 2, 1, 1, 1)]))
    y = b.node("Conv", [x, weights(b, rng, 2, 2, 3, 3)], {"pads": [1, 1, 1, 1]})
    x = b.quant(b.node("Add", [x, b.quant(y, 0.3, 0.0, 4.0)]), 0.2, 0.0, 4.0)
    onnx.save(b.model((1, 1, 5, 6), x), folder / "model.onnx")
    assert main([str(folder / "model.onnx"), "--target", "pynq-z2", "-o", str(folder / "build"), "--quiet"]) == 0
    return folder / "build"


def with_depth(build: Path, text: str, fifo: str, depth: int) -> None:
    """The FIFO's instance in the top level with another depth."""
    changed, count = re.subn(rf"(fifo #\([^;]*?\.DEPTH\()\d+(\)[^;]*?\) {fifo} \()", rf"\g<1>{depth}\g<2>", text)
    assert count == 1
    (build / "rtl" / "model.sv").write_text(changed)


def test_the_computed_depth_is_the_least(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build = residual(tmp_path)
    capsys.readouterr()
    text = (build / "rtl" / "model.sv").read_text()
    folding = json.loads((build / "folding.json").read_text())
    (fifo,) = (name for name in folding if name.endswith("stream_add_fifo"))
    depth = folding[fifo]["depth"]
    add, verify = fifo.removesuffix("_fifo"), ["verify", str(build), "--no-protocol", "--quiet", "--rtl-frames", "20"]

    with_depth(build, text, fifo, depth)
    assert main(verify) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["rtl_mismatches"] == 0

    with_depth(build, text, fifo, depth - 1)
    assert main(verify) == 3
    assert re.search(r"a frame takes \d+ cycles, the model says \d+", capsys.readouterr().err)

    with_depth(build, text, fifo, 3)
    assert main(verify) == 3
    lines = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"mismatch: RTL: frame 0: no output for \d+ cycles: the design is stuck", lines[0])
    assert lines[1] == "  a deadlock, these wait for each other:"
    circle = [
        re.fullmatch(r"    (\S+) waits for (\S+), which (\w+) no more: channel (\S+) -> (\S+), after \d+ beats", line)
        for line in lines[2:-1]
    ]
    names = [(m[1], m[2], m[3]) for m in circle if m]
    assert len(names) == len(circle)
    assert [second for _, second, _ in names] == [first for first, _, _ in (*names[1:], names[0])]
    assert (fifo, add, "takes") in names
    assert all(
        m[4].startswith((f"{m[1]}[", f"{m[2]}[")) and m[5].startswith((f"{m[1]}[", f"{m[2]}[")) for m in circle if m
    )


def test_a_whole_image_waits_for_its_gate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Squeeze-and-excite: the gate is there when the last pixel has come; the image waits in block RAM, and the next one
    enters meanwhile.
    """
    b, rng = ModelBuilder(), np.random.default_rng(6)
    x = activation(b, b.node("Conv", [b.quant("x", 0.25, 0.0, 4.0), weights(b, rng, 8, 1, 1, 1)]))
    g = b.quant(b.node("GlobalAveragePool", [x]), 0.03, 0.0, 6.0, signed=0)
    g = b.node("HardSigmoid", [b.node("Conv", [g, weights(b, rng, 8, 8, 1, 1)])])
    x = b.quant(b.node("Mul", [x, b.quant(g, 0.0667, 0.0, 4.0, signed=0)]), 0.0913, 0.0, 5.0, signed=0)
    onnx.save(b.model((1, 1, 16, 16), x), tmp_path / "model.onnx")
    arguments = [str(tmp_path / "model.onnx"), "--target", "pynq-z2", "-o", str(tmp_path / "build"), "--quiet"]
    assert main([*arguments, "--no-sim", "--interval", "2048"]) == 0
    verdict = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert verdict["interval"] <= 2048
    text = (tmp_path / "build" / "rtl" / "model.sv").read_text()
    fifos = re.findall(r"fifo #\(([^;]*?)\) (\S+) \(", text)
    (image,) = (parameters for parameters, name in fifos if name.endswith("stream_multiply_fifo"))
    lanes = re.search(r"stream_multiply #\([^;]*?\.LANES\((\d+)\)", text)
    depth, style = re.search(r"\.DEPTH\((\d+)\)", image), re.search(r'\.RAM_STYLE\("(\w+)"\)', image)
    assert lanes
    assert depth
    assert style
    beats = 16 * 16 * 8 // int(lanes[1])
    assert beats <= int(depth[1]) <= 1.2 * beats
    assert style[1] == "block"
