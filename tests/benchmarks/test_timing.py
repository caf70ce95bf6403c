"""The benchmark of the timing model: its designs, its bits, its verdict."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from qcompile.dataflow.join import join
from qcompile.ir.dataflow import Schedule, steps

from ..dataflow.toys import Toy, stream
from ..support.dataflows import chain

ROOT = Path(__file__).parents[2]


@pytest.fixture
def timing(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program as a module; it imports its neighbours as `python benchmarks/timing.py` does."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("timing")


def test_three_speeds_and_smaller_fifos(timing: ModuleType, tmp_path: Path) -> None:
    network = timing.Network("power", ROOT / "examples" / "power_conv1d_w4a4" / "model.onnx")
    rows = timing.rows_of(network, False, tmp_path)
    assert [row.interval for row in rows] == sorted({row.interval for row in rows})
    assert len(rows) == 3
    assert all(row.simulated_latency is None and row.faults == () for row in rows)
    assert rows[-1].fifo_bits < rows[-1].waiting_bits
    assert "- / " in timing.table(rows).plain()


def test_other_cycles_are_a_fault(timing: ModuleType) -> None:
    row = timing.Row("net", 100, 100, 250, 250, 0, 0, 0, 0.1, 50.0)
    assert row.faults == ()
    assert replace(row, simulated_interval=101).faults == ("net: interval 101, the model says 100",)
    assert replace(row, simulated_latency=249).faults == ("net: latency 249, the model says 250",)


def test_bits_that_wait_in_front_of_a_slow_kernel(timing: ModuleType) -> None:
    """12 beats of 4 bits come a beat a cycle and leave a beat every tenth."""
    fast = Toy((stream(1),), (stream(1),), Schedule(12, (steps(12),), (steps(12),), 1))
    slow = Toy((stream(1),), (stream(1),), Schedule(120, (steps(12, 10),), (steps(12, 10),), 1))
    joined = join(chain([fast, slow]))
    # In the cycle in which the last beat enters the output register, only the first one is gone.
    assert timing.waiting_bits(joined) == 4 * 11


def test_each_model_is_measured_once(timing: ModuleType, tmp_path: Path) -> None:
    found = timing.networks(tmp_path, tmp_path)
    assert len({network.model for network in found}) == len(found) > 8
