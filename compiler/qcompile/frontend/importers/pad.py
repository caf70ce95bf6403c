"""Padding as an operator of its own."""

from __future__ import annotations

from collections.abc import Callable

from qcompile.frontend.builder import Builder, axis_index
from qcompile.frontend.dialect import OnnxNode, UnsupportedError
from qcompile.ops import Pad

Importer = Callable[[Builder, OnnxNode], None]


def _pad(builder: Builder, node: OnnxNode) -> None:
    """Pads, value and axes are attributes before operator set 11, inputs since."""
    mode = node.text("mode", "constant")
    if mode != "constant":
        raise UnsupportedError(f"Pad with the mode {mode}: only constant padding is computed")
    rank = len(builder.shape(node.inputs[0]))
    axes = list(range(rank))
    if node.opset < 11:
        pads, value = node.integers("pads") or (), node.real("value", 0.0)
    else:
        pads = builder.integers(node.input(1), "pads")
        value = float(builder.array(node.input(2), "the value of the padding").ravel()[0]) if node.input(2) else 0.0
        if node.input(3):
            axes = [axis_index(axis, rank) for axis in builder.integers(node.input(3), "axes")]
    if len(pads) != 2 * len(axes):
        raise UnsupportedError(f"{len(pads)} pads for {len(axes)} axes")
    if min(pads, default=0) < 0:
        raise UnsupportedError("Pad with negative pads: cut the tensor with Slice")
    before, after = [0] * rank, [0] * rank
    for axis, start, end in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
        before[axis], after[axis] = start, end
    builder.add(node, Pad(tuple(before), tuple(after), value), node.inputs[0])


IMPORTERS: dict[str, Importer] = {"Pad": _pad}
