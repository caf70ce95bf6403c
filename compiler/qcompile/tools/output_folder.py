"""Write a folder of results so that it appears whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from qcompile.ir.errors import CompilerError
from qcompile.tools.interrupts import uninterrupted

MARKER = "manifest.json"
MARKER_KEY = "qcompile"  # many programs write a manifest.json; ours is a JSON object with this key at its top

_REFUSED = "cannot write the output"
_ELSEWHERE = "choose another output folder with -o"

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextlib.contextmanager
def output_folder(destination: Path) -> Iterator[Path]:
    """A folder to write results into, beside `destination`; it becomes `destination` when the block ends
    well.

    An older result there (a folder with a manifest.json of ours) or an empty folder is replaced; anything
    else is never touched. If the block raises, or is interrupted, `destination` stays as it was and the
    folder is removed.

    Raises CompilerError when `destination` must not or cannot be written, and in place of an OSError of the
    block that says that the disk is full or the folder may not be written.
    """
    destination = destination.resolve()
    check_replaceable(destination)
    made = _make_parents(destination)
    staging = destination.parent / f".{destination.name}.{secrets.token_hex(4)}.part"
    try:
        staging.mkdir()
        yield staging
        with uninterrupted():
            _move_into_place(staging, destination)
    except OSError as error:
        shutil.rmtree(staging, ignore_errors=True)
        _remove_empty(made)
        raise _explained(error, staging, destination) from error
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        _remove_empty(made)
        raise


def check_replaceable(destination: Path) -> None:
    """Raise CompilerError unless `destination` is absent, an empty folder, or a result of qcompile."""
    if destination.is_mount():
        why = "it is a mount point and cannot be replaced"
        raise CompilerError(_REFUSED, str(destination), why, "choose a folder inside it with -o")
    if destination.exists() and not destination.is_dir():
        raise CompilerError(_REFUSED, str(destination), "it is a file, not a folder", _ELSEWHERE)
    if not destination.is_dir() or _is_result(destination):
        return
    try:
        occupied = any(destination.iterdir())
    except OSError as error:
        raise _explained(error, destination, destination) from error
    if occupied:
        why = f"it is not empty and was not made by qcompile (it holds no {MARKER} of ours)"
        raise CompilerError("will not replace this folder", str(destination), why, _ELSEWHERE)


def _is_result(folder: Path) -> bool:
    try:
        manifest = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and MARKER_KEY in manifest


def _make_parents(destination: Path) -> list[Path]:
    """Make the missing parents of `destination`; the ones made, innermost first."""
    missing = [parent for parent in destination.parents if not parent.exists()]
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _remove_empty(missing)
        raise _explained(error, destination.parent, destination) from error
    return missing


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _move_into_place(staging: Path, destination: Path) -> None:
    """Rename `staging` to `destination`; an older folder there goes only when the new one has its name."""
    if not destination.exists():
        staging.rename(destination)
        return
    old = destination.parent / f".{destination.name}.{secrets.token_hex(4)}.old"
    destination.rename(old)
    try:
        staging.rename(destination)
    except OSError:
        old.rename(destination)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _explained(error: OSError, staging: Path, destination: Path) -> Exception:
    """A CompilerError where the output folder, a parent or the disk is at fault, else the error itself."""
    if error.errno in _FULL:
        why = "there is no space left on this disk (or the quota is used up)"
        return CompilerError(_REFUSED, str(destination), why, f"free some space, or {_ELSEWHERE}")
    paths = [Path(name) for name in (error.filename, error.filename2) if isinstance(name, (str, os.PathLike))]
    if not any(p.is_relative_to(staging) or destination.is_relative_to(p) for p in paths):
        return error  # of some other file: not ours to explain
    if error.errno in _FORBIDDEN:
        why = f"the folder may not be written to ({os.strerror(error.errno or 0).lower()})"
    else:
        why = (error.strerror or str(error)).lower()
    return CompilerError(_REFUSED, str(destination), why, _ELSEWHERE)
