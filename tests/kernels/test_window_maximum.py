"""window_maximum against its model."""

from pathlib import Path

import numpy as np

from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.window_maximum import WindowMaximumUnit

from .bench import Case, conform


def case(kernel: WindowMaximumUnit) -> Case:
    """Frames over the whole range of the element."""

    def frames(rng: np.random.Generator, count: int) -> tuple[IntArray, ...]:
        low, high = kernel.input.lo, kernel.input.hi
        return (rng.integers(low, high, (count, kernel.inputs[0].elements), endpoint=True),)

    return Case(kernel, frames)


CASES = [
    case(WindowMaximumUnit(IntType(1, False), channels=6, positions=4, vectors=3, pe=2)),
    case(WindowMaximumUnit(IntType(4, False), channels=6, positions=4, vectors=3, pe=6)),
    case(WindowMaximumUnit(IntType(4, True), channels=6, positions=2, vectors=5, pe=1)),
    case(WindowMaximumUnit(IntType(9, True), channels=5, positions=9, vectors=2, pe=5)),
    case(WindowMaximumUnit(IntType(3, True), channels=1, positions=6, vectors=1, pe=1)),
]


def test_conformance(tmp_path: Path) -> None:
    conform(CASES, tmp_path)
