"""Functional decomposition: whatever the function, the gates give its value wherever it matters."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.ir.types import Array
from qcompile.luts.decompose import Builder, Function, realise, without_unread
from qcompile.luts.netlist import Gate, table_levels, table_luts


def evaluate(builder: Builder, nets: list[int], inputs: int) -> Array:
    """Bits of some nets for every pattern of the inputs, in the order of a function's axes: (nets, 2, 2, ...)."""
    known = list(np.indices((2,) * inputs).reshape(inputs, -1))
    for gate in builder.gates:
        index = sum(known[net] << k for k, net in enumerate(gate.inputs))
        known.append(gate.values()[index].astype(np.int64) * np.ones(1 << inputs, np.int64))
    return np.stack([known[net] for net in nets]).astype(bool).reshape(len(nets), *(2,) * inputs)


def placed(array: Array, nets: tuple[int, ...], inputs: int) -> Array:
    """A table over some of the inputs as one over all of them."""
    wide = array.reshape(array.shape + (1,) * (inputs - len(nets)))
    return np.moveaxis(np.broadcast_to(wide, (2,) * inputs), range(len(nets)), nets)


def assert_realised(functions: list[Function], inputs: int, lut_size: int) -> Builder:
    builder = Builder(inputs, lut_size)
    nets = realise(builder, functions)
    made = evaluate(builder, nets, inputs)
    for function, value in zip(functions, made, strict=True):
        care, want = (placed(array, function.nets, inputs) for array in (function.care, function.value))
        assert np.array_equal(value & care, want & care)
    plain = sum(table_luts(len(f.nets), lut_size) for f in functions)
    assert builder.cost(0) <= plain
    return builder


@st.composite
def functions(draw: st.DrawFn) -> tuple[list[Function], int]:
    """Thresholds of sums, sums modulo something, or random bits; with or without places that do not matter."""
    inputs, count = draw(st.integers(1, 9)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind, open_share = draw(st.sampled_from(["threshold", "modulo", "random"])), draw(st.sampled_from([0.0, 0.4, 0.95]))
    care = rng.random((2,) * inputs) >= open_share
    sums = np.tensordot(rng.integers(-5, 6, inputs), np.indices((2,) * inputs), 1)
    made = []
    for k in range(count):
        value = {"threshold": sums >= k, "modulo": sums % 5 > k, "random": rng.random((2,) * inputs) > 0.5}[kind]
        made.append(Function(tuple(range(inputs)), care, value))
    return made, inputs


@given(functions(), st.sampled_from([4, 6]))
@settings(max_examples=150, deadline=None)
def test_every_value_that_matters(made: tuple[list[Function], int], lut_size: int) -> None:
    assert_realised(made[0], made[1], lut_size)


def test_a_threshold_of_a_sum_is_taken_apart() -> None:
    sums = np.tensordot([1, 2, -1, 3, 1, -2, 1, 2, 1, -1], np.indices((2,) * 10), 1)
    function = Function(tuple(range(10)), np.ones((2,) * 10, bool), sums >= 2)
    builder = assert_realised([function], 10, 6)
    assert max(len(gate.inputs) for gate in builder.gates) <= 7
    assert builder.cost(0) <= 8 < table_luts(10)


def test_what_a_function_need_not_read_is_dropped() -> None:
    a, b, c = np.indices((2, 2, 2)).astype(bool)
    # b is a copy of a wherever it matters, c is never read.
    left = without_unread(Function((4, 7, 9), a == b, a & b))
    assert len(left.nets) == 1
    assert left.nets[0] in (4, 7)
    builder = Builder(10, 6)
    assert realise(builder, [Function((4, 7, 9), a == b, a & b)])[0] < 10
    assert builder.gates == []
    (net,) = realise(builder, [Function((4, 7, 9), np.ones_like(a), c | ~c)])
    assert builder.gates == [Gate((), 1, 0)]
    assert net == 10


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_equal_tables_are_one_gate_whatever_the_order(order: tuple[int, ...]) -> None:
    grid = np.indices((2, 2, 2)).astype(bool)
    value = grid[0] & (grid[1] | ~grid[2])
    builder = Builder(5, 6)
    first = builder.gate((1, 2, 4), value)
    again = builder.gate(tuple((1, 2, 4)[k] for k in order), value.transpose(order))
    assert first == again
    assert len(builder.gates) == 1


def test_cost_of_tables() -> None:
    # LogicNets: (2 ** (X - 4) - (-1) ** X) / 3 for LUTs of six inputs.
    assert [table_luts(n) for n in range(16)] == [0] + [1] * 6 + [(2 ** (n - 4) - (-1) ** n) // 3 for n in range(7, 16)]
    assert [table_luts(n, 4) for n in range(8)] == [0, 1, 1, 1, 1, 3, 7, 15]
    assert [table_levels(n) for n in (0, 1, 6, 7, 8, 9, 12)] == [0, 1, 1, 2, 2, 3, 4]
