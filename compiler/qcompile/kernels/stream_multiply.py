"""Product of two streams, element by element: gates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from qcompile.ir.dataflow import Binding, Resources, Schedule, Stream, steps
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.dot_product import DSP_FROM, RES_TYPES, product_luts
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
        left, right = (factor.bits for factor in self._factor_types())
        bits_in = self.pe * sum(element.bits for element in self.operands)
        bits_out = self.pe * self.output.bits
        moved = sum(bits for bits, term in zip((left, right), self.terms, strict=True) if term)
        slices = Resources(lut=bits_in + bits_out + self.pe * moved + 10, ff=2.0 * bits_in + 2.0 * bits_out + 10)
        if self._uses_dsp():
            return slices + Resources(dsp=self.pe)
        narrow, wide = sorted((left, right))
        product = product_luts(narrow, wide, lut_inputs)
        return slices + Resources(lut=self.pe * product, ff=float(self.pe * (left + right + self.output.bits)))

    def binding(self) -> Binding:
        """The RTL instance."""
        a, b = self.operands
        left, right = self._factor_types()
        parameters: tuple[tuple[str, int | str], ...] = (
            ("LANES", self.pe),
            ("A_BITS", a.bits),
            ("A_SIGNED", int(a.signed)),
            ("A_FACTOR", self.factors[0]),
            ("A_TERM", self.terms[0]),
            ("LEFT_BITS", left.bits),
            ("LEFT_SIGNED", int(left.signed)),
            ("B_BITS", b.bits),
            ("B_SIGNED", int(b.signed)),
            ("B_FACTOR", self.factors[1]),
            ("B_TERM", self.terms[1]),
            ("RIGHT_BITS", right.bits),
            ("RIGHT_SIGNED", int(right.signed)),
            ("OUTPUT_BITS", self.output.bits),
            ("USE_DSP", int(self._uses_dsp())),
        )
        sources = ("skid_buffer", "adder_tree", "dot_product_products", "stream_multiply")
        return Binding(self.kind, sources, parameters)

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """Two arrays (frames, vectors * channels) to one."""
        a, b = (x * f + t for x, f, t in zip(frames, self.factors, self.terms, strict=True))
        return (a * b,)

    def _factor_types(self) -> tuple[IntType, IntType]:
        """What holds the two factors."""
        ends = [(e.lo * f + t, e.hi * f + t) for e, f, t in zip(self.operands, self.factors, self.terms, strict=True)]
        left, right = (IntType.of_range(min(pair), max(pair)) for pair in ends)
        return left, right

    def _uses_dsp(self) -> bool:
        """Whether the products are DSP blocks: where they would take some 40 LUTs, or as the user says."""
        left, right = (factor.bits for factor in self._factor_types())
        if min(left, right) == 1 or self.res_type == "lut":
            return False
        return self.res_type == "dsp" or left * right >= DSP_FROM
