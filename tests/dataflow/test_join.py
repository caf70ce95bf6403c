"""Joining: every contract between ports kept, with forks and width converters and nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.dataflow.join import join
from qcompile.ir.dataflow import Channel, Dataflow, Instance, Port, Schedule, Stream
from qcompile.ir.types import IntType
from qcompile.kernels import StreamFork, WidthConverter

from .toys import ELEMENT, LANES, Toy, lowered_graphs, stream


def passing(lanes_in: int, lanes_out: int) -> Toy:
    """A kernel that takes and gives 12 elements, so many a beat."""
    ins, outs = stream(lanes_in), stream(lanes_out)
    order = np.arange(12)
    return Toy((ins,), (outs,), Schedule(12, (order[: ins.beats],), (order[: outs.beats],), 1))


def chain(*kernels: Toy) -> Dataflow:
    """One kernel behind the other, not joined: the edges state one element a beat."""
    instances = tuple(Instance(f"k{n}", kernel) for n, kernel in enumerate(kernels))
    ports = [Port(None), *(Port(i.name) for i in instances), Port(None)]
    channels = tuple(Channel(a, b, stream(1)) for a, b in pairwise(ports))
    return Dataflow("chain", instances, channels, (stream(1),), (stream(1),), ("x",), ("y",))


@settings(max_examples=100, deadline=None)
@given(lowered_graphs(most=8))
def test_every_contract_holds(lowered: Dataflow) -> None:
    joined = join(lowered)
    assert joined.check() == ()
    assert len({i.name for i in joined.instances}) == len(joined.instances)
    seen: set[str | None] = {None}
    for instance in joined.instances:
        assert {c.source.instance for c in joined.channels if c.sink.instance == instance.name} <= seen
        seen.add(instance.name)
    by_name = {i.name: i for i in joined.instances}
    assert [by_name[i.name] for i in lowered.instances] == list(lowered.instances)


@settings(max_examples=100, deadline=None)
@given(lowered_graphs(most=8))
def test_nothing_is_added_that_is_not_needed(lowered: Dataflow) -> None:
    joined = join(lowered)
    kernels = {i.name: i.kernel for i in lowered.instances}
    added = [i.kernel for i in joined.instances if i.name not in kernels]
    sinks = Counter(c.source for c in lowered.channels)
    assert sorted(k.copies for k in added if isinstance(k, StreamFork)) == sorted(n for n in sinks.values() if n > 1)
    converters = sum(isinstance(k, WidthConverter) for k in added)
    assert converters + sum(isinstance(k, StreamFork) for k in added) == len(added)
    differing = 0
    for c in lowered.channels:
        if c.sink.instance is None:
            continue
        first = next(o for o in lowered.channels if o.source == c.source and o.sink.instance is not None)
        sender = kernels[c.source.instance].outputs if c.source.instance else kernels[first.sink.instance or ""].inputs
        index = c.source.index if c.source.instance else first.sink.index
        differing += sender[index].lanes != kernels[c.sink.instance].inputs[c.sink.index].lanes
    assert converters == differing


@pytest.mark.parametrize("given_lanes", LANES)
@pytest.mark.parametrize("wanted_lanes", LANES)
def test_every_pair_of_widths(given_lanes: int, wanted_lanes: int) -> None:
    joined = join(chain(passing(2, given_lanes), passing(wanted_lanes, 3)))
    assert joined.check() == ()
    assert joined.inputs == (stream(2),)
    assert joined.outputs == (stream(3),)
    names = [i.name for i in joined.instances]
    assert names == (["k0", "k1"] if given_lanes == wanted_lanes else ["k0", "k1_width_converter", "k1"])


def test_what_stands_between_bears_the_names_of_what_it_serves() -> None:
    first, second = passing(1, 3), passing(4, 1)
    lowered = chain(first, second)
    lowered = replace(
        lowered,
        instances=(Instance("k0", first, ("conv",)), Instance("k1", second, ("dense",))),
        channels=(*lowered.channels, Channel(Port("k0"), Port(None, 1), stream(1))),
        outputs=(stream(1), stream(1)),
    )
    joined = join(lowered)
    assert [(i.name, i.origin) for i in joined.instances] == [
        ("k0", ("conv",)),
        ("k0_stream_fork", ("conv",)),
        ("k1_width_converter", ("dense",)),
        ("k1", ("dense",)),
    ]
    assert joined.outputs == (stream(1), stream(3))


def test_an_input_that_is_an_output_is_a_wire() -> None:
    joined = join(chain())
    assert joined.instances == ()
    assert joined.check() == ()
    assert joined.interval() == 12


# Every contract that can be broken, by a small change to a sound design.
SOUND = join(chain(passing(2, 3), passing(3, 4)))


def changed(**fields: object) -> tuple[str, ...]:
    return replace(SOUND, **fields).check()  # type: ignore[arg-type]


def sink_kernel(element: IntType, lanes: int, beats: int) -> tuple[Instance, ...]:
    kernel = replace(passing(3, 4), inputs=(Stream(element, lanes, beats),))
    return (SOUND.instances[0], replace(SOUND.instances[1], kernel=kernel))


@pytest.mark.parametrize(
    ("instances", "sentence"),
    [
        (sink_kernel(IntType(5, False), 3, 4), "the source sends uint4 elements, the sink expects uint5"),
        (sink_kernel(IntType(4, True), 3, 4), "the source sends uint4 elements, the sink expects int4"),
        (sink_kernel(ELEMENT, 4, 3), "the source sends 3 elements a beat, the sink expects 4"),
        (sink_kernel(ELEMENT, 3, 5), "the source sends 4 beats a frame, the sink expects 5"),
    ],
)
def test_a_broken_contract_is_a_sentence(instances: tuple[Instance, ...], sentence: str) -> None:
    assert SOUND.check() == ()
    assert changed(instances=instances) == (f"k0[0] cannot drive k1[0]: {sentence}",)


def test_edges_are_ports_too() -> None:
    assert changed(inputs=(stream(1),)) == (
        "top[0] cannot drive k0[0]: the source sends 1 elements a beat, the sink expects 2",
        "the channel from top[0] is not what drives it: the source sends 2 elements a beat, the sink expects 1",
    )
    assert changed(outputs=(stream(1),)) == (
        "k1[0] cannot drive top[0]: the source sends 4 elements a beat, the sink expects 1",
    )
    assert changed(outputs=(stream(4), stream(4))) == ("input top[1] is driven 0 times, not once",)
    assert changed(inputs=(stream(2), stream(2))) == ("output top[1] drives 0 inputs, not one",)


def test_every_port_is_connected_once() -> None:
    inner = SOUND.channels[1]
    assert changed(channels=(SOUND.channels[0], SOUND.channels[2])) == (
        "input k1[0] is driven 0 times, not once",
        "output k0[0] drives 0 inputs, not one",
    )
    assert changed(channels=(*SOUND.channels, inner)) == (
        "input k1[0] is driven 2 times, not once",
        "output k0[0] drives 2 inputs, not one",
    )
    assert changed(channels=(*SOUND.channels, replace(inner, source=Port("nobody"), sink=Port("k1", 1)))) == (
        "there is no output nobody[0]",
        "there is no input k1[1]",
    )


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(LANES), st.sampled_from(LANES), st.integers(2, 4))
def test_a_fork_serves_readers_of_different_widths(lanes: int, wanted: int, readers: int) -> None:
    source = passing(1, lanes)
    others = [passing(wanted if k % 2 else lanes, 1) for k in range(readers)]
    instances = (Instance("source", source), *(Instance(f"reader{k}", o) for k, o in enumerate(others)))
    channels = [Channel(Port(None), Port("source"), stream(1))]
    channels += [Channel(Port("source"), Port(f"reader{k}"), stream(1)) for k in range(readers)]
    channels += [Channel(Port(f"reader{k}"), Port(None, k), stream(1)) for k in range(readers)]
    joined = join(Dataflow("fork", instances, tuple(channels), (stream(1),), (stream(1),) * readers))
    assert joined.check() == ()
    kinds = Counter(i.kernel.kind for i in joined.instances)
    assert kinds["stream_fork"] == 1
    assert kinds["width_converter"] == (readers // 2 if wanted != lanes else 0)
