"""Shortening the time to the first output."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from qcompile.dataflow.buffers import insert_fifos
from qcompile.dataflow.first_output import FirstOutput
from qcompile.dataflow.join import join
from qcompile.dataflow.timing import settled
from qcompile.folding.cost import Budget, total_resources
from qcompile.folding.latency import Latency, search_soon, shorten
from qcompile.folding.search import search
from qcompile.ir.dataflow import Dataflow
from qcompile.ir.errors import CompilerError
from qcompile.kernels import MatrixVectorUnit
from qcompile.targets import Target, load

from ..support.dataflows import chain, dense

PYNQ = load("pynq-z2")
INTERVAL = 512


def layers(*sizes: int) -> Dataflow:
    """Dense layers one behind another, the sums of each being what the next one takes."""
    made: list[MatrixVectorUnit] = []
    for columns, rows in itertools.pairwise(sizes):
        element = {"element": made[-1].accumulator} if made else {}
        made.append(dense(rows, columns, seed=len(made), **element))
    return chain(made)


def small(share: float) -> Target:
    return replace(PYNQ, budget=replace(PYNQ.budget, lut=share, ff=share, bram=share, dsp=share))


def whole(folded: Dataflow) -> Dataflow:
    return insert_fifos(join(folded))


def measured(folded: Dataflow) -> int:
    return FirstOutput()(join(folded))


def orders(folded: Dataflow) -> Sequence[str]:
    return [str(instance.kernel.attributes()["stationary"]) for instance in folded.instances]


def cost(folded: Dataflow) -> float:
    return Budget.of(PYNQ).share(total_resources(join(folded), PYNQ))


@pytest.fixture(scope="module")
def cheapest() -> Dataflow:
    return search(layers(64, 64, 64, 64), PYNQ, INTERVAL, whole=whole)


def test_the_quick_measure_is_that_of_the_whole_timing(cheapest: Dataflow) -> None:
    """Also where it remembers what it saw of other designs: kernels changed one by one, and back again."""
    measure = FirstOutput()
    names = [i.name for i in cheapest.instances]
    for name in (*names, *reversed(names)):
        for simd in (2, 4, 8):
            changed = tuple(
                replace(i, kernel=i.kernel.with_attribute("SIMD", simd)) if i.name == name else i
                for i in cheapest.instances
            )
            for design in (cheapest, replace(cheapest, instances=changed)):
                assert measure(join(design)) == settled(join(design)).first_output
        assert measure(whole(cheapest)) == settled(whole(cheapest)).first_output


def test_little_is_remembered_where_there_is_much(cheapest: Dataflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qcompile.dataflow.first_output.ROOM", 100)
    measure = FirstOutput()
    for _ in range(2):
        assert measure(join(cheapest)) == measured(cheapest)
        assert sum(known.size for known in measure.known.values()) == measure.size <= 100


@pytest.mark.parametrize("share", [0.95, 0.8, 0.6])
def test_a_bound_is_kept_at_the_same_speed(cheapest: Dataflow, share: float) -> None:
    most = int(measured(whole(cheapest)) * share)
    found = shorten(cheapest, PYNQ, INTERVAL, Latency(most, measured), whole=whole)
    timing = settled(whole(found))
    assert timing.first_output <= most
    assert timing.interval <= INTERVAL
    assert "input" in orders(found)


def test_a_looser_bound_costs_no_more(cheapest: Dataflow) -> None:
    first = measured(whole(cheapest))
    found = [shorten(cheapest, PYNQ, INTERVAL, Latency(int(first * s), measured), whole=whole) for s in (1.0, 0.7, 0.4)]
    assert found[0] is cheapest
    assert [cost(d) for d in found] == sorted(cost(d) for d in found)


def test_the_order_changes_where_that_helps_most() -> None:
    """With all other attributes kept: the first layer gets its vector at once and gains nothing, one of the next two does."""
    folded = layers(16, 16, 16, 16, 16)
    folded = replace(
        folded,
        instances=tuple(
            replace(i, kernel=i.kernel.with_attribute("PE", 2).with_attribute("SIMD", 2)) for i in folded.instances
        ),
    )
    fixed = {i.name: ("PE", "SIMD") for i in folded.instances}
    found = shorten(folded, PYNQ, 64, Latency(None, measured), fixed)
    assert orders(found)[0] == "output"
    assert orders(found).count("input") == 1
    assert all(i.kernel.attributes()["PE"] == i.kernel.attributes()["SIMD"] == 2 for i in found.instances)
    by_hand = [
        replace(folded, instances=tuple(
            replace(i, kernel=i.kernel.with_attribute("stationary", "input" if choice >> k & 1 else "output"))
            for k, i in enumerate(folded.instances)
        ))
        for choice in range(16)
    ]  # fmt: skip
    assert measured(found) == min(map(measured, by_hand))


def test_what_the_user_fixed_stays(cheapest: Dataflow) -> None:
    fixed = {i.name: ("stationary", "PE", "SIMD") for i in cheapest.instances}
    found = shorten(cheapest, PYNQ, INTERVAL, Latency(None, measured), fixed, whole)
    assert found is cheapest


def test_as_low_as_fits() -> None:
    """The lowest on a small part of a board needs no more than that, and more of the board gives less."""
    found = []
    for share in (0.007, 0.02):
        target = small(share)
        started = search(layers(32, 32, 32), target, INTERVAL, whole=whole)
        lowest = shorten(started, target, INTERVAL, Latency(None, measured), whole=whole)
        assert not Budget.of(target).exceeded(total_resources(whole(lowest), target))
        found.append(measured(whole(lowest)))
        assert found[-1] <= measured(whole(started))
    assert found[1] < found[0]


def test_a_bound_that_cannot_be_reached() -> None:
    started = search(layers(8, 8, 8), PYNQ, 64, whole=whole)
    with pytest.raises(CompilerError, match="a first output within 3 cycles cannot be reached") as caught:
        shorten(started, PYNQ, 64, Latency(3, measured), whole=whole)
    assert "the soonest that was found comes after" in caught.value.why
    assert "--latency" in caught.value.hint


def test_where_no_kernel_by_itself_holds_the_others_up() -> None:
    """A bound below the interval asked for: found from the design of a smaller one, at the speed that was asked for or better."""
    dataflow = layers(64, 64, 64, 64)
    found = search_soon(dataflow, PYNQ, INTERVAL, Latency(100, measured), whole=whole)
    assert settled(whole(found)).first_output <= 100
    assert not Budget.of(PYNQ).exceeded(total_resources(whole(found), PYNQ))
    lowest = search_soon(dataflow, PYNQ, INTERVAL, Latency(None, measured), whole=whole)
    assert measured(whole(lowest)) <= measured(whole(found))
    with pytest.raises(CompilerError, match="a first output within 5 cycles cannot be reached"):
        search_soon(layers(8, 8, 8), PYNQ, 64, Latency(5, measured), whole=whole)


def test_integers_are_those_of_the_other_order() -> None:
    unit = dense(12, 20).with_attribute("stationary", "input")
    frames = np.random.default_rng(0).integers(0, 4, (5, 20))
    assert np.array_equal(unit.evaluate(frames)[0], dense(12, 20).evaluate(frames)[0])
