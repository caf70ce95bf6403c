"""The user's own outputs, held against what our integers stand for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from qcompile.ir.types import Array
from qcompile.verify.integer import compare_outputs
from tests.support.onnx_models import ModelBuilder
from tests.support.proving import Proof, prove

FRAMES = 40


def network(tail: Callable[[ModelBuilder, str], str]) -> Proof:
    rng = np.random.default_rng(3)
    b = ModelBuilder()
    w = b.quant(b.constant(rng.normal(size=(8, 5))), 0.3, 0.0, 4.0)
    y = b.node("MatMul", [b.quant("x", 0.1, 0.0, 4.0), w])
    return prove(b.model((1, 8), tail(b, y)), frames=FRAMES)


TAILS: dict[str, Callable[[ModelBuilder, str], str]] = {
    "nothing": lambda b, y: y,
    "affine": lambda b, y: b.node("Add", [b.node("Mul", [y, b.constant([1, -2, 0.5, 3, 1e-3])]), b.constant(-2.5)]),
    "softmax": lambda b, y: b.node("Softmax", [y], {"axis": -1}),
    "relu": lambda b, y: b.node("Relu", [y]),
    "sigmoid": lambda b, y: b.node("Sigmoid", [b.node("Mul", [y, b.constant(20.0)])]),
}


def wrong_frames(proof: Proof, given: Array) -> list[int]:
    (name,) = proof.network.after.outputs
    codes = [proof.values[integers] for integers in proof.network.integer.outputs]
    return [int(frame) for frame in compare_outputs(proof.network, {name: given}, codes)]


@pytest.mark.parametrize("tail", TAILS)
def test_the_model_s_own_outputs_agree(tail: str) -> None:
    proof = network(TAILS[tail])
    reference = np.asarray(proof.reference[proof.model.graph.output[0].name])
    assert wrong_frames(proof, reference) == []
    noise = 1 + np.random.default_rng(0).uniform(-4e-7, 4e-7, reference.shape)
    assert wrong_frames(proof, (reference * noise).astype(np.float32)) == []
    assert wrong_frames(proof, reference.astype(np.float64).reshape(FRAMES, -1)) == []


@pytest.mark.parametrize("tail", ["nothing", "affine", "softmax"])
@pytest.mark.parametrize("change", [1, -1])
def test_one_integer_off_is_found(tail: str, change: int) -> None:
    proof = network(TAILS[tail])
    (name,) = proof.network.integer.outputs
    codes = np.array(proof.values[name])
    codes[7, 2] += change
    given = np.asarray(proof.network.after.evaluate(codes)[proof.network.after.outputs[0]])
    assert wrong_frames(proof, given) == [7]


def test_where_the_output_does_not_move_a_wrong_number_is_found_still() -> None:
    proof = network(TAILS["relu"])
    given = np.array(proof.outputs[proof.network.after.outputs[0]])
    frame, _, element = np.argwhere(given == 0)[0]
    given[frame, 0, element] = 0.01
    assert wrong_frames(proof, given) == [frame]


def test_classes_must_be_the_same() -> None:
    proof = network(lambda b, y: b.node("ArgMax", [y], {"axis": -1}))
    given = np.array(proof.outputs[proof.network.after.outputs[0]])
    assert wrong_frames(proof, given) == []
    given[3] = (given[3] + 1) % 5
    assert wrong_frames(proof, given) == [3]
