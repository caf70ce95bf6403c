"""stream_fork against its model."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from qcompile.ir.dataflow import Stream
from qcompile.ir.types import IntType
from qcompile.kernels.stream_fork import StreamFork

from .bench import conform

KERNELS = [
    StreamFork(Stream(IntType(bits, signed), lanes, beats), copies)
    for bits, signed, lanes, beats, copies in [
        (1, False, 1, 40, 1),
        (8, True, 1, 40, 2),
        (3, False, 7, 40, 3),
        (9, True, 2, 1, 5),
    ]
]


def test_conformance_and_independent_outputs(tmp_path: Path) -> None:
    apart = [0] * len(KERNELS)
    for k, runs in enumerate(conform(KERNELS, tmp_path)):
        for run in runs:
            given = np.stack([record.beats for record in run.outputs])
            apart[k] = max(apart[k], int(np.ptp(given, axis=0).max()))
    assert apart[0] == 0
    assert min(apart[1:]) > 0
