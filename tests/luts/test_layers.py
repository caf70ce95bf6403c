"""Layers as netlists: exact on all that can occur, and no larger than that needs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.ir.types import IntArray, IntType
from qcompile.luts.minimise import build
from qcompile.luts.netlist import LayerNetlist, from_bits, logicnets_luts, to_bits
from qcompile.luts.proof import neuron_fault, prove_layers
from qcompile.luts.tables import Layer, enumerate_layers

from ..support.lut_layers import chain, evaluate

UINT2, UINT4 = IntType(2, False), IntType(4, False)


def through(netlists: tuple[LayerNetlist, ...], x: IntArray) -> IntArray:
    bits = to_bits(x, netlists[0].input)
    for netlist in netlists:
        bits = netlist.evaluate(bits)
    return from_bits(bits, netlists[-1].output)


@given(st.integers(0, 2**32 - 1), st.booleans(), st.integers(1, 4), st.sampled_from([4, 6]))
@settings(max_examples=40, deadline=None)
def test_every_reachable_vector(seed: int, signed: bool, fan_in: int, lut_size: int) -> None:
    """Four inputs of two bits: all 256 vectors, in ranges narrower than their type for some."""
    rng = np.random.default_rng(seed)
    types = [IntType(int(b), signed) for b in (2, *rng.integers(1 + signed, 4, 3))]
    layers = chain(rng, (4, 5, 4, 3), fan_in, types)
    lo = rng.integers(types[0].lo, types[0].hi + 1, 4)
    hi = rng.integers(lo, types[0].hi + 1)
    grids = np.meshgrid(*(np.arange(a, b + 1) for a, b in zip(lo, hi, strict=True)), indexing="ij")
    x = np.stack([grid.ravel() for grid in grids], axis=1)
    netlists = build(layers, lo, hi, lut_size)
    assert np.array_equal(through(netlists, x), evaluate(layers, x))
    proof = prove_layers(layers, netlists, lo, hi)
    assert (proof.tables, proof.fault) == (12, "")
    assert max((len(g.inputs) for n in netlists for g in n.gates), default=0) <= fan_in * max(t.bits for t in types)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_nothing_that_occurs_is_taken_for_a_dont_care(seed: int) -> None:
    rng = np.random.default_rng(seed)
    layers = chain(rng, (4, 6, 6, 4), 2, [UINT2] * 4)
    tables, ends = enumerate_layers(layers, np.zeros(4, np.int64), np.full(4, 3))
    x = np.stack([grid.ravel() for grid in np.meshgrid(*[np.arange(4)] * 4, indexing="ij")], axis=1)
    for layer, rows in zip(layers, tables, strict=True):
        for table in rows:
            met = {tuple(row) for row in x[:, list(table.sources)].tolist()}
            stated = [tuple(row) for row in table.patterns.tolist()]
            assert met <= set(stated)
            assert len(set(stated)) == len(stated)
            if layer is not layers[-1]:
                # Cones of at most four inputs of two bits: exactly what occurs.
                assert met == set(stated)
        x = evaluate([layer], x)
    assert all(set(np.unique(x[:, k])) <= set(end.tolist()) for k, end in enumerate(ends))


def copies(name: str, inputs: int, pairs: list[tuple[int, ...]], function: object) -> Layer:
    return Layer(name, (name,), UINT2, inputs, UINT2, tuple(pairs), function)  # type: ignore[arg-type]


def test_joint_patterns_are_used() -> None:
    """Two neurons that give the same number: a neuron that compares them is a constant, and nothing is left of them."""
    first = copies("a", 2, [(0, 1), (0, 1)], lambda _, x: x.min(axis=1))
    second = copies("b", 2, [(0, 1)], lambda _, x: (x[:, 0] == x[:, 1]).astype(np.int64))
    netlists = build([first, second], np.zeros(2, np.int64), np.full(2, 3))
    assert [g.inputs for g in netlists[1].gates] == [(), ()]
    assert netlists[0].gates == ()
    assert not any(netlists[0].live)


def test_equal_neurons_are_built_once_and_unread_bits_not_at_all() -> None:
    first = copies("a", 3, [(0, 1), (0, 1), (2,)], lambda _, x: x.max(axis=1))
    second = copies("b", 3, [(0,), (1, 2)], lambda _, x: x.max(axis=1) >> 1)
    netlists = build([first, second], np.zeros(3, np.int64), np.full(3, 3))
    assert netlists[0].results[1] == netlists[0].results[3]
    assert netlists[0].live == (False, True, False, True, False, True)
    # The high bit of a maximum is an OR, that of the third neuron a wire.
    assert [gate.table for gate in netlists[0].gates] == [0b1110]


def test_a_wrong_gate_is_found() -> None:
    layers = chain(np.random.default_rng(5), (6, 5), 3, [UINT2, UINT2])
    lo, hi = np.zeros(6, np.int64), np.full(6, 3)
    (netlist,) = build(layers, lo, hi)
    tables, _ = enumerate_layers(layers, lo, hi)
    for neuron, table in enumerate(tables[0]):
        assert neuron_fault(netlist, neuron, table) == ""
        wrong = table.values.copy()
        wrong[7] ^= 1
        broken = type(table)(table.sources, table.patterns, wrong)
        assert neuron_fault(netlist, neuron, broken).startswith(f"fc0, neuron {neuron}, bit 0: ")


@pytest.mark.parametrize(("bits", "outputs", "luts"), [(6, 2, 2), (8, 2, 10), (12, 3, 255), (7, 1, 3)])
def test_the_formula_of_logicnets(bits: int, outputs: int, luts: int) -> None:
    assert logicnets_luts(bits, outputs) == luts


@given(st.integers(1, 8), st.booleans(), st.integers(0, 2**32 - 1))
def test_bits_there_and_back(bits: int, signed: bool, seed: int) -> None:
    element = IntType(bits, signed)
    values = np.random.default_rng(seed).integers(element.lo, element.hi, (6, 5), endpoint=True)
    assert np.array_equal(from_bits(to_bits(values, element), element), values)
