"""Measuring one model: what is exact, how many cycles it takes, and what the compiler costs."""

from __future__ import annotations

import math
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qcompile.flow.options import Options
from qcompile.flow.prepare import Prepared, prepare
from qcompile.flow.progress import Progress
from qcompile.flow.prove import IntegerProof, prove_integers
from qcompile.flow.vectors import Frames, make_frames
from qcompile.frontend.export import export_integer
from qcompile.kernels.matrix_vector_unit import MatrixVectorUnit
from qcompile.tools.cache import Cache
from qcompile.tools.prerequisites import Toolchain
from qcompile.tools.verilator import BuildOptions, Sources, build
from qcompile.verify.comparison import Stimulus
from qcompile.verify.rtl import BulkRun, Simulator, Traffic, build_simulator, run_bulk

STEP = re.compile(r"\[\s*([\d.]+) s\] (.+)")
"""What the command line prints of each step."""

BULK_FRAMES, BULK_CYCLES = 2_000, 50_000
"""The run that is timed has at least so many frames and cycles."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A model to measure, and what the command line must be told of it."""

    name: str
    model: Path
    input_type: str | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """Time of a finished process and of all that it waited for, in seconds, the texts of its standard error and standard
    output, its exit status, and the most memory that one of them held, in MiB.
    """

    cpu: float
    wall: float
    log: str
    output: str
    status: int
    memory: float

    def step(self, name: str) -> float:
        """Wall seconds of a step of qcompile."""
        return sum(float(seconds) for seconds, step in STEP.findall(self.log) if step == name)


@dataclass(frozen=True, slots=True)
class Measured:
    """One row of the table. Cycles as counted in simulation beside those of the model; seconds as named."""

    model: str
    frames: int
    exact: int
    mismatches: int
    ties: int
    first_fault: str
    rtl_frames: int
    rtl_mismatches: int
    interval: int
    interval_model: int
    latency: int
    latency_model: int
    finn_interval: int
    folding: tuple[str, ...]
    compile_cpu: float
    compile_wall: float
    proven_cpu: float
    proven_wall: float
    build_wall: float
    run_wall: float
    bulk_frames: int
    bulk_cycles: int
    bulk_cpu: float

    @property
    def simulation_cpu(self) -> float:
        """CPU seconds that simulation adds to a compilation: the bench's build and the runs."""
        return self.proven_cpu - self.compile_cpu

    @property
    def cycles_per_second(self) -> float:
        """Simulated cycles in a second of CPU time."""
        return self.bulk_cycles / self.bulk_cpu if self.bulk_cpu else 0.0

    @property
    def excess(self) -> int:
        """Cycles a frame beyond FINN's formula."""
        return self.interval - self.finn_interval

    @property
    def faults(self) -> tuple[str, ...]:
        """What must never be, in words; empty where all of it is as promised."""
        found = []
        if self.mismatches:
            found.append(f"{self.mismatches} of {self.frames} frames differ in the integer graph: {self.first_fault}")
        if self.rtl_mismatches:
            found.append(f"{self.rtl_mismatches} of {self.rtl_frames} frames differ in RTL")
        if self.interval != self.interval_model:
            found.append(f"a frame takes {self.interval} cycles, the model says {self.interval_model}")
        if self.latency != self.latency_model:
            found.append(f"the first output comes after {self.latency} cycles, the model says {self.latency_model}")
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Bench:
    """How to measure: the target, how many frames to prove, the tools, and a cache of this benchmark alone."""

    target: str
    frames: int
    toolchain: Toolchain
    cache: Path

    def warm(self, subject: Subject, work: Path) -> float:
        """Compiles Verilator's run time into the cache: builds a model at an optimisation that nothing else asks for.

        Returns the CPU seconds.
        """
        folder = work / "warm"
        self._qcompile(subject, folder, "--no-sim")
        names = (folder / "rtl" / "files.f").read_text(encoding="utf-8").split()
        sources = Sources(Path(names[-1]).stem, tuple(folder / "rtl" / name for name in names))
        bench = (folder / "sim" / "bulk_bench.cpp", folder / "sim" / "stream_bench.hpp")
        before = _children_cpu()
        build(self.toolchain, self._cache, sources, bench, work / "warm_bulk", BuildOptions(optimisation="-O0"))
        return _children_cpu() - before

    def measure(self, subject: Subject, work: Path) -> Measured:
        """The command line without and with simulation, then the same design through the Python interface."""
        unsimulated = self._qcompile(subject, work / "unsimulated", "--no-sim")
        proven = self._qcompile(subject, work / "proven")
        prepared = prepare(Options(model=subject.model, target=self.target, input_type=subject.input_type), Progress())
        network = prepared.understood.network
        frames = make_frames(network, self.frames)
        proof = prove_integers(prepared, frames, {}, export_integer(network.integer), str(subject.model))
        # What the command line has just built: from the cache.
        simulator = build_simulator(self.toolchain, self._cache, work / "proven", prepared.dataflow.name, work)
        once = _run(simulator, prepared, frames, proof, self.frames)
        before = _children_cpu()
        interval = prepared.dataflow.interval()
        long = _run(simulator, prepared, frames, proof, max(BULK_FRAMES, math.ceil(BULK_CYCLES / interval)))
        bulk_cpu = _children_cpu() - before
        agreement = proof.agreement
        layers = [i.kernel for i in prepared.dataflow.instances if isinstance(i.kernel, MatrixVectorUnit)]
        return Measured(
            model=subject.name,
            frames=agreement.frames,
            exact=agreement.exact,
            mismatches=len(agreement.mismatches),
            ties=len(agreement.ties),
            first_fault=proof.fault,
            rtl_frames=once.frames,
            rtl_mismatches=len(once.wrong),
            interval=long.interval,
            interval_model=interval,
            latency=long.first_output,
            latency_model=prepared.timing.first_output,
            finn_interval=max((finn_interval(k) for k in layers), default=0),
            folding=tuple(f"{k.pe}x{k.simd}" for k in layers),
            compile_cpu=unsimulated.cpu,
            compile_wall=unsimulated.wall,
            proven_cpu=proven.cpu,
            proven_wall=proven.wall,
            build_wall=proven.step("build the simulation"),
            run_wall=proven.step("simulate the RTL"),
            bulk_frames=long.frames,
            bulk_cycles=long.cycles,
            bulk_cpu=bulk_cpu,
        )

    @property
    def _cache(self) -> Cache:
        """The cache that qcompile uses where XDG_CACHE_HOME is `cache`."""
        return Cache(self.cache / "qcompile")

    def _qcompile(self, subject: Subject, folder: Path, *options: str) -> Spent:
        command = [sys.executable, "-m", "qcompile", str(subject.model), "--target", self.target, "-o", str(folder)]
        command += ["--input", subject.input_type] if subject.input_type else []
        return timed([*command, *options], self.cache)


