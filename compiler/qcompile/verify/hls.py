"""Rung 3: the generated HLS C++, compiled with g++ and the vendor's open headers, against the integer graph."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qcompile.ir.errors import CompilerError
from qcompile.tools.command import run
from qcompile.tools.hls_compiler import HlsProgram
from qcompile.verify.comparison import Stimulus, compare_frames, write_frames

RUN_TIMEOUT_S = 3600.0

DIFFERS = 1
"""Exit code of the test bench where something else came out."""


@dataclass(frozen=True, slots=True)
class HlsRun:
    """A run of so many frames: those that came out wrong, or not at all, the first fault in words (empty if there is none),
    and how long compiler and program took.
    """

    frames: int
    wrong: frozenset[int]
    fault: str
    build_seconds: float
    seconds: float


def run_hls(program: HlsProgram, stimulus: Stimulus) -> HlsRun:
    """Sends frames through the C++. Raises CompilerError when the test bench itself cannot run."""
    with tempfile.TemporaryDirectory(prefix="qcompile-") as work:
        vectors, received = Path(work) / "vectors", Path(work) / "received"
        for folder in (vectors, received):
            folder.mkdir()
        inputs = [vectors / f"input_{k}.bin" for k in range(len(stimulus.inputs))]
        outputs = [f"output_{k}.bin" for k in range(len(stimulus.expected))]
        write_frames(inputs, stimulus.input_streams, stimulus.inputs)
        write_frames([vectors / name for name in outputs], stimulus.output_streams, stimulus.expected)
        what = "running the HLS C++"
        finished = run([program.path.resolve(), vectors, received], what=what, timeout_s=RUN_TIMEOUT_S, check=False)
        if finished.exit_code not in (0, DIFFERS):
            raise CompilerError(f"{what}: it ended with exit code {finished.exit_code}", why=finished.tail())
        compared = compare_frames(stimulus, [received / name for name in outputs], stimulus.frames)
    absent = f"frame {compared.complete} did not come out" if compared.complete < compared.frames else ""
    return HlsRun(
        compared.frames, compared.wrong, compared.first or absent, program.build_seconds, finished.seconds
    )


def together(runs: Mapping[str, HlsRun]) -> HlsRun:
    """Runs of the same frames through parts of a design, by name, as one."""
    faults = [f"instance {name}: {run.fault}" for name, run in runs.items() if run.fault]
    return HlsRun(
        frames=min(run.frames for run in runs.values()),
        wrong=frozenset[int]().union(*(run.wrong for run in runs.values())),
        fault=faults[0] if faults else "",
        build_seconds=sum(run.build_seconds for run in runs.values()),
        seconds=sum(run.seconds for run in runs.values()),
    )
