"""Kernels with arbitrary schedules, and random graphs of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from hypothesis import strategies as st

from qcompile.dataflow.join import join
from qcompile.ir.dataflow import (
    Binding,
    Channel,
    Dataflow,
    Instance,
    Kernel,
    Port,
    Resources,
    Schedule,
    Stream,
)
from qcompile.ir.types import IntArray, IntType

ELEMENT = IntType(4, False)
ELEMENTS = 12
LANES = (1, 2, 3, 4, 6, 12)


@dataclass(frozen=True, slots=True, eq=False)
class Toy:
    """A kernel of any schedule; what it computes does not matter."""

    kind: ClassVar[str] = "toy"

    inputs: tuple[Stream, ...]
    outputs: tuple[Stream, ...]
    timing: Schedule

    def schedule(self) -> Schedule:
        return self.timing

    def interval(self) -> int:
        return self.timing.steps

    def foldings(self) -> Iterator[Kernel]:
        yield self

    def attributes(self) -> dict[str, int | str]:
        return {}

    def with_attribute(self, name: str, value: int | str) -> Kernel:
        raise KeyError(name)

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        return Resources()

    def binding(self) -> Binding:
        raise NotImplementedError

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        raise NotImplementedError


def stream(lanes: int, elements: int = ELEMENTS) -> Stream:
    return Stream(ELEMENT, lanes, elements // lanes)


@st.composite
def toys(draw: st.DrawFn, inputs: int) -> Toy:
    """Any number of steps, with beats read and written at any of them, but the first read in step 0."""
    ins = tuple(stream(draw(st.sampled_from(LANES))) for _ in range(inputs))
    outs = tuple(stream(draw(st.sampled_from(LANES))) for _ in range(draw(st.integers(1, 2))))
    steps = draw(st.integers(max(s.beats for s in (*ins, *outs)), 16))

    def moments(count: int, first: int = 0) -> IntArray:
        order = draw(st.permutations(range(first, steps)))
        return np.array(sorted([*range(first), *order[: count - first]]), np.int64)

    reads = tuple(moments(s.beats, first=int(k == 0)) for k, s in enumerate(ins))
    writes = tuple(moments(s.beats) for s in outs)
    return Toy(ins, outs, Schedule(steps, reads, writes, draw(st.integers(1, 9))))


@st.composite
def lowered_graphs(draw: st.DrawFn, most: int = 5) -> Dataflow:
    """Kernels that read any of the streams before them, some of them several times: not yet joined."""
    inputs = tuple(stream(1) for _ in range(draw(st.integers(1, 2))))
    sources = [Port(None, k) for k in range(len(inputs))]
    sinks: dict[Port, list[Port]] = {port: [] for port in sources}
    instances: list[Instance] = []
    for number in range(draw(st.integers(1, most))):
        unread = [port for port in sources if not sinks[port]]
        toy = draw(toys(draw(st.integers(1, 2))))
        name = f"kernel_{number}"
        for k in range(len(toy.inputs)):
            sinks[draw(st.sampled_from(unread[:1] or sources))].append(Port(name, k))
            unread = unread[1:]
        instances.append(Instance(name, toy))
        outs = [Port(name, k) for k in range(len(toy.outputs))]
        sources += outs
        sinks |= {port: [] for port in outs}
    ends = [port for port in sources if not sinks[port]]
    for k, port in enumerate(ends):
        sinks[port].append(Port(None, k))
    channels = tuple(Channel(source, sink, inputs[0]) for source, all_ in sinks.items() for sink in all_)
    outputs = tuple(stream(1) for _ in ends)
    names = tuple(f"in_{k}" for k in range(len(inputs))), tuple(f"out_{k}" for k in range(len(outputs)))
    return Dataflow("toys", tuple(instances), channels, inputs, outputs, *names)


def joined_graphs(most: int = 5) -> st.SearchStrategy[Dataflow]:
    """The same with forks and width converters."""
    return lowered_graphs(most).map(join)
