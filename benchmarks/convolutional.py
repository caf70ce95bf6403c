"""Benchmark of convolutional networks: third-party models, the examples, CNV and MobileNetV1 with generated weights.

For each: are all integers right, in the integer graph and in RTL; do the predicted cycles come true, and how far are they
from what the topology allows; how busy are the multipliers; what do the line buffers hold; what does compiling cost. Ends
with status 1 when something differs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import generate
from design import DesignFigures, design_figures
from measure import run_qcompile
from spine import EXAMPLES, README, SHARED, machine, write_into
from table import Table

from qcompile.flow.options import Options
from qcompile.flow.prepare import prepare
from qcompile.flow.progress import Progress

FOLDINGS = Path(__file__).parent / "foldings"

FRAMES, RTL_FRAMES = 64, 16
CNV_RTL_FRAMES = 3

EFFICIENCY_GOAL, LATENCY_GOAL = 0.90, 2.0
CNV_COMPILE_GOAL_S, CNV_MEMORY_GOAL_MIB, CNV_PROVEN_GOAL_S = 10.0, 2048, 120.0
MOBILENET_COMPILE_GOAL_S, MOBILENET_MEMORY_GOAL_MIB = 60.0, 4096


@dataclass(frozen=True, slots=True)
class Case:
    """A model and how it is compiled; `frames` and `rtl_frames` are proven and simulated."""

    name: str
    model: Path
    target: str
    frames: int = FRAMES
    rtl_frames: int = RTL_FRAMES
    folding: Path | None = None
    interval: int | None = None
    latency: int | None = None
    input_type: str | None = None

    @property
    def arguments(self) -> list[str]:
        """Options of the command line."""
        found = ["--target", self.target, "--frames", str(self.frames)]
        found += ["--folding", str(self.folding)] if self.folding else []
        found += ["--input", self.input_type, "--input-scale", "1"] if self.input_type else []
        found += ["--latency", str(self.latency)] if self.latency else []
        return found + (["--interval", str(self.interval)] if self.interval else [])


SHARED_CASES = (
    ("gtsrb_cnn_w2a3", "pynq-z2", None, RTL_FRAMES),
    ("espcn_nnresize", "zcu104", 2_000_000, 1),
    ("tiny_unet_channels_last", "u250", 20_000_000, 0),
    ("resnet8_int8_qdq", "zcu104", 30_000, 3),
    ("kws_dscnn_int8_qdq", "zcu104", 10_000, 3),
    ("minimobilenet_requantshift", "zcu104", 100_000, 3),
)
"""Convolutional models of third parties: name, target, the interval where the fastest design is not asked for, frames of RTL.
"""

INPUT_TYPES = {"minimobilenet_requantshift": "uint8"}
"""Types of inputs that a model does not quantise, of scale 1."""

EXAMPLE_INTERVAL = 600


def cases(shared: Path, work: Path) -> list[Case]:
    """All there are, in the order of the table. Generated models are written when they are measured, into `work`."""
    found = [
        Case(
            name,
            shared / f"{name}.onnx",
            target,
            rtl_frames=frames,
            interval=interval,
            input_type=INPUT_TYPES.get(name),
        )
        for name, target, interval, frames in SHARED_CASES
        if (shared / f"{name}.onnx").exists()
    ]
    names = sorted(path.parent.name for path in EXAMPLES.glob("*/model.onnx") if "_mlp_" not in path.parent.name)
    found += [Case(n, EXAMPLES / n / "model.onnx", "pynq-z2", interval=EXAMPLE_INTERVAL) for n in names]
    finn, tail = FOLDINGS / "cnv_finn.json", FOLDINGS / "cnv_short_tail.json"
    found += [
        Case("cnv_w1a1, FINN's folding", work / "cnv_w1a1.onnx", "pynq-z1", FRAMES, CNV_RTL_FRAMES, finn),
        Case("cnv_w1a1, short tail", work / "cnv_w1a1.onnx", "pynq-z1", FRAMES, CNV_RTL_FRAMES, tail),
        Case("cnv_w1a1, 28,800 cycles", work / "cnv_w1a1.onnx", "pynq-z1", FRAMES, CNV_RTL_FRAMES, None, 28_800),
        Case("cnv_w1a1, --latency", work / "cnv_w1a1.onnx", "pynq-z1", FRAMES, CNV_RTL_FRAMES, None, 28_800, 57_600),
        Case("cnv_w1a2, FINN's folding", work / "cnv_w1a2.onnx", "zcu104", FRAMES, CNV_RTL_FRAMES, finn),
        Case("cnv_w2a2, FINN's folding", work / "cnv_w2a2.onnx", "zcu104", FRAMES, CNV_RTL_FRAMES, finn),
        Case("mobilenet_0.25_96", work / "mobilenet_0.25_96.onnx", "zcu104", 16, 3, None, 50_000),
        Case("mobilenet_1.0_224", work / "mobilenet_1.0_224.onnx", "u250", 4, 0),
    ]
    return found


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table; seconds are of CPU, memory is the peak in MiB. `figures` are those of the design."""

    name: str
    frames: int
    mismatches: int
    ties: int
    rtl_frames: int
    rtl_mismatches: int
    interval: int
    latency: int
    figures: DesignFigures
    compile_cpu: float
    compile_memory: float
    proven_cpu: float

    @property
    def efficiency(self) -> float:
        """Useful multiplications, of those that the multipliers could do in an interval."""
        return self.figures.useful / (self.figures.lanes * self.interval)

    @property
    def faults(self) -> tuple[str, ...]:
        """What must never be."""
        found = []
        if self.mismatches or self.rtl_mismatches:
            found.append(f"{self.mismatches} frames differ in the integer graph, {self.rtl_mismatches} in RTL")
        for what, simulated, model in (
            ("a frame takes", self.interval, self.figures.interval),
            ("the first output comes after", self.latency, self.figures.latency),
        ):
            if simulated != model:
                found.append(f"{what} {simulated} cycles, the model says {model}")
        return tuple(found)


