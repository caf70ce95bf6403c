"""Quantisers written in plain operators: Round, Floor or Ceil and bounds that are integers, in either order.

A number that is rounded, moved by integers and bounded on both sides is a code: one quantiser of scale one. Scales in front and
behind are elementwise operators. Without bounds a rounding is an elementwise function like any other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from qcompile.frontend.builder import Builder
from qcompile.frontend.dialect import OnnxNode
from qcompile.frontend.importers import elementwise
from qcompile.ir.graph import Node
from qcompile.ir.types import Array
from qcompile.ops import Elementwise, Quantize

Importer = Callable[[Builder, OnnxNode], None]
Bounds = tuple[float, float]

ROUNDINGS = {"Ceil": "CEIL", "Floor": "FLOOR", "Round": "HALF_EVEN"}
LARGEST_RANGE = 1 << 16
"""Codes of more than 16 bits are real numbers for us."""


@dataclass(frozen=True, slots=True, eq=False)
class _Rounded:
    """clamp(round(source) + zero_point, bounds); `nodes` compute it so far."""

    source: str
    rounding: str
    zero_point: Array
    bounds: Bounds
    nodes: tuple[Node, ...]


def _bounding(builder: Builder, node: OnnxNode) -> None:
    """Clip, Min, Max and Relu: the last bound of a rounded number makes a quantiser."""
    bounds = _stated_bounds(builder, node)
    source = next((name for name in node.inputs if name and not builder.is_constant(name)), "")
    found = _rounded(builder, source) if bounds and source else None
    if bounds is None or found is None or not _closed(_within(found.bounds, bounds)):
        elementwise.IMPORTERS[node.operator](builder, node)
        return
    _quantise(builder, node, replace(found, bounds=_within(found.bounds, bounds)))


def _rounding(builder: Builder, node: OnnxNode) -> None:
    """Round, Floor and Ceil of a number that is bounded by integers."""
    bounds, source, nodes = (-math.inf, math.inf), builder.resolve(node.inputs[0]), []
    while (producer := builder.producer(source)) is not None:
        found = _bounds_of(builder, producer)
        if found is None:
            break
        bounds = _within(found, bounds)
        source = producer.inputs[0]
        nodes.append(producer)
    if not _closed(bounds):
        elementwise.IMPORTERS[node.operator](builder, node)
        return
    zero = np.zeros((), np.float32)
    _quantise(builder, node, _Rounded(source, ROUNDINGS[node.operator], zero, bounds, tuple(nodes)))


def _quantise(builder: Builder, node: OnnxNode, found: _Rounded) -> None:
    lo, hi = (int(bound) for bound in found.bounds)
    op = Quantize(lo, hi, found.rounding, zero_point_first=False, dequantized=False)
    builder.add(node, op, found.source, np.ones((), np.float32), found.zero_point)
    last = builder.nodes[-1]
    origin = dict.fromkeys(name for before in reversed(found.nodes) for name in before.origin)
    builder.nodes[-1] = replace(last, origin=(*origin, *last.origin))


def _rounded(builder: Builder, name: str) -> _Rounded | None:
    """What the tensor is, where it goes back to a rounding without being bounded on both sides."""
    behind: list[Node] = []
    while (producer := builder.producer(name)) is not None and isinstance(producer.op, Elementwise):
        behind.append(producer)
        name = producer.inputs[0]
        if producer.op.function in ROUNDINGS:
            break
    else:
        return None
    *behind, first = behind
    assert isinstance(first.op, Elementwise)
    zero_point: Array = np.zeros((), np.float32)
    bounds: Bounds = (-math.inf, math.inf)
    for node in reversed(behind):
        further = _bounds_of(builder, node)
        if further is not None:
            bounds = _within(bounds, further)
            continue
        moved = _moved_by(builder, node)
        if moved is None or (moved.size > 1 and bounds != (-math.inf, math.inf)):
            return None
        zero_point = np.asarray(zero_point + moved, np.float32)
        if moved.size == 1:
            bounds = (bounds[0] + float(moved.ravel()[0]), bounds[1] + float(moved.ravel()[0]))
    return _Rounded(name, ROUNDINGS[first.op.function], zero_point, bounds, (*behind, first))


def _moved_by(builder: Builder, node: Node) -> Array | None:
    """The integers that an Add or Sub adds."""
    function = node.op.function if isinstance(node.op, Elementwise) else ""
    if function not in ("Add", "Sub"):
        return None
    moved = builder.used_constants[node.inputs[1]]
    integers = bool(np.all(moved == np.rint(moved)) and np.all(np.abs(moved) < LARGEST_RANGE))
    return (moved if function == "Add" else -moved) if integers else None


def _bounds_of(builder: Builder, node: Node) -> Bounds | None:
    """Bounds of a node that does nothing but bound by integers."""
    function = node.op.function if isinstance(node.op, Elementwise) else ""
    if function == "Relu":
        return 0.0, math.inf
    if function not in ("Clip", "Max", "Min"):
        return None
    constants = [builder.used_constants[name] for name in node.inputs[1:]]
    match function:
        case "Clip":
            return _integers(constants[0], constants[1])
        case "Max":
            return _integers(constants[0], None)
        case _:
            return _integers(None, constants[0])


def _stated_bounds(builder: Builder, node: OnnxNode) -> Bounds | None:
    """The same of a node of the model."""
    if node.operator == "Relu":
        return 0.0, math.inf
    if node.operator == "Clip" and node.opset < 11:
        limits = np.finfo(np.float32)
        least, greatest = node.real("min", float(limits.min)), node.real("max", float(limits.max))
        return _integers(np.asarray(least), np.asarray(greatest))
    if node.operator == "Clip":
        low, high = (builder.array(name, "bound") if name else None for name in (node.input(1), node.input(2)))
        return _integers(low, high)
    constants = [builder.array(name, "bound") for name in node.inputs if builder.is_constant(name)]
    if len(node.inputs) != 2 or len(constants) != 1:
        return None
    return _integers(constants[0], None) if node.operator == "Max" else _integers(None, constants[0])


def _integers(low: Array | None, high: Array | None) -> Bounds | None:
    """Bounds that are integers, one for the whole tensor; huge ones are none."""
    found = []
    for bound, none in ((low, -math.inf), (high, math.inf)):
        if bound is not None and (bound.size != 1 or float(bound.ravel()[0]) % 1):
            return None
        number = none if bound is None else float(bound.ravel()[0])
        found.append(number if abs(number) <= LARGEST_RANGE else none)
    return found[0], found[1]


def _within(first: Bounds, then: Bounds) -> Bounds:
    """What is bounded by one pair and then by another."""
    low, high = (min(max(bound, then[0]), then[1]) for bound in first)
    return low, high


def _closed(bounds: Bounds) -> bool:
    return bounds[1] - bounds[0] < LARGEST_RANGE


IMPORTERS: dict[str, Importer] = {
    **dict.fromkeys(("Clip", "Max", "Min", "Relu"), _bounding),
    **dict.fromkeys(ROUNDINGS, _rounding),
}
