"""Elements of a stream in another order and number: transpositions, slices, repetition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qcompile.ir.dataflow import Binding, Memory, Resources, Schedule, Stream
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.address_map import MOST_LOOPS, NEVER, AddressMap, AddressProgram, longest_run, program_of
from qcompile.kernels.common import ram_resources, resolve_ram_style
from qcompile.kernels.folding import divisors, legal_number, legal_word
from qcompile.kernels.memory import (
    RAM_STYLES,
    pack,
    resolve_rom_style,
    rom_resources,
)

SOURCES = ("skid_buffer", "simple_dual_port_ram", "logic_rom", "rom", "address_walk", "reorder")
"""Files of the RTL, dependencies first."""


@dataclass(frozen=True, slots=True, eq=False)
class Reorder:
    """Element k of the outgoing frame is element `mapping.index[k]` of the incoming one.

    `simd` elements that always move together are one word. The buffer holds as many words as are needed for neither side
    ever to wait for the other: for rows that are repeated one row, for a transposition nearly two frames. `output` is
    the type of what goes out, which may be narrower than what comes.
    """

    kind: ClassVar[str] = "reorder"

    input: IntType
    output: IntType
    mapping: AddressMap
    simd: int = 1
    ram_style: str = "auto"

    def __post_init__(self) -> None:
        legal_number("SIMD", self.simd, divisors(longest_run(self.mapping)))
        legal_word("ram_style", self.ram_style, RAM_STYLES)
        if self.output.bits > self.input.bits:
            raise ValueError(f"elements of {self.input} do not become {self.output} by moving them")

    @property
    def program(self) -> AddressProgram:
        """The walk over the words."""
        return program_of(self.mapping, self.simd)

    @property
    def buffer_bits(self) -> int:
        """Bits of the buffer."""
        return self.program.depth * self.outputs[0].bits

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The frame, SIMD elements a beat."""
        return (Stream(self.input, self.simd, self.mapping.elements // self.simd),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The other frame, SIMD elements a beat."""
        return (Stream(self.output, self.simd, self.mapping.index.size // self.simd),)

    def interval(self) -> int:
        """A cycle for each beat of the side that has more."""
        return max(self.mapping.elements, self.mapping.index.size) // self.simd

    def schedule(self) -> Schedule:
        """Steps are those of the output; a beat is read by the first step that needs it or one behind it.

        It is taken before, at once if there is room: the output keeps to the recursion of the steps for every pattern of
        arrivals. The first beat is needed by step 0, and a beat that no step needs by step 0 of the next frame.
        """
        program = self.program
        starts, blocks = program.starts(), np.arange(program.blocks, dtype=np.int64)[:, None]
        writes = (starts + blocks * program.steps).reshape(-1)
        words = (program.words + blocks * program.size).reshape(-1)
        reads = np.full(program.blocks * program.size, NEVER)
        np.minimum.at(reads, words, writes)
        reads = np.minimum(np.minimum.accumulate(reads[::-1])[::-1], self.interval())
        reads[0] = 0
        rooms = (program.rooms() + blocks * program.steps).reshape(-1)
        return Schedule(self.interval(), (reads,), (writes,), latency=3, rooms=(rooms,))

    def foldings(self) -> Iterator[Reorder]:
        """SIMD divides what always moves together."""
        for simd in divisors(longest_run(self.mapping)):
            yield replace(self, simd=simd)

    def attributes(self) -> dict[str, int | str]:
        """SIMD and the ram_style of the buffer."""
        return {"SIMD": self.simd, "ram_style": self.ram_style}

    def with_attribute(self, name: str, value: int | str) -> Reorder:
        """One of `attributes` changed."""
        match name:
            case "SIMD":
                return replace(self, simd=legal_number(name, value, divisors(longest_run(self.mapping))))
            case "ram_style":
                return replace(self, ram_style=legal_word(name, value, RAM_STYLES))
        raise KeyError(name)

    @property
    def built_style(self) -> str:
        """What the buffer is made of: for `auto` the cheaper RAM."""
        return resolve_ram_style(self.ram_style, self.outputs[0].bits, self.program.depth)

    @property
    def _count_bits(self) -> int:
        """Bits of the sums: as the RTL has them."""
        return (2 * self.program.size + self.program.depth).bit_length() + 1

    @property
    def _address_bits(self) -> int:
        return (self.program.depth - 1).bit_length()

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """The buffer, the program, counters of the loops, two sums and two addresses, the skid buffer. LUTs for each bit
        are fitted to what Yosys makes of it.
        """
        bits, program = self.outputs[0].bits, self.program
        counters = sum((loop.size - 1).bit_length() for loop in program.loops)
        each = (1.5, 2.2, 2.7) if lut_inputs >= 6 else (2.7, 4.7, 5.2)
        counts = (counters, self._count_bits, self._address_bits)
        luts = sum(rate * count for rate, count in zip(each, counts, strict=True)) + bits + 10
        registers = counters + 2 * (self._count_bits + self._address_bits + bits) + 4
        memory = self._memory
        depth = len(memory.words)
        if resolve_rom_style("auto", memory.width, depth) == "block":
            rom = rom_resources("block", memory.width, depth, lut_inputs, bram_bits)
        else:
            # Words of the program are few and much alike: bits that are constant, or equal to another, cost nothing.
            different = _different_bits(memory)
            rom = Resources(lut=different * -(-depth // (1 << lut_inputs)), ff=different)
        ram = ram_resources(self.built_style, bits, program.depth, lut_inputs, bram_bits)
        return Resources(lut=luts, ff=registers) + rom + ram

    @property
    def _memory(self) -> Memory:
        """The program's words: from the low bits on, the move modulo the depth, the move, the words freed."""
        program, count, address = self.program, self._count_bits, self._address_bits
        fields = ((program.freed, count), (program.distances, count), (program.distances % program.depth, address))
        words = np.zeros(program.distances.size, dtype=object)
        for values, width in fields:
            words = (words << width) | np.asarray(pack(values[:, None], width), dtype=object)
        if program.hold is not None:
            # Both halves are filled up to a power of two.
            half = words.size // 2
            filled = np.zeros((2, 1 << max(1, (half - 1).bit_length())), dtype=object)
            filled[:, :half] = words.reshape(2, half)
            words = filled.reshape(-1)
        return Memory("PROGRAM", 2 * count + address, tuple(int(word) for word in words))

    def binding(self) -> Binding:
        """The RTL instance; `auto` is decided here, so that hardware and estimate agree."""
        program, memory = self.program, self._memory
        bounds = [loop.size for loop in program.loops] + [1] * (MOST_LOOPS - len(program.loops))
        parameters: tuple[tuple[str, int | str], ...] = (
            ("LANES", self.simd),
            ("INPUT_BITS", self.input.bits),
            ("OUTPUT_BITS", self.output.bits),
            ("BLOCK", program.size),
            ("FIRST", int(program.words[0])),
            ("RELEASED", int(program.words.min())),
            *((f"BOUND_{k}", bound) for k, bound in enumerate(bounds)),
            ("TABLES", sum(1 << k for k, table in enumerate(program.tables) if table)),
            ("HOLD", MOST_LOOPS if program.hold is None else program.hold),
            ("DEPTH", program.depth),
            ("RAM_STYLE", self.built_style),
            ("ROM_STYLE", resolve_rom_style("auto", memory.width, len(memory.words))),
        )
        return Binding(self.kind, SOURCES, parameters, (memory,))

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """(frames, elements) to (frames, elements of the index)."""
        return (frames[0][:, self.mapping.index],)


def _different_bits(memory: Memory) -> int:
    """Bits of a memory's words that are neither constant nor equal to another bit or its inverse."""
    columns = set()
    for bit in range(memory.width):
        column = [word >> bit & 1 for word in memory.words]
        columns.add(tuple(value ^ column[0] for value in column))
    return sum(any(column) for column in columns)
