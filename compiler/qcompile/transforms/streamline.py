"""Streamlining as one forward walk (design 4): every real tensor is held as a function of an integer one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from qcompile.ir.errors import CompilerError, Rejection, refuse
from qcompile.ir.graph import Graph, Node, Shape, element_count
from qcompile.ir.network import Network, Tap
from qcompile.ir.types import Array, IntArray, IntType, Range
from qcompile.ops import ArgMax, Decode, MatMul, Softmax, TopK
from qcompile.ops.roles import Lattice, Layout, Pointwise, Quantiser
from qcompile.transforms import comparison, edges, weights
from qcompile.transforms.deferred import Deferred, Step
from qcompile.transforms.integer_builder import IntegerBuilder
from qcompile.transforms.step_function import Identity, derive


@dataclass(frozen=True, slots=True)
class InputType:
    """What the host sends for an input that the model does not quantise: x = scale * (q + shift)."""

    element: IntType
    scale: float
    shift: float = 0.0


@dataclass(frozen=True, slots=True)
class Pending:
    """A real tensor of the host: nothing has quantised it yet. `source` is the model's input it comes from."""

    source: str


@dataclass(frozen=True, slots=True)
class Tail:
    """A real tensor that only the host computes, behind the accelerator's last integer."""

    source: Deferred


@dataclass(frozen=True, slots=True, eq=False)
class ConstantLattice:
    """Quantised weights: integer codes and what they stand for."""

    codes: IntArray
    lattice: Lattice


Known = Deferred | Pending | Tail | ConstantLattice


class Refused(Exception):
    """Why a node cannot be streamlined."""


@dataclass(slots=True)
class _Walk:
    graph: Graph
    types: Mapping[str, InputType]
    integer: IntegerBuilder
    known: dict[str, Known] = field(default_factory=dict)
    taps: list[Tap] = field(default_factory=list)
    encoders: list[edges.Encoder] = field(default_factory=list)
    encoded: dict[tuple[object, ...], Deferred] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)


def streamline(graph: Graph, types: Mapping[str, InputType]) -> Network:
    """The network as host functions around an integer graph.

    `types` gives the integers that are sent for inputs which no quantiser of the model types. Raises one CompilerError that names
    every node that has no exact integer form, and why.
    """
    walk = _Walk(graph, types, IntegerBuilder(graph.name))
    for name in graph.inputs:
        walk.known[name] = _typed_input(walk, name, types[name]) if name in types else Pending(name)
    for node in graph.nodes:
        if all(name in walk.known or name in graph.constants for name in node.inputs):
            try:
                _visit(walk, node)
            except Refused as error:
                walk.rejections.append(Rejection(str(error), f"node {', '.join(node.origin) or node.name}"))
    if walk.rejections:
        raise refuse("the model has no exact integer form", walk.rejections)
    ends: list[Deferred] = []
    for name in graph.outputs:
        known = walk.known[name]
        if isinstance(known, Pending):
            raise CompilerError(f"nothing quantises the input '{known.source}'", hint=UNTYPED_HINT)
        assert not isinstance(known, ConstantLattice), "the importer refuses constant outputs"
        ends.append(known.source if isinstance(known, Tail) else known)
    integer = walk.integer.finish(tuple(dict.fromkeys(end.q for end in ends)))
    return Network(edges.before(graph, walk.encoders), integer, edges.after(graph, ends), tuple(walk.taps))


UNTYPED_HINT = (
    "state the type of its numbers with --input, for example --input uint8 --input-scale 0.00392156862745098, "
    '--input int8, or --input "fixed<16,6>" (16 bits, 6 of them before the point)'
)


def _visit(walk: _Walk, node: Node) -> None:
    source = walk.known.get(node.inputs[0])
    operands = tuple(walk.graph.constants[name] for name in node.inputs[1:] if name in walk.graph.constants)
    if isinstance(node.op, Decode):
        codes, scale, shift, offset = (walk.graph.constants[name] for name in node.inputs)
        walk.known[node.output] = ConstantLattice(codes.astype(np.int64), Lattice.of(scale, shift, offset))
    elif isinstance(source, Pending):
        walk.known[node.output] = _on_host(walk, node, source, operands)
    elif isinstance(source, Tail):
        walk.known[node.output] = _behind(walk, node, source)
    elif isinstance(source, Deferred):
        walk.known[node.output] = _on_integers(walk, node, source, operands)
    else:
        raise Refused("its input is a constant")


