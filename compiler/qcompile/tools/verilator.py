"""Verilator: lint a design, or build a simulation of it as an executable.

Most of the time of a small build is spent on Verilator's own run time (verilated.cpp and others), which does
not depend on the design. Its objects are compiled once, kept in the cache, and put into the build folder
before `make` looks for them: newer than the generated makefile, they are left as they are. Whole executables
are cached too.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from qcompile.ir.errors import CompilerError
from qcompile.tools.cache import Cache, digest
from qcompile.tools.command import run
from qcompile.tools.prerequisites import Toolchain

PREFIX = "Vtop"  # of the generated class, whatever the top module is called: a bench includes "Vtop.h"

# Raised whenever the way of building changes, so that older entries of the cache are not taken.
_RECIPE = 2

# A build is no lint: it stops for errors only. But an illegal parameter ($error in the RTL) is an error,
# which -Wno-fatal alone would let pass.
_WARNINGS = ("-Wno-lint", "-Wno-fatal", "-Werror-USERERROR", "-Werror-USERFATAL")

# Measured on a ten-layer design (2,400 multipliers, 20,000 cycles): -O0 builds in 5.6 s of CPU and simulates
# 6,600 cycles a second, -O1 8.3 s and 358,000, -O2 20.8 s and 285,000, -Os 8.1 s and 217,000.
DEFAULT_OPTIMISATION = "-O1"

# In the generated makefiles: settings that reach the compiler, and the names of the run time's objects.
_SWITCH = r"^VM_(?!PREFIX|MODPREFIX|PARALLEL_BUILDS)\w+ = \w+$"
_RUNTIME_LIST = r"^VM_GLOBAL_(?:FAST|SLOW) \+= \\\n((?:\s+\w+ \\\n)*)"

_INCLUDED = (".sv", ".svh", ".v", ".vh")

# Verilator's own passes that put expressions into one another make large sums larger, not faster. Measured on
# tfc_w2a2 unrolled to 12,544 multipliers (CPU seconds to translate + compile at -O1, simulated cycles a second of
# CPU): as it comes 17.8 + 54.8, 11,100; without dfg and gate 13.9 + 14.8, 17,200; without life too 10.6 + 12.8,
# 17,000. The ten-layer design above does not mind.
_PASSES = ("-fno-dfg", "-fno-gate", "-fno-life")

# Compiler flags a user's shell may hold for other programs; a build depends on its options alone.
_FOREIGN_FLAGS = (
    "CFLAGS", "CPPFLAGS", "CXXFLAGS", "LDFLAGS", "LDLIBS", "LOADLIBES", "LIBS", "OBJCACHE", "OPT",
    "USER_CPPFLAGS", "USER_LDFLAGS", "USER_LDLIBS", "VERILATOR_BIN", "VPATH",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sources:
    """What Verilator reads: `files` in any order, the module `top`, values for its parameters, include
    folders.
    """

    top: str
    files: tuple[Path, ...]
    parameters: tuple[tuple[str, int | str], ...] = ()
    includes: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How a simulation is built: C++ optimisation of the design, a VCD recorder, compilers at a time."""

    optimisation: str = DEFAULT_OPTIMISATION
    waves: bool = False
    jobs: int = 2


@dataclass(frozen=True, slots=True)
class Executable:
    """A simulation that is ready to run, and where its time went (seconds; 0 for what the cache had).

    `runtime_reused` says whether all objects of Verilator's run time came from the cache.
    """

    path: Path
    from_cache: bool
    runtime_reused: bool
    verilate_s: float
    compile_s: float


