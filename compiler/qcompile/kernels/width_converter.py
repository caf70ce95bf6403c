"""Repacks a stream from one number of lanes to another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd
from typing import ClassVar

from qcompile.ir.dataflow import Binding, Resources, Schedule, Stream, steps
from qcompile.ir.types import IntArray


@dataclass(frozen=True, slots=True)
class WidthConverter:
    """Sends the elements of `stream` on, `lanes` to a beat: any two widths that divide the frame."""

    kind: ClassVar[str] = "width_converter"

    stream: Stream
    lanes: int

    def __post_init__(self) -> None:
        if self.lanes < 1 or self.stream.elements % self.lanes:
            raise ValueError(f"{self.lanes} elements a beat do not divide a frame of {self.stream.elements}")
        if self.lanes == self.stream.lanes:
            raise ValueError(f"both sides of a width converter have {self.lanes} lanes")

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The stream as it comes."""
        return (self.stream,)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The same elements, `lanes` to a beat."""
        return (Stream(self.stream.element, self.lanes, self.stream.elements // self.lanes),)

    @property
    def units(self) -> tuple[int, int, int]:
        """The greatest number of lanes that both widths are multiples of, and the two widths in that unit."""
        lanes = gcd(self.stream.lanes, self.lanes)
        return lanes, self.stream.lanes // lanes, self.lanes // lanes

    @property
    def widens(self) -> bool:
        """Whether beats become wider."""
        return self.lanes > self.stream.lanes

    def interval(self) -> int:
        """A cycle for each beat of the narrower side."""
        return max(self.stream.beats, self.outputs[0].beats)

    def schedule(self) -> Schedule:
        """To wider beats every step takes one and some give one; to narrower beats the other way round."""
        _, wide_in, wide_out = self.units
        taken, given = steps(self.stream.beats), steps(self.outputs[0].beats)
        if wide_in < wide_out:
            last = ((given + 1) * wide_out + wide_in - 1) // wide_in - 1
            return Schedule(self.interval(), (taken,), (last,), latency=2)
        first = taken * wide_in // wide_out
        return Schedule(self.interval(), (first,), (given,), latency=1)

    def foldings(self) -> Iterator[WidthConverter]:
        """There is nothing to fold."""
        yield self

    def attributes(self) -> dict[str, int | str]:
        """Nothing a user may set: the lanes follow from the neighbours."""
        return {}

    def with_attribute(self, name: str, value: int | str) -> WidthConverter:
        """Refuses every name."""
        raise KeyError(name)

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """The units left over, multiplexers, a skid buffer on the narrower side, a register on the wider."""
        lanes, wide_in, wide_out = self.units
        unit = lanes * self.stream.element.bits
        widens = self.widens
        count_bits = (wide_in + wide_out - 1).bit_length()
        narrow = unit * min(wide_in, wide_out)
        rest = unit * (max(wide_in, wide_out) - 1)
        if wide_in == 1:
            selection = wide_out
        elif wide_out == 1 and lut_inputs >= 6:
            selection = unit * (wide_in - 2)
        else:
            selection = unit * self._shifter_luts(lut_inputs)
        return Resources(
            lut=selection + narrow + 2 * count_bits + (4 if lut_inputs >= 6 else 10),
            ff=2 * narrow + rest + (unit * wide_out if widens else 0) + count_bits + (3 if widens else 2),
        )

    def _shifter_luts(self, lut_inputs: int) -> int:
        """LUTs for each bit of a unit: a shifter that puts the beat behind the rest, and their merging.

        A LUT6 takes two stages of the shifter, or one and the merging; a LUT4 one of either.
        """
        _, wide_in, wide_out = self.units
        stages, at_once = (wide_out - 1).bit_length(), 2 if lut_inputs >= 6 else 1
        ends = [min(first + at_once, stages) for first in range(0, stages, at_once)]
        shifter = sum(min(wide_in + wide_out, wide_in + (1 << end)) - 1 for end in ends)
        rest = max(wide_in, wide_out) - 1
        merging = rest if lut_inputs < 6 or stages % 2 == 0 else 0
        return shifter + merging + (rest if lut_inputs < 6 and wide_in < wide_out else 0)

    def binding(self) -> Binding:
        """Module width_converter, its units made of as many lanes as both sides are multiples of."""
        lanes, wide_in, wide_out = self.units
        parameters = (
            ("WIDTH", lanes * self.stream.element.bits),
            ("IN_UNITS", wide_in),
            ("OUT_UNITS", wide_out),
        )
        return Binding("width_converter", ("skid_buffer", "width_converter"), parameters)

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """What goes in comes out."""
        return frames
