"""Multiplication, addition, shift and clamp: what thresholds of a scaled integer are, where there are many of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qcompile.ir.dataflow import Binding, Memory, Resources, Schedule, Stream, steps
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.dot_product import DSP_FROM, RES_TYPES
from qcompile.kernels.fixed_point import FixedPoint
from qcompile.kernels.folding import divisors, legal_number, legal_word
from qcompile.kernels.memory import RAM_STYLES, counter, resolve_rom_style, rom_resources, scaled, skid_buffer

ENGINE = "multiply_shift"
"""What this unit is called among the engines of thresholds."""


@dataclass(frozen=True, slots=True, eq=False)
class Requantise:
    """`form` of each channel, for `vectors` pixels of `channels` elements; `output` holds every code."""

    kind: ClassVar[str] = "requantise"

    form: FixedPoint
    input: IntType
    output: IntType
    channels: int
    vectors: int = 1
    pe: int = 1
    ram_style: str = "auto"
    res_type: str = "auto"

    @property
    def beats(self) -> int:
        """Beats of a frame."""
        return self.vectors * self.channels // self.pe

    @property
    def folds(self) -> int:
        """Words of constants."""
        return self.channels // self.pe if self.form.multipliers.size > 1 else 1

    @property
    def uses_dsp(self) -> bool:
        """Whether products are DSP blocks; constant multipliers are sums of shifted values."""
        if self.folds == 1 or self.res_type == "lut":
            return False
        return self.res_type == "dsp" or self.input.bits * self._multiplier().bits >= DSP_FROM

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """PE channels a beat."""
        return (Stream(self.input, self.pe, self.beats),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """PE channels a beat."""
        return (Stream(self.output, self.pe, self.beats),)

    def interval(self) -> int:
        """One cycle a beat: vectors * channels / PE."""
        return self.beats

    def schedule(self) -> Schedule:
        """A beat in, a beat out."""
        order = steps(self.beats)
        return Schedule(self.beats, (order,), (order,), latency=4)

    def foldings(self) -> Iterator[Requantise]:
        """PE divides the channels."""
        for pe in divisors(self.channels):
            yield replace(self, pe=pe)

    def attributes(self) -> dict[str, int | str]:
        """The engine, PE, ram_style of the constants, resType of the multipliers."""
        return {"engine": ENGINE, "PE": self.pe, "ram_style": self.ram_style, "resType": self.res_type}

    def with_attribute(self, name: str, value: int | str) -> Requantise:
        """One of `attributes` changed; the engine leaves no choice."""
        match name:
            case "engine":
                legal_word(name, value, (ENGINE,))
                return self
            case "PE":
                return replace(self, pe=legal_number(name, value, divisors(self.channels)))
            case "ram_style":
                return replace(self, ram_style=legal_word(name, value, RAM_STYLES))
            case "resType":
                return replace(self, res_type=legal_word(name, value, RES_TYPES))
        raise KeyError(name)

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """Constants, operands, a product, an adder and two comparisons a lane, the output. Fitted to Yosys.

        Bits of the sum that are shifted out need no register, but for ties.
        """
        total, result, shift = self._sum().bits, self.output.bits, self.form.shift
        product, multiplier, addend = self._product(lut_inputs), self._multiplier().bits, self._addend().bits
        tie = shift / 5 + 1 if self.form.half_even else 0.0
        # A LUT6 of the skid buffer has room for the clamp's choice.
        clamp = (0.3 * (total - shift) if lut_inputs >= 6 else 0.5 * (total - shift) + result) + tie
        constants = rom_resources(
            self.ram_style, self.pe * (multiplier + addend), self.folds, lut_inputs, bram_bits, self._words()
        )
        control = counter(self.folds, lut_inputs) + Resources(lut=2.0, ff=3.0)
        lane = Resources(lut=clamp) + product
        if product.dsp == 1 and lut_inputs >= 6:  # one DSP48 has the adder inside, and the registers around it
            constants = replace(constants, ff=max(0.0, constants.ff - self.pe * multiplier))
        else:
            lane += Resources(lut=total, ff=total if self.form.half_even else total - shift)
            lane += Resources(ff=addend if self.folds > 1 else 0)
        return scaled(lane, self.pe) + constants + control + skid_buffer(self.pe * result)

    def _product(self, lut_inputs: int) -> Resources:
        """Of one lane: a DSP block has the registers inside; in logic, a sum of as many rows as the multiplier has bits."""
        x, multiplier = self.input.bits + int(not self.input.signed), self._multiplier().bits
        each = 1.0 if lut_inputs >= 6 else 2.4
        if self.uses_dsp:
            narrow, wide = sorted((x, multiplier))
            return Resources(dsp=-(-narrow // 18) * -(-wide // (25 if lut_inputs >= 6 else 18)))
        registers = float(self.input.bits + x + multiplier)
        if self.folds == 1:
            ones = bin(abs(int(self.form.multipliers[0]))).count("1")
            return Resources(lut=0.8 * each * max(ones - 1, 0) * x, ff=registers if ones > 1 else 2.0 * x)
        return Resources(lut=each * multiplier * (x + multiplier), ff=registers)

    def binding(self) -> Binding:
        """The RTL instance with its constants."""
        multiplier, addend = self._multiplier(), self._addend()
        width = multiplier.bits + addend.bits
        parameters: tuple[tuple[str, int | str], ...] = (
            ("PE", self.pe),
            ("FOLDS", self.folds),
            ("INPUT_BITS", self.input.bits),
            ("INPUT_SIGNED", int(self.input.signed)),
            ("MULTIPLIER_BITS", multiplier.bits),
            ("ADDEND_BITS", addend.bits),
            ("SUM_BITS", self._sum().bits),
            ("SHIFT", self.form.shift),
            ("HALF_EVEN", int(self.form.half_even)),
            ("LOW", self.form.lo),
            ("HIGH", self.form.hi),
            ("OUTPUT_BITS", self.output.bits),
            ("RAM_STYLE", resolve_rom_style(self.ram_style, self.pe * width, self.folds)),
            ("USE_DSP", int(self.uses_dsp)),
        )
        memory = Memory("CONSTANTS_FILE", self.pe * width, self._words())
        return Binding(self.kind, ("skid_buffer", "logic_rom", "rom", "requantise"), parameters, (memory,))

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """(frames, vectors * channels) to the same shape."""
        (x,) = frames
        return (self.form.evaluate(x.reshape(-1, self.channels)).reshape(x.shape),)

    def _words(self) -> tuple[int, ...]:
        """A word a fold: for each lane its multiplier, and the addend above it."""
        multiplier, addend = self._multiplier().bits, self._addend().bits
        fields = (self.form.multipliers & (1 << multiplier) - 1).astype(object)
        fields = fields + ((self._addends() & (1 << addend) - 1).astype(object) << multiplier)
        rows = np.broadcast_to(fields, (self.channels,)).reshape(-1, self.pe)[: self.folds]
        width = multiplier + addend
        return tuple(sum(int(field) << (width * lane) for lane, field in enumerate(row)) for row in rows)

    def _addends(self) -> IntArray:
        """The addends, with half a unit where halves are rounded to even numbers."""
        half = 1 << (self.form.shift - 1) if self.form.half_even else 0
        return self.form.addends + half

    def _multiplier(self) -> IntType:
        return _signed(int(self.form.multipliers.min()), int(self.form.multipliers.max()))

    def _addend(self) -> IntType:
        return _signed(int(self._addends().min()), int(self._addends().max()))

    def _sum(self) -> IntType:
        """What holds every product, every sum, and the limits."""
        products = np.stack([self.form.multipliers * self.input.lo, self.form.multipliers * self.input.hi])
        ends = [products, products + self._addends(), np.array([[self.form.lo], [self.form.hi]])]
        return _signed(min(int(end.min()) for end in ends), max(int(end.max()) for end in ends))


def _signed(lo: int, hi: int) -> IntType:
    """The narrowest signed type for a range."""
    return IntType.of_range(min(lo, -1), hi)
