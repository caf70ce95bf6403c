"""Benchmark of the timing model: every shared model, every example and the generated networks at three speeds.

For each: cycles a frame and first output, simulated in RTL against the model; bits of all FIFOs, and how many there would be
if the image waited in front of the slow layers, as depths for an unthrottled source have it; seconds of CPU and memory that
FIFO sizing takes. Ends with status 1 where simulation and model differ.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import generate
from convolutional import cases
from measure import run_qcompile
from spine import SHARED, machine, subjects
from table import Table

from qcompile.dataflow.buffers import insert_fifos
from qcompile.dataflow.join import join
from qcompile.dataflow.timing import Way, settled
from qcompile.flow.options import Options
from qcompile.flow.prepare import Prepared, prepare
from qcompile.flow.progress import Progress
from qcompile.ir.dataflow import Dataflow
from qcompile.ir.errors import CompilerError
from qcompile.kernels import Fifo

TARGET = "pynq-z2"
SLOWER = (1, 8, 64)
"""Multiples of the shortest interval that fits the target."""

SIMULATED = 4_000_000
"""Cycles of RTL beyond which a design is not simulated."""

RTL_FRAMES = 8


@dataclass(frozen=True, slots=True)
class Network:
    """A model; with `target` it is compiled for that, at an interval of at least `interval` cycles."""

    name: str
    model: Path
    target: str = TARGET
    input_type: str | None = None
    interval: int | None = None

    def options(self, interval: int | None) -> Options:
        """What the compiler is asked for."""
        scale = None if self.input_type is None or "fixed" in self.input_type else 1.0
        return Options(self.model, self.target, input_type=self.input_type, input_scale=scale, interval=interval)


def networks(shared: Path, work: Path) -> list[Network]:
    """All there are; each model once."""
    found = [Network(s.name, s.model, TARGET, s.input_type) for s in subjects(shared)]
    known = {network.model for network in found}
    for case in cases(shared, work):
        if case.model not in known:
            known.add(case.model)
            fixed = case.interval if case.rtl_frames < 3 else None
            found.append(Network(case.name.partition(",")[0], case.model, case.target, case.input_type, fixed))
    return found


@dataclass(frozen=True, slots=True)
class Row:
    """One design; simulated cycles are None where it was not simulated, memory is the peak of the process in MiB."""

    name: str
    interval: int
    simulated_interval: int | None
    latency: int
    simulated_latency: int | None
    fifos: int
    fifo_bits: int
    waiting_bits: int
    sizing_cpu: float
    memory: float

    @property
    def faults(self) -> tuple[str, ...]:
        """Where the simulation is not what the model says."""
        pairs = (("interval", self.simulated_interval, self.interval), ("latency", self.simulated_latency, self.latency))
        return tuple(
            f"{self.name}: {what} {simulated}, the model says {model}"
            for what, simulated, model in pairs
            if simulated not in (None, model)
        )


HEADINGS = (
    "model",
    "cycles a frame, simulated / model",
    "latency, simulated / model",
    "FIFOs",
    "bits",
    "bits that wait unthrottled",
    "sizing, CPU s",
    "MiB",
)


def table(rows: Sequence[Row]) -> Table:
    """One row a design."""
    return Table(HEADINGS, tuple(_cells(row) for row in rows))


def _cells(row: Row) -> tuple[str, ...]:
    def shown(simulated: int | None, model: int) -> str:
        return f"{'-' if simulated is None else f'{simulated:,}'} / {model:,}"

    return (
        row.name,
        shown(row.simulated_interval, row.interval),
        shown(row.simulated_latency, row.latency),
        str(row.fifos),
        f"{row.fifo_bits:,}",
        f"{row.waiting_bits:,}",
        f"{row.sizing_cpu:.2f}",
        f"{row.memory:,.0f}",
    )


def measure(network: Network, interval: int | None, simulate: bool, cache: Path) -> Row:
    """A design of a network, at an interval of its own choice for None."""
    options = network.options(interval)
    prepared = prepare(options, Progress())
    started = time.process_time()
    buffered = insert_fifos(join(prepared.lowered))
    cpu = time.process_time() - started
    found = [i.kernel for i in buffered.instances if isinstance(i.kernel, Fifo)]
    cycles = prepared.dataflow.interval()
    verdict = None
    if simulate and cycles * RTL_FRAMES <= SIMULATED:
        verdict = _simulated(network, prepared, interval, cache)
    return Row(
        network.name,
        cycles,
        None if verdict is None else verdict[0],
        prepared.timing.first_output,
        None if verdict is None else verdict[1],
        len(found),
        sum(fifo.depth * fifo.stream.bits for fifo in found),
        waiting_bits(join(prepared.lowered)),
        cpu,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def waiting_bits(joined: Dataflow) -> int:
    """Bits of all beats that wait between kernels, at the most, if every frame rushes in at full speed."""
    inner = [c for c in joined.channels if c.source.instance is not None and c.sink.instance is not None]
    timing = settled(joined, ways={c.sink: Way(c.source, (1,)) for c in inner})
    most = {c.sink: timing.waits[c.sink].most[0] for c in inner}
    # Two beats have their place in the output register.
    return sum(c.stream.bits * most[c.sink] for c in inner if most[c.sink] > 2)


def _simulated(network: Network, prepared: Prepared, interval: int | None, cache: Path) -> tuple[int, int]:
    """Interval and latency of the RTL, from the command line."""
    frames = max(RTL_FRAMES, 3 + prepared.timing.first_output // prepared.dataflow.interval())
    options = network.options(interval)
    arguments = [str(network.model), "--target", network.target, "--rtl-frames", str(frames), "--frames", str(frames)]
    arguments += ["--interval", str(interval)] if interval is not None else []
    arguments += ["--input", options.input_type] if options.input_type else []
    arguments += ["--input-scale", str(options.input_scale)] if options.input_scale else []
    spent = run_qcompile([*arguments, "-o", str(cache / "design")], cache)
    verdict = json.loads(spent.output.splitlines()[-1])
    return verdict["interval"], verdict["latency"]


def rows_of(network: Network, simulate: bool, cache: Path) -> list[Row]:
    """Three designs: the fastest that fits, and slower ones."""
    if network.model.stem in generate.NETWORKS and not network.model.exists():
        generate.write(network.model.stem, network.model.parent)
    rows = [measure(network, network.interval, simulate, cache)]
    # What is as fast as the one before is not shown again: a network has a slowest folding.
    for times in SLOWER[1:]:
        slower = measure(network, rows[0].interval * times, simulate, cache)
        rows += [slower] if slower.interval > rows[-1].interval else []
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints, and returns the exit status."""
    parser = argparse.ArgumentParser(description="Print the table of the timing model.")
    parser.add_argument("--models", type=Path, default=SHARED, metavar="DIR", help="folder of the third-party models")
    parser.add_argument("--only", action="append", metavar="TEXT", help="only models with TEXT in their name (repeatable)")
    parser.add_argument("--no-sim", action="store_true", help="do not simulate")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    given = parser.parse_args(arguments)
    load, rows = os.getloadavg()[0], []
    with tempfile.TemporaryDirectory(prefix="qcompile-benchmark-") as folder:
        for network in networks(given.models, Path(folder)):
            if given.only and not any(text in network.name for text in given.only):
                continue
            print(f"measuring {network.name}", file=sys.stderr)
            try:
                rows += rows_of(network, not given.no_sim, Path(folder))
            except CompilerError as error:
                print(f"{network.name} is refused: {error}", file=sys.stderr)
    print(table(rows).markdown() if given.markdown else table(rows).plain())
    print(f"\n{machine(load)}")
    faults = [fault for row in rows for fault in row.faults]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
