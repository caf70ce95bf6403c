"""Convolutions whose windows meet different matrices: in groups of channels, and transposed, phase by phase."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qcompile.ir.graph import Node, Shape, element_count
from qcompile.ir.types import Array, IntArray
from qcompile.ops import CyclicProduct, PhasedWindow, TransposedConvolution
from qcompile.ops.matrix_cycle import MatrixCycle
from qcompile.ops.roles import Lattice
from qcompile.ops.taps import TapAxis
from qcompile.ops.windows import Windows
from qcompile.transforms import weights
from qcompile.transforms.deferred import Deferred
from qcompile.transforms.layouts import channels_last
from qcompile.transforms.walk import RefusedError, Walk, tap_of


@dataclass(frozen=True, slots=True, eq=False)
class _Scaled:
    """Integer weights (positions * channels of a group, M) and what their sums stand for."""

    integers: IntArray
    result: Lattice


def grouped(
    walk: Walk,
    node: Node,
    windows: Windows,
    groups: int,
    matrix: weights.IntegerMatrix,
    source: Deferred,
    image: str,
    zero: int,
    shape: Shape,
) -> Deferred:
    """A convolution in groups: for each pixel a vector for each group, which meets the matrix of the group."""
    scaled = _scaled(walk, node, matrix, source, groups, element_count(windows.kernel))
    window = f"{node.name}_window"
    vectors = image
    if not windows.trivial:
        vectors = walk.integer.windows(window, image, windows, node.origin, zero, groups)
    height, width = walk.integer.values[vectors].shape[:2]
    columns, outputs = scaled.integers.shape
    cycle = MatrixCycle(((columns,) * groups,), width * groups, height)
    matrices = np.split(scaled.integers, groups, axis=1)
    product = CyclicProduct(cycle, (height, width, outputs))
    return _finished(walk, node, vectors, product, matrices, scaled.result, shape)


def transposed(
    walk: Walk,
    node: Node,
    op: TransposedConvolution,
    windows: Windows,
    matrix: weights.IntegerMatrix,
    source: Deferred,
    image: str,
    shape: Shape,
) -> Deferred:
    """Each output pixel reads the taps of its phase, and its vector meets the weights of these taps.

    Real zero is integer zero in `source`, so that pixels outside of the image add nothing, whatever the phase.
    """
    scaled = _scaled(walk, node, matrix, source, op.groups, element_count(windows.kernel))
    height, width, channels = walk.integer.values[image].shape
    outputs = TransposedConvolution(windows).outputs((height, width))
    rows, columns = (
        TapAxis(size, windows.kernel[k], windows.stride[k], windows.dilation[k], windows.before[k], outputs[k], True)
        for k, size in enumerate((height, width))
    )
    if not all(bool(np.any(axis.pixels() >= 0)) for axis in (rows, columns)):
        raise RefusedError("its outputs are made of no pixel of its input: all of them are cut off")
    vectors = walk.integer.phased_windows(
        f"{node.name}_window", image, PhasedWindow(rows, columns, op.groups), node.origin
    )
    kernel = scaled.integers.reshape(*windows.kernel, channels // op.groups, op.groups, -1)
    matrices: list[IntArray] = []
    lengths = []
    for row in range(rows.phases):
        begin = len(matrices)
        for column in range(columns.phases):
            down, across = rows.kernel_taps(row), columns.kernel_taps(column)
            taps = np.zeros((max(1, len(down)), max(1, len(across)), *kernel.shape[2:]), np.int64)
            if down and across:
                taps = kernel[list(down)][:, list(across)]
            matrices += [taps[:, :, :, group].reshape(-1, kernel.shape[-1]) for group in range(op.groups)]
        lengths.append(tuple(part.shape[0] for part in matrices[begin:]))
    cycle = MatrixCycle(tuple(lengths), columns.outputs * op.groups, rows.outputs)
    product = CyclicProduct(cycle, (*outputs, scaled.integers.shape[1]))
    return _finished(walk, node, vectors, product, matrices, scaled.result, shape)


def _scaled(
    walk: Walk, node: Node, matrix: weights.IntegerMatrix, source: Deferred, groups: int, positions: int
) -> _Scaled:
    """The weights in units that hold for all inputs of an output channel; see `linear.product`."""
    outputs = matrix.integers.shape[1]
    channels = np.arange(source.channels).reshape(groups, -1)
    inputs = np.tile(np.repeat(channels, outputs // groups, axis=0).T, (positions, 1))  # (K, M): the channel read

    def each(part: Array) -> Array:
        read: Array = np.broadcast_to(part, (source.channels,))[inputs]
        return read

    scale, shift, offset = (each(part) for part in (source.lattice.scale, source.lattice.shift, source.lattice.offset))
    final = weights.scaled_entries(matrix, scale)
    if isinstance(final, str):
        raise RefusedError(final)
    bias = walk.graph.constants[node.inputs[2]].astype(np.float64) if len(node.inputs) > 2 else 0.0
    total = (offset * matrix.integers).sum(axis=0) * matrix.scale + bias
    return _Scaled(final.integers, Lattice.of(final.scale, (shift * final.integers).sum(axis=0), total))


def _finished(
    walk: Walk,
    node: Node,
    vectors: str,
    product: CyclicProduct,
    matrices: list[IntArray],
    result: Lattice,
    shape: Shape,
) -> Deferred:
    """The product node, and the real tensor that it stands for."""
    side_by_side = np.concatenate([part.T for part in matrices], axis=1)
    output = walk.integer.cyclic_product(node.name, vectors, product, side_by_side, node.origin)
    deferred = Deferred(output, product.shape, shape, result, node.output, channels_last(shape))
    walk.taps.append(tap_of(node, deferred))
    return deferred
