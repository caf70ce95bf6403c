"""border_affine against its model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qcompile.ir.types import IntType
from qcompile.kernels.border_affine import BorderAffineUnit

from .bench import conform
from .synthesis import synthesise


def unit(
    rows: tuple[int, ...],
    columns: tuple[int, ...],
    channels: int,
    factors: list[int],
    largest: int,
    element: IntType,
    pe: int,
    ram_style: str = "auto",
) -> BorderAffineUnit:
    """Factors (one for all classes, or one each) and random constants up to `largest`."""
    count = (max(rows) + 1) * (max(columns) + 1)
    rng = np.random.default_rng(count + channels)
    constants = rng.integers(-largest, largest, (count, channels), endpoint=True)
    every = np.asarray(factors * count if len(factors) == 1 else factors)
    ends = [f * e + c for f in (every.min(), every.max()) for e in (element.lo, element.hi) for c in (-largest, largest)]
    output = IntType.of_range(int(min(ends)), int(max(ends)))
    return BorderAffineUnit(rows, columns, every, constants, element, output, pe, ram_style)


KERNELS = [
    unit((0, 1, 1, 2), (0, 1, 1, 1, 2), 4, [2], 9, IntType(5, True), pe=2),
    unit((0, 1, 2), (0, 1), 3, [9, 6, 4, 6, 3, 1], 0, IntType(4, False), pe=3),
    unit((0,), (0, 0, 1, 2), 6, [1], 20, IntType(8, True), pe=1, ram_style="block"),
    unit((0, 1), (0,), 2, [3, 5], 4, IntType(1, False), pe=2),
    unit((0, 0), (0, 0, 0), 2, [2], 1, IntType(3, True), pe=1),
    unit((0,), (0,), 1, [7], 100, IntType(3, True), pe=1),
]


def test_conformance(tmp_path: Path) -> None:
    conform(KERNELS, tmp_path)


def test_attributes() -> None:
    kernel = KERNELS[0]
    assert [k.pe for k in kernel.foldings()] == [1, 2, 4]
    assert kernel.with_attribute("PE", 4).interval() == 20
    assert kernel.with_attribute("ram_style", "block").attributes() == {"PE": 2, "ram_style": "block"}
    for name, value in (("PE", 3), ("ram_style", "bloc")):
        with pytest.raises(ValueError, match="must be one of"):
            kernel.with_attribute(name, value)
    with pytest.raises(KeyError):
        kernel.with_attribute("SIMD", 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kernel",
    [
        unit((0, *[1] * 30, 2), (0, *[1] * 30, 2), 64, [2], 200, IntType(10, True), pe=8),
        unit((0, *[1] * 6, 2), (0, *[1] * 6, 2), 16, [9, 6, 9, 6, 4, 6, 9, 6, 9], 0, IntType(8, False), pe=4),
    ],
    ids=["bipolar", "average"],
)
def test_model_against_synthesis(kernel: BorderAffineUnit, tmp_path: Path) -> None:
    model, made = kernel.resources(6, 18432), synthesise(kernel, 6, tmp_path)
    assert model.bram18 == made.bram18
    assert 0.8 * made.ff <= model.ff <= 1.25 * made.ff
    assert 0.7 * made.lut <= model.lut <= 1.4 * made.lut
