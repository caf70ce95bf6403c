"""Matrix products of two computed tensors: attention."""

from __future__ import annotations

import numpy as np

from qcompile.ir.graph import Node, Shape, element_count
from qcompile.ops import MatrixProduct
from qcompile.ops.roles import Lattice
from qcompile.transforms.deferred import Deferred
from qcompile.transforms.join import integer_product, integers
from qcompile.transforms.materialised import on_lattice
from qcompile.transforms.walk import RefusedError, Walk, tap_of


def matrix_product(walk: Walk, node: Node, first: Deferred, shape: Shape) -> Deferred:
    """The product of the integers. The second comes row by row or column by column, as it happens to."""
    second = integers(walk, walk.known[node.inputs[1]])
    if not isinstance(second, Deferred):
        raise RefusedError("it multiplies a tensor of the accelerator with one that only the host computes")
    a, b = (on_lattice(walk, node, source) for source in (first, second))
    product = integer_product(*(_shared(source) for source in (a, b)))
    if isinstance(product, str):
        raise RefusedError(product)
    by_columns = _positions(b).swapaxes(-1, -2)
    transposed = bool(np.array_equal(by_columns.ravel(), np.arange(by_columns.size)))
    left = _matrices(walk, node, a, _positions(a))
    right = _matrices(walk, node, b, by_columns if transposed else _positions(b))
    op = MatrixProduct(transposed, product.factors, product.terms_added)
    q = walk.integer.matrix_product(node.name, (left, right), op, node.origin)
    scale = a.lattice.scale.ravel()[:1] * b.lattice.scale.ravel()[:1] / (op.factors[0] * op.factors[1])
    deferred = Deferred(q, walk.integer.values[q].shape, shape, Lattice.of(scale), node.output)
    walk.taps.append(tap_of(node, deferred))
    return deferred


def _positions(source: Deferred) -> np.ndarray:
    """Position of each element among the integers."""
    return np.arange(element_count(source.shape)).reshape(source.shape) if source.index is None else source.index


def _matrices(walk: Walk, node: Node, source: Deferred, positions: np.ndarray) -> str:
    """The integers as (matrices, rows, columns), moved where they do not come in that order."""
    shape = (element_count(positions.shape[:-2]), *positions.shape[-2:])
    return walk.integer.reorder(f"{node.name}_order", source.q, positions, shape, node.origin)


def _shared(source: Deferred) -> Lattice:
    """The lattice, which must be the same for all channels."""
    parts = [np.unique(part) for part in (source.lattice.scale, source.lattice.shift, source.lattice.offset)]
    if any(part.size > 1 for part in parts):
        raise RefusedError("a factor has scales or zeros that differ between channels")
    return Lattice.of(*parts)
