"""`qcompile explain`: what became of a node of the model."""

from __future__ import annotations

import difflib

from qcompile.dataflow.lower import lower
from qcompile.dataflow.names import identifier
from qcompile.flow.options import Options
from qcompile.flow.prepare import Understood, prepare, understand
from qcompile.flow.progress import Progress
from qcompile.frontend.dialect import standard_opset, unpack
from qcompile.ir.dataflow import Instance
from qcompile.ir.errors import CompilerError
from qcompile.ir.graph import Node
from qcompile.kernels import LutNetlist
from qcompile.ops import CyclicProduct, Lookup, MatMul, Threshold


def explain_node(options: Options, name: str) -> list[str]:
    """Sentences. With a target the hardware is that of the folded design, else a kernel for each operator.

    Raises CompilerError for a node the model does not have, with the nearest names.
    """
    if not options.target and (options.engine != "folded" or options.folding is not None):
        raise CompilerError("--engine and --folding need to know the target", hint="add --target, for example --target pynq-z2")
    prepared = prepare(options, Progress()) if options.target else None
    understood = prepared.understood if prepared else understand(options, Progress())
    names = [node.name for node in unpack(understood.model.graph.node, standard_opset(understood.model))]
    if name not in names:
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or names[:5]
        raise CompilerError(
            f"the model has no node '{name}'", str(options.model), hint=f"did you mean {' or '.join(near)}?"
        )
    network = understood.network
    lines = [f"{name}:"]
    real = [node for node in understood.graph.nodes if name in node.origin]
    lines += [
        f"  imported as {node.op.kind} giving '{node.output}' {understood.graph.values[node.output].shape}"
        for node in real
    ]
    made = [node for node in network.integer.nodes if name in node.origin]
    for node in made:
        lines += [f"  integer {node.op.kind}: {_described(understood, node)}"]
    lowered = prepared.lowered if prepared else lower(network.integer, identifier(options.model.stem))
    for instance in lowered.instances:
        if name in instance.origin:
            lines.append(f"  hardware: instance {instance.name}, kernel {instance.kernel.kind}")
            lines += _tables(instance, name)
    if not made:
        lines.append(f"  {_absorbed(understood, name, real)}")
    return lines


def _tables(instance: Instance, name: str) -> list[str]:
    """Where a node is in a LUT netlist, and what its layer costs there."""
    if not isinstance(instance.kernel, LutNetlist):
        return []
    layers, lines = instance.kernel.layers, []
    for number, layer in enumerate(layers):
        if name in layer.origin:
            bits = [len(sources) * layer.input.bits for sources in layer.sources]
            least, most = min(bits), max(bits)
            reads = f"{most}" if least == most else f"{least} to {most}"
            lines.append(
                f"  truth tables: layer {number + 1} of {len(layers)} ({layer.name}), {layer.outputs} neurons of {layer.output} "
                f"that read {reads} bits each, {layer.luts():,} LUTs in {layer.levels()} levels"
            )
    return lines


def _described(understood: Understood, node: Node) -> str:
    """The numbers of an integer node."""
    graph = understood.network.integer
    value = graph.values[node.output]
    reach = f"{value.range.least} to {value.range.greatest} ({value.range.type})" if value.range is not None else "?"
    match node.op:
        case MatMul():
            shape = graph.constants[node.inputs[1]].shape
            detail = f"{shape[0]} inputs, {shape[1]} outputs" + (
                ", with initial values" if len(node.inputs) > 2 else ""
            )
        case CyclicProduct():
            cycle = node.op.cycle
            sizes = sorted(set(cycle.lengths))
            inputs = str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
            outputs = graph.constants[node.inputs[1]].shape[0]
            detail = f"{cycle.vectors} vectors meet {cycle.matrices} matrices in turn: {inputs} inputs, {outputs} outputs each"
        case Threshold():
            rows, count = graph.constants[node.inputs[1]].shape
            falling = int(graph.constants[node.inputs[2]].sum())
            shared = "shared by all channels" if rows == 1 else f"in each of {rows} channels"
            detail = f"{count} thresholds {shared}" + (f", {falling} of them falling" if falling else "")
        case Lookup():
            detail = f"table of {graph.constants[node.inputs[1]].shape[1]} entries, because it is not monotone"
        case _:
            detail = str(node.op)
    return f"{detail}; reaches {reach}"


def _absorbed(understood: Understood, name: str, real: list[Node]) -> str:
    network = understood.network
    if not real:
        return "folded into constants, or another name of its input: no hardware"
    if any(name in node.origin for node in network.before.nodes):
        return "done by the host in front of the accelerator"
    if any(name in node.origin for node in network.after.nodes):
        return "done by the host behind the accelerator"
    return (
        "held back as part of a function of integers, and absorbed by the quantiser behind it: no hardware of its own"
    )
