"""width_converter against its model: every ratio, up, down and in between."""

from __future__ import annotations

from math import lcm
from pathlib import Path

import pytest

from qcompile.ir.dataflow import Stream
from qcompile.ir.types import IntType
from qcompile.kernels.width_converter import WidthConverter

from .bench import conform


def converter(lanes_in: int, lanes_out: int, element: IntType, periods: int = 3) -> WidthConverter:
    elements = lcm(lanes_in, lanes_out) * periods
    return WidthConverter(Stream(element, lanes_in, elements // lanes_in), lanes_out)


SMALL = [converter(a, b, IntType(3, False), 6) for a in range(1, 7) for b in range(1, 7) if a != b]
LARGE = [
    converter(1, 16, IntType(8, True)),
    converter(16, 1, IntType(8, True)),
    converter(21, 16, IntType(2, False)),
    converter(16, 21, IntType(2, False)),
    converter(10, 49, IntType(1, False), 1),
    converter(1, 160, IntType(1, False), 1),
    converter(784, 49, IntType(8, False)),
    converter(12, 8, IntType(5, True), 9),
    converter(8, 12, IntType(5, True), 9),
    WidthConverter(Stream(IntType(8, True), 6, 1), 3),
    WidthConverter(Stream(IntType(8, True), 3, 2), 6),
]


@pytest.mark.parametrize("kernels", [SMALL, LARGE], ids=["small", "large"])
def test_conformance(kernels: list[WidthConverter], tmp_path: Path) -> None:
    conform(kernels, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("lanes_in", range(1, 13))
def test_sweep(lanes_in: int, tmp_path: Path) -> None:
    kernels = [converter(lanes_in, out, IntType(2, True), 5) for out in range(1, 17) if out != lanes_in]
    conform(kernels, tmp_path, frames=8, seed=lanes_in)


def test_interval_is_that_of_the_narrower_side() -> None:
    for kernel in SMALL + LARGE:
        assert kernel.interval() == max(kernel.inputs[0].beats, kernel.outputs[0].beats)


def test_widths_that_do_not_fit_are_refused() -> None:
    stream = Stream(IntType(8, False), 4, 6)
    with pytest.raises(ValueError, match="5 elements a beat do not divide a frame of 24"):
        WidthConverter(stream, 5)
    with pytest.raises(ValueError, match="both sides of a width converter have 4 lanes"):
        WidthConverter(stream, 4)
