"""What Yosys makes of a kernel: the measure of the resource models."""

from __future__ import annotations

from pathlib import Path

from qcompile.ir.dataflow import Kernel, Resources
from qcompile.tools import synthesis

from ..support.yosys import yosys


def synthesise(kernel: Kernel, lut_inputs: int, folder: Path) -> Resources:
    """As `qcompile.tools.synthesis`; skips the test where there is no Yosys."""
    return synthesis.synthesise(yosys(), kernel, lut_inputs, folder)
