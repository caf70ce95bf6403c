"""stream_pad against its model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qcompile.ir.types import IntType
from qcompile.kernels.stream_pad import StreamPad

from .bench import conform
from .synthesis import synthesise

UINT1, INT3, UINT8 = IntType(1, False), IntType(3, True), IntType(8, False)

KERNELS = [
    StreamPad(3, 4, 2, INT3, (1, 1, 1, 1)),
    StreamPad(3, 4, 4, INT3, (0, 2, 0, 0), padding=-4, simd=2),
    StreamPad(3, 4, 1, INT3, (2, 0, 0, 0), padding=6),
    StreamPad(3, 4, 3, UINT1, (0, 0, 1, 2), padding=-1, simd=3),
    StreamPad(1, 1, 1, UINT1, (1, 2, 3, 1), padding=1),
    StreamPad(1, 6, 2, UINT8, (0, 0, 0, 1), padding=200),
    StreamPad(5, 1, 2, UINT8, (0, 0, 0, 0), simd=2),
    StreamPad(4, 3, 1, UINT8, (0, 1, 0, 1)),
]


def test_conformance(tmp_path: Path) -> None:
    conform(KERNELS, tmp_path)


def test_attributes() -> None:
    kernel = StreamPad(3, 4, 6, INT3, (1, 1, 1, 1))
    assert [k.simd for k in kernel.foldings()] == [1, 2, 3, 6]
    assert kernel.with_attribute("SIMD", 3).interval() == 5 * 6 * 2
    with pytest.raises(ValueError, match="SIMD must be one of 1, 2, 3, 6"):
        kernel.with_attribute("SIMD", 4)
    with pytest.raises(KeyError):
        kernel.with_attribute("PE", 1)
    with pytest.raises(ValueError, match="pads must be at least 0"):
        replace(kernel, pads=(-1, 0, 0, 0))


@pytest.mark.slow
@pytest.mark.parametrize(
    "kernel",
    [StreamPad(32, 32, 16, INT3, (1, 1, 1, 1), simd=8), StreamPad(224, 224, 3, UINT8, (0, 0, 1, 1), simd=3)],
    ids=["around", "behind"],
)
def test_model_against_synthesis(kernel: StreamPad, tmp_path: Path) -> None:
    model, made = kernel.resources(6, 18432), synthesise(kernel, 6, tmp_path)
    assert abs(model.ff - made.ff) <= 0.02 * made.ff + 1
    assert 0.8 * made.lut <= model.lut <= 1.25 * made.lut
