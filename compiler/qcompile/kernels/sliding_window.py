"""Sliding windows over an image from a line buffer: what turns a convolution into a matrix product."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import ClassVar

from qcompile.ir.dataflow import Binding, Resources, Schedule, Stream
from qcompile.kernels.common import ram_resources, resolve_ram_style, with_padding
from qcompile.kernels.folding import divisors, legal_number, legal_word
from qcompile.kernels.image_windows import ImageWindows
from qcompile.kernels.memory import RAM_STYLES
from qcompile.kernels.parallel_window import ParallelWindow
from qcompile.kernels.window_schedule import depths, least_depth, steady_interval, steady_schedule

SOURCES = (
    "skid_buffer",
    "simple_dual_port_ram",
    "axis_filter",
    "pixel_filter",
    "window_walk",
    "pad_select",
    "sliding_window",
)
"""Files of the RTL, dependencies first."""


@dataclass(frozen=True, slots=True)
class SlidingWindow(ImageWindows):
    """`ImageWindows`, SIMD channels of a pixel after another; each of the `pads` is less than the span of a window.

    `depth` is how many pixels the line buffer holds, 0 for the least that works. Beats are taken and given each as soon
    as possible, so that a frame needs max(input beats, output beats) cycles if the buffer is deep enough (`depths`).
    """

    kind: ClassVar[str] = "sliding_window"

    simd: int = 1
    depth: int = 0
    ram_style: str = "auto"

    def __post_init__(self) -> None:
        legal_number("SIMD", self.simd, divisors(self.channels))
        legal_word("ram_style", self.ram_style, RAM_STYLES)
        least = least_depth(self.geometry)
        if self.depth and self.depth < least:
            raise ValueError(f"depth must be {least} pixels or more, not {self.depth}")

    @property
    def folds(self) -> int:
        """Beats of a pixel."""
        return self.channels // self.simd

    @property
    def buffer_pixels(self) -> int:
        """Pixels that the line buffer holds."""
        return self.depth or least_depth(self.geometry)

    @property
    def buffer_bits(self) -> int:
        """Bits of the line buffer."""
        return self.buffer_pixels * self.channels * self.element.bits

    @property
    def least_buffer_bits(self) -> int:
        """Bits of the pixels from a window's first tap to its last: (kernel - 1) rows and kernel pixels at dilation 1."""
        return self.geometry.span * self.channels * self.element.bits

    def taps(self) -> tuple[int, int]:
        """Pixels given in a frame, and how many it would take with zeros between the taps of a dilated window."""
        rows, columns = self.geometry.rows, self.geometry.columns
        return self.geometry.groups, self.geometry.windows * rows.span * columns.span

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The image, SIMD channels a beat."""
        return (Stream(self.element, self.simd, self.height * self.width * self.folds),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The windows, SIMD channels a beat, of a type that holds the padding as well."""
        return (Stream(with_padding(self.element, self.padding), self.simd, self.geometry.groups * self.folds),)

    def interval(self) -> int:
        """Cycles from frame to frame, input at full speed provided."""
        return steady_interval(self.geometry, self.buffer_pixels, self.folds)

    def schedule(self) -> Schedule:
        """Steps are those of the output; beats are taken as soon as there is room."""
        return steady_schedule(self.geometry, self.buffer_pixels, self.folds)

    def foldings(self) -> Iterator[SlidingWindow | ParallelWindow]:
        """SIMD divides the channels; deeper buffers where they are faster; whole windows where the shape allows it."""
        for simd in divisors(self.channels):
            for depth in depths(self.geometry):
                yield replace(self, simd=simd, depth=depth)
        with suppress(ValueError):
            yield self.parallel()

    def parallel(self) -> ParallelWindow:
        """The unit that gives the same windows whole; raises ValueError where there is none for this shape."""
        style = self.ram_style if self.ram_style != "ultra" else "auto"
        return ParallelWindow(
            self.height,
            self.width,
            self.channels,
            self.element,
            self.kernel,
            self.stride,
            self.dilation,
            self.pads,
            self.padding,
            style,
        )

    def attributes(self) -> dict[str, int | str]:
        """Whether windows are given whole, SIMD, the depth of the line buffer in pixels and its ram_style."""
        return {"parallel_window": 0, "SIMD": self.simd, "depth": self.buffer_pixels, "ram_style": self.ram_style}

    def with_attribute(self, name: str, value: int | str) -> SlidingWindow | ParallelWindow:
        """One of `attributes` changed."""
        match name:
            case "parallel_window":
                return self.parallel() if legal_number(name, value, (0, 1)) else self
            case "SIMD":
                return replace(self, simd=legal_number(name, value, divisors(self.channels)))
            case "depth":
                if not isinstance(value, int):
                    raise ValueError(f"depth must be {least_depth(self.geometry)} pixels or more, not {value}")
                return replace(self, depth=value)
            case "ram_style":
                return replace(self, ram_style=legal_word(name, value, RAM_STYLES))
        raise KeyError(name)

    @property
    def built_style(self) -> str:
        """What the line buffer is made of: for `auto` the cheaper RAM."""
        return resolve_ram_style(self.ram_style, self.inputs[0].bits, self.buffer_pixels * self.folds)

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """The line buffer, counters of the walk, coordinates where there is padding, two sums and two addresses, the
        filter where pixels are dropped, the skid buffer. LUTs for each bit are fitted to what Yosys makes of it.
        """
        bits, words = self.inputs[0].bits, self.buffer_pixels * self.folds
        walk, coordinates, sums, dropping = self._register_bits()
        address = (words - 1).bit_length()
        each = (1.2, 1.7, 2.4, 3.0, 1.0) if lut_inputs >= 6 else (3.0, 6.0, 5.0, 6.0, 2.0)
        counts = (walk, coordinates, sums, address, dropping)
        luts = sum(rate * count for rate, count in zip(each, counts, strict=True)) + self.outputs[0].bits + 20
        flags = 20 if coordinates else 17
        registers = walk + coordinates + 2 * (sums + address + self.outputs[0].bits) + dropping + flags
        return Resources(lut=luts, ff=registers) + ram_resources(self.built_style, bits, words, lut_inputs, bram_bits)

    def _register_bits(self) -> tuple[int, int, int, int]:
        """Bits of the counters of the walk, of the coordinates, of each of the sums, of the filter."""
        geometry = self.geometry
        rows, columns = geometry.rows, geometry.columns
        fold_bits = (self.folds - 1).bit_length()
        loops = (rows.outputs, columns.outputs, rows.kernel, columns.kernel)
        walk = fold_bits + sum((count - 1).bit_length() for count in loops)
        coordinates = dropping = 0
        if any(self.pads):
            reach = [a.kept + a.before + (a.outputs - 1) * a.step + a.span for a in (rows, columns)]
            coordinates = sum((count - 1).bit_length() for count in reach)
        if geometry.kept < geometry.pixels:
            axes = [(a.size - 1).bit_length() + a.stride.bit_length() + 1 for a in (rows, columns)]
            dropping = fold_bits + sum(axes)
        last_row = (geometry.rows.outputs - 1) * rows.step * columns.kept + (columns.outputs - 1) * columns.step
        reach_beats = (geometry.kept + last_row + geometry.span + 2 * self.buffer_pixels) * self.folds
        return walk, coordinates, (reach_beats - 2).bit_length() + 1, dropping

    def binding(self) -> Binding:
        """The RTL instance; `auto` is decided here, so that hardware and estimate agree."""
        parameters: tuple[tuple[str, int | str], ...] = (
            ("BITS", self.inputs[0].bits),
            ("LANES", self.simd),
            ("OUTPUT_BITS", self.outputs[0].element.bits),
            ("IS_SIGNED", int(self.element.signed)),
            ("PADDING", self.padding),
            ("FOLDS", self.folds),
            *self.shape_parameters(),
            ("DEPTH", self.buffer_pixels),
            ("RAM_STYLE", self.built_style),
        )
        return Binding(self.kind, SOURCES, parameters)
