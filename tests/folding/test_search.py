"""The folding search against all foldings there are, on dataflows small enough for that."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.dataflow.buffers import insert_fifos
from qcompile.dataflow.join import join
from qcompile.folding.cost import Budget, Candidate, rated, total_resources
from qcompile.folding.joints import Joints
from qcompile.folding.search import WIDEST_EDGE_BITS, search
from qcompile.ir.dataflow import Channel, Dataflow, Instance, Kernel, Port, Stream
from qcompile.ir.errors import CompilerError
from qcompile.ir.types import IntType, read_only
from qcompile.kernels import ArgMaxUnit, MatrixVectorUnit, StreamAdd, WidthConverter
from qcompile.targets import Target, load

from ..support.dataflows import chain, classifier, dense, thresholds

PYNQ = load("pynq-z2")


def scaled(target: Target, share: float) -> Target:
    """The target with a budget of so much of it."""
    return replace(target, budget=replace(target.budget, lut=share, ff=share, bram=share, dsp=share))


def cost(kernels: tuple[Kernel, ...], target: Target) -> float:
    """What the search minimises: shares of the budget, kernels and the converters between neighbours."""
    budget = Budget.of(target)
    total = sum(budget.share(k.resources(target.lut_inputs, target.block_ram_bits)) for k in kernels)
    for before, after in itertools.pairwise(kernels):
        if before.outputs[0].lanes != after.inputs[0].lanes:
            converter = WidthConverter(before.outputs[0], after.inputs[0].lanes)
            total += budget.share(converter.resources(target.lut_inputs, target.block_ram_bits))
    return total


def foldings(dataflow: Dataflow) -> Iterator[tuple[Kernel, ...]]:
    return itertools.product(*(list(i.kernel.foldings()) for i in dataflow.instances))


def kernels(dataflow: Dataflow) -> tuple[Kernel, ...]:
    return tuple(i.kernel for i in dataflow.instances)


def whole(folded: Dataflow) -> Dataflow:
    return insert_fifos(join(folded))


@st.composite
def networks(draw: st.DrawFn) -> Dataflow:
    """Chains of up to three kernels with few foldings."""
    sizes = draw(st.lists(st.sampled_from([2, 3, 4, 6]), min_size=2, max_size=3))
    made: list[Kernel] = []
    for k, (columns, rows) in enumerate(itertools.pairwise(sizes)):
        made.append(dense(rows, columns, seed=k))
        if k == 0 and draw(st.booleans()):
            made.append(thresholds(made[0].outputs[0].element, rows))
    if draw(st.booleans()):
        made.append(ArgMaxUnit(sizes[-1], made[-1].outputs[0].element))
    return chain(made)


@settings(max_examples=25, deadline=None)
@given(networks(), st.integers(1, 36))
def test_the_cheapest_of_all_that_meet_the_interval(dataflow: Dataflow, interval: int) -> None:
    meeting = [c for c in foldings(dataflow) if max(k.interval() for k in c) <= interval]
    if not meeting:
        with pytest.raises(CompilerError, match="cannot be reached"):
            search(dataflow, PYNQ, interval)
        return
    found = kernels(search(dataflow, PYNQ, interval))
    assert max(k.interval() for k in found) <= interval
    assert cost(found, PYNQ) == pytest.approx(min(cost(c, PYNQ) for c in meeting))


@settings(max_examples=15, deadline=None)
@given(networks(), st.sampled_from([0.001, 0.002, 0.004, 0.5]))
def test_the_fastest_that_fits(dataflow: Dataflow, share: float) -> None:
    """No folding that is cheapest at some faster interval fits."""
    target = scaled(PYNQ, share)
    budget = Budget.of(target)
    intervals = sorted({k.interval() for i in dataflow.instances for k in i.kernel.foldings()})
    reachable = [n for n in intervals if all(min(k.interval() for k in i.kernel.foldings()) <= n for i in dataflow.instances)]
    fitting = []
    for n in reachable:
        best = min(
            (c for c in foldings(dataflow) if max(k.interval() for k in c) <= n), key=lambda c: cost(c, target)
        )
        built = replace(
            dataflow, instances=tuple(replace(i, kernel=k) for i, k in zip(dataflow.instances, best, strict=True))
        )
        if not budget.exceeded(total_resources(whole(built), target)):
            fitting.append(n)
    if not fitting:
        with pytest.raises(CompilerError, match="does not fit pynq-z2"):
            search(dataflow, target, whole=whole)
        return
    found = search(dataflow, target, whole=whole)
    assert not budget.exceeded(total_resources(whole(found), target))
    assert max(k.interval() for k in kernels(found)) <= min(fitting)


def residual(width: int, middle: int, skips: bool) -> Dataflow:
    """Thresholds whose output goes into two dense layers and, `skips`, past them (else through one more) to a sum."""
    narrow, first = thresholds(IntType(4, True), width), dense(middle, width)
    inner, second = thresholds(first.accumulator, middle), dense(width, middle, seed=1)
    other = dense(width, width, seed=2)
    shortcut = narrow.outputs[0].element if skips else other.accumulator
    reach = 2 * max(-second.accumulator.lo, -shortcut.lo, shortcut.hi)
    total = StreamAdd((second.accumulator, shortcut), (1, 1), IntType.of_range(-reach, reach), width)
    made: dict[str, Kernel] = {"narrow": narrow, "first": first, "inner": inner, "second": second}
    made |= {} if skips else {"other": other}
    made["sum"] = total
    wires = [("narrow", "first", 0), ("first", "inner", 0), ("inner", "second", 0), ("second", "sum", 0)]
    wires += [("narrow", "sum", 1)] if skips else [("narrow", "other", 0), ("other", "sum", 1)]
    ends = tuple(Stream(s.element, 1, s.elements) for s in (narrow.inputs[0], total.outputs[0]))
    channels = [Channel(Port(None), Port("narrow"), ends[0]), Channel(Port("sum"), Port(None), total.outputs[0])]
    channels += [Channel(Port(a), Port(b, port), made[a].outputs[0]) for a, b, port in wires]
    instances = tuple(Instance(name, kernel) for name, kernel in made.items())
    return Dataflow("residual", instances, tuple(channels), ends[:1], ends[1:], ("x",), ("y",))


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([2, 4]), st.booleans(), st.integers(2, 16))
def test_where_streams_fork_and_join(width: int, skips: bool, interval: int) -> None:
    """Never below the stated bound, and at most the converters between chains above the least of all foldings."""
    dataflow, budget = residual(width, 2, skips), Budget.of(PYNQ)
    options = {
        i.name: [rated(k, PYNQ, budget) for k in i.kernel.foldings() if k.interval() <= interval] for i in dataflow.instances
    }
    if not all(options.values()):
        with pytest.raises(CompilerError, match="cannot be reached"):
            search(dataflow, PYNQ, interval)
        return
    joints = Joints.of(dataflow, options, PYNQ, budget)
    found = {i.name: rated(i.kernel, PYNQ, budget) for i in search(dataflow, PYNQ, interval).instances}
    # Of each kernel the cheapest candidate for its widths is enough.
    narrowed = [cheapest_of_widths(options[i.name]) for i in dataflow.instances]
    least = min(joints.cost(dict(zip(options, choice, strict=True))) for choice in itertools.product(*narrowed))
    assert joints.bound() <= least * (1 + 1e-9)
    assert joints.cost(found) <= least * 1.02


def cheapest_of_widths(options: list[Candidate]) -> list[Candidate]:
    best: dict[tuple[int, ...], Candidate] = {}
    for option in sorted(options, key=lambda o: -o.cost):
        best[tuple(s.lanes for s in (*option.kernel.inputs, *option.kernel.outputs))] = option
    return list(best.values())


def test_what_stands_between_the_kernels_must_fit_too() -> None:
    """A budget that the kernels alone would keep at a faster interval."""
    dataflow = classifier()
    target = scaled(PYNQ, 0.01)
    budget = Budget.of(target)
    alone = search(dataflow, target)
    assert not budget.exceeded(total_resources(alone, target))
    together = search(dataflow, target, whole=whole)
    assert not budget.exceeded(total_resources(whole(together), target))
    assert together.interval() >= alone.interval()


def test_fixed_attributes_stay() -> None:
    dataflow = classifier()
    layer = dataflow.instance("k0").kernel.with_attribute("PE", 2).with_attribute("ram_style", "block")
    dataflow = replace(
        dataflow, instances=(replace(dataflow.instances[0], kernel=layer), *dataflow.instances[1:])
    )
    found = search(dataflow, PYNQ, fixed={"k0": ("PE", "ram_style")}).instance("k0").kernel
    wanted = {"PE": 2, "SIMD": 0, "ram_style": "block", "resType": "auto", "stationary": "output"}
    assert found.attributes() | {"SIMD": 0} == wanted
    assert found.interval() == 4
    with pytest.raises(CompilerError, match="3 cycles a frame cannot be reached") as caught:
        search(dataflow, PYNQ, 3, {"k0": ("PE",)})
    assert caught.value.where == "instance k0"
    assert caught.value.why == "it takes 4 cycles at the fastest folding it can have"
    assert "leave its PE and SIMD open" in caught.value.hint


def test_an_unreachable_interval_names_the_slowest() -> None:
    with pytest.raises(CompilerError, match="0 cycles a frame cannot be reached"):
        search(classifier(), PYNQ, 0)


def test_a_target_that_is_too_small() -> None:
    with pytest.raises(CompilerError) as caught:
        search(classifier(784, 512, 256), load("icebreaker"), whole=whole)
    assert caught.value.what == "the network does not fit icebreaker"
    assert "the smallest design needs" in caught.value.why
    assert "block RAMs of" in caught.value.why or "LUTs of" in caught.value.why
    with pytest.raises(CompilerError, match="the design that was asked for needs"):
        search(classifier(784, 512, 256), PYNQ, 8, whole=whole)


def wide_input() -> Dataflow:
    """A layer whose input would be wider than what a DMA engine moves a cycle."""
    element = IntType(8, False)
    weights = read_only(np.ones((4, 256), np.int64))
    unit = MatrixVectorUnit(weights, read_only(np.zeros(4)), element, IntType(16, False))
    return chain([unit])


def test_streams_at_the_edge_stay_as_narrow_as_a_dma_engine() -> None:
    found = search(wide_input(), PYNQ)
    assert found.instances[0].kernel.inputs[0].bits == WIDEST_EDGE_BITS


def test_a_wider_stream_that_the_user_wants_leaves_the_rest_open() -> None:
    """The edge limits the search's own choice only, and does not narrow what else can be folded."""
    dataflow = wide_input()
    unit = dataflow.instances[0].kernel.with_attribute("SIMD", 256)
    dataflow = replace(dataflow, instances=(replace(dataflow.instances[0], kernel=unit),))
    found = search(dataflow, PYNQ, fixed={"k0": ("SIMD",)}).instances[0].kernel
    assert found.attributes()["SIMD"] == 256
    assert found.attributes()["PE"] == 4


def test_a_design_without_kernels_is_left_alone() -> None:
    wire = replace(classifier(), instances=(), channels=())
    assert search(wire, PYNQ).instances == ()
