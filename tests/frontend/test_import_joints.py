"""Operators of two computed tensors: bits of the reference, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from qcompile.frontend.importer import import_model
from qcompile.ir.errors import CompilerError

from ..support.onnx_models import ModelBuilder, assert_exact, samples

RNG = np.random.default_rng


def other(b: ModelBuilder, shape: tuple[int, ...], rng: np.random.Generator) -> str:
    """A tensor of another shape that is computed from x (1, 3, 4)."""
    flat = b.node("Reshape", ["x", b.constant([1, 12], np.int64)])
    weights = np.zeros((12, int(np.prod(shape))))
    weights[rng.integers(0, 12, weights.shape[1]), np.arange(weights.shape[1])] = 1
    chosen = b.node("MatMul", [flat, b.constant(weights)])
    return b.node("Reshape", [chosen, b.constant(shape, np.int64)])


@pytest.mark.parametrize("operator", ["Add", "Sub", "Mul", "Sum"])
@pytest.mark.parametrize("shape", [(1, 3, 4), (3, 4), (1, 1, 4), (1, 3, 1), (4,), (1, 1, 1), (1, 1, 3, 4)])
@pytest.mark.parametrize("swap", [False, True])
def test_two_tensors(operator: str, shape: tuple[int, ...], swap: bool) -> None:
    rng = RNG(len(shape))
    b = ModelBuilder()
    ends = ["x", other(b, shape, rng)]
    assert_exact(b.model((1, 3, 4), b.node(operator, ends[::-1] if swap else ends)), samples(rng, (1, 3, 4)))


def test_a_sum_of_many_in_the_order_of_the_reference() -> None:
    b, rng = ModelBuilder(), RNG(1)
    ends = ["x", other(b, (4,), rng), other(b, (3, 1), rng), b.constant(rng.normal(size=(3, 4))), "x"]
    assert_exact(b.model((1, 3, 4), b.node("Sum", ends)), samples(rng, (1, 3, 4)))


@pytest.mark.parametrize("transposed", [0, 1])
def test_matrix_products(transposed: int) -> None:
    """Sums of small multiples of 1/4 are exact in any order."""
    b, rng = ModelBuilder(), RNG(2)
    x = rng.integers(-20, 20, (30, 1, 3, 4)).astype(np.float32) / 4
    y = b.node("Transpose", ["x"], {"perm": [0, 2, 1]})
    assert_exact(b.model((1, 3, 4), b.node("MatMul", ["x", y])), x)
    b = ModelBuilder()
    matrix = b.node("Reshape", ["x", b.constant([3, 4], np.int64)])
    second = matrix if transposed else b.node("Transpose", [matrix], {"perm": [1, 0]})
    operands = [matrix, second, b.constant(rng.integers(-9, 9, 3) / 2)]
    product = b.node("Gemm", operands, {"transB": transposed, "alpha": 0.5, "beta": 2.0})
    assert_exact(b.model((1, 3, 4), product), x)


@pytest.mark.parametrize(
    ("operator", "shapes", "words"),
    [
        ("Add", ((1, 3, 4), (1, 2, 4)), "are added"),
        ("Mul", ((1, 3, 4), (5,)), "are multiplied"),
        ("Div", ((1, 3, 4), (1, 3, 4)), "Div of two tensors that are both computed"),
        ("MatMul", ((1, 3, 4), (1, 3, 4)), "have no matrix product"),
        ("MatMul", ((1, 3, 4), (2, 4, 3)), "have no matrix product"),
    ],
)
def test_refused(operator: str, shapes: tuple[tuple[int, ...], ...], words: str) -> None:
    b, rng = ModelBuilder(), RNG(3)
    node = b.node(operator, [other(b, shape, rng) for shape in shapes])
    with pytest.raises(CompilerError, match=words) as error:
        import_model(b.model((1, 3, 4), node), "model.onnx")
    assert node in str(error.value)
