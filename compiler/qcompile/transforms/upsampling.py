"""A convolution of an enlarged image is a transposed convolution of the image itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Graph, Node, Value, fresh_name
from qcompile.ir.network import Network
from qcompile.ir.types import Array, IntArray, read_only
from qcompile.ops import CyclicProduct, MatMul, PhasedWindow, Reshape, SlidingWindow, Take
from qcompile.ops.matrix_cycle import MatrixCycle
from qcompile.ops.taps import TapAxis
from qcompile.ops.windows import Windows

MODES = ("auto", "resize", "deconv")
LARGEST_SCALE = 4
"""How many times larger an image may become: beyond that there are more matrices than is worth while."""


@dataclass(frozen=True, slots=True)
class UpsamplingAsDeconvolution:
    """Convolutions behind nearest-neighbour enlargement read the small image, taps on the same pixel added up.

    Each of the scale * scale phases of the result has a matrix of its own. `mode` says where: `auto` where fewer bits of
    weights are multiplied, `deconv` wherever it is possible, `resize` nowhere.
    """

    name: ClassVar[str] = "upsampling-as-deconvolution"
    mode: str = "auto"

    def run(self, network: Network) -> Network:
        """The network with transposed convolutions in place of enlarged images."""
        for node in () if self.mode == "resize" else network.integer.nodes:
            found = _enlarged(network, node)
            if found is not None and (self.mode == "deconv" or found.cheaper):
                network = replace(network, integer=_rewritten(network.integer, found))
        return network


@dataclass(frozen=True, slots=True, eq=False)
class _Enlarged:
    """A product behind windows behind an enlargement: names and nodes of all three, and what takes their place."""

    image: str
    height: int
    width: int
    product: Node
    window: PhasedWindow
    matrices: tuple[IntArray, ...]
    cycle: MatrixCycle
    plain: IntArray
    vectors: int

    @property
    def cheaper(self) -> bool:
        """Whether the bits of all weights that are multiplied in a frame become fewer."""
        bits = max(bits_of(matrix) for matrix in self.matrices)
        plain = self.vectors * int(self.plain.shape[0]) * bits_of(self.plain)
        return self.cycle.elements * bits < plain


def bits_of(weights: IntArray) -> int:
    """Of a weight, the sign included."""
    return max(int(weights.max()).bit_length(), int(-weights.min() - 1).bit_length() if weights.min() < 0 else 0) + 1


def _enlarged(network: Network, product: Node) -> _Enlarged | None:
    """What stands in front of a product, where it is windows over an enlarged image that nothing else reads."""
    graph, readers = network.integer, network.integer.consumers()
    kept = {*graph.outputs, *(tap.value for tap in network.taps)}
    if not isinstance(product.op, MatMul) or len(product.inputs) > 2:
        return None
    before = graph.producer(product.inputs[0])
    windows = Windows((1, 1), (1, 1), (1, 1), (0, 0), (0, 0))
    padding = 0
    if before is not None and isinstance(before.op, SlidingWindow):
        windows, padding = before.op.windows, before.op.padding
        if before.op.groups > 1 or before.output in kept or len(readers[before.output]) > 1:
            return None
        before = graph.producer(before.inputs[0])
    if before is None or not isinstance(before.op, Take) or before.output in kept or len(readers[before.output]) > 1:
        return None
    shape = graph.values[before.output].shape
    scales = _scales(graph.constants[before.inputs[1]], int(np.prod(graph.values[before.inputs[0]].shape)))
    if scales is None or windows.stride != (1, 1) or windows.dilation != (1, 1) or windows.ceil_mode:
        return None
    outputs = windows.output((shape[0], shape[1]))
    axes = [
        TapAxis(size // s, k + s - 1, s, 1, k - 1 - b, n, True)
        for size, s, k, b, n in zip(shape[:2], scales, windows.kernel, windows.before, outputs, strict=True)
        if b < k
    ]
    if len(axes) < 2:
        return None
    weights = graph.constants[product.inputs[1]]
    matrices = _matrices(weights, axes[0], axes[1], windows, scales)
    places = axes[1].phases
    lengths = tuple(matrix.shape[1] for matrix in matrices)
    segments = tuple(lengths[k : k + places] for k in range(0, len(lengths), places))
    return _Enlarged(
        image=before.inputs[0],
        height=shape[0] // scales[0],
        width=shape[1] // scales[1],
        product=product,
        window=PhasedWindow(axes[0], axes[1], 1, padding),
        matrices=matrices,
        cycle=MatrixCycle(segments, outputs[1], outputs[0]),
        plain=weights,
        vectors=outputs[0] * outputs[1],
    )


def _scales(index: Array, elements: int) -> tuple[int, int] | None:
    """How many times taller and wider the image (height, width, C) `index` is than the one it takes its pixels from; None
    where that is no enlargement by whole numbers.
    """
    if index.ndim != 3:
        return None
    height, width, channels = index.shape
    across = int(index[0, :, 0].max()) // channels + 1
    if elements % (across * channels) or width % across or height % (elements // (across * channels)):
        return None
    wider, taller = width // across, height // (elements // (across * channels))
    rows, columns = np.arange(height) // taller, np.arange(width) // wider
    pixels = rows[:, None] * across + columns
    if not 1 < max(wider, taller) <= LARGEST_SCALE:
        return None
    return (taller, wider) if np.array_equal(index, pixels[:, :, None] * channels + np.arange(channels)) else None


def _matrices(
    weights: IntArray, rows: TapAxis, columns: TapAxis, windows: Windows, scales: tuple[int, int]
) -> tuple[IntArray, ...]:
    """For each phase the weights (M, taps * C) of the small image's pixels: sums over the taps that fall on one pixel."""
    kernel = weights.reshape(*windows.kernel, -1, weights.shape[1])
    found = []
    for row in range(rows.phases):
        for column in range(columns.phases):
            down = _falling(rows, row, windows.before[0], windows.kernel[0], scales[0])
            across = _falling(columns, column, windows.before[1], windows.kernel[1], scales[1])
            summed = np.einsum("ak,bl,klcm->mabc", down, across, kernel)
            found.append(np.ascontiguousarray(summed.reshape(summed.shape[0], -1)))
    return tuple(found)


