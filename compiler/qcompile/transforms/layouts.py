"""In which order the elements of an image travel: channels last, whatever the axes of the model's tensors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qcompile.ir.graph import Graph, Node, Shape, element_count
from qcompile.ir.types import Array, IntArray
from qcompile.ops import Transpose
from qcompile.ops.roles import Lattice, Pointwise, Quantiser, Spatial
from qcompile.transforms.deferred import Deferred, Step
from qcompile.transforms.walk import RefusedError, Walk


def channels_last(shape: Shape) -> IntArray | None:
    """For a tensor (batch 1, C, *spatial): the position of each element in the flattened frame (*spatial, C).

    None where that is the tensor's own order.
    """
    spatial, channels = shape[2:], shape[1]
    frame = np.arange(element_count(shape)).reshape(*spatial, channels)
    index = np.moveaxis(frame, -1, 0).reshape(shape)
    return None if channels == 1 or element_count(spatial) == 1 else np.ascontiguousarray(index)


def same_order(first: IntArray | None, second: IntArray | None) -> bool:
    """Whether two orders of one tensor's elements are the same; None is the tensor's own."""
    if first is None or second is None:
        return first is second
    return bool(np.array_equal(first, second))


def frame_axes(graph: Graph, name: str) -> tuple[int, ...] | None:
    """Axes of a tensor of the host in the order in which its elements should be sent, the batch axis left out.

    They are those of the first operator with spatial axes behind it, channels last; None where there is none.
    """
    readers = graph.consumers()
    order = list(range(len(graph.values[name].shape)))
    while True:
        nodes = readers.get(name, [])
        if not nodes:
            return None
        node = nodes[0]
        if isinstance(node.op, Spatial):
            return (*order[2:], order[1])
        if isinstance(node.op, Transpose):
            order = [order[axis] for axis in node.op.perm]
        elif not isinstance(node.op, (Pointwise, Quantiser)):
            return None
        name = node.output


def by_channel(walk: Walk, node: Node, source: Deferred) -> Deferred:
    """A tensor (batch 1, C, *spatial) with C channels again, where every element had become a channel of its own.

    Refused where numbers of one channel still stand for different things.
    """
    channels = source.shape[1]
    if source.channels <= channels or element_count(source.q_shape) != source.channels:
        return source

    def folded(part: Array) -> Array:
        row = np.atleast_1d(part)
        if row.size == 1:
            return row
        real = (row if source.index is None else row[source.index.ravel()]).reshape(channels, -1)
        if not bool(np.all(real == real[:, :1])):
            raise RefusedError("its input has scales or offsets that differ between the pixels of a channel")
        return real[:, 0].copy()

    lattice = source.lattice
    steps = tuple(Step(step.op, tuple(folded(operand) for operand in step.operands)) for step in source.steps)
    q = walk.integer.reshape(source.q, (source.channels // channels, channels), node.origin)
    parts = (folded(part) for part in (lattice.scale, lattice.shift, lattice.offset))
    return replace(source, q=q, q_shape=walk.integer.values[q].shape, lattice=Lattice.of(*parts), steps=steps)
