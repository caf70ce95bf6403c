"""FIFO depths: with them every output leaves as with FIFOs without end, whatever the source does nothing gets stuck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from qcompile.dataflow.buffers import FifoSize, fifo_names, insert_fifos, possible_fifo_names
from qcompile.dataflow.join import join
from qcompile.dataflow.timing import SOURCES, offered, settled, simulate
from qcompile.ir.dataflow import Dataflow, Instance, Kernel, Port, Schedule, steps
from qcompile.ir.errors import CompilerError
from qcompile.kernels import Fifo, MatrixVectorUnit, ParallelWindow

from ..support.dataflows import ACTIVATION, chain, dense
from .machine import StuckError, run
from .toys import Toy, joined_graphs, lowered_graphs, stream


def fifos(dataflow: Dataflow) -> list[Instance]:
    return [i for i in dataflow.instances if isinstance(i.kernel, Fifo)]


def frame_ends(dataflow: Dataflow, taken: Mapping[Port, Sequence[int]]) -> list[list[int]]:
    """The cycles in which the frames of each output end."""
    return [list(taken[Port(None, k)][edge.beats - 1 :: edge.beats]) for k, edge in enumerate(dataflow.outputs)]


def keeps_up(dataflow: Dataflow) -> bool:
    """Whether every output beat leaves exactly when it would if every FIFO and register had room without end."""
    frames = settled(dataflow).frames + 2
    timing = simulate(dataflow, frames)
    try:
        _, taken = run(dataflow, frames)
    except StuckError:
        return False
    ends = [Port(None, k) for k in range(len(dataflow.outputs))]
    return all(taken[port] == timing.taken[port].tolist() for port in ends)


@settings(max_examples=80, deadline=None)
@given(joined_graphs())
def test_outputs_leave_as_with_fifos_without_end(dataflow: Dataflow) -> None:
    buffered = insert_fifos(dataflow)
    event(f"{len(fifos(buffered))} FIFOs")
    assert buffered.check() == ()
    assert buffered.interval() == dataflow.interval()
    assert keeps_up(buffered)


@settings(max_examples=60, deadline=None)
@given(joined_graphs(), st.sampled_from(SOURCES))
def test_a_source_that_never_pauses_makes_no_frame_later(dataflow: Dataflow, source: str) -> None:
    """Frames one after another without a gap, against depths for either source: back-pressure costs nothing."""
    buffered = insert_fifos(dataflow, source=source)
    arrivals = offered(buffered, source)
    frames = settled(buffered, arrivals).frames + 4
    planned = frame_ends(buffered, simulate(buffered, frames, arrivals).taken)
    _, taken = run(buffered, frames, lambda port, number, cycle: True)
    for ends, latest in zip(frame_ends(buffered, taken), planned, strict=True):
        assert all(end <= limit for end, limit in zip(ends, latest, strict=True))


@settings(max_examples=60, deadline=None)
@given(joined_graphs(), st.sampled_from([(0.9, 0.0), (0.5, 0.5), (0.95, 0.3), (0.0, 0.9)]), st.integers(0, 99))
def test_no_source_and_no_sink_makes_it_stuck(dataflow: Dataflow, idle: tuple[float, float], seed: int) -> None:
    random = Random(seed)
    source, sink = idle
    buffered = insert_fifos(dataflow)
    run(buffered, 3, lambda *_: random.random() >= source, lambda *_: random.random() >= sink)


def test_an_image_waits_outside() -> None:
    """A slow kernel behind a fast one: what it has no time for yet stays in the source, at no cost of speed."""
    fast = Toy((stream(1),), (stream(1),), Schedule(12, (steps(12),), (steps(12),), 3))
    slow = Toy((stream(1),), (stream(1),), Schedule(120, (steps(12, 10),), (steps(12, 10),), 3))
    joined = join(chain([fast, slow]))
    assert fifos(insert_fifos(joined)) == []
    assert keeps_up(insert_fifos(joined))


@settings(max_examples=40, deadline=None)
@given(joined_graphs())
def test_what_was_used_can_be_given_back(dataflow: Dataflow) -> None:
    buffered = insert_fifos(dataflow)
    sizes = {i.name: FifoSize(i.kernel.depth, "distributed") for i in fifos(buffered)}  # type: ignore[attr-defined]
    again = insert_fifos(dataflow, sizes)
    assert [i.name for i in again.instances] == [i.name for i in buffered.instances]
    assert again.channels == buffered.channels
    for before, after in zip(fifos(buffered), fifos(again), strict=True):
        assert after.kernel == replace(before.kernel, ram_style="distributed")  # type: ignore[type-var]


@settings(max_examples=40, deadline=None)
@given(joined_graphs())
def test_too_small_a_depth_is_refused_with_the_computed_one(dataflow: Dataflow) -> None:
    for fifo in fifos(insert_fifos(dataflow)):
        depth = fifo.kernel.depth  # type: ignore[attr-defined]
        if depth <= 3:
            continue
        with pytest.raises(CompilerError, match=f"{fifo.name}: depth 2 is less than the") as caught:
            insert_fifos(dataflow, {fifo.name: FifoSize(2)})
        assert "leave the depth out" in caught.value.hint
        more = insert_fifos(dataflow, {fifo.name: FifoSize(depth + 5, "block")})
        assert more.instance(fifo.name).kernel == Fifo(fifo.kernel.inputs[0], depth + 5, "block")
        assert keeps_up(more)
        styled = insert_fifos(dataflow, {fifo.name: FifoSize(None, "block")})
        assert styled.instance(fifo.name).kernel == Fifo(fifo.kernel.inputs[0], depth, "block")


@settings(max_examples=10, deadline=None)
@given(joined_graphs())
def test_a_fifo_of_no_channel_is_refused(dataflow: Dataflow) -> None:
    with pytest.raises(CompilerError, match="no such FIFOs"):
        insert_fifos(dataflow, {"nobody_fifo": FifoSize(4)})


@settings(max_examples=20, deadline=None)
@given(joined_graphs())
def test_names_of_fifos_are_unique_and_free(dataflow: Dataflow) -> None:
    names = fifo_names(dataflow)
    assert len(set(names)) == len(names)
    assert not set(names) & {i.name for i in dataflow.instances}
    assert settled(dataflow).frames >= 4


@settings(max_examples=60, deadline=None)
@given(lowered_graphs(most=8))
def test_all_names_are_foreseen_without_knowing_the_folding(lowered: Dataflow) -> None:
    """Kernels of one element a beat everywhere: what a dataflow looks like before it is folded."""
    unfolded = replace(lowered, instances=tuple(replace(i, kernel=narrow(i.kernel)) for i in lowered.instances))
    assert set(fifo_names(join(lowered))) <= set(possible_fifo_names(unfolded))


def narrow(kernel: Kernel) -> Toy:
    """The kernel with one element a beat on every port."""
    ports = (stream(1),) * len(kernel.inputs), (stream(1),) * len(kernel.outputs)
    return Toy(*ports, kernel.schedule())


@pytest.mark.parametrize(("pe", "needed"), [(4, False), (2, True), (1, True)])
def test_a_window_that_would_wait_in_the_chain_gets_a_fifo(pe: int, needed: bool) -> None:
    """A parallel window has no place for a window beside the one that it shows: while that waits, no pixel moves."""
    window = ParallelWindow(6, 6, 1, ACTIVATION, (2, 2))
    product = replace(dense(4, 4), vectors=25, pe=pe, simd=4)
    assert isinstance(product, MatrixVectorUnit)
    buffered = insert_fifos(join(chain([window, product])))
    depths = [i.kernel.depth for i in fifos(buffered) if i.name.startswith("k1") and isinstance(i.kernel, Fifo)]
    assert bool(depths) == needed
    timing = simulate(buffered, settled(buffered).frames)
    source = next(c for c in buffered.channels if c.source == Port("k0"))
    if not needed:
        assert np.array_equal(timing.sent[source.source], timing.taken[source.sink])
