"""Results on standard output, as tables and sentences; progress goes to standard error (`cli/steps.py`)."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from qcompile.cli.steps import Bar, Lines
from qcompile.cli.tables import Row, console, show_catalogue, show_table, show_units
from qcompile.flow.check import Checked
from qcompile.flow.compile import Outcome
from qcompile.flow.convert import Conversion
from qcompile.flow.explore import Exploration
from qcompile.flow.progress import Listener, Silent
from qcompile.ir.errors import CompilerError
from qcompile.report.exploration import HEADINGS, table_cells
from qcompile.report.figures import DesignFigures
from qcompile.report.netlists import LayerFigures
from qcompile.transforms.accumulators import Accumulator


def listener(quiet: bool) -> Listener:
    """Who is told of progress."""
    if quiet:
        return Silent()
    return Bar() if sys.stderr.isatty() else Lines()


def made(figures: DesignFigures, layers: Sequence[LayerFigures], found: Sequence[Accumulator]) -> None:
    """A design, what of it is LUT netlists, and how wide its accumulators are."""
    design(figures)
    netlists(layers)
    accumulators(found)


def design(figures: DesignFigures) -> None:
    """The units, then the whole against the target."""
    out = console()
    speed = f"{figures.frames_per_second:,.0f} frames/s at {figures.clock_mhz:g} MHz"
    rows = [
        Row(r.name, r.kernel, r.settings, r.interval, used.lut, used.ff, used.bram18, used.dsp)
        for r in figures.instances
        for used in (r.resources,)
    ]
    show_units(out, f"{figures.interval:,} cycles a frame, {speed}", rows, figures.bottleneck)
    shares = [
        f"{r.resource} {r.used:,.0f} of {r.available:,} ({r.share:.0%})" for r in figures.resources if r.available
    ]
    out.print("estimated: " + ", ".join(shares), soft_wrap=True)
    buffers = [row.line_buffer for row in figures.instances if row.line_buffer is not None]
    _line_buffers(out, sum(b.bits for b in buffers), sum(b.least_bits for b in buffers))
    products = [(r.name, r.multiplications) for r in figures.instances if r.multiplications is not None]
    _multiplications(out, [(name, m.performed, m.zero_inserted) for name, m in products])
    out.print(
        f"latency: first output after {figures.latency:,} cycles, whole frame after {figures.frame_latency:,}",
    )


def notes(sentences: Sequence[str]) -> None:
    """What the user should know, on standard error."""
    for sentence in sentences:
        print(f"note: {sentence}", file=sys.stderr)


def accumulators(found: Sequence[Accumulator]) -> None:
    """Exact width, the width on the way to the sum, and the bounds of each layer."""
    rows = []
    for a in found:
        widths = (a.exact_bits, a.partial_bits, a.a2q_bits, a.a2q_plus_bits)
        bits = [str(int(width.max())) for width in widths]
        rows.append((a.layer, f"{a.input_type} x {a.weight_type}", str(a.inputs), *bits, str(a.datatype_bits)))
    headings = ("layer", "types", "inputs", "exact", "on the way", "A2Q", "A2Q+", "data types")
    show_table(console(), "accumulators (bits)", headings, rows, 2)


def netlists(layers: Sequence[LayerFigures]) -> None:
    """Each layer of LUT netlists, and the neurons for which one input bit less would save most."""
    if not layers:
        return
    rows = []
    for layer in layers:
        dearest = max(range(len(layer.neurons)), key=lambda n: layer.neurons[n].luts)
        neuron = layer.neurons[dearest]
        rows.append(
            (
                layer.layer,
                str(len(layer.neurons)),
                str(layer.input_bits),
                f"{layer.logicnets_luts:,.0f}",
                f"{layer.luts:,}",
                str(layer.levels),
                f"{dearest}: {neuron.luts} LUT",
                f"-{neuron.saved:,.0f} LUT",
            )
        )
    headings = ("layer", "neurons", "input bits", "LogicNets' formula", "LUT", "levels", "dearest neuron", "1 bit less")
    show_table(console(), "LUT netlists (estimated LUTs)", headings, rows)


def outcome(result: Outcome, quiet: bool) -> None:
    """Notes, and unless `quiet` the design, what was proven, and where the output lies."""
    notes(result.prepared.notes)
    if quiet:
        return
    made(result.figures, result.netlists, result.prepared.understood.accumulators)
    out = console()
    agreement = result.proof.agreement
    out.print(
        f"integer graph: {agreement.exact} of {agreement.frames} frames exact, "
        f"{agreement.compared:,} integers compared",
    )
    if result.proof.tables.tables:
        tables = result.proof.tables
        out.print(f"LUT netlists: {tables.tables} tables exact on all of their {tables.patterns:,} patterns")
    for tie in agreement.ties:
        out.print(f"  float tie: frame {tie.frame}, {tie.elements} elements of '{tie.tensor}'", soft_wrap=True)
    if result.proof.given_compared:
        out.print(f"your own outputs: {result.proof.given_compared} frames compared", soft_wrap=True)
    _rounded(out, result.frames.rounded)
    if result.simulation is None:
        out.print("RTL: not simulated")
    else:
        run = result.simulation
        out.print(
            f"RTL: {run.frames} frames exact, also with idle cycles and back-pressure; "
            f"{run.cycles:,} cycles simulated; "
            f"interval {result.verdict.interval:,} (model {result.figures.interval:,}), latency {run.first_output:,} "
            f"(model {result.figures.latency:,})",
            soft_wrap=True,
        )
    if result.hls is not None:
        out.print(
            f"HLS C++: {result.hls.frames} frames exact; compiled in {result.hls.build_seconds:.1f} s, "
            f"run in {result.hls.seconds:.1f} s",
            soft_wrap=True,
        )
    out.print(f"output: {result.folder}, to look at: {result.folder / 'report.html'}", soft_wrap=True)


def exploration(result: Exploration) -> None:
    """The designs that no other one beats, target by target, and where the rest is."""
    out = console()
    rows = [(p.target, *table_cells(p)[:-1]) for p in result.points if p.best]
    show_table(out, "designs that no other one beats in speed and size", ("target", *HEADINGS[:-1]), rows)
    for name in dict.fromkeys(point.target for point in result.points):
        own = [point for point in result.points if point.target == name]
        if all(point.refusal for point in own):
            out.print(f"{name}: {own[0].refusal}", soft_wrap=True)
    if result.known:
        out.print(f"{result.known} of {result.looked} designs were known from before", soft_wrap=True)
    out.print(f"output: {result.folder}, to look at: {result.folder / 'explore.html'}", soft_wrap=True)


def conversion(result: Conversion) -> None:
    """What was compared, and where the file lies."""
    out = console()
    out.print(
        f"{result.frames - len(result.ties)} of {result.frames} frames exact, {result.compared:,} numbers of "
        f"{result.tensors} quantised tensors compared",
        soft_wrap=True,
    )
    for tie in result.ties:
        out.print(f"  float tie: frame {tie.frame}, {tie.elements} elements of '{tie.tensor}'", soft_wrap=True)
    out.print(f"output: {result.path}", soft_wrap=True)


def checked(result: Checked) -> None:
    """What ran and what did not."""
    out = console()
    for line in result.ran:
        out.print(f"ran: {line}", soft_wrap=True)
    for line in result.skipped:
        out.print(f"skipped: {line}", soft_wrap=True)
    _rounded(out, result.rounded)


def _rounded(out: Console, frames: int) -> None:
    if frames:
        out.print(
            f"note: in {frames} frames x is not representable in the stated input type; it was rounded, the original "
            "model was run on the rounded numbers, and y of these frames was not compared",
            soft_wrap=True,
        )


def faults(sentences: Sequence[str]) -> None:
    """Each on a line of standard error."""
    for sentence in sentences:
        print(f"mismatch: {sentence}", file=sys.stderr)


def report_file(folder: Path) -> None:
    """The tables of a report.json."""
    path = folder / "report.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        rows = content["design"]["instances"]
        resources = content["design"]["resources"]
        verdict = content["verdict"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CompilerError(
            "there is no readable report", str(path), str(error), "give the folder that qcompile wrote"
        ) from error
    shown = [
        Row(r["name"], r["kernel"], r["settings"], r["interval"], used["lut"], used["ff"], used["bram18"], used["dsp"])
        for r in rows
        for used in (r["resources"],)
    ]
    title = f"{content['design']['interval']:,} cycles a frame on {content['target']}"
    out = console()
    show_units(out, title, shown, content["design"]["bottleneck"])
    out.print(
        ", ".join(f"{r['resource']} {r['used']:,} of {r['available']:,}" for r in resources if r["available"]),
        soft_wrap=True,
    )
    buffers = [row["line_buffer"] for row in rows if row.get("line_buffer")]
    _line_buffers(out, sum(b["bits"] for b in buffers), sum(b["least_bits"] for b in buffers))
    products = [(row["name"], row["multiplications"]) for row in rows if row.get("multiplications")]
    _multiplications(out, [(name, m["performed"], m["zero_inserted"]) for name, m in products])
    out.print(", ".join(f"{name} {value:,}" for name, value in verdict.items()), soft_wrap=True)
    if (folder / "report.html").exists():
        out.print(f"as a page: {folder / 'report.html'}", soft_wrap=True)


def _multiplications(out: Console, products: Sequence[tuple[str, int, int]]) -> None:
    """All multiplications of a frame; layers, each with those performed and those with zeros inserted, where these are more."""
    if products:
        out.print(f"multiplications a frame: {sum(performed for _, performed, _ in products):,}")
    for name, performed, inserted in products:
        if inserted > performed:
            out.print(
                f"  {name}: {performed:,}, {inserted / performed:.2f} times as many with zeros inserted", soft_wrap=True
            )


def _line_buffers(out: Console, bits: int, least: int) -> None:
    """What all line buffers hold, against what the algorithm needs; nothing where there are none."""
    if least:
        out.print(f"line buffers: {bits:,} bits, {bits / least:.2f} of the {least:,} that the windows need")


def catalogue(rows: Sequence[tuple[str, ...]]) -> None:
    """A table with the first row as headings."""
    show_catalogue(console(), rows)
