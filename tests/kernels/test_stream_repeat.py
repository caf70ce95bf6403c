"""stream_repeat against its model."""

from pathlib import Path

from qcompile.ir.types import IntType
from qcompile.kernels.stream_repeat import StreamRepeat

from .bench import conform

KERNELS = [
    StreamRepeat(IntType(4, False), elements=6, times=5, vectors=2, pe=2),
    StreamRepeat(IntType(3, True), elements=6, times=4, vectors=1, pe=6),
    StreamRepeat(IntType(8, False), elements=7, times=3, vectors=2, pe=1),
    StreamRepeat(IntType(5, True), elements=1, times=6, vectors=5, pe=3),
    StreamRepeat(IntType(1, False), elements=1, times=6, vectors=4, pe=6),
    StreamRepeat(IntType(2, False), elements=4, times=1, vectors=3, pe=2),
]


def test_conformance(tmp_path: Path) -> None:
    conform(KERNELS, tmp_path)
