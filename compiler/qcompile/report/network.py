"""The network as a reader sees it: units and the edges between them, with FIFOs and width converters on the edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qcompile.report.figures import PASSING, ChannelFigures, DesignFigures, InstanceFigures


@dataclass(frozen=True, slots=True)
class Unit:
    """An instance that does more than pass a stream on, or an edge of the accelerator, which has no `instance` but a `label`."""

    label: str
    instance: InstanceFigures | None


@dataclass(frozen=True, slots=True)
class Edge:
    """From one unit to another (numbers of `Network.units`): the streams on the way, `source` first, and what stands
    between them, FIFOs and width converters.
    """

    source: int
    sink: int
    sink_port: int
    streams: tuple[ChannelFigures, ...]
    passes: tuple[InstanceFigures, ...]


@dataclass(frozen=True, slots=True)
class Network:
    """Units in topological order, inputs first and outputs last; edges in the order of their sinks."""

    units: tuple[Unit, ...]
    edges: tuple[Edge, ...]

    def sources(self, unit: int) -> tuple[Edge, ...]:
        """The edges that lead to a unit, by its input ports."""
        return tuple(edge for edge in self.edges if edge.sink == unit)

    def sinks(self, unit: int) -> tuple[Edge, ...]:
        """The edges that leave a unit."""
        return tuple(edge for edge in self.edges if edge.source == unit)


def network(design: DesignFigures) -> Network:
    """The units and edges of a design."""
    rows = {row.name: row for row in design.instances}
    driver = {(channel.sink, channel.sink_port): channel for channel in design.channels}
    inputs = sorted({channel.source_port for channel in design.channels if channel.source is None})
    outputs = sorted({channel.sink_port for channel in design.channels if channel.sink is None})
    units = [Unit(_edge_label("input", inputs, k), None) for k in inputs]
    units += [Unit(_title(row), row) for row in design.instances if row.kernel not in PASSING]
    numbers = {unit.instance.name: k for k, unit in enumerate(units) if unit.instance is not None}
    first_output = len(units)
    units += [Unit(_edge_label("output", outputs, k), None) for k in outputs]
    edges: list[Edge] = []
    for number, unit in enumerate(units[len(inputs) :], len(inputs)):
        name = unit.instance.name if unit.instance is not None else None
        ports = len(unit.instance.input_bits) if unit.instance is not None else 1
        for port in range(ports):
            key = (name, port if name is not None else outputs[number - first_output])
            streams, passes = _way(driver[key], driver, rows)
            first = streams[0]
            source = inputs.index(first.source_port) if first.source is None else numbers[first.source]
            edges.append(Edge(source, number, port, streams, passes))
    return Network(tuple(units), tuple(edges))


def _way(
    last: ChannelFigures, driver: dict[tuple[str | None, int], ChannelFigures], rows: dict[str, InstanceFigures]
) -> tuple[tuple[ChannelFigures, ...], tuple[InstanceFigures, ...]]:
    """The streams that lead to `last` from the unit before it, and what they pass."""
    streams = [last]
    passes: list[InstanceFigures] = []
    while (name := streams[0].source) is not None and rows[name].kernel in PASSING:
        passes.insert(0, rows[name])
        streams.insert(0, driver[(name, 0)])
    return tuple(streams), tuple(passes)


def _edge_label(what: str, all_ports: Sequence[int], port: int) -> str:
    return what if len(all_ports) == 1 else f"{what} {port}"


def _title(row: InstanceFigures) -> str:
    """The nodes of the model that an instance came from, or its own name."""
    return ", ".join(row.origin) or row.name
