"""Padding around an image, where the window behind cannot add it itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qcompile.ir.dataflow import Binding, Resources, Schedule, Stream, steps
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.common import with_padding
from qcompile.kernels.folding import divisors, legal_number


@dataclass(frozen=True, slots=True)
class StreamPad:
    """An image (height, width, channels) with `padding` around it; `pads` are (top, left, bottom, right)."""

    kind: ClassVar[str] = "stream_pad"

    height: int
    width: int
    channels: int
    element: IntType
    pads: tuple[int, int, int, int]
    padding: int = 0
    simd: int = 1

    def __post_init__(self) -> None:
        legal_number("SIMD", self.simd, divisors(self.channels))
        if min(self.pads) < 0:
            raise ValueError(f"pads must be at least 0, not {self.pads}")

    @property
    def folds(self) -> int:
        """Beats of a pixel."""
        return self.channels // self.simd

    @property
    def padded(self) -> tuple[int, int]:
        """Height and width with the padding."""
        top, left, bottom, right = self.pads
        return top + self.height + bottom, left + self.width + right

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The image, SIMD channels a beat."""
        return (Stream(self.element, self.simd, self.height * self.width * self.folds),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The larger image, SIMD channels a beat, of a type that holds the padding as well."""
        return (Stream(with_padding(self.element, self.padding), self.simd, self.interval()),)

    def interval(self) -> int:
        """A cycle for each beat that goes out."""
        rows, columns = self.padded
        return rows * columns * self.folds

    def schedule(self) -> Schedule:
        """A beat goes out in every step; one comes in where it has its place, the first of a frame in the first step."""
        rows, columns = self.padded
        top, left, _, _ = self.pads
        order = steps(self.interval()).reshape(rows, columns, self.folds)
        reads = order[top : top + self.height, left : left + self.width].reshape(-1).copy()
        reads[0] = 0
        return Schedule(self.interval(), (reads,), (order.reshape(-1),), latency=1)

    def foldings(self) -> Iterator[StreamPad]:
        """SIMD divides the channels."""
        for simd in divisors(self.channels):
            yield replace(self, simd=simd)

    def attributes(self) -> dict[str, int | str]:
        """SIMD."""
        return {"SIMD": self.simd}

    def with_attribute(self, name: str, value: int | str) -> StreamPad:
        """SIMD changed."""
        if name == "SIMD":
            return replace(self, simd=legal_number(name, value, divisors(self.channels)))
        raise KeyError(name)

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """Counters with their comparisons, the beat held, a multiplexer, the skid buffer. LUTs are fitted to Yosys."""
        rows, columns = self.padded
        counters = sum((count - 1).bit_length() for count in (rows, columns, self.folds))
        held = self.inputs[0].bits + 2 if any(self.pads[:2]) else 0
        bits = self.outputs[0].bits
        return Resources(lut=0.75 * bits + counters + 20, ff=2.0 * bits + counters + held + 3)

    def binding(self) -> Binding:
        """The RTL instance."""
        names = ("TOP", "LEFT", "BOTTOM", "RIGHT")
        parameters: tuple[tuple[str, int | str], ...] = (
            ("LANES", self.simd),
            ("ELEMENT_BITS", self.element.bits),
            ("OUTPUT_BITS", self.outputs[0].element.bits),
            ("IS_SIGNED", int(self.element.signed)),
            ("PADDING", self.padding),
            ("FOLDS", self.folds),
            ("HEIGHT", self.height),
            ("WIDTH", self.width),
            *((f"PAD_{name}", pad) for name, pad in zip(names, self.pads, strict=True)),
        )
        return Binding(self.kind, ("skid_buffer", "pad_select", "stream_pad"), parameters)

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """(frames, height * width * channels) to (frames, elements of the larger image)."""
        (x,) = frames
        top, left, bottom, right = self.pads
        image = x.reshape(-1, self.height, self.width, self.channels)
        larger = np.pad(image, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=self.padding)
        return (larger.reshape(x.shape[0], -1),)
