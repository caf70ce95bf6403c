"""The main job: a model file in, a proven output folder out."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qcompile.codegen.files import generate
from qcompile.flow import manifest as documents
from qcompile.flow.manifest import Verdict
from qcompile.flow.options import Options
from qcompile.flow.prepare import Prepared, prepare, unobserved
from qcompile.flow.progress import Progress
from qcompile.flow.prove import IntegerProof, first_mismatch, prove_integers
from qcompile.flow.simulate import simulate_rtl
from qcompile.flow.vectors import Frames, load_frames, make_frames
from qcompile.folding import config
from qcompile.frontend.export import export_integer
from qcompile.frontend.load import model_digest
from qcompile.ir.design import Design
from qcompile.ir.errors import VerificationError
from qcompile.ir.graph import Graph
from qcompile.report.figures import DesignFigures, figures
from qcompile.tools.output_folder import check_replaceable, output_folder
from qcompile.tools.prerequisites import find_toolchain
from qcompile.verify.rtl import BulkRun

MODEL_COPY = "source.onnx"
"""The model as given, kept beside what was made of it, so that `qcompile verify` needs nothing else."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A finished compilation."""

    folder: Path
    prepared: Prepared
    figures: DesignFigures
    proof: IntegerProof
    frames: Frames
    simulation: BulkRun | None
    verdict: Verdict


def compile_model(options: Options, folder: Path, progress: Progress) -> Outcome:
    """Compiles, proves and writes; `folder` is replaced only by a whole and proven result.

    Raises CompilerError for what the user can mend and VerificationError when something computes other integers than
    the model.
    """
    check_replaceable(folder)
    if options.rtl_frames:
        find_toolchain()
    prepared = prepare(options, progress, _observer(options.dump))
    frames, proof, exported = prove(options, prepared, progress)
    fault = first_mismatch(proof)
    if fault:
        raise VerificationError(f"the integer graph does not compute what the model computes: {fault}")
    with progress.step("write"):
        design = _design(options, prepared, frames, proof)
        shown = figures(
            prepared.dataflow,
            prepared.target,
            prepared.clock_mhz,
            prepared.timing.first_output,
            prepared.timing.frame_latency,
        )
    with output_folder(folder) as staging:
        _write(design, staging)
        (staging / "model.int.onnx").write_bytes(exported)
        (staging / "folding.json").write_text(config.write(prepared.dataflow), encoding="utf-8")
        (staging / "manifest.json").write_text(
            documents.manifest(options, prepared, model_digest(options.model)), encoding="utf-8"
        )
        shutil.copyfile(options.model, staging / MODEL_COPY)
        run = None
        if options.rtl_frames:
            with tempfile.TemporaryDirectory(prefix="qcompile-") as work:
                run = simulate_rtl(prepared, frames, proof, options.rtl_frames, staging, Path(work), progress)
        verdict = judge(prepared, frames, proof, run)
        (staging / "report.json").write_text(documents.report(shown, prepared, verdict), encoding="utf-8")
        if run is not None and run.mismatches:
            raise VerificationError(f"the RTL does not compute what the integer graph computes: {run.mismatches[0]}")
    return Outcome(folder, prepared, shown, proof, frames, run, verdict)


def prove(options: Options, prepared: Prepared, progress: Progress) -> tuple[Frames, IntegerProof, bytes]:
    """Test frames, the proof of the integer graph on them, and the integer model as bytes."""
    network = prepared.understood.network
    with progress.step("prove the integer graph"):
        frames = load_frames(options.vectors, network) if options.vectors else make_frames(network, options.frames)
        exported = export_integer(network.integer)
        proof = prove_integers(prepared.understood, frames, dict(options.shapes), exported, str(options.model))
    return frames, proof, exported.SerializeToString(deterministic=True)


def judge(prepared: Prepared, frames: Frames, proof: IntegerProof, run: BulkRun | None) -> Verdict:
    """The verdict in numbers; interval and latency as simulated, or as modelled where nothing was."""
    wrong = {m.frame for m in proof.agreement.mismatches} | set(proof.given_mismatches)
    tied = {tie.frame for tie in proof.agreement.ties}
    measured = run is not None and run.frames > 2
    return Verdict(
        frames=len(frames.inputs[0]),
        mismatches=len(wrong - tied),
        ties=len(tied),
        rtl_frames=run.frames if run is not None else 0,
        rtl_mismatches=len({m.frame for m in run.mismatches}) if run is not None else 0,
        interval=run.interval if run is not None and measured else prepared.dataflow.interval(),
        latency=run.first_output if run is not None else prepared.timing.first_output,
    )


def _design(options: Options, prepared: Prepared, frames: Frames, proof: IntegerProof) -> Design:
    """All generated files, with the first frames as vectors of the benches."""
    count = min(len(frames.inputs[0]), max(options.rtl_frames, 4))
    inputs = [codes[:count].reshape(count, -1) for codes in frames.codes]
    outputs = [codes[:count] for codes in proof.outputs]
    return generate(
        prepared.dataflow,
        title=f"{options.model.name} for {prepared.target.name}",
        part=prepared.target.part,
        clock_mhz=prepared.clock_mhz,
        first_output=prepared.timing.first_output,
        vectors=(inputs, outputs),
    )


def _write(design: Design, folder: Path) -> None:
    for name, content in design.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def _observer(dump: Path | None) -> Callable[[str, Graph], None]:
    """Writes the graph after each pass into a folder, as text."""
    if dump is None:
        return unobserved
    dump.mkdir(parents=True, exist_ok=True)
    count = 0

    def write(name: str, graph: Graph) -> None:
        nonlocal count
        (dump / f"{count:02d}_{name}.json").write_text(json.dumps(_dumped(graph), indent=1) + "\n", encoding="utf-8")
        count += 1

    return write


def _dumped(graph: Graph) -> dict[str, object]:
    """A graph in plain types: nodes, shapes, ranges."""
    values = {
        name: {"shape": list(v.shape), "range": None if v.range is None else [v.range.least, v.range.greatest]}
        for name, v in graph.values.items()
    }
    nodes = [
        {"name": n.name, "op": str(n.op), "inputs": list(n.inputs), "output": n.output, "origin": list(n.origin)}
        for n in graph.nodes
    ]
    constants = {name: {"shape": list(np.shape(a)), "dtype": str(a.dtype)} for name, a in graph.constants.items()}
    return {
        "inputs": list(graph.inputs),
        "outputs": list(graph.outputs),
        "nodes": nodes,
        "values": values,
        "constants": constants,
    }
