"""skid_buffer against its model."""

from pathlib import Path

from qcompile.ir.dataflow import Stream
from qcompile.ir.types import IntType
from qcompile.kernels.skid_buffer import SkidBuffer

from .bench import conform

KERNELS = [
    SkidBuffer(Stream(IntType(bits, signed), lanes, beats))
    for bits, signed, lanes, beats in [
        (1, False, 1, 50),
        (3, True, 5, 40),
        (8, False, 784, 12),
        (17, True, 2, 1),
    ]
]


def test_conformance(tmp_path: Path) -> None:
    conform(KERNELS, tmp_path)
