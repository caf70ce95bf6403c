"""After a mismatch in simulation: the same run once more with every inner stream and every signal recorded."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from qcompile.codegen.top import render_taps
from qcompile.ir.dataflow import Dataflow
from qcompile.ir.errors import CompilerError
from qcompile.tools.cache import Cache
from qcompile.tools.prerequisites import find_toolchain
from qcompile.verify.comparison import Stimulus
from qcompile.verify.locate import locate, read_taps
from qcompile.verify.rtl import TAPS, BulkRun, Traffic, build_simulator, run_bulk


def diagnose(
    dataflow: Dataflow, folder: Path, stimulus: Stimulus, traffic: Traffic, run: BulkRun, waveform: Path
) -> str:
    """The fault of a run in words: what differs at the output, which instance is the first to go wrong, and where the
    waveform of all up to the first wrong frame lies.
    """
    lines = [run.fault]
    stop = min(run.wrong, default=0) + 1
    with tempfile.TemporaryDirectory(prefix="qcompile-") as work:
        vcd = Path(work) / "waves.vcd"
        try:
            lines.append(_traced(dataflow, folder, stimulus, traffic, stop, vcd, Path(work)))
        except CompilerError as error:
            lines.append(f"the run could not be repeated with a recorder: {error}")
        if vcd.exists():
            try:
                shutil.move(vcd, waveform)
                lines.append(f"waveform: {waveform}")
            except OSError as error:
                lines.append(f"the waveform could not be written to {waveform}: {error.strerror or error}")
    return "\n  ".join(lines)


def _traced(
    dataflow: Dataflow, folder: Path, stimulus: Stimulus, traffic: Traffic, stop: int, vcd: Path, work: Path
) -> str:
    """Repeats a run with recorders; which instance goes wrong first.

    An edited top level may lack the streams that the recorder of beats is tied to: then only the waveform is recorded.
    """
    toolchain, cache = find_toolchain(), Cache.of_user()
    try:
        simulator = build_simulator(toolchain, cache, folder, dataflow.name, work, render_taps(dataflow))
    except CompilerError:
        simulator = build_simulator(toolchain, cache, folder, dataflow.name, work, "")
    run = run_bulk(simulator, stimulus, traffic, (stop, vcd))
    recorded = simulator.place / TAPS
    if not recorded.exists():
        return "the inner streams of this top level are not those that qcompile made, so no instance can be named"
    taps = read_taps(recorded, [channel.source for channel in dataflow.channels])
    return locate(dataflow, stimulus.inputs, taps, run.stuck)
