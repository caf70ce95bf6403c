"""FIFO sizing from the max-plus timing: depths with which no output ever leaves later than with FIFOs without end.

What a source sends is looked at as if each beat came in the last cycle in which the outputs need it: an image does not wait
in front of a slow layer but outside. A source that offers its beats earlier is made to wait.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from qcompile.dataflow.demand import latest_arrivals
from qcompile.dataflow.join import converter_name, join
from qcompile.dataflow.timing import Wait, Way, offered, settled
from qcompile.ir.dataflow import Channel, Dataflow, Instance, Port
from qcompile.ir.errors import Rejection, refuse
from qcompile.kernels import Fifo, LutNetlist, ParallelWindow, StreamFork, WidthConverter

OUTPUT_REGISTER_BEATS = 2
"""Beats that the skid buffer at a kernel's output holds before the kernel stalls."""


@dataclass(frozen=True, slots=True)
class FifoSize:
    """What a user wants of a FIFO: `depth` in beats, 0 for none, None for the computed one; `ram_style` as the kernel
    takes it.
    """

    depth: int | None = None
    ram_style: str = "auto"


def fifo_name(sink: Port) -> str:
    """Name of the FIFO in front of an input port."""
    index = f"_{sink.index}" if sink.index else ""
    return f"{sink.instance}{index}_fifo"


def fifo_names(joined: Dataflow) -> tuple[str, ...]:
    """Names of all FIFOs there may be, in order: one for each channel between two kernels."""
    return tuple(fifo_name(channel.sink) for channel in _inner(joined))


def possible_fifo_names(lowered: Dataflow) -> tuple[str, ...]:
    """Names that FIFOs of a lowered dataflow can have at one folding or another: any channel may get a converter."""
    sinks = [channel.sink for channel in _inner(join(lowered))]
    converters = [Port(converter_name(sink)) for sink in sinks]
    return tuple(dict.fromkeys(fifo_name(sink) for sink in (*sinks, *converters)))


def insert_fifos(
    joined: Dataflow, sizes: Mapping[str, FifoSize] | None = None, source: str = "burst"
) -> Dataflow:
    """The joined dataflow with a FIFO on every channel on which beats wait, as deep as the most that wait there.

    `sizes`, by FIFO name, are the user's; raises CompilerError for those that name no channel, and for those too
    small to keep the interval. The accelerator's own edges get no FIFO: the world outside is made to wait. `source` says
    how frames come (`offered`), and so when the outputs leave; the interval is kept for any source.
    """
    given = dict(sizes or {})
    _require_known(given, fifo_names(joined))
    by_user = {name: size.depth for name, size in given.items() if size.depth is not None}
    depths = {name: depth for name, depth in by_user.items() if depth > 0}
    outlets = {c.sink: _outlet(joined, c) for c in _inner(joined)}
    ways = {c.sink: Way(c.source, outlets[c.sink].ahead) for c in _inner(joined)}
    while True:
        buffered = _insert(joined, depths, given)
        arrivals, frames = latest_arrivals(buffered, offered(buffered, source))
        timing = settled(buffered, arrivals, ways, frames + 1)
        channels = {fifo_name(c.sink): c for c in _inner(joined)}
        wanted = {name: _wanted(outlets[c.sink], timing.waits[c.sink], name in depths) for name, c in channels.items()}
        # From round to round FIFOs are only added and made deeper: the latency of one moves what is behind it.
        deeper = {n: d for n, d in wanted.items() if n not in by_user and d > depths.get(n, 0)}
        if not deeper:
            break
        depths |= deeper
    _require_enough(by_user, wanted)
    # What was added later can have spared places elsewhere. Depth 3 has the latency of all greater ones.
    spared = {n: max(wanted[n], min(d, 3)) for n, d in depths.items() if n not in by_user}
    return _insert(joined, depths | spared, given)


