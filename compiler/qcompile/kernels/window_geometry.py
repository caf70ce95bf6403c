"""Windows over an image: which pixels they read and in which order, and when a circular buffer can let go of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qcompile.ir.types import IntArray

NEVER = 2**62
"""The number of a group that there is not."""


@dataclass(frozen=True, slots=True)
class WindowAxis:
    """Windows along an axis of `size` pixels: taps `dilation` apart, windows `stride` apart, padding at both ends.

    Pixels that lie under no window (between windows when the stride exceeds their `span`, and after the last one) are
    dropped on arrival; the `kept` others have consecutive ranks. Among them windows are `step` ranks apart.
    """

    size: int
    kernel: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0

    def __post_init__(self) -> None:
        if min(self.size, self.kernel, self.stride, self.dilation) < 1 or min(self.before, self.after) < 0:
            raise ValueError("sizes, kernels, strides and dilations are at least 1, pads at least 0")
        if max(self.before, self.after) >= self.span:
            raise ValueError(f"padding of {max(self.before, self.after)} is not less than the window, {self.span}")
        if self.size + self.before + self.after < self.span:
            raise ValueError(f"a window of {self.span} does not fit an axis of {self.size}, padding included")
        if not bool(np.any(self.taps() >= 0)):
            raise ValueError("no window reads any pixel")

    @property
    def span(self) -> int:
        """Pixels from the first tap to the last."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def outputs(self) -> int:
        """Windows."""
        return (self.size + self.before + self.after - self.span) // self.stride + 1

    @property
    def step(self) -> int:
        """Ranks from window to window."""
        return min(self.stride, self.span)

    @property
    def kept(self) -> int:
        """Pixels under some window."""
        return int(self.ranks()[-1])

    def taps(self) -> IntArray:
        """(outputs, kernel): the pixel under each tap, -1 for padding."""
        first = np.arange(self.outputs, dtype=np.int64)[:, None] * self.stride - self.before
        pixel = first + np.arange(self.kernel, dtype=np.int64) * self.dilation
        return np.where((pixel >= 0) & (pixel < self.size), pixel, -1)

    def ranks(self) -> IntArray:
        """(size + 1,): how many of the pixels before each one are kept."""
        place = np.arange(self.before, self.before + self.size + 1, dtype=np.int64)
        if self.stride > self.span:
            turn, phase = np.divmod(place, self.stride)
            place = turn * self.span + np.minimum(phase, self.span)
        used = (self.outputs - 1) * self.stride + self.span - self.before
        ranks: IntArray = np.minimum(place, place[min(used, self.size)]) - self.before
        return ranks

    def first_reads(self) -> tuple[IntArray, IntArray]:
        """(size,) each: the first window that reads a pixel, -1 for none, and the tap it reads it by."""
        window, tap = np.full(self.size + 1, -1, dtype=np.int64), np.zeros(self.size + 1, dtype=np.int64)
        for number, pixels in reversed(list(enumerate(self.taps()))):
            window[pixels], tap[pixels] = number, np.arange(self.kernel)
        return window[:-1], tap[:-1]


