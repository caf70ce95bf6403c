"""sliding_window against its model: values, the cycle of every beat on both sides, sizes of the line buffer."""

from __future__ import annotations

from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.sliding_window import SlidingWindow
from qcompile.kernels.window_geometry import WindowAxis, WindowGeometry, depths, least_depth, steady_starts

from .bench import simulate
from .judge import Record, Run

INT3, UINT1, INT8 = IntType(3, True), IntType(1, False), IntType(8, True)


def window(shape, kernel, stride=(1, 1), dilation=(1, 1), pads=(0, 0, 0, 0), simd=1, element=INT3, **rest) -> SlidingWindow:
    return SlidingWindow(*shape, element, kernel, stride, dilation, pads, simd, **rest)


SQUARE = [
    window((5, 6, 1), (3, 3)),
    window((5, 5, 6), (3, 3), simd=2, element=UINT1),
    window((6, 4, 2), (3, 3), pads=(1, 1, 1, 1)),
    window((4, 5, 3), (2, 3), pads=(0, 1, 1, 2), simd=3, element=INT8),
    window((7, 7, 2), (3, 3), (2, 2), pads=(1, 1, 1, 1)),
    window((8, 8, 2), (3, 3), (2, 2), pads=(0, 0, 1, 1), simd=2),
    window((8, 6, 2), (2, 2), (2, 2)),
    window((9, 8, 1), (3, 2), (3, 2)),
    window((7, 8, 2), (2, 2), (3, 4), pads=(1, 1, 0, 1)),
    window((5, 5, 4), (1, 1), (2, 2), simd=2),
    window((6, 7, 1), (1, 1)),
    window((7, 7, 1), (3, 3), dilation=(2, 2)),
    window((6, 6, 2), (3, 3), dilation=(2, 2), pads=(2, 2, 2, 2)),
    window((7, 6, 1), (2, 3), (2, 1), dilation=(3, 2), pads=(2, 1, 1, 3)),
    window((3, 3, 4), (3, 3), simd=2),
    window((1, 1, 2), (3, 3), pads=(1, 1, 1, 1)),
    window((4, 3, 1), (3, 3), pads=(2, 2, 2, 2)),
    window((4, 4, 2), (4, 4), pads=(3, 3, 3, 3)),
    window((5, 7, 1), (3, 4), (2, 2), pads=(2, 3, 2, 2)),
    window((5, 5, 1), (3, 1), (1, 2), pads=(1, 0, 1, 0)),
    window((5, 6, 2), (1, 3), pads=(0, 1, 0, 1)),
    window((6, 6, 1), (2, 2), (5, 5)),
    window((7, 5, 1), (2, 2), (2, 2)),
    window((6, 6, 1), (3, 3), ram_style="block"),
]
SEQUENCES = [
    window((1, 16, 2), (1, 3), simd=2),
    window((1, 16, 2), (1, 3), pads=(0, 1, 0, 1), element=UINT1),
    window((1, 17, 4), (1, 5), (1, 2), pads=(0, 2, 0, 1), simd=2),
    window((16, 1, 1), (4, 1)),
    window((16, 1, 1), (3, 1), (2, 1), dilation=(2, 1), pads=(4, 0, 0, 0)),
    window((1, 20, 1), (1, 2), (1, 1), dilation=(1, 4)),
]


def deeper(kernels: list[SlidingWindow]) -> list[SlidingWindow]:
    """The same windows with the larger buffers that they may have."""
    return [k.with_attribute("depth", depth) for k in kernels for depth in depths(k.geometry)[1:]]


def cut(record: Record, beats: int) -> Record:
    """What the port did up to its beat number `beats`."""
    end = int(record.beats[beats - 1]) + 1
    return replace(record, valid=record.valid[:end], ready=record.ready[:end], data=record.data[:end])


class Timed(Run):
    """A run without its last frame, whose last beats no window waits for, and its times."""

    def __init__(self, run: Run) -> None:
        count = run.frames - 1
        records = [tuple(cut(r, count * r.stream.beats) for r in port) for port in (run.inputs, run.outputs)]
        super().__init__(run.label, run.kernel, run.phase, count, run.expected, *records, run.moved)

    def model(self) -> tuple[IntArray, tuple[IntArray, ...]]:
        schedule = self.kernel.schedule()
        (reads,), (writes,), (record,) = schedule.reads, schedule.writes, self.inputs
        bases = np.arange(self.frames, dtype=np.int64)[:, None] * schedule.steps
        offered = np.zeros((self.frames + 1) * schedule.steps + int(reads[-1]), dtype=np.int64)
        np.maximum.at(offered, (bases + reads).reshape(-1), record.offers)
        number = np.arange(offered.size, dtype=np.int64)
        cycle = np.maximum.accumulate(offered - number) + number
        return cycle, (cycle[(bases + writes).reshape(-1)] + schedule.latency,)

    def takes(self) -> IntArray:
        """When each input beat is to be taken: when it is offered, if a release two steps before has made room for it."""
        kernel, frame = self.kernel, np.arange(self.frames, dtype=np.int64)[:, None]
        assert isinstance(kernel, SlidingWindow)
        geometry = kernel.geometry
        rows, columns = np.diff(geometry.rows.ranks()) > 0, np.diff(geometry.columns.ranks()) > 0
        ends = (geometry.release_groups() + frame * geometry.groups + 1).reshape(-1) * kernel.folds - 1
        limits = (geometry.released() + kernel.buffer_pixels + frame * geometry.kept).reshape(-1)
        ranks = (geometry.ranks() + frame * geometry.kept).reshape(-1)
        release = np.searchsorted(limits, ranks, side="right") - 1
        steps = self.outputs[0].offers[ends] - kernel.schedule().latency
        kept = np.tile((rows[:, None] & columns).reshape(-1), self.frames)
        room = np.where((release >= 0) & kept, steps[release] + 2, 0)
        return np.maximum(self.inputs[0].offers, np.repeat(room, kernel.folds))


@pytest.mark.parametrize(
    "kernels", [SQUARE + SEQUENCES, deeper(SQUARE + SEQUENCES)], ids=["least depth", "larger depths"]
)
def test_conformance(kernels: list[SlidingWindow], tmp_path: Path) -> None:
    faults = []
    for run in (run for row in simulate(kernels, tmp_path) for run in row):
        untimed = replace(run, phase=replace(run.phase, polite=True))
        found = [fault for fault in untimed.faults() if not fault.startswith("input 0 took")]
        if run.phase.unthrottled and not found:
            timed = Timed(run)
            found += timed.untimely()
            if not np.array_equal(timed.inputs[0].beats, timed.takes()):
                found.append("beats are not taken as soon as there is room")
        faults += [f"{run.label}, {run.phase.name}: {fault}" for fault in found]
    assert not faults, "\n".join(faults)
