"""Concatenation: vectors of several streams in turn, or nothing but an index where all come from one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from qcompile.ir.graph import Node, Shape, element_count
from qcompile.ir.types import Array
from qcompile.ops import Concat
from qcompile.ops.roles import Lattice
from qcompile.transforms.deferred import Deferred
from qcompile.transforms.join import integers
from qcompile.transforms.layouts import channels_last
from qcompile.transforms.materialised import on_lattice
from qcompile.transforms.reordering import as_image, as_own, is_image
from qcompile.transforms.walk import UNTYPED_HINT, Known, Pending, RefusedError, Walk, tap_of


def concat(walk: Walk, node: Node, op: Concat) -> Known:
    """What is known of the result of a Concat, whose inputs are all computed."""
    known = [integers(walk, walk.known[name]) for name in node.inputs]
    pending = [source for source in known if isinstance(source, Pending)]
    if len(pending) == len(known):
        return pending[0]
    if pending:
        raise RefusedError(f"the input '{pending[0].source}' reaches Concat without being quantised; {UNTYPED_HINT}")
    sources = [source for source in known if isinstance(source, Deferred)]
    if len(sources) < len(known):
        raise RefusedError("it joins a tensor of the accelerator with one that only the host computes")
    shape = walk.graph.values[node.output].shape
    if all(_same_integers(source, sources[0]) for source in sources):
        return sources[0].taken(op.evaluate(*(source.positions()[None] for source in sources))[0], shape)
    if op.axis == 0:
        raise RefusedError("Concat along the axis of the frames")
    return _side_by_side(walk, node, op, [on_lattice(walk, node, *pair) for pair in zip(sources, node.inputs, strict=True)], shape)


def _same_integers(a: Deferred, b: Deferred) -> bool:
    """Whether two tensors are the same function of the same integers."""
    if a.q != b.q or a.anchor != b.anchor or len(a.steps) != len(b.steps):
        return False
    steps = all(x is y for x, y in zip(a.steps, b.steps, strict=True))
    return steps and all(bool(np.all(x == y)) for x, y in zip(_parts(a), _parts(b), strict=True))


def _parts(source: Deferred) -> tuple[Array, Array, Array]:
    lattice = source.lattice
    return np.atleast_1d(lattice.scale), np.atleast_1d(lattice.shift), np.atleast_1d(lattice.offset)


def _side_by_side(walk: Walk, node: Node, op: Concat, sources: Sequence[Deferred], shape: Shape) -> Deferred:
    """For each position of the axes outside of `axis` the elements of all sources in turn; images travel channels last.

    Each element of what is inside is a channel, unless its scale is that of the channels of all sources.
    """
    rank = len(shape)
    image = any(is_image(source) for source in sources)
    order = (*range(2, rank), 1) if image else tuple(range(1, rank))
    place = order.index(op.axis)
    frame = tuple(shape[axis] for axis in order)
    moved = [as_image(walk, node, source) if image else as_own(walk, node, source) for source in sources]
    vectors = element_count(frame[:place])
    q, rows = "", list[list[Array]]()
    for source in moved:
        elements = element_count(source.shape) // vectors
        part = walk.integer.reshape(source.q, (vectors, elements), node.origin)
        q = walk.integer.concat(node.name, (q, part), node.origin) if q else part
        rows.append(
            [np.tile(np.broadcast_to(row, source.channels), elements // source.channels) for row in _parts(source)]
        )
    parts = [np.concatenate(columns) for columns in zip(*rows, strict=True)]
    folded = [part.reshape(-1, frame[-1]) for part in parts]
    if all(bool(np.all(part == part[0])) for part in folded):
        q = walk.integer.reshape(q, frame, node.origin)
        parts = [part[0, :1] if bool(np.all(part[0] == part[0, 0])) else part[0] for part in folded]
    q_shape = walk.integer.values[q].shape
    index = channels_last(shape) if image else None
    deferred = Deferred(q, q_shape, shape, Lattice.of(*parts), node.output, index)
    walk.taps.append(replace(tap_of(node, deferred), reads=""))
    return deferred
