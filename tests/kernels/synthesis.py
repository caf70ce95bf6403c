"""What Yosys makes of a kernel: the measure of the resource models."""

from __future__ import annotations

from pathlib import Path

from qcompile.ir.dataflow import Kernel, Resources
from qcompile.tools import synthesis

from ..support.yosys import yosys


def synthesise(kernel: Kernel, lut_inputs: int, folder: Path) -> Resources:
    """Cells of the kernel on 7-series (`lut_inputs` 6) or ECP5 (4); skips the test where there is no Yosys."""
    family = synthesis.XC7 if lut_inputs == synthesis.XC7.lut_inputs else synthesis.ECP5
    return family.resources(synthesis.synthesise(Path(yosys()), family, synthesis.Module.of(kernel), folder))
