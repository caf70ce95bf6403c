"""Vectors of two streams side by side: concatenation of channels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import gcd
from typing import ClassVar

import numpy as np

from qcompile.ir.dataflow import Binding, Resources, Schedule, Stream
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.folding import divisors, legal_number


@dataclass(frozen=True, slots=True)
class StreamConcat:
    """Of each of `vectors` pixels first elements[0] elements of a, then elements[1] of b; `output` holds those of both.

    SIMD elements a beat, of one input after the other; where SIMD is all elements of a pixel, those of both in one beat.
    """

    kind: ClassVar[str] = "stream_concat"

    operands: tuple[IntType, IntType]
    output: IntType
    elements: tuple[int, int]
    vectors: int = 1
    simd: int = 1

    def __post_init__(self) -> None:
        legal_number("SIMD", self.simd, self._legal)

    @property
    def _legal(self) -> tuple[int, ...]:
        """What SIMD may be."""
        return (*divisors(gcd(*self.elements)), sum(self.elements))

    @property
    def whole(self) -> bool:
        """Whether a pixel is one beat."""
        return self.simd == sum(self.elements)

    @property
    def lanes(self) -> tuple[int, int]:
        """Elements a beat of each input."""
        return self.elements if self.whole else (self.simd, self.simd)

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The vectors of each."""
        ports = zip(self.operands, self.lanes, self.elements, strict=True)
        return tuple(Stream(kind, lanes, self.vectors * count // lanes) for kind, lanes, count in ports)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The longer vectors, SIMD elements a beat."""
        return (Stream(self.output, self.simd, self.interval()),)

    def interval(self) -> int:
        """One cycle a beat that goes out."""
        return self.vectors * sum(self.elements) // self.simd

    def schedule(self) -> Schedule:
        """Each step takes a beat and gives it; if whole, one of each."""
        order = np.arange(self.interval(), dtype=np.int64)
        if self.whole:
            return Schedule(order.size, (order, order), (order,), latency=2)
        a_beats = self.elements[0] // self.simd
        rows = order.reshape(self.vectors, -1)
        reads = rows[:, :a_beats].reshape(-1), rows[:, a_beats:].reshape(-1)
        return Schedule(order.size, reads, (order,), latency=2)

    def foldings(self) -> Iterator[StreamConcat]:
        """SIMD divides the elements of both, or is all of them."""
        for simd in self._legal:
            yield replace(self, simd=simd)

    def attributes(self) -> dict[str, int | str]:
        """SIMD."""
        return {"SIMD": self.simd}

    def with_attribute(self, name: str, value: int | str) -> StreamConcat:
        """SIMD changed."""
        if name != "SIMD":
            raise KeyError(name)
        return replace(self, simd=legal_number(name, value, self._legal))

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """Three slices, a multiplexer and a counter where beats go in turn."""
        bits_in, bits_out = sum(stream.bits for stream in self.inputs), self.outputs[0].bits
        count = 0 if self.whole else (sum(self.elements) // self.simd - 1).bit_length() + 1
        multiplexer = (
            0.0 if self.whole else min(stream.bits for stream in self.inputs) * (0.2 if lut_inputs >= 6 else 1.0)
        )
        control = 4.0 if lut_inputs >= 6 else 12.0
        return Resources(
            lut=bits_in + bits_out + multiplexer + 2.0 * count + control, ff=2.0 * (bits_in + bits_out) + 6 + count
        )

    def binding(self) -> Binding:
        """The RTL instance."""
        parameters: list[tuple[str, int | str]] = []
        ports = zip("AB", self.operands, self.lanes, self.elements, strict=True)
        for name, kind, lanes, count in ports:
            parameters += [(f"{name}_BEATS", count // lanes), (f"{name}_LANES", lanes)]
            parameters += [(f"{name}_BITS", kind.bits), (f"{name}_SIGNED", int(kind.signed))]
        parameters += [("OUTPUT_BITS", self.output.bits), ("WHOLE", int(self.whole))]
        return Binding(self.kind, ("skid_buffer", "stream_concat"), tuple(parameters))

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """Two arrays (frames, vectors * elements) to one."""
        rows = [x.reshape(x.shape[0], self.vectors, -1) for x in frames]
        return (np.concatenate(rows, axis=2).reshape(frames[0].shape[0], -1),)
