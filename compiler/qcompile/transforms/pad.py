"""The Pad operator: elements of one value around a tensor, as a code among its integers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qcompile.ir.graph import Node, Shape, element_count
from qcompile.ir.types import Array
from qcompile.ops import Pad
from qcompile.ops.roles import Lattice
from qcompile.transforms.deferred import Deferred, Step
from qcompile.transforms.layouts import channels_last
from qcompile.transforms.materialised import on_lattice
from qcompile.transforms.padding import with_code
from qcompile.transforms.reordering import is_image, settled
from qcompile.transforms.walk import RefusedError, Walk

LARGEST_SEARCH = 1 << 16
"""Integers among which the code of a value is looked for where the tensor is not affine in them."""


def pad(walk: Walk, node: Node, op: Pad, source: Deferred, shape: Shape) -> Deferred:
    """The tensor with a code around it; what it is a function of its integers stays."""
    if op.before[0] or op.after[0]:
        raise RefusedError("padding of the axis of the frames")
    first = is_image(source)
    source = settled(walk, node, source)
    source, code = _code(walk, node, source, op.value)
    order = (*range(2, len(shape)), 1) if first else tuple(range(1, len(shape)))
    before, after = (tuple(sizes[axis] for axis in order) for sizes in (op.before, op.after))
    sizes = [source.shape[axis] for axis in order]
    q = _around(walk, node, source.q, sizes, before, after, code)
    frame = tuple(shape[axis] for axis in order)
    return replace(
        _widened(source, before[-1], after[-1]),
        q=walk.integer.reshape(q, frame, node.origin),
        q_shape=frame,
        shape=shape,
        index=channels_last(shape) if first else None,
        anchor=node.output,
    )


def _code(walk: Walk, node: Node, source: Deferred, value: float) -> tuple[Deferred, int]:
    """The integer that stands for the value in every channel; the tensor on other integers where there is none."""
    known = walk.integer.range_of(source.q)
    if source.steps and known.greatest - known.least < LARGEST_SEARCH:
        grid = np.arange(known.least, known.greatest + 1, dtype=np.int64)
        equal = (source.evaluate(grid[:, None]) == np.float32(value)).all(axis=1)
        if bool(np.any(equal)):
            found = grid[equal]
            return source, int(found[np.argmin(np.abs(found))])
    return with_code(walk, node, on_lattice(walk, node, source), value)


def _around(
    walk: Walk, node: Node, q: str, sizes: list[int], before: Shape, after: Shape, code: int
) -> str:
    """Padding of a frame along its axes, from the outermost on: an image of what lies outside of an axis, the axis and
    what lies inside; two axes at once where nothing lies outside of them.
    """
    axis = 0
    while axis < len(sizes):
        outside = element_count(tuple(sizes[:axis]))
        pair = outside == 1 and axis + 1 < len(sizes)
        last = axis + 1 if pair else axis
        pads = (before[axis], before[last], after[axis], after[last]) if pair else (0, before[axis], 0, after[axis])
        if any(pads):
            rows = sizes[axis] if pair else outside
            image = (rows, sizes[last], element_count(tuple(sizes[last + 1 :])))
            q = walk.integer.reshape(q, image, node.origin)
            q = walk.integer.pad(node.name, q, pads, code, node.origin)
        for done in range(axis, last + 1):
            sizes[done] += before[done] + after[done]
        axis = last + 1
    return q


def _widened(source: Deferred, before: int, after: int) -> Deferred:
    """Channels before and behind that are like the first one, in which the code stands for the value as well."""

    def widened(part: Array) -> Array:
        row = np.atleast_1d(part)
        return row if row.size == 1 else np.pad(row, (before, after), constant_values=row[0])

    lattice = source.lattice
    parts = (widened(part) for part in (lattice.scale, lattice.shift, lattice.offset))
    steps = tuple(Step(step.op, tuple(widened(operand) for operand in step.operands)) for step in source.steps)
    return replace(source, lattice=Lattice.of(*parts), steps=steps)
