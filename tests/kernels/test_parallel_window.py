"""parallel_window against its model: values and the cycle of every beat, for every kind of window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.ir.types import IntType
from qcompile.kernels.parallel_window import RAM_STYLES, ParallelWindow
from qcompile.kernels.sliding_window import SlidingWindow

from .bench import conform
from .synthesis import synthesise

UINT1, INT3, INT8 = IntType(1, False), IntType(3, True), IntType(8, True)


def parallel(shape: tuple[int, int, int], kernel: tuple[int, int], **rest) -> ParallelWindow:
    return ParallelWindow(*shape, **{"element": INT3, "kernel": kernel, **rest})


SQUARE = [
    parallel((5, 6, 1), (3, 3)),
    parallel((6, 5, 4), (3, 3), pads=(1, 1, 1, 1), element=UINT1),
    parallel((6, 7, 2), (3, 3), pads=(1, 1, 1, 1), element=INT8, ram_style="block"),
    parallel((7, 8, 2), (2, 3), pads=(0, 1, 1, 1), ram_style="distributed"),
    parallel((7, 7, 1), (3, 3), stride=(2, 2), pads=(1, 1, 1, 1)),
    parallel((8, 8, 2), (3, 3), stride=(2, 2), pads=(0, 0, 1, 1)),
    parallel((6, 8, 2), (2, 2), stride=(2, 2)),
    parallel((7, 9, 1), (2, 2), stride=(2, 2), ram_style="srl"),
    parallel((9, 8, 1), (3, 2), stride=(3, 2)),
    parallel((8, 9, 2), (2, 2), stride=(3, 4), pads=(1, 1, 0, 0)),
    parallel((7, 7, 1), (2, 2), stride=(5, 5)),
    parallel((5, 5, 2), (1, 1), stride=(2, 2)),
    parallel((4, 5, 1), (1, 1)),
    parallel((7, 7, 1), (3, 3), dilation=(2, 2)),
    parallel((6, 7, 1), (3, 3), dilation=(2, 2), pads=(2, 2, 2, 2)),
    parallel((7, 9, 1), (2, 3), stride=(2, 1), dilation=(3, 2), pads=(2, 1, 1, 3)),
    parallel((3, 3, 4), (3, 3)),
    parallel((5, 6, 1), (5, 5), pads=(2, 2, 2, 2)),
    parallel((4, 5, 1), (3, 3), pads=(2, 1, 2, 1)),
    parallel((5, 5, 1), (3, 1), stride=(1, 2), pads=(1, 0, 1, 0)),
    parallel((5, 6, 2), (1, 3), pads=(0, 1, 0, 1)),
    parallel((6, 7, 2), (3, 3), pads=(1, 1, 1, 1), padding=3),
    parallel((6, 7, 2), (3, 3), pads=(1, 1, 1, 1), padding=-5),
    parallel((6, 5, 4), (2, 3), pads=(1, 1, 0, 1), padding=-1, element=UINT1),
]
SEQUENCES = [
    parallel((1, 16, 2), (1, 3)),
    parallel((1, 16, 2), (1, 3), pads=(0, 1, 0, 1), element=UINT1),
    parallel((1, 17, 4), (1, 5), stride=(1, 2), pads=(0, 2, 0, 1)),
    parallel((16, 1, 1), (4, 1)),
    parallel((16, 1, 1), (3, 1), stride=(2, 1), dilation=(2, 1), pads=(4, 0, 0, 0)),
    parallel((1, 20, 1), (1, 2), dilation=(1, 4)),
]


def test_conformance(tmp_path: Path) -> None:
    conform(SQUARE + SEQUENCES, tmp_path)


@pytest.mark.parametrize(
    "kernel", SQUARE + SEQUENCES, ids=lambda k: f"{k.height}x{k.width}-{k.kernel}-{k.stride}-{k.pads}"
)
def test_windows_are_those_of_the_sliding_window(kernel: ParallelWindow) -> None:
    fields = (kernel.height, kernel.width, kernel.channels, kernel.element)
    sliding = SlidingWindow(*fields, kernel.kernel, kernel.stride, kernel.dilation, kernel.pads, kernel.padding)
    frames = np.arange(2 * kernel.inputs[0].elements).reshape(2, -1)
    assert np.array_equal(kernel.evaluate(frames)[0], sliding.evaluate(frames)[0])


@pytest.mark.parametrize(
    ("kernel", "pixels", "interval"),
    [
        (parallel((32, 32, 1), (3, 3)), 2 * 32 + 3, 32 * 32),
        (parallel((32, 32, 1), (3, 3), pads=(1, 1, 1, 1)), 2 * 32 + 3, 32 * 32 + 32 + 1),
        (parallel((32, 32, 1), (5, 5), pads=(2, 2, 2, 2)), 4 * 32 + 5, 32 * 32 + 2 * 32 + 2),
        (parallel((32, 32, 1), (3, 3), stride=(2, 2), pads=(1, 1, 1, 1)), 2 * 32 + 3, 32 * 32),
        (parallel((32, 32, 1), (2, 2), stride=(2, 2)), 32 + 2, 32 * 32),
        (parallel((32, 32, 1), (3, 3), dilation=(2, 2), pads=(2, 2, 2, 2)), 4 * 32 + 5, 32 * 32 + 2 * 32 + 2),
        (parallel((1, 128, 1), (1, 3), pads=(0, 1, 0, 1)), 3, 128 + 1),
    ],
)
def test_sizes_and_rates(kernel: ParallelWindow, pixels: int, interval: int) -> None:
    assert kernel.buffer_pixels == pixels
    assert kernel.interval() == interval


@settings(max_examples=200, deadline=None)
@given(st.tuples(st.integers(1, 9), st.integers(1, 9)), st.integers(0, 2**31))
def test_schedule_is_in_order(size: tuple[int, int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    kernel, dilation, stride = (tuple(int(n) for n in rng.integers(1, high, 2)) for high in (5, 4, 5))
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    pads = tuple(int(rng.integers(0, span)) for span in (*spans, *spans))
    try:
        unit = parallel((*size, 1), kernel, stride=stride, dilation=dilation, pads=pads)
    except ValueError:
        return
    schedule = unit.schedule()
    (reads,), (writes,) = schedule.reads, schedule.writes
    assert schedule.steps == unit.interval()
    for steps in (reads, writes):
        assert np.all(np.diff(steps) >= 1)
        assert 0 <= steps[0] <= steps[-1] < schedule.steps
    assert reads.size + unit.flushes == schedule.steps


def test_attributes() -> None:
    kernel = parallel((8, 64, 6), (3, 3))
    assert kernel.attributes() == {"parallel_window": 1, "SIMD": 6, "ram_style": "auto"}
    assert kernel.with_attribute("SIMD", 6) == kernel
    assert kernel.built_style == "distributed"
    assert parallel((8, 16, 6), (3, 3)).built_style == "srl"
    assert parallel((8, 512, 6), (3, 3), element=INT8).built_style == "block"
    assert [k.attributes() for k in kernel.foldings()] == [kernel.attributes()]
    for style in RAM_STYLES:
        assert kernel.with_attribute("ram_style", style).attributes()["ram_style"] == style
    with pytest.raises(ValueError, match="must be one of auto, srl, distributed, block"):
        kernel.with_attribute("ram_style", "ultra")
    with pytest.raises(ValueError, match="SIMD must be one of 6, not 2"):
        kernel.with_attribute("SIMD", 2)
    with pytest.raises(KeyError):
        kernel.with_attribute("PE", 2)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"pads": (1, 2, 1, 1)}, "left and right padding together are not less than the window, 3"),
        ({"width": 2, "pads": (1, 1, 1, 1)}, "an image 2 pixels wide is too narrow for a window of 3"),
        ({"kernel": (9, 3)}, "a window of 9 does not fit an axis of 8"),
    ],
)
def test_what_cannot_be_built_is_refused(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(parallel((8, 8, 6), (3, 3)), **change)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kernel",
    [
        parallel((32, 32, 8), (3, 3), pads=(1, 1, 1, 1), element=UINT1),
        parallel((224, 224, 3), (3, 3), pads=(1, 1, 1, 1), element=INT8),
        parallel((28, 28, 16), (2, 2), stride=(2, 2)),
    ],
    ids=["srl", "block", "pool"],
)
def test_model_against_synthesis(kernel: ParallelWindow, tmp_path: Path) -> None:
    model, made = kernel.resources(6, 18432), synthesise(kernel, 6, tmp_path)
    assert (model.bram18, model.lutram) == (made.bram18, made.lutram)
    assert abs(model.ff - made.ff) <= 0.02 * made.ff + 1
    assert 0.9 * made.lut <= model.lut <= 1.1 * made.lut
