"""Conformance bench of the kernel catalogue: many instances in one simulation, checked cycle by cycle against their models.

`conform(kernels, folder)` is all that a kernel's test needs. It puts every kernel into one top level (`bench_top.sv.j2`),
builds it once, lets cocotb (`bench_driver.py`) drive all instances at once through `PHASES`, and then holds that

- every output integer equals `kernel.evaluate`, and nothing comes after the last frame;
- tvalid, once up, stays up with its data unchanged until tready;
- no output depends on an input of the same cycle;
- in phases without back-pressure every output beat is first valid in exactly the cycle that `schedule()` says: step k runs
  in s_k = max(s_{k-1} + 1, offers of the beats it reads), beat j is valid in s_writes[j] + latency; and every input beat is
  taken no later than the step that reads it. Without idle cycles this is the interval and the latency.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from .bench_driver import PLAN, RECORDING, Layout, Plan, Trace
from cocotb_tools.runner import get_runner
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from qcompile.ir.dataflow import Kernel, Stream
from qcompile.ir.types import IntArray

HERE = Path(__file__).parent
sys.path.append(str(HERE))
RTL = HERE.parents[1] / "rtl"
WORD_BITS = 2048
"""What Verilator's VPI passes as one string."""

Bits = npt.NDArray[np.uint8]
Frames = Callable[[np.random.Generator, int], tuple[IntArray, ...]]


@dataclass(frozen=True, slots=True)
class Phase:
    """How all instances are driven for some frames: the share of idle cycles before input beats and of cycles without
    tready; both come in runs of about `burst` cycles; `hold` keeps tready low for so many first cycles; `polite` keeps it
    low until tvalid is up."""

    name: str
    idle: float = 0.0
    stall: float = 0.0
    burst: int = 1
    hold: int = 0
    polite: bool = False

    @property
    def unthrottled(self) -> bool:
        """Whether no output ever waits, so that the schedule says when every beat comes."""
        return not (self.stall or self.hold or self.polite)


