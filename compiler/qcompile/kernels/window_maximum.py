"""Maximum over the positions of a window for each channel: max pooling behind a sliding window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qcompile.ir.dataflow import Binding, Resources, Schedule, Stream, steps
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.common import lutram_luts
from qcompile.kernels.folding import divisors, legal_number
from qcompile.kernels.memory import comparator, skid_buffer
from qcompile.kernels.parallel_window_maximum import ParallelWindowMaximum


@dataclass(frozen=True, slots=True)
class WindowMaximumUnit:
    """`vectors` windows of `positions` (at least 2) times `channels` elements to vectors of `channels`."""

    kind: ClassVar[str] = "window_maximum"

    input: IntType
    channels: int
    positions: int
    vectors: int = 1
    pe: int = 1

    @property
    def folds(self) -> int:
        """Beats of one position."""
        return self.channels // self.pe

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """PE channels a beat, position after position."""
        return (Stream(self.input, self.pe, self.vectors * self.positions * self.folds),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """PE channels a beat."""
        return (Stream(self.input, self.pe, self.vectors * self.folds),)

    def interval(self) -> int:
        """A cycle for each beat that comes in."""
        return self.vectors * self.positions * self.folds

    def schedule(self) -> Schedule:
        """The beats of the last position give the results."""
        window = self.positions * self.folds
        last = window - self.folds + np.arange(self.folds, dtype=np.int64)
        writes = (np.arange(self.vectors, dtype=np.int64)[:, None] * window + last).reshape(-1)
        return Schedule(self.interval(), (steps(self.interval()),), (writes,), latency=2)

    def foldings(self) -> Iterator[WindowMaximumUnit | ParallelWindowMaximum]:
        """PE divides the channels; whole windows."""
        for pe in divisors(self.channels):
            yield replace(self, pe=pe)
        yield self.parallel()

    def parallel(self) -> ParallelWindowMaximum:
        """The unit that does the same with a window a cycle."""
        return ParallelWindowMaximum(self.input, self.channels, self.positions, self.vectors)

    def attributes(self) -> dict[str, int | str]:
        """SIMD (positions a cycle) and PE."""
        return {"SIMD": 1, "PE": self.pe}

    def with_attribute(self, name: str, value: int | str) -> WindowMaximumUnit | ParallelWindowMaximum:
        """PE changed; or SIMD, which is 1 or all positions, and then PE all channels."""
        match name:
            case "SIMD":
                return self.parallel() if legal_number(name, value, (1, self.positions)) > 1 else self
            case "PE":
                return replace(self, pe=legal_number(name, value, divisors(self.channels)))
        raise KeyError(name)

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """A comparison (two bits a LUT) and a multiplexer for each bit, the memory of partial maxima, result and skid
        buffer.
        """
        bits = self.pe * self.input.bits
        kept = lutram_luts(bits, self.folds, lut_inputs) if self.folds > 1 else 0
        counters = (self.positions * self.folds - 1).bit_length() + (self.folds - 1).bit_length()
        compared = bits + self.pe * comparator(self.input.bits, lut_inputs)
        registers = bits * (2.0 if self.folds == 1 else 1.0) + counters + 1
        return skid_buffer(bits) + Resources(lut=kept + compared + 1.2 * counters + 2, lutram=kept, ff=registers)

    def binding(self) -> Binding:
        """The RTL instance."""
        parameters = (
            ("PE", self.pe),
            ("FOLDS", self.folds),
            ("POSITIONS", self.positions),
            ("INPUT_BITS", self.input.bits),
            ("INPUT_SIGNED", int(self.input.signed)),
        )
        return Binding(self.kind, ("skid_buffer", "window_maximum"), parameters)

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """(frames, vectors * positions * channels) to (frames, vectors * channels)."""
        (x,) = frames
        windows = x.reshape(x.shape[0], self.vectors, self.positions, self.channels)
        return (windows.max(axis=2).reshape(x.shape[0], -1),)
