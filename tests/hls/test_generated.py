"""The hls/ folder by itself: what is in it, Makefile and script, faults that are found, options that are refused."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from qcompile.codegen.hls import RESERVED, generate_hls
from qcompile.ir.dataflow import Stream
from qcompile.ir.errors import CompilerError
from qcompile.ir.types import IntType
from qcompile.kernels import KERNELS, SkidBuffer
from qcompile.tools import assets, hls_compiler

from ..kernels import test_lut_netlist
from ..support import lut_models
from ..support.outcome import Outcome
from .batch import ap_types, solo

Cli = Callable[..., Outcome]

LARGEST = 2000


@pytest.fixture
def folder(cli: Cli, models: Path, tmp_path: Path) -> Path:
    """A small network with a fork, proven in RTL and C++."""
    ap_types()
    destination = tmp_path / "out"
    arguments = ("--target", "pynq-z2", "--interval", "24", "--backend", "hls", "-o", destination)
    outcome = cli(models / "forked.onnx", *arguments)
    assert outcome.code == 0, outcome.err
    assert (outcome.verdict["hls_frames"], outcome.verdict["hls_mismatches"]) == (16, 0)
    assert json.loads((destination / "report.json").read_text())["verdict"]["hls_frames"] == 16
    return destination


def test_a_folder_from_beginning_to_end(cli: Cli, folder: Path) -> None:
    """Verified again; run without qcompile; of readable size; a changed weight is found by both."""
    assert "ran: HLS C++ against the integer graph on 16 frames" in cli("verify", folder, "--no-protocol").out
    made = make(folder)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "warning" not in made.stderr
    assert json.loads(next(line for line in made.stdout.splitlines() if line.startswith("{"))) == {"frames": 16, "mismatches": 0}
    long = [p.name for p in folder.rglob("hls/*.?pp") if len(p.read_text().splitlines()) > LARGEST]
    assert long == []
    weights = next((folder / "hls" / "weights").glob("*_weights.hpp"))
    text = weights.read_text()
    found = re.search(r"\{0x([0-9a-f]+)", text)
    assert found
    weights.write_text(text.replace(found[0], f"{{0x{int(found[1], 16) ^ 1:x}", 1))
    outcome = cli("verify", folder, "--no-protocol")
    assert outcome.code == 3
    assert "mismatch: HLS C++: frame" in outcome.err
    assert outcome.verdict["hls_mismatches"] > 0
    assert outcome.verdict["rtl_mismatches"] == 0
    assert make(folder).returncode != 0


def make(folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", "-C", str(folder / "hls"), f"AP_TYPES={ap_types()}", "CXXFLAGS=-O0 -Werror"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("backend", ["hls", "mixed"])
def test_lut_netlists(cli: Cli, tmp_path: Path, backend: str) -> None:
    """A whole network, and a netlist as a node in C++: tables are weights, all else stays short."""
    ap_types()
    model, folding, folder = tmp_path / "perceptron.onnx", tmp_path / "folding.json", tmp_path / "out"
    onnx.save(lut_models.perceptron(), model)
    folding.write_text('{"Defaults": {"preferred_impl_style": ["hls", "all"]}}')
    arguments = ("--target", "pynq-z2", "--engine", "lut", "--folding", folding, "--backend", backend, "-o", folder)
    outcome = cli(model, *arguments)
    assert outcome.code == 0, outcome.err
    assert (outcome.verdict["hls_frames"], outcome.verdict["hls_mismatches"]) == (16, 0)
    layers = list((folder / "hls" / "weights").glob("*.hpp"))
    assert len(layers) == 4
    assert all("gate(0x" in layer.read_text() for layer in layers)
    assert make(folder).returncode == 0
    changed = next(layer for layer in layers if "= gate(0x" in layer.read_text())
    changed.write_text(re.sub(r"= gate\(", "= !gate(", changed.read_text()))
    assert make(folder).returncode != 0


def test_the_same_input_gives_the_same_bytes(cli: Cli, models: Path, tmp_path: Path) -> None:
    contents = []
    for name in ("one", "two"):
        folder = tmp_path / name
        arguments = ("--target", "pynq-z2", "--backend", "hls", "--no-sim", "--frames", "4", "-o", folder)
        assert cli(models / "mlp.onnx", *arguments).code == 0
        contents.append({p.relative_to(folder): p.read_bytes() for p in (folder / "hls").rglob("*") if p.is_file()})
    assert contents[0] == contents[1]
    assert str(tmp_path).encode() not in b"".join(contents[0].values())


def test_kernels_without_a_header_are_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    design = solo(test_lut_netlist.CASES[0].kernel, "design")
    monkeypatch.setattr(assets, "hls", lambda: tmp_path)
    with pytest.raises(CompilerError, match=r"no HLS form yet\n  why: design_unit \(lut_netlist\)"):
        generate_hls(design, title="", part="", clock_mhz=100)


def test_missing_headers(
    cli: Cli, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = hls_compiler.importlib.util.find_spec
    monkeypatch.setattr(hls_compiler.importlib.util, "find_spec", lambda name: None if name == "hls4ml" else find(name))
    arguments = (models / "mlp.onnx", "--target", "pynq-z2", "--backend", "hls", "-o", tmp_path / "out")
    outcome = cli(*arguments)
    assert outcome.code == 2
    assert "pip install 'qcompile[hls]'" in outcome.err
    outcome = cli(*arguments, "--hls-include", tmp_path)
    assert outcome.code == 2
    assert "it has no ap_int.h or no hls_stream.h" in outcome.err
    assert cli(*arguments, "--no-sim").code == 0
    assert "skipped: HLS C++: cannot run HLS C++" in cli("verify", tmp_path / "out", "--no-protocol").out


def test_another_backend_is_refused(cli: Cli, models: Path) -> None:
    outcome = cli(models / "mlp.onnx", "--target", "pynq-z2", "--backend", "verilog")
    assert outcome.code == 2
    assert "there are rtl, hls, mixed" in outcome.err


def parameters_of_template(text: str, name: str) -> list[str]:
    """Names of the parameters of the first function template of this name that begins with FRAME, types left out."""
    found = re.search(rf"template <unsigned FRAME,([^>]*)>\s*void {name}\(", text)
    assert found, name
    words = [word.strip() for word in found[1].split(",")]
    return [word.split()[-1] for word in words if not word.startswith("class")]


def parameters_of_module(text: str) -> list[str]:
    """Names of a module's parameters but those of its memories."""
    header = re.sub(r"//[^\n]*", "", text)
    header = header[header.index("#(") : header.index(") (")]
    names = re.findall(r"^\s*parameter\s[^=]*?(\w+)\s*=", header, re.MULTILINE)
    return [n for n in names if not n.endswith("_FILE") and n not in ("PROGRAM", "FAST_MODEL")]