PHASES = (
    Phase("back to back"),
    Phase("idle", idle=0.4),
    Phase("long idle", idle=0.5, burst=9),
    Phase("stall", stall=0.4),
    Phase("long stall", stall=0.6, burst=12, hold=60),
    Phase("idle and stall", idle=0.3, stall=0.3),
    Phase("ready after valid", idle=0.2, stall=0.3, polite=True),
)


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A kernel and, where not every value of its input types may come, what to feed it.

    `frames(rng, count)` gives an array (count, elements) for each input port.
    """

    kernel: Kernel
    frames: Frames | None = None

    def draw(self, rng: np.random.Generator, count: int) -> tuple[IntArray, ...]:
        """Frames to send: at random, but the first two hold only the least and the greatest value of the type."""
        if self.frames is not None:
            return self.frames(rng, count)
        ports = []
        for stream in self.kernel.inputs:
            lo, hi = stream.element.lo, stream.element.hi
            port = rng.integers(lo, hi, (count, stream.elements), endpoint=True, dtype=np.int64)
            port[0], port[1] = lo, hi
            ports.append(port)
        return tuple(ports)


@dataclass(frozen=True, slots=True)
class Slice:
    """`width` bits of a vector from bit `low` on."""

    low: int
    width: int

    @property
    def high(self) -> int:
        """The highest bit."""
        return self.low + self.width - 1

    def of(self, bits: Bits) -> Bits:
        """These columns of an array (cycles, bits)."""
        return bits[:, self.low : self.low + self.width]


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """An instance in the top level: parameters as literals, ports as slices of `drive` and `observe`."""

    name: str
    module: str
    parameters: tuple[tuple[str, str], ...]
    s_data: Slice
    s_valid: Slice
    s_ready: Slice
    m_data: Slice
    m_valid: Slice
    m_ready: Slice


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What one port did in one phase, a row a cycle: flags and the bits of tdata."""

    stream: Stream
    valid: npt.NDArray[np.bool_]
    ready: npt.NDArray[np.bool_]
    data: Bits

    @property
    def beats(self) -> IntArray:
        """Cycles in which a beat was passed."""
        return np.flatnonzero(self.valid & self.ready)

    @property
    def offers(self) -> IntArray:
        """For each beat passed, the cycle in which it was first valid."""
        beats = self.beats
        up = np.flatnonzero(self.valid)
        return up[np.searchsorted(up, np.concatenate([[-1], beats[:-1]]), side="right")[: beats.size]]

    def elements(self) -> IntArray:
        """Every element passed, in stream order."""
        width = self.stream.element.bits
        lanes = self.data[self.beats].reshape(-1, self.stream.lanes, width).astype(np.int64)
        weights = np.int64(1) << np.arange(width, dtype=np.int64)
        if self.stream.element.signed:
            weights[-1] = -weights[-1]
        return (lanes @ weights).reshape(-1)

    def unstable(self) -> IntArray:
        """Cycles after which tvalid fell, or the data changed, without a transfer."""
        waiting = self.valid[:-1] & ~self.ready[:-1]
        changed = ~self.valid[1:] | np.any(self.data[1:] != self.data[:-1], axis=1)
        return np.flatnonzero(waiting & changed)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One kernel in one phase: what went in, what should come out, and what its ports did."""

    kernel: Kernel
    phase: Phase
    frames: int
    expected: tuple[IntArray, ...]
    inputs: tuple[Record, ...]
    outputs: tuple[Record, ...]
    moved: bool

    def model(self) -> tuple[IntArray, tuple[IntArray, ...]]:
        """The cycle of every step by the recursion of the schedule, and of every output beat of every port."""
        schedule = self.kernel.schedule()
        bases = np.arange(self.frames, dtype=np.int64)[:, None] * schedule.steps
        offered = np.zeros(self.frames * schedule.steps, dtype=np.int64)
        for reads, record in zip(schedule.reads, self.inputs, strict=True):
            np.maximum.at(offered, (bases + reads).reshape(-1), record.offers)
        number = np.arange(offered.size, dtype=np.int64)
        cycle = np.maximum.accumulate(offered - number) + number
        return cycle, tuple(cycle[(bases + w).reshape(-1)] + schedule.latency for w in schedule.writes)

    def faults(self) -> Iterator[str]:
        """Every broken promise, as a sentence."""
        if self.moved:
            yield "an output follows an input of the same cycle"
        for port, (record, frames) in enumerate(zip(self.outputs, self.expected, strict=True)):
            got, want = record.elements(), frames.reshape(-1)
            if got.size != want.size:
                yield f"output {port} gave {got.size} elements, not {want.size}"
            wrong = np.flatnonzero(got[: want.size] != want[: got.size])
            if wrong.size:
                frame, element = divmod(int(wrong[0]), record.stream.elements)
                values = f"{got[wrong[0]]}, not {want[wrong[0]]}"
                yield f"output {port}: {wrong.size} wrong, the first in frame {frame}, element {element}: {values}"
            if record.unstable().size:
                yield f"output {port} was withdrawn or changed while waiting in cycle {record.unstable()[0]}"
        for port, record in enumerate(self.inputs):
            if record.beats.size != self.frames * record.stream.beats:
                yield f"input {port} took {record.beats.size} beats, not {self.frames * record.stream.beats}"
                return
        if self.phase.unthrottled:
            yield from self.untimely()

    def untimely(self) -> Iterator[str]:
        """Every difference from the schedule, as a sentence."""
        schedule = self.kernel.schedule()
        if self.kernel.interval() != schedule.steps:
            yield f"interval() is {self.kernel.interval()}, but the schedule has {schedule.steps} steps"
        steps, outputs = self.model()
        for port, (record, want) in enumerate(zip(self.outputs, outputs, strict=True)):
            got = record.offers
            late = np.flatnonzero(got != want) if got.size == want.size else np.zeros(0, dtype=np.int64)
            if late.size:
                k = int(late[0])
                yield f"output {port}: beat {k} came in cycle {got[k]}, the schedule says {want[k]} ({late.size} differ)"
        for port, (record, reads) in enumerate(zip(self.inputs, schedule.reads, strict=True)):
            bases = np.arange(self.frames, dtype=np.int64)[:, None] * schedule.steps
            late = np.flatnonzero(record.beats > steps[(bases + reads).reshape(-1)])
            if late.size:
                yield f"input {port}: beat {late[0]} was taken in cycle {record.beats[late[0]]}, later than its step"


def place(cases: Sequence[Case], folder: Path) -> tuple[Placed, ...]:
    """Places all instances in the vectors and writes their memories into `folder`."""
    s_ports = sum(len(c.kernel.inputs) for c in cases)
    m_ports = sum(len(c.kernel.outputs) for c in cases)
    s_port = m_port = 0
    s_bit = m_bit = s_ports + m_ports
    placed = []
    for k, case in enumerate(cases):
        binding = case.kernel.binding()
        parameters = [(n, f'"{v}"' if isinstance(v, str) else str(v)) for n, v in binding.parameters]
        for memory in binding.memories:
            path = folder / f"u{k}_{memory.parameter.lower()}.hex"
            path.write_text(memory.hex_lines())
            parameters.append((memory.parameter, f'"{path}"'))
        s_count, m_count = len(case.kernel.inputs), len(case.kernel.outputs)
        s_bits, m_bits = sum(s.bits for s in case.kernel.inputs), sum(s.bits for s in case.kernel.outputs)
        placed.append(
            Placed(
                f"u{k}",
                binding.module,
                tuple(parameters),
                s_data=Slice(s_bit, s_bits),
                s_valid=Slice(m_ports + s_port, s_count),
                s_ready=Slice(s_port, s_count),
                m_data=Slice(m_bit, m_bits),
                m_valid=Slice(s_ports + m_port, m_count),
                m_ready=Slice(m_port, m_count),
            )
        )
        s_port, m_port, s_bit, m_bit = s_port + s_count, m_port + m_count, s_bit + s_bits, m_bit + m_bits
    return tuple(placed)


def build(cases: Sequence[Case], placed: Sequence[Placed], folder: Path) -> Layout:
    """Renders the top level and compiles it."""
    layout = Layout(
        WORD_BITS,
        placed[-1].s_data.high + 1,
        placed[-1].m_data.high + 1,
        sum(p.s_valid.width for p in placed),
        sum(p.m_valid.width for p in placed),
    )
    environment = Environment(
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    text = environment.get_template("bench_top.sv.j2").render(
        instances=placed,
        drive_bits=layout.drive_bits,
        observe_bits=layout.observe_bits,
        drive_words=words_of(layout.drive_bits),
        observe_words=words_of(layout.observe_bits),
    )
    top = folder / "bench_top.sv"
    top.write_text(text)
    sources = dict.fromkeys(s for c in cases for s in c.kernel.binding().sources)
    get_runner("verilator").build(
        sources=[*(RTL / f"{stem}.sv" for stem in sources), top],
        hdl_toplevel="bench_top",
        build_dir=folder / "build",
        build_args=["-Wno-fatal", "-Wno-lint", "-Wno-style", "-O1"],
        timescale=("1ns", "1ns"),
        log_file=folder / "build.log",
    )
    return layout


def words_of(bits: int) -> tuple[Slice, ...]:
    """A vector of `bits` bits cut into words that the simulator can pass."""
    return tuple(Slice(low, min(WORD_BITS, bits - low)) for low in range(0, bits, WORD_BITS))


def beats_of(stream: Stream, frames: IntArray, shift: int) -> tuple[int, ...]:
    """The tdata of every beat of `frames` (frames, elements), shifted left by `shift`."""
    codes = frames.reshape(-1, stream.lanes)
    bits = codes[:, :, None] >> np.arange(stream.element.bits, dtype=np.int64) & 1
    packed = np.packbits(bits.reshape(codes.shape[0], -1).astype(np.uint8), axis=1, bitorder="little")
    return tuple(int.from_bytes(row.tobytes(), "little") << shift for row in packed)


def runs_of_idle(rng: np.random.Generator, share: float, burst: int, beats: int) -> tuple[int, ...]:
    """Idle cycles before each beat: none, or about `burst` at once, so that their share of all cycles is `share`."""
    mean = share / (1 - share)
    length = max(burst, mean)
    lengths = rng.geometric(1 / max(1.0, length), beats)
    return tuple(int(n) for n in np.where(rng.random(beats) < mean / length, lengths, 0))


def ready_masks(rng: np.random.Generator, phase: Phase, outputs: int, cycles: int = 1021) -> tuple[int, ...]:
    """For each cycle a bit for each output port: whether it is ready."""
    draw = rng.random((cycles // phase.burst + 1, outputs)) >= phase.stall
    ready = np.repeat(draw, phase.burst, axis=0)[:cycles]
    if phase.burst > 1:  # runs of differing lengths, shifted for each port
        ready = np.stack([np.roll(ready[:, q], int(rng.integers(cycles))) for q in range(outputs)], axis=1)
    ready[: phase.hold] = False
    packed = np.packbits(ready.astype(np.uint8), axis=1, bitorder="little")
    return tuple(int.from_bytes(row.tobytes(), "little") for row in packed)


def simulate(
    kernels: Sequence[Kernel | Case], folder: Path, phases: Sequence[Phase] = PHASES, frames: int = 4, seed: int = 1
) -> list[list[Run]]:
    """Builds and simulates; for each kernel, what happened in each phase."""
    folder = folder.resolve()
    cases = [k if isinstance(k, Case) else Case(k) for k in kernels]
    placed = place(cases, folder)
    layout = build(cases, placed, folder)
    rng = np.random.default_rng(seed)
    stimuli = [[case.draw(rng, frames) for case in cases] for _ in phases]
    plans = [plan_of(cases, placed, phase, sent, rng) for phase, sent in zip(phases, stimuli, strict=True)]
    (folder / PLAN).write_bytes(pickle.dumps((astuple(layout), [astuple(plan) for plan in plans])))
    get_runner("verilator").test(
        test_module="bench_driver",
        hdl_toplevel_lang="verilog",
        hdl_toplevel="bench_top",
        build_dir=folder / "build",
        test_dir=folder,
        log_file=folder / "test.log",
        results_xml=str(folder / "results.xml"),
    )
    traces = [Trace(*row) for row in pickle.loads((folder / RECORDING).read_bytes())]
    runs: list[list[Run]] = [[] for _ in cases]
    for phase, sent, trace in zip(phases, stimuli, traces, strict=True):
        for row, run in zip(runs, runs_of(cases, placed, layout, phase, sent, trace), strict=True):
            row.append(run)
    return runs


def plan_of(
    cases: Sequence[Case],
    placed: Sequence[Placed],
    phase: Phase,
    sent: Sequence[tuple[IntArray, ...]],
    rng: np.random.Generator,
) -> Plan:
    """What the driver does in one phase."""
    words, gaps, expected = [], [], []
    control = placed[0].s_data.low
    limit = 0
    for case, place_, frames in zip(cases, placed, sent, strict=True):
        low = place_.s_data.low - control
        count = len(frames[0])
        for stream, port in zip(case.kernel.inputs, frames, strict=True):
            words.append(beats_of(stream, port, low))
            gaps.append(runs_of_idle(rng, phase.idle, phase.burst, count * stream.beats))
            low += stream.bits
        expected += [count * stream.beats for stream in case.kernel.outputs]
        schedule = case.kernel.schedule()
        limit = max(limit, count * schedule.steps + schedule.latency)
    slack = (1 - phase.idle) * (1 - phase.stall)
    masks = ready_masks(rng, phase, len(expected))
    return Plan(
        tuple(words), tuple(gaps), masks, phase.polite, tuple(expected), int(3 * limit / slack) + phase.hold + 500
    )


def runs_of(
    cases: Sequence[Case],
    placed: Sequence[Placed],
    layout: Layout,
    phase: Phase,
    sent: Sequence[tuple[IntArray, ...]],
    trace: Trace,
) -> Iterator[Run]:
    """The trace of a phase taken apart into ports."""

    def unpack(rows: bytes, bits: int) -> Bits:
        row_bytes = np.frombuffer(rows, dtype=np.uint8).reshape(-1, (bits + 7) // 8)
        return np.unpackbits(row_bytes, axis=1, bitorder="little")

    drive, observe = unpack(trace.drive, layout.drive_bits), unpack(trace.observe, layout.observe_bits)
    for case, p, frames in zip(cases, placed, sent, strict=True):
        inputs = records(case.kernel.inputs, p.s_valid.of(drive), p.s_ready.of(observe), p.s_data.of(drive))
        outputs = records(case.kernel.outputs, p.m_valid.of(observe), p.m_ready.of(drive), p.m_data.of(observe))
        moved = any(trace.moved >> s.low & (1 << s.width) - 1 for s in (p.s_ready, p.m_valid, p.m_data))
        expected = case.kernel.evaluate(*frames)
        yield Run(case.kernel, phase, len(frames[0]), expected, inputs, outputs, moved)


def records(streams: Sequence[Stream], valid: Bits, ready: Bits, data: Bits) -> tuple[Record, ...]:
    """One record for each port of an instance."""
    found, low = [], 0
    for k, stream in enumerate(streams):
        flags = valid[:, k].astype(np.bool_), ready[:, k].astype(np.bool_)
        found.append(Record(stream, *flags, data[:, low : low + stream.bits]))
        low += stream.bits
    return tuple(found)


def conform(
    kernels: Sequence[Kernel | Case], folder: Path, phases: Sequence[Phase] = PHASES, frames: int = 4, seed: int = 1
) -> list[list[Run]]:
    """Simulates and raises AssertionError with every fault of every kernel; returns the runs for further tests."""
    runs = simulate(kernels, folder, phases, frames, seed)
    found = [f"{r.kernel}, {r.phase.name}: {fault}" for row in runs for r in row for fault in r.faults()]
    assert not found, f"{len(found)} faults (seed {seed}):\n" + "\n".join(found)
    return runs
