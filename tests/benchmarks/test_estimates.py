"""The estimates against what Yosys made of the same kernels, as kept by the benchmark; nothing is synthesised here."""

import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def estimates(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program as a module; it imports its neighbours as `python benchmarks/estimates.py` does."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("estimates")


def test_the_median_error(estimates: ModuleType) -> None:
    lines = (estimates.KEPT / "xc7.jsonl").read_text(encoding="utf-8").splitlines()
    kept = {row["key"]: row["cells"] for row in map(json.loads, lines)}
    known = [sample for sample in estimates.samples(10, 1500) if sample.key in kept]
    # Designs change; where most kernels are new, the benchmark is due again.
    assert len(known) >= 40
    rows = estimates.compared(estimates.FAMILIES["xc7"], known)
    assert estimates._median(row.lut_error for row in rows) <= estimates.MEDIAN_GOAL
    assert estimates._median(row.ff_error for row in rows) <= estimates.MEDIAN_GOAL
    assert sum(not row.blocks_right for row in rows) <= len(rows) // 10
    for row in rows:
        assert abs(row.lut_error) <= 0.6, row.name
    text = estimates.table(rows).plain()
    assert "all fitted" in text
