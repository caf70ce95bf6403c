"""The shared fully connected models as integers: every quantiser, the last sum and the class, on golden and random frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest

from qcompile.frontend.importer import annotated_inputs, import_model
from qcompile.ir.types import Array, IntType
from qcompile.ops import ArgMax, MatMul, Threshold
from qcompile.ops.roles import Quantiser
from qcompile.transforms.walk import InputType
from tests.support.proving import Proof, assert_explained, assert_outputs, prove

PIXELS = InputType(IntType(8, False), 1 / 255)


@dataclass(frozen=True)
class Case:
    model: str
    kind: InputType | None = None
    quantisers: int = 4


CASES = [
    Case("tfc_w2a2"),
    Case("tfc_w1a1"),
    Case("kwsmlp_w3a3"),
    Case("jettagging", InputType(IntType(16, True), 2.0**-10), quantisers=3),
    Case("jettagging", InputType(IntType(8, True), 2.0**-4), quantisers=3),
    Case("jettagging", InputType(IntType(8, False), 2.0**-6), quantisers=3),
    Case("finn_tfc_multithreshold", InputType(IntType(8, False), 1.0)),
    Case("tfc_w2a2", PIXELS),
    Case("tfc_w1a1", PIXELS),
    Case("kwsmlp_w3a3", InputType(IntType(8, True), 1.0)),
]
NAMES = [f"{case.model}-{case.kind.element}" if case.kind else case.model for case in CASES]


def proof(path: Path, kind: InputType | None, x: Array) -> Proof:
    model = onnx.load(path)
    graph = import_model(model, path.name)
    return prove(model, {} if kind is None else dict.fromkeys(graph.inputs, kind), x)


def assert_complete(found: Proof, case: Case) -> None:
    """All quantisers and all sums of the model were compared, and all are right."""
    tapped = [tap for tap in found.network.taps if tap.tensor in found.reference]
    names = {tap.tensor for tap in tapped}
    quantisers = [node.output for node in found.graph.nodes if isinstance(node.op, Quantiser)]
    sums = [node.output for node in found.graph.nodes if isinstance(node.op, MatMul)]
    assert (len(quantisers), len(sums)) == (case.quantisers, 4)
    assert {*quantisers, *sums} <= names
    assert_explained(found)
    assert found.agreement.ties == ()


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_golden_frames(case: Case, shared_model: Callable[[str], Path]) -> None:
    path = shared_model(case.model)
    with np.load(path.with_suffix(".golden.npz")) as golden:
        x, y = golden["x"], golden["y"]
    found = proof(path, case.kind, x)
    assert_complete(found, case)
    (output,) = (o.name for o in found.model.graph.output)
    theirs = np.asarray(found.reference[output]).reshape(len(y), -1)
    if case.kind is None or case.model == "finn_tfc_multithreshold":
        assert np.allclose(theirs, y.reshape(len(y), -1), atol=1e-4)  # the golden file is what our reference gives
    ours = np.asarray(found.outputs[output]).reshape(len(y), -1)
    chosen = np.take_along_axis(ours, theirs.argmax(axis=1)[:, None], axis=1)[:, 0]
    assert np.array_equal(chosen, ours.max(axis=1))  # the same class, or one whose integer is just as great


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_random_frames(case: Case, shared_model: Callable[[str], Path]) -> None:
    path = shared_model(case.model)
    shape = [d.dim_value or 1 for d in onnx.load(path).graph.input[0].type.tensor_type.shape.dim]
    rng = np.random.default_rng(11)
    spread = {"tfc_w2a2": (0, 1), "tfc_w1a1": (0, 1), "kwsmlp_w3a3": (-128, 128), "jettagging": (-6, 6)}
    low, high = spread.get(case.model, (0, 255))
    found = proof(path, case.kind, rng.uniform(low, high, (200, *shape)).astype(np.float32))
    assert_complete(found, case)


@pytest.mark.parametrize("name", ["tfc_w2a2", "tfc_w1a1"])
def test_raw_pixels_meet_thresholds_in_front(name: str, shared_model: Callable[[str], Path]) -> None:
    """x / 255 * 2 - 1 and the first quantiser become thresholds on bytes, right for all 256 of them."""
    x = np.broadcast_to(np.arange(256)[:, None, None, None] / 255, (256, 1, 28, 28))
    found = proof(shared_model(name), PIXELS, x)
    first = found.network.integer.nodes[0]
    assert isinstance(first.op, Threshold) or isinstance(found.network.integer.nodes[1].op, Threshold)
    assert_explained(found)
    assert found.agreement.exact == 256


def test_finn_s_model_keeps_its_class_in_hardware(shared_model: Callable[[str], Path]) -> None:
    """TopK of one is an ArgMax, and the input type stands in the file."""
    path = shared_model("finn_tfc_multithreshold")
    assert set(annotated_inputs(onnx.load(path)).values()) == {"UINT8"}
    with np.load(path.with_suffix(".golden.npz")) as golden:
        x, y = golden["x"], golden["y"]
    found = proof(path, InputType(IntType(8, False), 1.0), x)
    assert isinstance(found.network.integer.nodes[-1].op, ArgMax)
    (output,) = (o.name for o in found.model.graph.output)
    assert np.array_equal(np.asarray(found.outputs[output]).ravel(), y.ravel())
    assert y.ravel()[:4].tolist() == [7, 2, 1, 0]
    assert_outputs(found, exact=True)