# Kernels with a file in both libraries: a FIFO is a stream in C++, a LUT netlist is rendered in RTL.
SHARED = [k.kind for k in KERNELS if k.kind not in ("fifo", "lut_netlist")]


@pytest.mark.parametrize("kind", SHARED)
def test_parameters_are_those_of_the_rtl(kind: str) -> None:
    """The generated code passes them in the order of the binding, which is that of the module."""
    header = (assets.hls() / f"{kind}.hpp").read_text()
    assert parameters_of_template(header, kind) == parameters_of_module((assets.rtl() / f"{kind}.sv").read_text())
    assert "Interval" in header
    assert "Streams" in header


def test_library_names_are_no_names_of_designs() -> None:
    """A design may be called as its model is: names of C++ that SystemVerilog has not are set aside."""
    assert {"main", "template", "namespace", "std"} <= RESERVED


def test_a_design_named_as_something_of_cpp() -> None:
    """The function that does what the top-level module does gets another name; the bench has a main of its own."""
    files = generate_hls(solo(SkidBuffer(Stream(IntType(4, False), 1, 3)), "main"), title="", part="", clock_mhz=100)
    assert "void main_top(" in files["hls/top.cpp"]
    assert "set_top main_top\n" in files["hls/run_hls.tcl"]
    assert "    main_top(s_axis, m_axis);" in files["hls/tb.cpp"]


def test_words_that_are_too_wide_are_refused_by_name() -> None:
    design = solo(SkidBuffer(Stream(IntType(8, False), 2049, 3)), "design")
    with pytest.raises(CompilerError, match=r"too wide.*\n  why: input_0 \(32,784 bits\), design_unit_out"):
        generate_hls(design, title="", part="", clock_mhz=100)
    design = solo(SkidBuffer(Stream(IntType(8, False), 513, 3)), "design")
    with pytest.raises(CompilerError, match=r"too wide for Vitis HLS.*4,096.*\n  why: s_axis \(4,104 bits\), m_axis"):
        generate_hls(design, title="", part="", clock_mhz=100)
