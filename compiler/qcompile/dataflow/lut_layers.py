"""Which nodes of the integer graph can become layers of truth tables, and the kernel that such layers make together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from qcompile.dataflow.names import identifier
from qcompile.ir.graph import Graph, Node, element_count, fresh_name
from qcompile.ir.types import IntArray, Range
from qcompile.kernels import LutNetlist
from qcompile.luts.minimise import build
from qcompile.luts.netlist import logicnets_luts
from qcompile.luts.tables import Layer
from qcompile.ops import ArgMax, ChannelProduct, Lookup, MatMul, Reshape, Threshold, WindowMaximum

Function = Callable[[int, IntArray], IntArray]
"""Output element, int64 (patterns, values that it reads): int64 (patterns, 1)."""

ELEMENTWISE = (Threshold, Lookup)
PRODUCTS = (MatMul, ChannelProduct)


@dataclass(frozen=True, slots=True, eq=False)
class LutLayer:
    """A node of the graph with the elementwise ones behind it, as functions of few integers.

    `nodes` are their names (with those of reshapes in front), `source` and `result` the values in front and behind,
    `instance` the name of a netlist that begins with it. `product` says whether it is one of weights.
    """

    layer: Layer
    nodes: tuple[str, ...]
    source: str
    result: str
    vectors: int
    instance: str
    product: bool

    @property
    def input_bits(self) -> tuple[int, ...]:
        """For each neuron, the bits that it reads."""
        return tuple(len(sources) * self.layer.input.bits for sources in self.layer.sources)

    def too_large(self, limit: int) -> str:
        """Why this is not made into tables, with what it would cost; empty where every neuron reads at most `limit` bits."""
        bits = self.input_bits
        over = [n for n, count in enumerate(bits) if count > limit]
        if not over:
            return ""
        worst = max(over, key=lambda n: bits[n])
        exponent = bits[worst] - 4
        luts = (
            f"{logicnets_luts(bits[worst], self.layer.output.bits):,.0f}"
            if exponent < 40
            else f"{self.layer.output.bits}/3 * 2^{exponent}"
        )
        return (
            f"{len(over)} of {len(bits)} neurons read more than {limit} bits; neuron {worst} reads {bits[worst]} "
            f"({len(self.layer.sources[worst])} inputs of {self.layer.input}): a table of about {luts} LUTs"
        )


def find_layers(graph: Graph) -> tuple[LutLayer, ...]:
    """Every layer that could be tables if it reads few enough bits, in order; none shares a node with another."""
    readers = graph.consumers()
    taken: set[str] = set()
    names: set[str] = set()
    found: list[LutLayer] = []
    for node in graph.nodes:
        if node.name in taken or not isinstance(node.op, (*PRODUCTS, *ELEMENTWISE, WindowMaximum, ArgMax)):
            continue
        if any(name not in graph.constants for name in node.inputs[1:]):
            continue
        if isinstance(node.op, ArgMax) and node.op.axis % len(graph.values[node.inputs[0]].shape) != (
            len(graph.values[node.inputs[0]].shape) - 1
        ):
            continue
        chain = [node]
        while (behind := _only_reader(graph, readers, chain[-1])) is not None and isinstance(behind.op, ELEMENTWISE):
            chain.append(behind)
        taken.update(member.name for member in chain)
        found.append(_layer(graph, chain, names))
    return tuple(found)


def runs(graph: Graph, layers: Sequence[LutLayer]) -> tuple[tuple[LutLayer, ...], ...]:
    """The layers in rows: each the only reader of the one in front, with as many vectors a frame."""
    readers = graph.consumers()
    rows: list[list[LutLayer]] = []
    for layer in layers:
        last = rows[-1][-1] if rows else None
        if last is not None and _continues(graph, readers, last, layer):
            rows[-1].append(layer)
        else:
            rows.append([layer])
    return tuple(map(tuple, rows))


def netlist(graph: Graph, row: Sequence[LutLayer], lut_size: int, lut_stages: int) -> LutNetlist:
    """The kernel of layers behind each other, minimised for the integers that the first value can reach."""
    layers = build([layer.layer for layer in row], *reach(graph, row[0]), lut_size)
    return LutNetlist(row[0].instance, layers, row[0].vectors, lut_stages)


def reach(graph: Graph, layer: LutLayer) -> tuple[IntArray, IntArray]:
    """Least and greatest integer of each element that a layer reads."""
    known = _range(graph, layer.source).per_channel(layer.layer.inputs)
    return known.lo, known.hi


def _only_reader(graph: Graph, readers: dict[str, list[Node]], node: Node) -> Node | None:
    """What reads a node's output and nothing else does."""
    behind = readers.get(node.output, [])
    return behind[0] if len(behind) == 1 and node.output not in graph.outputs else None


