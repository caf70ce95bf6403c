"""Each channel with weights of its own, a whole window a cycle: depthwise convolution behind a parallel window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qcompile.ir.dataflow import Binding, Memory, Resources, Schedule, Stream, steps
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.dot_product import RES_TYPES, DotProduct, WeightCode
from qcompile.kernels.folding import legal_number, legal_word
from qcompile.kernels.memory import pack, scaled, skid_buffer


@dataclass(frozen=True, slots=True, eq=False)
class ParallelVectorVectorUnit:
    """As `VectorVectorUnit`, a window in each beat: y[c] = sum over p of weights[p, c] * x[p, c].

    `weights` is int64 (positions, channels), constants that the logic grows around. `accumulator` holds every y.
    """

    kind: ClassVar[str] = "parallel_vector_vector_unit"

    weights: IntArray
    input: IntType
    accumulator: IntType
    vectors: int = 1
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
    def inputs(self) -> tuple[Stream, ...]:
        """A window a beat, position after position."""
        return (Stream(self.input, self.positions * self.channels, self.vectors),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """All channels in a beat."""
        return (Stream(self.accumulator, self.channels, self.vectors),)

    def interval(self) -> int:
        """A cycle a window."""
        return self.vectors

    def multiplications(self) -> int:
        """Of a frame: one for each weight and window, none where all weights are one."""
        return 0 if bool(np.all(self.weights == 1)) else self.vectors * self.weights.size

    def schedule(self) -> Schedule:
        """A window in, its sums out."""
        order = steps(self.vectors)
        return Schedule(self.vectors, (order,), (order,), latency=2 + self._dot_product().latency())

    def foldings(self) -> Iterator[ParallelVectorVectorUnit]:
        """There is nothing to fold."""
        yield self

    def attributes(self) -> dict[str, int | str]:
        """SIMD, which is all positions, PE, which is all channels, and resType of the multipliers."""
        return {"SIMD": self.positions, "PE": self.channels, "resType": self.res_type}

    def with_attribute(self, name: str, value: int | str) -> ParallelVectorVectorUnit:
        """Other multipliers; SIMD and PE leave no choice."""
        match name:
            case "SIMD":
                legal_number(name, value, (self.positions,))
                return self
            case "PE":
                legal_number(name, value, (self.channels,))
                return self
            case "resType":
                return replace(self, res_type=legal_word(name, value, RES_TYPES))
        raise KeyError(name)

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """A dot product a channel, grown around its weights, registers of the window, the output."""
        dot, bits = self._dot_product(), self._weight_type().bits
        density = float(np.mean([np.mean(self.weights >> b & 1) for b in range(bits)]))
        products = scaled(dot.resources(lut_inputs, density), self.channels)
        window = self.inputs[0].bits + dot.latency() + 1
        return products + skid_buffer(self.outputs[0].bits) + Resources(lut=2.0, ff=float(window))

    def binding(self) -> Binding:
        """The RTL instance with its weights."""
        weight, dot = self._weight_type(), self._dot_product()
        ones = bool(np.all(self.weights == 1))
        parameters: tuple[tuple[str, int | str], ...] = (
            ("CHANNELS", self.channels),
            ("POSITIONS", self.positions),
            ("INPUT_BITS", self.input.bits),
            ("INPUT_SIGNED", int(self.input.signed)),
            ("WEIGHT_BITS", weight.bits),
            ("WEIGHT_SIGNED", int(weight.signed)),
            ("ALL_ONES", int(ones)),
            ("PLANES", int(dot.planes)),
            ("USE_DSP", int(dot.uses_dsp)),
            ("ACCUMULATOR_BITS", self.accumulator.bits),
        )
        width = self.channels * self.positions * weight.bits
        memories = () if ones else (Memory("WEIGHTS_FILE", width, self._words(weight)),)
        return Binding(self.kind, SOURCES, parameters, memories)

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """(frames, vectors * positions * channels) to (frames, vectors * channels), exact."""
        (x,) = frames
        windows = x.reshape(x.shape[0], self.vectors, self.positions, self.channels)
        return ((windows * self.weights).sum(axis=2).reshape(x.shape[0], -1),)

    def _weight_type(self) -> IntType:
        return IntType.of_range(int(self.weights.min()), int(self.weights.max()))

    def _dot_product(self) -> DotProduct:
        code = WeightCode(self._weight_type(), False)
        return DotProduct(self.positions, self.input, code, self.accumulator.bits, self.res_type)

    def _words(self, weight: IntType) -> tuple[int, ...]:
        """One word: channel by channel, then position by position, or with planes bit by bit and position by position."""
        if not self._dot_product().planes:
            return pack(self.weights.T.reshape(1, -1), weight.bits)
        planes = self.weights.T[:, None, :] >> np.arange(weight.bits)[:, None] & 1
        return pack(planes.reshape(1, -1), 1)


SOURCES = (
    "skid_buffer",
    "logic_rom",
    "rom",
    "adder_tree",
    "popcount",
    "dot_product_planes",
    "dot_product_products",
    "processing_element",
    "parallel_vector_vector_unit",
)
"""Files of the RTL, dependencies first."""