def _inner(dataflow: Dataflow) -> list[Channel]:
    """The channels between two kernels."""
    return [c for c in dataflow.channels if c.source.instance is not None and c.sink.instance is not None]


def _require_known(given: Mapping[str, FifoSize], names: Iterable[str]) -> None:
    known = tuple(names)
    unknown = [name for name in given if name not in known]
    if unknown:
        raise refuse(
            "there are no such FIFOs at this folding",
            [
                Rejection(f"the nearest are {', '.join(difflib.get_close_matches(n, known, 3, 0.0))}", n)
                for n in unknown
            ],
            "leave them out: FIFOs are sized anew for every folding",
        )


def _require_enough(by_user: Mapping[str, int], wanted: Mapping[str, int]) -> None:
    small = {name: depth for name, depth in by_user.items() if depth < wanted[name]}
    if small:
        raise refuse(
            "these FIFOs would make their kernels wait, and the design slower than stated",
            [
                Rejection(f"depth {depth} is less than the {wanted[name]} beats that wait here", name)
                for name, depth in small.items()
            ],
            "leave the depth out, and it is computed",
        )


@dataclass(frozen=True, slots=True)
class _Outlet:
    """What a kernel has at an output: places for so many beats before it stalls. Beats take them so many cycles before they
    are valid outside, (without a FIFO behind them, with one) in `ahead`.
    """

    places: int
    ahead: tuple[int, int]


def _outlet(joined: Dataflow, channel: Channel) -> _Outlet:
    """The outlet of the kernel that drives a channel."""
    kernel = joined.instance(channel.source.instance or "").kernel
    if isinstance(kernel, ParallelWindow):
        # Its one output register is the last stage of the chain: a window that waits stops the pixels behind it.
        return _Outlet(0, (0, 0))
    if isinstance(kernel, StreamFork):
        # A fork shows the next beat when every output has taken the last: none may still wait by then.
        return _Outlet(1, (0, 1))
    if isinstance(kernel, LutNetlist) or (isinstance(kernel, WidthConverter) and kernel.widens):
        # One output register: a beat that waits there stops what is behind it when it has the next one complete.
        return _Outlet(1, (0, 1))
    # A pipeline that stalls keeps the gaps between its beats. If it has stalled before, with the source early, what it holds
    # is in its last stages only: so beats are counted from the step on that makes them. A beat that leaves a full FIFO makes
    # room for one of the output register a cycle later.
    latency = kernel.schedule().latency
    return _Outlet(OUTPUT_REGISTER_BEATS, (max(1, latency - 1), max(2, latency)))


def _wanted(outlet: _Outlet, wait: Wait, present: bool) -> int:
    """Depth of the FIFO of a channel; 0 where every beat is taken at once, or the places of the kernel before it are enough.
    """
    if not present and (not wait.any or wait.most[0] <= outlet.places):
        return 0
    return max(OUTPUT_REGISTER_BEATS, wait.most[1] - outlet.places)


def _insert(dataflow: Dataflow, depths: Mapping[str, int], given: Mapping[str, FifoSize]) -> Dataflow:
    """Puts FIFOs of these depths in front of the kernels they feed, in the style the user gave."""
    channels: list[Channel] = []
    before: dict[str, list[Instance]] = {}
    origins = {i.name: i.origin for i in dataflow.instances}
    for channel in dataflow.channels:
        name, sink = fifo_name(channel.sink), channel.sink.instance
        if name not in depths or sink is None or channel.source.instance is None:
            channels.append(channel)
            continue
        kernel = Fifo(channel.stream, depths[name], given.get(name, FifoSize()).ram_style)
        before.setdefault(sink, []).append(Instance(name, kernel, origins[sink]))
        channels += [
            Channel(channel.source, Port(name), channel.stream),
            Channel(Port(name), channel.sink, channel.stream),
        ]
    instances = [i for instance in dataflow.instances for i in (*before.get(instance.name, []), instance)]
    return replace(dataflow, instances=tuple(instances), channels=tuple(channels))
