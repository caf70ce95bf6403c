"""--backend mixed: some instances in HLS C++ within RTL, as the folding file says."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from qcompile.tools import assets
from qcompile.tools.prerequisites import find_toolchain
from qcompile.tools.verilator import Sources, lint

from ..support.onnx_models import ModelBuilder
from ..support.outcome import Outcome
from ..support.small_models import save, weights
from ..support.yosys import yosys
from .batch import ap_types

Cli = Callable[..., Outcome]

def joined() -> onnx.ModelProto:
    """A tensor and what a layer makes of it, added; the sum enters a layer."""
    b, rng = ModelBuilder(), np.random.default_rng(5)
    x = b.quant("x", 0.125, 0.0, 4.0, signed=0)
    y = b.quant(b.node("MatMul", [x, weights(b, rng, 6, 6)]), 0.125, 0.0, 5.0)
    return b.model((1, 6), b.node("MatMul", [b.node("Add", [x, y]), weights(b, rng, 6, 3)]))


ALL = {"Defaults": {"preferred_impl_style": ["hls", "all"]}}


@pytest.fixture
def compiled(cli: Cli, models: Path, tmp_path: Path) -> Callable[..., Outcome]:
    """Compiles a small model with a folding file of this content."""
    save(joined, tmp_path)

    def run(content: dict[str, Any], name: str, folder: Path, *options: object) -> Outcome:
        file = tmp_path / "given.json"
        file.write_text(json.dumps(content))
        model = next(path / f"{name}.onnx" for path in (tmp_path, models) if (path / f"{name}.onnx").exists())
        arguments = (model, "--target", "pynq-z2", "--interval", "24", "--folding", file)
        return cli(*arguments, "-o", folder, *options)

    return run


def folding(folder: Path) -> dict[str, Any]:
    content = json.loads((folder / "folding.json").read_text())
    assert isinstance(content, dict)
    return content


def styles(folder: Path) -> dict[str, str]:
    """Of each node that has one."""
    nodes = folding(folder).items()
    return {name: node["preferred_impl_style"] for name, node in nodes if "preferred_impl_style" in node}


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", "-C", str(folder / "hls"), f"AP_TYPES={ap_types()}", "CXXFLAGS=-O0", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_instance_as_a_block(cli: Cli, compiled: Callable[..., Outcome], tmp_path: Path) -> None:
    """Exact in RTL, in which their twins stand for the blocks, and in C++; makes itself again; faults are found and named."""
    ap_types()
    folder = tmp_path / "out"
    outcome = compiled(ALL, "joined", folder, "--backend", "mixed", "--rtl-frames", "8")
    assert outcome.code == 0, outcome.err
    verdict = outcome.verdict
    assert (verdict["rtl_mismatches"], verdict["hls_frames"], verdict["hls_mismatches"]) == (0, 8, 0)
    nodes = styles(folder)
    assert set(nodes.values()) == {"hls"}
    blocks = sorted(path.name for path in (folder / "hls").iterdir() if (path / "top.cpp").exists())
    assert blocks == sorted(f"{name}_hls" for name in nodes)
    # A kernel with two inputs and one with a padded output are among them.
    wrappers = "".join((folder / "rtl" / f"{name}_block.sv").read_text() for name in nodes)
    assert "s_axis_1_TDATA" in wrappers
    assert "m_axis_unused" in wrappers

    made = make(folder)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "warning" not in made.stderr
    assert made.stdout.count('{"frames": 4, "mismatches": 0}') == len(nodes)

    name = next(n for n in nodes if (folder / "hls" / "weights" / f"{n}_weights.hpp").exists())
    weights = folder / "hls" / "weights" / f"{name}_weights.hpp"
    text = weights.read_text()
    found = re.search(r"\{0x([0-9a-f]+)", text)
    assert found
    weights.write_text(text.replace(found[0], f"{{0x{int(found[1], 16) ^ 1:x}", 1))
    outcome = cli("verify", folder, "--no-protocol", "--rtl-frames", "8")
    assert outcome.code == 3
    assert f"HLS C++: instance {name}: frame" in outcome.err
    assert (outcome.verdict["rtl_mismatches"], outcome.verdict["hls_mismatches"] > 0) == (0, True)
    assert make(folder).returncode != 0


def test_the_folding_file_makes_the_same_design_again(compiled: Callable[..., Outcome], tmp_path: Path) -> None:
    content = {"MVAU_hls_0": {"preferred_impl_style": "hls"}, "Defaults": {"preferred_impl_style": ["rtl", "all"]}}
    options = ("--backend", "mixed", "--no-sim", "--frames", "4")
    assert compiled(content, "mlp", tmp_path / "one", *options).code == 0
    nodes = styles(tmp_path / "one")
    assert [name for name, style in nodes.items() if style == "hls"] == [next(n for n in nodes if "matrix_vector_unit" in n)]
    assert compiled(folding(tmp_path / "one"), "mlp", tmp_path / "two", *options).code == 0
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_clean_rtl_and_a_script_that_reads_it(compiled: Callable[..., Outcome], tmp_path: Path) -> None:
    """Verilator and Yosys have nothing to say; what Vivado reads is all but the stand-ins and what only they need."""
    folder = tmp_path / "out"
    assert compiled(ALL, "joined", folder, "--backend", "mixed", "--no-sim", "--frames", "4").code == 0
    top = json.loads((folder / "manifest.json").read_text())["top"]
    names = (folder / "rtl" / "files.f").read_text().split()
    report = lint(find_toolchain(), Sources(top, tuple(folder / "rtl" / n for n in names)), assets.rtl() / "waivers.vlt")
    assert report.clean, "\n".join(report.messages)
    script = f"read_verilog -sv {' '.join(names)}; hierarchy -check -top {top}; proc; check -assert"
    finished = subprocess.run([yosys(), "-p", script], cwd=folder / "rtl", capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout[-2000:] + finished.stderr
    assert "Warning" not in finished.stdout, [line for line in finished.stdout.splitlines() if "Warning" in line]
    read = re.findall(r"read_verilog -sv \.\./rtl/(\S+)", (folder / "scripts" / "vivado.tcl").read_text())
    assert [n for n in names if n in read] == read
    assert not [n for n in read if n.startswith("stand_ins/")]
    blocks = {f"{name}_block.sv" for name in styles(folder)}
    assert blocks <= set(read)
    assert "matrix_vector_unit.sv" in set(names) - set(read)


def test_the_stated_form_of_a_node_is_made_or_refused(compiled: Callable[..., Outcome], tmp_path: Path) -> None:
    one = {"MVAU_0": {"preferred_impl_style": "hls"}}
    outcome = compiled(one, "mlp", tmp_path / "out")
    assert outcome.code == 2
    assert "the folding file asks for HLS C++, and --backend rtl makes none" in outcome.err
    assert "matrix_vector_unit: it is to be made in HLS C++" in outcome.err
    assert compiled(one, "mlp", tmp_path / "out", "--backend", "hls", "--no-sim", "--frames", "4").code == 0
    assert sorted(styles(tmp_path / "out").values())[:2] == ["hls", "rtl"]
    for content in ({}, {"MVAU_0": {"preferred_impl_style": "rtl"}}, {"MVAU_0": {"preferred_impl_style": ""}}):
        outcome = compiled(content, "mlp", tmp_path / "other", "--backend", "mixed")
        assert outcome.code == 2
        assert "no node is to be made in HLS C++" in outcome.err
