"""What can be read from a design without running it: multiplications, line buffers, the bound of its latency."""

from __future__ import annotations

from dataclasses import dataclass

from qcompile.flow.prepare import Prepared
from qcompile.ir.dataflow import Dataflow, Kernel
from qcompile.ir.graph import Graph, element_count
from qcompile.kernels import (
    MatrixVectorUnit,
    ParallelVectorVectorUnit,
    ParallelWindow,
    SlidingWindow,
    VectorVectorUnit,
)
from qcompile.ops import Convolution, MatMul


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
    products = [(multiplications(kernel), kernel.interval()) for kernel in kernels]
    windows = [kernel for kernel in kernels if isinstance(kernel, (SlidingWindow, ParallelWindow))]
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


def multiplications(kernel: Kernel) -> int:
    """Products of a frame; sums of unweighted elements (average pooling) are none."""
    if isinstance(kernel, MatrixVectorUnit):
        return kernel.rows * kernel.columns * kernel.vectors
    if isinstance(kernel, (VectorVectorUnit, ParallelVectorVectorUnit)) and bool((kernel.weights != 1).any()):
        return kernel.positions * kernel.channels * kernel.vectors
    return 0


def useful_multiplications(graph: Graph) -> int:
    """Products of a frame by the definition of the model's operators, padding counted as pixels."""
    shapes = {name: value.shape for name, value in graph.values.items()}
    shapes |= {name: array.shape for name, array in graph.constants.items()}
    return sum(
        element_count(shapes[node.output]) * node.op.terms(*(shapes[name] for name in node.inputs))
        for node in graph.nodes
        if isinstance(node.op, (Convolution, MatMul)) and node.output in graph.values
    )


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
        if isinstance(kernel, (SlidingWindow, ParallelWindow)):
            complete, own = True, _window_fill(kernel)
        elif isinstance(kernel, MatrixVectorUnit):
            complete, own = False, float(kernel.vectors == 1 and not complete)
        behind[instance.name] = max(behind[source] for source in sources) + own
        whole[instance.name] = complete
    return max(behind[source] for source in driver[None])


def _window_fill(kernel: SlidingWindow | ParallelWindow) -> float:
    """The part of an image up to the last pixel of its first window."""
    rows, columns = kernel.geometry.rows, kernel.geometry.columns
    row, column = int(rows.taps()[0].max()), int(columns.taps()[0].max())
    return (row * columns.size + column + 1) / kernel.geometry.pixels
