"""Any function of one integer as a memory: what is not monotone, or has many levels for few input bits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qcompile.ir.dataflow import Binding, Memory, Resources, Schedule, Stream, steps
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.folding import divisors, legal_number, legal_word
from qcompile.kernels.memory import RAM_STYLES, counter, pack, resolve_rom_style, rom_resources, scaled, skid_buffer


@dataclass(frozen=True, slots=True, eq=False)
class LookupTable:
    """out = table[c, x - first] for channel c; `table` is int64 (channels or 1, size), and no x lies outside of it.

    The low bits of x choose the entry: as many as tell `size` consecutive integers apart, so `first` costs nothing.
    """

    kind: ClassVar[str] = "lookup_table"

    table: IntArray
    first: int
    input: IntType
    output: IntType
    channels: int
    vectors: int = 1
    pe: int = 1
    ram_style: str = "auto"

    @property
    def beats(self) -> int:
        """Beats of a frame."""
        return self.vectors * self.channels // self.pe

    @property
    def address_bits(self) -> int:
        """Low bits of x that choose an entry."""
        return max(1, (int(self.table.shape[1]) - 1).bit_length())

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
        """A beat in, a beat out."""
        order = steps(self.beats)
        return Schedule(self.beats, (order,), (order,), latency=2)

    def foldings(self) -> Iterator[LookupTable]:
        """PE divides the channels."""
        for pe in divisors(self.channels):
            yield replace(self, pe=pe)

    def attributes(self) -> dict[str, int | str]:
        """PE and the ram_style of the table."""
        return {"PE": self.pe, "ram_style": self.ram_style}

    def with_attribute(self, name: str, value: int | str) -> LookupTable:
        """One of `attributes` changed."""
        match name:
            case "PE":
                return replace(self, pe=legal_number(name, value, divisors(self.channels)))
            case "ram_style":
                return replace(self, ram_style=legal_word(name, value, RAM_STYLES))
        raise KeyError(name)

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """A memory a lane, the count of folds, the output."""
        depth, results = self._depth(), self.pe * self.output.bits
        memory = rom_resources(self.ram_style, self.output.bits, depth, lut_inputs, bram_bits)
        control = counter(depth >> self.address_bits, lut_inputs) + Resources(lut=3.0, ff=1.0)
        return scaled(memory, self.pe) + control + skid_buffer(results)

    def binding(self) -> Binding:
        """The RTL instance with its table."""
        entries = self._entries()
        lanes = entries.shape[1]
        parameters: tuple[tuple[str, int | str], ...] = (
            ("PE", self.pe),
            ("FOLDS", entries.shape[0] >> self.address_bits),
            ("LANES", lanes),
            ("INPUT_BITS", self.input.bits),
            ("ADDRESS_BITS", self.address_bits),
            ("OUTPUT_BITS", self.output.bits),
            ("RAM_STYLE", resolve_rom_style(self.ram_style, self.output.bits, entries.shape[0])),
        )
        memory = Memory("TABLE_FILE", lanes * self.output.bits, pack(entries, self.output.bits))
        return Binding(self.kind, SOURCES, parameters, (memory,))

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """(frames, vectors * channels) to the same shape."""
        (x,) = frames
        index = x.reshape(-1, self.channels) - self.first
        rows = np.arange(self.channels) if self.table.shape[0] > 1 else np.zeros(1, np.int64)
        return (self.table[rows, index].reshape(x.shape),)

    def _depth(self) -> int:
        """Words of a lane's memory."""
        return int(self._entries().shape[0])

    def _entries(self) -> IntArray:
        """The words (folds << address_bits, lanes): one fold, one lane where they would all be the same."""
        size = 1 << self.address_bits
        inside = np.arange(self.table.shape[1]) + self.first & size - 1
        entries = np.zeros((self.table.shape[0], size), np.int64)
        entries[:, inside] = self.table
        if bool(np.all(entries == entries[0])):
            return entries[:1].T
        folded = entries.reshape(-1, self.pe, size)
        if bool(np.all(folded == folded[0])):
            folded = folded[:1]
        return folded.transpose(0, 2, 1).reshape(-1, self.pe)


SOURCES = ("skid_buffer", "logic_rom", "rom", "lookup_table")
"""Files of the RTL, dependencies first."""
