"""Rung 2 of the ladder, composed: the bench is built once, run at full speed and with random idle cycles and
back-pressure.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from qcompile.flow.diagnose import diagnose
from qcompile.flow.prepare import Prepared
from qcompile.flow.progress import Progress
from qcompile.flow.prove import IntegerProof
from qcompile.flow.vectors import Frames
from qcompile.tools.cache import Cache
from qcompile.tools.prerequisites import find_toolchain
from qcompile.verify.comparison import Stimulus
from qcompile.verify.rtl import BulkRun, Traffic, build_simulator, run_bulk

STALLED_FRAMES = 4
"""Frames that are also sent with the source idle and the sink stalled in some of the cycles."""

FULL_SPEED = Traffic()
PATTERNS = (Traffic(60, 0, 1), Traffic(0, 70, 2), Traffic(35, 35, 3))


@dataclass(frozen=True, slots=True)
class Simulation:
    """The RTL in simulation: the run with the source that the timing is stated for, the frames that came out wrong in it or
    with another source or stalls, and the first fault in words with where it comes from (empty if there is none).
    """

    full: BulkRun
    wrong: frozenset[int]
    fault: str


def simulate_rtl(
    prepared: Prepared,
    frames: Frames,
    proof: IntegerProof,
    count: int,
    folder: Path,
    waveform: Path,
    progress: Progress,
    work: Path,
) -> Simulation:
    """The first `count` frames through the RTL of an output folder.

    Of a run that goes wrong, `waveform` receives what happened up to the first wrong frame. `work` is an empty folder.
    """
    count = min(count, len(frames.inputs[0]))
    dataflow = prepared.dataflow
    inputs = [codes[:count].reshape(count, -1) for codes in frames.codes]
    stimulus = Stimulus(dataflow.inputs, dataflow.outputs, inputs, [codes[:count] for codes in proof.outputs])
    with progress.step("build the simulation") as step:
        toolchain, compiled = find_toolchain(), step.of("C++ files")
        simulator = build_simulator(toolchain, Cache.of_user(), folder, dataflow.name, work, advance=compiled)
    with progress.step("simulate the RTL") as step:
        few, runs = stimulus.first(STALLED_FRAMES), []
        stated = Traffic(spread=dataflow.interval()) if prepared.source == "steady" else FULL_SPEED
        whole = [stated] if stated == FULL_SPEED else [stated, FULL_SPEED]
        for sent, traffic in (*((stimulus, traffic) for traffic in whole), *((few, traffic) for traffic in PATTERNS)):
            cycles = partial(step.at, total=_cycles(prepared, sent.frames, traffic), what="cycles")
            runs.append((run_bulk(simulator, sent, traffic, advance=cycles), sent, traffic))
        full = runs[0][0]
    wrong = frozenset[int]().union(*(run.wrong for run, _, _ in runs))
    for run, sent, traffic in runs:
        if run.fault:
            with progress.step("look for the fault"):
                return Simulation(full, wrong, diagnose(prepared.dataflow, folder, sent, traffic, run, waveform))
    slow = (_slow(prepared, run) for run, _, traffic in runs if traffic in (stated, FULL_SPEED))
    return Simulation(full, wrong, next(filter(None, slow), ""))


def _cycles(prepared: Prepared, frames: int, traffic: Traffic) -> int:
    """About how many cycles a run takes."""
    pauses = 100 / (100 - max(traffic.idle, traffic.stall))
    return round((prepared.timing.frame_latency + (frames - 1) * prepared.dataflow.interval()) * pauses)


def _slow(prepared: Prepared, run: BulkRun) -> str:
    """The measured interval against the model, once there are frames enough for a steady state."""
    expected = prepared.dataflow.interval()
    if run.frames < 3 + len(prepared.lowered.instances) or run.interval == expected:
        return ""
    return f"a frame takes {run.interval} cycles, the model says {expected}"
