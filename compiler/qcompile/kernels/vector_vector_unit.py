"""Each channel with weights of its own: depthwise convolution behind a sliding window, sums for average pooling."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qcompile.ir.dataflow import Binding, Memory, Resources, Schedule, Stream, steps
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.common import lutram_luts
from qcompile.kernels.dot_product import RES_TYPES, DotProduct, WeightCode
from qcompile.kernels.folding import divisors, legal_number, legal_word
from qcompile.kernels.memory import RAM_STYLES, counter, pack, resolve_rom_style, rom_resources, scaled, skid_buffer
from qcompile.kernels.parallel_vector_vector_unit import ParallelVectorVectorUnit


@dataclass(frozen=True, slots=True, eq=False)
class VectorVectorUnit:
    """y[c] = sum over p of weights[p, c] * x[p, c], for `vectors` windows a frame.

    `weights` is int64 (positions, channels); all ones cost nothing. `accumulator` holds every y. No product is spent
    on the zeros that a matrix of the same layer would hold.
    """

    kind: ClassVar[str] = "vector_vector_unit"

    weights: IntArray
    input: IntType
    accumulator: IntType
    vectors: int = 1
    pe: int = 1
    ram_style: str = "auto"
    res_type: str = "auto"

    @property
    def positions(self) -> int:
        """Pixels of a window."""
        return int(self.weights.shape[0])

    @property
    def channels(self) -> int:
        """Elements of a pixel."""
        return int(self.weights.shape[1])

    @property
    def folds(self) -> int:
        """Beats of a pixel."""
        return self.channels // self.pe

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """PE channels a beat, position after position."""
        return (Stream(self.input, self.pe, self.interval()),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """PE channels a beat."""
        return (Stream(self.accumulator, self.pe, self.vectors * self.folds),)

    def interval(self) -> int:
        """A cycle for each beat that comes in."""
        return self.vectors * self.positions * self.folds

    def multiplications(self) -> int:
        """Of a frame: one for each weight and window, none where all weights are one."""
        return 0 if self._all_ones() else self.vectors * self.weights.size

    def schedule(self) -> Schedule:
        """The beats of the last position give the sums."""
        window = self.positions * self.folds
        last = window - self.folds + np.arange(self.folds, dtype=np.int64)
        writes = (np.arange(self.vectors, dtype=np.int64)[:, None] * window + last).reshape(-1)
        return Schedule(self.interval(), (steps(self.interval()),), (writes,), latency=4)

    def foldings(self) -> Iterator[VectorVectorUnit | ParallelVectorVectorUnit]:
        """PE divides the channels; whole windows."""
        for pe in divisors(self.channels):
            yield replace(self, pe=pe)
        if self.positions > 1:
            yield self.parallel()

    def parallel(self) -> ParallelVectorVectorUnit:
        """The unit that does the same with a window a cycle."""
        return ParallelVectorVectorUnit(self.weights, self.input, self.accumulator, self.vectors, self.res_type)

    def attributes(self) -> dict[str, int | str]:
        """SIMD (positions a cycle), PE, ram_style of the weights, resType of the multipliers."""
        return {"SIMD": 1, "PE": self.pe, "ram_style": self.ram_style, "resType": self.res_type}

    def with_attribute(self, name: str, value: int | str) -> VectorVectorUnit | ParallelVectorVectorUnit:
        """One of `attributes` changed; SIMD is 1 or all positions, and then PE all channels."""
        match name:
            case "SIMD":
                whole = legal_number(name, value, sorted({1, self.positions})) > 1
                return self.parallel() if whole else self
            case "PE":
                return replace(self, pe=legal_number(name, value, divisors(self.channels)))
            case "ram_style":
                return replace(self, ram_style=legal_word(name, value, RAM_STYLES))
            case "resType":
                return replace(self, res_type=legal_word(name, value, RES_TYPES))
        raise KeyError(name)

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """A product and an adder a lane, the memory of partial sums, the weights, pipeline registers and skid buffer.
        """
        bits = self.pe * self.accumulator.bits
        kept = lutram_luts(bits, self.folds, lut_inputs) if self.folds > 1 else 0
        registers = self.pe * self.input.bits + 7.0 + (bits if self.folds == 1 else 0)
        total = counter(self.positions * self.folds, lut_inputs) + counter(self.folds, lut_inputs) + skid_buffer(bits)
        total += Resources(lut=kept + bits + 4.0, lutram=kept, ff=registers + bits)
        if self._all_ones():
            return total + Resources(ff=float(self.pe * self.input.bits))
        weight, depth = self._weight_type(), self.positions * self.folds
        total += scaled(self._product().resources(lut_inputs), self.pe)
        return total + rom_resources(self.ram_style, self.pe * weight.bits, depth, lut_inputs, bram_bits)

    def binding(self) -> Binding:
        """The RTL instance with its weights."""
        weight, depth = self._weight_type(), self.positions * self.folds
        width = self.pe * weight.bits
        parameters: tuple[tuple[str, int | str], ...] = (
            ("PE", self.pe),
            ("FOLDS", self.folds),
            ("POSITIONS", self.positions),
            ("INPUT_BITS", self.input.bits),
            ("INPUT_SIGNED", int(self.input.signed)),
            ("WEIGHT_BITS", weight.bits),
            ("WEIGHT_SIGNED", int(weight.signed)),
            ("ALL_ONES", int(self._all_ones())),
            ("ACCUMULATOR_BITS", self.accumulator.bits),
            ("USE_DSP", int(not self._all_ones() and self._product().uses_dsp)),
            ("RAM_STYLE", resolve_rom_style(self.ram_style, width, depth)),
        )
        memories = () if self._all_ones() else (Memory("WEIGHTS_FILE", width, self._words(weight)),)
        return Binding(self.kind, SOURCES, parameters, memories)

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """(frames, vectors * positions * channels) to (frames, vectors * channels), exact."""
        (x,) = frames
        windows = x.reshape(x.shape[0], self.vectors, self.positions, self.channels)
        return ((windows * self.weights).sum(axis=2).reshape(x.shape[0], -1),)

    def _weight_type(self) -> IntType:
        return IntType.of_range(int(self.weights.min()), int(self.weights.max()))

    def _product(self) -> DotProduct:
        """Of one lane."""
        return DotProduct(1, self.input, WeightCode(self._weight_type(), False), self.accumulator.bits, self.res_type)

    def _all_ones(self) -> bool:
        return bool(np.all(self.weights == 1))

    def _words(self, weight: IntType) -> tuple[int, ...]:
        """One word a step: position by position, fold by fold."""
        return pack(self.weights.reshape(self.positions * self.folds, self.pe), weight.bits)


SOURCES = ("skid_buffer", "logic_rom", "rom", "adder_tree", "dot_product_products", "vector_vector_unit")
"""Files of the RTL, dependencies first."""
