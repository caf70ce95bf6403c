"""Padding as an operator of its own: with one value, or with elements of the tensor itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qcompile.frontend.builder import Builder, axis_index
from qcompile.frontend.dialect import OnnxNode, UnsupportedError
from qcompile.ir.graph import Shape
from qcompile.ops import Gather, Pad
from qcompile.ops.selection import Positions

Importer = Callable[[Builder, OnnxNode], None]


def _pad(builder: Builder, node: OnnxNode) -> None:
    """Negative pads cut; what is cut is cut first."""
    before, after = _sizes(builder, node)
    match node.text("mode", "constant"):
        case "constant":
            value = _value(builder, node)
            source, left = node.inputs[0], _left(builder, node, before, after)
            if any(taken is not None for taken in left):
                source = builder.add(node, Gather(left), source, output=f"{node.outputs[0]}.cut")
            first, last = (tuple(max(size, 0) for size in sizes) for sizes in (before, after))
            builder.add(node, Pad(first, last, value), source)
        case "edge" | "reflect" | "wrap" as mode:
            builder.add(node, Gather(_own(builder, node, before, after, mode)), node.inputs[0])
        case mode:
            raise UnsupportedError(f"Pad with the mode {mode}")


def _sizes(builder: Builder, node: OnnxNode) -> tuple[Shape, Shape]:
    """What is added before and after along each axis. Pads and axes are attributes before operator set 11, inputs since."""
    rank = len(builder.shape(node.inputs[0]))
    axes = list(range(rank))
    pads = node.integers("pads") or () if node.opset < 11 else builder.integers(node.input(1), "pads")
    if node.opset >= 11 and node.input(3):
        axes = [axis_index(axis, rank) for axis in builder.integers(node.input(3), "axes")]
    if len(pads) != 2 * len(axes):
        raise UnsupportedError(f"{len(pads)} pads for {len(axes)} axes")
    before, after = [0] * rank, [0] * rank
    for axis, start, end in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
        before[axis], after[axis] = start, end
    return tuple(before), tuple(after)


def _value(builder: Builder, node: OnnxNode) -> float:
    if node.opset < 11:
        return node.real("value", 0.0)
    return float(builder.array(node.input(2), "the value of the padding").ravel()[0]) if node.input(2) else 0.0


def _left(builder: Builder, node: OnnxNode, before: Shape, after: Shape) -> Positions:
    """Which positions negative pads leave along each axis."""
    found: list[tuple[int, ...] | None] = []
    for size, start, end in zip(builder.shape(node.inputs[0]), before, after, strict=True):
        left = tuple(range(max(-start, 0), size - max(-end, 0)))
        if not left:
            raise UnsupportedError(f"pads of {start} and {end} leave nothing of {size} elements")
        found.append(left if len(left) < size else None)
    return tuple(found)


def _own(builder: Builder, node: OnnxNode, before: Shape, after: Shape, mode: str) -> Positions:
    """Which elements of the tensor lie along each axis of the padded one."""
    found: list[tuple[int, ...] | None] = []
    for size, start, end in zip(builder.shape(node.inputs[0]), before, after, strict=True):
        most = {"edge": max(start, end), "reflect": size - 1, "wrap": size}[mode]
        if min(start, end) < 0 or max(start, end) > most:
            raise UnsupportedError(f"Pad with the mode {mode} and pads of {start} and {end} at an axis of {size} elements")
        place = np.arange(-start, size + end)
        taken = {"edge": np.clip(place, 0, size - 1), "reflect": size - 1 - np.abs(size - 1 - np.abs(place)), "wrap": place % size}
        found.append(tuple(taken[mode].tolist()) if start or end else None)
    return tuple(found)


IMPORTERS: dict[str, Importer] = {"Pad": _pad}
