"""Rung 2: the generated RTL in simulation against the integer graph."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qcompile.ir.errors import CompilerError
from qcompile.tools.cache import Cache
from qcompile.tools.cocotb_bench import build_cocotb, run_cocotb
from qcompile.tools.command import Finished, run
from qcompile.tools.prerequisites import Toolchain
from qcompile.tools.verilator import BuildOptions, Sources, build
from qcompile.verify.comparison import Comparison, Stimulus, compare_frames, write_frames

SIMULATION_TIMEOUT_S = 3600.0

BROKEN = 4
"""Exit code of the bench for a design that breaks the protocol or gives no more output."""

TAPS = "stream_taps.txt"
"""What a simulator with a recorder of inner streams writes."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """How the world outside behaves: the percent of cycles in which sources idle and sinks stall, drawn from `seed`; over how
    many cycles sources spread a frame at least (0: they never wait).
    """

    idle: int = 0
    stall: int = 0
    seed: int = 1
    spread: int = 0


@dataclass(frozen=True, slots=True)
class BulkRun:
    """A simulation of whole frames, and what came out of it. `interval` and `first_output` are cycles; 0 where too little
    came out to tell.

    `broken` says what the design did wrong as a stream, empty if nothing, and `stuck` whether that is giving no more
    output.
    """

    compared: Comparison
    broken: str
    stuck: bool
    cycles: int
    interval: int
    first_output: int
    seconds: float

    @property
    def frames(self) -> int:
        """Frames that were sent."""
        return self.compared.frames

    @property
    def wrong(self) -> frozenset[int]:
        """Frames that came out wrong, or not at all."""
        return self.compared.wrong

    @property
    def fault(self) -> str:
        """The first thing that is wrong, in words; empty when nothing is."""
        broken = f"frame {self.compared.complete}: {self.broken}" if self.broken else ""
        return self.compared.first or broken


@dataclass(frozen=True, slots=True)
class Simulator:
    """The compiled bench of one output folder; `place` is where it runs."""

    executable: Path
    place: Path
    build_seconds: float
    from_cache: bool


def build_simulator(
    toolchain: Toolchain,
    cache: Cache,
    folder: Path,
    top: str,
    work: Path,
    taps: str | None = None,
    advance: Callable[[int, int], None] | None = None,
) -> Simulator:
    """Compiles the bulk bench of an output folder into `work` (or takes it from the cache). `advance` is told how many C++
    files are compiled, of how many.

    With `taps`, SystemVerilog that records inner streams (it may be empty), the bench can record waveforms, too.
    """
    started = time.monotonic()
    bench = (folder / "sim" / "bulk_bench.cpp", folder / "sim" / "stream_bench.hpp")
    sources = _sources(folder, top)
    place = _place(folder, work)
    if taps:
        recorder = work / "stream_taps.sv"
        recorder.write_text(taps, encoding="utf-8")
        sources = replace(sources, files=(*sources.files, recorder))
    options = BuildOptions(waves=taps is not None)
    arguments = ("--timescale", "1ns/1ps")
    executable = build(toolchain, cache, sources, bench, work / "bulk", options, arguments, advance)
    return Simulator(executable.path, place, time.monotonic() - started, executable.from_cache)


def run_bulk(
    simulator: Simulator,
    stimulus: Stimulus,
    traffic: Traffic,
    waves: tuple[int, Path] | None = None,
    advance: Callable[[int], None] | None = None,
) -> BulkRun:
    """Sends frames through the RTL. `waves` ends the run after so many frames and records it in a VCD file; `advance` is told
    from time to time how many cycles are done.

    Raises CompilerError when the bench itself cannot run.
    """
    frames, recorded = (stimulus.frames, ()) if waves is None else (waves[0], (str(waves[1]),))
    with tempfile.TemporaryDirectory(prefix="qcompile-") as work:
        sent = [Path(work) / f"input_{k}.bin" for k in range(len(stimulus.inputs))]
        received = [Path(work) / f"output_{k}.bin" for k in range(len(stimulus.expected))]
        write_frames(sent, stimulus.input_streams, stimulus.inputs)
        numbers = (frames, traffic.idle, traffic.stall, traffic.seed, traffic.spread)
        command = [str(simulator.executable.resolve()), *map(str, (*numbers, *sent, *received)), *recorded]
        what = "simulating the RTL"
        limit, watch = SIMULATION_TIMEOUT_S, None if advance is None else _watching(advance)
        finished = run(command, what=what, cwd=simulator.place, timeout_s=limit, check=False, watch=watch)
        report = _report(finished)
        compared = compare_frames(stimulus, received, frames)
    ends = report["ends"]
    return BulkRun(
        compared,
        report["fault"],
        report["stuck"],
        report["cycles"],
        ends[-1] - ends[-2] if len(ends) > 1 else 0,
        report["first_output"] - report["first_input"] if ends else 0,
        finished.seconds,
    )


def _watching(advance: Callable[[int], None]) -> Callable[[str], None]:
    """Understands what the bench says while it runs."""

    def watch(line: str) -> None:
        found = re.fullmatch(r"cycle (\d+)", line)
        if found is not None:
            advance(int(found[1]))

    return watch


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
    place = _place(folder, work)
    try:
        shutil.copy(folder / "sim" / "test_accelerator.py", place)
        shutil.copytree(folder / "sim" / "vectors", place / "vectors")
    except (OSError, shutil.Error) as error:
        raise _unreadable(folder, error) from error
    outcome = run_cocotb(
        executable.path,
        top=top,
        test_module="test_accelerator",
        python_path=(place,),
        folder=place,
        timeout_s=SIMULATION_TIMEOUT_S,
    )
    return ProtocolRun(outcome.passed, outcome.failed, time.monotonic() - started)


def _place(folder: Path, work: Path) -> Path:
    """Where a simulation runs: like sim/ of the output folder, but nothing is written into that one."""
    root = Path(tempfile.mkdtemp(prefix="place-", dir=work))
    (root / "memories").symlink_to((folder / "memories").resolve())
    (root / "sim").mkdir()
    return root / "sim"


def _sources(folder: Path, top: str) -> Sources:
    try:
        names = (folder / "rtl" / "files.f").read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(folder, error) from error
    return Sources(top, tuple(folder / "rtl" / name for name in names))


def _unreadable(folder: Path, error: Exception) -> CompilerError:
    return CompilerError(
        "the design in this folder cannot be read", str(folder), str(error), "compile the model again"
    )


REPORTED = frozenset({"cycles", "first_input", "first_output", "fault", "stuck", "ends"})
"""What the bench says of a run."""


def _report(finished: Finished) -> dict[str, Any]:
    """The JSON object on the last line of the bench."""
    if finished.exit_code in (0, BROKEN):
        with contextlib.suppress(ValueError, IndexError):
            report = json.loads(finished.output.splitlines()[-1])
            if isinstance(report, dict) and report.keys() >= REPORTED:
                return report
    raise CompilerError(
        f"simulating the RTL: the bench ended with exit code {finished.exit_code}", why=finished.tail() or "no output"
    )
