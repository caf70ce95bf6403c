"""Small dataflow graphs of real kernels, unfolded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qcompile.ir.dataflow import Channel, Dataflow, Instance, Kernel, Port, Stream
from qcompile.ir.types import IntType, read_only
from qcompile.kernels import ArgMaxUnit, MatrixVectorUnit, Thresholding

ACTIVATION = IntType(2, False)


def dense(rows: int, columns: int, element: IntType = ACTIVATION, seed: int = 0) -> MatrixVectorUnit:
    """Weights of -1, 0 and 1."""
    weights = np.random.default_rng(seed).integers(-1, 2, (rows, columns))
    weights[0, 0] = -1
    reach = int(np.abs(weights).sum(axis=1).max()) * element.hi
    accumulator = IntType.of_range(-reach, reach)
    return MatrixVectorUnit(read_only(weights), read_only(np.zeros(rows)), element, accumulator)


def thresholds(element: IntType, channels: int) -> Thresholding:
    """Three thresholds a channel: two bits."""
    steps = np.arange(channels)[:, None] % 3 + np.array([-2, 0, 2])
    flags = read_only(np.zeros(channels, bool), bool)
    return Thresholding(read_only(steps), flags, 0, element, ACTIVATION, channels)


def chain(kernels: Sequence[Kernel]) -> Dataflow:
    """One kernel behind the other, named k0, k1..., each from a node called after it."""
    instances = tuple(Instance(f"k{n}", kernel, (f"node{n}",)) for n, kernel in enumerate(kernels))
    first, last = kernels[0].inputs[0], kernels[-1].outputs[0]
    edges = tuple(Stream(s.element, 1, s.elements) for s in (first, last))
    channels = [Channel(Port(None), Port("k0"), edges[0])]
    for n, kernel in enumerate(kernels):
        sink = Port(f"k{n + 1}") if n + 1 < len(kernels) else Port(None)
        channels.append(Channel(Port(f"k{n}"), sink, kernel.outputs[0]))
    return Dataflow("chain", instances, tuple(channels), edges[:1], edges[1:], ("x",), ("y",))


def classifier(inputs: int = 12, hidden: int = 8, classes: int = 6) -> Dataflow:
    """Dense, thresholds, dense, the greatest."""
    first = dense(hidden, inputs)
    second = dense(classes, hidden, seed=1)
    return chain([first, thresholds(first.accumulator, hidden), second, ArgMaxUnit(classes, second.accumulator)])
