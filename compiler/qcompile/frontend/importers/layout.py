"""Operators that rename, reshape or move elements."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qcompile.frontend.builder import Builder, axis_index
from qcompile.frontend.dialect import OnnxNode, UnsupportedError, element_name
from qcompile.ir.graph import Shape, element_count
from qcompile.ir.types import IntType
from qcompile.ops import Elementwise, Quantize, Reshape, Transpose

Importer = Callable[[Builder, OnnxNode], None]


INTEGERS = {
    f"{kind}{bits}": (float(IntType(bits, signed).lo), float(IntType(bits, signed).hi))
    for kind, signed in (("INT", True), ("UINT", False))
    for bits in (8, 16, 32, 64)
}
"""Least and greatest number of the types that a Cast can give."""


def _identity(builder: Builder, node: OnnxNode) -> None:
    """Identity, and Dropout outside of training."""
    builder.alias(node.outputs[0], node.inputs[0])


def _dropout(builder: Builder, node: OnnxNode) -> None:
    if node.input(2) and bool(np.any(builder.array(node.input(2), "training_mode"))):
        raise UnsupportedError("Dropout in training mode: export the model in evaluation mode")
    builder.alias(node.outputs[0], node.inputs[0])


def _cast(builder: Builder, node: OnnxNode) -> None:
    kind = element_name(node.integer("to", 0))
    if kind in INTEGERS:
        producer = builder.producer(node.inputs[0])
        op = None if producer is None else producer.op
        if isinstance(op, Quantize) and not op.dequantized and INTEGERS[kind][0] <= op.lo <= op.hi <= INTEGERS[kind][1]:
            builder.alias(node.outputs[0], node.inputs[0])
            return
        builder.add(node, Elementwise("ToInteger", INTEGERS[kind]), node.inputs[0])
        return
    if kind != "FLOAT":
        raise UnsupportedError(f"Cast of an activation to {kind}: only float32 is computed")
    builder.alias(node.outputs[0], node.inputs[0])


def _reshaped(builder: Builder, node: OnnxNode, shape: Shape) -> None:
    builder.add(node, Reshape(shape), node.inputs[0])


def _flatten(builder: Builder, node: OnnxNode) -> None:
    shape = builder.shape(node.inputs[0])
    axis = node.integer("axis", 1)
    axis = axis if axis == len(shape) else axis_index(axis, len(shape))
    _reshaped(builder, node, (element_count(shape[:axis]), element_count(shape[axis:])))


def _reshape(builder: Builder, node: OnnxNode) -> None:
    before = builder.shape(node.inputs[0])
    target = list(builder.integers(node.inputs[1], "shape"))
    if not node.integer("allowzero", 0):
        target = [before[k] if size == 0 and k < len(before) else size for k, size in enumerate(target)]
    if -1 in target:
        rest = element_count([size for size in target if size != -1])
        target[target.index(-1)] = element_count(before) // max(rest, 1)
    _reshaped(builder, node, tuple(target))


def _axes(builder: Builder, node: OnnxNode) -> tuple[int, ...] | None:
    """Axes of Squeeze and Unsqueeze: an attribute before operator set 13, an input since."""
    if node.opset < 13:
        return node.integers("axes")
    return builder.integers(node.input(1), "axes") if node.input(1) else None


def _from_front(axes: tuple[int, ...], rank: int) -> list[int]:
    """The axes counted from the front, in order."""
    ordered = sorted(axis_index(axis, rank) for axis in axes)
    if len(set(ordered)) != len(ordered):
        raise UnsupportedError(f"the axes {axes}, one of them twice")
    return ordered


def _squeeze(builder: Builder, node: OnnxNode) -> None:
    shape = builder.shape(node.inputs[0])
    axes = _axes(builder, node)
    ones = [k for k, size in enumerate(shape) if size == 1]
    removed = ones if axes is None else _from_front(axes, len(shape))
    if not set(removed) <= set(ones):
        raise UnsupportedError(f"the axes {axes} of a tensor {shape}: only axes of size 1 can go")
    _reshaped(builder, node, tuple(size for k, size in enumerate(shape) if k not in removed))


def _unsqueeze(builder: Builder, node: OnnxNode) -> None:
    shape = list(builder.shape(node.inputs[0]))
    axes = _axes(builder, node) or ()
    for axis in _from_front(axes, len(shape) + len(axes)):
        shape.insert(axis, 1)
    _reshaped(builder, node, tuple(shape))


def _transpose(builder: Builder, node: OnnxNode) -> None:
    rank = len(builder.shape(node.inputs[0]))
    perm = node.integers("perm") or tuple(reversed(range(rank)))
    builder.add(node, Transpose(perm), node.inputs[0])


IMPORTERS: dict[str, Importer] = {
    "Cast": _cast,
    "Dropout": _dropout,
    "Flatten": _flatten,
    "Identity": _identity,
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
