"""Tables and progress on the terminal. Progress goes to standard error, results to standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from qcompile.flow.check import Checked
from qcompile.flow.compile import Outcome
from qcompile.flow.convert import Conversion
from qcompile.flow.progress import Listener, Silent
from qcompile.ir.errors import CompilerError
from qcompile.report.figures import DesignFigures
from qcompile.report.netlists import LayerFigures
from qcompile.transforms.accumulators import Accumulator

WIDTH_IN_LOGS = 140


class _Terminal(Console):
    """A console whose reader may go away."""

    def on_broken_pipe(self) -> None:
        """Leaves it to the command line, as for output that does not come from here."""
        raise BrokenPipeError


def _console() -> Console:
    """Wide enough for the tables where there is no terminal."""
    width = None if sys.stdout.isatty() else WIDTH_IN_LOGS
    return _Terminal(width=width, markup=False, emoji=False, highlight=False)


class Lines:
    """Plain lines for a log: one for each step that took a while or ended."""

    def started(self, step: str) -> None:
        """Nothing: a line a step is enough in a log."""

    def finished(self, step: str, seconds: float) -> None:
        """The step and its time."""
        print(f"[{seconds:7.2f} s] {step}", file=sys.stderr, flush=True)

    def stopped(self) -> None:
        """Nothing: an error message follows."""


class Spinner:
    """A spinner on a terminal while a step runs."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._status = self._console.status("")

    def started(self, step: str) -> None:
        """Shows the step."""
        self._status.update(step)
        self._status.start()

    def finished(self, step: str, seconds: float) -> None:
        """Leaves a line behind."""
        self._status.stop()
        self._console.print(f"[dim][{seconds:7.2f} s][/dim] {step}", highlight=False)

    def stopped(self) -> None:
        """Gives the terminal back."""
        self._status.stop()


def listener(quiet: bool) -> Listener:
    """Who is told of progress."""
    if quiet:
        return Silent()
    return Spinner() if sys.stderr.isatty() else Lines()


def made(figures: DesignFigures, layers: Sequence[LayerFigures], found: Sequence[Accumulator]) -> None:
    """A design, what of it is LUT netlists, and how wide its accumulators are."""
    design(figures)
    netlists(layers)
    accumulators(found)


def design(figures: DesignFigures) -> None:
    """Instances, then the whole against the target."""
    speed = f"{figures.frames_per_second:,.0f} frames/s at {figures.clock_mhz:g} MHz"
    table = Table(title=f"{figures.interval:,} cycles a frame, {speed}")
    for heading, justify in (
        ("instance", "left"),
        ("folding", "left"),
        ("cycles", "right"),
        ("LUT", "right"),
        ("FF", "right"),
    ):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for heading in ("BRAM", "DSP"):
        table.add_column(heading, justify="right")
    for row in figures.instances:
        folding = " ".join(f"{k}={v}" for k, v in row.settings.items() if v != "auto")
        mark = " <- bottleneck" if row.name == figures.bottleneck else ""
        used = row.resources
        table.add_row(
            row.name + mark,
            folding,
            f"{row.interval:,}",
            f"{used.lut:,.0f}",
            f"{used.ff:,.0f}",
            str(used.bram18),
            str(used.dsp),
        )
    console = _console()
    console.print(table)
    shares = [
        f"{r.resource} {r.used:,.0f} of {r.available:,} ({r.share:.0%})" for r in figures.resources if r.available
    ]
    console.print("estimated: " + ", ".join(shares), soft_wrap=True)
    buffers = [row.line_buffer for row in figures.instances if row.line_buffer is not None]
    _line_buffers(console, sum(b.bits for b in buffers), sum(b.least_bits for b in buffers))
    products = [(r.name, r.multiplications) for r in figures.instances if r.multiplications is not None]
    _multiplications(console, [(name, m.performed, m.zero_inserted) for name, m in products])
    console.print(
        f"latency: first output after {figures.latency:,} cycles, whole frame after {figures.frame_latency:,}",
    )


def notes(sentences: Sequence[str]) -> None:
    """What the user should know, on standard error."""
    for sentence in sentences:
        print(f"note: {sentence}", file=sys.stderr)


def accumulators(found: Sequence[Accumulator]) -> None:
    """Exact width, the width on the way to the sum, and the bounds of each layer."""
    table = Table(title="accumulators (bits)")
    for heading in ("layer", "inputs", "types", "exact", "on the way", "A2Q", "A2Q+", "data types"):
        table.add_column(heading, justify="left" if heading in ("layer", "types") else "right")
    for a in found:
        types = f"{a.input_type} x {a.weight_type}"
        widths = (a.exact_bits, a.partial_bits, a.a2q_bits, a.a2q_plus_bits)
        bits = [str(int(width.max())) for width in widths]
        table.add_row(a.layer, str(a.inputs), types, *bits, str(a.datatype_bits))
    _console().print(table)


def netlists(layers: Sequence[LayerFigures]) -> None:
    """Each layer of LUT netlists, and the neurons for which one input bit less would save most."""
    if not layers:
        return
    table = Table(title="LUT netlists (estimated LUTs)")
    for heading in ("layer", "neurons", "input bits", "LogicNets' formula", "LUT", "levels", "dearest neuron", "1 bit less"):
        table.add_column(heading, justify="left" if heading == "layer" else "right")
    for layer in layers:
        dearest = max(range(len(layer.neurons)), key=lambda n: layer.neurons[n].luts)
        neuron = layer.neurons[dearest]
        table.add_row(
            layer.layer,
            str(len(layer.neurons)),
            str(layer.input_bits),
            f"{layer.logicnets_luts:,.0f}",
            f"{layer.luts:,}",
            str(layer.levels),
            f"{dearest}: {neuron.luts} LUT",
            f"-{neuron.saved:,.0f} LUT",
        )
    _console().print(table)


