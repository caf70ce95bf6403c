"""Index of the greatest element of a frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from qcompile.ir.dataflow import Binding, Memory, Resources, Schedule, Stream, steps
from qcompile.ir.types import IntArray, IntType, read_only
from qcompile.kernels.folding import divisors, legal_number
from qcompile.kernels.memory import comparator, counter, pack, rom_resources, scaled, skid_buffer


@dataclass(frozen=True, slots=True, eq=False)
class ArgMaxUnit:
    """Index of the greatest x[i] * 2**shift + offsets[i]; of equal ones the first, or the last where `select_last`.

    `offsets` is int64 (elements,); equal offsets (none, or all zero) cost nothing, and then no shift does.
    """

    kind: ClassVar[str] = "argmax"

    elements: int
    input: IntType
    offsets: IntArray = field(default_factory=lambda: read_only(np.zeros(0, np.int64)))
    shift: int = 0
    select_last: bool = False
    lanes: int = 1

    @property
    def beats(self) -> int:
        """Input beats of a frame."""
        return self.elements // self.lanes

    @property
    def shifted(self) -> bool:
        """Whether the elements have offsets that matter."""
        return self.offsets.size > 0 and int(np.ptp(self.offsets)) > 0

    @property
    def key_bits(self) -> int:
        """Bits of what is compared."""
        if not self.shifted:
            return self.input.bits
        span = (self.input.hi - self.input.lo) << self.shift
        return int(span + np.ptp(self.offsets)).bit_length()

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """`lanes` elements a beat."""
        return (Stream(self.input, self.lanes, self.beats),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """One index a frame."""
        return (Stream(IntType(max(1, (self.elements - 1).bit_length()), False), 1, 1),)

    def interval(self) -> int:
        """One cycle a beat: elements / lanes."""
        return self.beats

    def schedule(self) -> Schedule:
        """The result follows the last beat: operands, keys, a level of the tree each, running maximum, output."""
        tree = (self.lanes - 1).bit_length()
        latency = 2 + int(self.shifted) + tree + int(self.beats > 1)
        return Schedule(self.beats, (steps(self.beats),), (steps(1, first=self.beats - 1),), latency)

    def foldings(self) -> Iterator[ArgMaxUnit]:
        """Lanes divide the elements."""
        for lanes in divisors(self.elements):
            yield replace(self, lanes=lanes)

    def attributes(self) -> dict[str, int | str]:
        """The lanes, as PE."""
        return {"PE": self.lanes}

    def with_attribute(self, name: str, value: int | str) -> ArgMaxUnit:
        """PE changed."""
        if name != "PE":
            raise KeyError(name)
        return replace(self, lanes=legal_number(name, value, divisors(self.elements)))

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """Operands, keys, a comparator with multiplexers and registers for each node, the running maximum, the output."""
        key, index = self.key_bits, self.outputs[0].bits
        stages = 1 + int(self.shifted) + (self.lanes - 1).bit_length()
        total = skid_buffer(index) + Resources(lut=3.0, ff=float(self.lanes * self.input.bits + stages))
        if self.shifted:
            width = self.lanes * key
            total += counter(self.beats, lut_inputs) + Resources(lut=width, ff=width)
            total += rom_resources("distributed", width, self.beats, lut_inputs, bram_bits)
        nodes = self.lanes
        for level in range(1, (self.lanes - 1).bit_length() + 1):
            pairs, nodes = nodes // 2, (nodes + 1) // 2
            total += scaled(Resources(lut=comparator(key, lut_inputs) + key + level), pairs)
            total += Resources(ff=float(nodes * (key + level)))
        if self.beats > 1:
            total += counter(self.beats, lut_inputs) + Resources(lut=comparator(key, lut_inputs) + index, ff=1.0 + key + index)
        return total

    def binding(self) -> Binding:
        """The RTL instance and, where there are any, its offsets."""
        parameters: tuple[tuple[str, int | str], ...] = (
            ("ELEMENTS", self.elements),
            ("LANES", self.lanes),
            ("INPUT_BITS", self.input.bits),
            ("INPUT_SIGNED", int(self.input.signed)),
            ("KEY_BITS", self.key_bits),
            ("OFFSETS", int(self.shifted)),
            ("SHIFT", self.shift if self.shifted else 0),
            ("SELECT_LAST", int(self.select_last)),
        )
        if not self.shifted:
            return Binding(self.kind, SOURCES, parameters)
        # Such that the least key is zero.
        added = self.offsets - self.offsets.min() - (self.input.lo << self.shift)
        words = pack(added.reshape(self.beats, self.lanes), self.key_bits)
        memory = Memory("OFFSETS_FILE", self.lanes * self.key_bits, words)
        return Binding(self.kind, SOURCES, parameters, (memory,))

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """(frames, elements) to (frames, 1)."""
        (x,) = frames
        keys = (x << self.shift) + self.offsets if self.shifted else x
        if self.select_last:
            index = self.elements - 1 - np.argmax(keys[:, ::-1], axis=1)
        else:
            index = np.argmax(keys, axis=1)
        return (index[:, None].astype(np.int64),)


SOURCES = ("skid_buffer", "logic_rom", "rom", "max_tree", "argmax")
"""Files of the RTL, dependencies first."""
