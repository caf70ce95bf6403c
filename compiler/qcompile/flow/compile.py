"""The main job: a model file in, a proven output folder out."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qcompile.codegen.files import generate
from qcompile.codegen.hls import generate_hls
from qcompile.codegen.hls_blocks import generate_blocks
from qcompile.flow import manifest as documents
from qcompile.flow.dump import writer
from qcompile.flow.manifest import Verdict
from qcompile.flow.options import Options, require_styles
from qcompile.flow.prepare import Prepared, prepare
from qcompile.flow.progress import Progress
from qcompile.flow.prove import IntegerProof, default_frames, prove_integers
from qcompile.flow.reporting import TARGET_COPY, design_figures, report, reported
from qcompile.flow.run_hls import execute_hls
from qcompile.flow.simulate import Simulation, simulate_rtl
from qcompile.flow.vectors import Frames, load_frames, make_frames
from qcompile.folding import config
from qcompile.frontend.export import export_integer
from qcompile.frontend.load import model_digest, self_contained
from qcompile.ir.design import Design
from qcompile.ir.errors import VerificationError
from qcompile.report.document import Document
from qcompile.report.figures import DesignFigures
from qcompile.report.netlists import LayerFigures
from qcompile.report.page import render_page
from qcompile.tools.hls_compiler import find_ap_types
from qcompile.tools.output_folder import check_replaceable, output_folder
from qcompile.tools.prerequisites import find_toolchain
from qcompile.verify.hls import HlsRun
from qcompile.verify.locate import evaluate
from qcompile.verify.rtl import BulkRun

MODEL_COPY = "source.onnx"
"""The model as given, kept beside what was made of it, so that `qcompile verify` needs nothing else."""

BLOCK_FRAMES = 4
"""Frames that each instance in HLS C++ within RTL gets as test vectors: simulation of what Vitis HLS makes is slow."""

REPORT, PAGE = "report.json", "report.html"
"""What a program reads, and what a person."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A finished compilation."""

    folder: Path
    prepared: Prepared
    figures: DesignFigures
    netlists: tuple[LayerFigures, ...]
    proof: IntegerProof
    frames: Frames
    simulation: BulkRun | None
    hls: HlsRun | None
    verdict: Verdict


def compile_model(options: Options, folder: Path, progress: Progress) -> Outcome:
    """Compiles, proves and writes; `folder` is replaced only by a whole and proven result.

    Raises CompilerError for what the user can mend and VerificationError when something computes other integers than
    the model.
    """
    check_replaceable(folder)
    if options.rtl_frames:
        find_toolchain()
        if options.backend != "rtl":
            find_ap_types(options.hls_include)
    prepared = prepare(options, progress, writer(options.dump))
    require_styles(options, prepared.dataflow)
    frames, proof, exported = prove(options, prepared, progress)
    if proof.fault:
        verdict = judge(prepared, proof, None)
        raise VerificationError(f"the integers are not those of the model: {proof.fault}", verdict.json_line())
    with progress.step("write"):
        design = _design(options, prepared, frames, proof)
        shown = design_figures(prepared)
    with output_folder(folder) as staging:
        _write(design, staging)
        (staging / "model.int.onnx").write_bytes(exported)
        _write_sources(options, prepared, staging)
        simulation, hls = None, None
        if options.rtl_frames:
            count, waveform = options.rtl_frames, waveform_path(folder)
            with tempfile.TemporaryDirectory(prefix="qcompile-") as work:
                simulation = simulate_rtl(
                    prepared, frames, proof, count, staging, waveform, progress, Path(work)
                )
                if options.backend != "rtl":
                    hls = execute_hls(options, prepared, frames, proof, count, staging, progress, Path(work))
        verdict = judge(prepared, proof, simulation, hls)
        for what, fault in (("RTL", simulation.fault if simulation else ""), ("HLS C++", hls.fault if hls else "")):
            if fault:
                message = f"the {what} does not do what the integer graph does: {fault}"
                raise VerificationError(message, verdict.json_line())
        run = simulation.full if simulation is not None else None
        seconds = dict(progress.times) if options.times else None
        with progress.step("report"):
            document = reported(options, prepared, shown, (frames, proof, run), verdict, seconds)
            _write_report(document, prepared, staging)
    return Outcome(folder, prepared, shown, document.netlists, proof, frames, run, hls, verdict)


