"""`qcompile verify`: repeats the proofs of an output folder, on the files that lie there."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from qcompile.flow.compile import MODEL_COPY, judge, prove
from qcompile.flow.manifest import Verdict
from qcompile.flow.options import DEFAULT_FRAMES, Options
from qcompile.flow.prepare import Prepared, prepare
from qcompile.flow.progress import Progress
from qcompile.flow.prove import first_mismatch
from qcompile.flow.simulate import simulate_rtl
from qcompile.frontend.load import model_digest
from qcompile.ir.errors import CompilerError
from qcompile.tools.cache import Cache
from qcompile.tools.prerequisites import find_toolchain
from qcompile.verify.rtl import run_protocol


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """What was run, what failed (sentences, empty when nothing did), and what was left out and why."""

    verdict: Verdict
    ran: tuple[str, ...]
    faults: tuple[str, ...]
    skipped: tuple[str, ...]
    rounded: int


def verify_folder(folder: Path, vectors: Path | None, rtl_frames: int, protocol: bool, progress: Progress) -> Checked:
    """Runs the ladder on an output folder. Raises CompilerError for a folder that is not a whole output of ours."""
    options = replace(_options(folder), vectors=vectors, rtl_frames=rtl_frames)
    prepared = prepare(options, progress)
    frames, proof, exported = prove(options, prepared, progress)
    faults = [f"integer graph: {text}" for text in [first_mismatch(proof)] if text]
    ran = [f"integer graph and model.int.onnx against onnxruntime on {proof.agreement.frames} frames"]
    skipped: list[str] = []
    if (folder / "model.int.onnx").read_bytes() != exported:
        faults.append("model.int.onnx is not the one that this model and these options give")
    run = None
    if rtl_frames:
        with tempfile.TemporaryDirectory(prefix="qcompile-") as work:
            run = simulate_rtl(prepared, frames, proof, rtl_frames, folder, Path(work), progress)
            ran.append(f"RTL against the integer graph on {run.frames} frames, and with idle cycles and back-pressure")
            faults += [f"RTL: {mismatch}" for mismatch in run.mismatches[:1]]
            if protocol:
                with progress.step("cocotb tests"):
                    outcome = run_protocol(
                        find_toolchain(), Cache.of_user(), folder, prepared.dataflow.name, Path(work)
                    )
                ran.append(
                    f"cocotb protocol tests: {', '.join(outcome.passed + tuple(name for name, _ in outcome.failed))}"
                )
                faults += [f"cocotb test {name}: {message}" for name, message in outcome.failed]
        faults += _timing_faults(prepared, run.interval, run.frames)
    else:
        skipped.append("RTL: no frames were asked for")
    if rtl_frames and not protocol:
        skipped.append("cocotb protocol tests: switched off")
    return Checked(judge(prepared, frames, proof, run), tuple(ran), tuple(faults), tuple(skipped), frames.rounded)


def _timing_faults(prepared: Prepared, interval: int, frames: int) -> list[str]:
    """The measured interval against the model, once there are frames enough for a steady state."""
    expected = prepared.dataflow.interval()
    if frames < 3 + len(prepared.lowered.instances) or interval == expected:
        return []
    return [f"a frame takes {interval} cycles, the model says {expected}"]


def _options(folder: Path) -> Options:
    """The options that made the folder."""
    path = folder / "manifest.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        stated = content["options"]
        options = Options(
            model=folder / MODEL_COPY,
            name=Path(content["model"]["file"]).stem,
            target=content["target"],
            clock_mhz=content["clock_mhz"],
            input_type=stated["input"],
            input_scale=stated["input_scale"],
            shapes={name: tuple(shape) for name, shape in stated["shapes"].items()},
            folding=folder / "folding.json",
            accumulator_bits=stated["accumulator_bits"],
            frames=DEFAULT_FRAMES,
        )
        digest = content["model"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CompilerError(
            "this is no output folder of qcompile",
            str(folder),
            f"manifest.json: {error}",
            "give the folder that qcompile wrote",
        ) from error
    if not options.model.exists() or model_digest(options.model) != digest:
        raise CompilerError(f"{MODEL_COPY} is missing or was changed", str(folder), hint="compile the model again")
    return options
