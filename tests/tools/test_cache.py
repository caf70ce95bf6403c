"""The cache: whatever happens to it, a run goes on, and what it returns is whole."""

import multiprocessing
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcompile.tools.cache import Cache, digest, user_cache_folder

KEY = digest("a key")


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "program"
    file.write_bytes(os.urandom(5000))
    file.chmod(0o755)
    return file


def entry_of(cache: Cache) -> Path:
    (entry,) = cache.root.glob("??/*")
    return entry


@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_digests_are_equal_only_for_equal_parts(first: list[str], second: list[str]) -> None:
    assert (digest(*first) == digest(*second)) == (first == second)


def test_digest_tells_kinds_apart_and_reads_files(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("7")
    assert len({digest("7"), digest(b"7"), digest(7), digest(file)}) == 4
    other = tmp_path / "g"
    other.write_text("7")
    assert digest(other) == digest(file)  # the content counts, not the name


def test_files_come_back_whole_and_executable(cache: Cache, program: Path, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("hello")
    wanted = {"program": tmp_path / "out" / "renamed", "note": tmp_path / "out" / "note"}
    assert not cache.restore(KEY, wanted)
    assert not (tmp_path / "out").exists()
    assert cache.store(KEY, {"program": program, "note": note})
    assert cache.restore(KEY, wanted)
    assert (tmp_path / "out" / "renamed").read_bytes() == program.read_bytes()
    assert os.access(tmp_path / "out" / "renamed", os.X_OK)
    assert (tmp_path / "out" / "note").read_text() == "hello"
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["note", "renamed"]


def test_an_entry_of_other_files_is_a_miss(cache: Cache, program: Path, tmp_path: Path) -> None:
    cache.store(KEY, {"program": program})
    assert not cache.restore(KEY, {"library": tmp_path / "library"})
    assert not (tmp_path / "library").exists()


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "index", "index-type", "empty"])
def test_a_damaged_entry_is_a_miss_and_is_replaced(
    cache: Cache, program: Path, tmp_path: Path, damage: str
) -> None:
    cache.store(KEY, {"program": program})
    entry = entry_of(cache)
    stored = entry / "program"
    if damage == "flip":
        data = bytearray(stored.read_bytes())
        data[1234] ^= 1
        stored.write_bytes(data)
    elif damage == "truncate":
        stored.write_bytes(stored.read_bytes()[:-1])
    elif damage == "remove":
        stored.unlink()
    elif damage == "index":
        (entry / "index.json").write_text("{ not json")
    elif damage == "index-type":
        (entry / "index.json").write_text("[1, 2]")
    else:
        for file in entry.iterdir():
            file.unlink()
    assert not cache.restore(KEY, {"program": tmp_path / "out" / "program"})
    assert not (tmp_path / "out" / "program").exists()
    assert cache.store(KEY, {"program": program})
    assert cache.restore(KEY, {"program": tmp_path / "out" / "program"})
    assert (tmp_path / "out" / "program").read_bytes() == program.read_bytes()


def test_a_cache_that_cannot_be_written_only_misses(program: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = Cache(tmp_path / "file" / "cache")
    assert not cache.store(KEY, {"program": program})
    assert not cache.restore(KEY, {"program": tmp_path / "out" / "program"})


def test_a_destination_that_cannot_be_written_is_a_miss(cache: Cache, program: Path, tmp_path: Path) -> None:
    cache.store(KEY, {"program": program})
    (tmp_path / "file").write_text("in the way")
    assert not cache.restore(KEY, {"program": tmp_path / "file" / "program"})
    assert cache.restore(KEY, {"program": tmp_path / "out" / "program"})  # the entry was not to blame


def test_storing_a_file_that_vanished_leaves_no_entry(cache: Cache, tmp_path: Path) -> None:
    assert not cache.store(KEY, {"program": tmp_path / "absent"})
    assert [p for p in cache.root.rglob("*") if p.is_file()] == []


def _hammer(root: Path, source: Path, worker: int, failures: "multiprocessing.Queue[str]") -> None:
    cache = Cache(root)
    out = source.parent / f"out{worker}"
    for turn in range(40):
        key = digest("shared", turn % 4)
        cache.store(key, {"program": source})
        if not cache.restore(key, {"program": out / "program"}):
            failures.put(f"{worker}: miss in turn {turn}")
        elif (out / "program").read_bytes() != source.read_bytes():
            failures.put(f"{worker}: torn file in turn {turn}")


def test_processes_at_once_always_see_whole_files(cache: Cache, program: Path) -> None:
    context = multiprocessing.get_context("fork")
    failures: multiprocessing.Queue[str] = context.Queue()
    workers = [context.Process(target=_hammer, args=(cache.root, program, i, failures)) for i in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert failures.empty(), failures.get()
    assert list(cache.root.glob("part-*")) == []


def test_the_entries_used_longest_ago_go_first(program: Path, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", limit_bytes=13_000)  # two programs of 5,000 and their indices
    keys = [digest("entry", i) for i in range(3)]
    for age, key in zip((300, 200), keys, strict=False):
        cache.store(key, {"program": program})
        past = (cache.root / key[:2] / key).stat().st_mtime - age
        os.utime(cache.root / key[:2] / key, (past, past))
    out = {"program": tmp_path / "out"}
    assert cache.restore(keys[0], out)  # used now: entry 1 is the oldest
    cache.store(keys[2], {"program": program})
    assert [cache.restore(key, out) for key in keys] == [True, False, True]


def test_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert user_cache_folder() == tmp_path / ".cache" / "qcompile"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    assert user_cache_folder() == tmp_path / ".cache" / "qcompile"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert user_cache_folder() == tmp_path / "xdg" / "qcompile"
    assert Cache.of_user().root == tmp_path / "xdg" / "qcompile"
