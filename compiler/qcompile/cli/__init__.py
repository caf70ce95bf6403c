"""The command line: parse, call the flow, print. The only place that prints."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Collection
from typing import Any

import typer

from qcompile.cli.app import app
from qcompile.ir.errors import CompilerError, VerificationError

EXIT_USAGE, EXIT_MISMATCH, EXIT_INTERNAL, EXIT_INTERRUPTED = 2, 3, 70, 130


# typer carries a click of its own since version 0.20, so the class is taken from what typer exports.
USAGE_ERROR: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


def main(arguments: list[str] | None = None) -> int:
    """Runs qcompile; returns the exit code: 0 done, 2 something for the user to mend, 3 a mismatch, 70 an internal
    error.
    """
    given = sys.argv[1:] if arguments is None else arguments
    command: Any = typer.main.get_command(app)
    try:
        result = command.main(_with_command(given, command.commands), prog_name="qcompile", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except USAGE_ERROR as error:
        error.show(file=sys.stderr)
        return EXIT_USAGE
    except CompilerError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USAGE
    except VerificationError as error:
        print(f"mismatch: {error}", file=sys.stderr)
        return EXIT_MISMATCH
    except (KeyboardInterrupt, typer.Abort):
        print("interrupted: nothing was written", file=sys.stderr)
        return EXIT_INTERRUPTED
    except Exception:  # noqa: BLE001 - what no stage foresaw is reported whole, as an internal error
        traceback.print_exc()
        print("internal error: please report this with the model, if you may share it", file=sys.stderr)
        return EXIT_INTERNAL


def _with_command(arguments: list[str], commands: Collection[str]) -> list[str]:
    """`qcompile MODEL ...` is short for `qcompile compile MODEL ...`."""
    if not arguments or arguments[0] in commands or arguments[0] in ("--help", "--version"):
        return arguments
    return ["compile", *arguments]
