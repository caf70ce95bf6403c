"""The output folder appears whole or not at all, and never replaces what is not ours."""

import contextlib
import errno
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from qcompile.ir.errors import CompilerError
from qcompile.tools.output_folder import MARKER, check_replaceable, output_folder


def write_result(folder: Path, text: str) -> None:
    (folder / "rtl").mkdir()
    (folder / "rtl" / "top.sv").write_text(text)
    (folder / MARKER).write_text(json.dumps({"qcompile": "0.1.0"}))


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_new_folder_appears_whole_with_its_parents(tmp_path: Path) -> None:
    destination = tmp_path / "a" / "b" / "build"
    with output_folder(destination) as folder:
        write_result(folder, "new")
        assert not destination.exists()
        assert folder.parent == destination.parent  # same disk: the move is a rename
    assert (destination / "rtl" / "top.sv").read_text() == "new"
    assert names(destination.parent) == ["build"]


def test_the_folder_has_the_permissions_the_user_asked_for(tmp_path: Path) -> None:
    previous = os.umask(0o027)
    try:
        with output_folder(tmp_path / "build") as folder:
            write_result(folder, "new")
    finally:
        os.umask(previous)
    assert (tmp_path / "build").stat().st_mode & 0o777 == 0o750


def test_an_older_result_is_replaced_as_a_whole(tmp_path: Path) -> None:
    destination = tmp_path / "build"
    with output_folder(destination) as folder:
        write_result(folder, "old")
        (folder / "stale.txt").write_text("from the old run")
    with output_folder(destination) as folder:
        write_result(folder, "new")
    assert names(destination) == [MARKER, "rtl"]
    assert (destination / "rtl" / "top.sv").read_text() == "new"
    assert names(tmp_path) == ["build"]


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    with output_folder(tmp_path / "build") as folder:
        write_result(folder, "new")
    assert names(tmp_path / "build") == [MARKER, "rtl"]


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "build").symlink_to(tmp_path / "real")
    with output_folder(tmp_path / "build") as folder:
        write_result(folder, "new")
    assert (tmp_path / "build").is_symlink()
    assert names(tmp_path / "real") == [MARKER, "rtl"]


@pytest.mark.parametrize("manifest", [None, '{"name": "a web application"}', "[1]", "{ broken"])
def test_a_folder_that_is_not_ours_is_never_replaced(tmp_path: Path, manifest: str | None) -> None:
    destination = tmp_path / "thesis"
    destination.mkdir()
    (destination / "chapter1.tex").write_text("years of work")
    if manifest is not None:
        (destination / MARKER).write_text(manifest)
    before = names(destination)
    entered = False
    with pytest.raises(CompilerError) as caught, output_folder(destination):
        entered = True
    assert not entered  # told before any work
    assert caught.value.what == "will not replace this folder"
    assert caught.value.where == str(destination)
    assert "not made by qcompile" in caught.value.why
    assert names(destination) == before
    assert names(tmp_path) == ["thesis"]


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "build").write_text("a file")
    with pytest.raises(CompilerError, match="it is a file, not a folder"):
        check_replaceable(tmp_path / "build")
    assert (tmp_path / "build").read_text() == "a file"


@pytest.mark.parametrize("interruption", [RuntimeError, KeyboardInterrupt, CompilerError])
def test_an_interrupted_run_leaves_the_old_result_and_no_debris(
    tmp_path: Path, interruption: type[BaseException]
) -> None:
    destination = tmp_path / "build"
    with output_folder(destination) as folder:
        write_result(folder, "old")
    with pytest.raises(interruption), output_folder(destination) as folder:
        write_result(folder, "half")
        raise interruption("stop")
    assert (destination / "rtl" / "top.sv").read_text() == "old"
    assert names(tmp_path) == ["build"]


def test_parents_made_for_a_failed_run_go_again(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), output_folder(tmp_path / "a" / "b" / "build"):
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_ctrl_c_during_the_exchange_waits_for_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = tmp_path / "build"
    with output_folder(destination) as folder:
        write_result(folder, "old")
    rename = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        os.kill(os.getpid(), signal.SIGINT)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), output_folder(destination) as folder:
        write_result(folder, "new")
    assert (destination / "rtl" / "top.sv").read_text() == "new"
    assert names(tmp_path) == ["build"]


def test_a_failed_exchange_puts_the_old_result_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    destination = tmp_path / "build"
    with output_folder(destination) as folder:
        write_result(folder, "old")
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name.endswith(".part"):
            raise OSError(errno.EACCES, "Permission denied", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(CompilerError, match="may not be written"), output_folder(destination) as folder:
        write_result(folder, "new")
    assert (destination / "rtl" / "top.sv").read_text() == "old"
    assert names(tmp_path) == ["build"]


def test_a_parent_that_cannot_hold_folders_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(CompilerError) as caught, output_folder(tmp_path / "file" / "build"):
        pass
    assert caught.value.what == "cannot write the output"
    assert caught.value.hint == "choose another output folder with -o"
    assert names(tmp_path) == ["file"]


def test_a_place_that_nobody_may_write_to_is_told() -> None:
    with pytest.raises(CompilerError, match="cannot write the output"), output_folder(Path("/proc/build")):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_parent_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(CompilerError, match="may not be written to"), output_folder(tmp_path / "build"):
            pass
    finally:
        tmp_path.chmod(0o755)


def test_an_error_of_another_file_is_not_blamed_on_the_output(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), output_folder(tmp_path / "build"):
        (tmp_path / "vectors.npz").read_bytes()
    assert names(tmp_path) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told(tmp_path: Path, code: int) -> None:
    with pytest.raises(CompilerError) as caught, output_folder(tmp_path / "build"):
        raise OSError(code, os.strerror(code))
    assert "no space left" in caught.value.why
    assert names(tmp_path) == []


@contextlib.contextmanager
def tiny_disk(at: Path) -> Iterator[None]:
    """A real disk of 64 KiB; skips the test where it cannot be mounted."""
    at.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(at)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("cannot mount a tmpfs here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(at)], check=True)


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with tiny_disk(disk):
        with output_folder(disk / "build") as folder:
            write_result(folder, "old")
        with pytest.raises(CompilerError, match="no space left"), output_folder(disk / "build") as folder:
            (folder / "weights.hex").write_bytes(bytes(1 << 20))
        assert names(disk) == ["build"]
        assert (disk / "build" / "rtl" / "top.sv").read_text() == "old"
        with pytest.raises(CompilerError, match="mount point"), output_folder(disk):
            pass
