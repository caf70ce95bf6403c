"""Faults put into a design: exit code 3, and the message leads to them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qcompile.codegen.files import generate
from qcompile.flow import compile as compiling
from qcompile.ir.design import Design

from ..support.outcome import Outcome

Cli = Callable[..., Outcome]

FIRST, QUANTISER, SECOND = "node_MatMul_10", "node_Quant_15", "node_MatMul_21"

ELEMENT = r"frame \d+, output 0, beat \d+, lane \d+: expected -?\d+, got -?\d+"
PLACE = r"frame \d+, beat \d+, lane \d+: expected -?\d+, got -?\d+, at \d+ ns"


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    """A copy of an output folder, to be spoiled."""
    copy = tmp_path / "design"
    shutil.copytree(built, copy)
    return copy


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, f"{file.name} has {text.count(old)} of: {old}"
    file.write_text(text.replace(old, new))


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def flip(text: str, line: int) -> str:
    """Memory words with the lowest bit of one of them changed."""
    lines = text.split("\n")
    lines[line] = f"{int(lines[line], 16) ^ 1:0{len(lines[line])}x}"
    return "\n".join(lines)


def checked(cli: Cli, folder: Path) -> Outcome:
    """Verification that finds the design wrong, changes nothing in it and leaves a waveform beside it."""
    before = files(folder)
    outcome = cli("verify", folder, "--no-protocol", "--quiet")
    assert outcome.code == 3, outcome.err
    assert "Traceback" not in outcome.err
    assert files(folder) == before
    assert outcome.verdict["mismatches"] == 0
    assert outcome.verdict["rtl_mismatches"] > 0
    waveform = folder.with_name("design.mismatch.vcd")
    assert outcome.err.splitlines()[-1] == f"  waveform: {waveform}"
    recorded = waveform.read_text()
    assert "$enddefinitions" in recorded
    assert "m_axis_tdata" in recorded
    assert "s_axis_tvalid" in recorded
    return outcome


@pytest.mark.parametrize(
    ("memory", "layer", "kernel"),
    [
        (f"{FIRST}_matrix_vector_unit_weights", FIRST, "matrix_vector_unit"),
        (f"{QUANTISER}_thresholding_*", QUANTISER, "thresholding"),
        (f"{SECOND}_matrix_vector_unit_weights", SECOND, "matrix_vector_unit"),
    ],
)
def test_a_flipped_bit_of_a_memory(cli: Cli, folder: Path, memory: str, layer: str, kernel: str) -> None:
    path = sorted((folder / "memories").glob(f"{memory}.hex"))[0]
    path.write_text(flip(path.read_text(), 0))
    lines = checked(cli, folder).err.splitlines()
    assert re.fullmatch(f"mismatch: RTL: {ELEMENT}", lines[0])
    assert re.fullmatch(
        rf"  instance {layer}_{kernel} \({kernel} of {layer}\) is the first that sends something wrong: {PLACE}",
        lines[1],
    )


def test_a_design_that_stops(cli: Cli, folder: Path) -> None:
    """A FIFO that never shows its beats."""
    edit(folder / "rtl" / "fifo.sv", "m_axis_tvalid <= pull || (m_axis_tvalid && !m_axis_tready);", "m_axis_tvalid <= 1'b0;")
    outcome = checked(cli, folder)
    lines = outcome.err.splitlines()
    assert re.fullmatch(r"mismatch: RTL: frame 0: no output for \d+ cycles: the design is stuck", lines[0])
    name = rf"instance {SECOND}_matrix_vector_unit_fifo \(fifo of {SECOND}\)"
    assert re.fullmatch(rf"  {name} is the first that stops: it has sent 0 of \d+ beats", lines[1])
    assert outcome.verdict["rtl_mismatches"] == 16


def test_a_broken_protocol_at_the_edge(cli: Cli, folder: Path) -> None:
    """tlast in the wrong place: every inner stream is right."""
    edit(folder / "rtl" / "mlp.sv", ".m_axis_tlast(m_axis_tlast),", ".m_axis_tlast(unused_tlast),")
    inverted = "  logic unused_tlast;\n  assign m_axis_tlast = !unused_tlast;"
    edit(folder / "rtl" / "mlp.sv", "  wire logic rst = !aresetn;", f"  wire logic rst = !aresetn;\n{inverted}")
    lines = checked(cli, folder).err.splitlines()
    assert re.fullmatch(r"mismatch: RTL: frame \d+: tlast is wrong at output beat \d+", lines[0])
    assert lines[1] == "  every inner stream is right: it goes wrong between the last of them and the output"


def test_a_top_level_with_other_streams(cli: Cli, folder: Path) -> None:
    """An edited top level, in which the recorder finds nothing to hold on to: the waveform is left all the same."""
    top = folder / "rtl" / "mlp.sv"
    top.write_text(top.read_text().replace(f"{FIRST}_matrix_vector_unit_out", "between"))
    path = folder / "memories" / f"{FIRST}_matrix_vector_unit_weights.hex"
    path.write_text(flip(path.read_text(), 0))
    lines = checked(cli, folder).err.splitlines()
    assert re.fullmatch(f"mismatch: RTL: {ELEMENT}", lines[0])
    assert lines[1].startswith("  the inner streams of this top level are not those that qcompile made")


def test_a_waveform_that_cannot_be_written(cli: Cli, folder: Path) -> None:
    folder.with_name("design.mismatch.vcd").mkdir()
    (folder.with_name("design.mismatch.vcd") / "waves.vcd").mkdir()
    path = folder / "memories" / f"{FIRST}_matrix_vector_unit_weights.hex"
    path.write_text(flip(path.read_text(), 0))
    outcome = cli("verify", folder, "--no-protocol", "--quiet")
    assert outcome.code == 3
    assert "the waveform could not be written to" in outcome.err
    assert outcome.verdict["rtl_mismatches"] > 0


def test_the_cocotb_tests_find_what_differs_from_the_recorded_vectors(cli: Cli, folder: Path) -> None:
    path = folder / "sim" / "vectors" / "output_0.hex"
    path.write_text(flip(path.read_text(), 5))
    before = files(folder)
    outcome = cli("verify", folder)
    assert outcome.code == 3
    assert files(folder) == before
    for test in ("full_speed", "idle_source", "back_pressure", "both"):
        assert re.search(rf"mismatch: cocotb test {test}: m_axis: frame \d+, beat \d+: expected \w+, got \w+", outcome.err)
    assert outcome.verdict["rtl_mismatches"] == 0
    assert "cocotb protocol tests: full_speed" in outcome.out


def test_another_integer_model(cli: Cli, folder: Path) -> None:
    path = folder / "model.int.onnx"
    path.write_bytes(path.read_bytes() + b"\0\0")
    outcome = cli("verify", folder, "--rtl-frames", "0")
    assert outcome.code == 3
    assert "model.int.onnx is not the one that this model and these options give" in outcome.err
    assert outcome.verdict["rtl_frames"] == 0
    assert "skipped: RTL: no frames were asked for" in outcome.out


@pytest.fixture
def miscompiling(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler that writes one wrong weight."""

    def wrong(*arguments: Any, **options: Any) -> Design:
        design = generate(*arguments, **options)
        name = f"memories/{FIRST}_matrix_vector_unit_weights.hex"
        return replace(design, files={**design.files, name: flip(str(design.files[name]), 0)})

    monkeypatch.setattr(compiling, "generate", wrong)


