"""lookup_table against its model."""

from pathlib import Path

import numpy as np

from qcompile.ir.types import IntArray, IntType, read_only
from qcompile.kernels.lookup_table import LookupTable

from .bench import Case, conform


def case(
    x: IntType, first: int, size: int, y: IntType, channels: int, pe: int, *, shared: bool = False
) -> Case:
    """A random table, and frames within it."""
    rng = np.random.default_rng([x.bits, size, channels])
    table = rng.integers(y.lo, y.hi, (1 if shared else channels, size), endpoint=True)
    kernel = LookupTable(read_only(table), first, x, y, channels, vectors=7, pe=pe)

    def frames(rng: np.random.Generator, count: int) -> tuple[IntArray, ...]:
        return (rng.integers(first, first + size, (count, kernel.inputs[0].elements)),)

    return Case(kernel, frames)


CASES = [
    case(IntType(1, False), 0, 2, IntType(4, True), 4, 2),
    case(IntType(1, False), 0, 1, IntType(4, True), 4, 2),
    case(IntType(4, True), -8, 16, IntType(8, True), 6, 1),
    case(IntType(4, True), -8, 16, IntType(8, True), 6, 6, shared=True),
    case(IntType(8, True), -20, 50, IntType(3, False), 6, 3),
    case(IntType(12, False), 1000, 1500, IntType(9, True), 4, 2, shared=True),
    case(IntType(3, False), 0, 8, IntType(33, True), 5, 5),
]


def test_conformance(tmp_path: Path) -> None:
    conform(CASES, tmp_path)
