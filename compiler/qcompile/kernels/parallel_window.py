"""Sliding windows over an image, each window whole in one beat: for layers that work on a pixel a cycle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qcompile.ir.dataflow import Binding, Resources, Schedule, Stream
from qcompile.ir.types import IntArray
from qcompile.kernels.common import ram_resources, resolve_ram_style, with_padding
from qcompile.kernels.folding import legal_number, legal_word
from qcompile.kernels.image_windows import ImageWindows

RAM_STYLES = ("auto", "srl", "distributed", "block")
SOURCES = (
    "skid_buffer",
    "axis_filter",
    "pixel_filter",
    "delay_line",
    "window_raster",
    "pad_select",
    "parallel_window",
)
"""Files of the RTL, dependencies first."""


@dataclass(frozen=True, slots=True)
class ParallelWindow(ImageWindows):
    """Windows of an image (height, width, channels) as those of `SlidingWindow`, a whole window in each beat.

    Left and right padding together must be less than the span of a window, and rows of taps must not overlap: the image
    is at least as wide as a window, but for one whose taps are that far apart vertically.
    """

    kind: ClassVar[str] = "parallel_window"

    ram_style: str = "auto"

    def __post_init__(self) -> None:
        legal_word("ram_style", self.ram_style, RAM_STYLES)
        rows, columns = self.geometry.rows, self.geometry.columns
        if columns.before + columns.after >= columns.span:
            raise ValueError(f"left and right padding together are not less than the window, {columns.span}")
        if rows.kernel > 1 and rows.dilation * columns.kept < columns.span:
            raise ValueError(f"an image {columns.kept} pixels wide is too narrow for a window of {columns.span}")

    @property
    def buffer_pixels(self) -> int:
        """Pixels that the unit holds: exactly those from a window's first tap to its last."""
        return self.geometry.span

    @property
    def buffer_bits(self) -> int:
        """Bits of the registers and the delay line."""
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
        """A pixel a beat."""
        return (Stream(self.element, self.channels, self.geometry.pixels),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """A window a beat."""
        return (
            Stream(with_padding(self.element, self.padding), self.geometry.taps * self.channels, self.geometry.windows),
        )

    @property
    def flushes(self) -> int:
        """Pushes beyond the last pixel, which bring the last windows into place."""
        return int(self._places()[-1]) + 1 - self.geometry.kept

    def interval(self) -> int:
        """A cycle for each pixel and each flush."""
        return self.geometry.pixels + self.flushes

    def schedule(self) -> Schedule:
        """Each step takes a pixel, and some give the window it completes; flushes follow the last pixel of a window."""
        geometry = self.geometry
        pushes = geometry.arrivals(np.arange(geometry.kept, dtype=np.int64))
        pushes = np.concatenate([pushes, pushes[-1] + 1 + np.arange(self.flushes, dtype=np.int64)])
        reads = np.arange(geometry.pixels, dtype=np.int64)
        reads[pushes[geometry.kept - 1] + 1 :] += self.flushes
        return Schedule(self.interval(), (reads,), (pushes[self._places()],), latency=2)

    def _places(self) -> IntArray:
        """(windows,): the push that completes each window."""
        rows, columns = self.geometry.rows, self.geometry.columns
        row = np.arange(rows.outputs, dtype=np.int64)[:, None] * rows.step * columns.kept
        column = np.arange(columns.outputs, dtype=np.int64) * columns.step
        places: IntArray = (row + column).reshape(-1) + self.geometry.origin + self.geometry.span - 1
        return places

    def foldings(self) -> Iterator[ParallelWindow]:
        """There is nothing to fold."""
        yield self

    def attributes(self) -> dict[str, int | str]:
        """That it is this kind of window, SIMD, which is all channels, and the ram_style of the delay line."""
        return {"parallel_window": 1, "SIMD": self.channels, "ram_style": self.ram_style}

    def with_attribute(self, name: str, value: int | str) -> ParallelWindow:
        """Another kind of memory; the others leave no choice."""
        match name:
            case "parallel_window":
                legal_number(name, value, (1,))
                return self
            case "SIMD":
                legal_number(name, value, (self.channels,))
                return self
            case "ram_style":
                return replace(self, ram_style=legal_word(name, value, RAM_STYLES))
        raise KeyError(name)

    @property
    def _line(self) -> tuple[int, int]:
        """Width and depth of the delay line, its output register not counted."""
        rows, columns = self.geometry.rows, self.geometry.columns
        return (rows.kernel - 1) * self.inputs[0].bits, rows.dilation * columns.kept - columns.span

    @property
    def built_style(self) -> str:
        """What the delay line is made of. `auto`: shift registers up to a LUT6 a bit, then the cheaper RAM."""
        width, depth = self._line
        if self.ram_style == "auto" and (width == 0 or depth <= 32):
            return "srl"
        return resolve_ram_style(self.ram_style, width, depth)

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """Places of the taps, the delay line, a mask for each tap that padding reaches, the raster, the skid buffer."""
        rows, columns = self.geometry.rows, self.geometry.columns
        bits, control = self.inputs[0].bits, self._control_bits()
        outside = [int(np.any(axis.taps() < 0, axis=0).sum()) for axis in (rows, columns)]
        masked = self.geometry.taps - (rows.kernel - outside[0]) * (columns.kernel - outside[1])
        total = self._line_resources(lut_inputs, bram_bits)
        return total + Resources(
            lut=masked * bits + bits + (1.0 if lut_inputs >= 6 else 2.5) * control,
            ff=(rows.kernel * (columns.span - 1) + 1 + 2) * bits + control + sum(outside),
        )

    def _control_bits(self) -> int:
        """Bits of the raster's counters and flags, of the filter where pixels are dropped, of both streams' flags."""
        geometry = self.geometry
        rows, columns = geometry.rows, geometry.columns
        lead = -(-(geometry.span - 1 + geometry.origin) // columns.kept)
        raster = (lead + (rows.outputs - 1) * rows.step + 1).bit_length() + (columns.kept - 1).bit_length()
        waits = max(lead, rows.step).bit_length() + (columns.step.bit_length() if columns.step > 1 else 0)
        dropping = 0
        if geometry.kept < geometry.pixels:
            dropping = sum((a.size - 1).bit_length() + a.stride.bit_length() + 1 for a in (rows, columns))
        return raster + waits + dropping + int(self.flushes > 0) + 4

    def _line_resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """The delay line with its output register, which shift registers and block RAMs of LUT6 devices have inside."""
        width, depth = self._line
        if width == 0:
            return Resources()
        address = Resources(lut=depth.bit_length() + 1, ff=(depth - 1).bit_length())
        if self.built_style == "srl" or depth < 2:
            if lut_inputs < 6:
                return Resources(ff=width * (depth + 1))
            luts = width * -(-(depth + 1) // 32)
            return Resources(lut=luts, lutram=luts)
        if self.built_style == "distributed" and lut_inputs >= 6:
            luts = width * -(-depth // 64)
            return address + Resources(lut=luts, lutram=luts, ff=width)
        total = address + ram_resources(self.built_style, width, depth, lut_inputs, bram_bits)
        if self.built_style == "block" and lut_inputs < 6:  # reading before writing takes a bypass there
            total += Resources(lut=2 * width, ff=2 * width + address.ff)
        return total

    def binding(self) -> Binding:
        """The RTL instance; `auto` is decided here, so that hardware and estimate agree."""
        parameters: tuple[tuple[str, int | str], ...] = (
            ("BITS", self.inputs[0].bits),
            ("LANES", self.channels),
            ("OUTPUT_BITS", self.outputs[0].element.bits),
            ("IS_SIGNED", int(self.element.signed)),
            ("PADDING", self.padding),
            *self.shape_parameters(),
            ("RAM_STYLE", self.built_style),
        )
        return Binding(self.kind, SOURCES, parameters)
