"""When the outputs need the inputs at the latest: the max-plus timing backwards.

A beat of an input is needed no earlier than the last cycle in which it can come so that no output leaves later than it does
without any back-pressure. Seen from the end, the step k of a kernel runs at the latest at the cycle s_k = min(s_k+1 - 1,
what its beats are needed for). With d_j the cycle in which output beat j has to be valid and W_j the step that writes it,
s_k = k + min over j with W_j >= k of (d_j - latency - W_j).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from qcompile.dataflow.timing import Arrivals, settled
from qcompile.ir.dataflow import Dataflow, Port, Schedule
from qcompile.ir.types import IntArray

NEVER = 1 << 60
"""Later than any cycle."""


def latest_arrivals(dataflow: Dataflow, arrivals: Arrivals) -> tuple[Arrivals, int]:
    """The latest cycles in which the beats of the inputs may come so that every output leaves as it does with `arrivals`.

    `arrivals` must repeat every interval. Those returned do so from the last but one frame of the returned number on.
    """
    timing = settled(dataflow, arrivals, {})
    frames, every, more = timing.frames, timing.interval, 2
    while True:
        ends = {port: _continued(rows, frames + more, every) for port, rows in timing.ends.items()}
        needed, repeated = _needed(dataflow, ends, frames)
        if repeated:
            break
        more *= 2

    def cycles(count: int) -> dict[Port, IntArray]:
        return {port: _continued(rows[:frames], count, every).reshape(-1) for port, rows in needed.items()}

    return cycles, frames


def _continued(rows: IntArray, frames: int, interval: int) -> IntArray:
    """(frames, beats): the first so many of `rows`, and behind the last one its repetitions, an interval apart."""
    shifts = np.arange(1, max(0, frames - len(rows)) + 1, dtype=np.int64)[:, None] * interval
    return np.concatenate([rows[:frames], rows[-1] + shifts])


def _needed(dataflow: Dataflow, ends: Mapping[Port, IntArray], settled_frames: int) -> tuple[dict[Port, IntArray], bool]:
    """(frames, beats) of each input: the latest cycles for these cycles of the outputs; and whether on every port the last of
    the settled frames repeats the one before it.

    The same argument as forwards: from the end to the beginning, a kernel carries nothing but the cycle of its next step.
    """
    every, sinks = dataflow.interval(), {channel.source: channel.sink for channel in dataflow.channels}
    known = dict(ends)
    repeated = True
    for instance in reversed(dataflow.instances):
        outputs = [known.pop(sinks[Port(instance.name, k)]) for k in range(len(instance.kernel.outputs))]
        for k, rows in enumerate(latest_reads(instance.kernel.schedule(), outputs)):
            known[Port(instance.name, k)] = rows
            repeated = repeated and np.array_equal(rows[settled_frames - 1], rows[settled_frames - 2] + every)
    return {source: known[sink] for source, sink in sinks.items() if source.instance is None}, repeated


def latest_reads(schedule: Schedule, needed: list[IntArray]) -> list[IntArray]:
    """(frames, beats) of each input port: the latest cycles in which beats may be taken so that those of the outputs are
    valid when they are `needed`, (frames, beats) each.

    A beat comes at least a cycle before the next one, also where one step reads both.
    """
    frames = len(needed[0])
    begins = np.arange(frames, dtype=np.int64)[:, None] * schedule.steps
    slacks = []
    for latest, steps in zip(needed, schedule.writes, strict=True):
        slack = latest - begins - (steps + schedule.latency)
        slacks.append(np.minimum.accumulate(slack.reshape(-1)[::-1])[::-1].reshape(slack.shape))
    found = []
    for steps in schedule.reads:
        rows = np.full((frames, steps.size), NEVER)
        for slack, written in zip(slacks, schedule.writes, strict=True):
            index = np.searchsorted(written, steps)
            # Behind the last write of a frame, the first one of the next frame counts.
            late = int(np.searchsorted(index, written.size))
            np.minimum(rows[:, :late], slack.take(index[:late], axis=1), out=rows[:, :late])
            np.minimum(rows[:-1, late:], slack[1:, :1], out=rows[:-1, late:])
        rows += begins
        rows += steps
        order = np.arange(rows.size, dtype=np.int64)
        ahead = np.minimum.accumulate((rows.reshape(-1) - order)[::-1])[::-1] + order
        found.append(ahead.reshape(rows.shape))
    return found