def timed(command: list[str], cache: Path) -> Spent:
    """Runs a command to its end, with its own user cache. Raises RuntimeError with its output when it fails."""
    spent = finished(command, cache)
    if spent.status:
        raise RuntimeError(f"{' '.join(command)} gave {spent.status}:\n{spent.output}{spent.log}")
    return spent


def finished(command: list[str], cache: Path) -> Spent:
    """Runs a command to its end, whatever that is, with its own user cache."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as log:
        started = time.monotonic()
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=log)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        log.seek(0)
        texts = log.read(), output.read()
    return Spent(used.ru_utime + used.ru_stime, wall, *texts, process.returncode, used.ru_maxrss / 1024)


def run_qcompile(arguments: list[str], cache: Path) -> Spent:
    """Runs the command line to its end. Raises RuntimeError where it neither succeeds nor refuses nor finds a mismatch."""
    spent = finished([sys.executable, "-m", "qcompile", *arguments], cache)
    if spent.status not in (0, 2, 3):
        raise RuntimeError(f"qcompile {' '.join(arguments)} gave {spent.status}:\n{spent.output}{spent.log}")
    return spent


def finn_interval(layer: MatrixVectorUnit) -> int:
    """Cycles a frame of a layer by FINN's formula."""
    return layer.vectors * (layer.rows // layer.pe) * (layer.columns // layer.simd)


def _run(simulator: Simulator, prepared: Prepared, frames: Frames, proof: IntegerProof, count: int) -> BulkRun:
    """So many frames through the RTL without a pause, the proven ones again and again."""
    index = np.arange(count) % len(frames.inputs[0])
    inputs = [codes.reshape(codes.shape[0], -1)[index] for codes in frames.codes]
    outputs = [codes[index] for codes in proof.outputs]
    return run_bulk(simulator, Stimulus(prepared.dataflow.inputs, prepared.dataflow.outputs, inputs, outputs), Traffic())


def _children_cpu() -> float:
    """CPU seconds, user and system, of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
