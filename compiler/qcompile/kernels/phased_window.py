"""Windows that differ from phase to phase, or come group by group, from a line buffer: transposed and grouped convolution."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import ClassVar

import numpy as np

from qcompile.ir.dataflow import Binding, Memory, Resources, Schedule, Stream
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.common import ram_resources, resolve_ram_style, with_padding
from qcompile.kernels.folding import divisors, legal_number, legal_word
from qcompile.kernels.memory import RAM_STYLES
from qcompile.kernels.phased_geometry import PhasedGeometry, needed_from
from qcompile.kernels.window_schedule import depths, least_depth, steady_interval, steady_schedule
from qcompile.ops.taps import TapAxis, gather

SOURCES = (
    "skid_buffer",
    "simple_dual_port_ram",
    "logic_rom",
    "rom",
    "axis_table",
    "phased_walk",
    "pad_select",
    "phased_window",
)
"""Files of the RTL, dependencies first."""


@dataclass(frozen=True, slots=True)
class PhasedWindow:
    """Windows of an image (rows.size, columns.size, channels), row by row, each in the order group, tap row, tap column,
    channel of the group.

    `rows` and `columns` say which pixels a window reads; it has as many as its phase has taps, and `padding` outside of
    the image. `depth` is how many pixels the line buffer holds, 0 for the least that works. Beats are taken and given each
    as soon as possible, so that a frame needs max(input beats, output beats) cycles if the buffer is deep enough.
    """

    kind: ClassVar[str] = "phased_window"

    rows: TapAxis
    columns: TapAxis
    channels: int
    element: IntType
    groups: int = 1
    padding: int = 0
    simd: int = 1
    depth: int = 0
    ram_style: str = "auto"

    def __post_init__(self) -> None:
        if self.channels % self.groups:
            raise ValueError(f"{self.groups} groups do not divide {self.channels} channels")
        if not all(bool(np.any(axis.pixels() >= 0)) for axis in (self.rows, self.columns)):
            raise ValueError("no window reads any pixel")
        legal_number("SIMD", self.simd, divisors(self.channels // self.groups))
        legal_word("ram_style", self.ram_style, RAM_STYLES)
        if self.depth and self.depth < self._least_depth:
            raise ValueError(f"depth must be {self._least_depth} pixels or more, not {self.depth}")

    @property
    def geometry(self) -> PhasedGeometry:
        """Which parts of pixels the windows read, and when."""
        return PhasedGeometry(self.rows, self.columns, self.groups)

    @property
    def folds(self) -> int:
        """Beats of a pixel."""
        return self.channels // self.simd

    @property
    def buffer_pixels(self) -> int:
        """Pixels that the line buffer holds."""
        return self.depth or self._least_depth

    @property
    def buffer_bits(self) -> int:
        """Bits of the line buffer."""
        return self.buffer_pixels * self.channels * self.element.bits

    @property
    def least_buffer_bits(self) -> int:
        """Bits of the pixels that are needed at one time, by windows to come or the present one."""
        return self._least_depth * self.channels * self.element.bits

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The image, SIMD channels a beat."""
        return (Stream(self.element, self.simd, self.rows.size * self.columns.size * self.folds),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The windows, SIMD channels a beat, of a type that holds the padding as well."""
        return (Stream(with_padding(self.element, self.padding), self.simd, self.geometry.taps * self.folds),)

    def interval(self) -> int:
        """Cycles from frame to frame, input at full speed provided."""
        return steady_interval(self.geometry, self.buffer_pixels * self.groups, self.folds // self.groups)

    def schedule(self) -> Schedule:
        """Steps are those of the output; beats are taken as soon as there is room."""
        return steady_schedule(self.geometry, self.buffer_pixels * self.groups, self.folds // self.groups)

    def foldings(self) -> Iterator[PhasedWindow]:
        """SIMD divides the channels of a group; deeper buffers where they are faster."""
        for simd in divisors(self.channels // self.groups):
            for depth in sorted({-(-depth // self.groups) for depth in depths(self.geometry)}):
                yield replace(self, simd=simd, depth=depth)

    def attributes(self) -> dict[str, int | str]:
        """SIMD, the depth of the line buffer in pixels and its ram_style."""
        return {"SIMD": self.simd, "depth": self.buffer_pixels, "ram_style": self.ram_style}

    def with_attribute(self, name: str, value: int | str) -> PhasedWindow:
        """One of `attributes` changed."""
        match name:
            case "SIMD":
                return replace(self, simd=legal_number(name, value, divisors(self.channels // self.groups)))
            case "depth":
                if not isinstance(value, int):
                    raise ValueError(f"depth must be {self._least_depth} pixels or more, not {value}")
                return replace(self, depth=value)
            case "ram_style":
                return replace(self, ram_style=legal_word(name, value, RAM_STYLES))
        raise KeyError(name)

    @property
    def built_style(self) -> str:
        """What the line buffer is made of: for `auto` the cheaper RAM."""
        return resolve_ram_style(self.ram_style, self.inputs[0].bits, self.buffer_pixels * self.folds)

    def taps(self) -> tuple[int, int]:
        """Pixels given in a frame, and how many it would take if zeros were inserted instead."""
        return self.geometry.taps, self.rows.stretched * self.columns.stretched

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """The line buffer, five places of the walk, what is ahead and what room there is, counters, both tables, the
        skid buffer.
        """
        bits, words = self.inputs[0].bits, self.buffer_pixels * self.folds
        count, address = self._count_bits(), (words - 1).bit_length()
        loops = (self.rows.outputs, self.columns.outputs, self.groups, self.folds // self.groups)
        walk = sum((size - 1).bit_length() for size in loops) + 2 * self._tap_bits()
        places = 3 + (self.groups > 1) + (int(self.rows.counts().max()) > 1)
        rows, columns = self._row_words(), self._column_words()
        tables = [(varying_bits(words_), len(words_)) for words_ in (rows, columns)]
        freed = bin(reduce(or_, (word >> 3 * self._tap_bits() + count for word in (*rows, *columns)))).count("1")
        grouped = 1.7 * count if self.groups > 1 else 0.0
        total = Resources(lut=5.0 * count + grouped + 2.0 * walk + 2.0 * address + bits + 40 + freed)
        total += Resources(ff=float((places + 4) * count + 2 * freed + walk + address + 2 * bits + 20))
        for varying, depth in tables:
            if depth > 1:
                total += Resources(lut=float(varying * -(-depth // 2**lut_inputs)), ff=float(varying))
        return total + ram_resources(self.built_style, bits, words, lut_inputs, bram_bits)

    def binding(self) -> Binding:
        """The RTL instance with its tables; `auto` is decided here, so that hardware and estimate agree."""
        count, taps, folds = self._count_bits(), self._tap_bits(), self.folds // self.groups
        rows, columns = self.rows, self.columns
        line = columns.size * self.folds
        first = (int(rows.firsts()[0]) * columns.size + int(columns.firsts()[0])) * self.folds
        outside = int(gather(rows, columns, self.groups)[0]) < 0
        move, way, freed = self._first_move(line)
        parameters: tuple[tuple[str, int | str], ...] = (
            ("BITS", self.inputs[0].bits),
            ("LANES", self.simd),
            ("OUTPUT_BITS", self.outputs[0].element.bits),
            ("IS_SIGNED", int(self.element.signed)),
            ("PADDING", self.padding),
            ("FOLDS", folds),
            ("GROUPS", self.groups),
            ("OUT_H", rows.outputs),
            ("OUT_W", columns.outputs),
            ("TAP_BITS", taps),
            ("COUNT_BITS", count),
            ("TAP", columns.spacing * self.folds),
            ("ROW", rows.spacing * line),
            ("ORIGIN", first % 2**count),
            ("BEGINS", int(outside)),
            ("FIRST_MOVE", move),
            ("SECOND", (first + way) % 2**count),
            ("FIRST_FREED", freed),
            ("KEPT", int(needed_from(columns)[-2]) * self.folds if columns.outputs > 1 else 0),
            ("WORDS", self.buffer_pixels * self.folds),
            ("RAM_STYLE", self.built_style),
        )
        width = 3 * taps + 2 * count
        memories = (Memory("ROWS_FILE", width, self._row_words()), Memory("COLUMNS_FILE", width, self._column_words()))
        return Binding(self.kind, SOURCES, parameters, memories)

    def _first_move(self, line: int) -> tuple[int, int, int]:
        """From the first beat of a frame to the second: which loop goes on, by how many beats, what the first one frees."""
        rows, columns, folds = self.rows, self.columns, self.folds // self.groups
        loops = (folds, columns.counts()[0], rows.counts()[0], self.groups, columns.outputs, rows.outputs)
        right, down = (int(axis.firsts()[1 % axis.outputs] - axis.firsts()[0]) for axis in (columns, rows))
        taps = (1, columns.spacing * self.folds, rows.spacing * line, folds)
        ways = (*taps, right * self.folds, down * line, rows.size * line)
        move = next((k for k, count in enumerate(loops) if count > 1), 6)
        released = np.append(self.geometry.released(), self.geometry.pixels)
        return move, ways[move], int(released[1]) * folds if move > 3 else 0

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """(frames, height * width * channels) to (frames, elements of all windows)."""
        (x,) = frames
        index = gather(self.rows, self.columns, self.groups)
        parts = x.reshape(x.shape[0], self.geometry.pixels, -1)
        return (np.where((index >= 0)[:, None], parts[:, index], self.padding).reshape(x.shape[0], -1),)

    @property
    def _least_depth(self) -> int:
        return max(-(-least_depth(self.geometry) // self.groups), -(-2 // self.folds))

    def _count_bits(self) -> int:
        """Wide enough for the beats that are ahead or that there is room for, of two frames."""
        return (2 * (self.inputs[0].beats + self.buffer_pixels * self.folds)).bit_length() + 1

    def _tap_bits(self) -> int:
        return max(1, (int(max(self.rows.counts().max(), self.columns.counts().max())) - 1).bit_length())

    def _row_words(self) -> tuple[int, ...]:
        """The way to the next row, after the last one that to the next frame; all beats that a row lets go of."""
        line = self.columns.size * self.folds
        return self._words(self.rows, line, np.diff(self._needed(self.rows)) * line)

    def _column_words(self) -> tuple[int, ...]:
        """The way to the next window; what is let go of before it."""
        return self._words(self.columns, self.folds, np.diff(self._needed(self.columns)) * self.folds)

    def _needed(self, axis: TapAxis) -> IntArray:
        needed = needed_from(axis)
        needed[0] = 0
        return needed

    def _words(self, axis: TapAxis, beats: int, freed: IntArray) -> tuple[int, ...]:
        """Upwards: the last tap, the first and the last that lie inside, the way to the next output, what is freed."""
        count, taps = self._count_bits(), self._tap_bits()
        firsts, inside = axis.firsts(), axis.pixels() >= 0
        low = np.where(inside.any(axis=1), inside.argmax(axis=1), 1)
        high = np.where(inside.any(axis=1), inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1), 0)
        ways = np.diff(np.append(firsts, firsts[0] + axis.size)) * beats
        fields = ((axis.counts() - 1, taps), (low, taps), (high, taps), (ways, count), (freed, count))
        words = [0] * axis.outputs
        shift = 0
        for numbers, bits in fields:
            words = [word | (int(n) % 2**bits) << shift for word, n in zip(words, numbers, strict=True)]
            shift += bits
        return tuple(words)


def varying_bits(words: Sequence[int]) -> int:
    """Bits of which a memory of these words consists: those alike in every word are one, constant ones none."""
    width = max(max(words).bit_length(), 1)
    patterns = {tuple(word >> bit & 1 for word in words) for bit in range(width)}
    return sum(1 for pattern in patterns if len(set(pattern)) > 1)
