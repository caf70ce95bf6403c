"""Passes that change what an accumulator holds: outputs and taps keep their meaning, for every integer that can come in."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.ir.graph import Graph, Node, Value
from qcompile.ir.network import Network, Tap
from qcompile.ir.types import Array, IntArray, Range, read_only
from qcompile.ops import MatMul, Reshape, Threshold
from qcompile.transforms.accumulator_form import AbsorbSign, PopcountForm
from qcompile.transforms.passes import PASSES, PassError, run_passes

seeds = st.integers(0, 2**32 - 1)
EMPTY = Graph("host", (), (), (), {})


def network(
    weights: Array,
    thresholds: Array,
    descending: Array,
    codes: Range,
    bias: Array | None = None,
    outputs: tuple[str, ...] = ("y",),
) -> Network:
    """Product and thresholds; the product is tapped."""
    rows, columns = weights.shape
    product, step = MatMul(), Threshold(-1)
    constants = {"w": read_only(weights), "t": read_only(thresholds), "d": read_only(descending)}
    names: tuple[str, ...] = ("x", "w")
    if bias is not None:
        constants["b"] = read_only(bias)
        names = ("x", "w", "b")
    reach = product.infer_range(codes, constants["w"], bias)
    values = {"x": Value((rows,), codes), "a": Value((columns,), reach)}
    values["y"] = Value((columns,), step.infer_range(reach, constants["t"], constants["d"]))
    nodes = (Node("product", product, names, "a"), Node("step", step, ("a", "t", "d"), "y"))
    scale, shift, offset = (np.asarray(part, np.float64) for part in (np.linspace(0.5, 2, columns), 0.5, 3.0))
    tap = Tap("sum", "a", None, scale, shift * np.ones(columns), offset * np.ones(columns))
    return Network(EMPTY, Graph("net", nodes, ("x",), outputs, values, constants), EMPTY, (tap,))


def real(found: Network, values: dict[str, Array]) -> Array:
    tap = found.taps[0]
    return np.asarray(tap.scale * (values[tap.value] + tap.shift) + tap.offset)


def every_input(codes: Range, rows: int) -> IntArray:
    ranges = codes.per_channel(rows)
    return np.asarray(list(itertools.product(*(range(a, b + 1) for a, b in zip(ranges.lo, ranges.hi, strict=True)))))


def random_case(seed: int, bipolar: bool) -> tuple[Network, IntArray]:
    rng = np.random.default_rng(seed)
    rows, columns = (int(n) for n in rng.integers(1, 5, 2))
    low = int(rng.integers(-2, 2))
    codes = Range.of(low, low + int(rng.integers(1, 4)))
    weights = rng.choice([-1, 1], (rows, columns)) if bipolar else rng.integers(-4, 4, (rows, columns))
    shared = rng.random() < 0.3
    thresholds = np.sort(rng.integers(-12, 12, (1 if shared else columns, int(rng.integers(1, 5)))), axis=1)
    descending = rng.integers(0, 2, 1 if shared else columns)
    bias = rng.integers(-5, 5, columns) if rng.random() < 0.4 else None
    return network(weights, thresholds, descending, codes, bias), every_input(codes, rows)


@pytest.mark.parametrize("step", [AbsorbSign(), PopcountForm()])
@settings(max_examples=150, deadline=None, derandomize=True)
@given(seed=seeds, bipolar=st.booleans())
def test_outputs_and_taps_keep_their_meaning(step: AbsorbSign | PopcountForm, seed: int, bipolar: bool) -> None:
    before, x = random_case(seed, bipolar)
    after = step.run(before)
    assert after.integer.check() == ()
    old, new = before.integer.evaluate(x), after.integer.evaluate(x)
    assert np.array_equal(old["y"], new["y"])
    assert np.array_equal(real(before, old), real(after, new))
    for name in ("a", "y"):  # ranges hold, and that of the sum is reached
        known = after.integer.values[name].range
        assert known is not None
        assert np.all((new[name] >= known.lo) & (new[name] <= known.hi))
    reach = after.integer.values["a"].range
    assert reach is not None
    assert np.array_equal(new["a"].min(axis=0), reach.lo)
    assert np.array_equal(new["a"].max(axis=0), reach.hi)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(seed=seeds, bipolar=st.booleans())
def test_the_whole_pipeline_keeps_the_meaning(seed: int, bipolar: bool) -> None:
    before, x = random_case(seed, bipolar)
    seen: list[str] = []
    after = run_passes(before, (x,), lambda name, found: seen.append(name))
    assert seen == [step.name for step in PASSES]
    assert np.array_equal(before.integer.evaluate(x)["y"], after.integer.evaluate(x)["y"])
    bits = [bits_of_sums(found) for found in (before, after)]
    assert bits[1] <= bits[0]


def bits_of_sums(found: Network) -> int:
    reach = found.integer.values["a"].range
    assert reach is not None
    return reach.type.bits


def test_falling_thresholds_become_rising_by_negated_weights() -> None:
    before = network(np.asarray([[3, -2], [-1, 2]]), np.asarray([[-2, 1], [0, 4]]), np.asarray([1, 0]), Range.of(0, 3))
    after = AbsorbSign().run(before)
    assert after.integer.constants["w"].tolist() == [[-3, -2], [1, 2]]
    assert not after.integer.constants["d"].any()
    assert after.taps[0].scale.tolist() == [-0.5, 2.0]


def test_weights_that_would_need_another_bit_are_left_alone() -> None:
    before = network(np.asarray([[-4], [1]]), np.asarray([[-2]]), np.asarray([1]), Range.of(0, 3))
    after = AbsorbSign().run(before)
    assert after.integer.constants["w"].tolist() == [[-4], [1]]
    assert after.integer.constants["d"].tolist() == [1]


def test_popcounts_are_no_wider_than_the_sums() -> None:
    """Where all codes are used they never are; of 2 to 3 in two bits, the sum is -1 to 1, the popcount 2 to 4."""
    weights = np.asarray([[1], [-1]])
    for codes, counted in ((Range.of(0, 3), True), (Range.of(2, 3), False)):
        before = network(weights, np.asarray([[0]]), np.asarray([0]), codes)
        after = PopcountForm().run(before)
        assert (after is not before and len(after.integer.nodes[0].inputs) == 3) == counted


def test_a_sum_that_is_read_twice_is_left_alone() -> None:
    before = network(np.asarray([[1], [-1]]), np.asarray([[-2]]), np.asarray([1]), Range.of(0, 1), outputs=("y", "a"))
    for step in PASSES:
        after = step.run(before)
        assert after.integer.constants["w"].tolist() == [[1], [-1]]
        assert after.taps == before.taps


def test_popcounts_count_what_is_set() -> None:
    """One-bit activations and bipolar weights: the sum becomes the number of equal bits, from 0 to the number of inputs."""
    weights = np.asarray([[1, -1], [-1, -1], [1, 1]])
    before = network(weights, np.asarray([[0], [-1]]), np.asarray([0, 0]), Range.of(0, 1))
    after = PopcountForm().run(before)
    x = every_input(Range.of(0, 1), 3)
    equal = (x[:, :, None] == (weights > 0)).sum(axis=1)
    assert np.array_equal(after.integer.evaluate(x)["a"], equal)


def test_a_pass_that_changes_a_result_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        name = "broken"

        def run(self, found: Network) -> Network:
            constants = {**found.integer.constants, "w": read_only(-found.integer.constants["w"])}
            graph = found.integer
            return Network(
                found.before,
                Graph(graph.name, graph.nodes, graph.inputs, graph.outputs, graph.values, constants),
                found.after,
                found.taps,
            )

    class Shapeless(Broken):
        name = "shapeless"

        def run(self, found: Network) -> Network:
            graph = found.integer
            nodes = (*graph.nodes, Node("extra", Reshape((7,)), ("y",), "z"))
            return Network(
                found.before,
                Graph(graph.name, nodes, graph.inputs, graph.outputs, graph.values, graph.constants),
                found.after,
                found.taps,
            )

    before, x = random_case(3, bipolar=False)
    monkeypatch.setattr("qcompile.transforms.passes.PASSES", (Broken(),))
    with pytest.raises(PassError, match="pass broken changes the result"):
        run_passes(before, (x,))
    monkeypatch.setattr("qcompile.transforms.passes.PASSES", (Shapeless(),))
    with pytest.raises((PassError, ValueError)):
        run_passes(before)


def test_accumulators_that_would_need_another_bit_are_left_alone() -> None:
    """-6 to 4 are four bits, -4 to 6 as well; -8 to 4 are four, -4 to 8 would be five."""
    for rows, negated in (([-3, 2], True), ([-3, -1, 2], False)):
        before = network(np.asarray(rows)[:, None], np.asarray([[-2]]), np.asarray([1]), Range.of(0, 2))
        after = AbsorbSign().run(before)
        assert bits_of_sums(before) == bits_of_sums(after) == 4
        assert bool(after.integer.constants["d"].any()) != negated
