"""The house of the design: a package imports only from rows below its own (contracts in pyproject.toml)."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

RUN = """
import sys
sys.path.insert(0, "compiler")
from importlinter.cli import lint_imports_command
lint_imports_command()
"""


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", RUN, "--no-cache"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_the_layers_hold() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A small package under the same contracts."""
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    package = tmp_path / "compiler" / "qcompile"
    for name in ("", "ir", "tools", "targets", "codegen", "verify"):
        (package / name).mkdir(parents=True, exist_ok=True)
        (package / name / "__init__.py").touch()
    return package


def test_a_package_that_keeps_the_contracts_passes(package: Path) -> None:
    assert lint_imports(package.parents[1]).returncode == 0


@pytest.mark.parametrize(
    ("row", "imports", "broken"),
    [
        ("ir", "qcompile.targets", "layers BROKEN"),
        ("codegen", "qcompile.verify", "layers BROKEN"),
        ("ir", "subprocess", "only tools starts other programs BROKEN"),
        ("tools", "jinja2", "only codegen and report know Jinja BROKEN"),
        ("tools", "onnx", "only the frontend knows ONNX BROKEN"),
        ("verify", "rich", "only the command line prints BROKEN"),
    ],
)
def test_a_package_that_breaks_a_contract_is_caught(
    package: Path, row: str, imports: str, broken: str
) -> None:
    (package / row / "__init__.py").write_text(f"import {imports}\n")
    assert broken in lint_imports(package.parents[1]).stdout


def test_a_package_without_a_row_is_refused(package: Path) -> None:
    (package / "stray").mkdir()
    (package / "stray" / "__init__.py").touch()
    result = lint_imports(package.parents[1])
    assert result.returncode != 0
    assert "stray" in result.stdout + result.stderr
