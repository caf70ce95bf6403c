"""What the conformance bench feeds to kernels: phases, frames, idle cycles, back-pressure; from one seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from qcompile.ir.dataflow import Kernel, Stream
from qcompile.ir.types import IntArray

from .bench_driver import Plan

Frames = Callable[[np.random.Generator, int], tuple[IntArray, ...]]


@dataclass(frozen=True, slots=True)
class Phase:
    """How all instances are driven for some frames.

    `idle` is the share of idle cycles before input beats, `stall` that of cycles without tready; both come in
    runs of about `burst` cycles. `hold` keeps tready low for so many first cycles, `polite` keeps it low
    until tvalid is up.
    """

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
        """Frames to send: random, but the first two hold only the least and the greatest value."""
        if self.frames is not None:
            return self.frames(rng, count)
        ports = []
        for stream in self.kernel.inputs:
            lo, hi = stream.element.lo, stream.element.hi
            port = rng.integers(lo, hi, (count, stream.elements), endpoint=True, dtype=np.int64)
            port[0], port[1] = lo, hi
            ports.append(port)
        return tuple(ports)


def beats_of(stream: Stream, frames: IntArray, shift: int) -> tuple[int, ...]:
    """The tdata of every beat of `frames` (frames, elements), shifted left by `shift`."""
    codes = frames.reshape(-1, stream.lanes)
    bits = codes[:, :, None] >> np.arange(stream.element.bits, dtype=np.int64) & 1
    packed = np.packbits(bits.reshape(codes.shape[0], -1).astype(np.uint8), axis=1, bitorder="little")
    return tuple(int.from_bytes(row.tobytes(), "little") << shift for row in packed)


def runs_of_idle(rng: np.random.Generator, share: float, burst: int, beats: int) -> tuple[int, ...]:
    """Idle cycles before each beat: none or about `burst`, so that they are `share` of all cycles."""
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


def plan_of(
    cases: Sequence[Case],
    phase: Phase,
    sent: Sequence[tuple[IntArray, ...]],
    rng: np.random.Generator,
) -> Plan:
    """What the driver does in one phase, the ports of all cases in order."""
    words, gaps, expected = [], [], []
    low = longest = 0
    for case, frames in zip(cases, sent, strict=True):
        count = len(frames[0])
        for stream, port in zip(case.kernel.inputs, frames, strict=True):
            words.append(beats_of(stream, port, low))
            gaps.append(runs_of_idle(rng, phase.idle, phase.burst, count * stream.beats))
            low += stream.bits
        expected += [count * stream.beats for stream in case.kernel.outputs]
        schedule = case.kernel.schedule()
        longest = max(longest, count * schedule.steps + schedule.latency)
    free = (1 - phase.idle) * (1 - phase.stall)
    limit = int(20 * longest / free) + phase.hold + 1000
    return Plan(
        tuple(words),
        tuple(gaps),
        ready_masks(rng, phase, len(expected)),
        phase.polite,
        tuple(expected),
        limit,
    )