def _falling(axis: TapAxis, output: int, before: int, kernel: int, scale: int) -> IntArray:
    """(pixels of the small image, taps of the kernel): 1 where the tap falls on the pixel, for one output."""
    pixel = int(axis.firsts()[output]) + np.arange(int(axis.counts()[output]))
    tap = (output - before + np.arange(kernel)) // scale
    falls: IntArray = (tap == pixel[:, None]).astype(np.int64)
    return falls


def _rewritten(graph: Graph, found: _Enlarged) -> Graph:
    """The graph with phased windows over the small image and matrices in turn; what nothing reads any more is left out."""
    values, constants = dict(graph.values), dict(graph.constants)
    names = {node.name for node in graph.nodes}
    stem, origin = found.product.name, found.product.origin
    made: list[Node] = []
    image, elements = found.image, int(np.prod(graph.values[found.image].shape))
    shape = (found.height, found.width, elements // (found.height * found.width))
    known = graph.values[image].range
    assert known is not None
    if graph.values[image].shape != shape:
        known = known if known.lo.size == shape[-1] else known.shared()
        image = fresh_name(f"{stem}_image", values)
        values[image] = Value(shape, known)
        made.append(Node(fresh_name(image, names), Reshape(shape), (found.image,), image, origin))
    window = fresh_name(f"{stem}_phases", values)
    values[window] = Value(found.window.infer_shape(shape), found.window.infer_range(known))
    made.append(Node(fresh_name(window, names), found.window, (image,), window, origin))
    weights = fresh_name(f"{stem}.phases", constants)
    constants[weights] = read_only(np.concatenate(found.matrices, axis=1))
    output = found.product.output
    product = CyclicProduct(found.cycle, values[output].shape)
    window_range = values[window].range
    assert window_range is not None
    values[output] = replace(values[output], range=product.infer_range(window_range, constants[weights]))
    made.append(replace(found.product, op=product, inputs=(window, weights)))
    nodes = [n for node in graph.nodes for n in (made if node.name == found.product.name else [node])]
    return replace(graph, nodes=tuple(nodes), values=values, constants=constants).pruned()
