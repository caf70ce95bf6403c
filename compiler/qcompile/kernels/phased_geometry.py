"""What windows that differ from phase to phase read of an image, in parts of pixels, and when a buffer lets go of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from qcompile.ir.types import IntArray
from qcompile.kernels.window_geometry import NEVER
from qcompile.ops.taps import TapAxis


def needed_from(axis: TapAxis) -> IntArray:
    """(outputs + 1,): the least pixel that an output or one behind it reads; the size of the axis where there is none."""
    pixels = axis.pixels()
    least = np.where(pixels >= 0, pixels, axis.size).min(axis=1)
    needed: IntArray = np.append(np.minimum.accumulate(least[::-1])[::-1], axis.size)
    return needed


@dataclass(frozen=True, slots=True)
class PhasedGeometry:
    """Windows of an image, group by group, as `window_schedule` follows them.

    What is a pixel there is here a part of one: the channels of one of its `groups`, parts numbered in the order of
    the stream. A group there is what one tap gives: all of them of each group of channels, window after window. All
    parts go through the buffer.
    """

    rows: TapAxis
    columns: TapAxis
    parts: int

    @property
    def pixels(self) -> int:
        """Parts of a frame."""
        return self.rows.size * self.columns.size * self.parts

    @property
    def kept(self) -> int:
        """All of them."""
        return self.pixels

    @property
    def windows(self) -> int:
        """Output pixels of a frame."""
        return self.rows.outputs * self.columns.outputs

    @property
    def taps(self) -> int:
        """Taps of a frame, each of them once for all groups of channels."""
        return int(self.rows.counts().sum() * self.columns.counts().sum())

    @property
    def groups(self) -> int:
        """Parts that a frame of windows consists of."""
        return self.taps * self.parts

    @property
    def row_windows(self) -> int:
        """Output pixels of a row."""
        return self.columns.outputs

    @property
    def origin(self) -> int:
        """Nothing is released before the image."""
        return 0

    @property
    def final_window(self) -> int:
        """The first window behind whose release nothing is left to release."""
        released = self.released()
        return int(np.searchsorted(released, self.pixels)) - 1 if released[-1] == self.pixels else self.windows - 1

    def window_groups(self) -> IntArray:
        """(windows + 1,): the first group of each window."""
        return _window_groups(self)

    def released(self) -> IntArray:
        """(windows,): the least part in the buffer when each window begins.

        While the windows of a row let go of a row of pixels (or of several), they do so column by column; the last
        window of a row lets go of the rest.
        """
        needed, columns = needed_from(self.rows), needed_from(self.columns)
        needed[0] = columns[0] = 0
        moving = (np.diff(needed) > 0).astype(np.int64)
        pixel = needed[:-1, None] * self.columns.size + moving[:, None] * columns[:-1]
        return pixel.reshape(-1) * self.parts

    def release_groups(self) -> IntArray:
        """(windows,): the last group of each window."""
        return self.window_groups()[1:] - 1

    def last_reads(self) -> IntArray:
        """(windows,): the last part that each window reads, -1 where it reads none."""
        row, column = self.rows.pixels().max(axis=1)[:, None], self.columns.pixels().max(axis=1)
        last = (row * self.columns.size + column + 1) * self.parts - 1
        return np.where((row >= 0) & (column >= 0), last, -1).reshape(-1)

    def first_groups(self) -> IntArray:
        """(parts of a frame,): the group that reads each part first, NEVER for those that none does."""
        (row, row_tap), (column, column_tap) = _first_reads(self.rows), _first_reads(self.columns)
        counts = self.columns.counts()[column]
        taps = self.rows.counts()[row][:, None] * counts
        first = self.window_groups()[row[:, None] * self.columns.outputs + column] + row_tap[:, None] * counts + column_tap
        each = first[:, :, None] + taps[:, :, None] * np.arange(self.parts)
        return np.where(((row >= 0)[:, None] & (column >= 0))[:, :, None], each, NEVER).reshape(-1)

    def needs(self) -> tuple[IntArray, IntArray]:
        """Parts and the groups that need them first, in the order of groups; the first group needs the first part."""
        first = self.first_groups()
        read = np.argsort(first, kind="stable")[: np.count_nonzero(first < NEVER)]
        if first[0] == 0:
            return read, first[read]
        return np.concatenate([[0], read]), np.concatenate([[0], first[read]])

    def ranks(self) -> IntArray:
        """Parts are numbered as they come."""
        return np.arange(self.pixels, dtype=np.int64)

    def arrivals(self, ranks: IntArray) -> IntArray:
        """They come as they are numbered."""
        return ranks


@lru_cache(maxsize=64)
def _window_groups(geometry: PhasedGeometry) -> IntArray:
    taps = geometry.rows.counts()[:, None] * geometry.columns.counts() * geometry.parts
    bounds: IntArray = np.concatenate([[0], np.cumsum(taps)])
    bounds.setflags(write=False)
    return bounds


def _first_reads(axis: TapAxis) -> tuple[IntArray, IntArray]:
    """(size,) each: the first output that reads a pixel, -1 for none, and the tap it reads it by."""
    output, tap = np.full(axis.size + 1, -1, dtype=np.int64), np.zeros(axis.size + 1, dtype=np.int64)
    for number, pixels in reversed(list(enumerate(axis.pixels()))):
        output[pixels], tap[pixels] = number, np.arange(pixels.size)
    return output[:-1], tap[:-1]
