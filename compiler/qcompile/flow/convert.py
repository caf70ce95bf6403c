"""`qcompile convert`: a model in another dialect, written only when it has given the same integers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qcompile.flow.options import Options
from qcompile.flow.prepare import input_types, understand
from qcompile.flow.progress import Progress
from qcompile.flow.prove import PART_ELEMENTS, default_frames, elements_of_a_frame, prove_export
from qcompile.flow.vectors import RANDOM_SEED, load_frames, load_inputs, make_frames
from qcompile.frontend.conversion import DIALECTS, Converted, convert
from qcompile.frontend.export import export_integer
from qcompile.frontend.load import Model, is_ours, load_model
from qcompile.frontend.reference import Reference, as_written, make_reference
from qcompile.ir.errors import CompilerError, VerificationError
from qcompile.ir.graph import Graph
from qcompile.ir.types import Array
from qcompile.tools.output_file import write_file
from qcompile.transforms.walk import InputType
from qcompile.verify.integer import Tie
from qcompile.verify.stimulus import model_frames

INTEGER = "integer"
"""The integers alone: what the hardware computes."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """A file that was written: `compared` numbers of `tensors` quantised tensors agreed, float ties apart."""

    path: Path
    frames: int
    tensors: int
    compared: int
    ties: tuple[Tie, ...]

    def json_line(self) -> str:
        """One JSON object on one line."""
        numbers = {"frames": self.frames, "mismatches": 0, "ties": len(self.ties)}
        return json.dumps(numbers | {"tensors": self.tensors, "compared": self.compared})


def convert_model(options: Options, to: str, path: Path, force: bool, progress: Progress) -> Conversion:
    """Writes the model in the dialect `to` (qonnx, qcdq, integer) to `path`.

    Raises CompilerError for what cannot be compiled or expressed and for a file that is not to be replaced,
    VerificationError when the two models do not give the same integers.
    """
    if to not in (*DIALECTS, INTEGER):
        raise CompilerError(f"--to {to}", hint=f"it is {', '.join(DIALECTS)} or {INTEGER}")
    _check_replaceable(options.model, path, force)
    if to == INTEGER:
        return _integers(options, path, progress)
    where = str(options.model)
    with progress.step("read the model"):
        model = load_model(options.model)
    with progress.step(f"write as {to}"):
        converted = convert(model, where, options.shapes, DIALECTS[to])
    with progress.step("compare"):
        frames = _frames(options, model, converted.graph)
        run = as_written if DIALECTS[to].standard else make_reference
        models = (
            make_reference(model, converted.quantised, options.shapes, where),
            run(converted.model, converted.quantised, options.shapes, str(path)),
        )
        compared = _compare(models, frames, converted)
    write_file(path, converted.model.SerializeToString(deterministic=True))
    return Conversion(path, len(frames[0]), len(converted.quantised), compared, ())


def _check_replaceable(model: Path, path: Path, force: bool) -> None:
    if path.exists() and model.exists() and path.samefile(model):
        raise CompilerError("the output is the model itself", str(path), hint="choose another file with -o")
    if path.is_dir():
        raise CompilerError("cannot write the output", str(path), "it is a folder", "give the path of a file with -o")
    if path.exists() and not force and not is_ours(path):
        raise CompilerError(
            "will not replace this file", str(path), "qcompile did not write it", "choose another file, or add --force"
        )


def _integers(options: Options, path: Path, progress: Progress) -> Conversion:
    understood = understand(options, progress)
    network = understood.network
    with progress.step("compare") as step:
        if options.vectors is not None:
            frames = load_frames(options.vectors, network)
        else:
            frames = make_frames(network, options.frames or default_frames(network.integer))
        exported = export_integer(network.integer)
        where = str(options.model)
        proof = prove_export(understood, frames, options.shapes, exported, where, advance=step.of("frames"))
    agreement = proof.agreement
    conversion = Conversion(path, agreement.frames, len(network.taps), agreement.compared, agreement.ties)
    if proof.fault:
        numbers = json.loads(conversion.json_line()) | {"mismatches": len(proof.wrong)}
        raise VerificationError(f"the integers are not those of the model: {proof.fault}", json.dumps(numbers))
    write_file(path, exported.SerializeToString(deterministic=True))
    return conversion


def _frames(options: Options, model: Model, graph: Graph) -> tuple[Array, ...]:
    """The user's frames, or random ones: integers where the type of an input is one of them."""
    if options.vectors is not None:
        return load_inputs(options.vectors, graph)
    count = options.frames or default_frames(graph)
    rng = np.random.default_rng(RANDOM_SEED)
    known = {
        name: _drawn(rng, kind, (count, *graph.values[name].shape))
        for name, kind in input_types(options, model, graph).items()
    }
    return model_frames(graph, known, count, RANDOM_SEED)


def _drawn(rng: np.random.Generator, kind: InputType, shape: Sequence[int]) -> Array:
    codes = rng.integers(kind.element.lo, kind.element.hi, shape, endpoint=True)
    return np.asarray(kind.scale * (codes + kind.shift), np.float32)


def _compare(models: tuple[Reference, Reference], frames: Sequence[Array], converted: Converted) -> int:
    """How many numbers of quantised tensors are the same in both; raises VerificationError for the first that is not."""
    count, (original, written) = len(frames[0]), models
    fixed = [name for name in converted.quantised if name in original.fixed]
    compared = sum(original.fixed[name].size for name in fixed)
    size = max(1, PART_ELEMENTS // elements_of_a_frame(converted.graph))
    for start in range(0, count, size):
        part = [array[start : start + size] for array in frames]
        numbers = original.run(*part)
        compared += sum(numbers[name].size for name in converted.quantised if name not in fixed)
        fault = _first_difference(numbers, written.run(*part))
        if fault is not None:
            frame, name = fault
            verdict = {"frames": count, "mismatches": 1, "ties": 0}
            raise VerificationError(
                f"frame {start + frame}: the two models differ in tensor '{name}'", json.dumps(verdict)
            )
    return compared


def _first_difference(original: Mapping[str, Array], written: Mapping[str, Array]) -> tuple[int, str] | None:
    """Frame and name of a tensor in which two runs differ. An output of another type is the same number all the same."""
    for name, numbers in original.items():
        other = written[name]
        same = (numbers == other) | ((numbers != numbers) & (other != other))
        wrong = np.flatnonzero(~same.reshape(len(numbers), -1).all(axis=1))
        if wrong.size:
            return int(wrong[0]), name
    return None
