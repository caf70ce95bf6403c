"""The benchmark of convolutional networks: its generated models, its figures, its verdict."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from qcompile.flow.options import Options
from qcompile.flow.prepare import prepare
from qcompile.flow.progress import Progress
from qcompile.folding.cost import Budget, total_resources

ROOT = Path(__file__).parents[2]

CNV_PRODUCTS = 900 * 64 * 27 + 784 * 64 * 576 + 144 * 128 * 576 + 100 * 128 * 1152 + 9 * 256 * 1152 + 256 * 2304
CNV_PRODUCTS += 256 * 512 + 512 * 512 + 512 * 10


def module(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A program of the folder as a module; it imports its neighbours as `python benchmarks/NAME.py` does."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module(name)


@pytest.fixture
def convolutional(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return module("convolutional", monkeypatch)


@pytest.fixture
def design(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return module("design", monkeypatch)


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return module("generate", monkeypatch)


@pytest.fixture
def row(convolutional: ModuleType, design: ModuleType) -> Any:
    """A made-up measurement in which all is well."""
    figures = design.DesignFigures(1000, 1500, 4000, 9000, 9000, 10, 60, 48)
    return convolutional.Row("cnv_w1a1, toy", 64, 0, 0, 3, 0, 1000, 1500, figures, 4.0, 300.0, 50.0)


def test_a_row_says_what_was_measured(convolutional: ModuleType, row: Any) -> None:
    plain = convolutional.table([row]).plain()
    for cell in ("cnv_w1a1, toy", "1,000 / 1,000", "1,500 / 1,500 / 4,000", "1.00", "0.90", "1.25", "4.0", "300"):
        assert cell in plain
    assert row.faults == ()
    assert any("0.90 (goal: 0.90); first output after 1.50 intervals" in line for line in convolutional.goals([row]))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"mismatches": 2}, "2 frames differ in the integer graph"),
        ({"rtl_mismatches": 3}, "3 in RTL"),
        ({"interval": 1001}, "1001 cycles"),
        ({"latency": 1499}, "1499 cycles"),
    ],
)
def test_what_must_never_be_is_a_fault(row: Any, changed: dict[str, Any], said: str) -> None:
    (fault,) = replace(row, **changed).faults
    assert said in fault


def test_a_model_that_cannot_be_compiled_is_named(convolutional: ModuleType, tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(b"no model")
    result = convolutional.measure(convolutional.Case("broken", model, "pynq-z2"), tmp_path)
    assert "not an ONNX model" in result


@pytest.mark.parametrize("name", ["cnv_w1a1", "mobilenet_0.25_96"])
def test_the_same_bytes_are_generated_again(generate: ModuleType, name: str, tmp_path: Path) -> None:
    assert generate.write(name, tmp_path).read_bytes() == generate.NETWORKS[name]().SerializeToString(deterministic=True)


def test_cnv_is_what_finn_folds(generate: ModuleType, design: ModuleType, tmp_path: Path) -> None:
    """At the folding of FINN's example: its interval, as many products as the topology has, line buffers no larger than
    the windows need.
    """
    path = generate.write("cnv_w1a1", tmp_path)
    folding = ROOT / "benchmarks" / "foldings" / "cnv_finn.json"
    figures = design.design_figures(prepare(Options(path, target="pynq-z1", folding=folding), Progress()))
    assert figures.interval == 512 * 512 // 8
    assert figures.performed == figures.useful == CNV_PRODUCTS
    assert figures.lanes == 48 + 1024 + 512 + 512 + 128 + 32 + 4 + 8 + 5
    # Windows of 3x3 on 32, 30, 14, 12, 5 and 3 pixels, of 2x2 on 28 and 10; three dense layers.
    pixels = [(67, 1024), (63, 900), (31, 196), (27, 144), (13, 25), (9, 9), (30, 784), (12, 100)]
    fill = sum(first / all_of_them for first, all_of_them in pixels) + 3
    assert figures.latency_bound == round(fill * figures.interval)
    assert figures.latency < figures.latency_bound


def test_the_tail_of_cnv_can_be_short(generate: ModuleType, design: ModuleType, tmp_path: Path) -> None:
    """Every other layer of the tail input-stationary: the first output within two intervals, with nine tenths of the
    multiplier cycles used.
    """
    path = generate.write("cnv_w1a1", tmp_path)
    folding = ROOT / "benchmarks" / "foldings" / "cnv_short_tail.json"
    prepared = prepare(Options(path, target="pynq-z1", folding=folding), Progress())
    assert prepared.dataflow.interval() == 28_800
    assert prepared.timing.first_output <= 2 * 28_800
    figures = design.design_figures(prepared)
    assert figures.useful >= 0.90 * figures.lanes * figures.interval


def test_the_search_shortens_it_for_little(generate: ModuleType, tmp_path: Path) -> None:
    """At the same speed, for a hundredth of the cost."""
    path = generate.write("cnv_w1a1", tmp_path)
    options = Options(path, target="pynq-z1", interval=28_800)
    costs = []
    for latency in (None, 2 * 28_800):
        prepared = prepare(replace(options, latency=latency), Progress())
        assert prepared.dataflow.interval() <= 28_800
        costs.append(Budget.of(prepared.target).share(total_resources(prepared.dataflow, prepared.target)))
    assert prepared.timing.first_output <= 2 * 28_800
    assert costs[1] < 1.01 * costs[0]
