"""Joining: forks where a stream is read twice, width converters where two kernels fold differently."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from qcompile.ir.dataflow import Channel, Dataflow, Instance, Kernel, Port, Stream
from qcompile.ir.graph import fresh_name
from qcompile.kernels import StreamFork, WidthConverter


@dataclass(slots=True)
class _Joining:
    names: set[str]
    instances: list[Instance] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)

    def add(self, stem: str, kernel: Kernel, origin: tuple[str, ...]) -> str:
        """A new instance; returns its name."""
        name = fresh_name(stem, self.names)
        self.names.add(name)
        self.instances.append(Instance(name, kernel, origin))
        return name


def converter_name(sink: Port) -> str:
    """Name of the width converter in front of an input port."""
    index = f"_{sink.index}" if sink.index else ""
    return f"{sink.instance}{index}_width_converter"


def join(dataflow: Dataflow) -> Dataflow:
    """The folded dataflow with every contract between ports kept.

    The accelerator's edges take the lanes of the kernels at them, so that no converter stands there.
    """
    kernels = {i.name: i for i in dataflow.instances}
    by_source: dict[Port, list[Port]] = {}
    for channel in dataflow.channels:
        by_source.setdefault(channel.source, []).append(channel.sink)
    state = _Joining({i.name for i in dataflow.instances})
    inputs, outputs = list(dataflow.inputs), list(dataflow.outputs)
    for k in range(len(inputs)):
        _join_source(state, kernels, Port(None, k), by_source.get(Port(None, k), []), inputs, outputs)
    for instance in dataflow.instances:
        state.instances.append(instance)
        for k in range(len(instance.kernel.outputs)):
            port = Port(instance.name, k)
            _join_source(state, kernels, port, by_source.get(port, []), inputs, outputs)
    return replace(
        dataflow,
        instances=tuple(state.instances),
        channels=tuple(state.channels),
        inputs=tuple(inputs),
        outputs=tuple(outputs),
    )


def _join_source(
    state: _Joining,
    kernels: dict[str, Instance],
    source: Port,
    sinks: list[Port],
    inputs: list[Stream],
    outputs: list[Stream],
) -> None:
    """Channels from one source to all its sinks."""
    inside = [sink for sink in sinks if sink.instance is not None]
    origin: tuple[str, ...] = ()
    if source.instance is None:
        if inside:
            first = inside[0]
            inputs[source.index] = kernels[first.instance or ""].kernel.inputs[first.index]
        stream, stem = inputs[source.index], f"input_{source.index}"
    else:
        instance = kernels[source.instance]
        stream, stem, origin = instance.kernel.outputs[source.index], instance.name, instance.origin
    ports = [source] * len(sinks)
    if len(sinks) > 1:
        name = state.add(f"{stem}_stream_fork", StreamFork(stream, len(sinks)), origin)
        state.channels.append(Channel(source, Port(name), stream))
        ports = [Port(name, k) for k in range(len(sinks))]
    for sender, sink in zip(ports, sinks, strict=True):
        if sink.instance is None:
            outputs[sink.index] = stream
            state.channels.append(Channel(sender, sink, stream))
            continue
        wanted = kernels[sink.instance].kernel.inputs[sink.index]
        if wanted.lanes != stream.lanes:
            converter = WidthConverter(stream, wanted.lanes)
            name = state.add(converter_name(sink), converter, kernels[sink.instance].origin)
            state.channels.append(Channel(sender, Port(name), stream))
            sender = Port(name)
        state.channels.append(Channel(sender, sink, wanted))
