"""sliding_window against its model: values, the cycle of every beat on both sides, sizes of the line buffer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.sliding_window import SlidingWindow
from qcompile.kernels.window_geometry import NEVER, WindowAxis, WindowGeometry
from qcompile.kernels.window_schedule import depths, gapless_depth, least_depth, steady_starts

from .bench import simulate
from .buffered import Timed
from .judge import Run
from .synthesis import synthesise

UINT1, INT3, INT8 = IntType(1, False), IntType(3, True), IntType(8, True)


def sliding(shape: tuple[int, int, int], kernel: tuple[int, int], **rest) -> SlidingWindow:
    return SlidingWindow(*shape, **{"element": INT3, "kernel": kernel, **rest})


SQUARE = [
    sliding((5, 6, 1), (3, 3)),
    sliding((5, 5, 4), (3, 3), simd=2, element=UINT1),
    sliding((5, 4, 2), (3, 3), pads=(1, 1, 1, 1)),
    sliding((4, 5, 3), (2, 3), pads=(0, 1, 1, 2), simd=3, element=INT8),
    sliding((7, 7, 1), (3, 3), stride=(2, 2), pads=(1, 1, 1, 1)),
    sliding((8, 8, 2), (3, 3), stride=(2, 2), pads=(0, 0, 1, 1), simd=2),
    sliding((6, 6, 2), (2, 2), stride=(2, 2)),
    sliding((7, 5, 1), (2, 2), stride=(2, 2)),
    sliding((9, 8, 1), (3, 2), stride=(3, 2)),
    sliding((7, 8, 2), (2, 2), stride=(3, 4), pads=(1, 1, 0, 1)),
    sliding((6, 6, 1), (2, 2), stride=(5, 5)),
    sliding((5, 5, 4), (1, 1), stride=(2, 2), simd=2),
    sliding((4, 5, 1), (1, 1)),
    sliding((6, 6, 1), (3, 3), dilation=(2, 2)),
    sliding((4, 5, 1), (3, 3), dilation=(2, 2), pads=(2, 2, 2, 2)),
    sliding((7, 6, 1), (2, 3), stride=(2, 1), dilation=(3, 2), pads=(2, 1, 1, 3)),
    sliding((3, 3, 4), (3, 3), simd=2),
    sliding((1, 1, 2), (3, 3), pads=(1, 1, 1, 1)),
    sliding((4, 3, 1), (3, 3), pads=(2, 2, 2, 2)),
    sliding((5, 7, 1), (3, 4), stride=(2, 2), pads=(2, 3, 2, 2)),
    sliding((5, 5, 1), (3, 1), stride=(1, 2), pads=(1, 0, 1, 0)),
    sliding((5, 6, 2), (1, 3), pads=(0, 1, 0, 1)),
    sliding((5, 6, 1), (3, 3), ram_style="block"),
    sliding((4, 5, 2), (3, 3), pads=(1, 1, 1, 1), padding=-4, simd=2),
    sliding((4, 5, 2), (3, 3), pads=(1, 1, 1, 1), padding=-9, simd=2),
    sliding((5, 5, 4), (2, 2), pads=(1, 1, 0, 0), padding=1, simd=2, element=UINT1),
    sliding((5, 5, 4), (2, 2), pads=(1, 1, 0, 0), padding=-1, simd=4, element=UINT1),
]
SEQUENCES = [
    sliding((1, 16, 2), (1, 3), simd=2),
    sliding((1, 16, 2), (1, 3), pads=(0, 1, 0, 1), element=UINT1),
    sliding((1, 17, 4), (1, 5), stride=(1, 2), pads=(0, 2, 0, 1), simd=2),
    sliding((16, 1, 1), (4, 1)),
    sliding((16, 1, 1), (3, 1), stride=(2, 1), dilation=(2, 1), pads=(4, 0, 0, 0)),
    sliding((1, 20, 1), (1, 2), dilation=(1, 4)),
]


def deeper(kernels: list[SlidingWindow]) -> list[SlidingWindow]:
    """The same windows with the larger buffers that they may have."""
    return [k.with_attribute("depth", depth) for k in kernels for depth in depths(k.geometry)[1:]]


def takes(run: Run) -> IntArray:
    """When each input beat is to be taken: once it is offered, two cycles after the release that makes room."""
    kernel, frame = run.kernel, np.arange(run.frames, dtype=np.int64)[:, None]
    assert isinstance(kernel, SlidingWindow)
    geometry = kernel.geometry
    rows, columns = np.diff(geometry.rows.ranks()) > 0, np.diff(geometry.columns.ranks()) > 0
    ends = (geometry.release_groups() + frame * geometry.groups + 1).reshape(-1) * kernel.folds - 1
    limits = (geometry.released() + kernel.buffer_pixels + frame * geometry.kept).reshape(-1)
    ranks = (geometry.ranks() + frame * geometry.kept).reshape(-1)
    release = np.searchsorted(limits, ranks, side="right") - 1
    steps = run.outputs[0].offers[ends] - kernel.schedule().latency
    kept = np.tile((rows[:, None] & columns).reshape(-1), run.frames)
    room = np.where((release >= 0) & kept, steps[release] + 2, 0)
    return np.maximum(run.inputs[0].offers, np.repeat(room, kernel.folds))


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
            if not np.array_equal(timed.inputs[0].beats, takes(timed)):
                found.append("beats are not taken as soon as there is room")
        faults += [f"{run.label}, {run.phase.name}: {fault}" for fault in found]
    assert not faults, "\n".join(faults)


@st.composite
def axes(draw: st.DrawFn) -> WindowAxis:
    kernel, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    span = (kernel - 1) * dilation + 1
    before, after = draw(st.integers(0, span - 1)), draw(st.integers(0, span - 1))
    size = draw(st.integers(max(1, span - before - after), 10))
    axis = (size, kernel, draw(st.integers(1, 5)), dilation, before, after)
    try:
        return WindowAxis(*axis)
    except ValueError:  # no window reads any pixel
        return WindowAxis(span, *axis[1:4])


GEOMETRIES = st.builds(WindowGeometry, axes(), axes())


def followed(geometry: WindowGeometry, depth: int, folds: int, frames: int = 12) -> IntArray:
    """(frames, groups * folds): the cycle of every output beat, found cycle by cycle; input is always offered."""
    rows, columns = geometry.rows.taps()[:, None, :, None], geometry.columns.taps()[None, :, None, :]
    pixel = np.where((rows >= 0) & (columns >= 0), rows * geometry.columns.size + columns, -1).reshape(-1)
    last = np.minimum(geometry.released() + depth, NEVER)
    releases = {int(g): int(n) for g, n in zip(geometry.release_groups(), geometry.releases(), strict=True)}
    kept = np.diff(np.append(geometry.ranks(), geometry.kept)) > 0
    limit, written, taken = int(last[0]) * folds, 0, 0
    due: list[tuple[int, int]] = []
    cycles: list[int] = []
    cycle = 0
    while len(cycles) < frames * geometry.groups * folds:
        while due and due[0][0] == cycle:
            limit += due.pop(0)[1] * folds
        if not kept[taken // folds % geometry.pixels]:
            taken += 1
        elif written < limit:
            taken, written = taken + 1, written + 1
        frame, beat = divmod(len(cycles), geometry.groups * folds)
        group, fold = divmod(beat, folds)
        needed = frame * geometry.pixels * folds + (pixel[group] * folds + fold if pixel[group] >= 0 else 0)
        if needed < taken or (pixel[group] < 0 and beat > 0):
            cycles.append(cycle)
            if fold == folds - 1 and group in releases:
                due.append((cycle + 2, releases[group]))
        cycle += 1
        assert cycle < 200_000, "deadlock"
    return np.array(cycles).reshape(frames, -1)


@settings(max_examples=60, deadline=None)
@given(GEOMETRIES, st.sampled_from([1, 1, 3]), st.data())
def test_schedule_is_what_follows_from_the_rules(geometry: WindowGeometry, folds: int, data: st.DataObject) -> None:
    depth = data.draw(st.sampled_from([*depths(geometry), least_depth(geometry) + 2]))
    starts, steps = steady_starts(geometry, depth, folds)
    cycles = followed(geometry, depth, folds)
    assert cycles[-1, 0] - cycles[-2, 0] == steps
    assert np.array_equal(cycles[-1] - cycles[-1, 0], (starts[:, None] + np.arange(folds)).reshape(-1))


@settings(max_examples=200, deadline=None)
@given(GEOMETRIES, st.sampled_from([1, 4]))
def test_buffer_is_no_larger_than_needed(geometry: WindowGeometry, folds: int) -> None:
    assert least_depth(geometry) <= max(geometry.span, 2)
    assert least_depth(geometry) <= gapless_depth(geometry, False) <= gapless_depth(geometry, True)
    beats = max(geometry.pixels, geometry.groups) * folds
    assert steady_starts(geometry, gapless_depth(geometry, True), folds)[1] == beats


@settings(max_examples=60, deadline=None)
@given(GEOMETRIES, st.integers(1, 3), st.integers(-200, 200))
def test_values(geometry: WindowGeometry, channels: int, padding: int) -> None:
    rows, columns = geometry.rows, geometry.columns
    kernel = SlidingWindow(
        rows.size,
        columns.size,
        channels,
        INT8,
        (rows.kernel, columns.kernel),
        (rows.stride, columns.stride),
        (rows.dilation, columns.dilation),
        (rows.before, columns.before, rows.after, columns.after),
        padding,
    )
    frames = np.arange(1, 2 * geometry.pixels * channels + 1).reshape(2, -1)
    (got,) = kernel.evaluate(frames)
    pads = ((0, 0), (0, 1), (0, 1), (0, 0))
    image = np.pad(frames.reshape(2, rows.size, columns.size, channels), pads, constant_values=padding)
    y, x = rows.taps()[:, None, :, None], columns.taps()[None, :, None, :]
    assert np.array_equal(got.reshape(2, *np.broadcast_shapes(y.shape, x.shape), channels), image[:, y, x])
    assert got.shape[1] == kernel.outputs[0].elements
    assert kernel.outputs[0].element.contains(padding, padding)
    assert kernel.inputs[0].element == INT8


@pytest.mark.parametrize(
    ("kernel", "pixels", "interval"),
    [
        (sliding((32, 32, 1), (3, 3), pads=(1, 1, 1, 1)), 2 * 32 + 3, 32 * 32 * 9),
        (sliding((32, 32, 1), (5, 5), pads=(2, 2, 2, 2)), 4 * 32 + 5, 32 * 32 * 25),
        (sliding((32, 32, 1), (3, 3), dilation=(2, 2), pads=(2, 2, 2, 2)), 4 * 32 + 5, 32 * 32 * 9),
        (sliding((32, 32, 1), (3, 3)), 2 * 32 + 3, 30 * 30 * 9 + 59),
        (sliding((32, 32, 1), (3, 3), depth=126), 126, 30 * 30 * 9),
        (sliding((1, 128, 1), (1, 3), pads=(0, 1, 0, 1)), 3, 128 * 3),
        (sliding((32, 32, 1), (2, 2), stride=(2, 2)), 32 + 2, 1520),
        (sliding((32, 32, 1), (2, 2), stride=(2, 2), depth=65), 65, 32 * 32),
        (sliding((56, 56, 1), (3, 3), stride=(2, 2), pads=(1, 1, 1, 1), depth=165), 165, 28 * 28 * 9),
        (sliding((56, 56, 1), (1, 1), stride=(2, 2)), 2, 56 * 56),
    ],
)
def test_sizes_and_rates(kernel: SlidingWindow, pixels: int, interval: int) -> None:
    assert kernel.buffer_pixels == pixels
    assert kernel.interval() == interval
    assert kernel.least_buffer_bits == kernel.geometry.span * kernel.element.bits
    assert kernel.depth or kernel.buffer_bits <= max(kernel.least_buffer_bits, 2 * kernel.element.bits)


def test_large_images_take_no_time() -> None:
    kernel = sliding((224, 224, 64), (7, 7), stride=(2, 2), pads=(3, 3, 3, 3), simd=32)
    started = perf_counter()
    schedule = kernel.schedule()
    assert perf_counter() - started < 5
    (reads,), (writes,) = schedule.reads, schedule.writes
    assert writes.size == 112 * 112 * 49 * 2
    assert reads.size == 224 * 224 * 2
    assert np.all(np.diff(reads) >= 0)
    assert np.all(np.diff(writes) >= 1)
    assert writes[-1] < schedule.steps


def test_attributes() -> None:
    kernel = sliding((8, 8, 6), (2, 2), stride=(2, 2))
    assert kernel.attributes() == {"parallel_window": 0, "SIMD": 1, "depth": 10, "ram_style": "auto"}
    assert kernel.with_attribute("SIMD", 3).folds == 2
    assert kernel.with_attribute("depth", 17).interval() == 64 * 6
    *folded, whole = kernel.foldings()
    assert {tuple(k.attributes().values()) for k in folded} == {
        (0, s, d, "auto") for s in (1, 2, 3, 6) for d in (10, 17)
    }
    assert whole == kernel.with_attribute("parallel_window", 1) == kernel.parallel()
    narrow = sliding((4, 4, 1), (3, 3), pads=(0, 2, 0, 2))
    assert not any(k.kind == "parallel_window" for k in narrow.foldings())
    with pytest.raises(ValueError, match="left and right padding together"):
        narrow.with_attribute("parallel_window", 1)
    for name, value in [("SIMD", 4), ("depth", 9), ("depth", "deep"), ("ram_style", "bloc")]:
        with pytest.raises(ValueError, match=r"must be one of|depth must be 10 pixels or more"):
            kernel.with_attribute(name, value)
    with pytest.raises(KeyError):
        kernel.with_attribute("PE", 2)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"pads": (2, 0, 0, 0)}, "padding of 2 is not less than the window, 2"),
        ({"kernel": (9, 2)}, "a window of 9 does not fit an axis of 8"),
        ({"stride": (0, 1)}, "strides and dilations are at least 1"),
        ({"depth": 3}, "depth must be 10 pixels or more, not 3"),
        ({"simd": 5}, "SIMD must be one of 1, 2, 3, 6"),
        ({"height": 1, "dilation": (2, 1), "pads": (1, 0, 1, 0)}, "no window reads any pixel"),
    ],
)
def test_what_cannot_be_built_is_refused(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(sliding((8, 8, 6), (2, 2), stride=(2, 2)), **change)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kernel",
    [
        sliding((32, 32, 64), (3, 3), pads=(1, 1, 1, 1), simd=8, element=UINT1),
        sliding((32, 32, 3), (3, 3), simd=3, element=INT8),
        sliding((112, 112, 8), (3, 3), stride=(2, 2), pads=(1, 1, 1, 1), simd=2),
        sliding((56, 56, 32), (3, 3), pads=(1, 1, 1, 1), element=INT8),
        sliding((14, 14, 16), (1, 1), stride=(2, 2), simd=4),
    ],
    ids=["bits", "pixels", "stride", "bytes", "drops"],
)
def test_model_against_synthesis(kernel: SlidingWindow, tmp_path: Path) -> None:
    model, made = kernel.resources(6, 18432), synthesise(kernel, 6, tmp_path)
    assert model.bram18 == made.bram18
    assert abs(model.ff - made.ff) <= 0.02 * made.ff + 1
    assert 0.8 * made.lut <= model.lut <= 1.25 * made.lut
