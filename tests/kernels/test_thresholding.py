"""thresholding against its model."""

from pathlib import Path

import numpy as np

from qcompile.ir.types import IntType, read_only
from qcompile.kernels.thresholding import Thresholding

from .bench import conform


def unit(
    x: IntType,
    count: int,
    channels: int,
    pe: int,
    style: str,
    *,
    shared: bool = False,
    descending: bool = False,
    base: int = 0,
    extremes: str = "",
    vectors: int = 1,
    ram_style: str = "auto",
) -> Thresholding:
    """Random thresholds; `extremes` adds some that `a`lways and `n`ever fire."""
    rng = np.random.default_rng([x.bits, count, channels])
    rows = rng.integers(x.lo + 1, x.hi, (1 if shared else channels, count), endpoint=True)
    if "a" in extremes:
        rows[:, 0] = x.lo - 3
    if "n" in extremes:
        rows[-1, -1] = x.hi + 1
    flags = rng.integers(0, 1, 1 if shared else channels, endpoint=True) if descending else np.zeros(1)
    return Thresholding(
        thresholds=read_only(np.sort(rows, axis=1)),
        descending=read_only(flags, np.bool_),
        base=base,
        input=x,
        output=IntType.of_range(base, base + count),
        channels=channels,
        vectors=vectors,
        pe=pe,
        style=style,
        ram_style=ram_style,
    )


U1, U2, U5, U8, S3, S9, S17 = (
    IntType(b, s)
    for b, s in [(1, False), (2, False), (5, False), (8, False), (3, True), (9, True), (17, True)]
)

KERNELS = [
    unit(x, count, 6, pe, style, extremes=extremes, base=base, descending=descending)
    for style in ("parallel", "binary_search")
    for x, count, pe, extremes, base, descending in [
        (U1, 1, 6, "", 0, False),
        (U2, 3, 2, "an", 0, True),
        (U5, 1, 1, "n", -1, False),
        (S3, 2, 3, "a", -4, True),
        (S9, 7, 6, "an", -4, True),
        (S17, 15, 2, "", 0, False),
        (U8, 100, 1, "n", -100, False),
        (S9, 255, 3, "a", 0, True),
    ]
]
KERNELS += [
    unit(S9, 3, 12, 4, style, shared=True, base=-2, descending=True, vectors=3)
    for style in ("parallel", "binary_search")
]
KERNELS += [
    unit(S9, 15, 300, 2, style, ram_style=ram_style)
    for style, ram_style in [("parallel", "distributed"), ("binary_search", "block"), ("auto", "auto")]
]


def test_conformance(tmp_path: Path) -> None:
    conform(KERNELS, tmp_path)
