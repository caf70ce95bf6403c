"""Linear operators: they work on the integers and carry scale and offset on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qcompile.ir.graph import Node, Shape, element_count
from qcompile.ir.types import Array, IntArray
from qcompile.ops.roles import Lattice
from qcompile.transforms import weights
from qcompile.transforms.deferred import Deferred
from qcompile.transforms.step_function import Identity, derive
from qcompile.transforms.walk import ConstantLattice, RefusedError, Walk, producer_of, tap_of


def matmul(walk: Walk, node: Node, source: Deferred, shape: Shape) -> Deferred:
    """A product with constant weights (K, M) along the last axis of the real tensor."""
    matrix = integer_weights(walk, node)
    source = on_lattice(walk, node, source)
    lattice = source.lattice
    rows, columns = matrix.integers.shape
    order = _vector_order(source, rows)
    vectors = element_count(source.shape) // rows
    q = walk.integer.reshape(source.q, (rows,) if vectors == 1 else (vectors, rows), node.origin)
    parts = (_per_row(part, source, rows, vectors) for part in (lattice.scale, lattice.shift, lattice.offset))
    in_stream_order = weights.IntegerMatrix(matrix.integers[np.argsort(order)], matrix.scale)
    output, result = product(walk, node, q, in_stream_order, Lattice.of(*parts))
    q_shape = (columns,) if vectors == 1 else (vectors, columns)
    deferred = Deferred(output, q_shape, shape, result, node.output)
    walk.taps.append(tap_of(node, deferred))
    return deferred


def product(walk: Walk, node: Node, q: str, matrix: weights.IntegerMatrix, rows: Lattice) -> tuple[str, Lattice]:
    """The integer product of `q` (..., K) with `matrix` (K, M) and what its sums stand for; `rows` is the lattice of
    each input.

    sum w*(s*(q + shift) + offset) = scale * (sum w'*q + sum w'*shift) + sum w*offset, with w' the weights in units of
    the least s.
    """
    scaled = weights.scaled_rows(matrix, rows.scale)
    if isinstance(scaled, str):
        raise RefusedError(scaled)
    final, unit = scaled
    bias = walk.graph.constants[node.inputs[2]].astype(np.float64) if len(node.inputs) > 2 else 0.0
    offset = (rows.offset @ matrix.integers) * matrix.scale + bias
    result = Lattice.of(final.scale * unit, rows.shift @ final.integers, offset)
    return walk.integer.matmul(node.name, q, final.integers, None, node.origin), result


def integer_weights(walk: Walk, node: Node) -> weights.IntegerMatrix:
    """The weights of a linear operator as integers, the outputs along the last axis; others are refused."""
    constant = walk.known.get(node.inputs[1])
    if isinstance(constant, ConstantLattice):
        matrix = weights.from_lattice(constant.codes, constant.lattice)
    else:
        matrix = weights.from_real(walk.graph.constants[node.inputs[1]])
    if isinstance(matrix, str):
        raise RefusedError(matrix)
    return matrix


def on_lattice(walk: Walk, node: Node, source: Deferred) -> Deferred:
    """The real tensor as affine in its integers, without steps; new integers where it is not."""
    lattice = source.affine()
    if lattice is None:
        return materialised(walk, node, source)
    return replace(source, lattice=lattice, steps=())


def _per_row(part: Array, source: Deferred, rows: int, vectors: int) -> Array:
    """A lattice part (channels or 1,) for each of the rows of a vector, in stream order."""
    if part.size == 1:
        return np.full(rows, part.ravel()[0])
    full = np.tile(part, element_count(source.q_shape) // source.channels).reshape(vectors, rows)
    if not bool(np.all(full == full[0])):
        raise RefusedError("its input has scales or offsets that differ between the vectors it multiplies")
    row: Array = full[0]
    return row


def _vector_order(source: Deferred, rows: int) -> IntArray:
    """Position in its vector, on the stream, of each element of the last real axis."""
    if source.index is None:
        return np.arange(rows)
    vectors = source.index.reshape(-1, rows)
    order: IntArray = vectors[0] - vectors[0].min()
    expected = order[None] + rows * np.arange(vectors.shape[0])[:, None]
    if not np.array_equal(vectors, expected):
        raise RefusedError(
            "the elements of its input vectors are not next to each other: a transposition in hardware would be needed"
        )
    return order


def materialised(walk: Walk, node: Node, source: Deferred) -> Deferred:
    """A real tensor that is not affine in its integers (a Relu without a quantiser, say) as new integers on an exact
    lattice.
    """
    codes = walk.integer.range_of(source.q)
    if codes.greatest - codes.least > 1 << 16:
        raise RefusedError(f"its input is not quantised: {producer_of(walk, node.inputs[0])} gives real numbers")
    grid = np.arange(codes.least, codes.greatest + 1, dtype=np.int64)[:, None]
    real = np.broadcast_to(source.evaluate(grid), (grid.size, source.channels)).astype(np.float64)
    step = float(np.abs(source.lattice.scale).min())
    for halvings in range(12):
        unit = step / 2**halvings
        if bool(np.all(np.abs(np.rint(real / unit) * unit - real) <= weights.FLOAT32_NOISE * np.abs(real))):
            break
    else:
        raise RefusedError(
            f"its input is not quantised: {producer_of(walk, node.inputs[0])} gives real numbers off any integer grid"
        )

    def function(points: IntArray) -> IntArray:
        result: IntArray = np.rint(source.evaluate(points) / unit).astype(np.int64)
        return result

    form = derive(function, codes, source.channels, source.trend())
    if isinstance(form, str):
        raise RefusedError(form)
    if isinstance(form, Identity):
        return replace(source, lattice=Lattice.of([unit], [form.added]), steps=())
    q = walk.integer.step(f"{node.name}_integers", source.q, form, node.origin)
    return replace(source, q=q, lattice=Lattice.of([unit]), steps=(), anchor=node.inputs[0])
