"""The first frame: when each instance takes and sends its beats, how long it waits, and for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from qcompile.dataflow.timing import Arrivals, offered, run
from qcompile.ir.activity import Activity
from qcompile.ir.dataflow import Dataflow, Port, Schedule
from qcompile.ir.types import IntArray


def first_frame(dataflow: Dataflow, arrivals: Arrivals | None = None) -> tuple[Activity, ...]:
    """One entry an instance, in order, for a frame that comes at these cycles (default: as a burst). Needs a joined dataflow
    (one sink a source) whose FIFOs keep its interval.

    Cycles of a channel are kept only until its sink has taken them.
    """
    sent = dict((arrivals or offered(dataflow))(1))
    driver = {channel.sink: channel.source for channel in dataflow.channels}
    return tuple(
        _activity(i.name, i.kernel.schedule(), [driver[Port(i.name, k)] for k in range(len(i.kernel.inputs))], sent)
        for i in dataflow.instances
    )


def _activity(name: str, schedule: Schedule, sources: Sequence[Port], sent: dict[Port, IntArray]) -> Activity:
    """What an instance does; the cycles of its sources are taken out of `sent`, those of its own ports put in."""
    arrivals = [sent.pop(source) for source in sources]
    reads, writes = run(schedule, list(arrivals), 1)
    sent.update({Port(name, k): times for k, times in enumerate(writes)})
    last = max(int(steps[-1]) for steps in schedule.writes)
    begin, held = _held(schedule, arrivals, 0), _held(schedule, arrivals, last)
    waited = max(held.values()) - max(begin.values())
    return Activity(
        name,
        min(int(times[0]) for times in reads),
        max(int(times[-1]) for times in reads),
        min(int(times[0]) for times in writes),
        max(int(times[-1]) for times in writes),
        waited,
        max(held, key=lambda port: held[port]) if waited else None,
    )


def _held(schedule: Schedule, arrivals: Sequence[IntArray], step: int) -> Mapping[int, int]:
    """For each input port that is read up to `step`, how far its beats hold that step up."""
    found = {}
    for port, (arrival, steps) in enumerate(zip(arrivals, schedule.reads, strict=True)):
        count = int(np.searchsorted(steps, step, side="right"))
        if count:
            found[port] = int((arrival[:count] - steps[:count]).max())
    return found
