"""What can be read from a design without running it: multiplications, line buffers, the bound of its latency."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from qcompile.flow.prepare import Prepared
from qcompile.ir.dataflow import Dataflow, LineBuffering, Multiplying
from qcompile.ir.graph import Graph, element_count
from qcompile.kernels import MatrixVectorUnit, ParallelWindow, PhasedWindow, SlidingWindow
from qcompile.ops import Convolution, MatMul, TransposedConvolution
from qcompile.ops.windows import Windows


@dataclass(frozen=True, slots=True)
class DesignFigures:
    """Cycles of the model; multiplications of a frame and multiplier lanes; bits of all line buffers.

    `latency_bound` is the sum of the pipeline fills on the longest way from an input to an output, at the rate of one frame
    an interval: in front of a window (kernel - 1) rows and kernel pixels, in front of a dense layer a whole vector.
    """

    interval: int
    latency: int
    latency_bound: int
    performed: int
    useful: int
    lanes: int
    buffer_bits: int
    least_buffer_bits: int


def design_figures(prepared: Prepared) -> DesignFigures:
    """Figures of a prepared design."""
    dataflow = prepared.dataflow
    kernels = [instance.kernel for instance in dataflow.instances]
    products = [(kernel.multiplications(), kernel.interval()) for kernel in kernels if isinstance(kernel, Multiplying)]
    windows = [kernel for kernel in kernels if isinstance(kernel, LineBuffering)]
    return DesignFigures(
        interval=dataflow.interval(),
        latency=prepared.timing.first_output,
        latency_bound=round(fills(dataflow) * dataflow.interval()),
        performed=sum(count for count, _ in products),
        useful=useful_multiplications(prepared.understood.graph),
        lanes=sum(count // cycles for count, cycles in products),
        buffer_bits=sum(window.buffer_bits for window in windows),
        least_buffer_bits=sum(window.least_buffer_bits for window in windows),
    )


def useful_multiplications(graph: Graph) -> int:
    """Products of a frame by the definition of the model's operators, padding counted as pixels, inserted zeros not."""
    shapes = {name: value.shape for name, value in graph.values.items()}
    shapes |= {name: array.shape for name, array in graph.constants.items()}
    total = 0
    for node in graph.nodes:
        weights = shapes[node.inputs[1]] if len(node.inputs) > 1 else ()
        if isinstance(node.op, (Convolution, MatMul)):
            total += element_count(shapes[node.output]) * node.op.terms(*(shapes[name] for name in node.inputs))
        elif isinstance(node.op, TransposedConvolution):
            pairs = prod(_pairs(node.op.windows, axis, size) for axis, size in enumerate(shapes[node.output][2:]))
            total += pairs * weights[0] * weights[1]
    return total


def _pairs(windows: Windows, axis: int, size: int) -> int:
    """Taps that meet a pixel and not a zero between pixels, over all elements of the result along an axis."""
    place = np.arange(size)[:, None] + windows.before[axis] - np.arange(windows.kernel[axis]) * windows.dilation[axis]
    return int(np.count_nonzero(place % windows.stride[axis] == 0))


def fills(dataflow: Dataflow) -> float:
    """Frames that have to come in before the first output, along the longest way."""
    driver: dict[str | None, list[str | None]] = {}
    for channel in dataflow.channels:
        driver.setdefault(channel.sink.instance, []).append(channel.source.instance)
    behind: dict[str | None, float] = {None: 0.0}
    whole: dict[str | None, bool] = {None: False}
    for instance in dataflow.instances:
        kernel, sources = instance.kernel, driver[instance.name]
        # The vector of a dense layer is complete when a window in front of it is.
        complete, own = any(whole[source] for source in sources), 0.0
        if isinstance(kernel, (SlidingWindow, ParallelWindow, PhasedWindow)):
            complete, own = True, _window_fill(kernel)
        elif isinstance(kernel, MatrixVectorUnit):
            complete, own = False, float(kernel.vectors == 1 and not complete)
        behind[instance.name] = max(behind[source] for source in sources) + own
        whole[instance.name] = complete
    return max(behind[source] for source in driver[None])


def _window_fill(kernel: SlidingWindow | ParallelWindow | PhasedWindow) -> float:
    """The part of an image up to the last pixel of its first window."""
    if isinstance(kernel, PhasedWindow):
        first = [axis.pixels()[0].max() for axis in (kernel.rows, kernel.columns)]
        columns, pixels = kernel.columns.size, kernel.rows.size * kernel.columns.size
    else:
        geometry = kernel.geometry
        first = [axis.taps()[0].max() for axis in (geometry.rows, geometry.columns)]
        columns, pixels = geometry.columns.size, geometry.pixels
    return max(1, int(first[0]) * columns + int(first[1]) + 1) / pixels
