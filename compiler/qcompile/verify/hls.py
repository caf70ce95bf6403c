"""Rung 3: the generated HLS C++, compiled with g++ and the vendor's open headers, against the integer graph."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from qcompile.ir.errors import CompilerError
from qcompile.tools.command import run
from qcompile.tools.hls_compiler import HlsProgram
from qcompile.verify.comparison import Comparison, Stimulus, compare_frames, write_frames

RUN_TIMEOUT_S = 3600.0

DIFFERS = 1
"""Exit code of the test bench where something else came out."""


@dataclass(frozen=True, slots=True)
class HlsRun:
    """A run of whole frames, what came out of it, and how long compiler and program took."""

    compared: Comparison
    build_seconds: float
    seconds: float

    @property
    def frames(self) -> int:
        """Frames that were sent."""
        return self.compared.frames

    @property
    def wrong(self) -> frozenset[int]:
        """Frames that came out wrong, or not at all."""
        return self.compared.wrong

    @property
    def fault(self) -> str:
        """The first thing that is wrong, in words; empty when nothing is."""
        compared = self.compared
        absent = f"frame {compared.complete} did not come out" if compared.complete < compared.frames else ""
        return compared.first or absent


def run_hls(program: HlsProgram, stimulus: Stimulus) -> HlsRun:
    """Sends frames through the C++. Raises CompilerError when the test bench itself cannot run."""
    with tempfile.TemporaryDirectory(prefix="qcompile-") as work:
        vectors, received = Path(work) / "vectors", Path(work) / "received"
        for folder in (vectors, received):
            folder.mkdir()
        inputs = [vectors / f"input_{k}.bin" for k in range(len(stimulus.inputs))]
        outputs = [f"output_{k}.bin" for k in range(len(stimulus.expected))]
        write_frames(inputs, stimulus.input_streams, stimulus.inputs)
        write_frames([vectors / name for name in outputs], stimulus.output_streams, stimulus.expected)
        what = "running the HLS C++"
        finished = run([program.path.resolve(), vectors, received], what=what, timeout_s=RUN_TIMEOUT_S, check=False)
        if finished.exit_code not in (0, DIFFERS):
            raise CompilerError(f"{what}: it ended with exit code {finished.exit_code}", why=finished.tail())
        compared = compare_frames(stimulus, [received / name for name in outputs], stimulus.frames)
    return HlsRun(compared, program.build_seconds, finished.seconds)
