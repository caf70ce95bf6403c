"""In which order the elements of an image travel: channels last, whatever the axes of the model's tensors."""

from __future__ import annotations

import numpy as np

from qcompile.ir.graph import Graph, Shape, element_count
from qcompile.ir.types import IntArray
from qcompile.ops import Pad, Resize, Transpose
from qcompile.ops.roles import Joint, Pointwise, Quantiser, Spatial


def channels_last(shape: Shape) -> IntArray | None:
    """For a tensor (batch 1, C, *spatial): the position of each element in the flattened frame (*spatial, C).

    None where that is the tensor's own order.
    """
    spatial, channels = shape[2:], shape[1]
    frame = np.arange(element_count(shape)).reshape(*spatial, channels)
    index = np.moveaxis(frame, -1, 0).reshape(shape)
    return None if channels == 1 or element_count(spatial) == 1 else np.ascontiguousarray(index)


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
        elif not isinstance(node.op, (Joint, Pad, Pointwise, Quantiser, Resize)):
            return None
        name = node.output
