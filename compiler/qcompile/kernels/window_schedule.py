"""When a sliding window gives each group, and how large its buffer has to be for what rate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from qcompile.ir.dataflow import ALWAYS, Schedule
from qcompile.ir.types import IntArray
from qcompile.kernels.room import room_steps
from qcompile.kernels.window_geometry import NEVER


class Windows(Protocol):
    """What a schedule follows from, hashable; each member as in WindowGeometry."""

    @property
    def pixels(self) -> int:
        """Input pixels of a frame."""

    @property
    def kept(self) -> int:
        """Pixels of a frame that go through the buffer."""

    @property
    def groups(self) -> int:
        """Groups of a frame."""

    @property
    def row_windows(self) -> int:
        """Windows of a row."""

    @property
    def final_window(self) -> int:
        """The window that releases the rest of the frame."""

    @property
    def origin(self) -> int:
        """What `released` begins at, not positive."""

    def window_groups(self) -> IntArray:
        """The first group of each window."""

    def last_reads(self) -> IntArray:
        """Rank of the last pixel of each window."""

    def released(self) -> IntArray:
        """The least rank in the buffer when each window begins."""

    def release_groups(self) -> IntArray:
        """The group after which each window's release takes effect."""

    def first_groups(self) -> IntArray:
        """(pixels,): the group that reads each pixel first, NEVER for none."""

    def needs(self) -> tuple[IntArray, IntArray]:
        """Input pixels and the groups that need them first, in the order of groups."""

    def ranks(self) -> IntArray:
        """Rank of each input pixel."""

    def arrivals(self, ranks: IntArray) -> IntArray:
        """Number of the input pixel with each rank."""

    def __hash__(self) -> int:
        """Schedules are computed once for equal windows."""


@lru_cache(maxsize=1024)
def least_depth(geometry: Windows) -> int:
    """The smallest buffer in pixels: every window finds its last pixel in it, the first one the first of its frame.

    That is the span of a window, or less where padding spares some; at least 2, so that there is something to address.
    """
    last = geometry.last_reads()
    return max(2, 1 - geometry.origin, int((last - geometry.released())[last >= 0].max()) + 1)


@lru_cache(maxsize=1024)
def gapless_depth(geometry: Windows, between_frames: bool) -> int:
    """The smallest buffer with which no window waits for a release in its own frame; `between_frames`, in any.

    Let a release in step E make room for rank L. From E + 2 on pixels of rank L, L + 1, ... arrive, so that a pixel of
    rank r first read in step R must have R - arrival(r) >= E + 2 - arrival(L). The least left side over all r >= L
    bounds L from below.
    """
    (pixels, groups), start = geometry.needs(), _unhindered(geometry)
    slack = np.full(geometry.kept, NEVER)
    np.minimum.at(slack, geometry.ranks()[pixels], start[groups] - pixels)
    if between_frames:
        slack = np.concatenate([slack, slack + max(0, geometry.groups - geometry.pixels)])
    latest = np.minimum.accumulate(slack[::-1])[::-1] + geometry.arrivals(np.arange(slack.size))
    ranks = np.searchsorted(latest, start[geometry.release_groups()] + 2)
    needed = ranks - geometry.released()
    if not between_frames:
        needed[geometry.final_window :] = 0
    return max(least_depth(geometry), int(needed.max()))


def _unhindered(geometry: Windows) -> IntArray:
    """(groups,): steps, of a pixel each, in which a large enough buffer gives the groups, the first in step 0."""
    order = np.arange(2 * geometry.groups, dtype=np.int64)
    if geometry.pixels <= geometry.groups:
        return order[: geometry.groups]
    pixels, groups = geometry.needs()
    wait = np.full(order.size, -NEVER)
    wait[groups] = pixels - groups
    wait[groups + geometry.groups] = pixels + geometry.pixels - groups - geometry.groups
    start: IntArray = (np.maximum.accumulate(wait) + order)[geometry.groups :]
    start -= start[0]
    return start


def depths(geometry: Windows) -> tuple[int, ...]:
    """Sizes of the buffer worth considering: the smallest, that without gaps in a frame, that without gaps at all."""
    choices = least_depth(geometry), gapless_depth(geometry, False), gapless_depth(geometry, True)
    return tuple(sorted(set(choices)))


