"""Which pixels of an image windows read, in which order, and how many a circular buffer has to hold for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from qcompile.ir.types import IntArray

NEVER = np.int64(2**62)


@dataclass(frozen=True, slots=True)
class WindowAxis:
    """Windows along one axis of `size` pixels: taps `dilation` apart, windows `stride` apart, padding before and after.

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
            raise ValueError(f"padding of {max(self.before, self.after)} hides a window, which spans {self.span}")
        if self.size + self.before + self.after < self.span:
            raise ValueError(f"a window that spans {self.span} does not fit an axis of {self.size}")
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
        turn, phase = np.divmod(place, self.stride)
        rank = np.where(self.stride > self.span, turn * self.span + np.minimum(phase, self.span), place) - self.before
        used = (self.outputs - 1) * self.stride + self.span - self.before
        return np.minimum(rank, rank[min(used, self.size)])

    def first_reads(self) -> tuple[IntArray, IntArray]:
        """(size,) each: the first window that reads a pixel, -1 for none, and the tap it reads it by."""
        window, tap = np.full(self.size + 1, -1, dtype=np.int64), np.zeros(self.size + 1, dtype=np.int64)
        for number, pixels in reversed(list(enumerate(self.taps()))):
            window[pixels], tap[pixels] = number, np.arange(self.kernel)
        return window[:-1], tap[:-1]


