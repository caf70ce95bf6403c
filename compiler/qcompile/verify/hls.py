"""Rung 3: the generated HLS C++, compiled with g++ and the vendor's open headers, against the integer graph."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qcompile.ir.beats import pack_frames
from qcompile.ir.dataflow import Stream
from qcompile.ir.errors import CompilerError
from qcompile.ir.types import IntArray
from qcompile.tools.command import run
from qcompile.tools.hls_compiler import HlsProgram
from qcompile.verify.rtl import RtlMismatch, Stimulus, differing_frames, whole_frames

RUN_TIMEOUT_S = 3600.0

DIFFERS = 1
"""Exit code of the test bench where something else came out."""


@dataclass(frozen=True, slots=True)
class HlsRun:
    """A run of whole frames: those that came out wrong, or not at all, and how long compiler and program took."""

    frames: int
    complete: int
    mismatches: tuple[RtlMismatch, ...]
    build_seconds: float
    seconds: float

    @property
    def wrong(self) -> frozenset[int]:
        """Frames that came out wrong, or not at all."""
        return frozenset({m.frame for m in self.mismatches} | set(range(self.complete, self.frames)))

    @property
    def fault(self) -> str:
        """The first thing that is wrong, in words; empty when nothing is."""
        if self.mismatches:
            return str(min(self.mismatches, key=lambda m: m.frame))
        return f"frame {self.complete} did not come out" if self.complete < self.frames else ""


def run_hls(program: HlsProgram, stimulus: Stimulus) -> HlsRun:
    """Sends frames through the C++. Raises CompilerError when the test bench itself cannot run."""
    with tempfile.TemporaryDirectory(prefix="qcompile-") as work:
        vectors, received = Path(work) / "vectors", Path(work) / "received"
        for folder in (vectors, received):
            folder.mkdir()
        _write(vectors, "input", stimulus.input_streams, stimulus.inputs)
        _write(vectors, "output", stimulus.output_streams, stimulus.expected)
        what = "running the HLS C++"
        finished = run([program.path.resolve(), vectors, received], what=what, timeout_s=RUN_TIMEOUT_S, check=False)
        if finished.exit_code not in (0, DIFFERS):
            raise CompilerError(f"{what}: it ended with exit code {finished.exit_code}", why=finished.tail())
        outputs = [
            whole_frames(received / f"output_{k}.bin", stream) for k, stream in enumerate(stimulus.output_streams)
        ]
    complete = min(stimulus.frames, *(len(codes) for codes in outputs))
    mismatches = [
        mismatch
        for k, (wanted, actual) in enumerate(zip(stimulus.expected, outputs, strict=True))
        for mismatch in differing_frames(k, wanted[:complete], actual[:complete], stimulus.output_streams[k])
    ]
    return HlsRun(stimulus.frames, complete, tuple(mismatches), program.build_seconds, finished.seconds)


def _write(folder: Path, kind: str, streams: Sequence[Stream], frames: Sequence[IntArray]) -> None:
    for k, (stream, codes) in enumerate(zip(streams, frames, strict=True)):
        (folder / f"{kind}_{k}.bin").write_bytes(pack_frames(codes, stream))
