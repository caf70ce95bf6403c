"""What the compiler knows of a board."""

from __future__ import annotations

from dataclasses import dataclass

TOOLCHAINS = ("vivado", "nextpnr-ecp5", "nextpnr-ice40", "nextpnr-gowin")


@dataclass(frozen=True, slots=True)
class Memory:
    """One kind of on-chip memory block: `count` blocks of `bits` bits, usable as each (depth, width) of
    `shapes`.

    `initialised` says whether the bitstream can fill it; where it cannot, it serves for buffers but not for
    weights.
    """

    primitive: str
    count: int
    bits: int
    shapes: tuple[tuple[int, int], ...]
    initialised: bool

    @property
    def total_bits(self) -> int:
        """Capacity of all blocks together."""
        return self.count * self.bits


@dataclass(frozen=True, slots=True)
class Dsp:
    """`count` multipliers of signed `a_bits` x `b_bits` with an accumulator of `accumulator_bits`."""

    primitive: str
    count: int
    a_bits: int
    b_bits: int
    accumulator_bits: int


@dataclass(frozen=True, slots=True)
class Budget:
    """The share (0..1) of each resource that a design may fill before timing becomes hard to meet."""

    lut: float
    ff: float
    bram: float
    uram: float
    dsp: float


@dataclass(frozen=True, slots=True)
class Source:
    """Where `figures` (keys of the TOML, as in "bram.count") come from, and whether they were checked."""

    figures: tuple[str, ...]
    checked: bool
    how: str


@dataclass(frozen=True, slots=True)
class Target:
    """A board: what its part offers, and what a design is meant to use of it.

    `lut` counts look-up tables of `lut_inputs` inputs, `lutram_lut` those of them that can be memory (None:
    not known). `uram` is the kind of large block beside `bram`, where there is one (UltraRAM, SPRAM).
    `clock_mhz` is the clock to aim at by default; `bandwidth_gb_s` is of the off-chip memory, in 10^9 bytes a
    second (None: not known, or none to speak of). `slr` is the number of dies.
    """

    name: str
    board: str
    part: str
    vendor: str
    family: str
    toolchain: str
    clock_mhz: float
    bandwidth_gb_s: float | None
    slr: int
    lut_inputs: int
    lut: int
    lutram_lut: int | None
    ff: int
    bram: Memory
    uram: Memory | None
    dsp: Dsp
    budget: Budget
    sources: tuple[Source, ...]

    @property
    def block_ram_bits(self) -> int:
        """Bits of the unit in which block RAM is counted: 18 kbit (half of a 36-kbit block), or the part's own smaller block."""
        return min(self.bram.bits, 18432)

    @property
    def dsp_width(self) -> tuple[int, int]:
        """The operand widths in bits (a, b) of one multiplier."""
        return self.dsp.a_bits, self.dsp.b_bits
