"""parallel_window_maximum against its model."""

from pathlib import Path

import numpy as np
import pytest

from qcompile.ir.types import IntArray, IntType
from qcompile.kernels import ParallelWindowMaximum, WindowMaximumUnit

from .bench import Case, conform

KERNELS = [
    WindowMaximumUnit(IntType(1, False), channels=6, positions=4, vectors=3),
    WindowMaximumUnit(IntType(4, True), channels=6, positions=2, vectors=5),
    WindowMaximumUnit(IntType(9, True), channels=2, positions=9, vectors=2),
    WindowMaximumUnit(IntType(3, False), channels=1, positions=6, vectors=1),
]


def test_conformance(tmp_path: Path) -> None:
    def case(unit: ParallelWindowMaximum) -> Case:
        def frames(rng: np.random.Generator, count: int) -> tuple[IntArray, ...]:
            return (rng.integers(unit.input.lo, unit.input.hi, (count, unit.inputs[0].elements), endpoint=True),)

        return Case(unit, frames)

    conform([case(unit.parallel()) for unit in KERNELS], tmp_path)


@pytest.mark.parametrize("folded", KERNELS)
def test_it_computes_what_the_folded_unit_does(folded: WindowMaximumUnit) -> None:
    whole = folded.with_attribute("SIMD", folded.positions)
    assert isinstance(whole, ParallelWindowMaximum)
    rng = np.random.default_rng(1)
    x = rng.integers(folded.input.lo, folded.input.hi, (5, folded.inputs[0].elements), endpoint=True)
    assert np.array_equal(whole.evaluate(x)[0], folded.evaluate(x)[0])


def test_attributes() -> None:
    whole = KERNELS[0].parallel()
    assert whole.attributes() == {"SIMD": 4, "PE": 6}
    assert whole.with_attribute("PE", 6) is whole
    with pytest.raises(ValueError, match="PE must be one of 6, not 3"):
        whole.with_attribute("PE", 3)
    with pytest.raises(KeyError):
        whole.with_attribute("ram_style", "auto")
