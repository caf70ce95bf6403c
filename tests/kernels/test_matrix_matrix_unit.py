"""matrix_matrix_unit against its model."""

from pathlib import Path

import numpy as np

from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.matrix_matrix_unit import MatrixMatrixUnit

from .bench import Case, conform


def case(
    operands: tuple[IntType, IntType],
    sizes: tuple[int, int, int],
    lanes: int,
    transposed: bool,
    products: int = 1,
    factors: tuple[int, int] = (1, 1),
    terms: tuple[int, int] = (0, 0),
    ram_style: str = "auto",
    res_type: str = "auto",
) -> Case:
    """Frames over the whole range of both operands; sizes are rows, inner, columns."""
    ends = [(f * e.lo + t, f * e.hi + t) for f, t, e in zip(factors, terms, operands, strict=True)]
    corners = [x * y * sizes[1] for x in ends[0] for y in ends[1]]
    output = IntType.of_range(min(corners), max(corners))
    kernel = MatrixMatrixUnit(
        operands, factors, terms, output, *sizes, transposed, products, lanes, ram_style, res_type
    )

    def frames(rng: np.random.Generator, count: int) -> tuple[IntArray, ...]:
        return tuple(
            rng.integers(s.element.lo, s.element.hi, (count, s.elements), endpoint=True) for s in kernel.inputs
        )

    return Case(kernel, frames)


U4, S4, U1, S8 = IntType(4, False), IntType(4, True), IntType(1, False), IntType(8, True)

CASES = [
    case((U4, S4), (3, 6, 4), lanes=2, transposed=True, products=2),
    case((S4, U4), (3, 6, 4), lanes=6, transposed=True),
    case((S8, S8), (2, 5, 3), lanes=1, transposed=True, ram_style="block", res_type="dsp"),
    case((U4, S4), (3, 5, 6), lanes=2, transposed=False, products=2),
    case((S4, S8), (4, 3, 4), lanes=4, transposed=False, res_type="lut"),
    case((S4, S4), (2, 3, 5), lanes=1, transposed=False),
    case((U1, U1), (3, 6, 2), lanes=3, transposed=True, factors=(2, 2), terms=(-1, -1)),
    case((U4, U1), (1, 4, 4), lanes=2, transposed=False, factors=(1, 2), terms=(-8, -1)),
    case((U4, S4), (1, 4, 1), lanes=4, transposed=True),
    case((U4, S4), (5, 1, 1), lanes=1, transposed=True),
]


def test_conformance(tmp_path: Path) -> None:
    conform(CASES, tmp_path)
