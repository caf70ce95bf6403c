"""A convolution whose channels become pixels (sub-pixel convolution) is a transposed convolution of the same image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Graph, Node, Value, fresh_name
from qcompile.ir.network import Network, Tap
from qcompile.ir.types import Array, IntArray, IntType, Range, read_only
from qcompile.ops import BorderAffine, CyclicProduct, Lookup, MatMul, PhasedWindow, SlidingWindow, Take, Threshold
from qcompile.ops.matrix_cycle import MatrixCycle
from qcompile.ops.taps import TapAxis
from qcompile.ops.windows import Windows
from qcompile.transforms.shared_thresholds import Common, shared_thresholds
from qcompile.transforms.upsampling import LARGEST_SCALE, bits_of
from qcompile.transforms.weights import FLOAT32_NOISE, LARGEST_WEIGHT, common_unit


@dataclass(frozen=True, slots=True)
class SubPixelsAsDeconvolution:
    """Convolutions in front of DepthToSpace give the pixels in their order: each of the block * block phases of the result
    has the weights of its channels for a matrix, so that nothing is moved any more.

    What stands between has to be the same function for all channels that become one, but for a constant that is added to
    their sums. `mode` says where: `auto` where fewer bits wait in buffers and nothing becomes slower (the same number is
    multiplied), `deconv` wherever it is possible, `resize` nowhere.
    """

    name: ClassVar[str] = "sub-pixels-as-deconvolution"
    mode: str = "auto"

    def run(self, network: Network) -> Network:
        """The network with transposed convolutions in place of moved channels."""
        for node in () if self.mode == "resize" else network.integer.nodes:
            found = _found(network, node) if isinstance(node.op, Take) else None
            if found is not None and (self.mode == "deconv" or found.cheaper):
                network = _rewritten(network, found)
        return network


@dataclass(frozen=True, slots=True, eq=False)
class _SubPixels:
    """A product over windows (or over the pixels themselves), elementwise `steps` behind it and what moves its channels.

    `channels` (block rows, block columns, C) are those of the product that become a pixel's. `constants` are those of the
    steps, a row for each of the C channels or one for all.
    """

    graph: Graph
    product: Node
    steps: tuple[Node, ...]
    moved: Node
    image: str
    windows: Windows
    padding: int
    channels: IntArray
    common: Common
    constants: tuple[tuple[Array, ...], ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """(height, width, C) of the result."""
        return self.graph.values[self.moved.output].shape

    @property
    def axes(self) -> tuple[TapAxis, TapAxis]:
        """Each pixel of the result reads the window that its channels were computed from."""
        sizes = zip(self.graph.values[self.image].shape[:2], self.channels.shape[:2], self.windows.kernel, strict=True)
        ends = zip(sizes, self.windows.before, self.shape[:2], strict=True)
        rows, columns = (TapAxis(n, k * s, s, 1, s * (k - 1 - b), out, True) for (n, s, k), b, out in ends)
        return rows, columns

    @property
    def kernel(self) -> IntArray:
        """(K, channels of the product): the weights in the common unit."""
        weights: IntArray = self.graph.constants[self.product.inputs[1]] * self.common.factors
        return weights

    @property
    def cheaper(self) -> bool:
        """Whether a row of the image, which is kept longer, has fewer bits than the row of results that waits otherwise,
        weights do not become wider, and the fastest design no slower: a window of several pixels comes one by one for every
        phase, where moving takes a cycle for all channels of a pixel.
        """
        (_, width, depth), (rows, columns, _) = self.graph.values[self.image].shape, self.channels.shape
        waiting = self.shape[1] // columns * self.channels.size * _type(self.graph, self.moved.inputs[0]).bits
        kept = width * depth * _type(self.graph, self.image).bits
        constants = self.channels.size * int(np.abs(self.common.added).max()).bit_length()
        slower = int(np.prod(self.windows.kernel)) > 1
        wider = bits_of(self.kernel) > bits_of(self.graph.constants[self.product.inputs[1]])
        return rows > 1 and kept + constants < waiting and not wider and not slower


def _type(graph: Graph, name: str) -> IntType:
    return _range(graph, name).type


def _range(graph: Graph, name: str) -> Range:
    known = graph.values[name].range
    assert known is not None, f"{name} is an integer value"
    return known


def _found(network: Network, moved: Node) -> _SubPixels | None:
    """What stands in front of a reordering, where it is a convolution whose channels become pixels."""
    graph, readers = network.integer, network.integer.consumers()
    steps: list[Node] = []
    node = graph.producer(moved.inputs[0])
    while node is not None and isinstance(node.op, (Lookup, Threshold)):
        steps.insert(0, node)
        node = graph.producer(node.inputs[0])
    if node is None or not isinstance(node.op, MatMul) or len(node.inputs) > 2:
        return None
    between = [node.output, *(step.output for step in steps)]
    if any(name in graph.outputs or len(readers[name]) > 1 for name in between):
        return None
    image, windows, padding = node.inputs[0], Windows((1, 1), (1, 1), (1, 1), (0, 0), (0, 0)), 0
    window = graph.producer(image)
    if window is not None and isinstance(window.op, SlidingWindow):
        image, windows, padding = window.inputs[0], window.op.windows, window.op.padding
        if window.op.groups > 1:
            return None
    dense = windows.stride == windows.dilation == (1, 1) and not windows.ceil_mode
    if not dense or any(b >= k for b, k in zip(windows.before, windows.kernel, strict=True)):
        return None
    channels = blocks(graph.constants[moved.inputs[1]], graph.values[node.output].shape)
    if channels is None or len(graph.values[image].shape) != 3:
        return None
    common = _common(network, node.output, channels)
    constants = None if common is None else _shared(graph, tuple(steps), channels, common)
    if common is None or constants is None:
        return None
    found = _SubPixels(graph, node, tuple(steps), moved, image, windows, padding, channels, common, constants)
    if int(np.abs(found.kernel).max(initial=0)) > LARGEST_WEIGHT:
        return None
    taps = [_tap(tap, found, "") for tap in network.taps if tap.value in between]
    return None if any(tap is None for tap in taps) else found


def blocks(index: Array, shape: tuple[int, ...]) -> IntArray | None:
    """(block rows, block columns, C): the channel that becomes each channel of each pixel of a block; None where the index
    does anything else with a frame (height, width, channels), or takes a channel not just once.
    """
    if index.ndim != 3 or len(shape) != 3 or index.size != int(np.prod(shape)):
        return None
    rows, columns = index.shape[0] // shape[0], index.shape[1] // shape[1]
    if (rows * shape[0], columns * shape[1]) != index.shape[:2] or not 1 < max(rows, columns) <= LARGEST_SCALE:
        return None
    pixel, channel = np.divmod(index, shape[2])
    expected = np.arange(index.shape[0])[:, None] // rows * shape[1] + np.arange(index.shape[1]) // columns
    channels: IntArray = channel[:rows, :columns]
    alike = np.array_equal(channel, np.tile(channels, (shape[0], shape[1], 1)))
    once = np.array_equal(np.sort(channels, axis=None), np.arange(shape[2]))
    return channels if alike and once and bool(np.all(pixel == expected[:, :, None])) else None


def _common(network: Network, sums: str, channels: IntArray) -> Common | None:
    """What brings the sums of the product's channels, (channels,), to one unit for those that become one, and to the zero of the
    first phase; None where nothing does.

    A product has taken common factors out of the weights of each
    channel, so factors are needed even where the model has one scale.
    """
    tap = next((tap for tap in network.taps if tap.value == sums), None)
    if tap is None:
        return Common(np.ones(channels.size, np.int64), np.zeros(channels.size, np.int64))
    scale, shift, offset = (np.broadcast_to(part, (channels.size,)) for part in (tap.scale, tap.shift, tap.offset))
    found = common_unit(scale[channels].reshape(-1, channels.shape[2]))
    if found is None or bool(np.any(found[0] < 1)):
        return None
    first, factors = (np.empty(channels.size, np.int64) for _ in range(2))
    unit = np.empty(channels.size, np.float64)
    first[channels], factors[channels], unit[channels] = channels[0, 0], found[0].reshape(channels.shape), found[1]
    exact = (offset - offset[first]) / unit + factors * shift - factors[first] * shift[first]
    added = np.rint(exact).astype(np.int64)
    room = FLOAT32_NOISE * (np.abs(offset) + np.abs(offset[first])) / unit
    return None if bool(np.any(np.abs(exact - added) > room)) else Common(factors, added)


def _shared(
    graph: Graph, steps: tuple[Node, ...], channels: IntArray, common: Common
) -> tuple[tuple[Array, ...], ...] | None:
    """The constants of each step for the C channels of the result, the first of them behind sums in the common unit."""
    found: list[tuple[Array, ...]] = []
    for step in steps:
        constants = [graph.constants[name] for name in step.inputs[1:]]
        rows = None
        if isinstance(step.op, Threshold):
            rows = _thresholds(constants[0], constants[1], _range(graph, step.inputs[0]), channels, common)
        elif not common.changes:
            rows = _rows(constants[0], channels)
        if rows is None:
            return None
        found.append(rows)
        common = Common(np.ones_like(common.factors), np.zeros_like(common.added))
    return None if common.changes else tuple(found)


def _rows(table: Array, channels: IntArray) -> tuple[Array, ...] | None:
    """The row of each channel of the result, or the one of all; None where those that become one differ."""
    if table.shape[0] == 1:
        return (table,)
    each = table[channels]
    return (read_only(each[0, 0]),) if bool(np.all(each == each[0, 0])) else None


def _thresholds(
    thresholds: Array, descending: Array, reach: Range, channels: IntArray, common: Common
) -> tuple[Array, ...] | None:
    """Thresholds (C, levels) of sums in the common unit that say the same of all that these can be, and which rows descend."""
    known, size = reach.per_channel(channels.size), channels.size
    falls = np.broadcast_to(descending, (size,)).astype(bool)
    if bool(np.any(falls[channels] != falls[channels[0, 0]])):
        return None
    phases = channels.reshape(-1, channels.shape[2])
    levels = np.broadcast_to(thresholds, (size, thresholds.shape[1]))[phases]
    in_phases = Common(common.factors[phases], common.added[phases])
    return shared_thresholds(levels, falls[channels[0, 0]], known.lo[phases], known.hi[phases], in_phases)


def _tap(tap: Tap, found: _SubPixels, value: str) -> Tap | None:
    """A tensor that stands behind the product or a step, as integers in the order of the pixels; None where channels that
    become one stand for different numbers.
    """
    index, channels = found.graph.constants[found.moved.inputs[1]].reshape(-1), found.channels
    place = np.empty(index.size, np.int64)
    place[index] = np.arange(index.size)
    before = np.arange(index.size) if tap.index is None else tap.index
    parts = [np.broadcast_to(part, (channels.size,))[channels] for part in (tap.scale, tap.shift, tap.offset)]
    scale, shift, offset = (part[0, 0] for part in parts)
    if tap.value == found.product.output:
        factors = found.common.factors[channels[0, 0]]
        scale, shift = scale / factors, shift * factors
    elif not all(bool(np.all(part == part[0, 0])) for part in parts):
        return None
    return replace(tap, value=value, index=place[before], scale=scale, shift=shift, offset=offset)


def _rewritten(network: Network, found: _SubPixels) -> Network:
    """Phased windows, matrices in turn and the steps with fewer channels; what nothing reads any more is left out."""
    graph = network.integer
    values, constants = dict(graph.values), dict(graph.constants)
    names, product = {node.name for node in graph.nodes}, found.product
    made: list[Node] = []

    def add(node: Node, value: Value) -> str:
        made.append(node)
        values[node.output] = value
        return node.output

    (rows, columns), stem = found.axes, product.name
    op = PhasedWindow(rows, columns, 1, found.padding)
    known = _range(graph, found.image)
    window = fresh_name(f"{stem}_phases", values)
    node = Node(fresh_name(window, names), op, (found.image,), window, product.origin)
    last = add(node, Value(op.infer_shape(values[found.image].shape), op.infer_range(known)))
    weights = fresh_name(f"{stem}.phases", constants)
    kernel, phases = found.kernel, found.channels.reshape(-1, found.channels.shape[2])
    constants[weights] = read_only(np.concatenate([kernel[:, channels].T for channels in phases], axis=1))
    cycle = MatrixCycle(((kernel.shape[0],) * columns.phases,) * rows.phases, columns.outputs, rows.outputs)
    sums = CyclicProduct(cycle, found.shape)
    ends = [step.output for step in found.steps]
    renamed = dict(zip((product.output, *ends), (*ends, found.moved.output), strict=True))
    shifted = bool(np.any(found.common.added))
    output = fresh_name(f"{stem}_sums", values) if shifted else renamed[product.output]
    node = replace(product, op=sums, inputs=(window, weights), output=output)
    last = add(node, Value(found.shape, sums.infer_range(_range(replace(graph, values=values), window), constants[weights])))
    if shifted:
        border, factors, added = _phase_constants(found)
        parts = [fresh_name(f"{stem}.{part}", constants) for part in ("ones", "added")]
        constants |= dict(zip(parts, (factors, added), strict=True))
        node = Node(fresh_name(output, names), border, (last, *parts), renamed[product.output], product.origin)
        known = border.infer_range(_range(replace(graph, values=values), last), factors, added)
        last = add(node, Value(found.shape, known))
    for step, arrays in zip(found.steps, found.constants, strict=True):
        parts = [fresh_name(f"{step.name}.pixels_{k}", constants) for k in range(len(arrays))]
        constants |= dict(zip(parts, arrays, strict=True))
        known = _range(replace(graph, values=values), last)
        assert isinstance(step.op, (Lookup, Threshold))
        known = step.op.infer_range(known, *arrays)
        last = add(replace(step, inputs=(last, *parts), output=renamed[step.output]), Value(found.shape, known))
    gone = {product.name, found.moved.name, *(step.name for step in found.steps)}
    nodes = [n for node in graph.nodes for n in (made if node.name == product.name else [node] if node.name not in gone else [])]
    taps = [_tap(tap, found, renamed[tap.value]) if tap.value in renamed else tap for tap in network.taps]
    integer = replace(graph, nodes=tuple(nodes), values=values, constants=constants).pruned()
    return replace(network, integer=integer, taps=tuple(tap for tap in taps if tap is not None))


def _phase_constants(found: _SubPixels) -> tuple[BorderAffine, IntArray, IntArray]:
    """What is added to the sums of each phase, and the factors, which are 1."""
    (rows, columns, depth), (height, width, _) = found.channels.shape, found.shape
    op = BorderAffine(tuple(y % rows for y in range(height)), tuple(x % columns for x in range(width)))
    added = found.common.added[found.channels].reshape(rows * columns, depth)
    return op, read_only(np.ones(rows * columns, np.int64)), read_only(added)