def prove(options: Options, prepared: Prepared, progress: Progress) -> tuple[Frames, IntegerProof, bytes]:
    """Test frames, the proof of the integer graph on them, and the integer model as bytes."""
    network = prepared.understood.network
    with progress.step("prove the integer graph") as step:
        if options.vectors is not None:
            frames = load_frames(options.vectors, network)
        else:
            count = default_frames(network.integer) if options.frames is None else options.frames
            frames = make_frames(network, max(count, options.rtl_frames))
        exported = export_integer(network.integer)
        proof = prove_integers(prepared, frames, options.shapes, exported, str(options.model), step.of("frames"))
    return frames, proof, exported.SerializeToString(deterministic=True)


def judge(prepared: Prepared, proof: IntegerProof, simulation: Simulation | None, hls: HlsRun | None = None) -> Verdict:
    """The verdict in numbers; interval and latency as simulated, or as modelled where nothing was."""
    run = simulation.full if simulation is not None else None
    return Verdict(
        frames=proof.agreement.frames,
        mismatches=len(proof.wrong),
        ties=len(proof.tied),
        rtl_frames=run.frames if run is not None else 0,
        rtl_mismatches=len(simulation.wrong) if simulation is not None else 0,
        interval=run.interval if run is not None and run.frames > 2 else prepared.dataflow.interval(),
        latency=run.first_output if run is not None else prepared.timing.first_output,
        hls_frames=hls.frames if hls is not None else None,
        hls_mismatches=len(hls.wrong) if hls is not None else None,
    )


def waveform_path(folder: Path) -> Path:
    """Where the waveform of a mismatch is left: beside the output folder, which is not written then."""
    whole = folder.resolve()
    return whole.with_name(f"{whole.name}.mismatch.vcd")


def _write_sources(options: Options, prepared: Prepared, folder: Path) -> None:
    """What a design was made from: with it, `qcompile verify` makes it again."""
    copy = self_contained(options.model, prepared.understood.model)
    (folder / MODEL_COPY).write_bytes(copy)
    own_target = options.target.endswith(".toml")
    if own_target:
        shutil.copyfile(options.target, folder / TARGET_COPY)
    (folder / "folding.json").write_text(config.write(prepared.dataflow), encoding="utf-8")
    digests = model_digest(options.model), hashlib.sha256(copy).hexdigest()
    text = documents.manifest(options, prepared, digests, TARGET_COPY if own_target else None)
    (folder / "manifest.json").write_text(text, encoding="utf-8")


def _write_report(document: Document, prepared: Prepared, folder: Path) -> None:
    (folder / REPORT).write_text(report(document, prepared.understood.accumulators), encoding="utf-8")
    (folder / PAGE).write_text(render_page(document), encoding="utf-8")


def _design(options: Options, prepared: Prepared, frames: Frames, proof: IntegerProof) -> Design:
    """All generated files, with the first frames as vectors of the benches."""
    count = min(len(frames.inputs[0]), max(options.rtl_frames, 4))
    inputs = [codes[:count].reshape(count, -1) for codes in frames.codes]
    outputs = [codes[:count] for codes in proof.outputs]
    title, part, clock = f"{options.model.name} for {prepared.target.name}", prepared.target.part, prepared.clock_mhz
    design = generate(
        prepared.dataflow,
        title=title,
        part=part,
        clock_mhz=clock,
        first_output=prepared.timing.first_output,
        vectors=(inputs, outputs),
        spread=prepared.dataflow.interval() if prepared.source == "steady" else 0,
        mixed=options.backend == "mixed",
    )
    sources: Mapping[str, str | bytes] = {}
    if options.backend == "hls":
        sources = generate_hls(prepared.dataflow, title=title, part=part, clock_mhz=clock)
    elif options.backend == "mixed":
        sent = evaluate(prepared.dataflow, [codes[:BLOCK_FRAMES] for codes in inputs])
        sources = generate_blocks(prepared.dataflow, title=title, part=part, clock_mhz=clock, sent=sent)
    return Design(design.top, {**design.files, **sources})


def _write(design: Design, folder: Path) -> None:
    for name, content in design.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
