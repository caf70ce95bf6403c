"""Lowering: every node of the integer graph becomes a kernel, every value a channel."""

from __future__ import annotations

from dataclasses import dataclass, field

from qcompile.dataflow.implementations import IMPLEMENTATIONS
from qcompile.dataflow.names import identifier
from qcompile.ir.dataflow import Channel, Dataflow, Instance, Port, Stream
from qcompile.ir.errors import Rejection, refuse
from qcompile.ir.graph import Graph, element_count, fresh_name
from qcompile.ops import Reshape


@dataclass(slots=True)
class _Lowering:
    """Instances so far, and for each integer value the port that sends it."""

    graph: Graph
    instances: list[Instance] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    sources: dict[str, Port] = field(default_factory=dict)
    sinks: dict[Port, list[Port]] = field(default_factory=dict)


def lower(graph: Graph, name: str) -> Dataflow:
    """The unfolded dataflow graph called `name`: one kernel an operator, not yet joined by converters, forks or FIFOs.

    A source may feed several sinks; `join` makes forks of them. Raises CompilerError for operators that no kernel does.
    """
    rejections = [
        Rejection(f"no kernel computes {node.op.kind}", f"node {', '.join(node.origin) or node.name}")
        for node in graph.nodes
        if type(node.op) not in IMPLEMENTATIONS and not isinstance(node.op, Reshape)
    ]
    if rejections:
        raise refuse("the integer graph holds what no hardware does yet", rejections)
    state = _Lowering(graph)
    for k, value in enumerate(graph.inputs):
        state.sources[value] = Port(None, k)
    for node in graph.nodes:
        if isinstance(node.op, Reshape):
            state.sources[node.output] = state.sources[node.inputs[0]]
            continue
        kernel = IMPLEMENTATIONS[type(node.op)](graph, node)
        instance = fresh_name(f"{identifier(node.origin[0] if node.origin else node.name)}_{kernel.kind}", state.names)
        state.names.add(instance)
        state.instances.append(Instance(instance, kernel, node.origin))
        state.sources[node.output] = Port(instance)
        streams = [name for name in node.inputs if name in state.sources]
        for k, stream in enumerate(streams):
            state.sinks.setdefault(state.sources[stream], []).append(Port(instance, k))
    for k, value in enumerate(graph.outputs):
        state.sinks.setdefault(state.sources[value], []).append(Port(None, k))
    return _assembled(state, name)


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
