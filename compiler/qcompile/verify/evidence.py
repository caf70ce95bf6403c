"""What float32 may have decided: the real numbers behind integers, ours and the reference's, with bounds on rounding."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from qcompile.ir.graph import Graph, Node, Shape
from qcompile.ir.network import Tap
from qcompile.ir.types import Array, FloatArray, IntArray
from qcompile.ops.concat import Concat
from qcompile.ops.elementwise import Elementwise
from qcompile.ops.pad import Pad
from qcompile.ops.roles import Float32Array, Joint, Lattice, Layout, Pointwise, Quantiser, Summing

UNIT_ROUNDOFF = 2.0**-24
ROUNDINGS = 8
"""Roundings that a quantiser, a weight or an elementwise operator may add to one number: each makes less."""

Spread = tuple[Array, Array]
"""The least and the greatest number that each element can be."""


def decoded(tap: Tap, codes: IntArray, shape: Shape) -> Float32Array:
    """The real tensor, (frames, *shape), that integers (frames, *shape of the value) stand for."""
    lattice = Lattice(tap.scale, tap.shift, tap.offset)
    return in_model_order(lattice.decode(_rows(codes)), tap, (len(codes), *shape))


def _rows(codes: IntArray) -> IntArray:
    """(frames, vectors, channels)."""
    return codes.reshape(len(codes), -1, codes.shape[-1])


def in_model_order(numbers: Array, tap: Tap, shape: Shape) -> Array:
    """Elements of integer frames as the model's tensor has them: shape (frames, *shape of the tensor)."""
    flat = numbers.reshape(len(numbers), -1)
    return (flat if tap.index is None else flat[:, tap.index.ravel()]).reshape(shape)


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """Exact `numbers` (frames, *shape); what is rounded on the way to them in float32 is at most `size` (1, *shape)
    and as many as `terms` such roundings go into one.
    """

    numbers: FloatArray
    size: FloatArray
    terms: int


