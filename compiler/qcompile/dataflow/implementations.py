"""Which kernel does an operator's work: one function an operator, from a node of the integer graph to an unfolded
kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from qcompile.ir.dataflow import Kernel
from qcompile.ir.graph import Graph, Node, Shape, element_count
from qcompile.ir.types import IntArray, IntType, Range, read_only
from qcompile.kernels import (
    ArgMaxUnit,
    BorderAffineUnit,
    LookupTable,
    MatrixMatrixUnit,
    MatrixVectorUnit,
    PhasedWindow,
    Reorder,
    StreamAdd,
    StreamConcat,
    StreamMultiply,
    StreamPad,
    StreamRepeat,
    Thresholding,
    VectorVectorUnit,
    WindowMaximumUnit,
    sliding_window,
)
from qcompile.kernels.address_map import AddressMap
from qcompile.kernels.fixed_point import MULTIPLIER_BITS, FixedPoint, fixed_point
from qcompile.kernels.thresholding import MOST
from qcompile.ops import (
    ArgMax,
    BorderAffine,
    ChannelProduct,
    Concat,
    CyclicProduct,
    Lookup,
    MatMul,
    MatrixProduct,
    Pad,
    Repeat,
    SlidingWindow,
    Take,
    TensorAdd,
    TensorMultiply,
    Threshold,
    WindowMaximum,
    phased_window,
)
from qcompile.ops.taps import TapAxis

Implementation = Callable[[Graph, Node], Kernel]


class NoKernelError(Exception):
    """Why no kernel does a node's work."""


def _range(graph: Graph, name: str) -> Range:
    known = graph.values[name].range
    assert known is not None, f"{name} is not an integer value"
    return known


def _type(graph: Graph, name: str) -> IntType:
    return _range(graph, name).type


def _vectors(shape: Shape) -> int:
    """Vectors (pixels) of a frame whose last axis is the channel."""
    return element_count(shape[:-1])


def _matrix_vector_unit(graph: Graph, node: Node) -> Kernel:
    weights = graph.constants[node.inputs[1]].astype(np.int64).T
    bias = (
        graph.constants[node.inputs[2]].astype(np.int64)
        if len(node.inputs) > 2
        else np.zeros(weights.shape[0], np.int64)
    )
    return MatrixVectorUnit(
        weights=read_only(weights),
        bias=read_only(bias),
        input=_type(graph, node.inputs[0]),
        accumulator=_type(graph, node.output),
        vectors=_vectors(graph.values[node.inputs[0]].shape),
    )


def _cyclic_product(graph: Graph, node: Node) -> Kernel:
    assert isinstance(node.op, CyclicProduct)
    weights = graph.constants[node.inputs[1]]
    return MatrixVectorUnit(
        weights=read_only(weights),
        bias=read_only(np.zeros(weights.shape[0], np.int64)),
        input=_type(graph, node.inputs[0]),
        accumulator=_type(graph, node.output),
        turns=node.op.cycle,
    )


def _complement(thresholds: IntArray, descending: IntArray, element: IntType) -> IntArray:
    """Hardware inverts the bits of x: that is -x - 1 for a signed and 2**bits - 1 - x for an unsigned x."""
    added = 0 if element.signed else 1 << element.bits
    return read_only(thresholds + np.where(descending, added, 0)[:, None])


FEW = 7
"""Thresholds of a channel below which comparing is cheaper than any multiplication."""


def _requantisation(
    thresholds: IntArray, descending: IntArray, base: int, graph: Graph, node: Node
) -> FixedPoint | None:
    """The same step function by multiplication, where it is exact for all x that occur."""
    if thresholds.shape[1] < FEW:
        return None
    form = fixed_point(thresholds, descending, -1, base, _range(graph, node.inputs[0]))
    output = _range(graph, node.output)
    return form and replace(form, lo=max(form.lo, output.least), hi=min(form.hi, output.greatest))


