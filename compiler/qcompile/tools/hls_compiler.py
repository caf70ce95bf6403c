"""HLS C++ as a program: the vendor's open headers found, the test bench of a design compiled with them and g++."""

from __future__ import annotations

import importlib.util
import time
from dataclasses import dataclass
from pathlib import Path

from qcompile.ir.errors import CompilerError
from qcompile.tools.cache import Cache, digest
from qcompile.tools.command import run
from qcompile.tools.prerequisites import find_compiler

HEADERS = ("ap_int.h", "hls_stream.h")
INSIDE_HLS4ML = Path("templates") / "vivado" / "ap_types"
# With optimisation g++ 12 takes constructors in the vendor's headers for reads of what was not initialised.
QUIET = ("-Wno-unknown-pragmas", "-Wno-uninitialized", "-Wno-maybe-uninitialized")
FLAGS = ("-std=c++17", "-O1", "-Wall", "-Wextra", *QUIET)
COMPILE_TIMEOUT_S = 3600.0


@dataclass(frozen=True, slots=True)
class HlsProgram:
    """A compiled test bench; `warnings` is what the compiler said of our code."""

    path: Path
    from_cache: bool
    build_seconds: float
    warnings: str


def find_ap_types(given: Path | None) -> Path:
    """The folder of ap_int.h and hls_stream.h: `given`, where that is one, else the copy in the package hls4ml.

    hls4ml is not imported. Raises CompilerError where there are no such headers.
    """
    if given is not None:
        for folder in (given, given / "include"):
            if all((folder / name).is_file() for name in HEADERS):
                return folder.resolve()
        raise CompilerError(
            "no headers of HLS C++ there", str(given), f"it has no {' or no '.join(HEADERS)}", "give the folder of ap_int.h"
        )
    spec = importlib.util.find_spec("hls4ml")
    for place in (spec.submodule_search_locations or []) if spec is not None else []:
        folder = Path(place) / INSIDE_HLS4ML
        if all((folder / name).is_file() for name in HEADERS):
            return folder
    raise CompilerError(
        "cannot run HLS C++: ap_int.h and hls_stream.h are not installed",
        hint="pip install 'qcompile[hls]' (they are part of hls4ml), or --hls-include with the include folder of Vitis HLS",
    )


def build_hls(cache: Cache, folder: Path, include: Path, executable: Path, design: str = "") -> HlsProgram:
    """Compiles the test bench of the HLS sources in `folder`, or takes it from the cache; `design` is the folder within it
    where top level and test bench lie, if that is not itself.

    Raises CompilerError where there is no compiler, it refuses the sources, or a file cannot be read.
    """
    started = time.monotonic()
    compiler, version = find_compiler("cannot run HLS C++")
    try:
        shared = ("*.hpp", "library/*.hpp", "weights/*.hpp") if design else ()
        places = [p for pattern in shared for p in folder.glob(pattern)] + list((folder / design).rglob("*"))
        ours = sorted(p for p in places if p.suffix in (".hpp", ".cpp"))
        theirs = sorted(p for p in include.rglob("*.h") if p.is_file())
        parts: list[str | Path] = [version, *FLAGS, str(include)]
        for root, files in ((folder, ours), (include, theirs)):
            parts += [part for file in files for part in (file.relative_to(root).as_posix(), file)]
        key = digest(*parts)
        names = {"tb": executable, "warnings": executable.with_suffix(".log")}
        if cache.restore(key, names):
            return HlsProgram(executable, True, time.monotonic() - started, names["warnings"].read_text())
        command: list[str | Path] = [compiler, *FLAGS, "-isystem", include, "-o", executable.resolve(), "top.cpp", "tb.cpp"]
        finished = run(command, what="compiling the HLS C++", cwd=folder / design, timeout_s=COMPILE_TIMEOUT_S)
        names["warnings"].write_text(finished.output)
        cache.store(key, names)
    except OSError as error:
        raise CompilerError("cannot compile the HLS C++", str(folder), str(error), "compile the model again") from error
    return HlsProgram(executable, False, time.monotonic() - started, finished.output)
