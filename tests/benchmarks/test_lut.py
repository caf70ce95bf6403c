"""The benchmarks of LUT netlists and of accumulators: what they compare is the same function, and their verdicts."""

from __future__ import annotations

import importlib
import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from qcompile.ir.types import IntArray, IntType
from qcompile.luts.tables import Layer

from ..support.yosys import yosys

ROOT = Path(__file__).parents[2]


@pytest.fixture
def lut(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("lut")


@pytest.fixture
def networks(lut: ModuleType) -> ModuleType:
    return importlib.import_module("lut_networks")


@pytest.fixture
def accumulators(lut: ModuleType) -> ModuleType:
    return importlib.import_module("accumulators")


@pytest.fixture
def row(lut: ModuleType) -> Any:
    """A made-up measurement in which all is well."""
    cells = lut.Cells(50, 20, 3, 1.0)
    accuracy = lut.Accuracy(0.97, 0.95, 0.95, 4, 1)
    return lut.Measured("toy", True, 10, 8, cells, replace(cells, lut=100), 200.0, 51, 1000, 0, 0.1, accuracy)


def weigh(neuron: int, x: IntArray) -> IntArray:
    sums: IntArray = np.clip(x @ np.asarray([3, -2][: x.shape[1]]) + neuron, -4, 3)
    return sums


def test_case_statements_list_every_pattern(networks: ModuleType) -> None:
    """Two signed inputs of two bits: the pattern 0b1101 is 1 and, above it, -1."""
    signed = IntType(2, True)
    layer = Layer("layer", (), signed, 3, IntType(3, True), ((0, 2), (1, 2)), weigh)
    text = networks.case_statements(layer, "plain", [True, True, True, True, False, True])
    assert text.startswith("module plain (\n")
    assert "assign y[4] = 1'b0;" in text
    found = {n: {int(p): int(v) for p, v in re.findall(rf"4'd(\d+): r{n} = \d'd(\d+);", text)} for n in (0, 1)}
    for neuron, cases in found.items():
        assert sorted(cases) == list(range(16))
        for pattern, value in cases.items():
            x = np.asarray([[pattern & 3, pattern >> 2]])
            expected = int(weigh(neuron, np.where(x > 1, x - 4, x))[0]) & 7
            assert value == (expected if neuron == 0 else expected & 1 | expected >> 2 << 1)


def test_a_small_network_is_measured(lut: ModuleType, networks: ModuleType, tmp_path: Path) -> None:
    yosys()
    network = networks.Network("small", (4, 3, 2), 2, 2, 0)
    found = lut.measure(network, tmp_path, plain=True, timeout_s=600)
    assert (found.neurons, found.input_bits, found.differ, found.vectors) == (5, 4, 0, 1000)
    assert 0 < found.ours.lut <= found.plain.lut
    assert found.ours.ff == found.plain.ff
    assert found.ours.ff >= 4 * 2


def test_the_table_and_the_goals(lut: ModuleType, row: Any) -> None:
    table, accuracies = lut.table([row]), lut.accuracies([row, replace(row, accuracy=None)])
    assert len(table.rows[0]) == len(lut.HEADINGS)
    assert len(accuracies.rows) == 1
    assert len(accuracies.rows[0]) == len(lut.ACCURACY_HEADINGS)
    assert lut.goals([row]) == ["toy: 0.50 x case statements (goal: 0.75), 0.25 x the formula (goal: 1)"]
    assert lut.goals([replace(row, plain=None, trained=False)]) == ["toy: not compared, 0.25 x the formula (goal: 1)"]


@pytest.mark.parametrize(("differ", "netlist", "status"), [(0, 0.95, 0), (1, 0.95, 1), (0, 0.94, 1)])
def test_the_verdict(
    lut: ModuleType, row: Any, monkeypatch: pytest.MonkeyPatch, differ: int, netlist: float, status: int
) -> None:
    measured = replace(row, differ=differ, accuracy=replace(row.accuracy, netlist=netlist))
    monkeypatch.setattr(lut, "measure_example", lambda *_: measured)
    assert lut.main(["--only", lut.TRAINED[0]]) == status


def test_layers_of_other_accumulators(accumulators: ModuleType) -> None:
    """The same weights and thresholds; what was trained for 12 bits has them, and the other network needs more."""
    bits = {}
    for name in (accumulators.PLAIN, *accumulators.TRAINED):
        unit, steps, found = accumulators.layer(name, 2, 4)
        bits[name] = unit.accumulator.bits
        wide_unit, wide_steps = accumulators.widened(unit, steps, 32)
        assert (wide_unit.accumulator, wide_steps.input) == (IntType(32, True), IntType(32, True))
        assert np.array_equal(wide_unit.weights, unit.weights)
        assert np.array_equal(wide_steps.thresholds, steps.thresholds)
        assert int(found.exact_bits.max()) == unit.accumulator.bits
    assert bits[accumulators.PLAIN] > 12
    assert max(bits[name] for name in accumulators.TRAINED) <= 12
