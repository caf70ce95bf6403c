"""`qcompile verify`: repeats the proofs of an output folder, on the files that lie there."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qcompile.codegen.hls_blocks import blocks
from qcompile.flow import manifest as documents
from qcompile.flow.compile import MODEL_COPY, judge, prove, waveform_path
from qcompile.flow.formal import prove_netlists
from qcompile.flow.manifest import Verdict
from qcompile.flow.options import Options
from qcompile.flow.prepare import Prepared, prepare
from qcompile.flow.progress import Progress
from qcompile.flow.prove import IntegerProof
from qcompile.flow.run_hls import execute_hls
from qcompile.flow.simulate import Simulation, simulate_rtl
from qcompile.flow.vectors import Frames
from qcompile.frontend.load import model_digest
from qcompile.ir.errors import CompilerError
from qcompile.tools.cache import Cache
from qcompile.tools.hls_compiler import find_ap_types
from qcompile.tools.prerequisites import find_shared_python, find_toolchain
from qcompile.verify.hls import HlsRun
from qcompile.verify.rtl import run_protocol


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """What was run, what failed (sentences, empty when nothing did), and what was left out and why."""

    verdict: Verdict
    ran: tuple[str, ...]
    faults: tuple[str, ...]
    skipped: tuple[str, ...]
    rounded: int


@dataclass(slots=True)
class _Ladder:
    """What has been done so far."""

    ran: list[str]
    faults: list[str]
    skipped: list[str]


def verify_folder(
    folder: Path,
    vectors: Path | None,
    rtl_frames: int,
    protocol: bool,
    progress: Progress,
    formal: bool = False,
    hls_include: Path | None = None,
) -> Checked:
    """Runs the ladder on an output folder, as far as the tools of this machine allow; `formal` needs Yosys and a solver.

    `hls_include` is where the headers of HLS C++ lie, None to look for hls4ml's.

    Raises CompilerError for a folder that is not a whole output of ours.
    """
    content = _manifest(folder)
    options = replace(_options(folder, content), vectors=vectors, rtl_frames=rtl_frames, hls_include=hls_include)
    prepared = prepare(options, progress)
    _require_matching(folder, content, prepared, options)
    frames, proof, exported = prove(options, prepared, progress)
    ladder = _Ladder([], [f"integer graph: {proof.fault}"] if proof.fault else [], [])
    ladder.ran.append(f"integer graph and model.int.onnx against onnxruntime on {proof.agreement.frames} frames")
    if proof.tables.tables:
        ladder.ran.append(f"{proof.tables.tables} truth tables on all of their {proof.tables.patterns:,} patterns")
    if _read(folder / "model.int.onnx") != exported:
        ladder.faults.append("model.int.onnx is not the one that this model and these options give")
    if formal:
        with progress.step("prove LUT netlists by SAT"):
            said, refuted = prove_netlists(folder, prepared)
        ladder.ran += [said]
        ladder.faults += [f"LUT netlist: {counterexample}" for counterexample in refuted]
    simulation = _hardware(ladder, folder, prepared, frames, proof, rtl_frames, protocol, progress)
    hls = _software(ladder, folder, prepared, frames, proof, options, progress) if options.backend != "rtl" else None
    verdict = judge(prepared, proof, simulation, hls)
    return Checked(verdict, tuple(ladder.ran), tuple(ladder.faults), tuple(ladder.skipped), frames.rounded)


def _hardware(
    ladder: _Ladder,
    folder: Path,
    prepared: Prepared,
    frames: Frames,
    proof: IntegerProof,
    rtl_frames: int,
    protocol: bool,
    progress: Progress,
) -> Simulation | None:
    """The rungs that need a simulator."""
    why = "no frames were asked for" if not rtl_frames else _absent(find_toolchain)
    if why:
        ladder.skipped += [f"RTL: {why}", f"cocotb protocol tests: {why}"]
        return None
    with tempfile.TemporaryDirectory(prefix="qcompile-") as work:
        waveform = waveform_path(folder)
        run = simulate_rtl(prepared, frames, proof, rtl_frames, folder, waveform, progress, Path(work))
        ladder.ran.append(
            f"RTL against the integer graph on {run.full.frames} frames, and with idle cycles and back-pressure"
        )
        ladder.faults += [f"RTL: {run.fault}"] if run.fault else []
        why = "the RTL is wrong already" if run.wrong else _absent(find_shared_python)
        why = why if protocol else "switched off"
        if why:
            ladder.skipped.append(f"cocotb protocol tests: {why}")
            return run
        with progress.step("cocotb tests"):
            outcome = run_protocol(find_toolchain(), Cache.of_user(), folder, prepared.dataflow.name, Path(work))
        names = [*outcome.passed, *(name for name, _ in outcome.failed)]
        ladder.ran.append(f"cocotb protocol tests: {', '.join(names)}")
        ladder.faults += [f"cocotb test {name}: {message}" for name, message in outcome.failed]
    return run


def _software(
    ladder: _Ladder,
    folder: Path,
    prepared: Prepared,
    frames: Frames,
    proof: IntegerProof,
    options: Options,
    progress: Progress,
) -> HlsRun | None:
    """The rung of the HLS C++."""
    include, count = options.hls_include, options.rtl_frames
    why = "no frames were asked for" if not count else _absent(lambda: find_ap_types(include))
    if why:
        ladder.skipped.append(f"HLS C++: {why}")
        return None
    with tempfile.TemporaryDirectory(prefix="qcompile-") as work:
        run = execute_hls(options, prepared, frames, proof, count, folder, progress, Path(work))
    parts = f" of {len(blocks(prepared.dataflow))} instances" if options.backend == "mixed" else ""
    ladder.ran.append(f"HLS C++{parts} against the integer graph on {run.frames} frames")
    ladder.faults += [f"HLS C++: {run.fault}"] if run.fault else []
    return run


def _absent(find: Any) -> str:
    """Why something cannot be found on this machine; empty when it can."""
    try:
        find()
    except CompilerError as error:
        return str(error)
    return ""


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        content = json.loads(_read(folder / "manifest.json"))
        version = content["qcompile"]["schema"]
    except (ValueError, KeyError, TypeError) as error:
        raise CompilerError(
            "this is no output folder of qcompile",
            str(folder),
            f"manifest.json: {error}",
            "give the folder that qcompile wrote",
        ) from error
    if version != documents.SCHEMA:
        raise CompilerError("another version of qcompile made this folder", str(folder), hint="compile the model again")
    assert isinstance(content, dict)
    return content


def _options(folder: Path, content: dict[str, Any]) -> Options:
    """The options that made the folder."""
    try:
        stated, target_file = content["options"], content["target_file"]
        options = Options(
            model=folder / MODEL_COPY,
            name=Path(content["model"]["file"]).stem,
            target=content["target"] if target_file is None else str(folder / target_file),
            clock_mhz=float(content["clock_mhz"]),
            input_type=stated["input"],
            input_scale=stated["input_scale"],
            shapes={name: tuple(shape) for name, shape in stated["shapes"].items()},
            folding=folder / "folding.json",
            backend=stated.get("backend", "rtl"),
            accumulator_bits=stated["accumulator_bits"],
            wrap=bool(stated.get("wrap", False)),
            upsample=stated["upsample"],
            source=stated["source"],
            lut_inputs=int(stated["lut_inputs"]),
        )
        digest = content["model"]["copy_sha256"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CompilerError(
            "manifest.json is damaged", str(folder), str(error), "compile the model again"
        ) from error
    if not options.model.exists() or model_digest(options.model) != digest:
        raise CompilerError(f"{MODEL_COPY} is missing or was changed", str(folder), hint="compile the model again")
    return options


def _require_matching(folder: Path, content: dict[str, Any], prepared: Prepared, options: Options) -> None:
    """The streams at the edge, as the manifest states them, are those that the folding gives."""
    now = json.loads(documents.manifest(options, prepared, ("", ""), None))
    for key in ("top", "interval_cycles", "inputs", "outputs"):
        if content.get(key) != now[key]:
            raise CompilerError(
                "the files of this folder do not belong together",
                str(folder),
                f"'{key}' of manifest.json is not what folding.json and {MODEL_COPY} give",
                "compile the model again, with --folding for an edited folding.json",
            )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CompilerError(
            "a file of this output folder cannot be read",
            str(path),
            error.strerror or str(error),
            "give a folder that qcompile wrote, or compile the model again",
        ) from error
