"""A dataflow graph cycle by cycle: every register, every place of every FIFO. Slow, and close to the RTL.

Nothing is computed ahead: in each cycle every unit decides by what is valid and free at its start (`takes`), then all
change together (`advance`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from qcompile.ir.dataflow import Dataflow, Port, Schedule
from qcompile.kernels import Fifo, StreamFork

PLACES = 2
"""Beats in the skid buffer at a kernel's output."""

Times = Mapping[Port, list[int]]

World = Callable[[Port, int, int], bool]
"""Whether an input offers, or an output takes, its beat of this number in this cycle. What is offered stays."""


class StuckError(Exception):
    """Nothing moves any more."""


class Unit(Protocol):
    """Something with input and output ports."""

    def offers(self, port: int, cycle: int) -> bool:
        """Whether a beat is valid on an output."""

    def takes(self, valid: list[bool], cycle: int) -> list[bool]:
        """Which inputs take their beat in this cycle, given which beats are offered."""

    def advance(self, taken: list[bool], given: list[bool], cycle: int) -> None:
        """What has moved on the inputs and outputs."""


@dataclass
class Steps:
    """A kernel: a pipeline that stands still while its last stage finds no room in an output register."""

    schedule: Schedule
    frames: int
    step: int = 0
    stages: deque[tuple[int, ...]] = field(default_factory=deque)
    places: list[int] = field(default_factory=list)
    runs: bool = False

    def __post_init__(self) -> None:
        self.stages = deque([()] * (self.schedule.latency - 1))
        self.places = [0] * len(self.schedule.writes)
        self.reads = [set(r.tolist()) for r in self.schedule.reads]
        self.writes = [set(w.tolist()) for w in self.schedule.writes]

    def offers(self, port: int, cycle: int) -> bool:
        return self.places[port] > 0

    def takes(self, valid: list[bool], cycle: int) -> list[bool]:
        now = self.step % self.schedule.steps
        needed = [now in reads for reads in self.reads]
        made = tuple(k for k, writes in enumerate(self.writes) if now in writes)
        leaving = self.stages[-1] if self.stages else made
        self.room = all(self.places[k] < PLACES for k in leaving)
        self.runs = (
            self.step < self.frames * self.schedule.steps
            and self.room
            and all(v for v, n in zip(valid, needed, strict=True) if n)
        )
        return [self.runs and n for n in needed]

    def advance(self, taken: list[bool], given: list[bool], cycle: int) -> None:
        for k, moved in enumerate(given):
            self.places[k] -= moved
        now = self.step % self.schedule.steps
        made = tuple(k for k, writes in enumerate(self.writes) if self.runs and now in writes)
        if self.room:
            self.stages.appendleft(made)
            for k in self.stages.pop():
                self.places[k] += 1
        self.step += self.runs


@dataclass
class Buffer:
    """A FIFO as rtl/fifo.sv states it."""

    depth: int
    latency: int
    beats: deque[int] = field(default_factory=deque)  # the cycle from which each is on the output
    free_from: int = 0

    def offers(self, port: int, cycle: int) -> bool:
        return bool(self.beats) and cycle >= max(self.beats[0], self.free_from)

    def takes(self, valid: list[bool], cycle: int) -> list[bool]:
        return [valid[0] and len(self.beats) < self.depth]

    def advance(self, taken: list[bool], given: list[bool], cycle: int) -> None:
        if given[0]:
            self.beats.popleft()
            self.free_from = cycle + 1
        if taken[0]:
            self.beats.append(cycle + self.latency)


@dataclass
class Fork:
    """A fork as rtl/stream_fork.sv is: one beat shown, one spare."""

    valid: list[bool]
    spare: bool = False

    def offers(self, port: int, cycle: int) -> bool:
        return self.valid[port]

    def takes(self, valid: list[bool], cycle: int) -> list[bool]:
        return [valid[0] and not self.spare]

    def advance(self, taken: list[bool], given: list[bool], cycle: int) -> None:
        waiting = [v and not g for v, g in zip(self.valid, given, strict=True)]
        if any(waiting):
            self.valid = waiting
            self.spare = self.spare or taken[0]
        else:
            self.valid = [self.spare or taken[0]] * len(waiting)
            self.spare = False


def _unit(kernel: object, frames: int) -> Unit:
    if isinstance(kernel, Fifo):
        return Buffer(kernel.depth, kernel.latency)
    if isinstance(kernel, StreamFork):
        return Fork([False] * kernel.copies)
    return Steps(kernel.schedule(), frames)  # type: ignore[attr-defined]


def run(dataflow: Dataflow, frames: int, offers: World | None = None, takes: World | None = None) -> tuple[Times, Times]:
    """Cycles from which beats are valid on source ports, and in which they are taken by sink ports.

    By default each frame enters when the design's interval after the one before it has passed, and the world behind
    always takes.
    """
    units = {i.name: _unit(i.kernel, frames) for i in dataflow.instances}
    driver = {c.sink: c.source for c in dataflow.channels}
    sink_of = {c.source: c.sink for c in dataflow.channels}
    sent: dict[Port, list[int]] = {c.source: [] for c in dataflow.channels}
    taken: dict[Port, list[int]] = {c.sink: [] for c in dataflow.channels}
    total = {c.sink: c.stream.beats * frames for c in dataflow.channels}
    offers = offers or by_interval(dataflow)
    cycle, quiet = 0, 0
    while any(len(times) < total[port] for port, times in taken.items()):
        valid = {}
        for port, sink in sink_of.items():
            number = len(taken[sink])
            if port.instance is not None:
                valid[port] = units[port.instance].offers(port.index, cycle)
            else:
                valid[port] = number < total[sink] and (len(sent[port]) > number or offers(port, number, cycle))
            if valid[port] and len(sent[port]) == number:
                sent[port].append(cycle)
        ends = [Port(None, k) for k in range(len(dataflow.outputs))]
        moves = {p: valid[driver[p]] and (takes is None or takes(p, len(taken[p]), cycle)) for p in ends}
        for instance in dataflow.instances:
            ports = [Port(instance.name, k) for k in range(len(instance.kernel.inputs))]
            accepted = units[instance.name].takes([valid[driver[p]] for p in ports], cycle)
            moves |= dict(zip(ports, accepted, strict=True))
        for instance in dataflow.instances:
            ins = [moves[Port(instance.name, k)] for k in range(len(instance.kernel.inputs))]
            outs = [moves[sink_of[Port(instance.name, k)]] for k in range(len(instance.kernel.outputs))]
            units[instance.name].advance(ins, outs, cycle)
        for port, moved in moves.items():
            if moved:
                taken[port].append(cycle)
        cycle += 1
        quiet = 0 if any(moves.values()) else quiet + 1
        if quiet > 20 * dataflow.interval() + 1000:
            raise StuckError
    return sent, taken


def by_interval(dataflow: Dataflow) -> World:
    """Each frame a beat a cycle, an interval after the one before it."""
    every = dataflow.interval()

    def offers(port: Port, number: int, cycle: int) -> bool:
        frame, beat = divmod(number, dataflow.inputs[port.index].beats)
        return cycle >= frame * every + beat

    return offers
