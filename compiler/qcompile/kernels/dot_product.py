"""A constant vector times a vector, SIMD elements a cycle: which circuit, how long, how large."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qcompile.ir.dataflow import Resources
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.memory import scaled

RES_TYPES = ("auto", "lut", "dsp")
DSP_FROM = 25
"""Product of the operands' widths from which `auto` takes a DSP: some 40 LUTs."""

PLANES_TO = 4
"""Product of the operands' widths up to which planes are considered where neither is one bit: beyond, products win."""


@dataclass(frozen=True, slots=True)
class WeightCode:
    """How weights are stored: as integers of `element`, or, `bipolar`, in one bit with 1 for +1 and 0 for -1."""

    element: IntType
    bipolar: bool


def weight_code(weights: IntArray) -> WeightCode:
    """The narrowest code of these weights."""
    lo, hi = int(weights.min()), int(weights.max())
    if lo == -1 and bool(np.all(np.abs(weights) == 1)):
        return WeightCode(IntType(1, False), True)
    return WeightCode(IntType.of_range(lo, hi), False)


@dataclass(frozen=True, slots=True)
class DotProduct:
    """`dot_product_planes` or `dot_product_products`, whichever takes fewer LUT6.

    Planes count the bits of every pair of bit planes: best for one-bit operands and for long sums of two-bit ones.
    Products are multipliers and a tree of adders.
    """

    simd: int
    input: IntType
    weight: WeightCode
    sum_bits: int
    res_type: str

    @property
    def uses_dsp(self) -> bool:
        """Whether the products are DSP blocks."""
        bits = self.weight.element.bits, self.input.bits
        if min(bits) == 1 or self.res_type == "lut":
            return False
        return self.res_type == "dsp" or bits[0] * bits[1] >= DSP_FROM

    @property
    def planes(self) -> bool:
        """Whether bits are counted plane by plane."""
        a, w = self.input, self.weight.element
        if self.uses_dsp or (1, True) in ((a.bits, a.signed), (w.bits, w.signed)):
            return False
        if min(a.bits, w.bits) > 1 and a.bits * w.bits > PLANES_TO:
            return False
        return self._planes(6).lut < self._products(6).lut

    def latency(self) -> int:
        """Cycles from the operands to the sum."""
        if not self.planes:
            return 1 + tree_latency(self.simd)
        return popcount_latency(self.simd) + tree_latency(self.input.bits) + tree_latency(self.weight.element.bits)

    def resources(self, lut_inputs: int, density: float = 1.0) -> Resources:
        """Of one dot product with all its registers but those of the operands.

        `density` is the share of weight bits that are 1, where the weights are constants that the logic grows around.
        """
        return self._planes(lut_inputs, density) if self.planes else self._products(lut_inputs, density)

    def _planes(self, lut_inputs: int, density: float = 1.0) -> Resources:
        """A counter for every pair of planes, then the sums with their weights."""
        a, w = self.input, self.weight.element
        counted = self.simd if self.weight.bipolar else max(1, round(self.simd * density))
        inner, plane = weighted_tree(a.bits, counted.bit_length())
        outer, _ = weighted_tree(w.bits, plane)
        return scaled(popcount(counted, lut_inputs), w.bits * a.bits) + scaled(inner, w.bits) + outer

    def _products(self, lut_inputs: int, density: float = 1.0) -> Resources:
        """A multiplier a lane, then a tree."""
        a, w = self.input, self.weight.element
        narrow, wide = sorted((a.bits, w.bits))
        flag = narrow == 1 and not (a.signed if a.bits == 1 else w.signed)
        bits = wide if flag else wide + narrow
        if self.uses_dsp:
            adders = tree(self.simd, bits, is_signed=True)
            if lut_inputs < 6:
                return adders + Resources(ff=float(self.simd * bits), dsp=self.simd)
            inside = self.simd // 2 * (bits + 1)  # a DSP48 has the product's register and the first level's adder
            return Resources(lut=adders.lut - inside, ff=adders.ff, dsp=self.simd)
        lut = wide if self.weight.bipolar else product_luts(narrow, wide, lut_inputs)
        product = Resources(lut=float(lut * density), ff=float(bits))
        return scaled(product, self.simd) + tree(self.simd, bits, a.signed or w.signed)


def product_luts(narrow: int, wide: int, lut_inputs: int) -> float:
    """Of one multiplier in logic: rows of full adders. Fitted to Yosys."""
    if narrow == 1:  # for LUT6 parts it makes the gate the synchronous reset of the product's register
        return 1.0 if lut_inputs >= 6 else wide + 3.0
    rows = (2 * wide - 1) * (narrow - 2) + wide + narrow + (wide if narrow == 2 else 0)
    small = 0.75 if narrow + wide <= 7 else 1.0
    return rows * small * (1.0 if lut_inputs >= 6 else 2.3)


def tree_latency(count: int) -> int:
    """Of an `adder_tree`: a register behind every two levels and behind the last one."""
    return ((count - 1).bit_length() + 1) // 2


def popcount_latency(count: int) -> int:
    """Of a `popcount`."""
    return 1 if count <= 3 else 3 + tree_latency(-(-count // 18))


def tree(count: int, bits: int, is_signed: bool, sum_bits: int = 64) -> Resources:
    """An `adder_tree` of `count` operands of `bits` bits: a LUT for each bit of an operand, and for its sign."""
    lut = ff = level = 0
    while count > 1:
        level += 1
        lut += count // 2 * (bits + int(is_signed))
        count, bits = (count + 1) // 2, min(bits + 1, sum_bits)
        if level % 2 == 0 or count == 1:
            ff += count * bits
    return Resources(lut=float(lut), ff=float(ff))


def weighted_tree(count: int, bits: int) -> tuple[Resources, int]:
    """A weighted `adder_tree`, and the width of its sum."""
    if count == 1:
        return Resources(), bits
    lut = ff = 0
    nodes, width = count, bits
    for level in range(1, (count - 1).bit_length() + 1):
        lut += nodes // 2 * (width + 1)
        nodes, width = (nodes + 1) // 2, min(bits + (1 << level), bits + count)
        if level % 2 == 0 or nodes == 1:
            ff += nodes * width
    return Resources(lut=float(lut), ff=float(ff)), bits + count


def popcount(count: int, lut_inputs: int) -> Resources:
    """A `popcount`: counters of three bits, of six bits, sums of their results, a tree."""
    triples, result = -(-count // 3), count.bit_length()
    if triples == 1:
        return Resources(lut=float(2 * (count > 1)), ff=float(1 + (count > 1)))
    groups = -(-triples // 6)
    lut, ff = 2.0 * triples, 2.0 * triples
    for group in range(groups):
        taken = len(range(group, triples, groups))
        numbers = min(3, taken.bit_length())  # bits of the two numbers of a group
        lut += (2 * numbers if taken > 1 else 0) + numbers
        ff += 2 * numbers + min(numbers + 2, result)
    if lut_inputs < 6:
        lut += 3.0 * triples + 8.0 * groups
    return Resources(lut=lut, ff=ff) + tree(groups, 5, is_signed=False, sum_bits=result)
