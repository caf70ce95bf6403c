"""stream_add against its model."""

from pathlib import Path

import numpy as np

from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.stream_add import StreamAdd

from .bench import Case, conform


def case(a: IntType, b: IntType, factors: tuple[int, int], channels: int, pe: int, vectors: int) -> Case:
    """Frames over the whole range of both operands."""
    ends = [(factor * element.lo, factor * element.hi) for factor, element in zip(factors, (a, b), strict=True)]
    output = IntType.of_range(sum(min(e) for e in ends), sum(max(e) for e in ends))
    kernel = StreamAdd((a, b), factors, output, channels, vectors, pe)

    def frames(rng: np.random.Generator, count: int) -> tuple[IntArray, ...]:
        return tuple(rng.integers(t.lo, t.hi, (count, channels * vectors), endpoint=True) for t in (a, b))

    return Case(kernel, frames)


CASES = [
    case(IntType(4, False), IntType(4, False), (1, 1), channels=6, pe=2, vectors=3),
    case(IntType(4, True), IntType(3, False), (1, -1), channels=6, pe=6, vectors=5),
    case(IntType(8, True), IntType(5, True), (3, 10), channels=4, pe=1, vectors=3),
    case(IntType(5, True), IntType(8, True), (-107, 283), channels=4, pe=2, vectors=3),
    case(IntType(3, False), IntType(3, True), (1048575, -699051), channels=2, pe=1, vectors=3),
    case(IntType(3, False), IntType(3, True), (-1, 16), channels=3, pe=3, vectors=3),
    case(IntType(1, False), IntType(1, False), (-2, 7), channels=1, pe=1, vectors=9),
]


def test_conformance(tmp_path: Path) -> None:
    conform(CASES, tmp_path)
