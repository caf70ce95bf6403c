"""A cache of files by the content of what they were made from. It may be lost, shared or damaged at any time.

An entry is a folder named by its key with the files and an index of their checksums. Entries appear whole
(written aside, then renamed), are checked when read, and a cache that cannot be read or written only costs
time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_INDEX = "index.json"
_STALE_S = 24 * 3600.0


def digest(*parts: str | bytes | int | Path) -> str:
    """The sha256 (hex) of the parts in order; a Path stands for its file's content. Unambiguous: parts carry
    lengths.

    Raises OSError when a file cannot be read.
    """
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            kind, data = b"f", part.read_bytes()
        elif isinstance(part, bytes):
            kind, data = b"b", part
        else:
            kind, data = (b"s" if isinstance(part, str) else b"i"), str(part).encode()
        total.update(kind + len(data).to_bytes(8, "little") + data)
    return total.hexdigest()


def user_cache_folder() -> Path:
    """Where qcompile keeps its cache: XDG_CACHE_HOME/qcompile, or ~/.cache/qcompile."""
    configured = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG standard: a relative path is to be ignored.
    base = Path(configured) if Path(configured).is_absolute() else Path(os.path.expanduser("~")) / ".cache"  # noqa: PTH111
    return base / "qcompile"


@dataclass(frozen=True, slots=True)
class Cache:
    """The cache in folder `root` (made when needed); the entries used longest ago go when it exceeds
    `limit_bytes`.
    """

    root: Path
    limit_bytes: int = 1 << 30

    @staticmethod
    def of_user() -> Cache:
        """The cache in the user's cache folder."""
        return Cache(user_cache_folder())

    def restore(self, key: str, files: Mapping[str, Path]) -> bool:
        """Copy entry `key` to `files` (name in the entry -> file to write); False if absent or damaged.

        A file appears under its name only when whole. Never raises for a fault of the cache or of the disk.
        """
        entry = self._entry(key)
        contents = _read_checked(entry, set(files))
        if contents is None:
            shutil.rmtree(entry, ignore_errors=True)
            return False
        try:
            for name, (data, mode) in contents.items():
                files[name].parent.mkdir(parents=True, exist_ok=True)
                _write_whole(files[name], data, mode)
        except OSError:
            return False
        with contextlib.suppress(OSError):
            os.utime(entry)  # used now: the last to be dropped
        return True

    def store(self, key: str, files: Mapping[str, Path]) -> bool:
        """Keep a copy of `files` (name in the entry -> file) under `key`; False if that was not possible.

        An entry that is there already is left as it is (another process was first). Never raises for a fault
        of the cache or of the disk.
        """
        entry = self._entry(key)
        try:
            entry.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(
                prefix="part-", dir=self.root, ignore_cleanup_errors=True
            ) as part:
                aside = Path(part) / "entry"
                aside.mkdir()
                sums = {}
                for name, file in files.items():
                    shutil.copy(file, aside / name)
                    sums[name] = hashlib.sha256((aside / name).read_bytes()).hexdigest()
                (aside / _INDEX).write_text(json.dumps(sums), encoding="utf-8")
                aside.rename(entry)  # fails where another process was first
        except OSError:
            return entry.is_dir()
        self._prune()
        return True

    def _entry(self, key: str) -> Path:
        return self.root / key[:2] / key

    def _prune(self) -> None:
        """Drop the entries used longest ago until the rest fits, and what killed processes left behind."""
        with contextlib.suppress(OSError):
            for left in self.root.glob("part-*"):
                if time.time() - left.stat().st_mtime > _STALE_S:
                    shutil.rmtree(left, ignore_errors=True)
            entries = sorted(self.root.glob("??/*"), key=lambda entry: entry.stat().st_mtime, reverse=True)
            kept_bytes = 0
            for entry in entries:
                kept_bytes += sum(file.stat().st_size for file in entry.iterdir())
                if kept_bytes > self.limit_bytes:
                    shutil.rmtree(entry, ignore_errors=True)


def _read_checked(entry: Path, names: set[str]) -> dict[str, tuple[bytes, int]] | None:
    """Content and mode of each file of an entry; None if any is missing or differs from its checksum."""
    try:
        sums = json.loads((entry / _INDEX).read_text(encoding="utf-8"))
        if set(sums) != names:
            return None
        contents = {}
        for name, expected in sums.items():
            data = (entry / name).read_bytes()
            if hashlib.sha256(data).hexdigest() != expected:
                return None
            contents[name] = (data, (entry / name).stat().st_mode & 0o777)
    except (OSError, ValueError, AttributeError, TypeError):
        return None
    return contents


def _write_whole(path: Path, data: bytes, mode: int) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.chmod(mode)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
