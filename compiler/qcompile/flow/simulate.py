"""Rung 2 of the ladder, composed: the bench is built once, run at full speed and with random idle cycles and
back-pressure.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from qcompile.flow.prepare import Prepared
from qcompile.flow.progress import Progress
from qcompile.flow.prove import IntegerProof
from qcompile.flow.vectors import Frames
from qcompile.tools.cache import Cache
from qcompile.tools.prerequisites import find_toolchain
from qcompile.verify.rtl import BulkRun, build_simulator, run_bulk

STALLED_FRAMES = 4
"""Frames that are also sent with the source idle and the sink stalled in some of the cycles."""

PATTERNS = ((60, 0), (0, 70), (35, 35))
"""Percent of cycles in which the source is idle and in which the sink stalls."""


def simulate_rtl(
    prepared: Prepared, frames: Frames, proof: IntegerProof, count: int, folder: Path, work: Path, progress: Progress
) -> BulkRun:
    """The first `count` frames through the RTL of an output folder; mismatches of all runs are in the result."""
    count = min(count, len(frames.inputs[0]))
    dataflow = prepared.dataflow
    streams = (dataflow.inputs, dataflow.outputs)
    inputs = [codes[:count].reshape(count, -1) for codes in frames.codes]
    expected = [codes[:count] for codes in proof.outputs]
    with progress.step("build the simulation"):
        simulator = build_simulator(find_toolchain(), Cache.of_user(), folder, dataflow.name, work)
    with progress.step("simulate the RTL"):
        run = run_bulk(simulator, streams, inputs, expected)
        for seed, (idle, stall) in enumerate(PATTERNS):
            few_in, few_out = ([codes[:STALLED_FRAMES] for codes in group] for group in (inputs, expected))
            stalled = run_bulk(simulator, streams, few_in, few_out, idle, stall, seed + 1)
            run = replace(run, mismatches=(*run.mismatches, *stalled.mismatches))
    return run
