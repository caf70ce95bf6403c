"""Why nothing moves any more: instances that wait for each other in a circle, and the channels on which they wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qcompile.ir.dataflow import Channel, Dataflow


@dataclass(frozen=True, slots=True)
class Wait:
    """An instance that waits for its neighbour on a channel: to be given a beat, or, where `full`, to be rid of one."""

    instance: str
    neighbour: str
    channel: Channel
    full: bool
    moved: int

    def __str__(self) -> str:
        what = "takes no more" if self.full else "gives no more"
        return (
            f"{self.instance} waits for {self.neighbour}, which {what}: "
            f"channel {self.channel.source} -> {self.channel.sink}, after {self.moved} beats"
        )


def deadlock(
    dataflow: Dataflow, moved: Mapping[Channel, int], offered: Mapping[Channel, bool], frames: int
) -> list[Wait]:
    """The shortest circle of instances that wait for each other; empty where there is none.

    `moved` counts the beats that moved on each channel of `frames` frames, `offered` says where one more is offered and not
    taken.
    """
    waits: dict[str, list[Wait]] = {instance.name: [] for instance in dataflow.instances}
    for channel in dataflow.channels:
        source, sink, count = channel.source.instance, channel.sink.instance, moved[channel]
        if source is None or sink is None:
            continue
        if offered[channel]:
            waits[source].append(Wait(source, sink, channel, True, count))
        elif count < channel.stream.beats * frames:
            waits[sink].append(Wait(sink, source, channel, False, count))
    circles = [circle for name in waits if (circle := _circle(name, waits))]
    return min(circles, key=len, default=[])


def _circle(start: str, waits: Mapping[str, Sequence[Wait]]) -> list[Wait]:
    """The shortest way from an instance back to itself."""
    ways: list[list[Wait]] = [[wait] for wait in waits[start]]
    seen: set[str] = set()
    for way in ways:
        end = way[-1].neighbour
        if end == start:
            return way
        if end not in seen:
            seen.add(end)
            ways += [[*way, wait] for wait in waits[end]]
    return []