@lru_cache(maxsize=8)
def steady_starts(geometry: Windows, depth: int, folds: int) -> tuple[IntArray, int]:
    """The step in which each group begins, the first in step 0, and the steps of a frame, `folds` beats a pixel.

    Input beat i, always offered, is taken in W_i = max(W_i-1 + 1, E + 2) with E the step that makes room for it; output
    beat j is given in R_j = max(R_j-1 + 1, W_i) with i the beat it needs. Frames are followed from an empty buffer on
    until one repeats.
    """
    flow = _Flow.of(geometry, depth, folds)
    rooms, lags = np.full(1, -NEVER), np.zeros(1, dtype=np.int64)
    start, previous = flow.order - flow.order.size * folds, flow.order
    for frame in range(64):
        rooms = np.concatenate([rooms, flow.limits + frame * geometry.kept])
        lags = np.concatenate([lags, np.full(flow.limits.size, -NEVER)])
        start, previous = flow.follow(frame, int(start[-1]) + folds, rooms, lags), start
        steps = int(start[0] - previous[0])
        if frame > 1 and steps >= geometry.pixels * folds and np.ptp(start - previous) == 0:
            return start - start[0], steps
    raise AssertionError("the schedule of the windows does not become periodic")


def steady_schedule(geometry: Windows, depth: int, folds: int) -> Schedule:
    """Steps are those of the output; a beat is read by the first step that needs it or one behind it.

    It is taken before, at once if there is room: the output keeps to the recursion of the steps for every pattern of
    arrivals. The first beat is needed by step 0, and a beat that no window needs by step 0 of the next frame.
    """
    starts, steps = steady_starts(geometry, depth, folds)
    first = geometry.first_groups()
    needed = np.append(np.where(first < NEVER, starts[np.minimum(first, starts.size - 1)], NEVER), NEVER)
    later = np.minimum(np.minimum.accumulate(needed[::-1])[::-1], steps)
    fold = np.arange(folds, dtype=np.int64)
    reads = np.minimum(needed[:-1, None] + fold, later[1:, None])
    reads[0, 0] = 0
    writes = starts[:, None] + fold
    rooms = steady_rooms(geometry, depth, folds)
    return Schedule(steps, (reads.reshape(-1),), (writes.reshape(-1),), latency=3, rooms=(rooms,))


def steady_rooms(geometry: Windows, depth: int, folds: int) -> IntArray:
    """(pixels * folds,): the step that makes room for each input beat, as a schedule has it."""
    starts, steps = steady_starts(geometry, depth, folds)
    ends = starts[geometry.release_groups()] + folds - 1
    ranks = geometry.ranks()
    room = room_steps(geometry.released() + depth, ends, geometry.kept, steps, ranks)
    dropped = np.append(np.diff(ranks) == 0, ranks[-1] >= geometry.kept)
    return np.repeat(np.where(dropped, ALWAYS, room), folds)


@lru_cache(maxsize=4096)
def steady_interval(geometry: Windows, depth: int, folds: int) -> int:
    """Cycles a frame at full speed."""
    return steady_starts(geometry, depth, folds)[1]


@dataclass(frozen=True, slots=True, eq=False)
class _Flow:
    """What the steps of a frame follow from.

    For each pixel needed, in the order of needs: its group, its rank, the beats that arrive before it. For each window:
    its release's group, the rank that this makes room for, and the beats before that.
    """

    geometry: Windows
    folds: int
    order: IntArray
    groups: IntArray
    ranks: IntArray
    arrivals: IntArray
    release_groups: IntArray
    limits: IntArray
    limit_arrivals: IntArray

    @staticmethod
    def of(geometry: Windows, depth: int, folds: int) -> _Flow:
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

    def follow(self, frame: int, begin: int, rooms: IntArray, lags: IntArray) -> IntArray:
        """Steps in which the groups of frame number `frame` begin, none before `begin`.

        `rooms` are the ranks that releases make room for, of all frames up to this one; `lags` the most by which
        arrivals from each of them on lag behind input at full speed, filled in here. Windows are followed some hundred
        at a time, since a release delays what comes after it, which delays the next.
        """
        bounds, windows, before = self.geometry.window_groups(), self.limits.size, frame * self.limits.size + 1
        found = np.searchsorted(rooms, self.ranks + frame * self.geometry.kept, side="right") - 1
        late = frame * self.geometry.pixels * self.folds
        starts = np.empty_like(self.order)
        chunk = max(self.geometry.row_windows, 256)
        for low in range(0, windows, chunk):
            some = slice(low, min(low + chunk, windows))
            groups = slice(int(bounds[low]), int(bounds[some.stop]))
            needs = slice(*np.searchsorted(self.groups, [groups.start, groups.stop]))
            places = self.groups[needs] - groups.start
            straight = self.order[groups] - self.order[groups.start] + begin
            start = straight
            while True:
                ends = start[self.release_groups[some] - groups.start] + self.folds - 1
                own = np.maximum(ends + 2 - self.limit_arrivals[some] - late, lags[before + low - 1])
                lags[before + low : before + some.stop] = np.maximum.accumulate(own)
                wait = np.zeros(start.size, dtype=np.int64)
                wait[places] = np.maximum(self.arrivals[needs] + late + lags[found[needs]] - straight[places], 0)
                delayed = np.maximum.accumulate(wait) + straight
                if np.array_equal(delayed, start):
                    break
                start = delayed
            starts[groups], begin = start, int(start[-1]) + self.folds
        return starts
