"""matrix_vector_unit against its model."""

from pathlib import Path

import numpy as np

from qcompile.ir.types import IntType, read_only
from qcompile.kernels.dot_product import weight_code
from qcompile.kernels.matrix_vector_unit import MatrixVectorUnit

from .bench import conform


def unit(
    rows: int,
    columns: int,
    pe: int,
    simd: int,
    weights: tuple[int, int],
    x: IntType,
    biased: bool = False,
    vectors: int = 1,
    **style: str,
) -> MatrixVectorUnit:
    """Random weights of the closed range `weights` ((-1, 1) without zeros when bipolar is meant: (-1, -1) is not used)."""
    rng = np.random.default_rng(rows * 1000 + columns)
    w = rng.integers(*weights, (rows, columns), endpoint=True)
    return of_weights(w, pe, simd, x, biased, vectors, **style)


def of_weights(
    w: np.ndarray, pe: int, simd: int, x: IntType, biased: bool, vectors: int = 1, **style: str
) -> MatrixVectorUnit:
    bias = np.arange(w.shape[0]) * 3 - 5 if biased else np.zeros(w.shape[0], np.int64)
    low = bias + np.minimum(w * x.lo, w * x.hi).sum(axis=1)
    high = bias + np.maximum(w * x.lo, w * x.hi).sum(axis=1)
    return MatrixVectorUnit(
        read_only(w),
        read_only(bias),
        x,
        IntType.of_range(int(low.min()), int(high.max())),
        vectors,
        pe,
        simd,
        **style,
    )


def bipolar(rows: int, columns: int, pe: int, simd: int, x: IntType, biased: bool = False) -> MatrixVectorUnit:
    w = np.random.default_rng(rows).integers(0, 1, (rows, columns), endpoint=True) * 2 - 1
    made = of_weights(w, pe, simd, x, biased)
    assert weight_code(made.weights).bipolar
    return made


U1, U2, U4, U8, U16 = (IntType(b, False) for b in (1, 2, 4, 8, 16))
S1, S3, S8, S16 = (IntType(b, True) for b in (1, 3, 8, 16))

KERNELS = [
    unit(4, 8, 2, 4, (-2, 1), U2),
    unit(4, 8, 4, 8, (-2, 1), U2),
    unit(4, 8, 4, 8, (-2, 1), U2, biased=True),
    unit(6, 10, 1, 1, (-8, 7), S3, biased=True, vectors=2),
    unit(6, 10, 3, 5, (-128, 127), U8, vectors=3),
    unit(6, 12, 6, 3, (-128, 127), S8, biased=True),
    unit(1, 12, 1, 12, (0, 1), S8),
    unit(3, 7, 1, 7, (0, 255), U16),
    unit(3, 7, 1, 7, (-32768, 32767), S16, biased=True),
    unit(5, 24, 5, 24, (0, 1), U1),
    unit(5, 24, 5, 6, (-4, 3), U1),
    unit(1, 1, 1, 1, (-3, -3), S3),
    unit(4, 6, 2, 2, (-1, 0), S1, biased=True),
    bipolar(8, 48, 4, 24, U1),
    bipolar(8, 49, 8, 49, U1, biased=True),
    bipolar(8, 12, 4, 6, U4),
    bipolar(8, 12, 2, 3, S8, biased=True),
]


def test_conformance(tmp_path: Path) -> None:
    conform(KERNELS, tmp_path)