def _on_host(walk: _Walk, node: Node, source: Pending, operands: tuple[Array, ...]) -> Known:
    """In front of the first quantiser: elementwise and layout operators stay with the host."""
    if isinstance(node.op, Quantiser):
        return _encode_input(walk, node, operands)
    if isinstance(node.op, (Pointwise, Layout)):
        return source
    raise Refused(f"the input '{source.source}' reaches {node.op.kind} without being quantised; {UNTYPED_HINT}")


def _behind(walk: _Walk, node: Node, source: Tail) -> Known:
    """Behind the last integer: what keeps the order is looked through by ArgMax, the rest is the host's."""
    if isinstance(node.op, (Quantiser, MatMul)) and not isinstance(node.op, Decode):
        raise Refused(
            f"{node.op.kind} behind an operator that only the host computes ({_producer(walk, node.inputs[0])})"
        )
    producer = walk.graph.producer(node.inputs[0])
    if isinstance(node.op, ArgMax) and producer is not None and isinstance(producer.op, Softmax):
        before = walk.known[producer.inputs[0]]
        if isinstance(before, Deferred) and node.op.axis in producer.op.axes:
            return _argmax(walk, node, node.op, before)
    return source


def _on_integers(walk: _Walk, node: Node, source: Deferred, operands: tuple[Array, ...]) -> Known:
    """The roles of design 4."""
    op, shape = node.op, walk.graph.values[node.output].shape
    if isinstance(op, Quantiser):
        return _quantise(walk, node, source, operands)
    if isinstance(op, Pointwise):
        flat, constants = _channel_operands(walk, source, operands, node)
        return replace(flat, steps=(*flat.steps, Step(op, constants)))
    if isinstance(op, Layout):
        return source.rearranged(op, shape)
    if isinstance(op, MatMul):
        return _matmul(walk, node, source, shape)
    if isinstance(op, ArgMax):
        return _argmax(walk, node, op, source)
    if isinstance(op, (Softmax, TopK)):
        return Tail(source)
    raise Refused(f"{op.kind} of a tensor computed from the input")


def _typed_input(walk: _Walk, name: str, kind: InputType) -> Deferred:
    shape = walk.graph.values[name].shape
    lattice = Lattice.of([kind.scale], [kind.shift])
    bounds = (kind.element.lo, kind.element.hi)
    frame = _frame(shape)
    q = walk.integer.add_input(name, frame, Range.of(*bounds))
    walk.encoders.append(edges.Encoder(q, name, frame, lattice, *bounds))
    walk.taps.append(Tap(name, q, None, lattice.scale, lattice.shift, lattice.offset))
    return Deferred(q, frame, shape, lattice, name)


def _frame(shape: Shape) -> Shape:
    """Shape without the batch axis."""
    return shape[1:] if len(shape) > 1 and shape[0] == 1 else shape


def _encode_input(walk: _Walk, node: Node, operands: tuple[Array, ...]) -> Deferred:
    """The first quantiser is the host's: its codes are the accelerator's input. Equal quantisers share one input."""
    assert isinstance(node.op, Quantiser)
    shape = walk.graph.values[node.output].shape
    key = (node.op, node.inputs[0], tuple((a.shape, a.tobytes()) for a in operands))
    if key in walk.encoded:
        return walk.encoded[key]
    lattice = node.op.lattice(*operands)
    largest = np.finfo(np.float32).max
    ends = node.op.codes(
        np.stack([np.full(shape, -largest, np.float32), np.full(shape, largest, np.float32)]), *operands
    )
    if int(np.abs(ends).max()) > 1 << 31:
        raise Refused("it does not bound the codes of the model's input")
    q = walk.integer.add_input(node.name, _frame(shape), Range.of(int(ends.min()), int(ends.max())))
    walk.encoders.append(edges.Encoder(q, node.output, _frame(shape), lattice, int(ends.min()), int(ends.max())))
    one = Lattice.of([1.0], [0.0], [0.0])
    deferred = Deferred(q, _frame(shape), shape, one, node.output)
    parts = []
    for part in (lattice.scale, lattice.shift, lattice.offset):
        deferred, (row,) = _channel_operands(walk, deferred, (part,), node)
        parts.append(row)
    lattice = Lattice.of(*(np.broadcast_to(p, (deferred.channels,)) if p.size > 1 else p for p in parts))
    deferred = replace(deferred, lattice=lattice)
    walk.encoded[key] = deferred
    walk.taps.append(_tap(node, deferred))
    return deferred


