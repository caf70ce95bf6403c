"""Weighted sum of two streams, element by element: residual connections."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from qcompile.ir.dataflow import Binding, Resources, Schedule, Stream, steps
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.folding import divisors, legal_number


@dataclass(frozen=True, slots=True)
class StreamAdd:
    """y = factors[0] * a + factors[1] * b for `vectors` pixels of `channels`; `output` holds every y."""

    kind: ClassVar[str] = "stream_add"

    operands: tuple[IntType, IntType]
    factors: tuple[int, int]
    output: IntType
    channels: int
    vectors: int = 1
    pe: int = 1

    @property
    def beats(self) -> int:
        """Beats of a frame."""
        return self.vectors * self.channels // self.pe

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """PE elements a beat on both."""
        return tuple(Stream(element, self.pe, self.beats) for element in self.operands)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """PE elements a beat."""
        return (Stream(self.output, self.pe, self.beats),)

    def interval(self) -> int:
        """One cycle a beat."""
        return self.beats

    def schedule(self) -> Schedule:
        """A beat of each in, a beat out."""
        order = steps(self.beats)
        return Schedule(self.beats, (order, order), (order,), latency=3 + int(self._scaled()))

    def foldings(self) -> Iterator[StreamAdd]:
        """PE divides the channels."""
        for pe in divisors(self.channels):
            yield replace(self, pe=pe)

    def attributes(self) -> dict[str, int | str]:
        """PE."""
        return {"PE": self.pe}

    def with_attribute(self, name: str, value: int | str) -> StreamAdd:
        """PE changed."""
        if name != "PE":
            raise KeyError(name)
        return replace(self, pe=legal_number(name, value, divisors(self.channels)))

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """An adder a lane, one more for each further digit of the factors, three slices."""
        bits_in = self.pe * sum(element.bits for element in self.operands)
        bits_out = self.pe * self.output.bits
        further = sum(max(digits(factor) - 1, 0) for factor in self.factors)
        each = 0.75 if lut_inputs >= 6 else 1.25  # of a sum's bits: the low ones of a shifted operand are nothing
        widened = 2.0 * bits_out if self._scaled() else 0.0
        return Resources(lut=bits_in + (2.0 + each * further) * bits_out + 8, ff=2.0 * bits_in + 3.0 * bits_out + 8 + widened)

    def binding(self) -> Binding:
        """The RTL instance."""
        a, b = self.operands
        parameters = (
            ("LANES", self.pe),
            ("A_BITS", a.bits),
            ("A_SIGNED", int(a.signed)),
            ("A", self.factors[0]),
            ("B_BITS", b.bits),
            ("B_SIGNED", int(b.signed)),
            ("B", self.factors[1]),
            ("OUTPUT_BITS", self.output.bits),
        )
        return Binding(self.kind, ("skid_buffer", "stream_add"), parameters)

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """Two arrays (frames, vectors * channels) to one."""
        return (frames[0] * self.factors[0] + frames[1] * self.factors[1],)

    def _scaled(self) -> bool:
        """Whether a factor is more than a shift."""
        return max(map(digits, self.factors)) > 1


def digits(factor: int) -> int:
    """How many of an integer's signed digits (-1, 0 and 1, no two others than 0 next to each other) are not zero."""
    return bin(factor ^ (3 * factor)).count("1")