def _continues(graph: Graph, readers: dict[str, list[Node]], last: LutLayer, layer: LutLayer) -> bool:
    value = last.result
    while value != layer.source:
        behind = readers.get(value, [])
        if len(behind) != 1 or value in graph.outputs or not isinstance(behind[0].op, Reshape):
            return False
        value = behind[0].output
    alone = len(readers.get(value, [])) == 1 and value not in graph.outputs
    return alone and last.vectors == layer.vectors and last.layer.outputs == layer.layer.inputs


def _range(graph: Graph, name: str) -> Range:
    known = graph.values[name].range
    assert known is not None, f"{name} is not an integer value"
    return known


def _layer(graph: Graph, chain: Sequence[Node], names: set[str]) -> LutLayer:
    first = chain[0]
    source, result = first.inputs[0], chain[-1].output
    shape = graph.values[source].shape
    stem = identifier(first.origin[0] if first.origin else first.name)
    name = fresh_name(stem, names)
    names.add(name)
    sources, head = _head(graph, first)
    tails = [_elementwise(graph, node) for node in chain[1:]]

    def function(neuron: int, x: IntArray) -> IntArray:
        values = head(neuron, x)
        for tail in tails:
            values = tail(neuron, values)
        return values[:, 0]

    origin = tuple(dict.fromkeys(part for node in chain for part in node.origin))
    types = _range(graph, source).type, _range(graph, result).type
    return LutLayer(
        Layer(name, origin, types[0], shape[-1], types[1], sources, function),
        tuple(node.name for node in chain),
        source,
        result,
        element_count(shape[:-1]),
        f"{name}_lut_netlist",
        isinstance(first.op, PRODUCTS),
    )


def _head(graph: Graph, node: Node) -> tuple[tuple[tuple[int, ...], ...], Function]:
    """For each output element of a node the input elements that it is a function of, and that function."""
    channels = graph.values[node.inputs[0]].shape[-1]
    match node.op:
        case MatMul():
            return _product(graph, node)
        case ChannelProduct():
            weights = graph.constants[node.inputs[1]].astype(np.int64)
            width = weights.shape[1]
            taps = [np.flatnonzero(weights[:, c]) for c in range(width)]

            def summed(c: int, x: IntArray) -> IntArray:
                return node.op.evaluate(x, weights[taps[c]][:, [c]]) if taps[c].size else np.zeros((len(x), 1), np.int64)

            return tuple(tuple((t * width + c).tolist()) for c, t in enumerate(taps)), summed
        case WindowMaximum(positions=positions):
            width = channels // positions
            return tuple(tuple(range(c, channels, width)) for c in range(width)), lambda _, x: x.max(
                axis=1, keepdims=True
            )
        case ArgMax():
            constants = [graph.constants[name] for name in node.inputs[1:]]
            return (tuple(range(channels)),), lambda _, x: node.op.evaluate(x, *constants).reshape(-1, 1)
    return tuple((c,) for c in range(channels)), _elementwise(graph, node)


def _product(graph: Graph, node: Node) -> tuple[tuple[tuple[int, ...], ...], Function]:
    """A matrix product: weights that are not zero say what is read; inputs that never change are part of the bias."""
    weights = graph.constants[node.inputs[1]].astype(np.int64)
    known = _range(graph, node.inputs[0]).per_channel(weights.shape[0])
    constant = known.lo == known.hi
    bias = np.where(constant, known.lo, 0) @ weights
    if len(node.inputs) > 2:
        bias = bias + graph.constants[node.inputs[2]]
    rows = [np.flatnonzero((weights[:, n] != 0) & ~constant) for n in range(weights.shape[1])]

    def function(neuron: int, x: IntArray) -> IntArray:
        return node.op.evaluate(x, weights[rows[neuron]][:, [neuron]], bias[[neuron]])

    return tuple(tuple(row.tolist()) for row in rows), function


def _elementwise(graph: Graph, node: Node) -> Function:
    """A function of one integer, with the constants of its channel."""
    constants = [graph.constants[name] for name in node.inputs[1:]]

    def function(channel: int, x: IntArray) -> IntArray:
        own = [c[[channel]] if c.shape[0] > 1 else c for c in constants]
        values: IntArray = np.asarray(node.op.evaluate(x, *own), np.int64)
        return values

    return function
