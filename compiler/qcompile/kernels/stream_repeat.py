"""Vectors of a stream, each several times: a small tensor broadcast against a large one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qcompile.ir.dataflow import Binding, Resources, Schedule, Stream, steps
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.common import lutram_luts
from qcompile.kernels.folding import divisors, legal_number


@dataclass(frozen=True, slots=True)
class StreamRepeat:
    """A frame is `vectors` vectors of `elements`; each comes out `times` times.

    PE elements a beat; of a single element PE copies side by side.
    """

    kind: ClassVar[str] = "stream_repeat"

    element: IntType
    elements: int
    times: int
    vectors: int = 1
    pe: int = 1

    @property
    def lanes(self) -> int:
        """Elements of a beat that comes in."""
        return self.pe if self.elements > 1 else 1

    @property
    def repetitions(self) -> int:
        """How many times a beat is given."""
        return self.times * self.lanes // self.pe

    @property
    def beats(self) -> int:
        """Beats of a vector that comes in."""
        return self.elements // self.lanes

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """Each vector once."""
        return (Stream(self.element, self.lanes, self.vectors * self.beats),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """PE elements a beat."""
        return (Stream(self.element, self.pe, self.interval()),)

    def interval(self) -> int:
        """A cycle for each beat that goes out."""
        return self.vectors * self.beats * self.repetitions

    def schedule(self) -> Schedule:
        """A vector is taken while it goes out for the first time."""
        starts = steps(self.vectors, self.beats * self.repetitions)
        reads = (starts[:, None] + steps(self.beats)).reshape(-1)
        return Schedule(self.interval(), (reads,), (steps(self.interval()),), latency=2)

    def foldings(self) -> Iterator[StreamRepeat]:
        """PE divides the elements of a vector; of a single element, how many times it comes."""
        for pe in self._legal():
            yield replace(self, pe=pe)

    def attributes(self) -> dict[str, int | str]:
        """PE."""
        return {"PE": self.pe}

    def with_attribute(self, name: str, value: int | str) -> StreamRepeat:
        """PE changed."""
        if name != "PE":
            raise KeyError(name)
        return replace(self, pe=legal_number(name, value, self._legal()))

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """The memory of a vector with its output register, two counters, a slice."""
        width, wide = self.lanes * self.element.bits, self.pe * self.element.bits
        lutram = lutram_luts(width, self.beats, lut_inputs) if self.beats > 1 and self.repetitions > 1 else 0
        counters = (self.beats - 1).bit_length() + (self.repetitions - 1).bit_length()
        return Resources(lut=lutram + wide + 1.5 * counters + 8, lutram=lutram, ff=width + 2.0 * wide + counters + 4)

    def binding(self) -> Binding:
        """The RTL instance."""
        parameters = (
            ("BITS", self.element.bits),
            ("LANES", self.lanes),
            ("COPIES", self.pe // self.lanes),
            ("BEATS", self.beats),
            ("TIMES", self.repetitions),
        )
        return Binding(self.kind, ("skid_buffer", "input_buffer", "stream_repeat"), parameters)

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """(frames, vectors * elements) to (frames, vectors * times * elements)."""
        (x,) = frames
        vectors = x.reshape(x.shape[0], self.vectors, 1, self.elements)
        return (np.repeat(vectors, self.times, axis=2).reshape(x.shape[0], -1),)

    def _legal(self) -> tuple[int, ...]:
        return divisors(self.elements if self.elements > 1 else self.times)
