"""A register slice: cuts the valid, data and ready paths of a stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from qcompile.ir.dataflow import Binding, Resources, Schedule, Stream, steps
from qcompile.ir.types import IntArray


@dataclass(frozen=True, slots=True)
class SkidBuffer:
    """Passes `stream` on one cycle later, one beat a cycle; holds two beats."""

    kind: ClassVar[str] = "skid_buffer"

    stream: Stream

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The stream."""
        return (self.stream,)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The same stream."""
        return (self.stream,)

    def interval(self) -> int:
        """One beat a cycle."""
        return self.stream.beats

    def schedule(self) -> Schedule:
        """Each step passes a beat."""
        order = steps(self.stream.beats)
        return Schedule(self.stream.beats, (order,), (order,), latency=1)

    def foldings(self) -> Iterator[SkidBuffer]:
        """There is nothing to fold."""
        yield self

    def attributes(self) -> dict[str, int | str]:
        """Nothing a user may set."""
        return {}

    def with_attribute(self, name: str, value: int | str) -> SkidBuffer:
        """Refuses every name."""
        raise KeyError(name)

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """A multiplexer and two registers for each bit, the two flags."""
        return Resources(lut=self.stream.bits + 3, ff=2 * self.stream.bits + 2)

    def binding(self) -> Binding:
        """Module skid_buffer."""
        return Binding("skid_buffer", ("skid_buffer",), (("WIDTH", self.stream.bits),))

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """What goes in comes out."""
        return frames