def _tap(node: Node, deferred: Deferred) -> Tap:
    lattice = deferred.lattice
    reads = node.inputs[0] if isinstance(node.op, Quantiser) else ""
    return Tap(node.output, deferred.q, deferred.index, lattice.scale, lattice.shift, lattice.offset, reads)


def _channel_operands(
    walk: _Walk, source: Deferred, operands: tuple[Array, ...], node: Node
) -> tuple[Deferred, tuple[Array, ...]]:
    """Constants as one number a channel; where they differ within a channel every element becomes a channel of its own."""
    rows = tuple(source.to_channels(operand) for operand in operands)
    if any(row is None for row in rows):
        source = _flattened(walk, source, node)
        rows = tuple(source.to_channels(operand) for operand in operands)
    return source, tuple(row for row in rows if row is not None)


def _flattened(walk: _Walk, source: Deferred, node: Node) -> Deferred:
    """The same tensor with each element of the frame as a channel."""
    count = element_count(source.q_shape)
    repeat = count // source.channels

    def tiled(row: Array) -> Array:
        return row if row.size == 1 else np.tile(row, repeat)

    lattice = Lattice(
        *(tiled(np.atleast_1d(p)) for p in (source.lattice.scale, source.lattice.shift, source.lattice.offset))
    )
    steps = tuple(Step(step.op, tuple(tiled(operand) for operand in step.operands)) for step in source.steps)
    q = walk.integer.reshape(source.q, (count,), node.origin)
    return replace(source, q=q, q_shape=(count,), lattice=lattice, steps=steps)


def _quantise(walk: _Walk, node: Node, source: Deferred, operands: tuple[Array, ...]) -> Deferred:
    """Ends a chain: an integer function of an integer, found by evaluating the reference."""
    op = node.op
    assert isinstance(op, Quantiser)
    lattice = op.lattice(*operands)
    source, rows = _channel_operands(walk, source, (*operands, lattice.scale, lattice.shift, lattice.offset), node)
    constants = rows[: len(operands)]

    def function(codes: IntArray) -> IntArray:
        return op.codes(source.evaluate(codes), *constants)

    form = derive(function, walk.integer.range_of(source.q), source.channels, source.monotone())
    if isinstance(form, str):
        raise Refused(form)
    result = Lattice.of(*rows[len(operands) :])
    if isinstance(form, Identity):
        q, result = source.q, replace(result, shift=result.shift + form.added)
    else:
        q = walk.integer.step(node.name, source.q, form, node.origin)
    deferred = replace(source, q=q, lattice=result, steps=(), anchor=node.output)
    walk.taps.append(_tap(node, deferred))
    return deferred


def _matmul(walk: _Walk, node: Node, source: Deferred, shape: Shape) -> Deferred:
    """Linear: works on the integers and carries scale and offset on."""
    constant = walk.known.get(node.inputs[1])
    if isinstance(constant, ConstantLattice):
        matrix = weights.from_lattice(constant.codes, constant.lattice)
    else:
        matrix = weights.from_real(walk.graph.constants[node.inputs[1]])
    if isinstance(matrix, str):
        raise Refused(matrix)
    lattice = source.affine()
    if lattice is None:
        source = _materialised(walk, node, source)
        lattice = source.lattice
    rows, columns = matrix.integers.shape
    order = _vector_order(source, rows)
    vectors = element_count(source.shape) // rows
    frame = (rows,) if vectors == 1 else (vectors, rows)
    scale, shift, offset = (
        _per_row(part, source, rows, vectors) for part in (lattice.scale, lattice.shift, lattice.offset)
    )
    q = walk.integer.reshape(source.q, frame, node.origin)
    in_stream_order = weights.IntegerMatrix(matrix.integers[np.argsort(order)], matrix.scale)
    scaled = weights.scaled_rows(in_stream_order, scale)
    if isinstance(scaled, str):
        raise Refused(scaled)
    final, unit = scaled
    # sum w*(s*(q + shift) + offset) = scale * (sum wq*q + sum wq*shift) + sum w*offset, wq the weights in units of `unit`
    bias = walk.graph.constants[node.inputs[2]].astype(np.float64) if len(node.inputs) > 2 else 0.0
    result = Lattice.of(
        final.scale * unit, shift @ final.integers, (offset @ in_stream_order.integers) * in_stream_order.scale + bias
    )
    output = walk.integer.matmul(node.name, q, final.integers, None, node.origin)
    q_shape = (columns,) if vectors == 1 else (vectors, columns)
    deferred = Deferred(output, q_shape, shape, result, node.output)
    walk.taps.append(_tap(node, deferred))
    return deferred