HEADINGS = (
    "model",
    "frames",
    "differ",
    "ties",
    "RTL frames",
    "differ",
    "cycles a frame, simulated / model",
    "latency, simulated / model / bound",
    "multiplications, performed / useful",
    "MACs / (lanes x cycles)",
    "line buffers, bits / minimum",
    "compile, CPU s",
    "MiB",
)


def table(rows: Sequence[Row]) -> Table:
    """One row a case."""
    return Table(HEADINGS, tuple(_cells(row) for row in rows))


def _cells(row: Row) -> tuple[str, ...]:
    figures = row.figures
    simulated = bool(row.rtl_frames)
    return (
        row.name,
        str(row.frames),
        str(row.mismatches),
        str(row.ties),
        str(row.rtl_frames),
        str(row.rtl_mismatches) if simulated else "-",
        f"{f'{row.interval:,}' if simulated else '-'} / {figures.interval:,}",
        f"{f'{row.latency:,}' if simulated else '-'} / {figures.latency:,} / {figures.latency_bound:,}",
        f"{figures.performed / figures.useful:.2f}",
        f"{row.efficiency:.2f}",
        f"{figures.buffer_bits / figures.least_buffer_bits:.2f}" if figures.least_buffer_bits else "-",
        f"{row.compile_cpu:.1f}",
        f"{row.compile_memory:,.0f}",
    )


