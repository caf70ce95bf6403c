"""Lowering: every node of the integer graph becomes a kernel, every value a channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from qcompile.dataflow.implementations import IMPLEMENTATIONS, NoKernelError
from qcompile.dataflow.names import identifier
from qcompile.ir.dataflow import Channel, Dataflow, Instance, Kernel, Port, Stream
from qcompile.ir.errors import Rejection, refuse
from qcompile.ir.graph import Graph, Node, element_count, fresh_name
from qcompile.ops import Reshape


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """A kernel that does the work of several nodes: the first of them reads its input, `result` is the value it gives."""

    instance: str
    kernel: Kernel
    nodes: tuple[str, ...]
    result: str
    origin: tuple[str, ...]


@dataclass(slots=True)
class _Lowering:
    """Instances so far, and for each integer value the port that sends it."""

    graph: Graph
    instances: list[Instance] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    sources: dict[str, Port] = field(default_factory=dict)
    sinks: dict[Port, list[Port]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)


def lower(graph: Graph, name: str, netlists: Sequence[Fused] = ()) -> Dataflow:
    """What `placed` gives, without the names of the nodes."""
    return placed(graph, name, netlists)[0]


def placed(graph: Graph, name: str, netlists: Sequence[Fused] = ()) -> tuple[Dataflow, dict[str, str]]:
    """The unfolded dataflow graph called `name`: one kernel an operator, not yet joined by converters, forks or FIFOs.

    With it comes the instance of each node that has one of its own. Some of the operators may be `netlists` instead, one
    kernel for several of them. A source may feed several sinks; `join` makes forks of them. Raises CompilerError for
    operators that no kernel does.
    """
    kernels = _kernels(graph)
    state = _Lowering(graph)
    firsts = {netlist.nodes[0]: netlist for netlist in netlists}
    inside = {node for netlist in netlists for node in netlist.nodes}
    hidden = {node.output for node in graph.nodes if node.name in inside} - {netlist.result for netlist in netlists}
    for k, value in enumerate(graph.inputs):
        state.sources[value] = Port(None, k)
    for node in graph.nodes:
        if isinstance(node.op, Reshape):
            if node.inputs[0] in hidden:
                hidden.add(node.output)
            else:
                state.sources[node.output] = state.sources[node.inputs[0]]
            continue
        if node.name in inside and node.name not in firsts:
            continue
        fused = firsts.get(node.name)
        if fused is not None:
            _place(state, Instance(fused.instance, fused.kernel, fused.origin), node, fused.result)
            continue
        kernel = kernels[node.name]
        instance = fresh_name(f"{identifier(node.origin[0] if node.origin else node.name)}_{kernel.kind}", state.names)
        _place(state, Instance(instance, kernel, node.origin), node, node.output)
    for k, value in enumerate(graph.outputs):
        state.sinks.setdefault(state.sources[value], []).append(Port(None, k))
    return _assembled(state, name), state.owners


def _kernels(graph: Graph) -> dict[str, Kernel]:
    """The kernel of each node, by its name; all nodes that there is none for are refused together."""
    kernels: dict[str, Kernel] = {}
    rejections: list[Rejection] = []
    for node in graph.nodes:
        if isinstance(node.op, Reshape):
            continue
        try:
            if type(node.op) not in IMPLEMENTATIONS:
                raise NoKernelError(f"no kernel computes {node.op.kind}")
            kernels[node.name] = IMPLEMENTATIONS[type(node.op)](graph, node)
        except NoKernelError as error:
            rejections.append(Rejection(str(error), f"node {', '.join(node.origin) or node.name}"))
    if rejections:
        raise refuse("the integer graph holds what no hardware does yet", rejections)
    return kernels


def _place(state: _Lowering, instance: Instance, node: Node, result: str) -> None:
    """An instance that reads what `node` reads and gives the value `result`."""
    # What stands in front of a further input k is called after the instance, with _k at the end.
    state.names |= {instance.name, *(f"{instance.name}_{k}" for k in range(1, len(instance.kernel.inputs)))}
    state.instances.append(instance)
    state.owners[node.name] = instance.name
    state.sources[result] = Port(instance.name)
    streams = [name for name in node.inputs if name in state.sources]
    for k, stream in enumerate(streams):
        state.sinks.setdefault(state.sources[stream], []).append(Port(instance.name, k))


def _assembled(state: _Lowering, name: str) -> Dataflow:
    """Channels carry the contract of their source; the accelerator's edges start with one element a beat."""
    graph = state.graph
    kernels = {instance.name: instance.kernel for instance in state.instances}
    edges_in = tuple(_edge(graph, name) for name in graph.inputs)
    channels = []
    for source, sinks in state.sinks.items():
        stream = edges_in[source.index] if source.instance is None else kernels[source.instance].outputs[source.index]
        channels += [Channel(source, sink, stream) for sink in sinks]
    return Dataflow(
        name=name,
        instances=tuple(state.instances),
        channels=tuple(channels),
        inputs=edges_in,
        outputs=tuple(_edge(graph, name) for name in graph.outputs),
        input_names=graph.inputs,
        output_names=graph.outputs,
    )


def _edge(graph: Graph, name: str) -> Stream:
    value = graph.values[name]
    assert value.range is not None
    return Stream(value.range.type, 1, element_count(value.shape))
