"""The benchmark of the spine: its tables, its verdict, and (slow) a whole run."""

import importlib
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def spine(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program as a module; it imports its neighbours as `python benchmarks/spine.py` does."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("spine")


@pytest.fixture
def row(spine: ModuleType) -> Any:
    """A made-up measurement in which all is well."""
    return spine.Measured(
        model="toy",
        frames=1000,
        exact=999,
        mismatches=0,
        ties=1,
        first_fault="",
        rtl_frames=1000,
        rtl_mismatches=0,
        interval=28,
        interval_model=28,
        latency=102,
        latency_model=102,
        finn_interval=28,
        folding=("4x4",),
        compile_cpu=1.0,
        compile_wall=1.5,
        proven_cpu=9.0,
        proven_wall=6.0,
        build_wall=4.0,
        run_wall=0.1,
        bulk_frames=2000,
        bulk_cycles=56000,
        bulk_cpu=0.5,
    )


def test_a_row_says_what_was_measured(spine: ModuleType, row: Any) -> None:
    plain, markdown = spine.table([row]).plain(), spine.table([row]).markdown()
    for cell in ("toy", "1,000", "28 / 28", "102 / 102", "1.00", "8.0", "112,000"):
        assert cell in plain
        assert cell in markdown
    assert [line.count("|") for line in markdown.splitlines()] == [len(spine.HEADINGS) + 1] * 3
    assert row.faults == ()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"mismatches": 2, "first_fault": "frame 7"}, "frame 7"),
        ({"rtl_mismatches": 3}, "3 of 1000 frames differ in RTL"),
        ({"interval": 29}, "29 cycles"),
        ({"latency": 103}, "103 cycles"),
    ],
)
def test_what_must_never_be_is_a_fault(row: Any, changed: dict[str, Any], said: str) -> None:
    (fault,) = replace(row, **changed).faults
    assert said in fault


def test_more_cycles_than_finn_are_told(spine: ModuleType, row: Any) -> None:
    assert any("none): none" in line for line in spine.goals([row]))
    assert any("toy (40 for 28)" in line for line in spine.goals([replace(row, interval=40, interval_model=40)]))


def test_the_table_is_written_between_its_comments(spine: ModuleType, tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("a\n<!-- benchmark -->\nold\n<!-- /benchmark -->\nb\n", encoding="utf-8")
    spine.write_into(page, "new")
    assert page.read_text(encoding="utf-8") == "a\n<!-- benchmark -->\nnew\n<!-- /benchmark -->\nb\n"


@pytest.mark.slow
def test_a_whole_run(spine: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = tmp_path / "figures.json"
    assert spine.main(["--only", "digits_mlp_w2a2", "--frames", "100", "--json", str(figures)]) == 0
    assert "digits_mlp_w2a2" in capsys.readouterr().out
    (model,) = json.loads(figures.read_text(encoding="utf-8"))["models"]
    assert (model["frames"], model["rtl_frames"], model["mismatches"], model["rtl_mismatches"]) == (100, 100, 0, 0)
    assert model["interval"] == model["interval_model"]
