"""Rung 0 of the ladder, composed: reference, integer graph and exported integer model on the same frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from qcompile.dataflow.lut_layers import find_layers
from qcompile.flow.engines import prove_tables
from qcompile.flow.prepare import Prepared, Understood
from qcompile.flow.progress import Advance, unseen
from qcompile.flow.vectors import Frames
from qcompile.frontend.constants import Session, open_session, run_session
from qcompile.frontend.load import Model
from qcompile.frontend.reference import Reference, make_reference
from qcompile.frontend.standard_form import standard_form
from qcompile.ir.dataflow import Dataflow, Port
from qcompile.ir.graph import Graph, Shape, element_count
from qcompile.ir.types import Array, IntArray
from qcompile.luts.proof import NO_TABLES, TableProof
from qcompile.verify.integer import Agreement, compare, compare_outputs
from qcompile.verify.locate import evaluate

PART_ELEMENTS = 2**24
"""Elements of the integer graph's values, of all frames of a part together: some 128 MiB."""

DEFAULT_FRAMES, DEFAULT_ELEMENTS = 64, 2**28
"""Random frames to prove where nobody says how many, and how many elements they may have all together."""


@dataclass(frozen=True, slots=True, eq=False)
class IntegerProof:
    """What the integer graph gave: its outputs (frames, elements) and how they agree with the original model; `tables`
    are those of LUT netlists.

    The other fields are frames: in which the user's own outputs are something else (of `given_compared` that could be
    compared), and in which model.int.onnx or the kernels' own reference differ from the integer graph.
    """

    outputs: tuple[IntArray, ...]
    agreement: Agreement
    given: frozenset[int]
    given_compared: int
    exported: frozenset[int]
    kernels: frozenset[int]
    tables: TableProof = NO_TABLES

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
        if self.tables.fault:
            return f"a LUT netlist is not what its layer computes: {self.tables.fault}"
        for frames, what in (
            (self.given - self.tied, "the given y is not what the integers stand for"),
            (self.exported, "model.int.onnx gives other integers"),
            (self.kernels, "the kernels' own reference gives other integers"),
        ):
            if frames:
                return f"frame {min(frames)}: {what}"
        return ""


def prove_integers(
    prepared: Prepared, frames: Frames, shapes: Mapping[str, Shape], exported: Model, where: str, advance: Advance = unseen
) -> IntegerProof:
    """Runs all frames through the original model, the integer graph, its ONNX export and the kernels' reference.

    `advance` is told how many are done, of how many.
    """
    proof = prove_export(prepared.understood, frames, shapes, exported, where, prepared.dataflow, advance)
    integer = prepared.understood.network.integer
    return replace(proof, tables=prove_tables(integer, prepared.dataflow, find_layers(integer)))


def prove_export(
    understood: Understood,
    frames: Frames,
    shapes: Mapping[str, Shape],
    exported: Model,
    where: str,
    dataflow: Dataflow | None = None,
    advance: Advance = unseen,
) -> IntegerProof:
    """The same without tables of LUT netlists, and without kernels where there are none.

    A few frames at a time, so that memory is bounded by the size of one frame's tensors or by `PART_ELEMENTS`.
    """
    integer = understood.network.integer
    quantised = [tap for tap in understood.network.taps if tap.value in {*integer.inputs, *integer.values}]
    taps = list(dict.fromkeys([tap.tensor for tap in quantised] + [tap.reads for tap in quantised if tap.reads]))
    produced = {name for node in standard_form(understood.model).model.graph.node for name in node.output}
    reference = make_reference(understood.model, [name for name in taps if name in produced], shapes, where)
    prover = _Prover(understood, dataflow, reference, open_session(exported))
    count, size = len(frames.inputs[0]), max(1, PART_ELEMENTS // elements_of_a_frame(integer))
    parts = []
    for k in range(0, count, size):
        parts.append(prover.prove(frames.part(slice(k, k + size))))
        advance(min(count, k + size), count)
    return _joined(parts)


def default_frames(graph: Graph) -> int:
    """How many random frames to prove: fewer where frames are so large that it would take minutes."""
    return max(1, min(DEFAULT_FRAMES, DEFAULT_ELEMENTS // elements_of_a_frame(graph)))


def elements_of_a_frame(graph: Graph) -> int:
    """Elements of all values of a graph together, for one frame."""
    return sum(element_count(value.shape) for value in graph.values.values())


@dataclass(frozen=True, slots=True, eq=False)
class _Prover:
    """What all frames are proven with."""

    understood: Understood
    dataflow: Dataflow | None
    reference: Reference
    session: Session

    def prove(self, frames: Frames) -> IntegerProof:
        """The proof for these frames alone."""
        understood = self.understood
        network = understood.network
        values = network.integer.evaluate(*frames.codes)
        tapped: dict[str, Array] = self.reference.run(*frames.inputs)
        tapped |= dict(zip(network.before.inputs, frames.inputs, strict=True))
        agreement = compare(network, understood.graph, tapped, {k: np.asarray(v) for k, v in values.items()})
        outputs = tuple(np.asarray(values[name]).reshape(agreement.frames, -1) for name in network.integer.outputs)
        given, compared = _given(understood, frames, values)
        feeds = {name: np.asarray(values[name], np.int64) for name in network.integer.inputs}
        del values, tapped
        kernels: list[IntArray] = []
        if self.dataflow is not None:
            sent = evaluate(self.dataflow, frames.codes)
            drivers = {channel.sink: channel.source for channel in self.dataflow.channels}
            kernels = [sent[drivers[Port(None, k)]] for k in range(len(outputs))]
        results = run_session(self.session, list(network.integer.outputs), feeds)
        ours = [results[name] for name in network.integer.outputs]
        return IntegerProof(
            outputs, agreement, given, compared, _differing(ours, outputs), _differing(kernels, outputs[: len(kernels)])
        )


def _joined(parts: Sequence[IntegerProof]) -> IntegerProof:
    """One proof of frames that were proven in parts, one behind the other."""
    counts = [part.agreement.frames for part in parts]
    starts = [sum(counts[:k]) for k in range(len(parts))]
    agreements = [part.agreement for part in parts]
    return IntegerProof(
        outputs=tuple(np.concatenate(arrays) for arrays in zip(*(part.outputs for part in parts), strict=True)),
        agreement=Agreement(
            frames=sum(counts),
            compared=sum(agreement.compared for agreement in agreements),
            mismatches=tuple(
                replace(m, frame=m.frame + start)
                for a, start in zip(agreements, starts, strict=True)
                for m in a.mismatches
            ),
            ties=tuple(
                replace(t, frame=t.frame + start) for a, start in zip(agreements, starts, strict=True) for t in a.ties
            ),
        ),
        given=_numbered([part.given for part in parts], starts),
        given_compared=sum(part.given_compared for part in parts),
        exported=_numbered([part.exported for part in parts], starts),
        kernels=_numbered([part.kernels for part in parts], starts),
    )


def _numbered(parts: Sequence[frozenset[int]], starts: Sequence[int]) -> frozenset[int]:
    """Frames of parts as frames of the whole."""
    return frozenset(frame + start for part, start in zip(parts, starts, strict=True) for frame in part)


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
