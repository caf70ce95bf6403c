"""Nothing grows beyond what one can read: the sizes of the design, with few reasoned exceptions."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

FILE_LINES = 400
FUNCTION_LINES = 60
TEMPLATE_LINES = 150
MODULE_LINES = 300

# "path" or "path::function" -> why it may be larger.
EXCEPTIONS: dict[str, str] = {"compiler/qcompile/cli/app.py::compile": "one line for each option, and one where it is passed on"}

MOST_EXCEPTIONS = 5


def ours(*suffixes: str) -> list[Path]:
    """The files of the repository with these suffixes: what git knows or would add."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    files = [ROOT / name for name in names if name.endswith(suffixes)]
    return sorted(file for file in files if file.is_file())


def lines(file: Path) -> int:
    return len(file.read_text(encoding="utf-8").splitlines())


def functions(file: Path) -> Iterator[tuple[str, int]]:
    """Each function of a Python file, and its lines from `def` (without decorators) to its end."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def too_large() -> dict[str, int]:
    """Name -> lines of everything that exceeds its limit."""
    found = {}
    for file in ours(".py"):
        name = file.relative_to(ROOT).as_posix()
        if lines(file) > FILE_LINES:
            found[name] = lines(file)
        found |= {f"{name}::{f}": size for f, size in functions(file) if size > FUNCTION_LINES}
    for suffix, limit in ((".j2", TEMPLATE_LINES), (".sv", MODULE_LINES), (".hpp", FILE_LINES)):
        for file in ours(suffix):
            if lines(file) > limit:
                found[file.relative_to(ROOT).as_posix()] = lines(file)
    return found


def test_everything_has_a_readable_size() -> None:
    excess = {name: size for name, size in too_large().items() if name not in EXCEPTIONS}
    assert excess == {}, f"larger than allowed (name: lines): {excess}"


def test_exceptions_are_few_reasoned_and_still_needed() -> None:
    assert len(EXCEPTIONS) <= MOST_EXCEPTIONS
    assert all(len(reason) > 20 for reason in EXCEPTIONS.values())
    assert set(EXCEPTIONS) <= set(too_large())


def test_a_file_of_the_library_holds_one_module_of_its_name() -> None:
    library = sorted((ROOT / "rtl").glob("*.sv"))
    assert library
    for file in library:
        text = re.sub(r"//.*|/\*.*?\*/", "", file.read_text(encoding="utf-8"))
        declared = re.findall(r"^\s*(?:module|package)\s+(?:automatic\s+)?(\w+)", text, re.MULTILINE)
        assert declared == [file.stem], f"{file.name} declares {declared}"
