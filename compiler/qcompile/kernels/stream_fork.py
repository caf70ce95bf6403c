"""One stream to several consumers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from qcompile.ir.dataflow import Binding, Resources, Schedule, Stream, steps
from qcompile.ir.types import IntArray


@dataclass(frozen=True, slots=True)
class StreamFork:
    """Sends every beat of `stream` to `copies` outputs, each of which takes it when it will.

    No output gets a beat before all have taken its predecessor: outputs that must run apart need FIFOs
    behind.
    """

    kind: ClassVar[str] = "stream_fork"

    stream: Stream
    copies: int

    def __post_init__(self) -> None:
        if self.copies < 1:
            raise ValueError(f"a fork has at least one output, not {self.copies}")

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The stream."""
        return (self.stream,)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The same stream, `copies` times."""
        return (self.stream,) * self.copies

    def interval(self) -> int:
        """One beat a cycle."""
        return self.stream.beats

    def schedule(self) -> Schedule:
        """Each step passes a beat to all outputs."""
        order = steps(self.stream.beats)
        return Schedule(self.stream.beats, (order,), (order,) * self.copies, latency=1)

    def foldings(self) -> Iterator[StreamFork]:
        """There is nothing to fold."""
        yield self

    def attributes(self) -> dict[str, int | str]:
        """Nothing a user may set."""
        return {}

    def with_attribute(self, name: str, value: int | str) -> StreamFork:
        """Refuses every name."""
        raise KeyError(name)

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """One register slice for all outputs, with a valid flag for each."""
        bits = self.stream.bits
        return Resources(lut=bits + 2 * self.copies + 2, ff=2 * bits + self.copies + 1)

    def binding(self) -> Binding:
        """Module stream_fork."""
        return Binding("stream_fork", ("stream_fork",), (("WIDTH", self.stream.bits), ("N", self.copies)))

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """What goes in comes out everywhere."""
        return frames * self.copies
