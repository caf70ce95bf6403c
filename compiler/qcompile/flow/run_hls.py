"""Rung 3 of the ladder, composed: the HLS C++ of a folder is compiled once and given the frames of the RTL."""

from __future__ import annotations

from pathlib import Path

from qcompile.flow.prepare import Prepared
from qcompile.flow.progress import Progress
from qcompile.flow.prove import IntegerProof
from qcompile.flow.vectors import Frames
from qcompile.tools.cache import Cache
from qcompile.tools.hls_compiler import build_hls, find_ap_types
from qcompile.verify.comparison import Stimulus
from qcompile.verify.hls import HlsRun, run_hls


def execute_hls(
    prepared: Prepared,
    frames: Frames,
    proof: IntegerProof,
    count: int,
    folder: Path,
    include: Path | None,
    progress: Progress,
    work: Path,
) -> HlsRun:
    """The first `count` frames through the C++ in hls/ of an output folder.

    `include` is where the vendor's headers lie, None to look for hls4ml's. `work` is a folder for the program. Raises
    CompilerError where headers or compiler are missing or the sources do not compile.
    """
    count = min(count, len(frames.inputs[0]))
    dataflow = prepared.dataflow
    inputs = [codes[:count].reshape(count, -1) for codes in frames.codes]
    stimulus = Stimulus(dataflow.inputs, dataflow.outputs, inputs, [codes[:count] for codes in proof.outputs])
    with progress.step("compile the HLS C++"):
        program = build_hls(Cache.of_user(), folder / "hls", find_ap_types(include), work / "tb")
    with progress.step("run the HLS C++"):
        return run_hls(program, stimulus)