def goals(rows: Sequence[Row]) -> list[str]:
    """What was aimed at, and what was reached."""
    lines = []
    for row in rows:
        if row.name.startswith("cnv_w1a1"):
            lines.append(
                f"{row.name}: MACs / (lanes x cycles) {row.efficiency:.2f} (goal: {EFFICIENCY_GOAL:.2f}); first output after "
                f"{row.latency / row.interval:.2f} intervals (goal: {LATENCY_GOAL}); compile {row.compile_cpu:.1f} s of "
                f"CPU, {row.compile_memory:,.0f} MiB (goals: {CNV_COMPILE_GOAL_S:g} s, {CNV_MEMORY_GOAL_MIB:,} MiB); with "
                f"{row.rtl_frames} frames of RTL {row.proven_cpu:.0f} s (goal: {CNV_PROVEN_GOAL_S:g} s)"
            )
        elif row.name == "mobilenet_1.0_224":
            lines.append(
                f"{row.name}: compile {row.compile_cpu:.1f} s of CPU, {row.compile_memory:,.0f} MiB (goals: "
                f"{MOBILENET_COMPILE_GOAL_S:g} s, {MOBILENET_MEMORY_GOAL_MIB:,} MiB)"
            )
    return lines


def measure(case: Case, work: Path) -> Row | str:
    """A row, or why the model is refused."""
    if case.model.stem in generate.NETWORKS and not case.model.exists():
        generate.write(case.model.stem, case.model.parent)
    compiled = run_qcompile(
        [str(case.model), *case.arguments, "--no-sim", "-o", str(work / "compiled")], work / "cache"
    )
    if compiled.status == 2:
        return next((line.strip(" -") for line in compiled.log.splitlines() if line.startswith("    - ")), compiled.log)
    simulated = compiled
    if case.rtl_frames:
        rtl = ["--rtl-frames", str(case.rtl_frames), "-o", str(work / "proven")]
        simulated = run_qcompile([str(case.model), *case.arguments, *rtl], work / "cache")
    verdict = json.loads(simulated.output.splitlines()[-1])
    options = Options(
        case.model,
        target=case.target,
        folding=case.folding,
        interval=case.interval,
        latency=case.latency,
        input_type=case.input_type,
        input_scale=1.0 if case.input_type else None,
    )
    return Row(
        case.name,
        **{key: verdict[key] for key in ("frames", "mismatches", "ties", "rtl_frames", "rtl_mismatches")},
        interval=verdict["interval"],
        latency=verdict["latency"],
        figures=design_figures(prepare(options, Progress())),
        compile_cpu=compiled.cpu,
        compile_memory=compiled.memory,
        proven_cpu=simulated.cpu,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints, and returns the exit status."""
    parser = argparse.ArgumentParser(description="Print the table of measurements of convolutional networks.")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    parser.add_argument("--readme", action="store_true", help="write the Markdown table into README.md too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured to FILE")
    parser.add_argument("--models", type=Path, default=SHARED, metavar="DIR", help="folder of the third-party models")
    parser.add_argument(
        "--only", action="append", metavar="TEXT", help="only cases with TEXT in their name (repeatable)"
    )
    given = parser.parse_args(arguments)
    load = os.getloadavg()[0]
    rows: list[Row] = []
    refused: list[str] = []
    with tempfile.TemporaryDirectory(prefix="qcompile-benchmark-") as folder:
        chosen = [
            case
            for case in cases(given.models, Path(folder))
            if not given.only or any(text in case.name for text in given.only)
        ]
        if not chosen:
            parser.error("there is no such case")
        for case in chosen:
            print(f"measuring {case.name}", file=sys.stderr)
            result = measure(case, Path(folder))
            if isinstance(result, Row):
                rows.append(result)
            else:
                refused.append(f"{case.name} is refused: {result}")
            if given.json:  # after each, so that a run that is stopped leaves what it found
                content = {"machine": machine(load), "models": [asdict(row) for row in rows], "refused": refused}
                given.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    print(table(rows).markdown() if given.markdown else table(rows).plain())
    remarks = [machine(load), *goals(rows), *refused]
    print("\n".join(["", *remarks]))
    if given.readme:
        page = "\n".join([table(rows).markdown(), "", *(f"- {remark}" for remark in remarks)])
        write_into(README, page, "convolutional benchmark")
    faults = [f"{row.name}: {fault}" for row in rows for fault in row.faults]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
