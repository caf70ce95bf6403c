"""The result of code generation: files by path, nothing of the file system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Everything one run writes. `files` maps paths relative to the output folder to their contents; `top` is the
    name of the top-level module.
    """

    top: str
    files: Mapping[str, str | bytes]
