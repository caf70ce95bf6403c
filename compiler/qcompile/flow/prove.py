"""Rung 0 of the ladder, composed: reference, integer graph and exported integer model on the same frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qcompile.flow.prepare import Prepared, Understood
from qcompile.flow.vectors import Frames
from qcompile.frontend.constants import open_session, run_session
from qcompile.frontend.load import Model
from qcompile.frontend.reference import make_reference
from qcompile.ir.dataflow import Port
from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, IntArray
from qcompile.verify.integer import Agreement, compare, compare_outputs
from qcompile.verify.locate import evaluate


@dataclass(frozen=True, slots=True, eq=False)
class IntegerProof:
    """What the integer graph gave: its outputs (frames, elements) and how they agree with the original model.

    The other fields are frames: in which the user's own outputs are something else (of `given_compared` that could be
    compared), and in which model.int.onnx or the kernels' own reference differ from the integer graph.
    """

    outputs: tuple[IntArray, ...]
    agreement: Agreement
    given: frozenset[int]
    given_compared: int
    exported: frozenset[int]
    kernels: frozenset[int]

    @property
    def tied(self) -> frozenset[int]:
        """Frames in which the reference's own rounding decided."""
        return frozenset(tie.frame for tie in self.agreement.ties)

    @property
    def wrong(self) -> frozenset[int]:
        """Frames in which something differs without a tie to explain it."""
        differing = {m.frame for m in self.agreement.mismatches} | (self.given - self.tied)
        return frozenset(differing | self.exported | self.kernels)

    @property
    def fault(self) -> str:
        """The first thing that is wrong, in words; empty when nothing is."""
        if self.agreement.mismatches:
            return str(self.agreement.mismatches[0])
        for frames, what in (
            (self.given - self.tied, "the given y is not what the integers stand for"),
            (self.exported, "model.int.onnx gives other integers"),
            (self.kernels, "the kernels' own reference gives other integers"),
        ):
            if frames:
                return f"frame {min(frames)}: {what}"
        return ""


def prove_integers(
    prepared: Prepared, frames: Frames, shapes: Mapping[str, Shape], exported: Model, where: str
) -> IntegerProof:
    """Runs all frames through the original model, the integer graph, its ONNX export and the kernels' reference."""
    understood = prepared.understood
    network = understood.network
    values = network.integer.evaluate(*frames.codes)
    quantised = [tap for tap in network.taps if tap.value in values]
    taps = list(dict.fromkeys([tap.tensor for tap in quantised] + [tap.reads for tap in quantised if tap.reads]))
    produced = {name for node in understood.model.graph.node for name in node.output}
    reference = make_reference(understood.model, [name for name in taps if name in produced], shapes, where)
    tapped: dict[str, Array] = reference.run(*frames.inputs)
    tapped |= dict(zip(network.before.inputs, frames.inputs, strict=True))
    agreement = compare(network, understood.graph, tapped, {k: np.asarray(v) for k, v in values.items()})
    outputs = tuple(np.asarray(values[name]).reshape(agreement.frames, -1) for name in network.integer.outputs)
    given, compared = _given(understood, frames, values)
    sent = evaluate(prepared.dataflow, frames.codes)
    drivers = {channel.sink: channel.source for channel in prepared.dataflow.channels}
    kernels = [sent[drivers[Port(None, k)]] for k in range(len(outputs))]
    session = open_session(exported)
    feeds = {name: np.asarray(values[name], np.int64) for name in network.integer.inputs}
    results = run_session(session, list(network.integer.outputs), feeds)
    ours = [results[name] for name in network.integer.outputs]
    return IntegerProof(outputs, agreement, given, compared, _differing(ours, outputs), _differing(kernels, outputs))


def _differing(results: Sequence[Array], outputs: Sequence[IntArray]) -> frozenset[int]:
    """Frames in which results differ from the outputs of the integer graph."""
    wrong: set[int] = set()
    for result, output in zip(results, outputs, strict=True):
        wrong.update(map(int, np.flatnonzero((result.reshape(output.shape) != output).any(axis=1))))
    return frozenset(wrong)


def _given(understood: Understood, frames: Frames, values: Mapping[str, Array]) -> tuple[frozenset[int], int]:
    """Frames whose outputs, as the user gave them, are not what our integers stand for, and how many were compared."""
    network = understood.network
    chosen = np.flatnonzero(frames.comparable)
    if not frames.outputs or not chosen.size:
        return frozenset(), 0
    codes = [np.asarray(values[name])[chosen] for name in network.integer.outputs]
    wrong = compare_outputs(network, {name: array[chosen] for name, array in frames.outputs.items()}, codes)
    return frozenset(int(chosen[k]) for k in wrong), len(chosen)
