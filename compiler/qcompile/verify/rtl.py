"""Rung 2: the generated RTL in simulation against the integer graph."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qcompile.ir.beats import pack_frames, unpack_frames
from qcompile.ir.dataflow import Stream
from qcompile.ir.errors import CompilerError
from qcompile.ir.types import IntArray
from qcompile.tools.cache import Cache
from qcompile.tools.cocotb_bench import build_cocotb, run_cocotb
from qcompile.tools.command import run
from qcompile.tools.prerequisites import Toolchain
from qcompile.tools.verilator import BuildOptions, Sources, build

SIMULATION_TIMEOUT_S = 3600.0


@dataclass(frozen=True, slots=True)
class RtlMismatch:
    """The first element of a frame in which hardware and integer graph differ."""

    frame: int
    output: int
    beat: int
    lane: int
    expected: int
    actual: int

    def __str__(self) -> str:
        return (
            f"frame {self.frame}, output {self.output}, beat {self.beat}, lane {self.lane}: "
            f"expected {self.expected}, got {self.actual}"
        )


@dataclass(frozen=True, slots=True)
class BulkRun:
    """A simulation of whole frames. Cycles count from reset; `interval` is 0 for less than two frames."""

    frames: int
    mismatches: tuple[RtlMismatch, ...]
    cycles: int
    interval: int
    first_output: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Simulator:
    """The compiled bench of one output folder."""

    executable: Path
    folder: Path
    build_seconds: float
    from_cache: bool


def build_simulator(toolchain: Toolchain, cache: Cache, folder: Path, top: str, work: Path) -> Simulator:
    """Compiles the bulk bench of an output folder into `work` (or takes it from the cache)."""
    started = time.monotonic()
    bench = (folder / "sim" / "bulk_bench.cpp", folder / "sim" / "stream_bench.hpp")
    options = BuildOptions()
    executable = build(toolchain, cache, _sources(folder, top), bench, work / "bulk", options)
    return Simulator(executable.path, folder, time.monotonic() - started, executable.from_cache)


def run_bulk(
    simulator: Simulator,
    streams: tuple[Sequence[Stream], Sequence[Stream]],
    inputs: Sequence[IntArray],
    expected: Sequence[IntArray],
    idle: int = 0,
    stall: int = 0,
    seed: int = 1,
) -> BulkRun:
    """Sends frames through the RTL, with the source idle and the sink stalled in so many percent of the cycles.

    `streams` are the contracts of the accelerator's inputs and outputs, `inputs` and `expected` int64 (frames,
    elements). Raises CompilerError when the simulation gets stuck or breaks the protocol.
    """
    frames = len(inputs[0])
    with tempfile.TemporaryDirectory(prefix="qcompile-") as work:
        sent = [Path(work) / f"input_{k}.bin" for k in range(len(inputs))]
        received = [Path(work) / f"output_{k}.bin" for k in range(len(expected))]
        for path, stream, codes in zip(sent, streams[0], inputs, strict=True):
            path.write_bytes(pack_frames(codes, stream))
        command = [
            str(simulator.executable.resolve()),
            *map(str, (frames, idle, stall, seed)),
            *map(str, sent + received),
        ]
        finished = run(command, what="simulating the RTL", cwd=simulator.folder / "sim", timeout_s=SIMULATION_TIMEOUT_S)
        outputs = [unpack_frames(path.read_bytes(), stream) for path, stream in zip(received, streams[1], strict=True)]
    report = json.loads(finished.output.splitlines()[-1])
    mismatches = [
        m for k, (a, b) in enumerate(zip(expected, outputs, strict=True)) for m in _mismatches(k, a, b, streams[1][k])
    ]
    ends = report["ends"]
    return BulkRun(
        frames,
        tuple(mismatches),
        report["cycles"],
        ends[-1] - ends[-2] if frames > 1 else 0,
        report["first_output"] - report["first_input"],
        finished.seconds,
    )


@dataclass(frozen=True, slots=True)
class ProtocolRun:
    """Outcome of the generated cocotb tests."""

    passed: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]
    seconds: float


def run_protocol(toolchain: Toolchain, cache: Cache, folder: Path, top: str, work: Path) -> ProtocolRun:
    """The cocotb tests of an output folder, as its own `make` runs them, with the cached run time."""
    started = time.monotonic()
    executable = build_cocotb(toolchain, cache, _sources(folder, top), work / "cocotb")
    # The memories' paths start from sim/, but nothing is written into the output folder.
    (work / "cocotb_run").mkdir()
    (work / "cocotb_run" / "memories").symlink_to((folder / "memories").resolve())
    outcome = run_cocotb(
        executable.path,
        top=top,
        test_module="test_accelerator",
        python_path=(folder / "sim",),
        folder=work / "cocotb_run" / "sim",
        timeout_s=SIMULATION_TIMEOUT_S,
    )
    return ProtocolRun(outcome.passed, outcome.failed, time.monotonic() - started)


def _sources(folder: Path, top: str) -> Sources:
    try:
        names = (folder / "rtl" / "files.f").read_text(encoding="utf-8").split()
    except OSError as error:
        raise CompilerError(
            "the RTL of this folder cannot be read", str(folder), str(error), "compile the model again"
        ) from error
    return Sources(top, tuple(folder / "rtl" / name for name in names))


def _mismatches(output: int, expected: IntArray, actual: IntArray, stream: Stream) -> list[RtlMismatch]:
    """One entry a differing frame."""
    wanted = expected.reshape(len(expected), -1)
    if actual.shape != wanted.shape:
        raise CompilerError(f"output {output} of the simulation holds {actual.shape} elements, not {wanted.shape}")
    found: list[RtlMismatch] = []
    for frame in np.flatnonzero((wanted != actual).any(axis=1)):
        element = int(np.argmax(wanted[frame] != actual[frame]))
        beat, lane = divmod(element, stream.lanes)
        found.append(
            RtlMismatch(int(frame), output, beat, lane, int(wanted[frame, element]), int(actual[frame, element]))
        )
    return found