@dataclass(frozen=True, slots=True)
class LintReport:
    """Every warning and error of a lint run, in the order given, each with the lines that explain it."""

    messages: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Whether there was nothing to say."""
        return not self.messages


def lint(toolchain: Toolchain, sources: Sources, waivers: Path | None = None) -> LintReport:
    """Run `verilator --lint-only -Wall`; `waivers` is a .vlt file with the warnings that are allowed, and
    why.

    A design that does not elaborate is a report with messages, not an exception.
    Raises CompilerError if Verilator itself breaks down.
    """
    waived = [waivers] if waivers is not None else []
    with _workspace() as work:
        command = [*_verilator(toolchain, work), "--lint-only", "-Wall", *_design_arguments(sources, waived)]
        environment = _environment(toolchain, work)
        finished = run(command, what="checking the RTL", environment=environment, check=False)
    messages = _messages(finished.output)
    if finished.exit_code != 0 and not messages:
        raise CompilerError("Verilator broke down while checking the RTL", sources.top, finished.tail())
    return LintReport(messages)


def build(
    toolchain: Toolchain,
    cache: Cache,
    sources: Sources,
    bench: tuple[Path, ...],
    executable: Path,
    options: BuildOptions | None = None,
    verilator_arguments: tuple[str, ...] = (),
    advance: Callable[[int, int], None] | None = None,
) -> Executable:
    """Build `executable` from a design and a C++ bench, or take it from the cache.

    `bench` holds the bench's files: each .cpp is compiled (one has main and includes "Vtop.h"), the others
    are headers. `verilator_arguments` are further ones (VPI, libraries), but no C++ flags. `advance` is told how many C++
    files are compiled, of how many.

    Raises CompilerError when Verilator refuses the design, the C++ does not compile, or a file cannot be read
    or written.
    """
    options = options or BuildOptions()
    try:
        key = _executable_key(toolchain, sources, bench, options, verilator_arguments)
        if cache.restore(key, {PREFIX: executable}):
            return Executable(executable, True, True, 0.0, 0.0)
        with _workspace() as work:
            verilate_s = _translate(toolchain, sources, bench, work, options, verilator_arguments)
            started = time.monotonic()
            reused = _compile(toolchain, cache, work, options, advance)
            built = work / "obj" / PREFIX
            cache.store(key, {PREFIX: built})
            _deliver(built, executable)
            return Executable(executable, False, reused, verilate_s, time.monotonic() - started)
    except OSError as error:
        raise CompilerError("cannot build the simulation", where=sources.top, why=str(error)) from error


def simulation_environment(toolchain: Toolchain) -> dict[str, str | None]:
    """Changes to the environment under which a plain `make` or cocotb finds the Verilator of `toolchain`."""
    folder = str(toolchain.verilator.executable.parent)
    root = toolchain.verilator.root
    changes: dict[str, str | None] = {"PATH": folder + os.pathsep + os.environ.get("PATH", os.defpath)}
    return changes if root is None else {**changes, "VERILATOR_ROOT": str(root)}


def _translate(
    toolchain: Toolchain,
    sources: Sources,
    bench: tuple[Path, ...],
    work: Path,
    options: BuildOptions,
    verilator_arguments: tuple[str, ...],
) -> float:
    """Turn the RTL into C++ and a makefile in work/obj; seconds taken."""
    for file in bench:  # copied: their own paths may hold white space, which make cannot handle
        shutil.copy(file, work)
    command = [*_verilator(toolchain, work), "--cc", "--exe", "--assert", *_WARNINGS, *_PASSES]
    command += ["--prefix", PREFIX, "-o", PREFIX, "--Mdir", "obj", *verilator_arguments]
    command += ["--trace-vcd"] if options.waves else []
    command += _design_arguments(sources, [])
    command += [file.name for file in bench if file.suffix == ".cpp"]
    environment = _environment(toolchain, work)
    return run(command, what="translating the RTL", cwd=work, environment=environment).seconds


def _compile(
    toolchain: Toolchain, cache: Cache, work: Path, options: BuildOptions, advance: Callable[[int, int], None] | None
) -> bool:
    """Run make in work/obj; whether the whole run time of Verilator came from the cache."""
    folder = work / "obj"
    variables = _make_variables(toolchain, options)
    keys = _runtime_keys(toolchain, folder, variables)
    absent = [
        name for name, key in keys.items() if not cache.restore(key, {f"{name}.o": folder / f"{name}.o"})
    ]
    command = [str(toolchain.make), f"-j{options.jobs}", "-C", str(folder), "-f", f"{PREFIX}.mk", *variables]
    total = _objects(folder, len(keys))
    watch = None if advance is None else lambda _line: advance(min(total, sum(1 for _ in folder.glob("*.o"))), total)
    run(command, what="compiling the simulation", environment=_environment(toolchain, work), watch=watch)
    for name in absent:
        cache.store(keys[name], {f"{name}.o": folder / f"{name}.o"})
    return not absent


def _objects(folder: Path, runtime: int) -> int:
    """How many C++ files `make` compiles, at least: those of the design one by one where it is large, the bench, and
    Verilator's run time of so many.
    """
    classes = (folder / f"{PREFIX}_classes.mk").read_text(encoding="utf-8")
    parallel = re.search(r"^VM_PARALLEL_BUILDS = 1$", classes, re.MULTILINE) is not None
    return runtime + 1 + (sum(1 for _ in folder.glob("*.cpp")) if parallel else 1)


def _make_variables(toolchain: Toolchain, options: BuildOptions) -> list[str]:
    """Settings that the generated makefile would otherwise take from the machine Verilator was built on."""
    compiler = shlex.quote(str(toolchain.compiler))
    settings = {
        "AR": "ar",
        "CXX": compiler,
        "LINK": compiler,
        "PERL": shlex.quote(str(toolchain.perl)),
        "PYTHON3": shlex.quote(sys.executable),
        # The PyPI package leaves these two empty; large designs, which are compiled in parallel, then fail.
        "CFG_CXXFLAGS_PCH_I": "-include",
        "CFG_GCH_IF_CLANG": ".gch" if toolchain.is_clang else "",
        "CFG_LDLIBS_THREADS": "-pthread",
        "CXXFLAGS": "-std=gnu++17",
        "OPT_FAST": options.optimisation,
        "OPT_SLOW": "-O0",
        "OPT_GLOBAL": "-O2",
    }
    return [f"{name}={value}" for name, value in settings.items()]


def _runtime_keys(toolchain: Toolchain, folder: Path, variables: list[str]) -> dict[str, str]:
    """Object of Verilator's run time -> its key in the cache: everything its compilation depends on."""
    makefile = (folder / f"{PREFIX}.mk").read_text(encoding="utf-8")
    classes = (folder / f"{PREFIX}_classes.mk").read_text(encoding="utf-8")
    root = re.search(r"^VERILATOR_ROOT = (.+)$", makefile, re.MULTILINE)
    if root is None:
        raise CompilerError("Verilator's makefile has no VERILATOR_ROOT", toolchain.verilator.version)
    include = sorted((Path(root[1]) / "include").rglob("*"))
    contents = [file for file in include if file.suffix in (".h", ".cpp", ".mk")]
    switches = re.findall(_SWITCH, makefile + classes, re.MULTILINE)
    settings = [v for v in variables if not v.startswith(("OPT_FAST=", "OPT_SLOW="))]
    versions = (toolchain.compiler_version, toolchain.verilator.version)
    base = digest(_RECIPE, *versions, *switches, *settings, *contents)
    lists = re.findall(_RUNTIME_LIST, classes, re.MULTILINE)
    names = " ".join(lists).replace("\\", " ").split()
    return {name: digest(base, name) for name in names}


