"""The product of two matrices that are both computed: attention."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qcompile.ir.dataflow import Binding, Resources, Schedule, Stream
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.common import ram_resources
from qcompile.kernels.dot_product import DSP_FROM, RES_TYPES, tree, tree_latency
from qcompile.kernels.folding import divisors, legal_number, legal_word
from qcompile.kernels.memory import LUTS_PER_BLOCK, RAM_STYLES


@dataclass(frozen=True, slots=True)
class MatrixMatrixUnit:
    """C = A * B for `products` pairs of matrices a frame: A (rows, inner) row by row, B (inner, columns).

    `transposed`: B comes column by column, and SIMD elements of a row meet those of a column. Otherwise it comes row by
    row, and an element of A meets PE columns. What is multiplied is factors[0] * a + terms[0] and factors[1] * b + terms[1];
    `output` holds every sum. B is kept while the rows of A meet it; it is taken during the first.
    """

    kind: ClassVar[str] = "matrix_matrix_unit"

    operands: tuple[IntType, IntType]
    factors: tuple[int, int]
    terms: tuple[int, int]
    output: IntType
    rows: int
    inner: int
    columns: int
    transposed: bool
    products: int = 1
    lanes: int = 1
    ram_style: str = "auto"
    res_type: str = "auto"

    @property
    def middle_count(self) -> int:
        """Columns of a transposed B, rows of another."""
        return self.columns if self.transposed else self.inner

    @property
    def inner_count(self) -> int:
        """Beats of such a column or row."""
        return (self.inner if self.transposed else self.columns) // self.lanes

    @property
    def words(self) -> int:
        """Beats of B."""
        return self.middle_count * self.inner_count

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """A, then B."""
        a, b = self.operands
        lanes = self.lanes if self.transposed else 1
        return (
            Stream(a, lanes, self.products * self.rows * self.inner // lanes),
            Stream(b, self.lanes, self.products * self.words),
        )

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """Row by row."""
        lanes = 1 if self.transposed else self.lanes
        return (Stream(self.output, lanes, self.products * self.rows * self.columns // lanes),)

    def interval(self) -> int:
        """LANES products a cycle."""
        return self.products * self.rows * self.words

    def multiplications(self) -> int:
        """Of a frame: rows * inner * columns for each pair of matrices."""
        return self.products * self.rows * self.inner * self.columns

    def schedule(self) -> Schedule:
        """Every row of A meets the whole of B, which passes by with the first."""
        position = np.arange(self.interval(), dtype=np.int64).reshape(
            self.products, self.rows, self.middle_count, self.inner_count
        )
        of_a = position[:, :, 0] if self.transposed else position[:, :, :, 0]
        sums = position[:, :, :, -1] if self.transposed else position[:, :, -1]
        dot = 1 + tree_latency(self.lanes) if self.transposed else 1
        return Schedule(
            self.interval(), (of_a.reshape(-1), position[:, 0].reshape(-1)), (sums.reshape(-1),), latency=4 + dot
        )

    def foldings(self) -> Iterator[MatrixMatrixUnit]:
        """Lanes along the summed axis where B is transposed, else along its columns."""
        for lanes in self._legal():
            yield replace(self, lanes=lanes)

    def attributes(self) -> dict[str, int | str]:
        """SIMD or PE, ram_style of the kept matrix, resType of the multipliers."""
        name = "SIMD" if self.transposed else "PE"
        return {name: self.lanes, "ram_style": self.ram_style, "resType": self.res_type}

    def with_attribute(self, name: str, value: int | str) -> MatrixMatrixUnit:
        """One of `attributes` changed."""
        if name not in self.attributes():
            raise KeyError(name)
        match name:
            case "ram_style":
                return replace(self, ram_style=legal_word(name, value, RAM_STYLES))
            case "resType":
                return replace(self, res_type=legal_word(name, value, RES_TYPES))
        return replace(self, lanes=legal_number(name, value, self._legal()))

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """A multiplier a lane with a tree or accumulators, the kept matrix and row, four slices."""
        left, right = self._factor_types()
        simd, sums = (self.lanes, 1) if self.transposed else (1, self.lanes)
        bits_in, bits_out = sum(s.bits for s in self.inputs), self.outputs[0].bits
        kept = simd * left.bits
        total = Resources(lut=bits_in + 2.0 * bits_out + 30, ff=2.0 * bits_in + 3.0 * bits_out + kept + 40)
        total += tree(simd, left.bits + right.bits, left.signed or right.signed, self.output.bits)
        if self.rows > 1 and self.words > 1:
            total += ram_resources(self._style(), self.lanes * right.bits, self.words, lut_inputs, bram_bits)
        else:
            total += Resources(ff=float(self.lanes * right.bits))
        if self.transposed and self.inner_count > 1 and self.columns > 1:
            total += ram_resources("distributed", kept, self.inner_count, lut_inputs, bram_bits)
        if not self.transposed and self.inner_count > 1:
            total += ram_resources("distributed", sums * self.output.bits, self.inner_count, lut_inputs, bram_bits)
        if self._uses_dsp():
            return total + Resources(dsp=self.lanes)
        product = left.bits * right.bits * (1.0 if lut_inputs >= 6 else 2.0)
        return total + Resources(lut=self.lanes * product, ff=float(self.lanes * (left.bits + right.bits)))

    def binding(self) -> Binding:
        """The RTL instance."""
        a, b = self.operands
        left, right = self._factor_types()
        parameters: tuple[tuple[str, int | str], ...] = (
            ("ROWS", self.rows),
            ("MIDDLE", self.middle_count),
            ("INNER", self.inner_count),
            ("LANES", self.lanes),
            ("TRANSPOSED", int(self.transposed)),
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
            ("RAM_STYLE", self._style()),
            ("USE_DSP", int(self._uses_dsp())),
        )
        sources = ("skid_buffer", "input_buffer", "adder_tree", "dot_product_products", "matrix_matrix_unit")
        return Binding(self.kind, sources, parameters)

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """(frames, products * rows * inner) and (frames, products * inner * columns) to (frames, products * rows * columns)."""
        a, b = (x * f + t for x, f, t in zip(frames, self.factors, self.terms, strict=True))
        left = a.reshape(-1, self.products, self.rows, self.inner)
        if self.transposed:
            right = b.reshape(-1, self.products, self.columns, self.inner).swapaxes(-1, -2)
        else:
            right = b.reshape(-1, self.products, self.inner, self.columns)
        return (np.matmul(left, right).reshape(left.shape[0], -1),)

    def _legal(self) -> tuple[int, ...]:
        return divisors(self.inner if self.transposed else self.columns)

    def _factor_types(self) -> tuple[IntType, IntType]:
        left, right = (
            IntType.of_range(min(e.lo * f + t, e.hi * f + t), max(e.lo * f + t, e.hi * f + t))
            for e, f, t in zip(self.operands, self.factors, self.terms, strict=True)
        )
        return left, right

    def _style(self) -> str:
        """What the kept matrix is made of; `auto` takes the cheaper of LUTs and block RAM."""
        if self.ram_style != "auto":
            return self.ram_style
        width = self.lanes * self._factor_types()[1].bits
        distributed = ram_resources("distributed", width, self.words, 6, 18432)
        block = ram_resources("block", width, self.words, 6, 18432)
        return "block" if distributed.lut > LUTS_PER_BLOCK * block.bram18 else "distributed"

    def _uses_dsp(self) -> bool:
        left, right = (element.bits for element in self._factor_types())
        if min(left, right) == 1 or self.res_type == "lut":
            return False
        return self.res_type == "dsp" or left * right >= DSP_FROM
