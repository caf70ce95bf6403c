"""argmax against its model."""

from pathlib import Path

import numpy as np

from qcompile.ir.types import IntType, read_only
from qcompile.kernels.argmax import ArgMaxUnit

from .bench import conform

S2, S7, U1, U3 = IntType(2, True), IntType(7, True), IntType(1, False), IntType(3, False)
RAISED = read_only([5, -3, 0, 2, 7, 7, -6, 1, 0, 4])
ALIKE = read_only(np.full(10, 3))

KERNELS = [
    ArgMaxUnit(elements, x, select_last=last, lanes=lanes)
    for last in (False, True)
    for elements, lanes, x in [
        (1, 1, S7),
        (10, 1, S2),
        (10, 2, U1),
        (10, 5, S7),
        (10, 10, U3),
        (12, 3, S2),
        (64, 64, S7),
    ]
]
KERNELS += [
    ArgMaxUnit(10, x, RAISED, shift, lanes=lanes)
    for lanes in (1, 5, 10)
    for x, shift in [(S2, 2), (U3, 0), (S7, 1)]
]
KERNELS += [ArgMaxUnit(10, S7, ALIKE, 2, lanes=5)]


def test_conformance(tmp_path: Path) -> None:
    conform(KERNELS, tmp_path, frames=24)
