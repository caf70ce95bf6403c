"""Integers in the order and number that an operator needs: what layout operators left as an index becomes hardware."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qcompile.ir.graph import Node, Shape, element_count
from qcompile.ir.types import Array, IntArray
from qcompile.ops.roles import Lattice
from qcompile.transforms.deferred import Deferred, Step
from qcompile.transforms.layouts import channels_last
from qcompile.transforms.materialised import materialised
from qcompile.transforms.walk import Walk


def reordered(walk: Walk, node: Node, source: Deferred, order: IntArray | None, frame: Shape) -> Deferred:
    """The same tensor on integers of the shape `frame`, among which its element at position p is element `order[p]`
    (its own order where that is None).

    Costs nothing where the integers are in this order already; else a node that moves them. Lattice and steps follow the
    channels; where elements of differing scales come into one channel, they are put on a common lattice before. Refused
    where there is none.
    """
    elements = source.positions()
    index = np.empty(elements.size, np.int64)
    index[... if order is None else order.reshape(-1)] = elements.reshape(-1)
    if frame == source.q_shape and np.array_equal(index, np.arange(element_count(source.q_shape))):
        return replace(source, index=order)
    channels = (index % source.channels).reshape(-1, frame[-1])
    followed = _followed(source, channels)
    if followed is None:
        source = materialised(walk, node, source)
        followed = _followed(source, channels)
        assert followed is not None, "new integers have one lattice"
    q = walk.integer.reorder(f"{node.name}_order", source.q, index, frame, node.origin)
    return replace(followed, q=q, q_shape=frame, index=order)


def _followed(source: Deferred, channels: IntArray) -> Deferred | None:
    """Lattice and steps of the channels from which the elements (rows, new channels) come; None where those of one new
    channel differ.
    """
    lattice = source.lattice
    arrays = [lattice.scale, lattice.shift, lattice.offset]
    arrays += [operand for step in source.steps for operand in step.operands]
    moved: list[Array] = []
    for array in arrays:
        part = np.atleast_1d(array)
        if part.size > 1:
            rows = part[channels]
            if not bool(np.all(rows == rows[0])):
                return None
            part = rows[0]
        moved.append(part[:1] if bool(np.all(part == part[0])) else part)
    steps, rest = [], moved[3:]
    for step in source.steps:
        steps.append(Step(step.op, tuple(rest[: len(step.operands)])))
        rest = rest[len(step.operands) :]
    return replace(source, lattice=Lattice.of(*moved[:3]), steps=tuple(steps))


def as_image(walk: Walk, node: Node, source: Deferred) -> Deferred:
    """A tensor (1, C, *spatial) on integers (height, width, C); the height of sequences is 1."""
    spatial = source.shape[2:] if len(source.shape) == 4 else (1, *source.shape[2:])
    return reordered(walk, node, source, channels_last(source.shape), (*spatial, source.shape[1]))


def as_pixels(walk: Walk, node: Node, source: Deferred) -> tuple[Deferred, IntArray | None]:
    """As `as_image`, for an operator that can take the channels in another order: that is left as it is where it is the same
    in all pixels. The tensor as if its channels were in the order of the integers, and that order (None for its own).
    """
    channels, pixels = source.shape[1], element_count(source.shape[2:])
    rows = np.moveaxis(source.positions(), 1, -1).reshape(pixels, channels)
    if source.complete and source.channels == channels:
        within = rows - np.arange(pixels)[:, None] * channels
        order = np.argsort(within[0])
        alike = bool(np.all(within == within[0])) and np.array_equal(within[0][order], np.arange(channels))
        if alike and not np.array_equal(order, np.arange(channels)):
            return as_image(walk, node, replace(source, index=channels_last(source.shape))), order
    return as_image(walk, node, source), None


def as_own(walk: Walk, node: Node, source: Deferred) -> Deferred:
    """The tensor on integers in its own order, without the leading axis of the batch."""
    frame = source.shape[1:] if len(source.shape) > 1 and source.shape[0] == 1 else source.shape
    return reordered(walk, node, source, None, frame or (1,))


def as_vectors(walk: Walk, node: Node, source: Deferred, rows: int) -> Deferred:
    """A tensor whose last axis has `rows` elements on integers (vectors, rows), or (rows,) where there is one vector: in any
    order that is the same in every vector.
    """
    vectors = element_count(source.shape) // rows
    frame = (rows,) if vectors == 1 else (vectors, rows)
    within = source.positions().reshape(vectors, rows) - np.arange(vectors)[:, None] * rows
    same = bool(np.all(within == within[0])) and np.array_equal(np.sort(within[0]), np.arange(rows))
    kept = same and element_count(source.q_shape) == vectors * rows
    return reordered(walk, node, source, source.index if kept else None, frame)


def as_other(walk: Walk, node: Node, source: Deferred, other: Deferred) -> tuple[Deferred, Deferred]:
    """Two tensors of one shape whose elements travel in the same order, once each; the one that is out of order moves."""
    if source.complete and other.complete and np.array_equal(source.positions(), other.positions()):
        return source, other
    if not source.complete and other.complete:
        return reordered(walk, node, source, other.index, other.q_shape), other
    if not source.complete:
        source = settled(walk, node, source)
    return source, reordered(walk, node, other, source.index, source.q_shape)


def is_image(source: Deferred) -> bool:
    """Whether axis 1 of a tensor holds the channels, going by how it travels: neighbours along the channels are neighbours
    among the integers. What travels in its own order, and what has its channels last in the model as well, is none.
    """
    rank = len(source.shape)
    if rank not in (3, 4) or (source.index is None and source.complete):
        return False
    positions = source.positions()

    def near(axis: int) -> bool:
        return source.shape[axis] > 1 and bool(np.all(np.diff(positions, axis=axis) == 1))

    return near(1) or not near(rank - 1)


def settled(walk: Walk, node: Node, source: Deferred) -> Deferred:
    """The tensor on just as many integers as it has elements: images channels last, others in their own order."""
    return as_image(walk, node, source) if is_image(source) else as_own(walk, node, source)
