"""Write a file so that it appears whole or not at all."""

from __future__ import annotations

import secrets
from pathlib import Path

from qcompile.ir.errors import CompilerError


def write_file(path: Path, content: bytes) -> None:
    """Writes `path`, whose folders are made. Raises CompilerError where that cannot be done; it is as it was then."""
    path = path.resolve()
    staging = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staging.write_bytes(content)
        staging.replace(path)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise CompilerError("cannot write the output", str(path), why, "choose another file with -o") from error
    finally:
        if staging.is_file():
            staging.unlink()