def _thresholding(graph: Graph, node: Node) -> Kernel:
    assert isinstance(node.op, Threshold)
    shape, element = graph.values[node.inputs[0]].shape, _type(graph, node.inputs[0])
    thresholds, descending = (graph.constants[name].astype(np.int64) for name in node.inputs[1:])
    if thresholds.shape[1] == 0:
        # A constant output: one threshold that never fires keeps the stream's beat count.
        thresholds = np.full((thresholds.shape[0], 1), _range(graph, node.inputs[0]).greatest + 1)
        descending = np.zeros_like(descending)
    form = _requantisation(thresholds, descending, node.op.base, graph, node)
    if form is None and thresholds.shape[1] > MOST:
        raise NoKernelError(
            f"{thresholds.shape[1]} thresholds a channel are too many to compare with, and no multiplication with a factor of "
            f"{MULTIPLIER_BITS} bits gives the same codes; quantise to fewer bits, or with scales that are powers of two"
        )
    return Thresholding(
        form=form,
        thresholds=_complement(thresholds, descending, element),
        descending=read_only(descending),
        base=node.op.base,
        input=element,
        output=_type(graph, node.output),
        channels=shape[-1],
        vectors=_vectors(shape),
    )


def _lookup_table(graph: Graph, node: Node) -> Kernel:
    assert isinstance(node.op, Lookup)
    shape = graph.values[node.inputs[0]].shape
    return LookupTable(
        table=read_only(graph.constants[node.inputs[1]]),
        first=node.op.first,
        input=_type(graph, node.inputs[0]),
        output=_type(graph, node.output),
        channels=shape[-1],
        vectors=_vectors(shape),
    )


def _argmax(graph: Graph, node: Node) -> Kernel:
    assert isinstance(node.op, ArgMax)
    elements = graph.values[node.inputs[0]].shape[-1]
    offsets = graph.constants[node.inputs[1]] if len(node.inputs) > 1 else np.zeros(elements, np.int64)
    return ArgMaxUnit(
        elements=elements,
        input=_type(graph, node.inputs[0]),
        offsets=read_only(offsets),
        shift=node.op.shift,
        select_last=node.op.select_last,
    )


def _sliding_window(graph: Graph, node: Node) -> Kernel:
    assert isinstance(node.op, SlidingWindow)
    height, width, channels = graph.values[node.inputs[0]].shape
    windows = node.op.windows
    rows, columns = windows.output((height, width))
    if node.op.groups > 1:
        numbers = (windows.kernel, windows.stride, windows.dilation, windows.before, (rows, columns))
        down, across = (TapAxis(*each) for each in zip((height, width), *numbers, strict=True))
        return PhasedWindow(down, across, channels, _type(graph, node.inputs[0]), node.op.groups, node.op.padding)
    # What the last window reaches beyond the image, whatever padding was stated.
    axes = zip((rows, columns), windows.stride, windows.kernel, windows.dilation, strict=True)
    reach = [(n - 1) * s + (k - 1) * d + 1 for n, s, k, d in axes]
    ends = zip(reach, (height, width), windows.before, strict=True)
    bottom, right = (max(r - size - before, 0) for r, size, before in ends)
    return sliding_window.SlidingWindow(
        height=height,
        width=width,
        channels=channels,
        element=_type(graph, node.inputs[0]),
        kernel=(windows.kernel[0], windows.kernel[1]),
        stride=(windows.stride[0], windows.stride[1]),
        dilation=(windows.dilation[0], windows.dilation[1]),
        pads=(windows.before[0], windows.before[1], bottom, right),
        padding=node.op.padding,
    )


def _border_affine(graph: Graph, node: Node) -> Kernel:
    assert isinstance(node.op, BorderAffine)
    factors, constants = (read_only(graph.constants[name]) for name in node.inputs[1:])
    types = _type(graph, node.inputs[0]), _type(graph, node.output)
    return BorderAffineUnit(node.op.rows, node.op.columns, factors, constants, *types)


def _stream_pad(graph: Graph, node: Node) -> Kernel:
    assert isinstance(node.op, Pad)
    height, width, channels = graph.values[node.inputs[0]].shape
    (top, left, _), (bottom, right, _) = node.op.before, node.op.after
    element = _type(graph, node.inputs[0])
    return StreamPad(height, width, channels, element, (top, left, bottom, right), int(node.op.value))


