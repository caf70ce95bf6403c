"""Operators over windows: a convolution is a sliding window and a product, max pooling a sliding window and a
maximum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from qcompile.ir.graph import Node, Shape, element_count
from qcompile.ir.types import Array, IntArray
from qcompile.ops import Convolution, LinearResize, MaxPool, Pad, SumPool, TransposedConvolution
from qcompile.ops.roles import Lattice
from qcompile.ops.windows import Windows
from qcompile.transforms import weights
from qcompile.transforms.border import borders
from qcompile.transforms.deferred import Deferred
from qcompile.transforms.grouped import grouped, transposed
from qcompile.transforms.layouts import channels_last
from qcompile.transforms.linear import product
from qcompile.transforms.materialised import on_lattice
from qcompile.transforms.padding import least_code, padded_with_zero, window_vectors, zero_at_zero
from qcompile.transforms.reordering import as_image, as_pixels
from qcompile.transforms.rising import rising
from qcompile.transforms.walk import ConstantLattice, RefusedError, Walk, tap_of


def spatial(walk: Walk, node: Node, source: Deferred, shape: Shape) -> Deferred:
    """Dispatches on what is done with the windows."""
    source, node = _without_pad(walk, node, source)
    if isinstance(node.op, Convolution) and node.op.groups == 1:
        source, channels = as_pixels(walk, node, source)
        return _convolution(walk, node, node.op, source, shape, channels)
    if isinstance(node.op, LinearResize):
        return _linear_resize(walk, node, node.op, source, shape)
    source = as_image(walk, node, source)
    if isinstance(node.op, Convolution):
        return _convolution(walk, node, node.op, source, shape, None)
    if isinstance(node.op, TransposedConvolution):
        return _transposed(walk, node, node.op, source, shape)
    if isinstance(node.op, MaxPool):
        return _max_pool(walk, node, node.op, source, shape)
    if isinstance(node.op, SumPool):
        return _sum_pool(walk, node, node.op, source, shape)
    raise RefusedError(f"{node.op.kind} has no integer form yet")


def _without_pad(walk: Walk, node: Node, source: Deferred) -> tuple[Deferred, Node]:
    """A convolution of a tensor padded with zeros by a node of its own, as one of that tensor with more padding."""
    padded = walk.graph.producer(node.inputs[0])
    if padded is None or not isinstance(padded.op, Pad) or not isinstance(node.op, Convolution):
        return source, node
    before, after, windows = padded.op.before, padded.op.after, node.op.windows
    known = walk.known.get(padded.inputs[0])
    if padded.op.value != 0 or any((*before[:2], *after[:2])) or not isinstance(known, Deferred):
        return source, node
    wider = replace(
        windows,
        before=tuple(a + b for a, b in zip(windows.before, before[2:], strict=True)),
        after=tuple(a + b for a, b in zip(windows.after, after[2:], strict=True)),
    )
    return known, replace(node, op=replace(node.op, windows=wider))


def _convolution(
    walk: Walk, node: Node, op: Convolution, source: Deferred, shape: Shape, order: IntArray | None
) -> Deferred:
    """Each window is a vector that meets the same matrix; or one for each group of channels, with its matrix. The channels
    of the weights are taken in `order`.
    """
    if op.groups == source.shape[1] == shape[1] and op.groups > 1:
        return _depthwise(walk, node, op, source, shape)
    source = on_lattice(walk, node, source)
    windows = _two_axes(op.windows)
    positions, channels = element_count(windows.kernel), source.channels
    border = borders(walk, source, windows, shape[1], positions * channels) if op.groups == 1 else None
    source, zero = (source, border.code) if border else padded_with_zero(walk, node, source, windows)
    image = _image(walk, node, source)
    matrix = _matrix(walk, node) if order is None else _matrix(walk, node, lambda array: array[:, order])
    if op.groups > 1:
        return grouped(walk, node, windows, op.groups, matrix, source, image, zero, shape)
    vectors = image if windows.trivial else window_vectors(walk, node, image, windows, zero)
    parts = (source.lattice.scale, source.lattice.shift, source.lattice.offset)
    rows = Lattice.of(*(np.tile(np.broadcast_to(part, (channels,)), positions) for part in parts))
    output, result = product(walk, node, vectors, matrix, rows)
    if border:
        made = walk.integer.constants[walk.integer.nodes[-1].inputs[1]]
        missed = np.einsum("tco,c->to", made.reshape(positions, channels, -1), border.missing)
        output, result = border.correct(walk, node, output, result, missed)
    q_shape = walk.integer.values[output].shape
    deferred = Deferred(output, q_shape, shape, result, node.output, channels_last(shape))
    walk.taps.append(tap_of(node, deferred))
    return deferred


def _transposed(walk: Walk, node: Node, op: TransposedConvolution, source: Deferred, shape: Shape) -> Deferred:
    """Windows and matrices of each phase of the stride."""
    source = zero_at_zero(walk, node, on_lattice(walk, node, source))
    matrix = _matrix(walk, node, lambda array: _forward(array, op.groups))
    return transposed(walk, node, op, _two_axes(op.windows), matrix, source, _image(walk, node, source), shape)


def _forward(array: Array, groups: int) -> Array:
    """Weights (C, M / groups, *kernel) of a transposed convolution as (M, C / groups, *kernel)."""
    split = array.reshape(groups, -1, *array.shape[1:])
    return split.swapaxes(1, 2).reshape(-1, split.shape[1], *array.shape[2:])


def _depthwise(walk: Walk, node: Node, op: Convolution, source: Deferred, shape: Shape) -> Deferred:
    """As many groups as channels: each channel meets weights of its own."""
    source = on_lattice(walk, node, source)
    matrix = _matrix(walk, node)  # (kernel positions, C): one input channel a group
    border = borders(walk, source, _two_axes(op.windows), source.channels, matrix.integers.shape[0])
    source, zero = (source, border.code) if border else padded_with_zero(walk, node, source, op.windows)
    lattice = source.lattice
    offset = lattice.offset * matrix.integers.sum(axis=0) * matrix.scale
    if len(node.inputs) > 2:
        offset = offset + walk.graph.constants[node.inputs[2]].astype(np.float64)
    result = Lattice.of(matrix.scale * lattice.scale, lattice.shift * matrix.integers.sum(axis=0), offset)
    output = _channel_product(walk, node, op.windows, source, matrix.integers, zero)
    if border:
        output, result = border.correct(walk, node, output, result, matrix.integers * border.missing)
    q_shape = walk.integer.values[output].shape
    deferred = Deferred(output, q_shape, shape, result, node.output, channels_last(shape))
    walk.taps.append(tap_of(node, deferred))
    return deferred


def _linear_resize(walk: Walk, node: Node, op: LinearResize, source: Deferred, shape: Shape) -> Deferred:
    """Weighted sums over windows of the image with repeated pixels."""
    source, repeated = on_lattice(walk, node, source), op.repeated
    source = as_image(walk, node, source.rearranged(repeated, repeated.infer_shape(source.shape)))
    units, total = op.weights, int(op.weights.sum())
    output = _image(walk, node, source)
    if not op.windows.trivial:
        weights_ = np.repeat(units[:, None], source.channels, axis=1)
        output = _channel_product(walk, node, op.windows, source, weights_, 0)
    lattice = source.lattice
    result = Lattice.of(lattice.scale / total, lattice.shift * total, lattice.offset)
    deferred = Deferred(output, walk.integer.values[output].shape, shape, result, node.output, channels_last(shape))
    walk.taps.append(tap_of(node, deferred))
    return deferred


def _sum_pool(walk: Walk, node: Node, op: SumPool, source: Deferred, shape: Shape) -> Deferred:
    """The sum over each window on the integers."""
    source, zero = padded_with_zero(walk, node, on_lattice(walk, node, source), op.windows)
    positions = element_count(op.windows.kernel)
    ones = np.ones((positions, source.channels), np.int64)
    output = _channel_product(walk, node, op.windows, source, ones, zero)
    lattice = source.lattice
    total = Lattice.of(lattice.scale, lattice.shift * positions, lattice.offset * positions)
    q_shape = walk.integer.values[output].shape
    deferred = Deferred(output, q_shape, shape, total, node.output, channels_last(shape))
    walk.taps.append(tap_of(node, deferred))
    return deferred


def _channel_product(walk: Walk, node: Node, windows: Windows, source: Deferred, weights_: IntArray, zero: int) -> str:
    """Windows of each channel times weights (positions, C); one window over the whole image needs no line buffer."""
    windows = _two_axes(windows)
    image = _image(walk, node, source)
    height, width, channels = walk.integer.values[image].shape
    if windows.kernel == (height, width) and not windows.padded:
        vectors = walk.integer.reshape(image, (1, 1, height * width * channels), node.origin)
    else:
        vectors = window_vectors(walk, node, image, windows, zero)
    return walk.integer.channel_product(node.name, vectors, weights_, node.origin)


def _matrix(walk: Walk, node: Node, forward: Callable[[Array], Array] = np.asarray) -> weights.IntegerMatrix:
    """Weights (M, C, *kernel), as `forward` makes them of the node's, as (kernel positions * C, M), in the order of a
    window.
    """
    constant = walk.known.get(node.inputs[1])
    if isinstance(constant, ConstantLattice):
        parts = (constant.codes, constant.lattice.scale, constant.lattice.shift, constant.lattice.offset)
        full = (np.broadcast_to(part, constant.codes.shape) for part in parts)
        codes, scale, shift, offset = (_as_rows(forward(part)) for part in full)
        matrix = weights.from_lattice(codes.astype(np.int64), Lattice.of(scale, shift, offset))
    else:
        matrix = weights.from_real(_as_rows(forward(walk.graph.constants[node.inputs[1]])))
    if isinstance(matrix, str):
        raise RefusedError(matrix)
    return matrix


def _as_rows(array: np.ndarray) -> np.ndarray:
    """(M, C, *kernel) to (kernel positions * C, M)."""
    return np.moveaxis(np.moveaxis(array, 0, -1), 0, -2).reshape(-1, array.shape[0])


def _max_pool(walk: Walk, node: Node, op: MaxPool, source: Deferred, shape: Shape) -> Deferred:
    """The greatest code stands for the greatest number where the function of every channel rises."""
    source = rising(walk, node, source, op.minimum)
    windows = _two_axes(op.windows)
    image = _image(walk, node, source)
    if windows.trivial:
        return source
    q = window_vectors(walk, node, image, windows, least_code(walk, image))
    if element_count(windows.kernel) > 1:
        q = walk.integer.window_maximum(node.name, q, element_count(windows.kernel), node.origin)
    return replace(
        source,
        q=q,
        q_shape=walk.integer.values[q].shape,
        shape=shape,
        index=channels_last(shape),
        anchor=node.output,
    )


def _two_axes(windows: Windows) -> Windows:
    """A window over one axis as one over an image of height 1."""
    if len(windows.kernel) == 2:
        return windows
    return Windows(
        (1, *windows.kernel),
        (1, *windows.stride),
        (1, *windows.dilation),
        (0, *windows.before),
        (0, *windows.after),
        windows.ceil_mode,
    )


def _image(walk: Walk, node: Node, source: Deferred) -> str:
    """The integers as (height, width, channels)."""
    spatial_shape = source.shape[2:] if len(source.shape) == 4 else (1, *source.shape[2:])
    return walk.integer.reshape(source.q, (*spatial_shape, source.shape[1]), node.origin)
