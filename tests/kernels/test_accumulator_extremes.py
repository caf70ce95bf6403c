"""The certificate of a layer against the RTL: both ends of every channel are reached, and a bit less does not hold them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qcompile.dataflow.implementations import IMPLEMENTATIONS
from qcompile.ir.graph import Graph, Node, Value
from qcompile.ir.types import IntArray, IntType, Range, read_only
from qcompile.kernels.matrix_vector_unit import MatrixVectorUnit
from qcompile.kernels.vector_vector_unit import VectorVectorUnit
from qcompile.ops import ChannelProduct, MatMul
from qcompile.transforms.accumulators import Accumulator, accumulators

from .bench import simulate
from .judge import Run
from .stimulus import PHASES, Case

BACK_TO_BACK = PHASES[:1]
Unit = MatrixVectorUnit | VectorVectorUnit


def layer(weights: IntArray, x: IntType, op: MatMul | ChannelProduct) -> tuple[Graph, Node]:
    """An integer graph of nothing but a product."""
    codes, constant = Range.of(x.lo, x.hi), read_only(weights)
    elements, outputs = (weights.size if isinstance(op, ChannelProduct) else len(weights)), weights.shape[1]
    values = {"x": Value((elements,), codes), "y": Value((outputs,), op.infer_range(codes, constant))}
    node = Node("layer", op, ("x", "w"), "y")
    return Graph("net", (node,), ("x",), ("y",), values, {"w": constant}), node


def extremes(weights: IntArray, x: IntType, depthwise: bool) -> IntArray:
    """(2 * channels, elements): for each channel the input of its greatest sum, then that of its least, by the weights' signs.
    """
    frames = []
    for column in range(weights.shape[1]):
        for sign in (1, -1):
            rising = sign * weights[:, column] > 0
            if depthwise:
                window = np.full(weights.shape, x.lo)
                window[:, column] = np.where(rising, x.hi, x.lo)
                frames.append(window.ravel())
            else:
                frames.append(np.where(rising, x.hi, x.lo))
    return np.stack(frames)


def certified(weights: IntArray, x: IntType, depthwise: bool = False, **folding: int | str) -> tuple[Accumulator, Unit, Case]:
    """The certificate, the unit that the compiler makes of the layer, and the unit with the inputs of all ends."""
    graph, node = layer(weights, x, ChannelProduct() if depthwise else MatMul())
    (found,) = accumulators(graph)
    unit = IMPLEMENTATIONS[type(node.op)](graph, node)
    for name, value in folding.items():
        unit = unit.with_attribute(name, value)
    assert isinstance(unit, (MatrixVectorUnit, VectorVectorUnit))
    ends = extremes(weights, x, depthwise)
    return found, unit, Case(unit, lambda _, count: (np.resize(ends, (count, ends.shape[1])),))


def random(shape: tuple[int, int], lo: int, hi: int) -> IntArray:
    weights: IntArray = np.random.default_rng([*shape, hi]).integers(lo, hi, shape, endpoint=True)
    return weights


U2, U4, S8 = IntType(2, False), IntType(4, False), IntType(8, True)
UNITS = {
    "folded": certified(random((12, 4), -8, 7), U4, PE=2, SIMD=3),
    "unfolded": certified(random((12, 4), -8, 7), U4, PE=4, SIMD=12),
    "signed, DSP": certified(random((8, 3), -128, 127), S8, PE=1, SIMD=4, resType="dsp"),
    "planes": certified(random((24, 3), -2, 1), U2, PE=3, SIMD=24),
    "bipolar": certified(random((24, 3), 0, 1) * 2 - 1, U4, PE=1, SIMD=8),
    "of one sign": certified(random((6, 3), 0, 7), U4, PE=1, SIMD=2),
    "depthwise": certified(random((9, 4), -8, 7), U4, depthwise=True, PE=2),
    "depthwise, signed": certified(random((9, 3), -128, 127), S8, depthwise=True, PE=3),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Run, Run]]:
    """Each unit as it is, and with an accumulator of one bit less, in one simulation."""
    cases = []
    for _, unit, case in UNITS.values():
        held = unit.accumulator
        narrow = replace(unit, accumulator=IntType(held.bits - 1, held.signed))
        cases += [case, replace(case, kernel=narrow)]
    frames = 2 * max(found.lo.size for found, _, _ in UNITS.values())
    made = simulate(cases, tmp_path_factory.mktemp("extremes"), BACK_TO_BACK, frames)
    return {name: (made[2 * k][0], made[2 * k + 1][0]) for k, name in enumerate(UNITS)}


@pytest.mark.parametrize("name", UNITS)
def test_both_ends_come_out_of_the_rtl(name: str, runs: dict[str, tuple[Run, Run]]) -> None:
    found, run = UNITS[name][0], runs[name][0]
    assert list(run.faults()) == []
    sums = run.outputs[0].elements().reshape(run.frames, -1)
    for channel in range(found.lo.size):
        assert sums[2 * channel, channel] == found.hi[channel]
        assert sums[2 * channel + 1, channel] == found.lo[channel]


@pytest.mark.parametrize("name", UNITS)
def test_an_accumulator_of_one_bit_less_is_found_out(name: str, runs: dict[str, tuple[Run, Run]]) -> None:
    faults = list(runs[name][1].faults())
    assert len(faults) == 1
    assert faults[0].startswith("output 0 gave ")
