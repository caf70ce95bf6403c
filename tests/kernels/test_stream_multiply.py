"""stream_multiply against its model."""

from pathlib import Path

import numpy as np

from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.stream_multiply import StreamMultiply

from .bench import Case, conform


def case(
    a: IntType,
    b: IntType,
    factors: tuple[int, int],
    terms: tuple[int, int],
    channels: int,
    pe: int,
    vectors: int,
    res_type: str = "auto",
) -> Case:
    """Frames over the whole range of both operands."""
    ends = [(f * element.lo + t, f * element.hi + t) for f, t, element in zip(factors, terms, (a, b), strict=True)]
    corners = [x * y for x in ends[0] for y in ends[1]]
    output = IntType.of_range(min(corners), max(corners))
    kernel = StreamMultiply((a, b), factors, terms, output, channels, vectors, pe, res_type)

    def frames(rng: np.random.Generator, count: int) -> tuple[IntArray, ...]:
        return tuple(rng.integers(t.lo, t.hi, (count, channels * vectors), endpoint=True) for t in (a, b))

    return Case(kernel, frames)


CASES = [
    case(IntType(4, False), IntType(4, False), (1, 1), (0, 0), channels=6, pe=2, vectors=3),
    case(IntType(8, True), IntType(8, True), (1, 1), (0, 3), channels=6, pe=6, vectors=5),
    case(IntType(1, False), IntType(1, False), (2, 2), (-1, -1), channels=4, pe=1, vectors=3),
    case(IntType(8, False), IntType(3, True), (1, 2), (-128, 1), channels=3, pe=3, vectors=4, res_type="lut"),
    case(IntType(5, True), IntType(2, False), (1, 1), (-40, 0), channels=1, pe=1, vectors=9, res_type="dsp"),
]


def test_conformance(tmp_path: Path) -> None:
    conform(CASES, tmp_path)
