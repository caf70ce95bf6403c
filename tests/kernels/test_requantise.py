"""requantise against its model, and against the thresholds that it replaces."""

from pathlib import Path

import numpy as np
import pytest

from qcompile.ir.types import IntArray, IntType, Range, read_only
from qcompile.kernels import Requantise, Thresholding
from qcompile.kernels.fixed_point import FixedPoint, fixed_point

from .bench import Case, conform

INT12 = IntType(12, True)
UINT9 = IntType(9, False)


def form(multipliers: list[int], addends: list[int], shift: int, half_even: bool, lo: int, hi: int) -> FixedPoint:
    return FixedPoint(read_only(multipliers), read_only(addends), shift, half_even, lo, hi)


KERNELS = [
    Requantise(form([7, -5, 0, 12, 3, 1], [300, -40, 77, 0, 9, -1], 5, False, 0, 255), INT12, IntType(8, False), 6, 3, 2),
    Requantise(form([7, -5, 0, 12, 3, 1], [300, -40, 77, 0, 9, -1], 5, True, -128, 127), INT12, IntType(8, True), 6, 2, 6),
    Requantise(form([1], [0], 3, True, 0, 63), UINT9, IntType(6, False), 4, 5, 1),
    Requantise(form([9], [-1000], 0, False, -7, 8000), UINT9, IntType(14, True), 4, 2, 4, res_type="dsp"),
    Requantise(form([70001, -3], [123456, 5], 21, False, -2, 1), INT12, IntType(2, True), 2, 3, 1, res_type="dsp"),
]


def test_conformance(tmp_path: Path) -> None:
    def case(unit: Requantise) -> Case:
        def frames(rng: np.random.Generator, count: int) -> tuple[IntArray, ...]:
            return (rng.integers(unit.input.lo, unit.input.hi, (count, unit.inputs[0].elements), endpoint=True),)

        return Case(unit, frames)

    conform([case(unit) for unit in KERNELS], tmp_path)


def thresholds(engine: str = "auto") -> Thresholding:
    """Three channels of 15 thresholds, those of scaled sums."""
    rows = np.ceil((np.arange(1, 16) - 0.5) / np.array([[0.02], [0.033], [0.007]])).astype(np.int64)
    solved = fixed_point(rows, np.zeros(3), -1, 0, Range.of(-2048, 2047))
    flags = read_only(np.zeros(3, bool), bool)
    return Thresholding(read_only(rows), flags, 0, INT12, IntType(4, False), 3, style=engine, form=solved)


def test_it_stands_for_thresholds() -> None:
    folded = thresholds()
    unit = folded.with_attribute("engine", "multiply_shift")
    assert isinstance(unit, Requantise)
    x = np.random.default_rng(0).integers(INT12.lo, INT12.hi, (50, 3), endpoint=True)
    assert np.array_equal(unit.evaluate(x)[0], folded.evaluate(x)[0])
    assert [k.kind for k in folded.foldings()].count("requantise") == 2
    assert all(k.kind == "thresholding" for k in thresholds("binary_search").foldings())


def test_too_many_thresholds_to_compare() -> None:
    rows = 8 * np.arange(1, 4096)[None] - 4
    solved = fixed_point(rows, np.zeros(1), -1, 0, Range.of(-70_000, 70_000))
    assert solved is not None
    flags = read_only(np.zeros(1, bool), bool)
    kernel = Thresholding(read_only(rows), flags, 0, IntType(18, True), IntType(12, False), 2, form=solved)
    assert {k.kind for k in kernel.foldings()} == {"requantise"}


def test_attributes() -> None:
    unit = KERNELS[0]
    assert unit.attributes() == {"engine": "multiply_shift", "PE": 2, "ram_style": "auto", "resType": "auto"}
    assert unit.with_attribute("engine", "multiply_shift") is unit
    assert unit.with_attribute("PE", 3).interval() == 6
    for name, value in [("PE", 4), ("engine", "parallel"), ("ram_style", "bloc"), ("resType", "fpga")]:
        with pytest.raises(ValueError, match="must be one of"):
            unit.with_attribute(name, value)
    with pytest.raises(KeyError):
        unit.with_attribute("SIMD", 1)
    with pytest.raises(ValueError, match="engine must be one of auto, parallel, binary_search, not 'multiply_shift'"):
        Thresholding(
            read_only([[1, 2]]), read_only([False], bool), 0, INT12, IntType(2, False), 1
        ).with_attribute("engine", "multiply_shift")
