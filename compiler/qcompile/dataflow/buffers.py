"""FIFO sizing: exactly the depths at which no kernel ever waits for room, from the max-plus timing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from qcompile.dataflow.timing import Timing, frames_to_settle, simulate, waiting
from qcompile.ir.dataflow import Channel, Dataflow, Instance, Port
from qcompile.kernels import Fifo

OUTPUT_REGISTER_BEATS = 2
"""Beats that the skid buffer at every kernel's output holds before the kernel stalls."""


@dataclass(frozen=True, slots=True)
class FifoSize:
    """A FIFO in front of port `sink`; `ram_style` as the kernel takes it."""

    depth: int
    ram_style: str = "auto"


def fifo_name(channel: Channel) -> str:
    """Name of the FIFO of a channel: that of the kernel it feeds, or of the one it drains at the accelerator's edge."""
    end = channel.sink.instance or channel.source.instance or "edge"
    index = f"_{channel.sink.index}" if channel.sink.index else ""
    return f"{end}{index}_fifo"


def insert_fifos(dataflow: Dataflow, sizes: Mapping[str, FifoSize] | None = None) -> Dataflow:
    """The joined dataflow with a FIFO on every channel on which beats wait, as deep as the most that wait there.

    `sizes` (by FIFO name) overrides computed depths; a depth of 0 leaves a FIFO out. The accelerator's own edges get none: the
    world outside is made to wait.
    """
    given = dict(sizes or {})
    inner = [c for c in dataflow.channels if c.source.instance is not None and c.sink.instance is not None]
    chosen = {fifo_name(c): given[fifo_name(c)] for c in inner if given.get(fifo_name(c), FifoSize(0)).depth > 0}
    frames = frames_to_settle(dataflow)
    while True:
        timing = simulate(_insert(dataflow, chosen), frames)
        wanted = {fifo_name(c): _wanted(timing, c, fifo_name(c) in chosen) for c in inner if fifo_name(c) not in given}
        # Depths only grow from round to round: a FIFO's own latency moves what is behind it, once.
        deeper = {n: FifoSize(d) for n, d in wanted.items() if d > 0 and (n not in chosen or d > chosen[n].depth)}
        if not deeper:
            return _insert(dataflow, chosen)
        chosen |= deeper


def _wanted(timing: Timing, channel: Channel, present: bool) -> int:
    """Depth of the FIFO of a channel; 0 where the output register of the kernel before it is enough."""
    sent, taken = timing.sent[channel.source], timing.taken[channel.sink]
    if not present:
        # A beat enters the output register in the cycle before it is valid outside.
        held = np.arange(1, sent.size + 1) - np.searchsorted(taken, sent - 1, side="left")
        if int(held.max(initial=0)) <= OUTPUT_REGISTER_BEATS:
            return 0
    return max(OUTPUT_REGISTER_BEATS, waiting(timing, channel.source, channel.sink))


def _insert(dataflow: Dataflow, sizes: Mapping[str, FifoSize]) -> Dataflow:
    """Puts the FIFO instances in front of the kernels they feed."""
    channels: list[Channel] = []
    before: dict[str, list[Instance]] = {}
    origins = {i.name: i.origin for i in dataflow.instances}
    for channel in dataflow.channels:
        name, sink = fifo_name(channel), channel.sink.instance
        if name not in sizes or sink is None or channel.source.instance is None:
            channels.append(channel)
            continue
        kernel = Fifo(channel.stream, sizes[name].depth, sizes[name].ram_style)
        before.setdefault(sink, []).append(Instance(name, kernel, origins[sink]))
        channels += [
            Channel(channel.source, Port(name), channel.stream),
            Channel(Port(name), channel.sink, channel.stream),
        ]
    instances = [i for instance in dataflow.instances for i in (*before.get(instance.name, []), instance)]
    return replace(dataflow, instances=tuple(instances), channels=tuple(channels))
