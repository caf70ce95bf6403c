"""What an output folder is by itself: it simulates without qcompile, is clean RTL, and Yosys and Vivado's script read it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qcompile.tools import assets
from qcompile.tools.prerequisites import find_toolchain
from qcompile.tools.verilator import Sources, lint

from ..support.outcome import Outcome
from ..support.yosys import yosys

Cli = Callable[..., Outcome]

EXAMPLES = Path(__file__).parents[2] / "examples"

# Model, options: other foldings, memories, engines, FIFOs, forks, several inputs and outputs.
DESIGNS: list[tuple[str, tuple[str, ...]]] = [
    ("mlp", ("--interval", "1")),
    ("mlp", ("--interval", "24")),
    ("forked", ("--interval", "1")),
    ("forked", ("--interval", "24")),
    ("two_inputs", ("--interval", "16")),
    ("two_inputs", ("--interval", "24")),
    ("untyped", ("--input", "int5")),
    ("digits_mlp_w1a1", ("--interval", "32")),
    ("digits_mlp_w1a1", ("--interval", "256")),
    ("digits_mlp_w2a2", ("--interval", "32")),
    ("digits_mlp_w2a2", ("--interval", "512")),
    ("digits_mlp_w2a2", ("--interval", "512", "--latency", "600")),
]


def model_path(name: str, models: Path) -> Path:
    example = EXAMPLES / name / "model.onnx"
    return example if example.exists() else models / f"{name}.onnx"


def compiled(cli: Cli, models: Path, folder: Path, name: str, options: tuple[str, ...]) -> str:
    """Compiles without simulation; the name of the top-level module."""
    arguments = (model_path(name, models), "--target", "pynq-z2", "--no-sim", "--frames", "4", "-o", folder, *options)
    assert cli(*arguments).code == 0
    return str(json.loads((folder / "manifest.json").read_text())["top"])


@pytest.mark.parametrize(("name", "options"), DESIGNS)
def test_clean_rtl(cli: Cli, models: Path, tmp_path: Path, name: str, options: tuple[str, ...]) -> None:
    """Verilator has nothing to say, beyond what the library's waivers give reasons for; Yosys reads it."""
    folder = tmp_path / "out"
    top = compiled(cli, models, folder, name, options)
    files = [folder / "rtl" / line for line in (folder / "rtl" / "files.f").read_text().split()]
    report = lint(find_toolchain(), Sources(top, tuple(files)), assets.rtl() / "waivers.vlt")
    assert report.clean, "\n".join(report.messages)
    sources = " ".join(f"rtl/{file.name}" for file in files)
    script = f"read_verilog -sv {sources}; hierarchy -check -top {top}; proc; check -assert"
    finished = subprocess.run([yosys(), "-p", script], cwd=folder, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout[-2000:] + finished.stderr
    assert "Warning" not in finished.stdout, [line for line in finished.stdout.splitlines() if "Warning" in line]


def run_make(folder: Path, tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs make in sim/ with a Python that cannot import qcompile."""
    absent = tmp_path / "absent" / "qcompile"
    absent.mkdir(parents=True, exist_ok=True)
    (absent / "__init__.py").write_text("raise ImportError('qcompile is not installed')\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "PYTEST"))}
    environment |= {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(absent.parent),
        "PYTHON": "python3",
    }
    command = ["make", "-C", str(folder / "sim"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


# The simulator's runtime is compiled with every folder: without optimisation here, to save time.
QUICK = "OPT_GLOBAL=-O0"


def test_it_simulates_by_itself(built: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(built, folder)
    finished = run_make(folder, tmp_path, "bulk", QUICK)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    cycles = json.loads(next(line for line in finished.stdout.splitlines() if line.startswith("{")))
    manifest = json.loads((folder / "manifest.json").read_text())
    assert cycles["ends"][-1] - cycles["ends"][-2] == manifest["interval_cycles"]
    assert cycles["first_output"] - cycles["first_input"] == manifest["latency_cycles"]
    finished = run_make(folder, tmp_path, QUICK)
    assert finished.returncode == 0, finished.stdout[-3000:] + finished.stderr
    assert "\n4 passed, 0 failed\n" in finished.stdout
    # A vector that does not fit is found by both.
    vectors = folder / "sim" / "vectors"
    hexadecimal, binary = (vectors / "output_0.hex").read_text(), (vectors / "output_0.bin").read_bytes()
    (vectors / "output_0.hex").write_text(hexadecimal[:-2] + ("0" if hexadecimal[-2] != "0" else "1") + "\n")
    (vectors / "output_0.bin").write_bytes(binary[:-1] + bytes([binary[-1] ^ 1]))
    assert run_make(folder, tmp_path, "bulk", QUICK).returncode != 0
    assert "0 passed, 4 failed" in run_make(folder, tmp_path, QUICK).stdout
    assert run_make(folder, tmp_path, "tidy").returncode == 0
    shutil.copytree(built / "sim" / "vectors", vectors, dirs_exist_ok=True)
    assert sorted(p.name for p in (folder / "sim").iterdir()) == sorted(p.name for p in (built / "sim").iterdir())


def test_white_space_in_the_path_is_refused_in_a_sentence(built: Path, tmp_path: Path) -> None:
    """GNU make and Verilator's makefiles cannot handle it."""
    folder = tmp_path / "my design"
    shutil.copytree(built, folder)
    finished = run_make(folder, tmp_path, "bulk")
    assert finished.returncode != 0
    assert "Verilator cannot build where a path holds white space: copy the design elsewhere" in finished.stderr


def test_qcompile_itself_works_with_white_space(cli: Cli, built: Path, tmp_path: Path) -> None:
    folder = tmp_path / "my design"
    shutil.copytree(built, folder)
    assert cli("verify", folder).code == 0
