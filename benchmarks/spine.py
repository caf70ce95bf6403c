"""Benchmark of the spine: trained perceptrons from an ONNX file to proven RTL.

For each model: does the integer graph compute what onnxruntime computes, does the RTL compute what the integer graph
computes, do the predicted cycles come true, and what does it cost in time. Ends with status 1 when something differs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from measure import Bench, Measured, Subject
from table import Table

import qcompile
from qcompile.tools.prerequisites import find_toolchain

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "models"
EXAMPLES = ROOT / "examples"
README = ROOT / "README.md"

SHARED_MODELS = ("tfc_w2a2", "tfc_w1a1", "kwsmlp_w3a3", "jettagging", "finn_tfc_multithreshold")
EXAMPLE_MODELS = ("digits_mlp_w2a2", "digits_mlp_w1a1")
INPUT_TYPES = {"jettagging": "fixed<16,6>"}
"""Models whose input is not quantised, and the type that their users give it."""

COMPILE_GOAL_S = 3.0
PROVEN_MODEL, PROVEN_GOAL_S = "tfc_w2a2", 45.0

HEADINGS = (
    "model",
    "frames",
    "differ",
    "float ties",
    "RTL frames",
    "differ",
    "cycles a frame, simulated / model",
    "FINN's formula",
    "latency, simulated / model",
    "compile, CPU s",
    "build and simulate, CPU s",
    "cycles/s",
)


def subjects(shared: Path) -> list[Subject]:
    """The models that are there, in the order of the table."""
    listed = [(name, shared / f"{name}.onnx") for name in SHARED_MODELS]
    listed += [(name, EXAMPLES / name / "model.onnx") for name in EXAMPLE_MODELS]
    return [Subject(name, model, INPUT_TYPES.get(name)) for name, model in listed if model.exists()]


def table(rows: Sequence[Measured]) -> Table:
    """One row a model."""
    return Table(HEADINGS, tuple(_cells(row) for row in rows))


def _cells(row: Measured) -> tuple[str, ...]:
    return (
        row.model,
        f"{row.frames:,}",
        str(row.mismatches),
        str(row.ties),
        f"{row.rtl_frames:,}",
        str(row.rtl_mismatches),
        f"{row.interval:,} / {row.interval_model:,}",
        f"{row.finn_interval:,}",
        f"{row.latency:,} / {row.latency_model:,}",
        f"{row.compile_cpu:.2f}",
        f"{row.simulation_cpu:.1f}",
        f"{row.cycles_per_second:,.0f}",
    )


def goals(rows: Sequence[Measured]) -> list[str]:
    """What was aimed at, and what was reached."""
    exact, frames, ties = (sum(getattr(row, name) for row in rows) for name in ("exact", "frames", "ties"))
    slowest = max(rows, key=lambda row: row.compile_cpu)
    slower = [f"{row.model} ({row.interval:,} for {row.finn_interval:,})" for row in rows if row.excess > 0]
    lines = [
        f"frames exact (goal: all): {exact:,} of {frames:,}, and {ties} float ties of the reference",
        f"CPU seconds to compile (goal: under {COMPILE_GOAL_S:g}): at most {slowest.compile_cpu:.2f}, {slowest.model}",
        f"more cycles a frame than FINN's formula at equal PE and SIMD (goal: none): {', '.join(slower) or 'none'}",
    ]
    for row in rows:
        if row.model == PROVEN_MODEL:
            spent = f"{row.proven_wall:.1f} s, {row.proven_cpu:.1f} s of CPU"
            lines.append(f"proven RTL for {row.model}, run time cached (goal: under {PROVEN_GOAL_S:g} s): {spent}")
    return lines


def machine(load: float) -> str:
    """On what this was measured. `load` is the load average when it began."""
    return (
        f"qcompile {qcompile.__version__}, Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"load average {load:.1f} before and {os.getloadavg()[0]:.1f} after"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints, and returns the exit status."""
    parser = argparse.ArgumentParser(description="Print the table of measurements of the spine.")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    parser.add_argument("--readme", action="store_true", help="write the Markdown table into README.md too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured to FILE")
    parser.add_argument("--frames", type=int, default=1_000, help="frames to prove (default: 1,000)")
    parser.add_argument("--target", default="pynq-z2", help="board (default: pynq-z2)")
    parser.add_argument("--models", type=Path, default=SHARED, metavar="DIR", help="folder of the third-party models")
    parser.add_argument("--only", action="append", metavar="MODEL", help="measure this model only (may be repeated)")
    given = parser.parse_args(arguments)
    chosen = [s for s in subjects(given.models) if not given.only or s.name in given.only]
    if not chosen:
        parser.error("none of the models is there")
    load = os.getloadavg()[0]
    rows, runtime = _measure(chosen, given.target, given.frames)
    about = machine(load)
    remarks = [f"target {given.target}, fastest folding that fits; {about}", *goals(rows)]
    print(table(rows).markdown() if given.markdown else table(rows).plain())
    print("\n".join(["", *remarks]))
    if given.readme:
        write_into(README, "\n".join([table(rows).markdown(), "", *(f"- {remark}" for remark in remarks)]))
    if given.json:
        content = {
            "machine": about,
            "target": given.target,
            "runtime_cpu": runtime,
            "models": [asdict(r) for r in rows],
        }
        given.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    faults = [f"{row.model}: {fault}" for row in rows for fault in row.faults]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def write_into(page: Path, passage: str, name: str = "benchmark") -> None:
    """Replaces what stands between the comments `<!-- name -->` and `<!-- /name -->`."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    page.write_text(f"{before}{begin}{passage}\n{end}{rest.partition(end)[2]}", encoding="utf-8")


def _measure(chosen: Sequence[Subject], target: str, frames: int) -> tuple[list[Measured], float]:
    """A row for each model, and the CPU seconds that Verilator's run time took to compile."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="qcompile-benchmark-") as work:
        bench = Bench(target, frames, find_toolchain(), Path(work) / "cache")
        print("compiling Verilator's run time", file=sys.stderr)
        runtime = bench.warm(chosen[0], Path(work))
        for subject in chosen:
            print(f"measuring {subject.name}", file=sys.stderr)
            folder = Path(work) / subject.name
            folder.mkdir()
            rows.append(bench.measure(subject, folder))
    return rows, runtime


if __name__ == "__main__":
    sys.exit(main())
