"""The bench finds what it is there to find: every broken promise of a module, every wrong model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from qcompile.ir.dataflow import Binding, Kernel, Resources, Schedule, Stream, steps
from qcompile.ir.types import IntArray, IntType

from .bench import conform, simulate

STREAM = Stream(IntType(7, True), 1, 20)


@dataclass(frozen=True, slots=True)
class Faulty:
    """The module `faulty` under a model that is right or, by `lie`, wrong."""

    kind: ClassVar[str] = "faulty"

    fault: int = 0
    lie: str = ""
    stream: Stream = STREAM

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (self.stream,)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (self.stream,)

    def interval(self) -> int:
        return self.stream.beats + (self.lie == "interval")

    def schedule(self) -> Schedule:
        order = steps(self.stream.beats)
        count = self.stream.beats + (self.lie == "steps")
        return Schedule(count, (order,), (order,), latency=2 if self.lie == "latency" else 1)

    def foldings(self) -> Iterator[Kernel]:
        yield self

    def attributes(self) -> dict[str, int | str]:
        return {}

    def with_attribute(self, name: str, value: int | str) -> Kernel:
        raise KeyError(name)

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        return Resources()

    def binding(self) -> Binding:
        return Binding("faulty", ("faulty",), (("WIDTH", self.stream.bits), ("FAULT", self.fault)))

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        if self.lie == "value":
            return tuple(np.where(f == 63, 62, f) for f in frames)
        if self.lie == "count":
            return tuple(f[:, :-1] for f in frames)
        return frames


FAULTS = [
    (Faulty(1), "follows an input of the same cycle"),
    (Faulty(2), "withdrawn or changed while waiting"),
    (Faulty(3), "withdrawn or changed while waiting"),
    (Faulty(4), "follows an input of the same cycle"),
    (Faulty(5), "elements, not"),
    (Faulty(6), "elements, not"),
    (Faulty(7), "the schedule says"),
    (Faulty(8), "follows an input of the same cycle"),
    (Faulty(9), "output 0 gave"),
    (Faulty(lie="interval"), "interval() is 21"),
    (Faulty(lie="steps"), "the schedule says"),
    (Faulty(lie="latency"), "the schedule says"),
    (Faulty(lie="value"), "output 0 gave 63, not 62"),
    (Faulty(lie="count"), "elements, not"),
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory):
    return simulate([kernel for kernel, _ in FAULTS], tmp_path_factory.mktemp("faulty"))


@pytest.mark.parametrize("index", range(len(FAULTS)), ids=lambda k: f"{FAULTS[k][0].fault}{FAULTS[k][0].lie}")
def test_every_fault_is_found(runs, index: int) -> None:
    found = [fault for run in runs[index] for fault in run.faults()]
    assert any(FAULTS[index][1] in fault for fault in found), found


def test_a_sound_module_passes_and_a_fault_is_reported_with_its_instance(tmp_path: Path) -> None:
    sound = Faulty()
    conform([sound], tmp_path)
    with pytest.raises(AssertionError, match="u1: faulty WIDTH=7 FAULT=9, back to back: output 0 gave"):
        conform([sound, replace(sound, fault=9)], tmp_path)


def test_the_same_seed_gives_the_same_cycles(tmp_path: Path) -> None:
    one, two = (simulate([Faulty()], tmp_path, seed=7) for _ in range(2))
    for a, b in zip(one[0], two[0], strict=True):
        assert np.array_equal(a.outputs[0].beats, b.outputs[0].beats)
