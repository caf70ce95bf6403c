"""cocotb on Verilator: build a simulation that cocotb drives, and run its tests.

cocotb's own runner compiles Verilator's run time with every model. So the executable is built by
`verilator.build` (with the command line of cocotb's runner), and run with the environment that cocotb 2.1
documents.
"""

from __future__ import annotations

import os
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qcompile.ir.errors import CompilerError
from qcompile.tools.cache import Cache
from qcompile.tools.command import run
from qcompile.tools.prerequisites import Toolchain, find_shared_python
from qcompile.tools.verilator import BuildOptions, Executable, Sources, build

LOG = "cocotb.log"
RESULTS = "results.xml"


@dataclass(frozen=True, slots=True)
class CocotbRun:
    """The outcome of a cocotb run: names of the tests, the full log, seconds of the whole process.

    `failed` pairs the name of each test that failed with its message.
    """

    passed: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]
    log: Path
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether there were tests and none failed."""
        return bool(self.passed) and not self.failed


def build_cocotb(
    toolchain: Toolchain,
    cache: Cache,
    sources: Sources,
    executable: Path,
    options: BuildOptions | None = None,
    visible_depth: int = 1,
) -> Executable:
    """Build `executable`, a simulation of `sources` that cocotb drives.

    `visible_depth` is how many levels of the hierarchy tests may look into: 1 is the ports and signals of the
    top module, 0 is everything (slower to build and to run).

    Raises CompilerError when Verilator refuses the design or the C++ does not compile.
    """
    import cocotb_tools.config as cocotb

    libraries = f"'{cocotb.libs_dir}'"
    arguments = (
        "--vpi",
        *(("--public-flat-rw",) if visible_depth == 0 else ("--public-depth", str(visible_depth))),
        *("--timescale", "1ns/1ps"),
        *("-LDFLAGS", f"-Wl,-rpath,{libraries} -L{libraries} -lcocotbvpi_verilator"),
    )
    bench = (Path(cocotb.share_dir) / "lib" / "verilator" / "verilator.cpp",)
    return build(toolchain, cache, sources, bench, executable, options, arguments)


def run_cocotb(
    executable: Path,
    *,
    top: str,
    test_module: str,
    python_path: tuple[Path, ...],
    folder: Path,
    seed: int = 0,
    timeout_s: float = 600.0,
    plusargs: Mapping[str, str] | None = None,
    waves: bool = False,
) -> CocotbRun:
    """Run the cocotb tests of `test_module` (found on `python_path`) in `folder`; tests that fail are no
    exception.

    The run reads and writes files relative to `folder`, which receives cocotb.log, results.xml and, with
    `waves` (and an executable built for it), dump.vcd. `plusargs` reach the tests as `cocotb.plusargs`.
    Registers without a reset start at random values drawn from `seed`, which is also that of Python's
    `random`.

    Raises CompilerError when the simulation takes longer than `timeout_s` seconds or ends without results.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    log, results = folder / LOG, folder / RESULTS
    results.unlink(missing_ok=True)
    # Verilator's random seed is a positive 31-bit number.
    command = [
        str(executable.resolve()),
        "+verilator+rand+reset+2",
        f"+verilator+seed+{seed % 2147483647 + 1}",
    ]
    command += [f"+{name}={value}" for name, value in (plusargs or {}).items()]
    command += ["--trace"] if waves else []
    environment = {
        "COCOTB_ANSI_OUTPUT": "0",
        "COCOTB_RANDOM_SEED": str(seed),
        "COCOTB_RESULTS_FILE": str(results),
        "COCOTB_TEST_MODULES": test_module,
        "COCOTB_TOPLEVEL": top,
        "COCOTB_TRUST_INERTIAL_WRITES": "1",
        "GPI_USERS": f"{find_shared_python()};{_entry_point()}",
        "PYGPI_PYTHON_BIN": sys.executable,
        "PYTHONPATH": os.pathsep.join([*(str(p.resolve()) for p in python_path), *sys.path]),
        "TOPLEVEL_LANG": "verilog",
    }
    what = f"simulating {top}"
    # cocotb ends with an error code where a test failed: the results say which.
    finished = run(
        command, what=what, cwd=folder, environment=environment, timeout_s=timeout_s, log=log, check=False
    )
    passed, failed = _read_results(results, log, what, finished.tail())
    return CocotbRun(passed, failed, log, finished.seconds)


def _entry_point() -> str:
    import cocotb_tools.config as cocotb

    return str(cocotb.pygpi_entry_point())


def _read_results(
    results: Path, log: Path, what: str, tail: str
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    try:
        cases = list(ET.parse(results).iter("testcase"))
    except (OSError, ET.ParseError) as error:
        raise CompilerError(f"{what}: the simulation ended without results", str(log), tail) from error
    passed: list[str] = []
    failed: list[tuple[str, str]] = []
    for case in cases:
        name = case.get("name", "?")
        faults = [*case.findall("failure"), *case.findall("error")]
        if faults:
            failed.append((name, faults[0].get("message") or faults[0].text or "no message"))
        elif case.find("skipped") is None:
            passed.append(name)
    return tuple(passed), tuple(failed)
