"""Thresholds in hardware: a base plus the number of thresholds that a value reaches, PE channels a cycle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qcompile.ir.dataflow import Binding, Memory, Resources, Schedule, Stream, steps
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.fixed_point import FixedPoint
from qcompile.kernels.folding import divisors, legal_number, legal_word
from qcompile.kernels.memory import (
    RAM_STYLES,
    comparator,
    counter,
    pack,
    resolve_rom_style,
    rom_resources,
    scaled,
    skid_buffer,
)
from qcompile.kernels.requantise import ENGINE, Requantise

STYLES = ("auto", "parallel", "binary_search")
MOST = 1023
"""Thresholds a lane beyond which comparators are no choice."""

MAX_LEVELS = 8
"""Levels of a search tree that the RTL has files for."""

SHALLOW = 64
"""Words up to which the RTL makes a level's memory of LUTs, whatever the ram_style."""


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """Thresholds as stored: unsigned codes (folds, lanes, count) of `bits` bits; a value x, as its distance from the least
    value of its type, counts a code when it is greater or equal, or, `strict`, when it is greater.
    """

    codes: IntArray
    bits: int
    strict: bool


@dataclass(frozen=True, slots=True, eq=False)
class Thresholding:
    """out = base + #{k: x >= thresholds[c, k]} for channel c; ~x is compared instead of x where `descending[c]`.

    `thresholds` is int64 (channels or 1, n), ascending along n, `descending` bool (channels or 1,). A threshold above the
    type's greatest value never fires, one at or below its least always does. `style` is `parallel` (n comparators a lane)
    or `binary_search` (one comparator for each bit of n a lane); `auto` takes the cheaper one. `form`, where there is one,
    gives the same codes for all x that occur: the unit that computes it is one more folding.
    """

    kind: ClassVar[str] = "thresholding"

    thresholds: IntArray
    descending: IntArray
    base: int
    input: IntType
    output: IntType
    channels: int
    vectors: int = 1
    pe: int = 1
    style: str = "auto"
    ram_style: str = "auto"
    form: FixedPoint | None = None

    @property
    def beats(self) -> int:
        """Beats of a frame."""
        return self.vectors * self.channels // self.pe

    @property
    def count(self) -> int:
        """Thresholds of a channel."""
        return int(self.thresholds.shape[1])

    @property
    def levels(self) -> int:
        """Bits of the number of thresholds reached."""
        return self.count.bit_length()

    @property
    def searches(self) -> bool:
        """Whether this is a binary search."""
        if self.style == "auto":
            return self.levels <= MAX_LEVELS and self._lut("binary_search") < self._lut("parallel")
        return self.style == "binary_search"

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
        """A beat in, a beat out; latency LEVELS + 1 for a search, else 3."""
        order = steps(self.beats)
        return Schedule(self.beats, (order,), (order,), self.levels + 1 if self.searches else 3)

    def foldings(self) -> Iterator[Thresholding | Requantise]:
        """PE divides the channels; thresholds where there is a unit for so many, and multiplication where it is exact."""
        if self.count <= MOST or self.form is None:
            for pe in divisors(self.channels):
                yield replace(self, pe=pe)
        if self.form is not None and self.style == "auto":
            yield from self.requantised(self.form).foldings()

    def requantised(self, form: FixedPoint) -> Requantise:
        """The unit that multiplies."""
        return Requantise(form, self.input, self.output, self.channels, self.vectors, self.pe, self.ram_style)

    def attributes(self) -> dict[str, int | str]:
        """PE, the ram_style of the thresholds, and as `engine` the style."""
        return {"PE": self.pe, "ram_style": self.ram_style, "engine": self.style}

    def with_attribute(self, name: str, value: int | str) -> Thresholding | Requantise:
        """One of `attributes` changed."""
        match name:
            case "PE":
                return replace(self, pe=legal_number(name, value, divisors(self.channels)))
            case "ram_style":
                return replace(self, ram_style=legal_word(name, value, RAM_STYLES))
            case "engine":
                legal = STYLES if self.levels <= MAX_LEVELS else STYLES[:2]
                if self.form is not None:
                    if value == ENGINE:
                        return self.requantised(self.form)
                    legal = (*legal, ENGINE)
                return replace(self, style=legal_word(name, value, legal))
        raise KeyError(name)

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """Operands, comparisons with their memories, control, output."""
        folds, bits = self._shape(self.searches)
        values, results = self.pe * self.input.bits, self.pe * self.output.bits
        base = results if self.base else 0
        total = counter(folds, lut_inputs) + skid_buffer(results) + Resources(lut=4.0 + base, ff=values + 2.0)
        if bool(np.any(self.descending)):
            total += Resources(lut=values) + rom_resources("distributed", self.pe, folds, lut_inputs, bram_bits)
        if self.searches:
            return total + self._search(folds, bits, lut_inputs, bram_bits)
        return total + self._parallel(folds, bits, lut_inputs, bram_bits)

    def binding(self) -> Binding:
        """The RTL instance with the thresholds and, where some channel descends, its flags."""
        coded = self._coded(self.searches)
        folds = coded.codes.shape[0]
        memories = self._level_memories(coded) if self.searches else [self._parallel_memory(coded)]
        if bool(np.any(self.descending)):
            flags = np.broadcast_to(self.descending.astype(np.int64), (self.channels,)).reshape(-1, self.pe)
            memories.append(Memory("DESCENDING_FILE", self.pe, pack(flags[:folds], 1)))
        parameters: tuple[tuple[str, int | str], ...] = (
            ("PE", self.pe),
            ("FOLDS", folds),
            ("COUNT", coded.codes.shape[2]),
            ("INPUT_BITS", self.input.bits),
            ("INPUT_SIGNED", int(self.input.signed)),
            ("THRESHOLD_BITS", coded.bits),
            ("STRICT", int(coded.strict)),
            ("OUTPUT_BITS", self.output.bits),
            ("BASE", self.base),
            ("SEARCH", int(self.searches)),
            ("DESCENDING", int(np.any(self.descending))),
            ("RAM_STYLE", self._memory_style(folds, coded.bits)),
        )
        return Binding(self.kind, SOURCES, parameters, tuple(memories))

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """(frames, vectors * channels) to the same shape."""
        (x,) = frames
        pixels = x.reshape(-1, self.channels)
        inverted = -pixels - 1 if self.input.signed else self.input.hi - pixels
        compared = np.where(self.descending.astype(np.bool_), inverted, pixels)
        result = np.empty_like(pixels)
        for channel, row in enumerate(np.broadcast_to(self.thresholds, (self.channels, self.count))):
            result[:, channel] = np.searchsorted(row, compared[:, channel], side="right")
        return ((result + self.base).reshape(x.shape),)

    def _coded(self, padded: bool) -> Coded:
        """The thresholds as stored; `padded` to 2**levels - 1 with some that never fire."""
        never = self.input.hi + 1
        clipped = np.clip(self.thresholds, self.input.lo, never) - self.input.lo
        if padded:
            missing = (1 << self.levels) - 1 - self.count
            clipped = np.pad(clipped, ((0, 0), (0, missing)), constant_values=never - self.input.lo)
        rows = np.broadcast_to(clipped, (self.channels, clipped.shape[1])).reshape(-1, self.pe, clipped.shape[1])
        flags = np.broadcast_to(self.descending.astype(np.bool_), (self.channels,)).reshape(-1, self.pe)
        if bool(np.all(rows == rows[0]) and np.all(flags == flags[0])):
            rows = rows[:1]
        greatest = 1 << self.input.bits
        if not bool(np.any(rows == greatest)):
            return Coded(rows, self.input.bits, strict=False)
        if not bool(np.any(rows == 0)):
            return Coded(rows - 1, self.input.bits, strict=True)
        return Coded(rows, self.input.bits + 1, strict=False)

    def _parallel_memory(self, coded: Coded) -> Memory:
        """A word a fold: all thresholds of all lanes."""
        folds = coded.codes.shape[0]
        words = pack(coded.codes.reshape(folds, -1), coded.bits)
        return Memory("THRESHOLDS_FILE", self.pe * self.count * coded.bits, words)

    def _level_memories(self, coded: Coded) -> list[Memory]:
        """For level l at word (fold << l) + f: the threshold in the middle of those that remain when f has been found."""
        memories = []
        for level in range(self.levels):
            span = 1 << (self.levels - level)
            chosen = coded.codes[:, :, span // 2 - 1 :: span]
            words = pack(chosen.transpose(0, 2, 1).reshape(-1, self.pe), coded.bits)
            memories.append(Memory(f"LEVEL_{level}_FILE", self.pe * coded.bits, words))
        return memories

    def _shape(self, padded: bool) -> tuple[int, int]:
        """Folds and bits of the stored thresholds."""
        coded = self._coded(padded)
        return int(coded.codes.shape[0]), coded.bits

    def _memory_style(self, folds: int, bits: int) -> str:
        """What `ram_style` comes to: for a search the one that suits the deepest level."""
        if self.searches:
            return resolve_rom_style(self.ram_style, bits, folds << (self.levels - 1))
        return resolve_rom_style(self.ram_style, self.pe * self.count * bits, folds)

    def _parallel(self, folds: int, bits: int, lut_inputs: int, bram_bits: int) -> Resources:
        """A comparator a threshold, smaller for constants; a parity for each bit of the count."""
        comparators = self.pe * self.count
        parities = self.pe * sum((self.count >> b) / (lut_inputs - 1) for b in range(self.levels))
        memory = rom_resources(self.ram_style, comparators * bits, folds, lut_inputs, bram_bits)
        each = comparator(bits, lut_inputs) if folds > 1 else bits / (2 + self.count / 8)
        return memory + Resources(lut=comparators * each + parities, ff=float(comparators))

    def _search(self, folds: int, bits: int, lut_inputs: int, bram_bits: int) -> Resources:
        """For each level a comparator, a memory a lane, and registers for value, fold and the bits found."""
        fold_bits = (folds - 1).bit_length()
        style = resolve_rom_style(self.ram_style, bits, folds << (self.levels - 1))
        total = Resources()
        for level in range(self.levels):
            depth = folds << level
            carried = self.pe * (self.input.bits + level) + fold_bits if level else 0
            each = comparator(bits, lut_inputs) * (0.9 if depth == 1 else 1.0)
            total += Resources(lut=self.pe * each, ff=carried + 1.0)
            chosen = style if depth > SHALLOW else "distributed"
            total += scaled(rom_resources(chosen, bits, depth, lut_inputs, bram_bits), self.pe)
        return total

    def _lut(self, style: str) -> float:
        """LUT6 of comparisons and memories in this style."""
        parts = self._search if style == "binary_search" else self._parallel
        return parts(*self._shape(style == "binary_search"), 6, 18432).lut


SOURCES = ("skid_buffer", "logic_rom", "rom", "threshold_count", "threshold_search", "thresholding")
"""Files of the RTL, dependencies first."""