def _per_row(part: Array, source: Deferred, rows: int, vectors: int) -> Array:
    """A lattice part (channels or 1,) for each of the rows of a vector, in stream order."""
    if part.size == 1:
        return np.full(rows, part.ravel()[0])
    full = np.tile(part, element_count(source.q_shape) // source.channels).reshape(vectors, rows)
    if not bool(np.all(full == full[0])):
        raise Refused("its input has scales or offsets that differ between the vectors it multiplies")
    return full[0]


def _vector_order(source: Deferred, rows: int) -> IntArray:
    """Position in its vector, on the stream, of each element of the last real axis."""
    if source.index is None:
        return np.arange(rows)
    vectors = source.index.reshape(-1, rows)
    order = vectors[0] - vectors[0].min()
    expected = order[None] + rows * np.arange(vectors.shape[0])[:, None]
    if not np.array_equal(vectors, expected):
        raise Refused(
            "the elements of its input vectors are not next to each other: a transposition in hardware would be needed"
        )
    return order


def _materialised(walk: _Walk, node: Node, source: Deferred) -> Deferred:
    """A real tensor that is not affine in its integers (a Relu without a quantiser, say) as new integers on an exact lattice."""
    codes = walk.integer.range_of(source.q)
    if codes.greatest - codes.least > 1 << 16:
        raise Refused(f"its input is not quantised: {_producer(walk, node.inputs[0])} gives real numbers")
    grid = np.arange(codes.least, codes.greatest + 1, dtype=np.int64)[:, None]
    real = np.broadcast_to(source.evaluate(grid), (grid.size, source.channels)).astype(np.float64)
    step = float(np.abs(source.lattice.scale).max())
    for halvings in range(12):
        unit = step / 2**halvings
        if bool(np.all((np.rint(real / unit) * unit).astype(np.float32) == real.astype(np.float32))):
            break
    else:
        raise Refused(
            f"its input is not quantised: {_producer(walk, node.inputs[0])} gives real numbers off any integer grid"
        )

    def function(points: IntArray) -> IntArray:
        return np.rint(source.evaluate(points) / unit).astype(np.int64)

    form = derive(function, codes, source.channels, source.monotone())
    if isinstance(form, str):
        raise Refused(form)
    if isinstance(form, Identity):
        return replace(source, lattice=Lattice.of([unit], [form.added]), steps=())
    q = walk.integer.step(f"{node.name}_integers", source.q, form, node.origin)
    return replace(source, q=q, lattice=Lattice.of([unit]), steps=(), anchor=node.inputs[0])


def _producer(walk: _Walk, name: str) -> str:
    node = walk.graph.producer(name)
    return f"'{name}'" if node is None else f"{node.op.kind} '{', '.join(node.origin) or node.name}'"


def _argmax(walk: _Walk, node: Node, op: ArgMax, source: Deferred) -> Known:
    """In hardware where integers can be compared in place of real numbers, else the host's."""
    order = comparison.comparable(source, walk.integer.range_of(source.q))
    if op.axis != -1 or source.index is not None or source.shape[-1] != source.channels or order is None:
        return Tail(source)
    if source.q_shape != (source.channels,):
        return Tail(source)
    op = replace(op, shift=order.shift, keepdims=True)
    q = walk.integer.argmax(node.name, source.q, op, order.offsets, node.origin)
    shape = walk.graph.values[node.output].shape
    deferred = Deferred(q, (1,), shape, Lattice.of([1.0]), node.output)
    walk.taps.append(_tap(node, deferred))
    return deferred
