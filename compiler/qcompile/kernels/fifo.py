"""A first-in first-out buffer in shift registers, distributed RAM, block RAM or UltraRAM."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from qcompile.ir.dataflow import Binding, Resources, Schedule, Stream, steps
from qcompile.ir.types import IntArray
from qcompile.kernels.common import mux_luts, ram_resources, resolve_ram_style
from qcompile.kernels.folding import legal_word

RAM_STYLES = ("auto", "srl", "distributed", "block", "ultra")


@dataclass(frozen=True, slots=True)
class Fifo:
    """Holds exactly `depth` beats of `stream`, the one on its output included.

    Let beat i be taken in cycle w_i and given in cycle r_i. It is on the output from cycle max(w_i + latency,
    r_{i-1} + 1) on; a beat can be taken in cycle t exactly when fewer than `depth` of those taken before t
    were not given before t. So a producer never waits if depth >= i + 1 - (number of r < w_i) for every i.
    """

    kind: ClassVar[str] = "fifo"

    stream: Stream
    depth: int
    ram_style: str = "auto"

    def __post_init__(self) -> None:
        if self.depth < 2:
            raise ValueError(f"a FIFO's depth is at least 2, not {self.depth}")
        legal_word("ram_style", self.ram_style, RAM_STYLES)

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The stream."""
        return (self.stream,)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The same stream."""
        return (self.stream,)

    @property
    def latency(self) -> int:
        """Cycles from taking a beat to showing it, when empty. Two beats are a skid buffer."""
        return 1 if self.depth == 2 else 2

    @property
    def built_style(self) -> str:
        """What the memory is made of. `auto`: shift registers up to a LUT6 a bit, then the cheaper RAM."""
        store = self.depth - 1
        if self.ram_style == "auto" and store <= 32:
            return "srl"
        return resolve_ram_style(self.ram_style, self.stream.bits, store)

    def interval(self) -> int:
        """One beat a cycle."""
        return self.stream.beats

    def schedule(self) -> Schedule:
        """Each step passes a beat."""
        order = steps(self.stream.beats)
        return Schedule(self.stream.beats, (order,), (order,), self.latency)

    def foldings(self) -> Iterator[Fifo]:
        """The same depth in every kind of memory."""
        return (replace(self, ram_style=style) for style in RAM_STYLES)

    def attributes(self) -> dict[str, int | str]:
        """`depth` in beats and `ram_style`."""
        return {"depth": self.depth, "ram_style": self.ram_style}

    def with_attribute(self, name: str, value: int | str) -> Fifo:
        """Another depth (at least 2) or kind of memory."""
        match name:
            case "depth":
                if not isinstance(value, int):
                    raise ValueError(f"depth must be a number of beats, at least 2, not {value}")
                return replace(self, depth=value)
            case "ram_style":
                return replace(self, ram_style=legal_word(name, value, RAM_STYLES))
        raise KeyError(name)

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """The memory of depth - 1 beats, the output register, the counter and (for RAM) two addresses.

        A shift register is 32 bits a LUT6; there is none in devices of LUT4, where it becomes flip-flops.
        """
        bits, store = self.stream.bits, self.depth - 1
        if self.depth == 2:
            return Resources(lut=bits + 3, ff=2 * bits + 2)
        count_bits, address_bits = store.bit_length(), max(1, (store - 1).bit_length())
        control = Resources(lut=count_bits + (4 if lut_inputs >= 6 else 7), ff=count_bits + 2)
        if self.built_style != "srl":
            carried = 0 if self.built_style == "block" and lut_inputs >= 6 else 1 + address_bits // 6
            addresses = Resources(lut=2 * (address_bits + carried), ff=2 * address_bits)
            return control + addresses + ram_resources(self.built_style, bits, store, lut_inputs, bram_bits)
        control += Resources(lut=count_bits - (2 if lut_inputs >= 6 else 0))
        if lut_inputs < 6:
            return control + Resources(lut=bits * mux_luts(store, lut_inputs), ff=bits * (store + 1))
        lutram = bits * -(-store // 32)
        return control + Resources(lut=lutram + bits * mux_luts(-(-store // 128), lut_inputs), lutram=lutram, ff=bits)

    def binding(self) -> Binding:
        """Module fifo; `auto` is decided here, so that hardware and estimate agree."""
        style = self.built_style
        parameters = (("WIDTH", self.stream.bits), ("DEPTH", self.depth), ("RAM_STYLE", style))
        return Binding("fifo", ("skid_buffer", "fifo"), parameters)

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """What goes in comes out."""
        return frames
