"""Passes that change what an accumulator holds so that the thresholds behind it get cheaper: q' = sign * q + added."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Graph, Node, Value
from qcompile.ir.network import Network, Tap
from qcompile.ir.types import Array, IntArray, IntType, read_only
from qcompile.ops import BorderAffine, MatMul, Threshold


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """q' = sign * q + added for each output channel; `sign` is 1 or -1."""

    sign: IntArray
    added: IntArray


Rule = Callable[[Graph, Node, Node], Form | None]


@dataclass(frozen=True, slots=True)
class AbsorbSign:
    """Channels whose thresholds fall with the accumulator get negated weights instead of an inverted comparison.

    Left alone where the negated weights, or with them the accumulators, would need another bit.
    """

    name: ClassVar[str] = "absorb-sign"

    def run(self, network: Network) -> Network:
        """The network with as few descending thresholds as can be."""
        return _rewrite(network, _negated)


@dataclass(frozen=True, slots=True)
class PopcountForm:
    """Bipolar weights invert bits: -x is ~x + 1, and for unsigned x of b bits ~x - (2**b - 1).

    Each -1 weight thus adds a constant to what the bits give (one-bit activations: popcount(xnor) = q + number of -1
    weights); their sum moves from the accumulator's start into the thresholds behind it. Left alone where accumulators would
    need another bit, which is possible for inputs that do not use all of their codes.
    """

    name: ClassVar[str] = "popcount-form"

    def run(self, network: Network) -> Network:
        """The network with a bias that makes such accumulators pure popcounts."""
        return _rewrite(network, _counted)


def _negated(graph: Graph, product: Node, step: Node) -> Form | None:
    if isinstance(step.op, BorderAffine):
        return None
    weights, descending = graph.constants[product.inputs[1]], graph.constants[step.inputs[2]].astype(bool)
    kind = IntType.of_range(int(weights.min()), int(weights.max()))
    fits = (-weights >= kind.lo).all(axis=0) & (-weights <= kind.hi).all(axis=0)
    reach = graph.values[product.output].range
    assert reach is not None
    fits &= (-reach.hi >= reach.type.lo) & (-reach.lo <= reach.type.hi)
    flipped = np.broadcast_to(descending, fits.shape) & fits
    if not bool(flipped.any()):
        return None
    return Form(np.where(flipped, -1, 1), np.zeros(fits.size, np.int64))


def _counted(graph: Graph, product: Node, step: Node) -> Form | None:
    weights, known = graph.constants[product.inputs[1]], graph.values[product.inputs[0]].range
    if known is None or not bool(np.all(np.abs(weights) == 1)):
        return None
    negative = (weights < 0).sum(axis=0) * (-1 if known.type.signed else known.type.hi)
    present = graph.constants[product.inputs[2]] if len(product.inputs) > 2 else np.zeros_like(negative)
    shared = isinstance(step.op, Threshold) and graph.constants[step.inputs[1]].shape[0] == 1
    if bool(np.all(present == negative)) or (shared and np.ptp(negative) > 0):
        return None
    assert isinstance(product.op, MatMul)
    reach = graph.values[product.output].range
    if reach is not None and product.op.infer_range(known, weights, negative).type.bits > reach.type.bits:
        return None
    return Form(np.ones_like(negative), negative - present)


def _rewrite(network: Network, rule: Rule) -> Network:
    """Applies a rule to each MatMul whose only reader is a Threshold, or what corrects its sums at the border."""
    graph = network.integer
    readers = graph.consumers()
    nodes, values, constants = {n.name: n for n in graph.nodes}, dict(graph.values), dict(graph.constants)
    taps = list(network.taps)
    for product in graph.nodes:
        behind = readers.get(product.output, [])
        if not isinstance(product.op, MatMul) or len(behind) != 1 or product.output in graph.outputs:
            continue
        step = behind[0]
        form = rule(graph, product, step) if isinstance(step.op, (BorderAffine, Threshold)) else None
        if form is None:
            continue
        nodes[product.name] = _product(graph, product, form, values, constants)
        if isinstance(step.op, BorderAffine):
            factors, added = (constants[name] for name in step.inputs[1:])
            constants[step.inputs[2]] = read_only(added - factors[:, None] * form.added)
        else:
            _thresholds(graph, step, form, constants)
        taps = [_tap(tap, form) if tap.value == product.output else tap for tap in taps]
    integer = replace(graph, nodes=tuple(nodes[n.name] for n in graph.nodes), values=values, constants=constants)
    return replace(network, integer=integer, taps=tuple(taps))


def _product(graph: Graph, node: Node, form: Form, values: dict[str, Value], constants: dict[str, Array]) -> Node:
    """The MatMul of the new form, its bias kept only where it is not zero."""
    weights = read_only(graph.constants[node.inputs[1]] * form.sign)
    bias = form.added + (form.sign * graph.constants[node.inputs[2]] if len(node.inputs) > 2 else 0)
    constants[node.inputs[1]] = weights
    inputs = node.inputs[:2]
    if bool(np.any(bias)):
        inputs = (*inputs, f"{node.name}.bias")
        constants[inputs[2]] = read_only(bias)
    known = graph.values[node.inputs[0]].range
    assert known is not None
    assert isinstance(node.op, MatMul)
    values[node.output] = replace(values[node.output], range=node.op.infer_range(known, weights, bias))
    return replace(node, inputs=inputs)


def _thresholds(graph: Graph, step: Node, form: Form, constants: dict[str, Array]) -> None:
    """Thresholds of q' in place of those of q: -q - 1 >= t is q' >= t + 1 + added where q' = -q + added."""
    channels = form.sign.size
    old = graph.constants[step.inputs[1]]
    thresholds = np.broadcast_to(old, (channels, old.shape[1]))
    descending = np.broadcast_to(graph.constants[step.inputs[2]], (channels,)).astype(bool)
    flipped = form.sign < 0
    moved = np.where(
        flipped[:, None],
        np.where(descending[:, None], thresholds + 1, thresholds - 1)
        + np.where(descending, 1, -1)[:, None] * form.added[:, None],
        thresholds + np.where(descending, -1, 1)[:, None] * form.added[:, None],
    )
    left = (descending ^ flipped).astype(np.int64)
    if bool(np.all(moved == moved[0])) and bool(np.all(left == left[0])):
        moved, left = moved[:1], left[:1]
    constants[step.inputs[1]], constants[step.inputs[2]] = read_only(moved), read_only(left)


def _tap(tap: Tap, form: Form) -> Tap:
    """Scale * (q + shift) with q = sign * (q' - added)."""
    return replace(tap, scale=tap.scale * form.sign, shift=form.sign * tap.shift - form.added)
