"""Rung 0 of the ladder, composed: reference, integer graph and exported integer model on the same frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qcompile.flow.prepare import Understood
from qcompile.flow.vectors import Frames
from qcompile.frontend.constants import open_session, run_session
from qcompile.frontend.load import Model
from qcompile.frontend.reference import make_reference
from qcompile.ir.errors import VerificationError
from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, IntArray
from qcompile.verify.integer import Agreement, Mismatch, compare, compare_outputs


@dataclass(frozen=True, slots=True, eq=False)
class IntegerProof:
    """What the integer graph gave: its outputs (frames, elements) and how they agree with the original model."""

    outputs: tuple[IntArray, ...]
    agreement: Agreement
    given_mismatches: tuple[int, ...]
    given_compared: int


def prove_integers(
    understood: Understood, frames: Frames, shapes: dict[str, Shape], exported: Model, where: str
) -> IntegerProof:
    """Runs all frames through the original model, the integer graph and its ONNX export, and compares integers.

    Raises VerificationError when the export differs from the integer graph: those two never may.
    """
    network = understood.network
    values = network.integer.evaluate(*frames.codes)
    _check_export(exported, values, network.integer.inputs, network.integer.outputs)
    quantised = [tap for tap in network.taps if tap.value in values]
    taps = list(dict.fromkeys([tap.tensor for tap in quantised] + [tap.reads for tap in quantised if tap.reads]))
    produced = {name for node in understood.model.graph.node for name in node.output}
    reference = make_reference(understood.model, [name for name in taps if name in produced], shapes, where)
    tapped: dict[str, Array] = reference.run(*frames.inputs)
    tapped |= dict(zip(network.before.inputs, frames.inputs, strict=True))
    agreement = compare(network, understood.graph, tapped, {k: np.asarray(v) for k, v in values.items()})
    outputs = tuple(np.asarray(values[name]).reshape(agreement.frames, -1) for name in network.integer.outputs)
    given, compared = _given(understood, frames, values)
    return IntegerProof(outputs, agreement, given, compared)


def _check_export(model: Model, values: dict[str, Array], inputs: tuple[str, ...], outputs: tuple[str, ...]) -> None:
    session = open_session(model)
    results = run_session(session, list(outputs), {name: np.asarray(values[name], np.int64) for name in inputs})
    for name in outputs:
        differs = results[name].reshape(-1) != np.asarray(values[name]).reshape(-1)
        if bool(differs.any()):
            raise VerificationError(
                f"model.int.onnx differs from the integer graph in {int(differs.sum())} elements of '{name}'"
            )


def _given(understood: Understood, frames: Frames, values: dict[str, Array]) -> tuple[tuple[int, ...], int]:
    """Frames whose outputs, as the user gave them, are not what our integers stand for."""
    network = understood.network
    if frames.outputs is None or not bool(frames.comparable.any()):
        return (), 0
    chosen = np.flatnonzero(frames.comparable)
    codes = [np.asarray(values[name])[chosen] for name in network.integer.outputs]
    if len(codes) > 1:
        return (), 0
    decoded = network.after.evaluate(*codes)
    wrong = compare_outputs(network, decoded, frames.outputs[chosen], codes[0])
    return tuple(int(chosen[k]) for k in wrong), len(chosen)


def first_mismatch(proof: IntegerProof) -> str:
    """The first thing that is wrong, in words; empty when nothing is."""
    if proof.agreement.mismatches:
        first: Mismatch = proof.agreement.mismatches[0]
        return str(first)
    if proof.given_mismatches:
        return f"frame {proof.given_mismatches[0]}: the given y is not what the integers stand for"
    return ""
