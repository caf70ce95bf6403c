"""What has no exact integer form is refused by name, all of it at once."""

from __future__ import annotations

import numpy as np
import pytest

from qcompile.ir.errors import CompilerError
from tests.support.onnx_models import ModelBuilder
from tests.support.proving import prove

RNG = np.random.default_rng


def quantised_weights(b: ModelBuilder, rows: int, columns: int, scale: object = 0.25, zero_point: object = 0.0) -> str:
    real = RNG(rows * 100 + columns).normal(size=(rows, columns))
    return b.quant(b.constant(real), scale, zero_point, 4.0)


def test_nothing_quantises_the_input() -> None:
    b = ModelBuilder()
    y = b.node("MatMul", ["x", quantised_weights(b, 8, 6)])
    with pytest.raises(CompilerError, match="reaches MatMul without being quantised; state the type"):
        prove(b.model((1, 8), y))


def test_all_refusals_come_at_once() -> None:
    b = ModelBuilder()
    h = b.node("MatMul", [b.quant("x"), b.constant(RNG(0).normal(size=(8, 4)))])
    other = b.node("MatMul", [b.node("Sigmoid", [b.quant("x", 0.5)]), quantised_weights(b, 8, 4)])
    with pytest.raises(CompilerError) as error:
        prove(b.model((1, 8), h, other))
    assert f"node_{h}: its weights are not quantised" in str(error.value)
    assert f"node_{other}: its input is not quantised" in str(error.value)


def test_what_only_the_host_computes_goes_nowhere_else() -> None:
    """Softmax in the middle of a network: refused by name wherever its result would be needed again."""

    def softmax(b: ModelBuilder) -> tuple[str, str]:
        q = b.quant("x")
        return q, b.node("Softmax", [b.node("MatMul", [q, quantised_weights(b, 8, 4)])], {"axis": -1})

    for name, words in {
        "quantised product": "MatMul behind an operator that only the host computes",
        "product": "MatMul behind an operator that only the host computes",
        "sum": "it joins what only the host computes",
        "sum of two": "it joins what only the host computes",
    }.items():
        b = ModelBuilder()
        q, s = softmax(b)
        match name:
            case "quantised product":
                y = b.node("MatMul", [b.quant(s), quantised_weights(b, 4, 3)])
            case "product":
                y = b.node("MatMul", [s, quantised_weights(b, 4, 3)])
            case "sum":
                y = b.node("Add", [s, b.node("MatMul", [q, quantised_weights(b, 8, 4)])])
            case _:
                y = b.node("Add", [s, softmax(b)[1]])
        if "sum" in name:
            y = b.node("MatMul", [b.quant(y), quantised_weights(b, 4, 3)])
        with pytest.raises(CompilerError, match=words):
            prove(b.model((1, 8), y))
