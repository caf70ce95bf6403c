"""report.json and report.html: all figures of a run in one document, written down and drawn."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict

import qcompile
from qcompile.dataflow.first_frame import first_frame
from qcompile.dataflow.timing import offered
from qcompile.flow.manifest import SCHEMA, Verdict, certificate
from qcompile.flow.options import DEFAULT_LUT_INPUTS, DEFAULT_RTL_FRAMES, Options
from qcompile.flow.prepare import Prepared
from qcompile.flow.prove import IntegerProof
from qcompile.flow.vectors import Frames
from qcompile.frontend.load import library_versions, model_digest
from qcompile.report.document import AccumulatorFigures, Document, Origin, ProofFigures, Simulated, TieFigures
from qcompile.report.figures import DesignFigures, figures
from qcompile.report.netlists import netlist_figures
from qcompile.transforms.accumulators import Accumulator
from qcompile.verify.rtl import BulkRun

TARGET_COPY = "target.toml"
"""The target in an output folder, where it is one of the user's own."""


def design_figures(prepared: Prepared) -> DesignFigures:
    """Instances, channels, resources and cycles of a prepared design."""
    timing = prepared.timing
    return figures(prepared.dataflow, prepared.target, prepared.clock_mhz, timing.first_output, timing.frame_latency)


def estimated(options: Options, prepared: Prepared, design: DesignFigures) -> Document:
    """The document of a design of which nothing was proven."""
    return Document(
        origin=_origin(options, prepared),
        verdict={},
        proof=None,
        simulated=None,
        design=design,
        first_frame=first_frame(prepared.dataflow, offered(prepared.dataflow, prepared.source)),
        accumulators=tuple(_accumulator(a) for a in prepared.understood.accumulators),
        netlists=netlist_figures(prepared.dataflow, prepared.target.lut_inputs),
    )


def reported(
    options: Options,
    prepared: Prepared,
    design: DesignFigures,
    proven: tuple[Frames, IntegerProof, BulkRun | None],
    verdict: Verdict,
    seconds: Mapping[str, float] | None,
) -> Document:
    """The document of a whole run: what was proven, and the simulation at full speed where there was one. `seconds` are
    those of the steps, None where they are not to be written.
    """
    frames, proof, run = proven
    base = estimated(options, prepared, design)
    ties = tuple(TieFigures(tie.frame, tie.tensor, tie.elements) for tie in proof.agreement.ties)
    compared, tables = proof.agreement.compared, proof.tables
    return Document(
        origin=base.origin,
        verdict=verdict.numbers(),
        proof=ProofFigures(compared, proof.given_compared, frames.rounded, ties, tables.tables, tables.patterns),
        simulated=_simulated(run) if run is not None else None,
        design=design,
        first_frame=base.first_frame,
        accumulators=base.accumulators,
        netlists=base.netlists,
        seconds=seconds,
    )


def _simulated(run: BulkRun) -> Simulated:
    return Simulated(run.frames, run.cycles, run.interval if run.frames > 2 else None, run.first_output)


def report(document: Document, accumulators: tuple[Accumulator, ...]) -> str:
    """JSON text of report.json; `accumulators` are written with their channels."""
    proof = asdict(document.proof) if document.proof is not None else {}
    tables = {"proven": proof.pop("tables", 0), "patterns": proof.pop("patterns", 0)}
    content = {
        "schema": SCHEMA,
        **asdict(document.origin),
        "verdict": dict(document.verdict),
        "proof": proof,
        "simulated": asdict(document.simulated) if document.simulated is not None else None,
        "design": asdict(document.design),
        "first_frame": [asdict(activity) for activity in document.first_frame],
        "accumulators": [certificate(a) for a in accumulators],
        "netlists": [asdict(layer) for layer in document.netlists],
        "tables": tables,
    }
    if document.seconds is not None:
        content["seconds"] = {name: round(seconds, 3) for name, seconds in document.seconds.items()}
    return json.dumps(content, indent=2) + "\n"


def _accumulator(found: Accumulator) -> AccumulatorFigures:
    widths = (
        ("exact", int(found.exact_bits.max())),
        ("on the way", int(found.partial_bits.max())),
        ("A2Q bound", int(found.a2q_bits.max())),
        ("A2Q+ bound", int(found.a2q_plus_bits.max())),
        ("data-type bound", found.datatype_bits),
    )
    return AccumulatorFigures(found.layer, found.inputs, str(found.input_type), str(found.weight_type), widths)


def _origin(options: Options, prepared: Prepared) -> Origin:
    return Origin(
        model=options.model.name,
        sha256=model_digest(options.model),
        target=prepared.target.name,
        part=prepared.target.part,
        command=command(options, prepared),
        versions={"qcompile": qcompile.__version__, **library_versions()},
    )


def command(options: Options, prepared: Prepared) -> str:
    """The command that makes a design again from its folding file: whatever the folding was found with, files by their names
    alone.
    """
    own_target, given = options.target.endswith(".toml"), prepared.clock_mhz != prepared.target.clock_mhz
    words = ["qcompile", options.model.name, "--target", TARGET_COPY if own_target else options.target]
    words += ["--folding", "folding.json"]
    words += ["--clock", f"{prepared.clock_mhz:g}"] if given else []
    words += ["--wrap"] if options.wrap else []
    for option, value, usual in (
        ("--input", options.input_type, None),
        ("--input-scale", options.input_scale, None),
        ("--accumulator-bits", options.accumulator_bits, None),
        ("--upsample", options.upsample, "auto"),
        ("--backend", options.backend, "rtl"),
        ("--lut-inputs", options.lut_inputs, DEFAULT_LUT_INPUTS),
        ("--vectors", options.vectors.name if options.vectors else None, None),
        ("--frames", options.frames, None),
    ):
        words += [option, str(value)] if value != usual else []
    for name, shape in sorted(options.shapes.items()):
        sizes = ",".join(map(str, shape))
        words += ["--shape", f"{name}:{sizes}" if name else sizes]
    if options.rtl_frames != DEFAULT_RTL_FRAMES:
        words += ["--rtl-frames", str(options.rtl_frames)] if options.rtl_frames else ["--no-sim"]
    return shlex.join(words)
