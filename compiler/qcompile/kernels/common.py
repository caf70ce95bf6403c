"""What several kernels are made of: multiplexers and memories that can be written, and what they cost."""

from __future__ import annotations

from qcompile.ir.dataflow import Resources
from qcompile.ir.types import IntType
from qcompile.kernels.memory import LUTS_PER_BLOCK, block_rams, ultra_rams


def mux_luts(ways: int, lut_inputs: int) -> int:
    """LUTs of a multiplexer of one bit with a binary address.

    A LUT6 takes four ways, and multiplexers of the slice join LUTs; of LUT4 it is a tree, two ways each.
    """
    if ways <= 1:
        return 0
    return -(-ways // 4) if lut_inputs >= 6 else ways - 1


def lutram_luts(width: int, depth: int, lut_inputs: int) -> int:
    """LUTs used as memory by a simple dual-port memory of `depth` words of `width` bits.

    Four LUT6 hold 32 words of 6 bits or 64 words of 3 bits; four LUT4 hold 16 words of 4 bits.
    """
    if lut_inputs < 6:
        return 4 * -(-width // 4) * -(-depth // 16)
    if depth <= 32:
        return 4 * -(-width // 6)
    return 4 * -(-width // 3) * -(-depth // 64)


def single_port_luts(width: int, depth: int, lut_inputs: int) -> int:
    """LUTs used as memory by `depth` words of `width` bits with one address: eight bits of 32 words in four LUT6."""
    if lut_inputs < 6:
        return lutram_luts(width, depth, lut_inputs)
    return 4 * -(-width // 8) if depth <= 32 else width * -(-depth // 64)


def ram_resources(style: str, width: int, depth: int, lut_inputs: int, bram_bits: int) -> Resources:
    """A simple dual-port memory in this style, with its output register, without its addresses."""
    if style == "block":
        return Resources(bram18=block_rams(width, depth, bram_bits))
    if style == "ultra":
        return Resources(uram=ultra_rams(width, depth))
    lutram = lutram_luts(width, depth, lut_inputs)
    banks = -(-depth // (64 if lut_inputs >= 6 else 16))
    return Resources(lut=lutram + width * mux_luts(banks, lut_inputs), lutram=lutram, ff=width)


def with_padding(element: IntType, padding: int) -> IntType:
    """The type of elements among which there is padding: `element` where that holds it, else the least that holds both."""
    if element.contains(padding, padding):
        return element
    return IntType.of_range(min(element.lo, padding), max(element.hi, padding))


def resolve_ram_style(ram_style: str, width: int, depth: int) -> str:
    """The style of a simple dual-port memory: `auto` becomes the cheaper RAM."""
    if ram_style != "auto":
        return ram_style
    distributed = ram_resources("distributed", width, depth, 6, 18432)
    block = ram_resources("block", width, depth, 6, 18432)
    return "block" if distributed.lut > LUTS_PER_BLOCK * block.bram18 else "distributed"
