"""Rung 3 of the ladder, composed: the HLS C++ of a folder is compiled once and given the frames of the RTL."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from qcompile.codegen.hls_blocks import blocks, function_name, sources_of
from qcompile.flow.options import Options
from qcompile.flow.prepare import Prepared
from qcompile.flow.progress import Progress
from qcompile.flow.prove import IntegerProof
from qcompile.flow.vectors import Frames
from qcompile.ir.dataflow import Dataflow, Instance, Port
from qcompile.ir.types import IntArray
from qcompile.tools.cache import Cache
from qcompile.tools.hls_compiler import build_hls, find_ap_types
from qcompile.verify.comparison import Stimulus
from qcompile.verify.hls import HlsRun, run_hls, together
from qcompile.verify.locate import evaluate


def execute_hls(
    options: Options,
    prepared: Prepared,
    frames: Frames,
    proof: IntegerProof,
    count: int,
    folder: Path,
    progress: Progress,
    work: Path,
) -> HlsRun:
    """The first `count` frames through the C++ in hls/ of an output folder: through the whole design, or where it is `mixed`
    through each of the instances in C++ what its streams carry of these frames.

    `work` is a folder for programs. Raises CompilerError where headers or compiler are missing or the sources do not
    compile.
    """
    count = min(count, len(frames.inputs[0]))
    dataflow = prepared.dataflow
    inputs = [codes[:count].reshape(count, -1) for codes in frames.codes]
    if options.backend == "hls":
        parts = {"": Stimulus(dataflow.inputs, dataflow.outputs, inputs, [codes[:count] for codes in proof.outputs])}
    else:
        sent = evaluate(dataflow, inputs)
        parts = {instance.name: _stimulus(dataflow, instance, sent) for instance in blocks(dataflow)}
    include = find_ap_types(options.hls_include)
    runs: dict[str, HlsRun] = {}
    for name, stimulus in parts.items():
        design = function_name(dataflow.instance(name)) if name else ""
        with progress.step(f"compile the HLS C++{name and f' of {name}'}"):
            program = build_hls(Cache.of_user(), folder / "hls", include, work / f"tb{len(runs)}", design)
        with progress.step(f"run the HLS C++{name and f' of {name}'}"):
            runs[name] = run_hls(program, stimulus)
    return runs[""] if "" in runs else together(runs)


def _stimulus(dataflow: Dataflow, instance: Instance, sent: Mapping[Port, IntArray]) -> Stimulus:
    """What an instance reads and gives."""
    kernel = instance.kernel
    read = [sent[port] for port in sources_of(dataflow, instance)]
    given = [sent[Port(instance.name, k)] for k in range(len(kernel.outputs))]
    return Stimulus(kernel.inputs, kernel.outputs, read, given)
