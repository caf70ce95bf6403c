"""Folded product of constant matrices with vectors: PE rows and SIMD columns a cycle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import gcd
from typing import ClassVar

import numpy as np

from qcompile.ir.dataflow import Binding, Memory, Resources, Schedule, Stream, steps
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.common import ram_resources, resolve_ram_style, single_port_luts
from qcompile.kernels.dot_product import RES_TYPES, DotProduct, WeightCode, weight_code
from qcompile.kernels.folding import divisors, legal_number, legal_word
from qcompile.kernels.memory import RAM_STYLES, counter, pack, resolve_rom_style, rom_resources, scaled, skid_buffer
from qcompile.ops.matrix_cycle import CyclicProduct, MatrixCycle

STATIONARY = ("output", "input")
"""What stays where it is while the other moves past: the sums of PE rows, or the inputs of SIMD columns."""


@dataclass(frozen=True, slots=True, eq=False)
class MatrixVectorUnit:
    """y[o] = bias[o] + sum over k of weights[o, k] * x[k], for every vector of a frame.

    `weights` is int64 (rows, columns), `bias` int64 (rows,) and free when zero; `accumulator` holds every y. Where the vectors
    of a frame meet several matrices, `turns` says which; they lie side by side in `weights` and share `bias`. No cycle is
    spent on columns that a matrix does not have. Otherwise a frame has `vectors` vectors.

    A bipolar activation comes as `input` uint1 with 1 for +1: with bipolar weights the unit counts the bits of XNOR, which is
    the sum over {0, 1} plus the number of -1 weights of the row; a `bias` of just that number needs no initial values. For
    activations of more bits the same holds with (2**bits - 1) times that number, and minus that number where they are signed.

    `stationary` is the order of the products. "output": row fold by row fold; the vector is kept, and passes again for each of
    them. "input": column fold by column fold; the sums of all rows are kept, and are complete a row fold a cycle while the last
    beat of the vector is there. Both take as long; the latter is done rows / PE cycles after its last input. It is for one matrix.
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
    turns: MatrixCycle | None = None
    stationary: str = "output"

    @property
    def rows(self) -> int:
        """Outputs of one vector."""
        return int(self.weights.shape[0])

    @property
    def cycle(self) -> MatrixCycle:
        """Which matrix each vector meets."""
        return self.turns or MatrixCycle(((int(self.weights.shape[1]),),), self.vectors)

    @property
    def columns(self) -> int:
        """What SIMD divides: the inputs of a vector, or their greatest common divisor where vectors differ."""
        return gcd(*self.cycle.lengths)

    @property
    def row_folds(self) -> int:
        """Output beats of one vector."""
        return self.rows // self.pe

    @property
    def column_folds(self) -> IntArray:
        """(matrices,): input beats of a vector, and cycles of one output beat."""
        return np.array(self.cycle.lengths, np.int64) // self.simd

    @property
    def depth(self) -> int:
        """Words of weights."""
        return self.row_folds * int(self.column_folds.sum())

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """SIMD columns a beat."""
        return (Stream(self.input, self.simd, self.cycle.elements // self.simd),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """PE rows a beat."""
        return (Stream(self.accumulator, self.pe, self.cycle.vectors * self.row_folds),)

    def interval(self) -> int:
        """(rows / PE) * (columns / SIMD), summed up over the vectors."""
        return self.row_folds * self.cycle.elements // self.simd

    def multiplications(self) -> int:
        """Of a frame: rows * columns, summed up over the vectors."""
        return self.rows * self.cycle.elements

    def latency(self) -> int:
        """Cycles from the last step of a row to its beat: operands, dot product, accumulator, output."""
        return 2 + self._dot_product().latency() + int(self._accumulates())

    def schedule(self) -> Schedule:
        """The first row fold takes the vector; the last column fold of each row fold gives a beat.

        Input-stationary: the first row fold of each column fold takes a beat; those of the last column fold give the sums.
        """
        if self.stationary == "input":
            vector = self.row_folds * int(self.column_folds[0])
            last = steps(self.vectors, vector, first=vector - self.row_folds)
            writes = (last[:, None] + np.arange(self.row_folds, dtype=np.int64)).reshape(-1)
            reads = steps(self.inputs[0].beats, self.row_folds)
            return Schedule(self.interval(), (reads,), (writes,), self.latency())
        folds = self.column_folds[self.cycle.order()]
        taken = self.cycle.starts() // self.simd
        starts = taken[:-1] * self.row_folds
        reads = np.repeat(starts - taken[:-1], folds) + np.arange(taken[-1])
        writes = starts[:, None] + (np.arange(self.row_folds, dtype=np.int64) + 1) * folds[:, None] - 1
        return Schedule(self.interval(), (reads,), (writes.reshape(-1),), self.latency())

    def foldings(self) -> Iterator[MatrixVectorUnit]:
        """PE divides the rows, SIMD the columns of every matrix."""
        for pe in divisors(self.rows):
            for simd in divisors(self.columns):
                yield replace(self, pe=pe, simd=simd)

    def orders(self) -> Iterator[MatrixVectorUnit]:
        """Output- and input-stationary, where they differ."""
        differ = self.turns is None and self.pe < self.rows and self.simd < self.columns
        for stationary in STATIONARY if differ else (self.stationary,):
            yield replace(self, stationary=stationary)

    def attributes(self) -> dict[str, int | str]:
        """PE, SIMD, ram_style of the weights, resType of the multipliers, what is stationary."""
        return {
            "PE": self.pe,
            "SIMD": self.simd,
            "ram_style": self.ram_style,
            "resType": self.res_type,
            "stationary": self.stationary,
        }

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
            case "stationary":
                legal = STATIONARY if self.turns is None else STATIONARY[:1]
                return replace(self, stationary=legal_word(name, value, legal))
        raise KeyError(name)

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """Memory of weights and of initial values, input buffer or sums, dot products, accumulators, control, output."""
        dot, widest = self._dot_product(), int(self.column_folds.max())
        width, outputs = self.pe * self.simd * dot.weight.element.bits, self.pe * self.accumulator.bits
        initials, operand = len(self._initial_words()), self.simd * self.input.bits
        stages = dot.latency() + 1
        total = rom_resources(self.ram_style, width, self.depth, lut_inputs, bram_bits)
        total += rom_resources("distributed", outputs, initials, lut_inputs, bram_bits)
        total += self._dot_products(dot, lut_inputs) + counter(self.depth, lut_inputs) + skid_buffer(outputs)
        total += Resources(lut=10.0, ff=float(operand + stages + (self.row_folds > 1)))
        if self.stationary == "input":
            return total + self._sums(stages, lut_inputs, bram_bits)
        total += counter(widest, lut_inputs) + counter(max(1, initials), lut_inputs)
        total += self._sequence(widest, initials, lut_inputs, bram_bits)
        if self.row_folds > 1 and widest > 1:
            kept = single_port_luts(operand, widest, lut_inputs)
            total += Resources(lut=float(kept + operand), lutram=float(kept))
        if self._accumulates():
            delays = 2.0 * -(-stages // 16)  # shift registers of the flags `first` and `last`
            total += Resources(lut=delays, lutram=delays, ff=1.0)
            if not (lut_inputs >= 6 and self.simd == 1 and dot.uses_dsp):  # where it is not inside the DSP48
                total += Resources(lut=outputs, ff=outputs)
        return total

    def binding(self) -> Binding:
        """The RTL instance with its weights and, where there are any, initial values."""
        code, dot = weight_code(self.weights), self._dot_product()
        element = code.element
        width, cycle = self.pe * self.simd * element.bits, self.cycle
        memories = [Memory("WEIGHTS_FILE", width, self._weight_words(code))]
        initials = self._initial_words()
        if initials:
            memories.append(Memory("INITIAL_FILE", self.pe * self.accumulator.bits, initials))
        if not cycle.regular:
            memories.append(_table("MATRICES_FILE", self.row_folds * self.column_folds, self.column_folds))
            if len(initials) > 1:
                rows = np.full(cycle.matrices, self.row_folds, np.int64)
                memories.append(_table("INITIAL_ROWS_FILE", rows, rows))
        by_input = self.stationary == "input"
        parameters: tuple[tuple[str, int | str], ...] = (
            ("ROWS", self.rows),
            ("COLUMNS", cycle.lengths[0]),
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
            *(self._sequence_parameters() if cycle.matrices > 1 else ()),
            ("RAM_STYLE", resolve_rom_style(self.ram_style, width, self.depth)),
            *((("SUMS_STYLE", self._sums_style()),) if by_input else ()),
        )
        sources = (*ARITHMETIC, *(INPUT_STATIONARY if by_input else OUTPUT_STATIONARY))
        return Binding(sources[-1], sources, parameters, tuple(memories))

    def _sequence_parameters(self) -> tuple[tuple[str, int], ...]:
        """Which matrix it is that a vector meets."""
        cycle = self.cycle
        return (
            ("MATRICES", cycle.matrices),
            ("DEPTH", self.depth),
            ("TABLE", int(not cycle.regular)),
            ("WIDEST", max(cycle.lengths)),
            ("SEGMENTS", len(cycle.columns)),
            ("ROW_VECTORS", cycle.width),
            ("FRAME_ROWS", cycle.height),
        )

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """(frames, elements of all vectors) to (frames, vectors * rows), exact."""
        (x,) = frames
        product = CyclicProduct(self.cycle, (self.cycle.vectors, self.rows))
        return ((product.evaluate(x, self.weights) + self.bias).reshape(x.shape[0], -1),)

    def _matrices(self, numbers: IntArray) -> list[IntArray]:
        """Numbers of the shape of `weights` as one array (rows, columns) a matrix."""
        return np.split(numbers, self.cycle.begins[1:-1], axis=1)

    def _weight_words(self, code: WeightCode) -> tuple[int, ...]:
        """One word a step, matrix by matrix, lanes ordered by row, then column; or by row, plane, column."""
        axes = (2, 0, 1, 3) if self.stationary == "input" else (0, 2, 1, 3)
        stored = (self.weights > 0).astype(np.int64) if code.bipolar else self.weights
        words: list[int] = []
        for matrix in self._matrices(stored):
            folded = matrix.reshape(self.row_folds, self.pe, -1, self.simd).transpose(axes)
            lanes = folded.reshape(-1, self.pe, 1, self.simd)
            if not self._dot_product().planes:
                words += pack(lanes.reshape(lanes.shape[0], -1), code.element.bits)
                continue
            planes = lanes >> np.arange(code.element.bits)[:, None] & 1
            words += pack(planes.reshape(lanes.shape[0], -1), 1)
        return tuple(words)

    def _initial_words(self) -> tuple[int, ...]:
        """What the accumulators start from, a word a row fold, matrix by matrix; one word where all are equal, none where
        they are zero.

        A lane with a bipolar weight of -1 adds the complement of its input: -x - 1, or 2**bits - 1 - x if unsigned.
        """
        initials = np.broadcast_to(self.bias, (self.cycle.matrices, self.rows))
        if weight_code(self.weights).bipolar:
            negative = np.stack([np.sum(matrix < 0, axis=1) for matrix in self._matrices(self.weights)])
            initials = initials + negative * (1 if self.input.signed else -self.input.hi)
        words = pack(initials.reshape(-1, self.pe), self.accumulator.bits)
        if len(set(words)) > 1:
            return words
        return words[:1] if words[0] else ()

    def _sequence(self, widest: int, initials: int, lut_inputs: int, bram_bits: int) -> Resources:
        """What knows whose turn it is: nothing for one matrix, else a counter of rows, and counters and a table where vectors
        do not simply take turns.
        """
        cycle = self.cycle
        if cycle.matrices == 1:
            return Resources()
        total = counter(self.row_folds, lut_inputs)
        if cycle.regular:
            return total
        for size in (widest, self.row_folds)[: 2 if initials > 1 else 1]:
            width = max(1, (size - 1).bit_length()) + max(1, (self.depth - 1).bit_length())
            index = (cycle.matrices - 1).bit_length()
            for limit in (len(cycle.columns[0]), cycle.width, cycle.height):
                total += counter(limit, lut_inputs)
            total += rom_resources("distributed", width, cycle.matrices, lut_inputs, bram_bits)
            total += Resources(lut=3.0 * index + width, ff=float(index + 1))
        return total

    def _sums_style(self) -> str:
        """What the sums of an input-stationary unit wait in."""
        return resolve_ram_style("auto", self.pe * self.accumulator.bits, self.row_folds)

    def _sums(self, stages: int, lut_inputs: int, bram_bits: int) -> Resources:
        """The sums of an input-stationary unit: adders, memory, registers of the results, and what knows the row."""
        outputs, folds = self.pe * self.accumulator.bits, self.row_folds
        delays = 2.0 * -(-stages // 16)
        total = Resources(lut=2.0 * outputs + delays, lutram=delays, ff=outputs + 1.0)
        if int(self.column_folds[0]) == 1:
            return total
        if folds == 1:
            return total + Resources(ff=float(outputs))
        address = counter(folds, lut_inputs)
        total += address + address + Resources(ff=address.ff)
        return total + ram_resources(self._sums_style(), outputs, folds, lut_inputs, bram_bits)

    def _dot_product(self) -> DotProduct:
        return DotProduct(self.simd, self.input, weight_code(self.weights), self.accumulator.bits, self.res_type)

    def _dot_products(self, dot: DotProduct, lut_inputs: int) -> Resources:
        """One a lane; where the weights never change, logic shrinks around them and rows share what they have in common."""
        if self.depth > 1:
            return scaled(dot.resources(lut_inputs), self.pe)
        grown = scaled(dot.resources(lut_inputs, self._density()), self.pe)
        return replace(grown, lut=0.6 * grown.lut, ff=0.7 * grown.ff)

    def _density(self) -> float:
        """Share of the weights' bits that are 1."""
        bits = weight_code(self.weights).element.bits
        return float(np.mean([np.mean(self.weights >> b & 1) for b in range(bits)]))

    def _accumulates(self) -> bool:
        return self.stationary == "input" or int(self.column_folds.max()) > 1 or bool(self._initial_words())


def _table(parameter: str, sizes: IntArray, folds: IntArray) -> Memory:
    """For each matrix its folds less 1, and above them the word at which it begins; `sizes` are its words."""
    low, high = (max(1, int(limit - 1).bit_length()) for limit in (folds.max(), sizes.sum()))
    starts = np.cumsum(sizes) - sizes
    words = tuple(int(start) << low | int(fold - 1) for start, fold in zip(starts, folds, strict=True))
    return Memory(parameter, low + high, words)


ARITHMETIC = (
    "skid_buffer",
    "logic_rom",
    "rom",
    "input_buffer",
    "adder_tree",
    "popcount",
    "dot_product_planes",
    "dot_product_products",
    "processing_element",
)
"""Files of the RTL that both orders need, dependencies first."""

OUTPUT_STATIONARY = ("matrix_sequence", "matrix_walk", "matrix_vector_unit")
INPUT_STATIONARY = ("simple_dual_port_ram", "input_stationary_unit")
