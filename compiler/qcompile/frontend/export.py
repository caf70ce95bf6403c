"""The integer graph back to ONNX: int64 tensors and integer operators only, which stock onnxruntime runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from qcompile.frontend.load import PRODUCER
from qcompile.frontend.node_writer import Attributes, NodeWriter
from qcompile.ir.errors import CompilerError
from qcompile.ir.graph import Graph, Node, Operator
from qcompile.ir.types import Array, IntArray
from qcompile.ops import (
    ArgMax,
    BorderAffine,
    ChannelProduct,
    Concat,
    CyclicProduct,
    Lookup,
    MatMul,
    MatrixProduct,
    Pad,
    PhasedWindow,
    Repeat,
    Reshape,
    SlidingWindow,
    Take,
    TensorAdd,
    TensorMultiply,
    Threshold,
    Transpose,
    WindowMaximum,
)
from qcompile.ops.taps import gather

OPSET = 17
IR_VERSION = 8
FRAMES = "frames"
"""Name of the leading axis, which is dynamic."""

NEVER = np.iinfo(np.int64).max
"""A threshold that nothing reaches."""


@dataclass(frozen=True, slots=True, eq=False)
class _Writing:
    """A node of the integer graph, and where its ONNX nodes go."""

    node: Node
    graph: Graph
    writer: NodeWriter

    @property
    def constants(self) -> tuple[IntArray, ...]:
        """The values of its constant inputs."""
        constants = self.graph.constants
        return tuple(_integers(constants[name], name) for name in self.node.inputs if name in constants)

    def apply(self, operator: str, *inputs: str, attributes: Attributes | None = None) -> str:
        """Appends an ONNX node; returns its output."""
        return self.writer.apply(operator, *inputs, attributes=attributes)

    def finish(self, operator: str, *inputs: str, attributes: Attributes | None = None) -> None:
        """Appends the ONNX node that makes the node's own output."""
        self.writer.apply(operator, *inputs, output=self.node.output, attributes=attributes)

    def integers(self, value: npt.ArrayLike) -> str:
        """Appends a constant of int64."""
        return self.writer.constant(value, np.int64)


def _matmul(w: _Writing) -> None:
    x, weights, *bias = w.node.inputs
    if bias:
        w.finish("Add", w.apply("MatMul", x, weights), bias[0])
    else:
        w.finish("MatMul", x, weights)


def _threshold(w: _Writing) -> None:
    """Binary search in all channels at once: one comparison for each bit of the result.

    `position` is where the search of a channel stands in the concatenation of all rows, each of them padded to
    2**bits - 1 thresholds.
    """
    thresholds, descending = w.constants
    rows, count = thresholds.shape
    bits = count.bit_length()
    width = (1 << bits) - 1
    padded = np.full((rows, width), NEVER, np.int64)
    padded[:, :count] = thresholds
    starts = np.arange(rows, dtype=np.int64) * width
    x = w.node.inputs[0]
    if descending.any():
        x = w.apply("Mul", x, w.integers(1 - 2 * descending))
        x = w.apply("Sub", x, w.integers(descending))
    table = w.integers(padded.ravel())
    position = w.apply("Add", w.apply("Sub", x, x), w.integers(starts))
    for bit in reversed(range(bits)):
        middle = w.apply("Add", position, w.integers((1 << bit) - 1))
        reached = w.apply("GreaterOrEqual", x, w.apply("Gather", table, middle))
        step = w.apply("Cast", reached, attributes={"to": int(TensorProto.INT64)})
        step = w.apply("Mul", step, w.integers(1 << bit))
        position = w.apply("Add", position, step)
    op = cast(Threshold, w.node.op)
    w.finish("Sub", position, w.integers(starts - op.base))


def _lookup(w: _Writing) -> None:
    """The tables of the channels one after another, and the index of an element within them."""
    (table,) = w.constants
    rows, size = table.shape
    starts = np.arange(rows, dtype=np.int64) * size - cast(Lookup, w.node.op).first
    index = w.apply("Add", w.node.inputs[0], w.integers(starts))
    w.finish("Gather", w.integers(table.ravel()), index)


