"""Run another program: captured output, a time limit, one clear error, nothing left running after Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from qcompile.ir.errors import CompilerError
from qcompile.tools.interrupts import uninterrupted

TAIL_LINES = 20
WATCH_S, TAIL_BYTES = 1.0, 4096

# qcompile may itself run under `make`: its job server and command-line overrides are not meant for our
# children.
_OUTER_MAKE = ("GNUMAKEFLAGS", "MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS")


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that ended by itself: `output` is standard output and standard error as they came,
    interleaved.
    """

    command: tuple[str, ...]
    exit_code: int
    output: str
    seconds: float

    def tail(self, lines: int = TAIL_LINES) -> str:
        """The last `lines` lines of the output that are not blank."""
        return _tail(self.output, lines)


def run(
    command: Sequence[str | Path],
    *,
    what: str,
    cwd: Path | None = None,
    environment: Mapping[str, str | None] | None = None,
    timeout_s: float = 600.0,
    log: Path | None = None,
    check: bool = True,
    watch: Callable[[str], None] | None = None,
) -> Finished:
    """Run `command` to its end and return its output.

    `what` names the job in messages ("building the simulation"). `environment` holds changes to ours; None
    removes a variable. The output goes to `log` while the program runs, or to an anonymous temporary file.
    With `check`, an exit code other than 0 is an error; without, the caller judges it. `watch` is told about once a
    second the last whole line of output.

    Raises CompilerError when the program is missing, takes longer than `timeout_s` seconds, or fails; any
    exception that interrupts the wait (Ctrl-C) first ends the program and everything it started.
    """
    argv = tuple(str(part) for part in command)
    env = child_environment(environment or {})
    if shutil.which(argv[0], path=env.get("PATH")) is None:
        raise CompilerError(f"{what}: the program '{argv[0]}' is not installed, or not on the PATH")
    started = time.monotonic()
    with _open_log(log) as file:
        exit_code = _wait(argv, what, cwd, env, timeout_s, file, log, watch)
        file.seek(0)
        output = file.read().decode("utf-8", errors="replace")
    finished = Finished(argv, exit_code, output, time.monotonic() - started)
    if check and exit_code != 0:
        raise CompilerError(
            f"{what}: '{Path(argv[0]).name}' {_describe(exit_code)}",
            where=str(log) if log else "",
            why=_quote(finished.output),
        )
    return finished


def child_environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    """Our environment with `changes` applied (None removes a variable), without what an outer `make` put
    there.
    """
    env = {name: value for name, value in os.environ.items() if name not in _OUTER_MAKE}
    for name, value in changes.items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = value
    return env


def _open_log(log: Path | None) -> BinaryIO:
    if log is None:
        return tempfile.TemporaryFile()
    try:
        return log.open("w+b")
    except OSError as error:
        why = error.strerror or str(error)
        raise CompilerError("cannot write the log file", where=str(log), why=why) from error


def _wait(
    argv: tuple[str, ...],
    what: str,
    cwd: Path | None,
    env: dict[str, str],
    timeout_s: float,
    file: BinaryIO,
    log: Path | None,
    watch: Callable[[str], None] | None,
) -> int:
    process: subprocess.Popen[bytes] | None = None
    try:
        with uninterrupted():  # an interrupt while it starts would leave a process that nobody knows
            process = subprocess.Popen(
                argv,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # its own process group: Ctrl-C reaches us only, and we end the whole group
            )
        return _watched(process, timeout_s, file, watch)
    except subprocess.TimeoutExpired as error:
        _end_group(process)
        file.seek(0)
        raise CompilerError(
            f"{what}: '{Path(argv[0]).name}' did not end within {timeout_s:g} seconds and was stopped",
            where=str(log) if log else "",
            why=_quote(file.read().decode("utf-8", errors="replace")),
        ) from error
    except BaseException:
        _end_group(process)
        raise


def _watched(
    process: subprocess.Popen[bytes], timeout_s: float, file: BinaryIO, watch: Callable[[str], None] | None
) -> int:
    """The exit code; raises subprocess.TimeoutExpired."""
    if watch is None:
        return process.wait(timeout=timeout_s)
    end = time.monotonic() + timeout_s
    while (left := end - time.monotonic()) > WATCH_S:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=WATCH_S)
        watch(_last_line(file))
    return process.wait(timeout=max(left, 0.0))


def _last_line(file: BinaryIO) -> str:
    """The last whole line; read beside the position at which the program goes on writing."""
    size = os.fstat(file.fileno()).st_size
    tail = os.pread(file.fileno(), TAIL_BYTES, max(0, size - TAIL_BYTES)).decode("utf-8", errors="replace")
    lines = tail.rpartition("\n")[0].splitlines()
    return lines[-1] if lines else ""


def _end_group(process: subprocess.Popen[bytes] | None, grace_s: float = 2.0) -> None:
    """Ask the process group to end, then make it; what the leader leaves behind is killed too."""
    if process is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=grace_s)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _describe(exit_code: int) -> str:
    if exit_code >= 0:
        return f"failed with exit code {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    memory = " (the machine may have run out of memory)" if name == "SIGKILL" else ""
    return f"was ended by {name}{memory}"


def _tail(output: str, lines: int) -> str:
    kept = [line for line in output.splitlines() if line.strip()]
    return "\n".join(kept[-lines:])


def _quote(output: str) -> str:
    tail = _tail(output, TAIL_LINES)
    if not tail:
        return "it printed nothing"
    return "its last lines:" + "".join(f"\n    | {line}" for line in tail.splitlines())
