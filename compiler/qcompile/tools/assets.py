"""Where the hardware library and the templates lie: the one file that knows.

In a wheel they are inside the package (`qcompile/assets`); in a clone or an editable install they are at the
root of the repository, beside `compiler/`.
"""

from __future__ import annotations

from pathlib import Path

from qcompile.ir.errors import CompilerError

_PACKAGE = Path(__file__).resolve().parents[1]


def rtl() -> Path:
    """The folder of the SystemVerilog library, one module a file."""
    return _folder("rtl")


def hls() -> Path:
    """The folder of the HLS C++ headers, one kernel a header."""
    return _folder("hls")


def templates() -> Path:
    """The folder of the Jinja templates."""
    return _folder("templates")


def _folder(name: str) -> Path:
    packaged = _PACKAGE / "assets" / name
    if packaged.is_dir():
        return packaged
    root = _PACKAGE.parents[1]
    cloned = root / name
    if cloned.is_dir() and (root / "pyproject.toml").is_file():
        return cloned
    raise CompilerError(
        f"qcompile's own folder '{name}' is missing",
        where=str(packaged),
        why="the installation is incomplete",
        hint="install qcompile again",
    )
