"""Jobs on processes and on a Dask cluster, some of which die."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qcompile.ir.errors import CompilerError
from qcompile.tools.workers import run_jobs

# Workers on a cluster import this module by its name.
SLOWLY = """
import os, signal, time
from pathlib import Path


def square(number):
    return number * number


def slow_square(job):
    folder, number = job
    Path(folder, f"{number}-{os.getpid()}").touch()
    time.sleep(0.3)
    return number * number


def dies_once(job):
    folder, number = job
    mark = Path(folder, "died")
    if number == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def dies(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def fails(number):
    raise ValueError(f"no {number}")
"""


@pytest.fixture
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A module that other processes find."""
    (tmp_path / "jobs_of_test.py").write_text(SLOWLY, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    import jobs_of_test  # type: ignore[import-not-found]

    yield jobs_of_test
    del sys.modules["jobs_of_test"]


def test_every_job_has_its_result(functions) -> None:  # type: ignore[no-untyped-def]
    jobs = {f"job {k}": k for k in range(7)}
    assert dict(run_jobs(functions.square, jobs, workers=2)) == {f"job {k}": k * k for k in range(7)}
    assert dict(run_jobs(functions.square, {}, workers=2)) == {}


def test_the_job_of_a_dead_process_is_done_again(functions, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    jobs = {str(k): (str(tmp_path), k) for k in range(6)}
    assert dict(run_jobs(functions.dies_once, jobs, workers=2)) == {str(k): k * k for k in range(6)}
    assert (tmp_path / "died").exists()


def test_a_job_that_kills_every_process_is_given_up(functions) -> None:  # type: ignore[no-untyped-def]
    found = {}
    with pytest.raises(CompilerError, match="died again and again") as error:
        found.update(run_jobs(functions.dies, {str(k): k for k in range(5)}, workers=1))
    assert "3" in error.value.where
    assert found["0"] == 0


def test_what_a_job_raises_is_raised(functions) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="no 4"):
        list(run_jobs(functions.fails, {"only": 4}, workers=1))


def test_no_scheduler_is_one_message() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(CompilerError, match="no Dask scheduler answers"):
        list(run_jobs(len, {"a": "b"}, scheduler=f"tcp://127.0.0.1:{_free_port()}"))


def test_a_cluster_that_loses_a_worker_in_the_middle(functions, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("distributed")
    marks = tmp_path / "marks"
    marks.mkdir()
    jobs = {str(k): (str(marks), k) for k in range(12)}
    with _cluster() as (address, workers):
        found = {}
        for name, result in run_jobs(functions.slow_square, jobs, scheduler=address):
            if not found:
                workers[0].send_signal(signal.SIGKILL)
            found[name] = result
    assert found == {str(k): k * k for k in range(12)}
    assert len({mark.name.split("-")[1] for mark in marks.iterdir()}) == 2, "both workers had jobs"


@contextmanager
def _cluster() -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers of one process each, as a user starts them."""
    port = _free_port()
    address = f"tcp://127.0.0.1:{port}"
    common = ["--no-dashboard"]
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port)]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    processes = [subprocess.Popen([*scheduler, *common], **quiet)]  # type: ignore[call-overload]
    try:
        processes += [subprocess.Popen([*worker, *common], **quiet) for _ in range(2)]  # type: ignore[call-overload]
        _wait_for_workers(address, 2)
        yield address, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _wait_for_workers(address: str, count: int) -> None:
    """Until the scheduler answers and has its workers; a client itself tries again for as long as it may."""
    import distributed

    with distributed.Client(address, timeout="60s", set_as_default=False) as client:
        client.wait_for_workers(count, timeout=60)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