@dataclass(frozen=True, slots=True)
class WindowGeometry:
    """Windows of an image, given row by row, each one row of taps after another.

    Counts are pixels. A group is what one tap of one window gives; `groups` of them make a frame, in the order window
    row, window column, tap row, tap column. Kept pixels have consecutive ranks over the frame and from frame to frame.
    The buffer is circular: it holds the pixels of rank `released` to `released` + depth - 1. `released` begins at
    `origin`, the rank of the first window's first tap as if the padding above and to the left were pixels: then all
    rows of windows are alike.
    """

    rows: WindowAxis
    columns: WindowAxis

    @property
    def pixels(self) -> int:
        """Input pixels of a frame."""
        return self.rows.size * self.columns.size

    @property
    def kept(self) -> int:
        """Pixels of a frame that go through the buffer."""
        return self.rows.kept * self.columns.kept

    @property
    def windows(self) -> int:
        """Output pixels of a frame."""
        return self.rows.outputs * self.columns.outputs

    @property
    def taps(self) -> int:
        """Groups of a window."""
        return self.rows.kernel * self.columns.kernel

    @property
    def groups(self) -> int:
        """Groups of a frame."""
        return self.windows * self.taps

    @property
    def row_windows(self) -> int:
        """Output pixels of a row."""
        return self.columns.outputs

    @property
    def final_window(self) -> int:
        """The window that releases the rest of the frame."""
        row, column = self.frame_end
        return row * self.columns.outputs + column

    def window_groups(self) -> IntArray:
        """(windows + 1,): the first group of each window."""
        return np.arange(self.windows + 1, dtype=np.int64) * self.taps

    def last_reads(self) -> IntArray:
        """(windows,): rank of the last pixel that each window reads, -1 where it reads none."""
        last_row, last_column = self.rows.taps().max(axis=1), self.columns.taps().max(axis=1)
        ranks = self.ranks().reshape(self.rows.size, self.columns.size)[last_row[:, None], last_column]
        return np.where((last_row[:, None] >= 0) & (last_column >= 0), ranks, -1).reshape(-1)

    @property
    def span(self) -> int:
        """Kept pixels from the first tap of a window to its last: (kernel - 1) * dilation rows and pixels, and one."""
        return (self.rows.span - 1) * self.columns.kept + self.columns.span

    @property
    def origin(self) -> int:
        """Rank of the first tap of the first window, not positive."""
        return -(self.rows.before * self.columns.kept + self.columns.before)

    @property
    def release_row(self) -> int:
        """Tap rows after which a window reads nothing above the next row of windows."""
        return min(self.rows.kernel, -(-self.rows.step // self.rows.dilation))

    @property
    def row_end(self) -> int:
        """The window of a row that releases the rest of `step` rows: the last, or one before where padding is wide."""
        return min(self.columns.outputs - 1, self.rows.step * self.columns.kept // self.columns.step)

    @property
    def frame_end(self) -> tuple[int, int]:
        """Row and column of the window that releases the rest of the frame: the last, or one before."""
        row = min(self.rows.outputs - 1, self.rows.kept // self.rows.step)
        rest = (self.rows.kept - row * self.rows.step) * self.columns.kept
        return row, min(self.columns.outputs - 1, rest // self.columns.step)

    def releases(self) -> IntArray:
        """(windows,): how far each window moves `released`: `step` columns, the rest of `step` rows, that of the frame.

        Windows that would go beyond that, having only padding before the next row or frame, release nothing.
        """
        row, (final_row, final_column) = self.rows.step * self.columns.kept, self.frame_end
        amounts = np.zeros((self.rows.outputs, self.columns.outputs), dtype=np.int64)
        amounts[:final_row, : self.row_end] = self.columns.step
        amounts[:final_row, self.row_end] = row - self.row_end * self.columns.step
        amounts[final_row, :final_column] = self.columns.step
        amounts[final_row, final_column] = self.kept - amounts.sum()
        return amounts.reshape(-1)

    def released(self) -> IntArray:
        """(windows,): the least rank in the buffer when each window begins."""
        return self.origin + np.cumsum(self.releases()) - self.releases()

    def release_groups(self) -> IntArray:
        """(windows,): the group after which each window's release takes effect.

        That is the last of the tap row after which nothing above the next row of windows is read; for the rest of the
        frame, the last of the window.
        """
        groups = np.arange(self.windows, dtype=np.int64) * self.taps + self.release_row * self.columns.kernel - 1
        row, column = self.frame_end
        groups[row * self.columns.outputs + column] += (self.rows.kernel - self.release_row) * self.columns.kernel
        return groups

    def first_groups(self) -> IntArray:
        """(pixels,): the group that reads each input pixel first, NEVER for those that none does."""
        (row, row_tap), (column, column_tap) = self.rows.first_reads(), self.columns.first_reads()
        window = row[:, None] * self.columns.outputs + column
        group = window * self.taps + row_tap[:, None] * self.columns.kernel + column_tap
        return np.where((row[:, None] >= 0) & (column >= 0), group, NEVER).reshape(-1)

    def needs(self) -> tuple[IntArray, IntArray]:
        """Input pixels and the groups that need them first, in the order of groups.

        Those are the pixels that are read; and group 0 needs the first one, so that no frame begins before it has.
        """
        first = self.first_groups()
        read = np.argsort(first, kind="stable")[: np.count_nonzero(first < NEVER)]
        if first[0] == 0:
            return read, first[read]
        return np.concatenate([[0], read]), np.concatenate([[0], first[read]])

    def ranks(self) -> IntArray:
        """(pixels,): rank of each input pixel, for dropped ones that of the next kept one."""
        rows, columns = self.rows.ranks(), self.columns.ranks()
        kept_row = np.diff(rows) > 0
        return (rows[:-1, None] * self.columns.kept + np.where(kept_row[:, None], columns[:-1], 0)).reshape(-1)

    def arrivals(self, ranks: IntArray) -> IntArray:
        """Number of the input pixel with each rank, counted over all frames from this one's first."""
        rows, columns = np.flatnonzero(np.diff(self.rows.ranks())), np.flatnonzero(np.diff(self.columns.ranks()))
        frame, rank = np.divmod(ranks, self.kept)
        row, column = np.divmod(rank, self.columns.kept)
        numbers: IntArray = frame * self.pixels + rows[row] * self.columns.size + columns[column]
        return numbers
