"""When every beat moves, by max-plus algebra: running maxima over cumulative sums, no simulation (design 5).

Within one kernel, the step k of the sequence of all frames' steps runs at the cycle s_k = max(s_k-1 + 1, arrival of
what it reads). With a_i the arrival of input beat i and R_i the step that reads it, s_k = k + max over i with R_i <=
k of (a_i - R_i).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qcompile.ir.dataflow import ALWAYS, Dataflow, Port, Schedule
from qcompile.ir.types import IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """Cycles at which beats move, all frames one after another.

    `sent[p]` holds for each beat of the source port p the cycle from which it is valid, `taken[p]` for each beat of
    the sink port p the cycle in which it is taken. Cycle 0 is the one in which the first input beat is valid.
    """

    sent: Mapping[Port, IntArray]
    taken: Mapping[Port, IntArray]


@dataclass(frozen=True, slots=True)
class Way:
    """From where the beats of a sink come, and how many cycles before they are valid there they are counted as waiting: one
    count for each entry of `ahead`.
    """

    source: Port
    ahead: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Wait:
    """How beats wait between a source and a sink.

    `most` are the most beats that are counted and not yet taken in some cycle, for each entry of `Way.ahead`; `any` says
    whether some beat is not taken at once.
    """

    most: tuple[int, ...]
    any: bool


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """What follows from the moves of so many frames that they repeat: cycles, `waits` by sink port, and in `ends` for each
    output of the accelerator, (frames, beats), when its beats leave.
    """

    frames: int
    interval: int
    first_output: int
    frame_latency: int
    waits: Mapping[Port, Wait]
    ends: Mapping[Port, IntArray]


Step = tuple[Mapping[Port, IntArray], Mapping[Port, IntArray]]

Arrivals = Callable[[int], Mapping[Port, IntArray]]
"""For a number of frames, the cycles from which their beats are there on each input of the accelerator."""

SOURCES = ("burst", "steady")


def offered(dataflow: Dataflow, source: str = "burst") -> Arrivals:
    """What the world outside sends: each frame an interval after the one before it, either as a `burst`, a beat a cycle, or
    `steady`, spread over the interval: beat i of n in cycle floor(i * interval / n).
    """
    every = dataflow.interval()

    def cycles(frames: int) -> dict[Port, IntArray]:
        found = {}
        for k, stream in enumerate(dataflow.inputs):
            order = np.arange(stream.beats, dtype=np.int64)
            within = order if source == "burst" else order * every // stream.beats
            found[Port(None, k)] = (np.arange(frames, dtype=np.int64)[:, None] * every + within).ravel()
        return found

    return cycles


def _moves(dataflow: Dataflow, frames: int, arrivals: Arrivals) -> Iterator[Step]:
    """What the edge sends, then what each instance takes and sends, then what the edge takes, without back-pressure.

    Cycles are let go when all that a source drives has taken its beats.
    """
    left = Counter(channel.source for channel in dataflow.channels)
    known = dict(arrivals(frames))
    yield {}, dict(known)
    driver = {channel.sink: channel.source for channel in dataflow.channels}

    def awaited(sinks: Sequence[Port]) -> list[IntArray]:
        found = [known[driver[sink]] for sink in sinks]
        for source in (driver[sink] for sink in sinks):
            left[source] -= 1
            if not left[source]:
                del known[source]
        return found

    for instance in dataflow.instances:
        ports = [Port(instance.name, k) for k in range(len(instance.kernel.inputs))]
        reads, writes = run(instance.kernel.schedule(), awaited(ports), frames)
        sent = {Port(instance.name, k): times for k, times in enumerate(writes)}
        known |= {port: times for port, times in sent.items() if left[port]}
        yield dict(zip(ports, reads, strict=True)), sent
    ends = [Port(None, k) for k in range(len(dataflow.outputs))]
    yield dict(zip(ends, awaited(ends), strict=True)), {}


def simulate(dataflow: Dataflow, frames: int, arrivals: Arrivals | None = None) -> Moves:
    """Times of `frames` frames that enter at these cycles (default: as bursts), without back-pressure.

    Needs a joined dataflow (one sink a source).
    """
    moves = Moves({}, {})
    for taken, sent in _moves(dataflow, frames, arrivals or offered(dataflow)):
        moves = Moves({**moves.sent, **sent}, {**moves.taken, **taken})
    return moves


def run(schedule: Schedule, arrivals: list[IntArray], frames: int) -> tuple[list[IntArray], list[IntArray]]:
    """Cycles in which a kernel takes its input beats, and from which its output beats are valid, for each port.

    `arrivals` holds for each input port the cycles from which the beats of all frames are there. Its outputs never wait.
    """
    begins = np.arange(frames, dtype=np.int64)[:, None] * schedule.steps
    held = []
    for arrival, steps in zip(arrivals, schedule.reads, strict=True):
        slack = arrival.reshape(frames, -1) - begins
        slack -= steps
        held.append(np.maximum.accumulate(slack.reshape(-1)).reshape(slack.shape))

    def cycles(steps: IntArray, latency: int) -> IntArray:
        times = _latest(schedule.reads, held, steps)
        times += begins + latency
        times += steps
        return times.reshape(-1)

    reads = [cycles(steps, 0) for steps in schedule.reads]
    for port, room in enumerate(schedule.rooms):
        reads[port] = _taken_early(schedule, held, begins, arrivals[port], room)
    writes = [cycles(steps, schedule.latency) for steps in schedule.writes]
    return reads, writes


def _taken_early(
    schedule: Schedule, held: list[IntArray], begins: IntArray, arrivals: IntArray, room: IntArray
) -> IntArray:
    """Cycles in which the beats of a port with a buffer are taken: one after another, when they are there and there is room."""
    frames = len(begins)
    limited = np.flatnonzero(room > ALWAYS)
    back, steps = np.divmod(room[limited], schedule.steps)
    distinct, position = np.unique(steps, return_inverse=True)
    times = _latest(schedule.reads, held, distinct) + begins + distinct + 2
    earliest = arrivals.reshape(frames, -1).copy()
    for shift in np.unique(back).tolist():
        if -shift < frames:
            some = np.flatnonzero(back == shift)
            columns = limited[some]
            freed = times[: frames + shift][:, position[some]]
            earliest[-shift:, columns] = np.maximum(earliest[-shift:, columns], freed)
    order = np.arange(earliest.size, dtype=np.int64)
    return np.maximum.accumulate(earliest.reshape(-1) - order) + order


def _latest(reads: tuple[IntArray, ...], held: list[IntArray], steps: IntArray) -> IntArray:
    """(frames, steps): how far each of `steps` lags behind full speed, the most any input read so far held it up.

    `reads` are the steps that read each port's beats, `held`, (frames, beats) each, how far they were held up by then.
    """
    lag = np.zeros((len(held[0]), steps.size), np.int64)
    for at, most in zip(reads, held, strict=True):
        index = _last_read(at, steps)
        if index is None:
            np.maximum(lag, most, out=lag)
            continue
        # Before the first read of a frame, the last one of the frame before counts.
        early = int(np.searchsorted(index, 0))
        np.maximum(lag[:, early:], most.take(index[early:], axis=1), out=lag[:, early:])
        np.maximum(lag[1:, :early], most[:-1, -1:], out=lag[1:, :early])
    return lag


def _last_read(reads: IntArray, steps: IntArray) -> IntArray | None:
    """The last beat read up to each of `steps`, -1 for none in this frame; None where that is beat i for element i."""
    if reads.size == steps.size and np.array_equal(reads, steps) and bool(np.all(reads[1:] > reads[:-1])):
        return None
    if reads[-1] + 1 == reads.size and bool(np.all(reads[1:] > reads[:-1])):
        index: IntArray = np.minimum(steps, reads[-1])
    else:
        index = np.searchsorted(reads, steps, side="right") - 1
    return index


def settled(
    dataflow: Dataflow,
    arrivals: Arrivals | None = None,
    ways: Mapping[Port, Way] | None = None,
    least_frames: int = 4,
) -> Timing:
    """Timing of so many frames that the last repeats the one before it, an interval later, and sees every queue at its
    fullest.

    `arrivals` (default: bursts) repeat every interval from the last but one of `least_frames` frames on. A kernel carries
    nothing from frame to frame but the cycle of its last step, so what has repeated once repeats for ever; a kernel behind
    sources that repeat from frame f on repeats from frame f + 1 on. A queue is filled when the first beats leave. `ways`
    says for which sinks waiting is looked at, and from where on (default: the channels).
    """
    frames = max(4, least_frames)
    between = {channel.sink: Way(channel.source) for channel in dataflow.channels} if ways is None else ways
    while True:
        timing, longest, repeated = _watched(dataflow, frames, arrivals or offered(dataflow), between)
        enough = 3 + longest // timing.interval
        if frames >= enough and repeated:
            return timing
        frames = max(2 * frames, enough)


def _watched(
    dataflow: Dataflow, frames: int, arrivals: Arrivals, ways: Mapping[Port, Way]
) -> tuple[Timing, int, bool]:
    """The timing of some frames, the longest that a beat waits, and whether the last frame is the one before it, an interval
    later, on every port. Cycles of a port are kept only while something is still compared with them.

    Of beats taken the frame before is looked at: the last ones of a frame may be read with the next, which is not there.
    """
    every = dataflow.interval()
    driver = {channel.sink: channel.source for channel in dataflow.channels}
    wanted = Counter((*driver.values(), *(way.source for way in ways.values())))
    kept: dict[Port, IntArray] = {}
    waits: dict[Port, Wait] = {}
    longest, repeated = 0, True
    ends: dict[Port, IntArray] = {}

    def against(source: Port) -> IntArray:
        times = kept[source]
        wanted[source] -= 1
        if not wanted[source]:
            del kept[source]
        return times

    for taken, sent in _moves(dataflow, frames, arrivals):
        for port, times in taken.items():
            repeated = repeated and _repeats(times.reshape(frames, -1), -2, every)
            longest = max(longest, int((times - against(driver[port])).max()))
            if port in ways:
                sent_at = against(ways[port].source)
                most = tuple(most_between(sent_at - cycles, times) for cycles in ways[port].ahead)
                waits[port] = Wait(most, bool((times > sent_at).any()))
        for port, times in sent.items():
            repeated = repeated and _repeats(times.reshape(frames, -1), -1, every)
            if wanted[port]:
                kept[port] = times
        if not sent:
            ends = {port: times.reshape(frames, -1) for port, times in taken.items()}
    first, last = (min(int(rows[0, 0]) for rows in ends.values()), max(int(rows[0, -1]) for rows in ends.values()))
    return Timing(frames, every, first, last, waits, ends), longest, repeated


def _repeats(rows: IntArray, last: int, interval: int) -> bool:
    return bool(np.array_equal(rows[last], rows[last - 1] + interval))


def most_between(entered: IntArray, left: IntArray) -> int:
    """The most beats between two points in any cycle: entered up to then, and not left in a cycle before.

    Beat i enters in cycle `entered[i]` and leaves in `left[i]`, no earlier; both rise. More than d beats are between when
    a beat enters before the one d ahead of it has left.
    """
    if not entered.size:
        return 0
    low, high = 1, 2
    while high < entered.size and bool(np.any(left[:-high] >= entered[high:])):
        low, high = high, 2 * high
    high = min(high, entered.size)
    while low < high:
        middle = (low + high) // 2
        if bool(np.any(left[:-middle] >= entered[middle:])):
            low = middle + 1
        else:
            high = middle
    return low
