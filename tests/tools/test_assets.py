"""The hardware library is found wherever qcompile lies."""

from pathlib import Path

import pytest

from qcompile.ir.errors import CompilerError
from qcompile.tools import assets


def test_the_folders_of_a_clone_hold_what_they_should() -> None:
    assert (assets.rtl() / "skid_buffer.sv").is_file()
    assert any(assets.templates().iterdir())
    assert assets.hls().is_dir()


def lay_out(root: Path, folder: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation whose package is `root`/a/qcompile, with `folder` in it or beside it."""
    package = root / "a" / "qcompile"
    package.mkdir(parents=True)
    made = root / "a" / "qcompile" / folder if folder.startswith("assets") else root / folder
    made.mkdir(parents=True)
    monkeypatch.setattr(assets, "_PACKAGE", package)
    return made


def test_a_wheel_carries_them_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = lay_out(tmp_path, "assets/rtl", monkeypatch)
    assert assets.rtl() == made


def test_a_clone_has_them_at_its_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = lay_out(tmp_path, "rtl", monkeypatch)
    (tmp_path / "pyproject.toml").touch()
    assert assets.rtl() == made


def test_a_folder_of_someone_else_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(tmp_path, "rtl", monkeypatch)  # no pyproject.toml beside it: not a clone of ours
    with pytest.raises(CompilerError, match="qcompile's own folder 'rtl' is missing"):
        assets.rtl()
