"""vector_vector_unit against its model."""

from pathlib import Path

import numpy as np

from qcompile.ir.types import IntArray, IntType, read_only
from qcompile.kernels.vector_vector_unit import VectorVectorUnit

from .bench import Case, conform


def case(weight: IntType | None, x: IntType, positions: int, channels: int, pe: int, vectors: int) -> Case:
    """Random weights (ones where there is no type), frames over the whole range of the input."""
    rng = np.random.default_rng([positions, channels, pe])
    shape = (positions, channels)
    weights = np.ones(shape, np.int64) if weight is None else rng.integers(weight.lo, weight.hi, shape, endpoint=True)
    products = np.stack([weights * x.lo, weights * x.hi])
    lowest, highest = int(products.min(axis=0).sum(axis=0).min()), int(products.max(axis=0).sum(axis=0).max())
    kernel = VectorVectorUnit(read_only(weights), x, IntType.of_range(lowest, highest), vectors, pe)

    def frames(rng: np.random.Generator, count: int) -> tuple[IntArray, ...]:
        return (rng.integers(x.lo, x.hi, (count, kernel.inputs[0].elements), endpoint=True),)

    return Case(kernel, frames)


CASES = [
    case(IntType(4, True), IntType(4, False), positions=9, channels=6, pe=2, vectors=3),
    case(IntType(8, True), IntType(8, True), positions=9, channels=4, pe=4, vectors=3),
    case(IntType(2, True), IntType(1, False), positions=4, channels=6, pe=1, vectors=2),
    case(IntType(3, False), IntType(5, True), positions=1, channels=6, pe=3, vectors=4),
    case(None, IntType(8, False), positions=16, channels=6, pe=2, vectors=1),
    case(None, IntType(4, True), positions=7, channels=1, pe=1, vectors=2),
]


def test_conformance(tmp_path: Path) -> None:
    conform(CASES, tmp_path)