def _executable_key(
    toolchain: Toolchain,
    sources: Sources,
    bench: tuple[Path, ...],
    options: BuildOptions,
    verilator_arguments: tuple[str, ...],
) -> str:
    parts: list[str | int | Path] = [_RECIPE, toolchain.compiler_version, toolchain.verilator.version]
    parts += [sources.top, *_parameter_arguments(sources), options.optimisation, int(options.waves)]
    parts += [*verilator_arguments]
    included = [f for folder in sources.includes for f in sorted(folder.rglob("*")) if f.suffix in _INCLUDED]
    for file in (*sources.files, *included, *bench):
        parts += [file.name, file]  # the name too: messages and $readmemh's errors quote it
    return digest(*parts)


def _verilator(toolchain: Toolchain, work: Path) -> list[str]:
    root = _root(toolchain, work)
    return [str(toolchain.verilator.executable if root is None else root / "bin" / "verilator")]


def _root(toolchain: Toolchain, work: Path) -> Path | None:
    """VERILATOR_ROOT without white space, which make cannot handle: where need be, a link in the build
    folder.
    """
    root = toolchain.verilator.root
    if root is None or not re.search(r"\s", str(root)):
        return root
    link = work / "verilator"
    if not link.is_symlink():
        link.symlink_to(root)
    return link


def _environment(toolchain: Toolchain, work: Path) -> dict[str, str | None]:
    root = _root(toolchain, work)
    changes: dict[str, str | None] = dict.fromkeys(_FOREIGN_FLAGS)
    return changes if root is None else {**changes, "VERILATOR_ROOT": str(root)}


def _design_arguments(sources: Sources, waivers: list[Path]) -> list[str]:
    includes = [f"-I{folder.resolve()}" for folder in sources.includes]
    files = [str(file.resolve()) for file in (*waivers, *sources.files)]
    return ["--top-module", sources.top, *_parameter_arguments(sources), *includes, *files]


def _parameter_arguments(sources: Sources) -> list[str]:
    return [
        f'-G{name}="{value}"' if isinstance(value, str) else f"-G{name}={value}"
        for name, value in sources.parameters
    ]


def _messages(output: str) -> tuple[str, ...]:
    """Split Verilator's output into its messages; the lines that follow one explain it."""
    messages: list[str] = []
    for line in output.splitlines():
        if line.startswith("%"):
            messages.append(line)
        elif messages and line.startswith((" ", "\t")):
            messages[-1] += "\n" + line
    return tuple(message for message in messages if not message.startswith("%Error: Exiting due to"))


def _deliver(built: Path, executable: Path) -> None:
    executable.parent.mkdir(parents=True, exist_ok=True)
    part = executable.with_name(f".{executable.name}.part")
    shutil.copy(built, part)
    part.replace(executable)


@contextlib.contextmanager
def _workspace() -> Iterator[Path]:
    """A temporary folder to build in, without white space in its path, which make cannot handle."""
    base = tempfile.gettempdir()
    base = "/tmp" if re.search(r"\s", base) else base
    with tempfile.TemporaryDirectory(prefix="qcompile-", dir=base) as work:
        yield Path(work)
