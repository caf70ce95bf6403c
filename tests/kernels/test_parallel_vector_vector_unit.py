"""parallel_vector_vector_unit against its model."""

from pathlib import Path

import numpy as np
import pytest

from qcompile.ir.types import IntArray, IntType, read_only
from qcompile.kernels import ParallelVectorVectorUnit, VectorVectorUnit

from .bench import Case, conform


def kernel(weight: IntType | None, x: IntType, positions: int, channels: int, vectors: int) -> VectorVectorUnit:
    """Random weights; ones where there is no type."""
    rng = np.random.default_rng([positions, channels])
    shape = (positions, channels)
    weights = np.ones(shape, np.int64) if weight is None else rng.integers(weight.lo, weight.hi, shape, endpoint=True)
    products = np.stack([weights * x.lo, weights * x.hi])
    lowest, highest = int(products.min(axis=0).sum(axis=0).min()), int(products.max(axis=0).sum(axis=0).max())
    return VectorVectorUnit(read_only(weights), x, IntType.of_range(lowest, highest), vectors)


KERNELS = [
    kernel(IntType(4, True), IntType(4, False), positions=9, channels=6, vectors=3),
    kernel(IntType(8, True), IntType(8, True), positions=9, channels=2, vectors=3),
    kernel(IntType(2, True), IntType(1, False), positions=4, channels=6, vectors=2),
    kernel(IntType(2, False), IntType(2, True), positions=25, channels=1, vectors=4),
    kernel(None, IntType(8, False), positions=16, channels=3, vectors=1),
    kernel(None, IntType(1, False), positions=7, channels=1, vectors=2),
]


def test_conformance(tmp_path: Path) -> None:
    def case(unit: ParallelVectorVectorUnit) -> Case:
        def frames(rng: np.random.Generator, count: int) -> tuple[IntArray, ...]:
            return (rng.integers(unit.input.lo, unit.input.hi, (count, unit.inputs[0].elements), endpoint=True),)

        return Case(unit, frames)

    conform([case(unit.parallel()) for unit in KERNELS], tmp_path)


@pytest.mark.parametrize("folded", KERNELS)
def test_it_computes_what_the_folded_unit_does(folded: VectorVectorUnit) -> None:
    whole = folded.with_attribute("SIMD", folded.positions)
    assert isinstance(whole, ParallelVectorVectorUnit)
    rng = np.random.default_rng(1)
    x = rng.integers(folded.input.lo, folded.input.hi, (5, folded.inputs[0].elements), endpoint=True)
    assert np.array_equal(whole.evaluate(x)[0], folded.evaluate(x)[0])
    assert [type(k) for k in folded.foldings()].count(ParallelVectorVectorUnit) == 1


def test_attributes() -> None:
    whole = KERNELS[0].parallel()
    assert whole.attributes() == {"SIMD": 9, "PE": 6, "resType": "auto"}
    assert whole.with_attribute("PE", 6) is whole
    assert whole.with_attribute("resType", "dsp").attributes()["resType"] == "dsp"
    for name, value in [("PE", 3), ("SIMD", 1), ("resType", "fpga")]:
        with pytest.raises(ValueError, match="must be one of"):
            whole.with_attribute(name, value)
    with pytest.raises(KeyError):
        whole.with_attribute("ram_style", "auto")
    with pytest.raises(ValueError, match="SIMD must be one of 1, 9, not 3"):
        KERNELS[0].with_attribute("SIMD", 3)
