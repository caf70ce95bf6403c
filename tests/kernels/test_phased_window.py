"""phased_window against its model: values, the cycle of every beat on both sides, sizes of the line buffer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.phased_geometry import PhasedGeometry
from qcompile.kernels.phased_window import PhasedWindow
from qcompile.kernels.sliding_window import SlidingWindow
from qcompile.kernels.window_schedule import depths, gapless_depth, least_depth, steady_starts
from qcompile.ops.taps import TapAxis, gather

from .bench import simulate
from .buffered import Timed
from .judge import Run
from .synthesis import synthesise

UINT1, INT3, INT8 = IntType(1, False), IntType(3, True), IntType(8, True)


def transposed(size: int, kernel: int, stride: int, pads: tuple[int, int] = (0, 0), extra: int = 0, dilation: int = 1) -> TapAxis:
    """An axis of a transposed convolution with this padding and output padding."""
    outputs = (size - 1) * stride + (kernel - 1) * dilation + 1 + extra - sum(pads)
    return TapAxis(size, kernel, stride, dilation, pads[0], outputs, transposed=True)


def forward(size: int, kernel: int, stride: int = 1, pads: tuple[int, int] = (0, 0), dilation: int = 1) -> TapAxis:
    """An axis of an ordinary convolution."""
    outputs = (size + sum(pads) - (kernel - 1) * dilation - 1) // stride + 1
    return TapAxis(size, kernel, stride, dilation, pads[0], outputs)


def window(rows: TapAxis, columns: TapAxis, channels: int = 1, **rest) -> PhasedWindow:
    return PhasedWindow(rows, columns, channels, **{"element": INT3, **rest})


ONE = forward(1, 1)
GROUPED = [
    window(forward(5, 3), forward(6, 3), 2, groups=2),
    window(forward(5, 3, 1, (1, 1)), forward(4, 3, 1, (1, 1)), 6, groups=3, simd=2),
    window(forward(6, 3, 2, (1, 0)), forward(7, 2, 3, (0, 1)), 8, groups=2, simd=2, element=UINT1),
    window(forward(6, 2, 1, (1, 1), 2), forward(5, 1), 4, groups=4),
    window(forward(7, 2, 4), forward(8, 1, 3), 2, groups=2),
    window(ONE, forward(12, 3, 1, (2, 0)), 4, groups=2, simd=1),
    window(forward(4, 3, 1, (1, 1)), forward(5, 2, 1, (1, 0)), 4, groups=2, padding=-9, simd=2),
    window(forward(3, 1), forward(4, 1, 2), 2, groups=2, padding=1, element=UINT1),
    window(forward(3, 1), forward(4, 1, 2), 1, element=UINT1),
    window(forward(3, 1, 2), ONE, 1),
    window(forward(3, 3), forward(3, 1, 5), 1),
    window(ONE, ONE, 2, simd=1),
    window(ONE, ONE, 2, simd=2, depth=2),
]
TRANSPOSED = [
    window(transposed(4, 2, 2), transposed(5, 2, 2), 2, simd=2),
    window(transposed(4, 3, 2, (1, 1), 1), transposed(5, 3, 2, (1, 1), 1), 2),
    window(transposed(4, 4, 2, (1, 1)), transposed(3, 4, 2, (1, 1)), 4, simd=2, element=INT8),
    window(transposed(3, 3, 2), transposed(4, 3, 2)),
    window(transposed(3, 5, 3, (2, 1)), transposed(4, 4, 3, (0, 2), 2), 2),
    window(transposed(3, 1, 2), transposed(3, 2, 3), 2),
    window(transposed(4, 3, 1, (1, 1)), transposed(4, 3, 1)),
    window(transposed(4, 3, 2, (3, 2)), transposed(5, 3, 2, (2, 4))),
    window(transposed(4, 2, 3, (0, 0), 0, 2), transposed(4, 3, 2, (1, 0), 0, 2)),
    window(transposed(4, 3, 2, (0, 1), 0, 3), transposed(3, 3, 4, (1, 1), 1, 2)),
    window(transposed(3, 4, 2, (1, 1)), transposed(3, 3, 2, (1, 0)), 4, groups=2, simd=1),
    window(ONE, transposed(9, 5, 3, (1, 1)), 2, simd=2),
    window(transposed(9, 5, 3, (2, 1), 1), ONE, 1),
    window(transposed(1, 3, 2), transposed(1, 3, 2), 2, simd=1),
    window(transposed(4, 3, 2, (1, 1), 1), transposed(5, 3, 2, (1, 1), 1), ram_style="block"),
]
KERNELS = GROUPED + TRANSPOSED


def deeper(kernels: list[PhasedWindow]) -> list[PhasedWindow]:
    """The same windows with the larger buffers that they may have."""
    found = []
    for kernel in kernels:
        larger = {k.buffer_pixels for k in kernel.foldings()} - {kernel.buffer_pixels}
        found += [kernel.with_attribute("depth", depth) for depth in sorted(larger)]
    return found


def takes(run: Run) -> IntArray:
    """When each input beat is to be taken: once it is offered, two cycles after the release that makes room."""
    kernel, frame = run.kernel, np.arange(run.frames, dtype=np.int64)[:, None]
    assert isinstance(kernel, PhasedWindow)
    geometry, folds = kernel.geometry, kernel.folds // kernel.groups
    ends = (geometry.release_groups() + frame * geometry.groups + 1).reshape(-1) * folds - 1
    limits = (geometry.released() + kernel.buffer_pixels * kernel.groups + frame * geometry.pixels).reshape(-1)
    parts = (np.arange(geometry.pixels) + frame * geometry.pixels).reshape(-1)
    release = np.searchsorted(limits, parts, side="right") - 1
    steps = run.outputs[0].offers[ends] - kernel.schedule().latency
    room = np.where(release >= 0, steps[release] + 2, 0)
    return np.maximum(run.inputs[0].offers, np.repeat(room, folds))


@pytest.mark.parametrize("kernels", [KERNELS, deeper(KERNELS)], ids=["least depth", "larger depths"])
def test_conformance(kernels: list[PhasedWindow], tmp_path: Path) -> None:
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
def axes(draw: st.DrawFn) -> TapAxis:
    kernel, stride, dilation = (draw(st.integers(1, high)) for high in (4, 3, 3))
    size, turned = draw(st.integers(1, 7)), draw(st.booleans())
    span = (kernel - 1) * dilation + 1
    pads = draw(st.integers(0, span)), draw(st.integers(0, span))
    axis = transposed(size, kernel, stride, (0, 0), 0, dilation) if turned else None
    outputs = axis.outputs - sum(pads) if axis else (size + sum(pads) - span) // stride + 1
    assume(outputs > 0)
    made = TapAxis(size, kernel, stride, dilation, pads[0], outputs, turned)
    assume(bool(np.any(made.pixels() >= 0)))
    return made


GEOMETRIES = st.builds(PhasedGeometry, axes(), axes(), st.integers(1, 3))


def followed(geometry: PhasedGeometry, depth: int, folds: int, frames: int = 10) -> IntArray:
    """(frames, groups * folds): the cycle of every output beat, found cycle by cycle; input is always offered."""
    part = gather(geometry.rows, geometry.columns, geometry.parts)
    released = np.append(geometry.released(), geometry.pixels)
    releases = dict(zip(geometry.release_groups().tolist(), np.diff(released).tolist(), strict=True))
    limit, taken = depth * folds, 0
    due: list[tuple[int, int]] = []
    cycles: list[int] = []
    cycle = 0
    while len(cycles) < frames * geometry.groups * folds:
        while due and due[0][0] == cycle:
            limit += due.pop(0)[1] * folds
        taken += taken < limit
        frame, beat = divmod(len(cycles), geometry.groups * folds)
        group, fold = divmod(beat, folds)
        needed = frame * geometry.pixels * folds + (int(part[group]) * folds + fold if part[group] >= 0 else 0)
        if needed < taken or (part[group] < 0 and beat > 0):
            assert needed >= taken - depth * folds or part[group] < 0, "read after it was let go of"
            cycles.append(cycle)
            if fold == folds - 1 and group in releases:
                due.append((cycle + 2, releases[group]))
        cycle += 1
        assert cycle < 200_000, "deadlock"
    return np.array(cycles).reshape(frames, -1)


@settings(max_examples=60, deadline=None)
@given(GEOMETRIES, st.sampled_from([1, 2]), st.data())
def test_schedule_is_what_follows_from_the_rules(geometry: PhasedGeometry, folds: int, data: st.DataObject) -> None:
    depth = data.draw(st.sampled_from([*depths(geometry), least_depth(geometry) + 2]))
    starts, steps = steady_starts(geometry, depth, folds)
    cycles = followed(geometry, depth, folds)
    assert cycles[-1, 0] - cycles[-2, 0] == steps
    assert np.array_equal(cycles[-1] - cycles[-1, 0], (starts[:, None] + np.arange(folds)).reshape(-1))


@settings(max_examples=100, deadline=None)
@given(GEOMETRIES, st.sampled_from([1, 4]))
def test_gapless_buffers_have_no_gaps(geometry: PhasedGeometry, folds: int) -> None:
    assert least_depth(geometry) <= gapless_depth(geometry, False) <= gapless_depth(geometry, True)
    beats = max(geometry.pixels, geometry.groups) * folds
    assert steady_starts(geometry, gapless_depth(geometry, True), folds)[1] == beats


@pytest.mark.parametrize(
    ("kernel", "pixels"),
    [
        (window(transposed(16, 2, 2), transposed(16, 2, 2)), 16),
        (window(transposed(16, 3, 2, (1, 1), 1), transposed(16, 3, 2, (1, 1), 1)), 16 + 2),
        (window(transposed(16, 4, 2, (1, 1)), transposed(16, 4, 2, (1, 1))), 16 + 16),
        (window(forward(16, 3), forward(16, 3), 4, groups=2), 2 * 16 + 3),
        (window(ONE, transposed(64, 4, 2, (1, 1))), 2),
    ],
)
def test_size_of_the_buffer(kernel: PhasedWindow, pixels: int) -> None:
    assert kernel.buffer_pixels == pixels


def test_one_group_of_a_plain_convolution_is_a_sliding_window() -> None:
    plain = SlidingWindow(6, 7, 4, INT3, (3, 2), (2, 1), (1, 2), (1, 0, 1, 1))
    same = window(forward(6, 3, 2, (1, 1)), forward(7, 2, 1, (0, 1), 2), 4)
    frames = np.arange(2 * 6 * 7 * 4).reshape(2, -1)
    assert np.array_equal(plain.evaluate(frames)[0], same.evaluate(frames)[0])


def test_attributes() -> None:
    kernel = window(transposed(4, 3, 2, (1, 1), 1), transposed(5, 3, 2, (1, 1), 1), 12, groups=2)
    assert kernel.attributes() == {"SIMD": 1, "depth": 7, "ram_style": "auto"}
    assert {k.simd for k in kernel.foldings()} == {1, 2, 3, 6}
    assert kernel.with_attribute("SIMD", 3).folds == 4
    for name, value in [("SIMD", 4), ("depth", 6), ("depth", "deep"), ("ram_style", "bloc")]:
        with pytest.raises(ValueError, match=r"must be one of|depth must be 7 pixels or more"):
            kernel.with_attribute(name, value)
    with pytest.raises(KeyError):
        kernel.with_attribute("PE", 2)


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(ValueError, match="3 groups do not divide 4 channels"):
        window(forward(5, 3), forward(5, 3), 4, groups=3)
    with pytest.raises(ValueError, match="no window reads any pixel"):
        window(TapAxis(2, 3, 2, 1, 5, 1, transposed=True), ONE)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kernel",
    [
        window(transposed(16, 4, 2, (1, 1)), transposed(16, 4, 2, (1, 1)), 8, simd=4, element=INT8),
        window(transposed(28, 3, 2, (1, 1), 1), transposed(28, 3, 2, (1, 1), 1), 32, simd=1),
        window(forward(32, 3, 1, (1, 1)), forward(32, 3, 1, (1, 1)), 32, groups=8, simd=2),
        window(forward(14, 3, 2, (1, 1)), forward(14, 3, 2, (1, 1)), 16, groups=16),
    ],
    ids=["4x4", "3x3", "grouped", "depthwise"],
)
def test_model_against_synthesis(kernel: PhasedWindow, tmp_path: Path) -> None:
    model, made = kernel.resources(6, 18432), synthesise(kernel, 6, tmp_path)
    print(model, made)
    assert model.bram18 == made.bram18
    assert abs(model.ff - made.ff) <= 0.05 * made.ff + 1
    assert 0.8 * made.lut <= model.lut <= 1.25 * made.lut
