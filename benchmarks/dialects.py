"""Benchmark of dialects: 8-bit and other networks in each form they come in, and what their requantisation costs.

First table: is every integer right, in the integer graph (1,000 frames, 100 for the largest) and in RTL (10 frames)? Second:
each requantisation to 7 bits and more of these networks, as multiplication and shift against thresholds, by Yosys (7-series, one
channel a cycle). Ends with status 1 when something differs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import generate_int8
from measure import run_qcompile
from spine import README, SHARED, machine, write_into
from table import Table

from qcompile.dataflow.lower import lower
from qcompile.flow.options import Options
from qcompile.flow.prepare import understand
from qcompile.flow.progress import Progress
from qcompile.ir.dataflow import Kernel, Resources
from qcompile.kernels import Thresholding
from qcompile.tools.synthesis import XC7, Module, synthesise
from qcompile.tools.yosys import find_yosys

RTL_FRAMES = 10
LEAST_COUNT = 127
"""Thresholds of 7 bits."""

LUT_GOAL = 5.0
"""Thresholds are to take so many times the LUTs."""


@dataclass(frozen=True, slots=True)
class Case:
    """A model, the dialect that it is measured in (converted to it, where `convert` says so), and how it is compiled."""

    name: str
    dialect: str
    target: str
    interval: int
    frames: int = 1000
    convert: str = ""
    input_type: str = ""

    def options(self) -> list[str]:
        """Of the command line."""
        return ["--input", self.input_type] if self.input_type else []


CASES = (
    Case("kws_dscnn_int8_qdq", "QDQ", "zcu104", 10_000),
    Case("resnet8_int8_qdq", "QDQ", "zcu104", 30_000),
    Case("autoencoder_qdq", "QDQ", "u250", 50_000),
    Case("mobilenet_0.25_96_qdq", "QDQ", "u250", 50_000, frames=100),
    Case("autoencoder_operators", "quantised operators", "u250", 50_000),
    Case("gtsrb_cnn_w2a3", "QCDQ", "zcu104", 1_300, convert="qcdq"),
    Case("tfc_w2a2", "QCDQ", "zcu104", 1_568, convert="qcdq"),
    Case("tfc_w1a1", "QCDQ", "zcu104", 1_568, convert="qcdq"),
    Case("finn_tfc_multithreshold", "MultiThreshold", "zcu104", 1_568),
    Case("minimobilenet_requantshift", "RequantShift", "zcu104", 6_000, input_type="uint8"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """What a run of the command line said of a case."""

    name: str
    dialect: str
    frames: int
    mismatches: int
    ties: int
    rtl_frames: int
    rtl_mismatches: int
    interval: int
    latency: int
    forms: int
    quantisers: int

    @property
    def faults(self) -> tuple[str, ...]:
        """What must never be."""
        if not (self.mismatches or self.rtl_mismatches):
            return ()
        return (f"{self.mismatches} frames differ in the integer graph, {self.rtl_mismatches} in RTL",)


@dataclass(frozen=True, slots=True)
class Requantisation:
    """One layer: bits of its constants, and the resources of three units that compute it, one channel a cycle."""

    name: str
    channels: int
    input_bits: int
    multiplier_bits: int
    addend_bits: int
    shift: int
    half_even: bool
    multiplied: Resources
    multiplied_in_luts: Resources
    searched: Resources
    compared: Resources

    @property
    def ratio(self) -> float:
        """LUTs of comparators, in units of those of the multiplication without DSP blocks."""
        return self.compared.lut / self.multiplied_in_luts.lut


HEADINGS = (
    "model", "dialect", "frames", "differ", "ties", "RTL frames", "differ", "cycles a frame", "latency",
    "as multiplication / to 7 bits and more",
)  # fmt: skip

LAYER_HEADINGS = (
    "layer", "channels", "bits in", "multiplier, bits", "addend, bits", "shift", "ties to even", "LUT + DSP",
    "LUT without DSP", "search, LUT + BRAM", "comparators, LUT", "ratio",
)  # fmt: skip


def table(rows: Sequence[Row]) -> Table:
    """One row a case."""
    cells = [
        (
            row.name, row.dialect, f"{row.frames:,}", str(row.mismatches), str(row.ties), str(row.rtl_frames),
            str(row.rtl_mismatches), f"{row.interval:,}", f"{row.latency:,}", f"{row.forms} / {row.quantisers}",
        )
        for row in rows
    ]  # fmt: skip
    return Table(HEADINGS, tuple(cells))


def layer_table(layers: Sequence[Requantisation]) -> Table:
    """One row a requantisation."""
    cells = [
        (
            layer.name, str(layer.channels), str(layer.input_bits), str(layer.multiplier_bits), str(layer.addend_bits),
            str(layer.shift), "yes" if layer.half_even else "no",
            f"{layer.multiplied.lut:,.0f} + {layer.multiplied.dsp}", f"{layer.multiplied_in_luts.lut:,.0f}",
            f"{layer.searched.lut:,.0f} + {layer.searched.bram18}", f"{layer.compared.lut:,.0f}", f"{layer.ratio:.1f}",
        )
        for layer in layers
    ]  # fmt: skip
    return Table(LAYER_HEADINGS, tuple(cells))


def prepared(case: Case, shared: Path, work: Path) -> Path | None:
    """The model in its dialect; None where it is a shared one that is not there."""
    if case.name in generate_int8.NETWORKS:
        return generate_int8.write(case.name, work)
    source = shared / f"{case.name}.onnx"
    if not source.exists() or not case.convert:
        return source if source.exists() else None
    path = work / f"{case.name}.{case.convert}.onnx"
    converted = run_qcompile(["convert", str(source), "--to", case.convert, "-o", str(path), *case.options()], work)
    if converted.status:
        raise RuntimeError(converted.log)
    return path


def units(path: Path, case: Case) -> list[tuple[str, Thresholding]]:
    """Requantisations to 7 bits and more, one channel a cycle, with the names of their instances."""
    options = Options(path, target=case.target, input_type=case.input_type or None)
    dataflow = lower(understand(options, Progress()).network.integer, "network")
    kernels = [(instance.name, instance.kernel) for instance in dataflow.instances]
    return [(n, replace(k, pe=1)) for n, k in kernels if isinstance(k, Thresholding) and k.count >= LEAST_COUNT]


def measure(case: Case, path: Path, work: Path) -> Row:
    """Compiles with simulation. Raises RuntimeError where the model is refused."""
    arguments = [str(path), "--target", case.target, "--interval", str(case.interval), "--frames", str(case.frames)]
    arguments += ["--rtl-frames", str(RTL_FRAMES), "-o", str(work / "out"), *case.options()]
    spent = run_qcompile(arguments, work / "cache")
    if spent.status == 2:
        raise RuntimeError(spent.log)
    verdict = json.loads(spent.output.splitlines()[-1])
    found = units(path, case)
    return Row(
        case.name,
        case.dialect,
        **{name: verdict[name] for name in ("frames", "mismatches", "ties", "rtl_frames", "rtl_mismatches")},
        interval=verdict["interval"],
        latency=verdict["latency"],
        forms=sum(kernel.form is not None for _, kernel in found),
        quantisers=len(found),
    )


def requantisations(path: Path, case: Case, most: int) -> list[Requantisation]:
    """The first `most` of a model that are multiplications."""
    yosys = find_yosys()

    def cells(kernel: Kernel) -> Resources:
        with tempfile.TemporaryDirectory(prefix="qcompile-synthesis-") as folder:
            return XC7.resources(synthesise(yosys, XC7, Module.of(kernel), Path(folder)))

    found = []
    for name, kernel in [(name, kernel) for name, kernel in units(path, case) if kernel.form is not None][:most]:
        assert kernel.form is not None
        print(f"synthesising {case.name}: {name}", file=sys.stderr)
        unit = kernel.requantised(kernel.form)
        found.append(
            Requantisation(
                f"{case.name}: {name}",
                kernel.channels,
                kernel.input.bits,
                int(max(abs(kernel.form.multipliers))).bit_length() + 1,
                int(max(abs(kernel.form.addends))).bit_length() + 1,
                kernel.form.shift,
                kernel.form.half_even,
                cells(unit),
                cells(replace(unit, res_type="lut")),
                cells(replace(kernel, form=None, style="binary_search")),
                cells(replace(kernel, form=None, style="parallel")),
            )
        )
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints, and returns the exit status."""
    parser = argparse.ArgumentParser(description="Print the tables of dialects and of requantisation.")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    parser.add_argument("--readme", action="store_true", help="write the Markdown tables into README.md too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured to FILE")
    parser.add_argument("--models", type=Path, default=SHARED, metavar="DIR", help="folder of the third-party models")
    parser.add_argument("--only", action="append", metavar="TEXT", help="only cases with TEXT in their name (repeatable)")
    parser.add_argument("--layers", type=int, default=3, metavar="N", help="layers of a model to synthesise (default: 3)")
    given = parser.parse_args(arguments)
    load = os.getloadavg()[0]
    rows: list[Row] = []
    layers: list[Requantisation] = []
    chosen = [case for case in CASES if not given.only or any(text in case.name for text in given.only)]
    if not chosen:
        parser.error("there is no such case")
    with tempfile.TemporaryDirectory(prefix="qcompile-benchmark-") as folder:
        for case in chosen:
            path = prepared(case, given.models, Path(folder))
            if path is None:
                continue
            print(f"measuring {case.name}", file=sys.stderr)
            rows.append(measure(case, path, Path(folder)))
            layers += requantisations(path, case, given.layers)
            if given.json:  # after each, so that a run that is stopped leaves what it found
                content = {"machine": machine(load), "models": [asdict(r) for r in rows], "layers": [asdict(x) for x in layers]}
                given.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    tables = [table(rows), layer_table(layers)]
    print("\n\n".join(found.markdown() if given.markdown else found.plain() for found in tables))
    ratios = [layer.ratio for layer in layers]
    remarks = [machine(load)]
    if ratios:
        remarks.append(f"thresholds take {min(ratios):.1f} to {max(ratios):.1f} times the LUTs (goal: {LUT_GOAL:g})")
    print("\n".join(["", *remarks]))
    if given.readme:
        page = "\n".join([*(f"{found.markdown()}\n" for found in tables), *(f"- {remark}" for remark in remarks)])
        write_into(README, page, "dialects benchmark")
    faults = [f"{row.name}: {fault}" for row in rows for fault in row.faults]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
