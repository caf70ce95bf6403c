"""What the conformance bench holds of a recorded simulation: values, protocol, cycles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qcompile.dataflow.timing import run
from qcompile.ir.dataflow import Kernel, Stream
from qcompile.ir.types import IntArray

from .stimulus import Phase

Bits = npt.NDArray[np.uint8]


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

    label: str
    kernel: Kernel
    phase: Phase
    frames: int
    expected: tuple[IntArray, ...]
    inputs: tuple[Record, ...]
    outputs: tuple[Record, ...]
    moved: bool

    def model(self) -> tuple[IntArray, tuple[IntArray, ...]]:
        """The cycle of every step, by the recursion of the schedule, and of every output beat."""
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
                where = f"the first of {wrong.size} in frame {frame}, element {element}"
                yield f"output {port} gave {got[wrong[0]]}, not {want[wrong[0]]}, {where}"
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
                count = f"the first of {late.size} such beats"
                yield f"output {port}: beat {k} came in cycle {got[k]}, the schedule says {want[k]}, {count}"
        for port, (record, reads) in enumerate(zip(self.inputs, schedule.reads, strict=True)):
            bases = np.arange(self.frames, dtype=np.int64)[:, None] * schedule.steps
            late = np.flatnonzero(record.beats > steps[(bases + reads).reshape(-1)])
            if late.size:
                yield f"input {port}: beat {late[0]} was taken late, in cycle {record.beats[late[0]]}"
        if schedule.rooms:
            taken, _ = run(schedule, [record.offers for record in self.inputs], self.frames)
            for port, (record, cycles) in enumerate(zip(self.inputs, taken, strict=True)):
                wrong = np.flatnonzero(record.beats != cycles)
                if wrong.size:
                    k = int(wrong[0])
                    yield f"input {port}: beat {k} was taken in cycle {record.beats[k]}, the schedule says {cycles[k]}"


def records(streams: Sequence[Stream], valid: Bits, ready: Bits, data: Bits) -> tuple[Record, ...]:
    """One record for each port of an instance."""
    found, low = [], 0
    for k, stream in enumerate(streams):
        flags = valid[:, k].astype(np.bool_), ready[:, k].astype(np.bool_)
        found.append(Record(stream, *flags, data[:, low : low + stream.bits]))
        low += stream.bits
    return tuple(found)