def _argmax(w: _Writing) -> None:
    op = cast(ArgMax, w.node.op)
    x, *offsets = w.node.inputs
    if offsets:
        x = w.apply("Mul", x, w.integers(1 << op.shift))
        x = w.apply("Add", x, offsets[0])
    attributes = {"axis": op.axis, "keepdims": int(op.keepdims), "select_last_index": int(op.select_last)}
    w.finish("ArgMax", x, attributes=attributes)


def _reshape(w: _Writing) -> None:
    shape = [0, *cast(Reshape, w.node.op).shape]
    w.finish("Reshape", w.node.inputs[0], w.integers(shape))


def _transpose(w: _Writing) -> None:
    perm = [0, *(axis + 1 for axis in cast(Transpose, w.node.op).perm)]
    w.finish("Transpose", w.node.inputs[0], attributes={"perm": perm})


def _take(w: _Writing) -> None:
    x, index = w.node.inputs
    flat = w.apply("Reshape", x, w.integers([0, -1]))
    w.finish("Gather", flat, index, attributes={"axis": 1})


def _sliding_window(w: _Writing) -> None:
    """(frames, height, width, C): padded, then one Gather for the rows and one for the columns of every window."""
    op, x = cast(SlidingWindow, w.node.op), w.node.inputs[0]
    windows = op.windows
    spatial = w.graph.values[x].shape[:2]
    output = windows.output(spatial)
    index, ends = [], []
    for k in range(2):
        starts = np.arange(output[k], dtype=np.int64)[:, None] * windows.stride[k]
        index.append(starts + np.arange(windows.kernel[k], dtype=np.int64) * windows.dilation[k])
        ends.append(max(int(index[k].max()) + 1 - spatial[k] - windows.before[k], 0))
    if any((*windows.before, *ends)):
        pads = [0, *windows.before, 0, 0, *ends, 0]
        x = w.apply("Pad", x, w.integers(pads), w.integers(op.padding))
    x = w.apply("Gather", x, w.integers(index[0]), attributes={"axis": 1})
    x = w.apply("Gather", x, w.integers(index[1]), attributes={"axis": 3})
    groups, (height, width) = cast(SlidingWindow, w.node.op).groups, windows.kernel
    if groups == 1:
        x = w.apply("Transpose", x, attributes={"perm": [0, 1, 3, 2, 4, 5]})
    else:
        x = w.apply("Reshape", x, w.integers([0, output[0], height, output[1], width, groups, -1]))
        x = w.apply("Transpose", x, attributes={"perm": [0, 1, 3, 5, 2, 4, 6]})
    w.finish("Reshape", x, w.integers([0, *output, -1]))


def _border_affine(w: _Writing) -> None:
    """Factors and constants of every pixel, gathered by its class."""
    classes = w.integers(cast(BorderAffine, w.node.op).classes)
    x, factors, constants = w.node.inputs
    factor = w.apply("Unsqueeze", w.apply("Gather", factors, classes), w.integers([-1]))
    w.finish("Add", w.apply("Mul", x, factor), w.apply("Gather", constants, classes))


def _pad(w: _Writing) -> None:
    op = cast(Pad, w.node.op)
    w.finish("Pad", w.node.inputs[0], w.integers([0, *op.before, 0, *op.after]), w.integers(int(op.value)))


def _phased_window(w: _Writing) -> None:
    """Parts of pixels (frames, parts, C / groups), gathered; one more part stands for all outside."""
    op, x = cast(PhasedWindow, w.node.op), w.node.inputs[0]
    index = gather(op.rows, op.columns, op.groups)
    parts = op.rows.size * op.columns.size * op.groups
    x = w.apply("Reshape", x, w.integers([0, parts, -1]))
    x = w.apply("Pad", x, w.integers([0, 0, 0, 0, 1, 0]), w.integers(op.padding))
    x = w.apply("Gather", x, w.integers(np.where(index < 0, parts, index)), attributes={"axis": 1})
    w.finish("Reshape", x, w.integers([0, -1]))


