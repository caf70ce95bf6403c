"""Maximum over the positions of a window for each channel, a whole window a cycle: max pooling behind a parallel window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from qcompile.ir.dataflow import Binding, Resources, Schedule, Stream, steps
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.folding import legal_number
from qcompile.kernels.memory import comparator, skid_buffer


@dataclass(frozen=True, slots=True)
class ParallelWindowMaximum:
    """`vectors` windows of `positions` (at least 2) times `channels` elements, each in a beat, to vectors of `channels`."""

    kind: ClassVar[str] = "parallel_window_maximum"

    input: IntType
    channels: int
    positions: int
    vectors: int = 1

    @property
    def levels(self) -> int:
        """Of the tree of comparisons."""
        return (self.positions - 1).bit_length()

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """A window a beat, position after position."""
        return (Stream(self.input, self.positions * self.channels, self.vectors),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """All channels in a beat."""
        return (Stream(self.input, self.channels, self.vectors),)

    def interval(self) -> int:
        """A cycle a window."""
        return self.vectors

    def schedule(self) -> Schedule:
        """A window in, its greatest elements out."""
        order = steps(self.vectors)
        return Schedule(self.vectors, (order,), (order,), latency=1 + self.levels)

    def foldings(self) -> Iterator[ParallelWindowMaximum]:
        """There is nothing to fold."""
        yield self

    def attributes(self) -> dict[str, int | str]:
        """SIMD, which is all positions, and PE, which is all channels."""
        return {"SIMD": self.positions, "PE": self.channels}

    def with_attribute(self, name: str, value: int | str) -> ParallelWindowMaximum:
        """SIMD and PE leave no choice."""
        if name not in self.attributes():
            raise KeyError(name)
        legal_number(name, value, (self.positions if name == "SIMD" else self.channels,))
        return self

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """For each channel a comparison and a multiplexer for each node of the tree, a register behind each level."""
        bits, registers, count = self.input.bits, 0, self.positions
        while count > 1:
            count = (count + 1) // 2
            registers += count * bits
        nodes = (self.positions - 1) * (comparator(bits, lut_inputs) + bits)
        tree = Resources(lut=self.channels * nodes, ff=float(self.channels * registers + self.levels))
        return tree + skid_buffer(self.outputs[0].bits)

    def binding(self) -> Binding:
        """The RTL instance."""
        parameters = (
            ("CHANNELS", self.channels),
            ("POSITIONS", self.positions),
            ("INPUT_BITS", self.input.bits),
            ("INPUT_SIGNED", int(self.input.signed)),
        )
        return Binding(self.kind, ("skid_buffer", "max_tree", "parallel_window_maximum"), parameters)

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """(frames, vectors * positions * channels) to (frames, vectors * channels)."""
        (x,) = frames
        windows = x.reshape(x.shape[0], self.vectors, self.positions, self.channels)
        return (windows.max(axis=2).reshape(x.shape[0], -1),)
