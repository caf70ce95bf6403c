"""Streamlining as one forward walk (design 4): every real tensor is held as a function of an integer one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from qcompile.ir.errors import CompilerError, Rejection, refuse
from qcompile.ir.graph import Graph, Node
from qcompile.ir.network import Network
from qcompile.ir.types import Array
from qcompile.ops import ArgMax, Concat, Convolution, Decode, Elementwise, MatMul, MatrixProduct, Pad, Softmax, TopK
from qcompile.ops.roles import Joint, Lattice, Layout, Pointwise, Quantiser, Spatial
from qcompile.transforms import comparison, edges
from qcompile.transforms.border import by_class
from qcompile.transforms.channels import channel_operands
from qcompile.transforms.concatenation import concat
from qcompile.transforms.deferred import Deferred, Step
from qcompile.transforms.host import left_to_host, sources_of
from qcompile.transforms.inputs import encode_input, typed_input
from qcompile.transforms.integer_builder import IntegerBuilder
from qcompile.transforms.join import integers, joined, put_off, settled
from qcompile.transforms.joined import Joined
from qcompile.transforms.linear import matmul
from qcompile.transforms.matrix_product import matrix_product
from qcompile.transforms.pad import pad
from qcompile.transforms.quantise import quantise, quantise_joined
from qcompile.transforms.spatial import spatial
from qcompile.transforms.walk import (
    UNTYPED_HINT,
    ConstantLattice,
    InputType,
    Known,
    Pending,
    RefusedError,
    Tail,
    Walk,
    producer_of,
    tap_of,
)


def streamline(graph: Graph, types: Mapping[str, InputType]) -> Network:
    """The network as host functions around an integer graph.

    `types` gives the integers that are sent for inputs which no quantiser of the model types. Raises one
    CompilerError that names every node that has no exact integer form, and why.
    """
    walk = Walk(graph, types, IntegerBuilder(graph.name))
    for name in graph.inputs:
        walk.known[name] = typed_input(walk, name, types[name]) if name in types else Pending(name)
    for node in graph.nodes:
        if all(name in walk.known or name in graph.constants for name in node.inputs):
            try:
                _visit(walk, node)
            except RefusedError as error:
                tail = left_to_host(walk, node)
                if tail is not None:
                    walk.known[node.output] = tail
                else:
                    walk.rejections.append(Rejection(str(error), f"node {', '.join(node.origin) or node.name}"))
    for name in graph.outputs:
        _settle(walk, name)
    if walk.rejections:
        raise refuse("the model has no exact integer form", walk.rejections)
    ends: dict[str, Deferred] = {}
    for name in graph.outputs:
        known = walk.known[name]
        if isinstance(known, Pending):
            raise CompilerError(f"nothing quantises the input '{known.source}'", hint=UNTYPED_HINT)
        assert isinstance(known, (Deferred, Tail)), "the importer refuses constant outputs, joins are settled"
        for end in sources_of(known):
            anchored = walk.known[end.anchor]
            assert isinstance(anchored, Deferred), "an anchor is a tensor on integers"
            ends.setdefault(end.anchor, anchored)
    integer = walk.integer.finish(tuple(dict.fromkeys(end.q for end in ends.values())))
    after = edges.after(graph, tuple(ends.values()))
    return Network(edges.before(graph, walk.encoders), integer, after, tuple(walk.taps))


def _settle(walk: Walk, name: str) -> None:
    """Gives an output that is a join of two tensors integers of its own, or leaves the join to the host."""
    known = walk.known.get(name)
    if known is None:
        return  # refused already
    try:
        walk.known[name] = integers(walk, known)
    except RefusedError:
        walk.known[name] = Tail(sources_of(known))


def _visit(walk: Walk, node: Node) -> None:
    source = walk.known.get(node.inputs[0])
    operands = tuple(walk.graph.constants[name] for name in node.inputs[1:] if name in walk.graph.constants)
    if isinstance(node.op, Decode):
        codes, scale, shift, offset = (walk.graph.constants[name] for name in node.inputs)
        walk.known[node.output] = ConstantLattice(codes.astype(np.int64), Lattice.of(scale, shift, offset))
    elif isinstance(node.op, Concat):
        walk.known[node.output] = concat(walk, node, node.op)
    elif isinstance(source, Pending):
        walk.known[node.output] = _on_host(walk, node, source, operands)
    elif isinstance(source, Tail):
        walk.known[node.output] = _behind(walk, node, source)
    elif isinstance(source, Deferred):
        walk.known[node.output] = _on_integers(walk, node, source, operands)
    elif isinstance(source, Joined):
        walk.known[node.output] = _on_pairs(walk, node, source, operands)
    else:
        raise RefusedError("its input is a constant")


def _on_host(walk: Walk, node: Node, source: Pending, operands: tuple[Array, ...]) -> Known:
    """In front of the first quantiser: elementwise and layout operators stay with the host."""
    if isinstance(node.op, Quantiser):
        return encode_input(walk, node, operands)
    if isinstance(node.op, (Pointwise, Layout, Pad)):
        return source
    if isinstance(node.op, Joint) and all(isinstance(walk.known.get(name), Pending) for name in node.inputs):
        return source
    raise RefusedError(f"the input '{source.source}' reaches {node.op.kind} without being quantised; {UNTYPED_HINT}")


def _behind(walk: Walk, node: Node, source: Tail) -> Known:
    """Behind the last integer: what keeps the order is looked through by ArgMax, the rest is the host's."""
    if isinstance(node.op, (Convolution, MatMul)):
        raise RefusedError(
            f"{node.op.kind} behind an operator that only the host computes ({producer_of(walk, node.inputs[0])})"
        )
    if any(name not in walk.graph.constants for name in node.inputs[1:]):
        raise RefusedError(
            f"it joins what only the host computes ({producer_of(walk, node.inputs[0])}) with another tensor"
        )
    producer = walk.graph.producer(node.inputs[0])
    if isinstance(node.op, ArgMax) and producer is not None and isinstance(producer.op, Softmax):
        before = walk.known[producer.inputs[0]]
        if isinstance(before, Deferred) and node.op.axis in producer.op.axes:
            return _argmax(walk, node, node.op, before, least_gap=SOFTMAX_RESOLUTION)
    return source


