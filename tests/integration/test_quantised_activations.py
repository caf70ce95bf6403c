"""Activation functions between quantisers of 8 bits, as one operator and as exporters take them apart: exact in integers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from qcompile.ops import Lookup, Threshold
from tests.support.onnx_models import NEWEST, ModelBuilder
from tests.support.proving import Proof, assert_exact, assert_explained, prove

FUNCTIONS: dict[str, dict[str, object]] = {
    "Celu": {"alpha": 0.7},
    "Elu": {"alpha": 0.5},
    "Gelu": {},
    "HardSigmoid": {"alpha": 0.25},
    "HardSwish": {},
    "LeakyRelu": {"alpha": 0.1},
    "Mish": {},
    "Selu": {},
    "Sigmoid": {},
    "Softplus": {},
    "Tanh": {},
}


def silu(b: ModelBuilder, x: str) -> str:
    return b.node("Mul", [x, b.node("Sigmoid", [x])])


def hard_swish(b: ModelBuilder, x: str) -> str:
    gate = b.node("Clip", [b.node("Add", [x, b.constant(3.0)]), b.constant(0.0), b.constant(6.0)])
    return b.node("Div", [b.node("Mul", [x, gate]), b.constant(6.0)])


def gelu(b: ModelBuilder, x: str) -> str:
    erf = b.node("Erf", [b.node("Div", [x, b.constant(np.sqrt(2.0))])])
    return b.node("Mul", [b.node("Mul", [x, b.node("Add", [erf, b.constant(1.0)])]), b.constant(0.5)])


def quantised_gate(b: ModelBuilder, x: str) -> str:
    gate = linear(b, b.node("Sigmoid", [x]), 1 / 256, -128, np.int8)
    return b.node("Mul", [x, gate])


APART: dict[str, Callable[[ModelBuilder, str], str]] = {
    "silu": silu,
    "hard swish": hard_swish,
    "gelu": gelu,
    "sigmoid with a quantiser, then the product": quantised_gate,
}


def linear(b: ModelBuilder, x: str, scale: float, zero: int, kind: type[np.generic]) -> str:
    operands = [b.constant(scale), b.constant(zero, kind)]
    return b.node("DequantizeLinear", [b.node("QuantizeLinear", [x, *operands]), *operands])


def network(write: Callable[[ModelBuilder, str], str], kind: type[np.generic], *, on_sums: bool, scale: float) -> Proof:
    """A dense layer, the function on its sums or on 8-bit codes of them, and another dense layer."""
    rng, b = np.random.default_rng(5), ModelBuilder(NEWEST)
    zero = 20 if kind == np.int8 else 131

    def weights(rows: int, columns: int) -> str:
        codes = [b.constant(rng.integers(-90, 90, (rows, columns)), np.int8), b.constant(0.0078125)]
        return b.node("DequantizeLinear", [*codes, b.constant(0, np.int8)])

    x = b.node("MatMul", [linear(b, "x", 0.03125, 3, np.int8), weights(6, 5)])
    x = x if on_sums else linear(b, x, scale, zero, kind)
    x = linear(b, write(b, x), scale / 2, zero, kind)
    return prove(b.model((1, 6), b.node("MatMul", [x, weights(5, 3)])), frames=60)


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_on_codes(function: str, kind: type[np.generic]) -> None:
    """256 integers go in: a table, or thresholds."""
    found = network(lambda b, x: b.node(function, [x], FUNCTIONS[function]), kind, on_sums=False, scale=0.0625)
    assert_exact(found)
    kinds = [type(node.op) for node in found.network.integer.nodes]
    assert kinds.count(Threshold) + kinds.count(Lookup) == 2


@pytest.mark.parametrize("function", FUNCTIONS)
def test_on_sums(function: str) -> None:
    """Scales that are no powers of two as well."""
    for scale in (0.0625, 0.0713):
        found = network(lambda b, x: b.node(function, [x], FUNCTIONS[function]), np.int8, on_sums=True, scale=scale)
        assert_explained(found)


@pytest.mark.parametrize("on_sums", [False, True])
@pytest.mark.parametrize("form", APART)
def test_taken_apart(form: str, on_sums: bool) -> None:
    """Both factors are functions of the same integers."""
    found = network(APART[form], np.int8, on_sums=on_sums, scale=0.0625)
    assert_explained(found)
