"""Synthesis of one module by Yosys, out of context: how many cells of each kind it takes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qcompile.ir.dataflow import Kernel, Resources
from qcompile.tools import assets
from qcompile.tools.command import run


@dataclass(frozen=True, slots=True)
class Family:
    """A family of parts as Yosys knows it: its script, LUT inputs, and what its cells are worth.

    `luts` are logic, `memories` LUTs that hold data, `registers` flip-flops, `blocks` block RAMs in units of `block_bits`,
    `multipliers` DSP blocks; of registers and multipliers the beginnings of their names.
    """

    name: str
    script: str
    lut_inputs: int
    luts: Mapping[str, int]
    memories: Mapping[str, int]
    registers: tuple[str, ...]
    blocks: Mapping[str, int]
    multipliers: tuple[str, ...]
    block_bits: int = 18432

    def resources(self, cells: Mapping[str, int]) -> Resources:
        """What the cells come to."""

        def count(weights: Mapping[str, int]) -> int:
            return sum(weight * cells.get(cell, 0) for cell, weight in weights.items())

        lutram = count(self.memories)
        registers = sum(number for cell, number in cells.items() if cell.startswith(self.registers))
        multipliers = sum(number for cell, number in cells.items() if cell.startswith(self.multipliers))
        return Resources(count(self.luts) + lutram, lutram, registers, multipliers, count(self.blocks))


XC7 = Family(
    "xc7",
    "synth_xilinx -family xc7 -noiopad -flatten",
    6,
    {f"LUT{inputs}": 1 for inputs in range(1, 7)},
    # Names of RAM say how many words of how many bits they hold, through one address (S) or two (D); M is four times S.
    {
        "SRL16E": 1,
        "SRLC32E": 1,
        "RAM32M": 4,
        "RAM64M": 4,
        "RAM32X1S": 1,
        "RAM32X2S": 2,
        "RAM64X1S": 1,
        "RAM128X1S": 2,
        "RAM256X1S": 4,
        "RAM512X1S": 8,
        "RAM32X1D": 2,
        "RAM64X1D": 2,
        "RAM128X1D": 4,
    },
    ("FD",),
    {"RAMB18E1": 1, "RAMB36E1": 2},
    ("DSP48E1",),
)
ECP5 = Family(
    "ecp5",
    "synth_ecp5",
    4,
    {"LUT4": 1, "CCU2C": 2},
    {"TRELLIS_DPR16X4": 4},
    ("TRELLIS_FF",),
    {"DP16KD": 1, "PDPW16KD": 1},
    ("MULT18X18D", "MULT9X9D"),
)
ICE40 = Family(
    "ice40", "synth_ice40 -dsp", 4, {"SB_LUT4": 1}, {}, ("SB_DFF",), {"SB_RAM40_4K": 1}, ("SB_MAC16",), 4096
)
GOWIN = Family(
    "gowin",
    "synth_gowin",
    4,
    {**{f"LUT{inputs}": 1 for inputs in range(1, 5)}, "ALU": 1},
    {"RAM16SDP1": 1, "RAM16SDP2": 2, "RAM16SDP4": 4, "RAM16S1": 1, "RAM16S2": 2, "RAM16S4": 4},
    ("DFF",),
    {"SDPB": 1, "SDPX9B": 1, "DPB": 1, "DPX9B": 1, "SPB": 1, "pROM": 1, "pROMX9": 1},
    ("MULT9X9", "MULT18X18", "MULT36X36"),
)
FAMILIES = {family.name: family for family in (XC7, ECP5, ICE40, GOWIN)}


@dataclass(frozen=True, slots=True)
class Module:
    """A module to synthesise: it stands in the last of `sources`. `memories` are texts of `$readmemh` files by the parameter that
    names them, `files` by their own names, as the sources name them in `../memories`.
    """

    name: str
    sources: tuple[Path, ...]
    parameters: tuple[tuple[str, int | str], ...] = ()
    memories: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def of(kernel: Kernel) -> Module:
        """The module of a kernel that is not rendered."""
        binding = kernel.binding()
        return Module(
            binding.module,
            tuple(assets.rtl() / f"{stem}.sv" for stem in binding.sources),
            binding.parameters,
            {memory.parameter: memory.hex_lines() for memory in binding.memories},
        )


def synthesise(yosys: Path, family: Family, module: Module, work: Path) -> dict[str, int]:
    """Cells of a module by kind. `work` is an empty folder, the only one that Yosys sees.

    Raises CompilerError where Yosys does not read the sources.
    """
    rtl, memories = work / "rtl", work / "memories"
    rtl.mkdir()
    memories.mkdir()
    for source in module.sources:
        shutil.copy(source, rtl)
    settings = [(name, f'"{value}"' if isinstance(value, str) else str(value % 2**32)) for name, value in module.parameters]
    for parameter, text in module.memories.items():
        (rtl / f"{parameter.lower()}.hex").write_text(text, encoding="ascii")
        settings.append((parameter, f'"{parameter.lower()}.hex"'))
    for name, text in module.files.items():
        (memories / name).write_text(text, encoding="ascii")
    script = [
        "read_verilog -sv -defer " + " ".join(f"rtl/{source.name}" for source in module.sources),
        " ".join(["chparam", *(f"-set {name} {value}" for name, value in settings), module.name]) if settings else "",
        f"hierarchy -check -top {module.name}",
        family.script,
        "tee -q -o cells.json stat -json",
    ]
    run([yosys, "-q", "-p", "; ".join(filter(None, script))], what=f"synthesising {module.name}", cwd=work, timeout_s=3600)
    report = json.loads((work / "cells.json").read_text(encoding="utf-8"))
    cells: dict[str, int] = report["design"]["num_cells_by_type"]
    return {kind: number for kind, number in cells.items() if kind.isidentifier()}
