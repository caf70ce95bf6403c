"""stream_concat against its model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qcompile.ir.types import IntType
from qcompile.kernels.stream_concat import StreamConcat

from .bench import conform
from .synthesis import synthesise


def concat(a: IntType, b: IntType, elements: tuple[int, int], vectors: int, simd: int) -> StreamConcat:
    output = IntType.of_range(min(a.lo, b.lo), max(a.hi, b.hi))
    return StreamConcat((a, b), output, elements, vectors, simd)


UINT1, UINT4, INT4, INT8 = IntType(1, False), IntType(4, False), IntType(4, True), IntType(8, True)
KERNELS = [
    concat(UINT4, UINT4, (4, 6), 5, 2),
    concat(UINT4, INT4, (3, 3), 4, 3),
    concat(INT8, UINT1, (1, 5), 6, 1),
    concat(INT4, INT4, (1, 1), 9, 1),
    concat(INT4, UINT4, (1, 1), 9, 2),
    concat(UINT1, INT8, (3, 5), 7, 8),
    concat(UINT1, UINT1, (8, 4), 1, 4),
    concat(UINT1, UINT1, (8, 4), 1, 12),
]


def test_conformance(tmp_path: Path) -> None:
    conform(KERNELS, tmp_path)


def test_order() -> None:
    a, b = np.arange(12).reshape(2, 6), 100 + np.arange(4).reshape(2, 2)
    (got,) = concat(INT8, INT8, (3, 1), 2, 1).evaluate(a, b)
    assert got.tolist() == [[0, 1, 2, 100, 3, 4, 5, 101], [6, 7, 8, 102, 9, 10, 11, 103]]


def test_attributes() -> None:
    kernel = concat(UINT4, UINT4, (8, 12), 5, 2)
    assert [k.simd for k in kernel.foldings()] == [1, 2, 4, 20]
    assert [k.interval() for k in kernel.foldings()] == [100, 50, 25, 5]
    assert kernel.with_attribute("SIMD", 20).whole
    with pytest.raises(ValueError, match="SIMD must be one of 1, 2, 4, 20, not 3"):
        kernel.with_attribute("SIMD", 3)
    with pytest.raises(KeyError):
        kernel.with_attribute("PE", 2)


@pytest.mark.slow
@pytest.mark.parametrize("lut_inputs", [6, 4])
@pytest.mark.parametrize("simd", [1, 8, 40])
def test_model_against_synthesis(simd: int, lut_inputs: int, tmp_path: Path) -> None:
    kernel = concat(UINT4, INT8, (16, 24), 64, simd)
    model, made = kernel.resources(lut_inputs, 18432), synthesise(kernel, lut_inputs, tmp_path)
    assert abs(model.ff - made.ff) <= 0.1 * made.ff + 2
    assert 0.75 * made.lut <= model.lut <= 1.3 * made.lut
