"""Linear operators: they work on the integers and carry scale and offset on."""

from __future__ import annotations

import numpy as np

from qcompile.ir.graph import Node, Shape, element_count
from qcompile.ops.roles import Lattice
from qcompile.transforms import weights
from qcompile.transforms.deferred import Deferred
from qcompile.transforms.materialised import on_lattice
from qcompile.transforms.reordering import as_vectors
from qcompile.transforms.walk import ConstantLattice, RefusedError, Walk, tap_of


def matmul(walk: Walk, node: Node, source: Deferred, shape: Shape) -> Deferred:
    """A product with constant weights (K, M) along the last axis of the real tensor."""
    matrix = integer_weights(walk, node)
    source = on_lattice(walk, node, source)
    rows, columns = matrix.integers.shape
    source = as_vectors(walk, node, source, rows)
    order = source.positions().reshape(-1, rows)[0]
    vectors = element_count(source.shape) // rows
    lattice = source.lattice
    parts = (np.broadcast_to(part, (rows,)) for part in (lattice.scale, lattice.shift, lattice.offset))
    in_stream_order = weights.IntegerMatrix(matrix.integers[np.argsort(order)], matrix.scale)
    output, result = product(walk, node, source.q, in_stream_order, Lattice.of(*parts))
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
