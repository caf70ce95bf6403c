"""Networks that are no chain, and names that are no identifiers: compiled and simulated."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from ..support import small_models
from ..support.onnx_models import ModelBuilder
from ..support.outcome import Outcome

Cli = Callable[..., Outcome]


def simulated(cli: Cli, model: Path, folder: Path, *options: object) -> dict[str, object]:
    """Compiles and simulates 20 frames; the manifest of what agreed with its model in every integer and every cycle."""
    outcome = cli(model, "--target", "pynq-z2", "-o", folder, "--rtl-frames", "20", *options)
    assert outcome.code == 0, outcome.err
    manifest = json.loads((folder / "manifest.json").read_text())
    assert outcome.verdict == {
        "frames": 64,
        "mismatches": 0,
        "ties": 0,
        "rtl_frames": 20,
        "rtl_mismatches": 0,
        "interval": manifest["interval_cycles"],
        "latency": manifest["latency_cycles"],
    }
    return dict(manifest)


def ports(manifest: dict[str, object], side: str) -> list[str]:
    return [row["port"] for row in manifest[side]]  # type: ignore[attr-defined]


@pytest.mark.parametrize("interval", [1, 24])
def test_a_tensor_that_is_read_three_times(cli: Cli, models: Path, tmp_path: Path, interval: int) -> None:
    manifest = simulated(cli, models / "forked.onnx", tmp_path / "out", "--interval", interval)
    assert ports(manifest, "outputs") == ["m_axis_0", "m_axis_1", "m_axis_2"]
    kernels = [row["kernel"] for row in json.loads((tmp_path / "out" / "report.json").read_text())["design"]["instances"]]
    assert kernels.count("stream_fork") == 1
    assert ("fifo" in kernels) == (interval == 24)


def test_outputs_of_different_speeds(cli: Cli, models: Path, tmp_path: Path) -> None:
    """The interval is that of the slowest of the networks in one model."""
    folding = tmp_path / "folding.json"
    folding.write_text('{"MVAU_0": {"PE": 4, "SIMD": 8}, "MVAU_1": {"PE": 2, "SIMD": 1}}')
    manifest = simulated(cli, models / "two_inputs.onnx", tmp_path / "out", "--folding", folding)
    assert manifest["interval_cycles"] == 12
    assert ports(manifest, "inputs") == ["s_axis_0", "s_axis_1"]
    assert cli("verify", tmp_path / "out").code == 0


def test_a_network_of_no_kernels(cli: Cli, tmp_path: Path) -> None:
    """The quantised input is the output: a wire."""
    b = ModelBuilder()
    onnx.save(b.model((1, 6), b.quant("x", 0.125, 0.0, 5.0)), tmp_path / "wire.onnx")
    manifest = simulated(cli, tmp_path / "wire.onnx", tmp_path / "out")
    assert (manifest["interval_cycles"], manifest["latency_cycles"]) == (6, 0)


def dense(b: ModelBuilder) -> str:
    x = b.quant("x", 0.125, 0.0, 4.0, signed=0)
    return b.node("MatMul", [x, small_models.weights(b, np.random.default_rng(1), 8, 4)])


def test_an_input_that_nothing_reads(cli: Cli, tmp_path: Path) -> None:
    b = ModelBuilder()
    model = b.model((1, 8), dense(b))
    model.graph.input.append(helper.make_tensor_value_info("unused", TensorProto.FLOAT, (1, 3)))
    onnx.save(model, tmp_path / "m.onnx")
    for options in ((), ("--input", "uint4", "--input-scale", "0.125")):
        arguments = (tmp_path / "m.onnx", "--target", "pynq-z2", "-o", tmp_path / "out", "--no-sim", *options)
        assert cli(*arguments).code == 0
        assert ports(json.loads((tmp_path / "out" / "manifest.json").read_text()), "inputs") == ["s_axis"]


def test_an_output_given_twice(cli: Cli, tmp_path: Path) -> None:
    b = ModelBuilder()
    y = dense(b)
    onnx.save(b.model((1, 8), y, b.node("Identity", [y])), tmp_path / "m.onnx")
    arguments = (tmp_path / "m.onnx", "--target", "pynq-z2", "-o", tmp_path / "out", "--no-sim")
    assert cli(*arguments).code == 0
    assert ports(json.loads((tmp_path / "out" / "manifest.json").read_text()), "outputs") == ["m_axis"]


NAMES = {
    "long": ["layer/" + "very_long_name." * 40 + str(k) for k in range(20)],
    "alike": ["a/b", "a.b", "a_b", "a b", "a-b", "A_b", "a_b_1", "a__b", "ab", "a&b", "a|b", "a#b"],
    "words": ["module", "wire", "begin", "input_0", "s_axis", "clk", "rst", "1", "aclk", "m_axis", "reg", "end"],
    "hostile": ["a\nb", "*/", "//", '"', "\\", "`define x", "$finish;", "\r", "\0", "\u2028", "\u202e", "%s"],
}


@pytest.mark.parametrize("kind", NAMES)
def test_names_of_nodes(cli: Cli, tmp_path: Path, kind: str) -> None:
    """Whatever nodes are called: distinct short identifiers, and comments of one line."""
    model = small_models.mlp()
    for node, name in zip(model.graph.node, NAMES[kind], strict=False):
        node.name = name
    onnx.save(model, tmp_path / "m.onnx")
    simulated(cli, tmp_path / "m.onnx", tmp_path / "out", "--interval", 24)
    top = (tmp_path / "out" / "rtl" / "m.sv").read_text()
    assert max(len(p.name) for p in (tmp_path / "out").rglob("*")) < 200
    assert all(ord(c) >= 32 or c == "\n" for c in top)
