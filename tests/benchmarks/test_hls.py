"""The benchmark of HLS C++: what a row says, what it does not let pass, and a measurement."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ..hls.batch import ap_types

ROOT = Path(__file__).parents[2]


@pytest.fixture
def hls(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("hls")


@pytest.fixture
def row(hls: ModuleType) -> Any:
    """A made-up measurement in which all is well."""
    return hls.Row("tfc_w2a2", 1000, 0, 16, 10, 205, 171, 4.0, 0.5, (10.0, 1.0))


def test_a_row_says_what_was_measured(row: Any) -> None:
    assert row.cells() == ("tfc_w2a2", "1,000", "0", "16", "10", "20", "171", "4.0", "0.50", "10.0", "2.50", "1.00", "2.00")
    assert replace(row, others=None).cells()[-4:] == ("-",) * 4
    assert list(row.faults()) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"wrong": 3}, "3 of 1,000 frames differ"),
        ({"longest": 2001}, "2,001 lines"),
        ({"compile_s": 30.5}, "30 s to compile"),
        ({"run_s": 10.5}, "10 s for 1,000 frames"),
        ({"frames": 100, "run_s": 1.5}, "10 s for 1,000 frames"),
    ],
)
def test_what_is_not_reached_is_said(row: Any, changed: dict[str, Any], said: str) -> None:
    (fault,) = replace(row, **changed).faults()
    assert said in fault.replace("1000 frames", "1,000 frames")


def test_every_example_is_measured(hls: ModuleType) -> None:
    """And nothing is said of one that is not there."""
    examples = {path.parent.name for path in (ROOT / "examples").glob("*/model.onnx")}
    assert examples <= {subject.name for subject in hls.subjects()}
    assert hls.EXAMPLE_INTERVALS.keys() <= examples
    assert all(subject.frames >= 100 for subject in hls.subjects() if subject.name in examples)


def test_a_measurement(hls: ModuleType, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Of a small model, with a stand-in for the Python that has hls4ml."""
    ap_types()
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho '{json.dumps({'compile': 8.0, 'predict': 0.25})}'\n")
    python.chmod(0o755)
    assert hls.main(["--only", "digits_mlp_w1a1", "--frames", "5", "--hls4ml", str(python)]) == 0
    table = capsys.readouterr().out.splitlines()
    cells = table[2].split()
    assert cells[:4] == ["digits_mlp_w1a1", "5", "0", "16"]
    assert (cells[9], cells[11]) == ("8.0", "0.25")
    python.write_text("#!/bin/sh\necho '{\"refused\": \"Exception: no such layer\"}'\n")
    assert hls.main(["--only", "digits_mlp_w1a1", "--frames", "5", "--hls4ml", str(python)]) == 0
    assert "hls4ml does not take digits_mlp_w1a1: Exception: no such layer" in capsys.readouterr().out