def outcome(result: Outcome, quiet: bool) -> None:
    """Notes, and unless `quiet` the design, what was proven, and where the output lies."""
    notes(result.prepared.notes)
    if quiet:
        return
    made(result.figures, result.netlists, result.prepared.understood.accumulators)
    console = _console()
    agreement = result.proof.agreement
    console.print(
        f"integer graph: {agreement.exact} of {agreement.frames} frames exact, "
        f"{agreement.compared:,} integers compared",
    )
    if result.proof.tables.tables:
        tables = result.proof.tables
        console.print(f"LUT netlists: {tables.tables} tables exact on all of their {tables.patterns:,} patterns")
    for tie in agreement.ties:
        console.print(f"  float tie: frame {tie.frame}, {tie.elements} elements of '{tie.tensor}'", soft_wrap=True)
    if result.proof.given_compared:
        console.print(f"your own outputs: {result.proof.given_compared} frames compared", soft_wrap=True)
    _rounded(console, result.frames.rounded)
    if result.simulation is None:
        console.print("RTL: not simulated")
    else:
        run = result.simulation
        console.print(
            f"RTL: {run.frames} frames exact, also with idle cycles and back-pressure; "
            f"{run.cycles:,} cycles simulated; "
            f"interval {result.verdict.interval:,} (model {result.figures.interval:,}), latency {run.first_output:,} "
            f"(model {result.figures.latency:,})",
            soft_wrap=True,
        )
    if result.hls is not None:
        console.print(
            f"HLS C++: {result.hls.frames} frames exact; compiled in {result.hls.build_seconds:.1f} s, "
            f"run in {result.hls.seconds:.1f} s",
            soft_wrap=True,
        )
    console.print(f"output: {result.folder}, to look at: {result.folder / 'report.html'}", soft_wrap=True)


def conversion(result: Conversion) -> None:
    """What was compared, and where the file lies."""
    console = _console()
    console.print(
        f"{result.frames - len(result.ties)} of {result.frames} frames exact, {result.compared:,} numbers of "
        f"{result.tensors} quantised tensors compared",
        soft_wrap=True,
    )
    for tie in result.ties:
        console.print(f"  float tie: frame {tie.frame}, {tie.elements} elements of '{tie.tensor}'", soft_wrap=True)
    console.print(f"output: {result.path}", soft_wrap=True)


def checked(result: Checked) -> None:
    """What ran and what did not."""
    console = _console()
    for line in result.ran:
        console.print(f"ran: {line}", soft_wrap=True)
    for line in result.skipped:
        console.print(f"skipped: {line}", soft_wrap=True)
    _rounded(console, result.rounded)


def _rounded(console: Console, frames: int) -> None:
    if frames:
        console.print(
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
    table = Table(title=f"{content['design']['interval']:,} cycles a frame on {content['target']}")
    for heading in ("instance", "kernel", "cycles", "multiplications", "LUT", "BRAM", "DSP"):
        table.add_column(heading, justify="left" if heading in ("instance", "kernel") else "right")
    for row in rows:
        used = row["resources"]
        table.add_row(
            row["name"],
            row["kernel"],
            f"{row['interval']:,}",
            f"{row['multiplications']['performed']:,}" if row.get("multiplications") else "",
            f"{used['lut']:,.0f}",
            str(used["bram18"]),
            str(used["dsp"]),
        )
    console = _console()
    console.print(table)
    console.print(
        ", ".join(f"{r['resource']} {r['used']:,} of {r['available']:,}" for r in resources if r["available"]),
        soft_wrap=True,
    )
    buffers = [row["line_buffer"] for row in rows if row.get("line_buffer")]
    _line_buffers(console, sum(b["bits"] for b in buffers), sum(b["least_bits"] for b in buffers))
    products = [(row["name"], row["multiplications"]) for row in rows if row.get("multiplications")]
    _multiplications(console, [(name, m["performed"], m["zero_inserted"]) for name, m in products])
    console.print(", ".join(f"{name} {value:,}" for name, value in verdict.items()), soft_wrap=True)
    if (folder / "report.html").exists():
        console.print(f"as a page: {folder / 'report.html'}", soft_wrap=True)


def _multiplications(console: Console, products: Sequence[tuple[str, int, int]]) -> None:
    """All multiplications of a frame; layers, each with those performed and those with zeros inserted, where these are more."""
    if products:
        console.print(f"multiplications a frame: {sum(performed for _, performed, _ in products):,}")
    for name, performed, inserted in products:
        if inserted > performed:
            console.print(
                f"  {name}: {performed:,}, {inserted / performed:.2f} times as many with zeros inserted", soft_wrap=True
            )


def _line_buffers(console: Console, bits: int, least: int) -> None:
    """What all line buffers hold, against what the algorithm needs; nothing where there are none."""
    if least:
        console.print(f"line buffers: {bits:,} bits, {bits / least:.2f} of the {least:,} that the windows need")


def catalogue(rows: Sequence[tuple[str, ...]]) -> None:
    """A table with the first row as headings."""
    table = Table()
    for heading in rows[0]:
        table.add_column(heading)
    for row in rows[1:]:
        table.add_row(*(cell for cell in row))
    _console().print(table)
