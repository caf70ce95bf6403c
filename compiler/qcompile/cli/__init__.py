"""The command line: parse, call the flow, print. The only place that prints."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import threading
import traceback
from collections.abc import Collection, Iterator
from typing import Any

from qcompile.ir.errors import CompilerError, VerificationError

EXIT_USAGE, EXIT_MISMATCH, EXIT_INTERNAL, EXIT_INTERRUPTED, EXIT_NO_READER = 2, 3, 70, 130, 141

ENVIRONMENT = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENOMEM)
"""What a machine may refuse at any time, without a fault of ours."""


def main(arguments: list[str] | None = None) -> int:
    """Runs qcompile; returns the exit code: 0 done, 2 something for the user to mend, 3 a mismatch, 70 an internal
    error, 130 interrupted, 141 nobody reads the output.
    """
    try:
        with _terminated_as_interrupted():
            return _run(sys.argv[1:] if arguments is None else arguments)
    except CompilerError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USAGE
    except VerificationError as error:
        print(f"mismatch: {error}", file=sys.stderr)
        print(error.verdict)
        return EXIT_MISMATCH
    except KeyboardInterrupt:
        print("interrupted: nothing was written", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # What is still buffered would be flushed at exit, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_NO_READER
    except Exception as error:  # noqa: BLE001 - what no stage foresaw is reported whole, as an internal error
        if isinstance(error, OSError) and error.errno in ENVIRONMENT:
            print(f"error: {error.filename or 'the system'}: {error.strerror}", file=sys.stderr)
            return EXIT_USAGE
        traceback.print_exc()
        print("internal error: please report this with the model, if you may share it", file=sys.stderr)
        return EXIT_INTERNAL


def _run(arguments: list[str]) -> int:
    """Parses and calls a command. Imported here, so that an interrupt is ours from the first moment on."""
    import typer

    from qcompile.cli.app import app

    # typer carries a click of its own since version 0.20, so the classes are taken from what typer exports.
    usage_error: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")
    command: Any = typer.main.get_command(app)
    try:
        result = command.main(_with_command(arguments, command.commands), prog_name="qcompile", standalone_mode=False)
    except usage_error as error:
        error.show(file=sys.stderr)
        return EXIT_USAGE
    except typer.Abort:
        raise KeyboardInterrupt from None
    except SystemExit:  # its answer to a broken pipe
        raise BrokenPipeError from None
    if result == EXIT_INTERRUPTED:  # its answer to Ctrl-C
        raise KeyboardInterrupt
    return result if isinstance(result, int) else 0


def _with_command(arguments: list[str], commands: Collection[str]) -> list[str]:
    """`qcompile MODEL ...` is short for `qcompile compile MODEL ...`."""
    if not arguments or arguments[0] in commands or arguments[0] in ("--help", "--version"):
        return arguments
    return ["compile", *arguments]


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM and SIGHUP end a run as Ctrl-C does: children stopped, nothing half-written."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGTERM, signal.SIGHUP)
    previous = [signal.signal(number, lambda _number, _frame: signal.raise_signal(signal.SIGINT)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, previous, strict=True):
            signal.signal(number, handler)
