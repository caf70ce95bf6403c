"""Constant memories of kernels: packing their words, choosing their style, counting what they cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qcompile.ir.dataflow import Resources
from qcompile.ir.types import IntArray

RAM_STYLES = ("auto", "distributed", "block", "ultra")
LUTS_PER_BLOCK = 128
"""A block RAM is worth so many LUTs: a little under their ratio on small Zynq and Artix parts (190 on the xc7z020)."""


def pack(codes: IntArray, bits: int) -> tuple[int, ...]:
    """Memory words from integers (words, lanes), lane 0 in the low bits, each reduced to its low `bits` bits."""
    masked = codes.astype(np.uint64) & np.uint64((1 << bits) - 1)
    planes = masked[:, :, None] >> np.arange(bits, dtype=np.uint64) & np.uint64(1)
    rows = np.packbits(planes.reshape(codes.shape[0], -1).astype(np.uint8), axis=1, bitorder="little")
    return tuple(int.from_bytes(row.tobytes(), "little") for row in rows)


def block_rams(width: int, depth: int, block_bits: int = 18432) -> int:
    """Least number of simple dual-port block RAMs of `block_bits` bits for `depth` words of `width` bits.

    An 18-kbit block is 16384x1, 8192x2, 4096x4, 2048x9, 1024x18 or 512x36; one of 4 kbit (iCE40) 2048x2 to 256x16.
    """
    if block_bits >= 18432:
        shapes: tuple[tuple[int, int], ...] = (
            (16384, 1),
            (8192, 2),
            (4096, 4),
            (2048, 9),
            (1024, 18),
            (512, 36),
        )
    else:
        shapes = tuple((block_bits // w, w) for w in (2, 4, 8, 16))
    return min(-(-width // w) * -(-depth // d) for d, w in shapes)


def ultra_rams(width: int, depth: int) -> int:
    """UltraRAMs, 4096x72 each, for `depth` words of `width` bits."""
    return -(-width // 72) * -(-depth // 4096)


def lut_roms(width: int, depth: int, lut_inputs: int) -> float:
    """LUTs of a read-only memory made of logic: one a bit for each 2**lut_inputs words; the slice joins up to four.

    Bits that are alike in every word share their LUT, and so do constant ones; in a shallow memory that is most of them.
    """
    return distinct_bits(width, depth) * leaves(depth, lut_inputs) if depth > 1 else 0.0


def leaves(depth: int, lut_inputs: int) -> int:
    """LUTs of one bit of a read-only memory of `depth` words."""
    count = -(-depth // (1 << lut_inputs))
    return count + (count - 1) // 4


def distinct_bits(width: int, depth: int) -> float:
    """Expected number of different, not constant bits among `width` random ones over `depth` words."""
    if depth >= 24:
        return float(width)
    patterns = float(1 << depth)
    return (patterns - 2) * (1 - (1 - 1 / patterns) ** width)


def varying_bits(words: Sequence[int], width: int) -> int:
    """How many of the `width` bits of these words are neither constant nor like another one in every word."""
    rows = np.array([list(word.to_bytes(-(-width // 8), "little")) for word in words], np.uint8)
    columns = np.unpackbits(rows, axis=1, bitorder="little")[:, :width]
    patterns = np.unique(columns, axis=1)
    return int(np.sum(np.any(patterns != patterns[0], axis=0)))


def resolve_rom_style(ram_style: str, width: int, depth: int) -> str:
    """The style of a read-only memory: `auto` becomes block RAM where that saves LUTs enough."""
    if ram_style != "auto":
        return ram_style
    spared = lut_roms(width, depth, 6)
    return "block" if spared > LUTS_PER_BLOCK * block_rams(width, depth) else "distributed"


def rom_resources(
    ram_style: str, width: int, depth: int, lut_inputs: int, bram_bits: int, words: Sequence[int] = ()
) -> Resources:
    """A `rom` with its output register, which block RAMs and UltraRAMs have inside. `ram_style` as given by the user.

    Where `words` are given, bits that are alike in all of them are counted, and else as many as random words have.
    """
    style = resolve_rom_style(ram_style, width, depth)
    if depth <= 1:
        return Resources()
    if style == "block":
        return Resources(bram18=block_rams(width, depth, bram_bits))
    if style == "ultra":
        return Resources(uram=ultra_rams(width, depth))
    bits = float(varying_bits(words, width)) if words else distinct_bits(width, depth)
    return Resources(lut=bits * leaves(depth, lut_inputs), ff=bits)


def counter(limit: int, lut_inputs: int) -> Resources:
    """A counter from 0 to `limit` - 1: incrementer, comparison and return to zero. Of LUT6 parts the carry chain adds up alone."""
    bits = (limit - 1).bit_length()
    lut = min(1.5 * bits, 0.5 * bits + 2) if lut_inputs >= 6 else 1.5 * bits + bits / 3
    return Resources(lut=lut, ff=float(bits))


def skid_buffer(width: int) -> Resources:
    """A `skid_buffer`: a multiplexer and two registers a bit, two flags."""
    return Resources(lut=width + 4.0, ff=2.0 * width + 2)


def scaled(one: Resources, count: int) -> Resources:
    """`count` times the same thing."""
    return Resources(
        one.lut * count,
        one.lutram * count,
        one.ff * count,
        one.dsp * count,
        one.bram18 * count,
        one.uram * count,
    )


def comparator(bits: int, lut_inputs: int) -> float:
    """LUTs of a comparison of two numbers. Fitted to Yosys."""
    return 0.6 * bits if lut_inputs >= 6 else 1.0 * bits
