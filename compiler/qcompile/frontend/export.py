"""The integer graph back to ONNX: int64 tensors and integer operators only, which stock onnxruntime runs to the same integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from qcompile.frontend.node_writer import NodeWriter
from qcompile.ir.errors import CompilerError
from qcompile.ir.graph import Graph, Node, Operator
from qcompile.ir.types import Array, IntArray
from qcompile.ops import ArgMax, Lookup, MatMul, Reshape, Take, Threshold, Transpose

OPSET = 17
IR_VERSION = 8
FRAMES = "frames"
"""Name of the leading axis, which is dynamic."""

NEVER = np.iinfo(np.int64).max
"""A threshold that nothing reaches."""

Constants = tuple[IntArray, ...]


def _matmul(writer: NodeWriter, node: Node, constants: Constants) -> None:
    x, weights, *bias = node.inputs
    product = writer.apply("MatMul", x, weights, output="" if bias else node.output)
    if bias:
        writer.apply("Add", product, bias[0], output=node.output)


def _threshold(writer: NodeWriter, node: Node, constants: Constants) -> None:
    """Binary search in all channels at once: one comparison for each bit of the result.

    `position` is where the search of a channel stands in the concatenation of all rows, each padded to 2**bits - 1 thresholds.
    """
    thresholds, descending = constants
    rows, count = thresholds.shape
    bits = count.bit_length()
    width = (1 << bits) - 1
    padded = np.full((rows, width), NEVER, np.int64)
    padded[:, :count] = thresholds
    starts = np.arange(rows, dtype=np.int64) * width
    x = node.inputs[0]
    if descending.any():
        x = writer.apply("Mul", x, writer.constant(1 - 2 * descending, np.int64))
        x = writer.apply("Sub", x, writer.constant(descending, np.int64))
    table = writer.constant(padded.ravel(), np.int64)
    position = writer.apply("Add", writer.apply("Sub", x, x), writer.constant(starts, np.int64))
    for bit in reversed(range(bits)):
        middle = writer.apply("Add", position, writer.constant((1 << bit) - 1, np.int64))
        reached = writer.apply("GreaterOrEqual", x, writer.apply("Gather", table, middle))
        step = writer.apply("Cast", reached, attributes={"to": int(TensorProto.INT64)})
        step = writer.apply("Mul", step, writer.constant(1 << bit, np.int64))
        position = writer.apply("Add", position, step)
    op = cast(Threshold, node.op)
    writer.apply("Sub", position, writer.constant(starts - op.base, np.int64), output=node.output)


def _lookup(writer: NodeWriter, node: Node, constants: Constants) -> None:
    """The tables of the channels one after another, and the index of an element within them."""
    (table,) = constants
    rows, size = table.shape
    starts = np.arange(rows, dtype=np.int64) * size - cast(Lookup, node.op).first
    index = writer.apply("Add", node.inputs[0], writer.constant(starts, np.int64))
    writer.apply("Gather", writer.constant(table.ravel(), np.int64), index, output=node.output)


def _argmax(writer: NodeWriter, node: Node, constants: Constants) -> None:
    op = cast(ArgMax, node.op)
    x, *offsets = node.inputs
    if offsets:
        x = writer.apply("Mul", x, writer.constant(1 << op.shift, np.int64))
        x = writer.apply("Add", x, offsets[0])
    attributes = {"axis": op.axis, "keepdims": int(op.keepdims), "select_last_index": int(op.select_last)}
    writer.apply("ArgMax", x, output=node.output, attributes=attributes)


def _reshape(writer: NodeWriter, node: Node, constants: Constants) -> None:
    shape = [0, *cast(Reshape, node.op).shape]
    writer.apply("Reshape", node.inputs[0], writer.constant(shape, np.int64), output=node.output)


def _transpose(writer: NodeWriter, node: Node, constants: Constants) -> None:
    perm = [0, *(axis + 1 for axis in cast(Transpose, node.op).perm)]
    writer.apply("Transpose", node.inputs[0], output=node.output, attributes={"perm": perm})


def _take(writer: NodeWriter, node: Node, constants: Constants) -> None:
    x, index = node.inputs
    flat = writer.apply("Reshape", x, writer.constant([0, -1], np.int64))
    writer.apply("Gather", flat, index, output=node.output, attributes={"axis": 1})


WRITERS: dict[type[Operator], Callable[[NodeWriter, Node, Constants], None]] = {
    ArgMax: _argmax,
    Lookup: _lookup,
    MatMul: _matmul,
    Reshape: _reshape,
    Take: _take,
    Threshold: _threshold,
    Transpose: _transpose,
}
"""How each operator of an integer graph is written; a writer gets the node and the values of its constant inputs."""


def export_integer(graph: Graph) -> onnx.ModelProto:
    """The graph as an ONNX model whose tensors are int64, with a leading dynamic axis of frames.

    Tensors keep the names they have in the graph. Raises CompilerError for an operator that has no integer form.
    """
    nodes: list[onnx.NodeProto] = []
    for node in graph.nodes:
        write = WRITERS.get(type(node.op))
        if write is None:
            raise CompilerError(f"the operator {node.op.kind} is not computed in integers", f"node {node.name}")
        writer = NodeWriter(f"{node.name}::")
        write(writer, node, tuple(_integers(graph.constants[n], n) for n in node.inputs if n in graph.constants))
        nodes += writer.nodes
    read = {name for node in nodes for name in node.input}
    model = helper.make_model(
        helper.make_graph(
            nodes,
            graph.name,
            [_value(graph, name) for name in graph.inputs],
            [_value(graph, name) for name in graph.outputs],
            [numpy_helper.from_array(_integers(a, n), n) for n, a in graph.constants.items() if n in read],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="qcompile",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _value(graph: Graph, name: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.INT64, [FRAMES, *graph.values[name].shape])


def _integers(array: Array, name: str) -> IntArray:
    """A constant as int64; raises CompilerError where that would change it."""
    integers = array.astype(np.int64)
    if not np.array_equal(integers, array):
        raise CompilerError(f"the constant '{name}' does not hold integers of 64 bits")
    return integers