@dataclass(frozen=True, slots=True)
class WindowGeometry:
    """Windows of an image, given row by row, each one row of taps after another.

    Counts are pixels. A group is what one tap of one window gives; `groups` of them make a frame, in the order window row,
    window column, tap row, tap column. Kept pixels have consecutive ranks over the frame and from frame to frame. The buffer
    is circular: it holds the pixels of rank `released` to `released` + depth - 1. `released` begins at `origin`, the rank of
    the first window's first tap as if the padding above and to the left were pixels (which makes all rows of windows alike).
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
    def span(self) -> int:
        """Kept pixels from the first tap of a window to its last: (kernel - 1) * dilation rows and as many pixels, and one."""
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
        """The window of a row that releases the rest of `step` rows: the last, or one before it where padding is wide."""
        return min(self.columns.outputs - 1, self.rows.step * self.columns.kept // self.columns.step)

    @property
    def frame_end(self) -> tuple[int, int]:
        """Row and column of the window that releases the rest of the frame: the last, or one before it."""
        row = min(self.rows.outputs - 1, self.rows.kept // self.rows.step)
        rest = (self.rows.kept - row * self.rows.step) * self.columns.kept
        return row, min(self.columns.outputs - 1, rest // self.columns.step)

    def releases(self) -> IntArray:
        """(windows,): how far each window moves `released`: `step` columns, the rest of `step` rows, the rest of the frame.

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

        That is the last of the tap row after which nothing above the next row of windows is read; for the rest of the frame, the
        last of the window.
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
        """Input pixels and the groups that need them first, in the order of groups: those read, and the first by group 0.

        So no frame begins before its first pixel has come, even if it begins with padding.
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
        return frame * self.pixels + rows[row] * self.columns.size + columns[column]

    def unhindered(self) -> IntArray:
        """(groups,): steps of a pixel each in which groups are given when the buffer is large enough, the first in step 0."""
        order = np.arange(2 * self.groups, dtype=np.int64)
        if self.pixels <= self.groups:
            return order[: self.groups]
        pixels, groups = self.needs()
        wait = np.full(order.size, -NEVER)
        wait[groups] = pixels - groups
        wait[groups + self.groups] = pixels + self.pixels - groups - self.groups
        start = (np.maximum.accumulate(wait) + order)[self.groups :]
        return start - start[0]


@lru_cache(maxsize=1024)
def least_depth(geometry: WindowGeometry) -> int:
    """The smallest buffer: every window finds its last pixel in it, and the first one the first pixel of its frame.

    That is the span of a window, or less where padding spares some; at least 2, so that there is something to address.
    """
    rows, columns = geometry.rows, geometry.columns
    last_row, last_column = rows.taps().max(axis=1), columns.taps().max(axis=1)
    ranks = geometry.ranks().reshape(rows.size, columns.size)[last_row[:, None], last_column]
    read = (last_row[:, None] >= 0) & (last_column >= 0)
    return max(2, 1 - geometry.origin, int((ranks - geometry.released().reshape(read.shape))[read].max()) + 1)


@lru_cache(maxsize=1024)
def gapless_depth(geometry: WindowGeometry, between_frames: bool) -> int:
    """The smallest buffer with which no window waits for a release in its own frame; `between_frames`, in any.

    Let a release in step E make room for rank L. From E + 2 on pixels of rank L, L + 1, ... arrive, so that a pixel of rank r
    first read in step R must have R - arrival(r) >= E + 2 - arrival(L). The least left side over all r >= L bounds L from below.
    """
    (pixels, groups), start = geometry.needs(), geometry.unhindered()
    slack = np.full(geometry.kept, NEVER)
    np.minimum.at(slack, geometry.ranks()[pixels], start[groups] - pixels)
    if between_frames:
        slack = np.concatenate([slack, slack + max(0, geometry.groups - geometry.pixels)])
    latest = np.minimum.accumulate(slack[::-1])[::-1] + geometry.arrivals(np.arange(slack.size))
    ranks = np.searchsorted(latest, start[geometry.release_groups()] + 2)
    needed = ranks - geometry.released()
    if not between_frames:
        row, column = geometry.frame_end
        needed[row * geometry.columns.outputs + column :] = 0
    return max(least_depth(geometry), int(needed.max()))


def depths(geometry: WindowGeometry) -> tuple[int, ...]:
    """Sizes of the buffer worth considering: the smallest, that without gaps in a frame, that without gaps at all."""
    choices = least_depth(geometry), gapless_depth(geometry, False), gapless_depth(geometry, True)
    return tuple(sorted(set(choices)))


@lru_cache(maxsize=8)
def steady_starts(geometry: WindowGeometry, depth: int, folds: int) -> tuple[IntArray, int]:
    """The step in which each group begins, the first in step 0, and the steps of a frame, `folds` beats a pixel.

    Input beat i, always offered, is taken in W_i = max(W_i-1 + 1, E + 2) with E the step that makes room for it; output beat j is
    given in R_j = max(R_j-1 + 1, W_i) with i the beat it needs. Frames are followed from an empty buffer on until one repeats.
    """
    flow = _Flow.of(geometry, depth, folds)
    rooms, room = np.full(1, -NEVER), np.zeros(1, dtype=np.int64)
    start, previous = flow.order - flow.order.size * folds, flow.order
    for frame in range(64):
        rooms = np.concatenate([rooms, flow.limits + frame * geometry.kept])
        room = np.concatenate([room, np.full(flow.limits.size, -NEVER)])
        start, previous = flow.follow(frame, int(start[-1]) + folds, rooms, room), start
        steps = int(start[0] - previous[0])
        if frame > 1 and steps >= geometry.pixels * folds and np.ptp(start - previous) == 0:
            return start - start[0], steps
    raise AssertionError("the schedule of the windows does not become periodic")


@lru_cache(maxsize=4096)
def steady_interval(geometry: WindowGeometry, depth: int, folds: int) -> int:
    """Cycles a frame at full speed."""
    return steady_starts(geometry, depth, folds)[1]


@dataclass(frozen=True, slots=True, eq=False)
class _Flow:
    """What the steps of a frame follow from: for each pixel needed, in the order of needs, its group, its rank and the beats
    that arrive before it; for each window, its release's group, the rank it makes room for and the beats before that.
    """

    geometry: WindowGeometry
    folds: int
    order: IntArray
    groups: IntArray
    ranks: IntArray
    arrivals: IntArray
    release_groups: IntArray
    limits: IntArray
    limit_arrivals: IntArray

    @staticmethod
    def of(geometry: WindowGeometry, depth: int, folds: int) -> _Flow:
        """The frame of `geometry` with a buffer of `depth` pixels, `folds` beats each."""
        pixels, groups = geometry.needs()
        limits = geometry.released() + depth
        return _Flow(
            geometry,
            folds,
            np.arange(geometry.groups, dtype=np.int64) * folds,
            groups,
            geometry.ranks()[pixels],
            pixels * folds,
            geometry.release_groups(),
            limits,
            geometry.arrivals(limits) * folds,
        )

    def follow(self, frame: int, begin: int, rooms: IntArray, room: IntArray) -> IntArray:
        """Steps in which the groups of frame number `frame` begin, none before `begin`.

        `rooms` are the ranks that releases make room for, of all frames up to this one; `room` the most by which arrivals from
        each on lag behind input at full speed, filled in here. Windows are followed some hundred at a time, since a release
        delays what comes after it, which delays the next.
        """
        taps, windows, before = self.geometry.taps, self.limits.size, frame * self.limits.size + 1
        found = np.searchsorted(rooms, self.ranks + frame * self.geometry.kept, side="right") - 1
        late = frame * self.geometry.pixels * self.folds
        starts = np.empty_like(self.order)
        chunk = max(self.geometry.columns.outputs, 256)
        for low in range(0, windows, chunk):
            some = slice(low, min(low + chunk, windows))
            groups = slice(low * taps, some.stop * taps)
            reads = slice(*np.searchsorted(self.groups, [groups.start, groups.stop]))
            places = self.groups[reads] - groups.start
            straight = self.order[groups] - self.order[groups.start] + begin
            start = straight
            while True:
                ends = start[self.release_groups[some] - groups.start] + self.folds - 1
                lags = ends + 2 - self.limit_arrivals[some] - late
                room[before + low : before + some.stop] = np.maximum.accumulate(np.maximum(lags, room[before + low - 1]))
                wait = np.zeros(start.size, dtype=np.int64)
                wait[places] = np.maximum(self.arrivals[reads] + late + room[found[reads]] - straight[places], 0)
                delayed = np.maximum.accumulate(wait) + straight
                if np.array_equal(delayed, start):
                    break
                start = delayed
            starts[groups], begin = start, int(start[-1]) + self.folds
        return starts
