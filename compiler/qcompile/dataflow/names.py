"""Instance names: the model's names, made legal in SystemVerilog."""

from __future__ import annotations

import re


def identifier(text: str) -> str:
    """A SystemVerilog identifier that still shows `text`: other characters become underscores, a leading digit gets a
    letter.
    """
    cleaned = re.sub(r"_+", "_", re.sub(r"[^0-9A-Za-z_]", "_", text)).strip("_") or "node"
    return f"n{cleaned}" if cleaned[0].isdigit() else cleaned
