"""A model, its integers and the reference on the same frames: everything that proves streamlining, in one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import onnx

from qcompile.frontend.constants import open_session, run_session
from qcompile.frontend.export import export_integer
from qcompile.frontend.importer import import_model
from qcompile.frontend.reference import make_reference
from qcompile.frontend.standard_form import standard_form
from qcompile.ir.graph import Graph
from qcompile.ir.network import Network
from qcompile.ir.types import Array, IntArray
from qcompile.ops import ArgMax, TopK
from qcompile.transforms.passes import run_passes
from qcompile.transforms.streamline import streamline
from qcompile.transforms.walk import InputType
from qcompile.verify.evidence import decoded
from qcompile.verify.integer import Agreement, compare
from qcompile.verify.stimulus import encode, random_frames


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """A model on some frames.

    `graph` is the model in real arithmetic, `reference` the tensors of onnxruntime and `values` those of the integer graph,
    `outputs` the model's outputs computed by the host from the accelerator's integers.
    """

    model: onnx.ModelProto
    graph: Graph
    network: Network
    reference: Mapping[str, Array]
    values: Mapping[str, IntArray]
    outputs: Mapping[str, Array]

    @property
    def agreement(self) -> Agreement:
        """Every tapped tensor, frame by frame."""
        return compare(self.network, self.graph, self.reference, self.values)

    def with_network(self, network: Network) -> Proof:
        """The same frames through another network in place of ours (a faulty one, say)."""
        codes = tuple(self.values[name] for name in self.network.integer.inputs)
        return replace(self, network=network, values=run_integers(network, codes))


def run_integers(network: Network, codes: tuple[IntArray, ...]) -> dict[str, IntArray]:
    """Every value of the integer graph."""
    return {name: np.asarray(array) for name, array in network.integer.evaluate(*codes).items()}


def prove(
    model: onnx.ModelProto,
    types: Mapping[str, InputType] | None = None,
    x: Array | None = None,
    frames: int = 24,
    passes: bool = True,
    upsample: str = "auto",
) -> Proof:
    """Compiles a model to integers and runs random frames, or the frames `x` of its only input, both ways; `upsample` as in
    `run_passes`.
    """
    graph = import_model(model, "model.onnx")
    assert graph.check() == ()
    network = streamline(graph, types or {})
    assert network.integer.check() == ()
    inputs = random_frames(network.before, frames, seed=1) if x is None else (np.asarray(x, np.float32),)
    codes = encode(network.before, inputs)
    if passes:
        network = run_passes(network, codes, upsample=upsample)
    values = run_integers(network, codes)
    inputs = tuple(
        _typed(network, name, given, values) for name, given in zip(network.before.inputs, inputs, strict=True)
    )
    produced = {name for node in standard_form(model).model.graph.node for name in node.output}
    wanted = [name for tap in network.taps for name in (tap.tensor, tap.reads) if name in produced]
    reference = make_reference(model, list(dict.fromkeys(wanted))).run(*inputs)
    outputs = network.after.evaluate(*(values[name] for name in network.integer.outputs))
    return Proof(
        model, graph, network, {**reference, **dict(zip(network.before.inputs, inputs, strict=True))}, values, outputs
    )


def _typed(network: Network, name: str, given: Array, values: Mapping[str, IntArray]) -> Array:
    """An input whose type was stated is what its integers stand for."""
    tap = next((tap for tap in network.taps if tap.tensor == name), None)
    return given if tap is None else decoded(tap, values[tap.value], given.shape[1:])


def assert_exported(proof: Proof) -> None:
    """The integer model on stock onnxruntime gives the integers of the graph."""
    graph = proof.network.integer
    session = open_session(export_integer(graph))
    results = run_session(session, list(graph.outputs), {name: proof.values[name] for name in graph.inputs})
    for name in graph.outputs:
        assert np.array_equal(results[name], proof.values[name])


def assert_within_ranges(proof: Proof) -> None:
    """Every integer lies in the range of its channel, from which hardware takes its widths."""
    for name, value in proof.network.integer.values.items():
        assert value.range is not None
        rows = proof.values[name].reshape(-1, proof.values[name].shape[-1])
        assert np.all((value.range.lo <= rows) & (rows <= value.range.hi)), name


def assert_outputs(proof: Proof, exact: bool) -> None:
    """What the host makes of the integers is the model's output, numbers but for their last bits.

    Indices are compared where sums are exact; nothing where the host computes a function that jumps and they are not.
    """
    jumps = {"Ceil", "Floor", "Round", "ThresholdedRelu"}
    if not exact and any(getattr(node.op, "function", "") in jumps for node in proof.network.after.nodes):
        return
    agreement = proof.agreement
    agreed = np.ones(agreement.frames, bool)
    for entry in (*agreement.ties, *agreement.mismatches):
        agreed[entry.frame] = False
    for output in proof.model.graph.output:
        ours, theirs = np.asarray(proof.outputs[output.name]), np.asarray(proof.reference[output.name])
        assert ours.shape == theirs.shape
        node = proof.graph.producer(output.name)
        if node is not None and isinstance(node.op, (ArgMax, TopK)) and not getattr(node.op, "values", False):
            assert not exact or np.array_equal(ours, theirs)
            continue
        ours, theirs = (np.where(np.isinf(a), np.inf, a) for a in (ours, theirs))  # a pole at zero, whose sign is moot
        size = float(np.abs(theirs[np.isfinite(theirs)]).max(initial=1.0))
        assert np.allclose(ours[agreed], theirs[agreed], rtol=1e-4, atol=1e-4 * size, equal_nan=True)


def assert_exact(proof: Proof) -> None:
    """Every integer, the export and the outputs agree, without a tie."""
    agreement = proof.agreement
    assert agreement.compared > 0
    assert agreement.mismatches == ()
    assert agreement.ties == ()
    assert_within_ranges(proof)
    assert_exported(proof)
    assert_outputs(proof, exact=True)


def assert_explained(proof: Proof) -> None:
    """The same, with ties of the reference."""
    agreement = proof.agreement
    assert agreement.compared > 0
    assert agreement.mismatches == ()
    assert_within_ranges(proof)
    assert_exported(proof)
    assert_outputs(proof, exact=False)