def _cyclic_product(w: _Writing) -> None:
    """For each matrix a product with all of its vectors, then the results in the order of the vectors.

    Where the elements of a vector are is computed in the model: as a constant it would be as large as all vectors.
    """
    op, (weights,) = cast(CyclicProduct, w.node.op), w.constants
    order, starts, begins = op.cycle.order(), op.cycle.starts(), op.cycle.begins
    x = w.apply("Reshape", w.node.inputs[0], w.integers([0, -1]))
    products, places = [], []
    for number, size in enumerate(op.cycle.lengths):
        vectors = np.flatnonzero(order == number)
        index = w.apply("Add", w.integers(starts[vectors][:, None]), w.integers(np.arange(size)[None]))
        chosen = w.apply("Gather", x, index, attributes={"axis": 1})
        products.append(w.apply("MatMul", chosen, w.integers(weights[:, begins[number] : begins[number + 1]].T)))
        places.append(vectors)
    joined = w.apply("Concat", *products, attributes={"axis": 1})
    back = np.argsort(np.concatenate(places))
    joined = w.apply("Gather", joined, w.integers(back), attributes={"axis": 1})
    w.finish("Reshape", joined, w.integers([0, *op.shape]))


def _channel_product(w: _Writing) -> None:
    """(..., positions, C) times the weights, and the sum over the last axis but one."""
    x, weights = w.node.inputs
    shape = [0, *w.graph.values[x].shape[:-1], *w.constants[0].shape]
    products = w.apply("Mul", w.apply("Reshape", x, w.integers(shape)), weights)
    w.finish("ReduceSum", products, w.integers([-2]), attributes={"keepdims": 0})


def _concat(w: _Writing) -> None:
    w.finish("Concat", *w.node.inputs, attributes={"axis": cast(Concat, w.node.op).axis + 1})


def _tensor_add(w: _Writing) -> None:
    factors = cast(TensorAdd, w.node.op).factors
    terms = (w.apply("Mul", name, w.integers(k)) for name, k in zip(w.node.inputs, factors, strict=True))
    w.finish("Add", *terms)


def _factors(w: _Writing, op: TensorMultiply | MatrixProduct) -> list[str]:
    """What is multiplied: the inputs, each with its factor and its term."""
    operands = []
    for name, factor, term in zip(w.node.inputs, op.factors, op.terms_added, strict=True):
        scaled = name if factor == 1 else w.apply("Mul", name, w.integers(factor))
        operands.append(scaled if term == 0 else w.apply("Add", scaled, w.integers(term)))
    return operands


def _tensor_multiply(w: _Writing) -> None:
    w.finish("Mul", *_factors(w, cast(TensorMultiply, w.node.op)))


def _matrix_product(w: _Writing) -> None:
    op = cast(MatrixProduct, w.node.op)
    a, b = _factors(w, op)
    if op.transposed:
        b = w.apply("Transpose", b, attributes={"perm": [0, 1, 3, 2]})
    w.finish("MatMul", a, b)


def _repeat(w: _Writing) -> None:
    """(frames, vectors, 1, elements) times ones of (times, 1)."""
    op = cast(Repeat, w.node.op)
    vectors = w.apply("Reshape", w.node.inputs[0], w.integers([0, -1, 1, op.vector]))
    repeated = w.apply("Mul", vectors, w.integers(np.ones((op.times, 1))))
    w.finish("Reshape", repeated, w.integers([0, *op.shape]))


def _window_maximum(w: _Writing) -> None:
    """(..., positions, C) and the maximum over the last axis but one."""
    source = w.node.inputs[0]
    shape = [0, *w.graph.values[source].shape[:-1], cast(WindowMaximum, w.node.op).positions, -1]
    split = w.apply("Reshape", source, w.integers(shape))
    w.finish("ReduceMax", split, attributes={"axes": [-2], "keepdims": 0})


WRITERS: dict[type[Operator], Callable[[_Writing], None]] = {
    ArgMax: _argmax,
    BorderAffine: _border_affine,
    ChannelProduct: _channel_product,
    Concat: _concat,
    CyclicProduct: _cyclic_product,
    Lookup: _lookup,
    MatMul: _matmul,
    Pad: _pad,
    MatrixProduct: _matrix_product,
    PhasedWindow: _phased_window,
    Repeat: _repeat,
    Reshape: _reshape,
    SlidingWindow: _sliding_window,
    Take: _take,
    TensorAdd: _tensor_add,
    TensorMultiply: _tensor_multiply,
    Threshold: _threshold,
    Transpose: _transpose,
    WindowMaximum: _window_maximum,
}
"""How each operator of an integer graph is written."""


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
        write(_Writing(node, graph, writer))
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
        producer_name=PRODUCER,
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
