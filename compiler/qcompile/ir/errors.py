"""What a user is told when something is wrong. Nothing else in qcompile is allowed to reach the terminal as an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class CompilerError(Exception):
    """One clear message: what is wrong, where, why, and what to do about it (exit code 2)."""

    def __init__(self, what: str, where: str = "", why: str = "", hint: str = "") -> None:
        super().__init__(what, where, why, hint)
        self.what = what
        self.where = where
        self.why = why
        self.hint = hint

    def at(self, where: str) -> CompilerError:
        """The same error, placed."""
        return CompilerError(self.what, where, self.why, self.hint)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        if self.why:
            text += f"\n  why: {self.why}"
        if self.hint:
            text += f"\n  hint: {self.hint}"
        return text


class VerificationError(Exception):
    """The hardware, or the integer graph, computes something else than the model (exit code 3).

    `verdict` is the JSON object of the numbers.
    """

    def __init__(self, message: str, verdict: str) -> None:
        super().__init__(message)
        self.verdict = verdict


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a rule, an operator or a kernel does not apply to something; `where` names the node in the user's words."""

    reason: str
    where: str = ""


def refuse(what: str, rejections: Iterable[Rejection], hint: str = "") -> CompilerError:
    """The error that lists every rejection of a model at once, one a line, in the order met."""
    lines = [f"{r.where}: {r.reason}" if r.where else r.reason for r in rejections]
    return CompilerError(what, why="".join(f"\n    - {line}" for line in lines), hint=hint)
