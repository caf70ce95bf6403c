"""What stands at the end of a classifier: Softmax, ArgMax, TopK."""

from __future__ import annotations

from collections.abc import Callable

from qcompile.frontend.builder import Builder, axis_index
from qcompile.frontend.dialect import OnnxNode, UnsupportedError
from qcompile.ops import ArgMax, Softmax, TopK

Importer = Callable[[Builder, OnnxNode], None]


def _from_end(builder: Builder, node: OnnxNode, axis: int) -> int:
    """The axis counted from the end, so that a leading axis of frames does not matter."""
    rank = len(builder.shape(node.inputs[0]))
    return axis_index(axis, rank) - rank


def _softmax(builder: Builder, node: OnnxNode) -> None:
    """Before operator set 13 all axes from `axis` on are normalised together."""
    if node.opset < 13:
        first = _from_end(builder, node, node.integer("axis", 1))
        axes = tuple(range(first, 0))
    else:
        axes = (_from_end(builder, node, node.integer("axis", -1)),)
    builder.add(node, Softmax(axes, node.operator == "LogSoftmax"), node.inputs[0])


def _argmax(builder: Builder, node: OnnxNode) -> None:
    axis = _from_end(builder, node, node.integer("axis", 0))
    keepdims, last = bool(node.integer("keepdims", 1)), bool(node.integer("select_last_index", 0))
    builder.add(node, ArgMax(axis, keepdims, last), node.inputs[0])


def _topk(builder: Builder, node: OnnxNode) -> None:
    k = node.integer("k", 1) if node.opset < 10 else builder.integers(node.input(1), "k")[0]
    axis = _from_end(builder, node, node.integer("axis", -1))
    largest = bool(node.integer("largest", 1))
    if not node.integer("sorted", 1) and k > 1:
        raise UnsupportedError("TopK with sorted=0: its order is not defined")
    values, indices = node.outputs[0], node.outputs[1] if len(node.outputs) > 1 else ""
    if values:
        builder.add(node, TopK(k, axis, largest, values=True), node.inputs[0], output=values)
    if indices:
        op = ArgMax(axis) if k == 1 and largest else TopK(k, axis, largest)
        builder.add(node, op, node.inputs[0], output=indices)


IMPORTERS: dict[str, Importer] = {
    "ArgMax": _argmax,
    "LogSoftmax": _softmax,
    "Softmax": _softmax,
    "TopK": _topk,
}
