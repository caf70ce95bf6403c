"""Product of two streams, element by element: gates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from qcompile.ir.dataflow import Binding, Resources, Schedule, Stream, steps
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.dot_product import DSP_FROM, RES_TYPES
from qcompile.kernels.folding import divisors, legal_number, legal_word


@dataclass(frozen=True, slots=True)
class StreamMultiply:
    """y = (factors[0] * a + terms[0]) * (factors[1] * b + terms[1]) for `vectors` pixels of `channels`; `output` holds
    every y.
    """

    kind: ClassVar[str] = "stream_multiply"

    operands: tuple[IntType, IntType]
    factors: tuple[int, int]
    terms: tuple[int, int]
    output: IntType
    channels: int
    vectors: int = 1
    pe: int = 1
    res_type: str = "auto"

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
        return Schedule(self.beats, (order, order), (order,), latency=4)

    def foldings(self) -> Iterator[StreamMultiply]:
        """PE divides the channels."""
        for pe in divisors(self.channels):
            yield replace(self, pe=pe)

    def attributes(self) -> dict[str, int | str]:
        """PE, resType of the multipliers."""
        return {"PE": self.pe, "resType": self.res_type}

    def with_attribute(self, name: str, value: int | str) -> StreamMultiply:
        """One of `attributes` changed."""
        match name:
            case "PE":
                return replace(self, pe=legal_number(name, value, divisors(self.channels)))
            case "resType":
                return replace(self, res_type=legal_word(name, value, RES_TYPES))
        raise KeyError(name)

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """A multiplier a lane with its operands, three slices."""
        left, right = self._factor_bits()
        bits_in = self.pe * sum(element.bits for element in self.operands)
        bits_out = self.pe * self.output.bits
        moved = sum(w for w, term in zip((left, right), self.terms, strict=True) if term)
        registers = 2.0 * bits_in + 2.0 * bits_out + 10
        slices = Resources(lut=bits_in + bits_out + self.pe * moved + 10, ff=registers)
        if self._uses_dsp():
            return slices + Resources(dsp=self.pe)
        product = Resources(lut=1.0 * left * right, ff=float(left + right + self.output.bits))
        return slices + Resources(lut=self.pe * product.lut, ff=self.pe * product.ff)

    def binding(self) -> Binding:
        """The RTL instance."""
        a, b = self.operands
        left, right = self._factor_bits()
        parameters: tuple[tuple[str, int | str], ...] = (
            ("LANES", self.pe),
            ("A_BITS", a.bits),
            ("A_SIGNED", int(a.signed)),
            ("A_FACTOR", self.factors[0]),
            ("A_TERM", self.terms[0]),
            ("LEFT_BITS", left),
            ("B_BITS", b.bits),
            ("B_SIGNED", int(b.signed)),
            ("B_FACTOR", self.factors[1]),
            ("B_TERM", self.terms[1]),
            ("RIGHT_BITS", right),
            ("OUTPUT_BITS", self.output.bits),
            ("USE_DSP", "yes" if self._uses_dsp() else "no"),
        )
        return Binding(self.kind, ("skid_buffer", "stream_multiply"), parameters)

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """Two arrays (frames, vectors * channels) to one."""
        a, b = (x * f + t for x, f, t in zip(frames, self.factors, self.terms, strict=True))
        return (a * b,)

    def _factor_bits(self) -> tuple[int, int]:
        """Widths of the two factors as signed numbers."""
        left, right = (
            IntType.of_range(min(-1, e.lo * f + t), max(0, e.hi * f + t)).bits
            for e, f, t in zip(self.operands, self.factors, self.terms, strict=True)
        )
        return left, right

    def _uses_dsp(self) -> bool:
        """Whether the products are DSP blocks: where they would take some 40 LUTs, or as the user says."""
        widths = [element.bits for element in self.operands]
        if self.res_type == "auto":
            return min(widths) > 1 and widths[0] * widths[1] >= DSP_FROM
        return self.res_type == "dsp"
