"""What Yosys makes of a kernel: the measure of the resource models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from qcompile.ir.dataflow import Kernel, Resources
from qcompile.tools import assets
from qcompile.tools.command import run

COMMANDS = {6: "synth_xilinx -noiopad -flatten", 4: "synth_ecp5"}
LUTS = {"LUT1": 1, "LUT2": 1, "LUT3": 1, "LUT4": 1, "LUT5": 1, "LUT6": 1, "CCU2C": 2}
LUTRAM = {"SRL16E": 1, "SRLC32E": 1, "RAM32M": 4, "RAM64M": 4, "TRELLIS_DPR16X4": 4}
FLIP_FLOPS = {"FDRE": 1, "FDSE": 1, "TRELLIS_FF": 1}
BLOCKS = {"RAMB18E1": 1, "RAMB36E1": 2, "DP16KD": 1}
MULTIPLIERS = {"DSP48E1": 1, "MULT18X18D": 1}


def synthesise(yosys: Path | str, kernel: Kernel, lut_inputs: int, folder: Path) -> Resources:
    """Cells of the kernel on 7-series (`lut_inputs` 6) or ECP5 (4); `folder` is an empty one."""
    binding = kernel.binding()
    for stem in binding.sources:
        shutil.copy(assets.rtl() / f"{stem}.sv", folder)
    values = [(name, f'"{v}"' if isinstance(v, str) else str(v % 2**32)) for name, v in binding.parameters]
    for memory in binding.memories:
        file = f"{memory.parameter.lower()}.hex"
        (folder / file).write_text(memory.hex_lines(), encoding="utf-8")
        values.append((memory.parameter, f'"{file}"'))
    script = [
        "read_verilog -sv -defer " + " ".join(f"{stem}.sv" for stem in binding.sources),
        " ".join(["chparam", *(f"-set {name} {value}" for name, value in values), binding.module]),
        f"hierarchy -check -top {binding.module}",
        COMMANDS[lut_inputs],
        "tee -q -o cells.json stat -json",
    ]
    run([yosys, "-q", "-p", "; ".join(script)], what=f"synthesising {binding.module}", cwd=folder, timeout_s=3600)
    cells = json.loads((folder / "cells.json").read_text(encoding="utf-8"))["design"]["num_cells_by_type"]

    def count(weights: Mapping[str, int]) -> int:
        return sum(weights.get(cell, 0) * int(number) for cell, number in cells.items())

    lutram = count(LUTRAM)
    return Resources(count(LUTS) + lutram, lutram, count(FLIP_FLOPS), count(MULTIPLIERS), count(BLOCKS))
