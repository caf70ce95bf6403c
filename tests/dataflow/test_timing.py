"""The max-plus times of `simulate` against the schedules followed step by step."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.dataflow.demand import latest_arrivals
from qcompile.dataflow.timing import SOURCES, Arrivals, Wait, Way, offered, settled, simulate
from qcompile.ir.dataflow import Channel, Dataflow, Instance, Port, Schedule, steps
from qcompile.ir.types import IntArray

from .toys import Toy, joined_graphs, stream

FRAMES = 5


def followed(schedule: Schedule, arrivals: list[list[int]], frames: int) -> tuple[list[list[int]], list[list[int]]]:
    """When beats are taken and valid: each step in the cycle after the last, or when its beats are there."""
    reads: list[list[int]] = [[] for _ in arrivals]
    writes: list[list[int]] = [[] for _ in schedule.writes]
    cycle = -1
    for step in range(frames * schedule.steps):
        now = step % schedule.steps
        needed = [p for p, moments in enumerate(schedule.reads) if now in moments]
        cycle = max([cycle + 1, *(arrivals[p][len(reads[p])] for p in needed)])
        for p in needed:
            reads[p].append(cycle)
        for p, moments in enumerate(schedule.writes):
            if now in moments:
                writes[p].append(cycle + schedule.latency)
    return reads, writes


def step_by_step(dataflow: Dataflow, frames: int) -> tuple[dict[Port, list[int]], dict[Port, list[int]]]:
    every = dataflow.interval()
    sent = {
        Port(None, k): [f * every + b for f in range(frames) for b in range(stream.beats)]
        for k, stream in enumerate(dataflow.inputs)
    }
    taken: dict[Port, list[int]] = {}
    driver = {c.sink: c.source for c in dataflow.channels}
    for instance in dataflow.instances:
        ports = [Port(instance.name, k) for k in range(len(instance.kernel.inputs))]
        reads, writes = followed(instance.kernel.schedule(), [sent[driver[p]] for p in ports], frames)
        taken |= dict(zip(ports, reads, strict=True))
        sent |= {Port(instance.name, k): times for k, times in enumerate(writes)}
    taken |= {p: sent[driver[p]] for p in driver if p.instance is None}
    return sent, taken


@settings(max_examples=60, deadline=None)
@given(joined_graphs(), st.integers(1, FRAMES))
def test_times_are_those_of_the_schedules(dataflow: Dataflow, frames: int) -> None:
    timing = simulate(dataflow, frames)
    sent, taken = step_by_step(dataflow, frames)
    assert {port: times.tolist() for port, times in timing.sent.items()} == sent
    assert {port: times.tolist() for port, times in timing.taken.items()} == taken


@settings(max_examples=60, deadline=None)
@given(joined_graphs(most=8))
def test_what_has_settled_repeats_for_ever(dataflow: Dataflow) -> None:
    timing = settled(dataflow)
    moves, longer = simulate(dataflow, timing.frames), simulate(dataflow, timing.frames + 6)
    for ports, more in ((moves.sent, longer.sent), (moves.taken, longer.taken)):
        for port, times in ports.items():
            rows = more[port].reshape(timing.frames + 6, -1)
            assert np.array_equal(rows[: timing.frames].ravel(), times)
            late = rows[timing.frames - 1 :]
            assert np.array_equal(late, late[0] + timing.interval * np.arange(len(late))[:, None])
    ends = [moves.taken[Port(None, k)].reshape(timing.frames, -1) for k in range(len(dataflow.outputs))]
    assert timing.first_output == min(end[0, 0] for end in ends)
    assert timing.frame_latency == max(end[0, -1] for end in ends)


@settings(max_examples=40, deadline=None)
@given(joined_graphs())
def test_beats_that_wait_are_counted_cycle_by_cycle(dataflow: Dataflow) -> None:
    ways = {channel.sink: Way(channel.source, (0, 1, 5)) for channel in dataflow.channels}
    timing = settled(dataflow, ways=ways)
    moves = simulate(dataflow, timing.frames)
    for channel in dataflow.channels:
        sent, taken = moves.sent[channel.source], moves.taken[channel.sink]
        cycles = range(-5, int(taken[-1]) + 1)
        most = tuple(max(int(((sent - k <= t) & (taken >= t)).sum()) for t in cycles) for k in (0, 1, 5))
        assert timing.waits[channel.sink] == Wait(most, bool(np.any(sent != taken)))


@settings(max_examples=40, deadline=None)
@given(joined_graphs(), st.sampled_from(SOURCES), st.data())
def test_no_beat_can_come_later_than_it_is_needed(dataflow: Dataflow, source: str, data: st.DataObject) -> None:
    arrivals = offered(dataflow, source)
    latest, frames = latest_arrivals(dataflow, arrivals)
    frames += 6
    needed, outputs = latest(frames), leave(dataflow, frames, arrivals)
    assert all(np.all(needed[port] >= times) for port, times in arrivals(frames).items())
    assert same(leave(dataflow, frames, latest), outputs)
    port = Port(None, data.draw(st.integers(0, len(dataflow.inputs) - 1)))
    # Of the last frames, the outputs that need the beat may not be there any more.
    beat = data.draw(st.integers(0, (frames - 5) * dataflow.inputs[port.index].beats - 1))

    def late(count: int) -> dict[Port, IntArray]:
        moved = dict(latest(count))
        # A beat comes after the one before it.
        order = np.arange(moved[port].size)
        moved[port] = np.maximum.accumulate(moved[port] + (order == beat) - order) + order
        return moved

    assert not same(leave(dataflow, frames, late), outputs)


def leave(dataflow: Dataflow, frames: int, arrivals: Arrivals) -> dict[Port, IntArray]:
    """When the beats of the outputs leave."""
    taken = simulate(dataflow, frames, arrivals).taken
    return {port: times for port, times in taken.items() if port.instance is None}


def same(one: Mapping[Port, IntArray], other: Mapping[Port, IntArray]) -> bool:
    """The same cycles on every port."""
    return all(np.array_equal(times, other[port]) for port, times in one.items())


def test_a_steady_source_spreads_its_beats() -> None:
    channel = Channel(Port(None), Port("k"), stream(3))
    kernel = Toy((stream(3),), (stream(3),), Schedule(10, (steps(4),), (steps(4),), 1))
    ends = Channel(Port("k"), Port(None), stream(3))
    dataflow = Dataflow("toy", (Instance("k", kernel),), (channel, ends), (stream(3),), (stream(3),), ("x",), ("y",))
    assert offered(dataflow, "steady")(2)[Port(None)].tolist() == [0, 2, 5, 7, 10, 12, 15, 17]
    assert offered(dataflow, "burst")(2)[Port(None)].tolist() == [0, 1, 2, 3, 10, 11, 12, 13]


@pytest.mark.parametrize("frames", [1, 2, 7])
def test_a_wire_is_a_design(frames: int) -> None:
    """A network of no kernels at all: what goes in comes out in the same cycle."""
    channel = Channel(Port(None), Port(None), stream(3))
    wire = Dataflow("wire", (), (channel,), (stream(3),), (stream(3),), ("x",), ("y",))
    timing = settled(wire)
    assert (timing.first_output, timing.frame_latency) == (0, 3)
    assert simulate(wire, frames).taken[Port(None)].size == 4 * frames