@dataclass(slots=True)
class Evidence:
    """Tensors of the model in some frames.

    `graph` is the model in real arithmetic, `taps` by tensor, `reference` the tensors of onnxruntime and `values` the
    integers, frames first. Everything is computed from the nearest tapped tensors in front, in float32 and operator
    by operator.
    """

    graph: Graph
    taps: Mapping[str, Tap]
    reference: Mapping[str, Array]
    values: Mapping[str, IntArray]
    producers: Mapping[str, Node] = field(default_factory=dict)
    memory: dict[tuple[str, str], Spread] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.producers = self.producers or {node.output: node for node in self.graph.nodes}

    def only(self, frames: IntArray) -> Evidence:
        """The same of some frames."""
        reference = {name: array[frames] for name, array in self.reference.items()}
        values = {name: array[frames] for name, array in self.values.items()}
        return Evidence(self.graph, self.taps, reference, values, self.producers)

    def ours(self, name: str) -> Spread:
        """The tensor as it follows from our integers; wider than a number only behind a function that wavers, and behind a
        join of two tensors, which the reference rounds and the integers may not.
        """
        return self._recall("ours", name, self._from_integers, self.ours, lambda op: op.wavering)

    def theirs(self, name: str) -> Spread:
        """What the tensor can be in the reference, given the tensors tapped in front as the reference has them."""
        return self._recall("theirs", name, self._from_reference, self.theirs, lambda op: op.error)

    def between(self, name: str, share: float) -> Array:
        """The tensor with those tapped in front of it taken so far from ours to the reference's."""

        def blended(tensor: str) -> Spread | None:
            ours, theirs = self._from_integers(tensor), self._from_reference(tensor)
            if ours is None or theirs is None:
                return theirs if ours is None else ours
            mixed = (ours[0] + share * (theirs[0].astype(np.float64) - ours[0])).astype(np.float32)
            return mixed, mixed

        def follow(tensor: str) -> Spread:
            return self._recall(f"{share}", tensor, blended, follow, lambda _op: 0.0)

        return follow(name)[0]

    def order(self, name: str) -> Order:
        """Exact numbers in the order of a tensor's: its own where it is affine in integers, else those before it."""
        tap = self.taps.get(name)
        if tap is not None and tap.value in self.values:
            codes = self.values[tap.value]
            rows = tap.scale * (_rows(codes) + tap.shift) + tap.offset
            numbers = in_model_order(rows, tap, (len(codes), *self.graph.values[name].shape))
            return Order(numbers, self.magnitude(name), self._roundings(name))
        node = self.producers[name]
        if isinstance(node.op, Concat):
            orders = [self.order(operand) for operand in node.inputs]
            numbers = node.op.evaluate(*(order.numbers for order in orders))
            size = node.op.evaluate(*(order.size for order in orders))
            return Order(numbers, size, max(order.terms for order in orders))
        found = self.order(node.inputs[0])
        constants = [self.graph.constants[operand] for operand in node.inputs[1:]]
        if isinstance(node.op, (Layout, Pad)):
            numbers, size = (np.asarray(node.op.evaluate(a, *constants)) for a in (found.numbers, found.size))
            return Order(numbers, size, found.terms)
        parts = node.op.affine(*constants) if isinstance(node.op, Elementwise) else None
        if parts is None:
            return found
        assert isinstance(node.op, Elementwise)
        size = node.op.magnitude(found.size.astype(np.float32), *constants).astype(np.float64)
        return Order(found.numbers * parts[0] + parts[1], size, found.terms)

    def tolerance(self, name: str) -> FloatArray:
        """How far the reference's sum may be from the exact one, for each element (1, *shape) in all frames."""
        return self._roundings(name) * UNIT_ROUNDOFF * self.magnitude(name)

    def magnitude(self, name: str) -> FloatArray:
        """At least as large as any number rounded on the way to a tensor's elements, (1, *shape), over all frames.

        The way begins at the quantisers in front, whose numbers the reference has exactly.
        """
        tap, node = self.taps.get(name), self.producers.get(name)
        if node is None or (tap is not None and tap.value in self.values and isinstance(node.op, Quantiser)):
            return self._largest(name)
        if isinstance(node.op, Pointwise):
            constants = (self.graph.constants[operand] for operand in node.inputs[1:])
            largest = self.magnitude(node.inputs[0]).astype(np.float32)
            return np.asarray(node.op.magnitude(largest, *constants), np.float64)
        inputs = [self._absolute(operand) for operand in node.inputs]
        if isinstance(node.op, Joint):
            return np.asarray(node.op.joint_magnitude(*inputs), np.float64)
        if not isinstance(node.op, Summing):
            return np.asarray(np.abs(node.op.evaluate(*inputs)), np.float64)
        constant = [self._constant(operand) for operand in node.inputs]
        total = np.zeros(())
        for position in np.flatnonzero(np.logical_not(constant)):
            # Each tensor with the others at zero: a difference of two must not cancel.
            alone = (x if constant[k] or k == position else np.zeros_like(x) for k, x in enumerate(inputs))
            total = total + np.abs(node.op.evaluate(*alone))
        return total

    def _largest(self, name: str) -> FloatArray:
        """The greatest numbers of a quantised tensor or an input: product and offset apart, which may cancel."""
        tap = self.taps.get(name)
        if tap is None or tap.value not in self.values:
            return np.asarray(np.abs(self.reference[name]).max(axis=0, keepdims=True), np.float64)
        parts = np.abs(tap.scale * (_rows(self.values[tap.value]) + tap.shift)) + np.abs(tap.offset)
        return in_model_order(parts.max(axis=0, keepdims=True), tap, (1, *self.graph.values[name].shape))

    def _absolute(self, name: str) -> Array:
        """Magnitudes of an operand: of a constant its elements', without a frame axis."""
        if self._constant(name):
            return np.abs(self.ours(name)[0])
        return self.magnitude(name)

    def _constant(self, name: str) -> bool:
        """Whether a tensor has no frame axis: a constant, or weights decoded from constants."""
        node = self.producers.get(name)
        return name in self.graph.constants or (
            node is not None and all(operand in self.graph.constants for operand in node.inputs)
        )

    def _roundings(self, name: str) -> int:
        """How many roundings one number of a tensor may have behind it."""
        node = self.producers.get(name)
        if node is None or isinstance(node.op, Quantiser):
            return ROUNDINGS
        if isinstance(node.op, Concat):
            return max(self._roundings(operand) for operand in node.inputs)
        before = self._roundings(node.inputs[0])
        if isinstance(node.op, Joint):
            before += self._roundings(node.inputs[1])
        if isinstance(node.op, Pointwise):
            return before + ROUNDINGS
        if not isinstance(node.op, Summing):
            return before
        known = self.graph.constants
        shapes = (known[x].shape if x in known else self.graph.values[x].shape for x in node.inputs)
        return before + node.op.terms(*shapes) + ROUNDINGS

    def _from_integers(self, name: str) -> Spread | None:
        """What integers stand for where they were made; an elementwise operator of them is computed as the model does.

        They do not know the sign of a zero, which decides of what comes of a division by it.
        """
        tap, node = self.taps.get(name), self.producers.get(name)
        made_here = node is None or not isinstance(node.op, Pointwise)
        if tap is not None and tap.value in self.values and made_here:
            real = decoded(tap, self.values[tap.value], self.graph.values[name].shape)
            zero = real == 0
            return (np.where(zero, np.float32(-0.0), real), np.where(zero, np.float32(0), real)) if zero.any() else (real, real)
        return self._given(name)

    def _from_reference(self, name: str) -> Spread | None:
        if name in self.taps and name in self.reference:
            real = np.asarray(self.reference[name], np.float32)
            return real, real
        return self._given(name)

    def _given(self, name: str) -> Spread | None:
        if name in self.graph.constants:
            return self.graph.constants[name], self.graph.constants[name]
        if name in self.graph.inputs:
            real = np.asarray(self.reference[name], np.float32)
            return real, real
        return None

    def _recall(
        self,
        kind: str,
        name: str,
        known: Callable[[str], Spread | None],
        follow: Callable[[str], Spread],
        widening: Callable[[Pointwise], float],
    ) -> Spread:
        """A tensor that is known, or else its operator applied to what `follow` gives for the operator's inputs."""
        key = (kind, name)
        if key not in self.memory:
            found = known(name)
            self.memory[key] = found if found is not None else self._applied(name, follow, widening, kind)
        return self.memory[key]

    def _applied(
        self, name: str, follow: Callable[[str], Spread], widening: Callable[[Pointwise], float], kind: str
    ) -> Spread:
        """An operator over the corners of its inputs, with what it may add of its own."""
        node = self.producers[name]
        inputs = [follow(operand) for operand in node.inputs]
        corners = itertools.product(*({id(end): end for end in spread}.values() for spread in inputs))
        results = [np.asarray(node.op.evaluate(*corner)) for corner in corners]
        low, high = np.minimum.reduce(results), np.maximum.reduce(results)
        slack: Array | float = 0.0
        if isinstance(node.op, Pointwise):
            size = np.maximum(1.0, np.maximum(np.abs(low), np.abs(high)))
            slack = widening(node.op) * np.where(np.isfinite(size), size, 0.0)
        elif isinstance(node.op, Summing) and (kind == "ours" or not isinstance(node.op, Joint) or not node.op.elementwise):
            slack = self.tolerance(name)
        if not np.any(slack):
            return low, high
        return (low - slack).astype(np.float32), (high + slack).astype(np.float32)
