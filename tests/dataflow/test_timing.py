"""The max-plus times of `simulate` against the schedules followed step by step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.dataflow.timing import Wait, settled, simulate
from qcompile.ir.dataflow import Channel, Dataflow, Port, Schedule

from .toys import joined_graphs, stream

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
    timing = settled(dataflow)
    moves = simulate(dataflow, timing.frames)
    for channel in dataflow.channels:
        sent, taken = moves.sent[channel.source], moves.taken[channel.sink]
        cycles = range(int(taken[-1]) + 1)
        most = max(int(((sent <= t) & (taken >= t)).sum()) for t in cycles)
        held = max(int(((sent - 1 <= t) & (taken >= t)).sum()) for t in (-1, *cycles))
        assert timing.waits[channel.sink] == Wait(most, held, bool(np.any(sent != taken)))


@pytest.mark.parametrize("frames", [1, 2, 7])
def test_a_wire_is_a_design(frames: int) -> None:
    """A network of no kernels at all: what goes in comes out in the same cycle."""
    channel = Channel(Port(None), Port(None), stream(3))
    wire = Dataflow("wire", (), (channel,), (stream(3),), (stream(3),), ("x",), ("y",))
    timing = settled(wire)
    assert (timing.first_output, timing.frame_latency) == (0, 3)
    assert simulate(wire, frames).taken[Port(None)].size == 4 * frames