@pytest.mark.usefixtures("miscompiling")
@pytest.mark.parametrize("quiet", [(), ("--quiet",)])
def test_compiling_stops_at_a_mismatch_and_replaces_nothing(
    cli: Cli, built: Path, models: Path, tmp_path: Path, quiet: tuple[str, ...]
) -> None:
    out = tmp_path / "out"
    shutil.copytree(built, out)
    before = files(out)
    outcome = cli(models / "mlp.onnx", "--target", "pynq-z2", "-o", out, "--interval", "24", *quiet)
    assert outcome.code == 3
    manifest = json.loads((built / "manifest.json").read_text())
    verdict = outcome.verdict
    assert verdict.pop("rtl_mismatches") > 0
    assert verdict == {
        "frames": 64,
        "mismatches": 0,
        "ties": 0,
        "rtl_frames": 16,
        "interval": manifest["interval_cycles"],
        "latency": manifest["latency_cycles"],
    }
    assert outcome.out.count("\n") == 1
    assert f"instance {FIRST}_matrix_vector_unit (matrix_vector_unit of {FIRST}) is the first" in outcome.err
    assert f"waveform: {out}.mismatch.vcd" in outcome.err
    assert files(out) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "out.mismatch.vcd"]


@pytest.mark.usefixtures("miscompiling")
def test_a_first_compilation_leaves_the_waveform_only(cli: Cli, models: Path, tmp_path: Path) -> None:
    arguments = (models / "mlp.onnx", "--target", "pynq-z2", "-o", tmp_path / "out", "--interval", "24")
    assert cli(*arguments).code == 3
    assert [p.name for p in tmp_path.iterdir()] == ["out.mismatch.vcd"]
