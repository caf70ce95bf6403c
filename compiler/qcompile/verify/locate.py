"""Where the hardware first goes wrong: the beats of every inner stream against what the kernels should send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qcompile.ir.beats import unpack_frames
from qcompile.ir.dataflow import Dataflow, Instance, Port, Stream
from qcompile.ir.types import IntArray
from qcompile.verify.deadlock import Wait, deadlock


@dataclass(frozen=True, slots=True)
class Recorded:
    """What moved on one inner stream: beats as numbers, when (ns), and whether one more was offered at the end."""

    times: tuple[int, ...]
    beats: tuple[int, ...]
    waiting: bool


def evaluate(dataflow: Dataflow, inputs: Sequence[IntArray]) -> dict[Port, IntArray]:
    """What every source port sends, (frames, elements) in stream order, for frames at the accelerator's inputs."""
    driver = {channel.sink: channel.source for channel in dataflow.channels}
    sent = {Port(None, k): codes.reshape(len(codes), -1) for k, codes in enumerate(inputs)}
    for instance in dataflow.instances:
        kernel = instance.kernel
        results = kernel.evaluate(*(sent[driver[Port(instance.name, k)]] for k in range(len(kernel.inputs))))
        sent |= {Port(instance.name, k): codes for k, codes in enumerate(results)}
    return sent


def read_taps(path: Path, ports: Sequence[Port]) -> dict[Port, Recorded]:
    """The recorder's file: lines of stream number, time and beat (hexadecimal), or `waiting`."""
    times: dict[int, list[int]] = {k: [] for k in range(len(ports))}
    beats: dict[int, list[int]] = {k: [] for k in range(len(ports))}
    waiting: set[int] = set()
    for line in path.read_text(encoding="ascii").splitlines():
        number, time, beat = line.split()
        if beat == "waiting":
            waiting.add(int(number))
        else:
            times[int(number)].append(int(time))
            beats[int(number)].append(int(beat, 16))
    return {port: Recorded(tuple(times[k]), tuple(beats[k]), k in waiting) for k, port in enumerate(ports)}


def locate(dataflow: Dataflow, inputs: Sequence[IntArray], recorded: Mapping[Port, Recorded], stuck: bool) -> str:
    """Which instance is the first whose output is not what it should be, in words.

    Instances come in topological order, so its inputs are right. In a design that is `stuck` and has sent nothing
    wrong, it is those that wait for each other in a circle, or else the first that owes a beat and is not held up by its
    reader.
    """
    expected = evaluate(dataflow, inputs)
    streams = {channel.source: channel.stream for channel in dataflow.channels}
    for port in (Port(None, k) for k in range(len(dataflow.inputs))):
        wrong = _wrong_beat(streams[port], expected[port], recorded[port])
        if wrong:
            return f"input {port.index} does not arrive as it was sent: {wrong}"
    for instance in dataflow.instances:
        for k, stream in enumerate(instance.kernel.outputs):
            port = Port(instance.name, k)
            wrong = _wrong_beat(stream, expected[port], recorded[port])
            if wrong:
                return f"{_named(instance)} is the first that sends something wrong: {wrong}"
    circle = _waiting(dataflow, recorded, len(inputs[0])) if stuck else []
    if circle:
        return "a deadlock, these wait for each other:\n    " + "\n    ".join(map(str, circle))
    for instance in dataflow.instances if stuck else ():
        for k, stream in enumerate(instance.kernel.outputs):
            record = recorded[Port(instance.name, k)]
            owed = stream.beats * len(expected[Port(instance.name, k)])
            if len(record.beats) < owed and not record.waiting:
                return f"{_named(instance)} is the first that stops: it has sent {len(record.beats)} of {owed} beats"
    return "every inner stream is right: it goes wrong between the last of them and the output"


def _waiting(dataflow: Dataflow, recorded: Mapping[Port, Recorded], frames: int) -> list[Wait]:
    """The circle of a deadlock, from what was recorded."""
    moved = {channel: len(recorded[channel.source].beats) for channel in dataflow.channels}
    offered = {channel: recorded[channel.source].waiting for channel in dataflow.channels}
    return deadlock(dataflow, moved, offered, frames)


def _named(instance: Instance) -> str:
    origin = f" of {', '.join(instance.origin)}" if instance.origin else ""
    return f"instance {instance.name} ({instance.kernel.kind}{origin})"


def _wrong_beat(stream: Stream, expected: IntArray, record: Recorded) -> str:
    """The first element that differs, in words; empty when all that moved is right."""
    count = min(len(record.beats), stream.beats * len(expected))
    size = -(-stream.bits // 8)
    data = b"".join(beat.to_bytes(size, "little") for beat in record.beats[:count])
    beat_stream = Stream(stream.element, stream.lanes, 1)
    actual = unpack_frames(data, beat_stream) if count else np.zeros((0, stream.lanes), np.int64)
    wanted = expected.reshape(-1, stream.lanes)[:count]
    rows = np.flatnonzero((wanted != actual).any(axis=1))
    if not rows.size:
        if len(record.beats) > stream.beats * len(expected):
            return f"beat {count} after the last frame, at {record.times[count]} ns"
        return ""
    row = int(rows[0])
    lane = int(np.argmax(wanted[row] != actual[row]))
    frame, beat = divmod(row, stream.beats)
    return (
        f"frame {frame}, beat {beat}, lane {lane}: expected {int(wanted[row, lane])}, got {int(actual[row, lane])}, "
        f"at {record.times[row]} ns"
    )
