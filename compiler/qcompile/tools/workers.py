"""Many independent jobs on processes of this machine, or on a Dask cluster.

Results come as they are ready. A worker that dies takes its job with it, which is then given to another one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from multiprocessing import get_context
from typing import Any, TypeVar

from qcompile.ir.errors import CompilerError

Job = TypeVar("Job")
Result = TypeVar("Result")

ATTEMPTS = 3
"""How often workers may die without a result in between before the jobs are given up: these may be what kills them."""


def run_jobs(
    function: Callable[[Job], Result], jobs: Mapping[str, Job], workers: int | None = None, scheduler: str | None = None
) -> Iterator[tuple[str, Result]]:
    """The name of each job and what `function`, one of a module, makes of it; in the order in which they end.

    `workers` processes of this machine (None: one a core), or those of the Dask cluster whose `scheduler` is at this address.
    Raises CompilerError where jobs keep losing their workers, where Dask is not installed or no scheduler answers; what
    `function` raises. Jobs that have not begun are dropped when the iterator is closed.
    """
    if not jobs:
        return iter(())
    if scheduler is not None:
        return _on_cluster(function, jobs, scheduler)
    return _on_processes(function, jobs, workers or len(os.sched_getaffinity(0)))


def _on_processes(function: Callable[[Job], Result], jobs: Mapping[str, Job], workers: int) -> Iterator[tuple[str, Result]]:
    left, broken = dict(jobs), 0
    while left:
        # Forked processes would inherit the threads of onnxruntime in a state of which nobody knows.
        with ProcessPoolExecutor(min(workers, len(left)), mp_context=get_context("spawn")) as pool:
            futures: dict[Future[Result], str] = {}
            try:
                futures = {pool.submit(function, job): name for name, job in left.items()}
                for future in as_completed(futures):
                    result, name = future.result(), futures[future]
                    del left[name]
                    broken = 0
                    yield name, result
            except BrokenProcessPool as error:
                broken += 1
                if broken == ATTEMPTS:
                    raise _given_up(", ".join(list(left)[:workers])) from error
            finally:
                for future in futures:
                    future.cancel()


def _on_cluster(function: Callable[[Job], Result], jobs: Mapping[str, Job], scheduler: str) -> Iterator[tuple[str, Result]]:
    distributed = _distributed()
    try:
        client = distributed.Client(scheduler, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        hint = "start one with `dask scheduler`, and workers with `dask worker ADDRESS`"
        raise CompilerError("no Dask scheduler answers", scheduler, why, hint) from error
    with closing(client):
        names = {client.submit(function, job, pure=False): name for name, job in jobs.items()}
        try:
            for future in distributed.as_completed(list(names), loop=client.loop):
                try:
                    result = future.result()
                except distributed.KilledWorker as error:
                    raise _given_up(names[future]) from error
                yield names[future], result
        finally:
            client.cancel([future for future in names if not future.done()])


def _distributed() -> Any:
    try:
        import distributed
    except ModuleNotFoundError as error:
        raise CompilerError("--scheduler needs Dask", hint="pip install 'qcompile[cluster]'") from error
    return distributed


def _given_up(name: str) -> CompilerError:
    return CompilerError(
        "a worker process died again and again", name, "it may have run out of memory", "give it more, or fewer workers"
    )