def _phased_window(graph: Graph, node: Node) -> Kernel:
    assert isinstance(node.op, phased_window.PhasedWindow)
    op, channels = node.op, graph.values[node.inputs[0]].shape[-1]
    return PhasedWindow(op.rows, op.columns, channels, _type(graph, node.inputs[0]), op.groups, op.padding)


def _window_maximum(graph: Graph, node: Node) -> Kernel:
    assert isinstance(node.op, WindowMaximum)
    shape = graph.values[node.output].shape
    element = _type(graph, node.inputs[0])
    return WindowMaximumUnit(element, shape[-1], node.op.positions, _vectors(shape))


def _vector_vector_unit(graph: Graph, node: Node) -> Kernel:
    return VectorVectorUnit(
        weights=read_only(graph.constants[node.inputs[1]]),
        input=_type(graph, node.inputs[0]),
        accumulator=_type(graph, node.output),
        vectors=_vectors(graph.values[node.output].shape),
    )


def _stream_add(graph: Graph, node: Node) -> Kernel:
    assert isinstance(node.op, TensorAdd)
    shape = graph.values[node.output].shape
    operands = (_type(graph, node.inputs[0]), _type(graph, node.inputs[1]))
    return StreamAdd(operands, node.op.factors, _type(graph, node.output), shape[-1], _vectors(shape))


def _stream_concat(graph: Graph, node: Node) -> Kernel:
    first, second = node.inputs
    shapes = graph.values[first].shape, graph.values[second].shape
    operands = (_type(graph, first), _type(graph, second))
    return StreamConcat(operands, _type(graph, node.output), (shapes[0][-1], shapes[1][-1]), _vectors(shapes[0]))


def _reorder(graph: Graph, node: Node) -> Kernel:
    source, index = node.inputs
    mapping = AddressMap(element_count(graph.values[source].shape), graph.constants[index].reshape(-1))
    return Reorder(_type(graph, source), _type(graph, node.output), mapping)


def _stream_multiply(graph: Graph, node: Node) -> Kernel:
    assert isinstance(node.op, TensorMultiply)
    shape = graph.values[node.output].shape
    operands = (_type(graph, node.inputs[0]), _type(graph, node.inputs[1]))
    output = _type(graph, node.output)
    return StreamMultiply(operands, node.op.factors, node.op.terms_added, output, shape[-1], _vectors(shape))


def _matrix_matrix_unit(graph: Graph, node: Node) -> Kernel:
    op = node.op
    assert isinstance(op, MatrixProduct)
    products, rows, inner = graph.values[node.inputs[0]].shape
    columns = graph.values[node.output].shape[-1]
    operands = (_type(graph, node.inputs[0]), _type(graph, node.inputs[1]))
    output, sizes = _type(graph, node.output), (rows, inner, columns)
    return MatrixMatrixUnit(operands, op.factors, op.terms_added, output, *sizes, op.transposed, products)


def _stream_repeat(graph: Graph, node: Node) -> Kernel:
    assert isinstance(node.op, Repeat)
    vectors = element_count(graph.values[node.inputs[0]].shape) // node.op.vector
    return StreamRepeat(_type(graph, node.inputs[0]), node.op.vector, node.op.times, vectors)


IMPLEMENTATIONS: Mapping[type, Implementation] = {
    ArgMax: _argmax,
    BorderAffine: _border_affine,
    ChannelProduct: _vector_vector_unit,
    Concat: _stream_concat,
    CyclicProduct: _cyclic_product,
    Lookup: _lookup_table,
    MatMul: _matrix_vector_unit,
    Pad: _stream_pad,
    MatrixProduct: _matrix_matrix_unit,
    phased_window.PhasedWindow: _phased_window,
    Repeat: _stream_repeat,
    SlidingWindow: _sliding_window,
    Take: _reorder,
    TensorAdd: _stream_add,
    TensorMultiply: _stream_multiply,
    Threshold: _thresholding,
    WindowMaximum: _window_maximum,
}
