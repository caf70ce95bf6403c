"""Folded product of a constant matrix with vectors: PE rows and SIMD columns a cycle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qcompile.ir.dataflow import Binding, Memory, Resources, Schedule, Stream
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.common import lutram_luts
from qcompile.kernels.dot_product import RES_TYPES, DotProduct, WeightCode, weight_code
from qcompile.kernels.folding import divisors, legal_number, legal_word
from qcompile.kernels.memory import RAM_STYLES, counter, pack, resolve_rom_style, rom_resources, scaled, skid_buffer


@dataclass(frozen=True, slots=True, eq=False)
class MatrixVectorUnit:
    """y[o] = bias[o] + sum over k of weights[o, k] * x[k], for `vectors` vectors a frame.

    `weights` is int64 (rows, columns), `bias` int64 (rows,) and free when zero; `accumulator` holds every y. A bipolar
    activation comes as `input` uint1 with 1 for +1: with bipolar weights the unit counts the bits of XNOR, which is the sum over
    {0, 1} plus the number of -1 weights of the row; a `bias` of just that number needs no initial values. For activations
    of more bits the same holds with (2**bits - 1) times that number, and minus that number where they are signed.
    """

    kind: ClassVar[str] = "matrix_vector_unit"

    weights: IntArray
    bias: IntArray
    input: IntType
    accumulator: IntType
    vectors: int = 1
    pe: int = 1
    simd: int = 1
    ram_style: str = "auto"
    res_type: str = "auto"

    @property
    def rows(self) -> int:
        """Outputs of one vector."""
        return int(self.weights.shape[0])

    @property
    def columns(self) -> int:
        """Inputs of one vector."""
        return int(self.weights.shape[1])

    @property
    def row_folds(self) -> int:
        """Output beats of one vector."""
        return self.rows // self.pe

    @property
    def column_folds(self) -> int:
        """Input beats of one vector, and cycles of one output beat."""
        return self.columns // self.simd

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """SIMD columns a beat."""
        return (Stream(self.input, self.simd, self.vectors * self.column_folds),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """PE rows a beat."""
        return (Stream(self.accumulator, self.pe, self.vectors * self.row_folds),)

    def interval(self) -> int:
        """Vectors * (rows / PE) * (columns / SIMD)."""
        return self.vectors * self.row_folds * self.column_folds

    def latency(self) -> int:
        """Cycles from the last step of a row to its beat: operands, dot product, accumulator, output."""
        return 2 + self._dot_product().latency() + int(self._accumulates())

    def schedule(self) -> Schedule:
        """The first row fold takes the vector; the last column fold of each row fold gives a beat."""
        starts = np.arange(self.vectors, dtype=np.int64)[:, None] * (self.row_folds * self.column_folds)
        reads = starts + np.arange(self.column_folds, dtype=np.int64)
        writes = starts + (np.arange(self.row_folds, dtype=np.int64) + 1) * self.column_folds - 1
        return Schedule(self.interval(), (reads.reshape(-1),), (writes.reshape(-1),), self.latency())

    def foldings(self) -> Iterator[MatrixVectorUnit]:
        """PE divides the rows, SIMD the columns."""
        for pe in divisors(self.rows):
            for simd in divisors(self.columns):
                yield replace(self, pe=pe, simd=simd)

    def attributes(self) -> dict[str, int | str]:
        """PE, SIMD, ram_style of the weights, resType of the multipliers."""
        return {"PE": self.pe, "SIMD": self.simd, "ram_style": self.ram_style, "resType": self.res_type}

    def with_attribute(self, name: str, value: int | str) -> MatrixVectorUnit:
        """One of `attributes` changed."""
        match name:
            case "PE":
                return replace(self, pe=legal_number(name, value, divisors(self.rows)))
            case "SIMD":
                return replace(self, simd=legal_number(name, value, divisors(self.columns)))
            case "ram_style":
                return replace(self, ram_style=legal_word(name, value, RAM_STYLES))
            case "resType":
                return replace(self, res_type=legal_word(name, value, RES_TYPES))
        raise KeyError(name)

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """Memory of weights and of initial values, input buffer, dot products, accumulators, control, output."""
        dot, steps = self._dot_product(), self.row_folds * self.column_folds
        width, outputs = self.pe * self.simd * dot.weight.element.bits, self.pe * self.accumulator.bits
        initials, operand = len(self._initial_words()), self.simd * self.input.bits
        stages = dot.latency() + 1
        total = rom_resources(self.ram_style, width, steps, lut_inputs, bram_bits)
        total += rom_resources("distributed", outputs, initials, lut_inputs, bram_bits)
        total += self._dot_products(dot, lut_inputs)
        total += counter(self.column_folds) + counter(steps) + counter(max(1, initials)) + skid_buffer(outputs)
        total += Resources(lut=10.0, ff=float(operand + stages + (self.row_folds > 1)))
        if self.row_folds > 1 and self.column_folds > 1:
            kept = lutram_luts(operand, self.column_folds, lut_inputs)
            total += Resources(lut=float(kept + operand), lutram=float(kept))
        if self._accumulates():
            delays = 2.0 * -(-stages // 16)  # shift registers of the flags `first` and `last`
            total += Resources(lut=2.0 * outputs + delays, lutram=delays, ff=outputs + 1.0)
        return total

    def binding(self) -> Binding:
        """The RTL instance with its weights and, where there are any, initial values."""
        code, dot = weight_code(self.weights), self._dot_product()
        element = code.element
        width, depth = self.pe * self.simd * element.bits, self.row_folds * self.column_folds
        memories = [Memory("WEIGHTS_FILE", width, self._weight_words(code))]
        initials = self._initial_words()
        if initials:
            memories.append(Memory("INITIAL_FILE", self.pe * self.accumulator.bits, initials))
        parameters: tuple[tuple[str, int | str], ...] = (
            ("ROWS", self.rows),
            ("COLUMNS", self.columns),
            ("PE", self.pe),
            ("SIMD", self.simd),
            ("INPUT_BITS", self.input.bits),
            ("INPUT_SIGNED", int(self.input.signed)),
            ("WEIGHT_BITS", element.bits),
            ("WEIGHT_SIGNED", int(element.signed)),
            ("BIPOLAR", int(code.bipolar)),
            ("PLANES", int(dot.planes)),
            ("USE_DSP", int(dot.uses_dsp)),
            ("ACCUMULATOR_BITS", self.accumulator.bits),
            ("INITIAL_DEPTH", len(initials)),
            ("RAM_STYLE", resolve_rom_style(self.ram_style, width, depth)),
        )
        return Binding(self.kind, SOURCES, parameters, tuple(memories))

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """(frames, vectors * columns) to (frames, vectors * rows), exact."""
        (x,) = frames
        vectors = x.reshape(-1, self.columns)
        largest = int(np.abs(self.weights).sum(axis=1).max()) * max(-self.input.lo, self.input.hi)
        if largest < 2**53:
            products = (vectors.astype(np.float64) @ self.weights.T.astype(np.float64)).astype(np.int64)
        else:
            products = vectors @ self.weights.T
        return ((products + self.bias).reshape(x.shape[0], -1),)

    def _weight_words(self, code: WeightCode) -> tuple[int, ...]:
        """One word a step: row fold by row fold, lanes ordered by row, then column; or by row, plane, column."""
        stored = (self.weights > 0).astype(np.int64) if code.bipolar else self.weights
        folded = stored.reshape(self.row_folds, self.pe, self.column_folds, self.simd).transpose(0, 2, 1, 3)
        steps = self.row_folds * self.column_folds
        if not self._dot_product().planes:
            return pack(folded.reshape(steps, -1), code.element.bits)
        lanes = folded.reshape(steps, self.pe, 1, self.simd)
        planes = lanes >> np.arange(code.element.bits)[:, None] & 1
        return pack(planes.reshape(steps, -1), 1)

    def _initial_words(self) -> tuple[int, ...]:
        """What the accumulators start from, a word a row fold; one word where all are equal, none where they are zero.

        A lane with a bipolar weight of -1 adds the complement of its input: -x - 1, or 2**bits - 1 - x if unsigned.
        """
        initials = self.bias
        if weight_code(self.weights).bipolar:
            negative = np.sum(self.weights < 0, axis=1)
            initials = initials + negative * (1 if self.input.signed else -self.input.hi)
        words = pack(initials.reshape(self.row_folds, self.pe), self.accumulator.bits)
        if len(set(words)) > 1:
            return words
        return words[:1] if words[0] else ()

    def _dot_product(self) -> DotProduct:
        return DotProduct(self.simd, self.input, weight_code(self.weights), self.accumulator.bits, self.res_type)

    def _dot_products(self, dot: DotProduct, lut_inputs: int) -> Resources:
        """One a lane; where the weights never change, logic shrinks around them and rows share what they have in common."""
        if self.row_folds * self.column_folds > 1:
            return scaled(dot.resources(lut_inputs), self.pe)
        grown = scaled(dot.resources(lut_inputs, self._density()), self.pe)
        return replace(grown, lut=0.6 * grown.lut, ff=0.7 * grown.ff)

    def _density(self) -> float:
        """Share of the weights' bits that are 1."""
        bits = weight_code(self.weights).element.bits
        return float(np.mean([np.mean(self.weights >> b & 1) for b in range(bits)]))

    def _accumulates(self) -> bool:
        return self.column_folds > 1 or bool(self._initial_words())


SOURCES = (
    "skid_buffer",
    "rom",
    "input_buffer",
    "adder_tree",
    "popcount",
    "dot_product_planes",
    "dot_product_products",
    "processing_element",
    "matrix_vector_unit",
)
"""Files of the RTL, dependencies first."""
