"""Pooling over windows, over everything, and reductions over some axes, which are pooling too."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qcompile.frontend.builder import Builder, axis_index
from qcompile.frontend.dialect import OnnxNode, UnsupportedError
from qcompile.frontend.importers.spatial import windows_of
from qcompile.ir.graph import Shape, element_count
from qcompile.ops import Elementwise, MaxPool, Reshape, SumPool, Transpose
from qcompile.ops.windows import Windows

Importer = Callable[[Builder, OnnxNode], None]

AXES_AS_INPUT = {"ReduceSum": 13, "ReduceMean": 18, "ReduceMax": 18, "ReduceMin": 18}
"""The operator set since which a reduction takes its axes as an input."""


def _max_pool(builder: Builder, node: OnnxNode) -> None:
    if len(node.outputs) > 1 and node.outputs[1]:
        raise UnsupportedError("MaxPool that also gives indices")
    builder.add(node, MaxPool(_pool_windows(builder, node)), node.inputs[0])


def _average_pool(builder: Builder, node: OnnxNode) -> None:
    windows = _pool_windows(builder, node)
    _average(builder, node, windows, node.inputs[0], node.outputs[0], bool(node.integer("count_include_pad", 0)))


def _pool_windows(builder: Builder, node: OnnxNode) -> Windows:
    """The windows of a pooling, none of which lies wholly outside of the image."""
    spatial = builder.shape(node.inputs[0])[2:]
    windows = windows_of(node, node.integers("kernel_shape") or (), spatial)
    if any(not bool(np.all(counts)) for counts in windows.counts(spatial, padding=False)):
        raise UnsupportedError(f"{node.operator} with a window that holds no element of the image")
    return windows


def _average(
    builder: Builder, node: OnnxNode, windows: Windows, source: str, output: str, padding: bool = False
) -> None:
    """The sum over each window, by the number of its elements: with those of the padding or without."""
    counts = windows.counts(builder.shape(source)[2:], padding)
    divisor = np.ones((), np.float32)
    for count in counts:
        divisor = np.multiply.outer(divisor, count.astype(np.float32))
    if bool(np.all(divisor == divisor.ravel()[0])):
        divisor = divisor.ravel()[:1]
    total = builder.add(node, SumPool(windows), source, output=f"{output}.sum")
    builder.add(node, Elementwise("Div"), total, divisor.astype(np.float32), output=output)


def _whole(spatial: Shape, reduced: tuple[bool, ...]) -> Windows:
    """One window over everything along the reduced axes, windows of one element along the others."""
    ones, zeros = (1,) * len(spatial), (0,) * len(spatial)
    kernel = tuple(size if whole else 1 for size, whole in zip(spatial, reduced, strict=True))
    return Windows(kernel, ones, ones, zeros, zeros)


def _global_average_pool(builder: Builder, node: OnnxNode) -> None:
    spatial = _spatial(builder.shape(node.inputs[0]))
    _average(builder, node, _whole(spatial, (True,) * len(spatial)), node.inputs[0], node.outputs[0])


def _global_max_pool(builder: Builder, node: OnnxNode) -> None:
    spatial = _spatial(builder.shape(node.inputs[0]))
    builder.add(node, MaxPool(_whole(spatial, (True,) * len(spatial))), node.inputs[0])


def _spatial(shape: Shape) -> Shape:
    """Sizes of the spatial axes of a tensor with channels first; there must be one or two."""
    if len(shape) not in (3, 4):
        raise UnsupportedError(f"pooling over {len(shape) - 2} spatial axes")
    return shape[2:]


def _reduce(builder: Builder, node: OnnxNode) -> None:
    """A reduction over any axes but that of the frames and one: pooling of the tensor with that one as its channels."""
    shape = builder.shape(node.inputs[0])
    axes = _reduced_axes(builder, node, len(shape))
    kept = [axis for axis in range(1, len(shape)) if axis not in axes]
    source, stem = node.inputs[0], node.outputs[0]
    if not axes:
        builder.alias(stem, source)
        return
    if 0 in axes:
        raise UnsupportedError("a reduction over the axis of the frames")
    if not kept:
        source = builder.add(node, Reshape((1, 1, element_count(shape))), source, output=f"{stem}.whole")
        pooled = _pooled(builder, node, source, (True,), f"{stem}.pooled")
    else:
        channels = 1 if 1 in kept else kept[-1]
        order = (0, channels, *(axis for axis in range(1, len(shape)) if axis != channels))
        source = _transposed(builder, node, source, order, f"{stem}.channels_first")
        _spatial(builder.shape(source))
        pooled = _pooled(builder, node, source, tuple(axis in axes for axis in order[2:]), f"{stem}.pooled")
        pooled = _transposed(builder, node, pooled, tuple(int(k) for k in np.argsort(order)), f"{stem}.pooled_in_order")
    sizes = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    if not node.integer("keepdims", 1):
        sizes = tuple(size for axis, size in enumerate(shape) if axis not in axes)
    builder.add(node, Reshape(sizes), pooled)


def _transposed(builder: Builder, node: OnnxNode, source: str, order: Shape, output: str) -> str:
    """The tensor with its axes in this order."""
    if order == tuple(range(len(order))):
        return source
    return builder.add(node, Transpose(order), source, output=output)


def _pooled(builder: Builder, node: OnnxNode, source: str, reduced: tuple[bool, ...], output: str) -> str:
    """The pooling that a reduction is, over those spatial axes that are reduced."""
    windows = _whole(builder.shape(source)[2:], reduced)
    match node.operator:
        case "ReduceMean":
            _average(builder, node, windows, source, output)
            return output
        case "ReduceSum":
            return builder.add(node, SumPool(windows), source, output=output)
        case _:
            op = MaxPool(windows, minimum=node.operator == "ReduceMin")
            return builder.add(node, op, source, output=output)


def _reduced_axes(builder: Builder, node: OnnxNode, rank: int) -> tuple[int, ...]:
    """The axes, counted from the front; all of them where none are stated."""
    if node.opset >= AXES_AS_INPUT[node.operator]:
        stated = builder.integers(node.input(1), "axes") if node.input(1) else ()
    else:
        stated = node.integers("axes") or ()
    if not stated and node.integer("noop_with_empty_axes", 0):
        return ()
    return tuple(axis_index(axis, rank) for axis in stated) or tuple(range(rank))


IMPORTERS: dict[str, Importer] = {
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global_average_pool,
    "GlobalMaxPool": _global_max_pool,
    "MaxPool": _max_pool,
    "ReduceMax": _reduce,
    "ReduceMean": _reduce,
    "ReduceMin": _reduce,
    "ReduceSum": _reduce,
}
