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