def _on_integers(walk: Walk, node: Node, source: Deferred, operands: tuple[Array, ...]) -> Known:
    """The roles of design 4."""
    op, shape = node.op, walk.graph.values[node.output].shape
    if isinstance(op, Quantiser):
        return quantise(walk, node, source, operands)
    if isinstance(op, Pointwise):
        return _put_off(walk, node, op, source, operands)
    if isinstance(op, Layout):
        return source.rearranged(op, shape)
    if isinstance(op, MatMul):
        return matmul(walk, node, source, shape)
    if isinstance(op, Joint) and op.elementwise:
        return joined(walk, node, op, source)
    if isinstance(op, Pad):
        return pad(walk, node, op, source, shape)
    if isinstance(op, MatrixProduct):
        return matrix_product(walk, node, source, shape)
    if isinstance(op, Spatial):
        return spatial(walk, node, source, shape)
    if isinstance(op, ArgMax):
        return _argmax(walk, node, op, source)
    if isinstance(op, (Softmax, TopK)):
        return Tail((source,))
    raise RefusedError(f"{op.kind} of a tensor computed from the input")


def _on_pairs(walk: Walk, node: Node, source: Joined, operands: tuple[Array, ...]) -> Known:
    """Behind a join: what works on single elements is put off, the rest needs integers."""
    op = node.op
    if isinstance(op, Quantiser):
        return quantise_joined(walk, node, source, operands)
    if isinstance(op, Pointwise):
        return put_off(walk, source, Step(op, operands), node)
    if isinstance(op, Layout):
        return source.rearranged(op, walk.graph.values[node.output].shape)
    return _on_integers(walk, node, settled(walk, source), operands)


def _put_off(walk: Walk, node: Node, op: Pointwise, source: Deferred, operands: tuple[Array, ...]) -> Deferred:
    """One more step. Where one node of the model became a product and steps (a Gemm with alpha), the model shows the sum here."""
    if isinstance(op, Elementwise) and op.function == "Div" and source.to_channels(operands[0]) is None:
        averaged = by_class(walk, node, source, operands[0])
        if averaged is not None:
            walk.taps.append(replace(tap_of(node, averaged), reads=""))
            return averaged
    flat, constants = channel_operands(walk, source, operands, node)
    deferred = replace(flat, steps=(*flat.steps, Step(op, constants)))
    producer = walk.graph.producer(node.inputs[0])
    lattice = deferred.affine() if producer is not None and producer.origin == node.origin else None
    if lattice is not None:
        walk.taps.append(replace(tap_of(node, replace(deferred, lattice=lattice)), reads=""))
    return deferred


SOFTMAX_RESOLUTION = 2.0**-18
"""Numbers closer than this may become equal in a Softmax of float32."""


def _argmax(walk: Walk, node: Node, op: ArgMax, source: Deferred, least_gap: float = 0.0) -> Known:
    """In hardware where integers can be compared in place of real numbers, else the host's."""
    order = comparison.comparable(source, walk.integer.range_of(source.q))
    if order is not None and order.gap < least_gap:
        return Tail((source,))
    if op.axis != -1 or source.index is not None or source.shape[-1] != source.channels or order is None:
        return Tail((source,))
    if source.q_shape != (source.channels,):
        return Tail((source,))
    op = replace(op, shift=order.shift, keepdims=True)
    q = walk.integer.argmax(node.name, source.q, op, order.offsets, node.origin)
    shape = walk.graph.values[node.output].shape
    deferred = Deferred(q, (1,), shape, Lattice.of([1.0]), node.output)
    walk.taps.append(tap_of(node, deferred))
    return deferred
