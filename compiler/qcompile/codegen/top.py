"""The top-level module: instances, the streams between them, byte-aligned AXI4-Streams at the edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import qcompile
from qcompile.codegen.render import render
from qcompile.codegen.views import EdgeView, InstanceView, PortsView, TapsView, TopView, WireView
from qcompile.ir.dataflow import Channel, Dataflow, Instance, Port, Stream


def edges(dataflow: Dataflow) -> tuple[tuple[EdgeView, ...], tuple[EdgeView, ...]]:
    """Views of the accelerator's inputs and outputs; numbered only where there are several."""
    wires = {port: wire_name(port) for channel in dataflow.channels for port in (channel.source,)}
    inputs = tuple(
        _edge("s_axis", k, len(dataflow.inputs), stream, wires[Port(None, k)], name)
        for k, (stream, name) in enumerate(zip(dataflow.inputs, dataflow.input_names, strict=True))
    )
    drivers = {channel.sink: channel.source for channel in dataflow.channels}
    outputs = tuple(
        _edge("m_axis", k, len(dataflow.outputs), stream, wires[drivers[Port(None, k)]], name)
        for k, (stream, name) in enumerate(zip(dataflow.outputs, dataflow.output_names, strict=True))
    )
    return inputs, outputs


def render_top(dataflow: Dataflow, first_output: int, title: str, wrappers: Mapping[str, str]) -> str:
    """SystemVerilog of the top level. `first_output` is the predicted latency in cycles, `wrappers` the modules of those
    instances that are no modules of the library.
    """
    inputs, outputs = edges(dataflow)
    bottleneck = dataflow.bottleneck().name if dataflow.instances else "a wire"
    view = TopView(
        module=dataflow.name,
        title=plain(title),
        version=qcompile.__version__,
        interval=dataflow.interval(),
        bottleneck=bottleneck,
        first_output=first_output,
        inputs=inputs,
        outputs=outputs,
        wires=tuple(_wire(channel) for channel in dataflow.channels),
        instances=tuple(_placed(instance, dataflow.channels, wrappers) for instance in dataflow.instances),
    )
    return render("top.sv.j2", view)


def render_taps(dataflow: Dataflow) -> str:
    """SystemVerilog that records what moves on every channel, in the order of `dataflow.channels`: for debugging."""
    return render("sim/stream_taps.sv.j2", TapsView(dataflow.name, tuple(_wire(c) for c in dataflow.channels)))


def memory_path(instance: str, parameter: str) -> str:
    """Where the contents of a memory lie, seen from rtl/ and from sim/, in which simulations run."""
    return f"../memories/{instance}_{parameter.removesuffix('_FILE').lower()}.hex"


def _edge(prefix: str, index: int, count: int, stream: Stream, wire: str, name: str) -> EdgeView:
    label = prefix if count == 1 else f"{prefix}_{index}"
    summary = f"'{name}', {stream.beats} beats a frame of {stream.lanes} x {stream.element}, lane 0 in the low bits"
    return EdgeView(label, wire, stream.bits, -(-stream.bits // 8) * 8, stream.beats, plain(summary))


def wire_name(source: Port) -> str:
    """Name of the stream that leaves an output port."""
    if source.instance is None:
        return f"input_{source.index}"
    return f"{source.instance}_out" + (f"_{source.index}" if source.index else "")


def _wire(channel: Channel) -> WireView:
    stream = channel.stream
    comment = f"{stream.beats} beats a frame of {stream.lanes} x {stream.element}"
    return WireView(wire_name(channel.source), stream.bits, comment)


def _placed(instance: Instance, channels: Sequence[Channel], wrappers: Mapping[str, str]) -> InstanceView:
    view = instance_view(instance, channels)
    return replace(view, module=wrappers[instance.name], parameters=()) if instance.name in wrappers else view


def instance_view(instance: Instance, channels: Sequence[Channel]) -> InstanceView:
    """An instance as a module of the library, with what its ports are connected to."""
    binding = instance.kernel.binding()
    sources = {channel.sink: channel.source for channel in channels}
    inputs = [wire_name(sources[Port(instance.name, k)]) for k in range(len(instance.kernel.inputs))]
    outputs = [wire_name(Port(instance.name, k)) for k in range(len(instance.kernel.outputs))]
    parameters = [(name, _literal(value)) for name, value in binding.parameters]
    parameters += [(m.parameter, _literal(memory_path(instance.name, m.parameter))) for m in binding.memories]
    origin = f"{', '.join(instance.origin)}: " if instance.origin else ""
    comment = f"{origin}{instance.kernel.kind}, {instance.kernel.interval()} cycles a frame"
    ports = _ports(inputs), _ports(outputs)
    return InstanceView(instance.name, binding.module, plain(comment), tuple(parameters), *ports)


def plain(text: str) -> str:
    """Text for a comment of one line: names of models may hold anything."""
    return "".join(character if character.isprintable() else " " for character in text)


def _ports(wires: Sequence[str]) -> PortsView:
    """One stream as it is, several side by side with the first in the low bits."""
    joined = [
        f"{wires[0]}_{signal}" if len(wires) == 1 else "{" + ", ".join(f"{w}_{signal}" for w in reversed(wires)) + "}"
        for signal in ("tdata", "tvalid", "tready")
    ]
    return PortsView(*joined)


def _literal(value: int | str) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
