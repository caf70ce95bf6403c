"""What a run of the command line left: exit code and output."""

from __future__ import annotations

import json
from dataclasses import dataclass

VERDICT = ("frames", "mismatches", "ties", "rtl_frames", "rtl_mismatches", "interval", "latency")

HLS = ("hls_frames", "hls_mismatches")
"""Present where HLS C++ was run."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished run of qcompile."""

    code: int
    out: str
    err: str

    @property
    def verdict(self) -> dict[str, int]:
        """The JSON object on the last line of standard output."""
        verdict = json.loads(self.out.splitlines()[-1])
        assert tuple(verdict) in (VERDICT, (*VERDICT, *HLS))
        assert all(type(value) is int for value in verdict.values())
        return dict(verdict)

    @property
    def error(self) -> str:
        """The one message of a run that ended with exit code 2."""
        assert self.code == 2, f"exit code {self.code}\n{self.err}"
        assert "Traceback" not in self.err
        assert self.out == ""
        # Steps begin with their time in brackets; those that take long say so in between.
        message = [line for line in self.err.splitlines() if not line.startswith(("[", "("))]
        assert message[0].startswith("error: "), self.err
        assert not any(line.startswith("error: ") for line in message[1:])
        return "\n".join(message).removeprefix("error: ")
