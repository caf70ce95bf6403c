"""Matrix products and what stands at the end of classifiers: the imported graph against the reference."""

from __future__ import annotations

import numpy as np
import pytest

from qcompile.frontend.importer import import_model
from qcompile.ir.errors import CompilerError
from qcompile.ops import ArgMax, MatMul, TopK
from tests.support.onnx_models import NEWEST, ModelBuilder, assert_exact, import_and_reference, samples

OPSETS = [7, 9, 11, 13, 17, NEWEST]


def integers(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Integers in float32: sums of their products are exact in any order."""
    return rng.integers(-8, 9, shape).astype(np.float32)


@pytest.mark.parametrize("constant_nodes", [False, True])
@pytest.mark.parametrize(
    ("shape", "weights"), [((1, 6), (6, 4)), ((1, 3, 6), (6, 4)), ((1, 6), (1, 6, 4)), ((1, 1, 6), (1, 1, 6, 4))]
)
def test_matmul(shape: tuple[int, ...], weights: tuple[int, ...], constant_nodes: bool) -> None:
    rng = np.random.default_rng(0)
    for opset in OPSETS:
        builder = ModelBuilder(opset, constant_nodes)
        y = builder.node("MatMul", ["x", builder.constant(integers(rng, weights))])
        assert_exact(builder.model(shape, y), integers(rng, (5, *shape)))


def test_matmul_with_transposed_quantised_weights() -> None:
    """As Brevitas exports a linear layer: the weights are quantised, then transposed, at run time."""
    rng = np.random.default_rng(1)
    builder = ModelBuilder(11)
    weights = builder.quant(
        builder.constant(rng.normal(size=(4, 6))), np.full((4, 1), 0.25, np.float32), bits=3, narrow=1
    )
    y = builder.node("MatMul", ["x", builder.node("Transpose", [weights], {"perm": [1, 0]})])
    assert_exact(builder.model((1, 6), y), integers(rng, (5, 1, 6)))


@pytest.mark.parametrize("trans_a", [0, 1])
@pytest.mark.parametrize("trans_b", [0, 1])
@pytest.mark.parametrize("bias", [None, (), (1,), (4,), (1, 4), (1, 1)])
@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 1.0), (0.5, 2.0), (2.0, 0.0)])
def test_gemm(trans_a: int, trans_b: int, bias: tuple[int, ...] | None, alpha: float, beta: float) -> None:
    rng = np.random.default_rng(2)
    for opset in OPSETS:
        if opset < 11 and bias is None:
            continue  # C became optional with operator set 11
        builder = ModelBuilder(opset)
        x = builder.node("Reshape", ["x", builder.constant([6, 1], np.int64)]) if trans_a else "x"
        inputs = [x, builder.constant(integers(rng, (4, 6) if trans_b else (6, 4)))]
        inputs += [] if bias is None else [builder.constant(integers(rng, bias))]
        attributes = {"alpha": alpha, "beta": beta, "transA": trans_a, "transB": trans_b}
        y = builder.node("Gemm", inputs, attributes)
        assert_exact(builder.model((1, 6), y), integers(rng, (5, 1, 6)))


@pytest.mark.parametrize("reason", ["left", "gemm_weights"])
def test_constants_times_activations_are_refused(reason: str) -> None:
    builder = ModelBuilder(13)
    if reason == "left":
        y = builder.node("MatMul", [builder.constant(np.ones((3, 1))), "x"])
    else:
        y = builder.node("Gemm", [builder.constant(np.ones((3, 1))), "x"])
    with pytest.raises(CompilerError, match=r"(MatMul|Gemm)"):
        import_model(builder.model((1, 4), y), "m")


def test_matmul_of_unequal_dimensions_is_refused() -> None:
    builder = ModelBuilder(13)
    y = builder.node("MatMul", ["x", builder.constant(np.ones((5, 3)))])
    with pytest.raises(CompilerError, match="cannot be multiplied"):
        import_model(builder.model((1, 4), y), "m")


@pytest.mark.parametrize("axis", [None, 0, 1, 2, -1])
@pytest.mark.parametrize("operator", ["Softmax", "LogSoftmax"])
@pytest.mark.parametrize("opset", [7, 11, 13, NEWEST])
def test_softmax_normalises_over_the_axes_of_its_operator_set(opset: int, operator: str, axis: int | None) -> None:
    if axis is not None and axis < 0:
        opset = max(opset, 11)  # the first to count axes from the end too
    builder = ModelBuilder(opset)
    y = builder.node(operator, ["x"], {} if axis is None else {"axis": axis})
    imported, reference = import_and_reference(
        builder.model((1, 3, 5), y), samples(np.random.default_rng(3), (1, 3, 5))
    )
    np.testing.assert_allclose(imported, reference, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("last", [None, 0, 1])
@pytest.mark.parametrize("axis", [None, 0, 1, 2, -1])
def test_argmax(axis: int | None, last: int | None, keepdims: int) -> None:
    for opset in (7, 11, 12, 13, NEWEST):
        if (opset < 12 and last is not None) or (opset < 11 and axis == -1):
            continue
        builder = ModelBuilder(opset)
        attributes = {"keepdims": keepdims, "select_last_index": last, "axis": axis}
        y = builder.node("ArgMax", ["x"], {k: v for k, v in attributes.items() if v is not None})
        x = np.random.default_rng(4).integers(-2, 3, (30, 1, 3, 5)).astype(np.float32)
        assert_exact(builder.model((1, 3, 5), y), x)


@pytest.mark.parametrize("opset", [7, 10, 11, NEWEST])
@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize("output", [0, 1])
@pytest.mark.parametrize("axis", [-1, 1])
def test_topk(opset: int, k: int, largest: int, output: int, axis: int) -> None:
    if not largest:
        opset = max(opset, 11)  # the first with the least elements
    builder = ModelBuilder(opset)
    if opset < 10:
        values = builder.node("TopK", ["x"], {"k": k, "axis": axis}, outputs=2)
    else:
        attributes = {"axis": axis} | ({"largest": largest, "sorted": 1} if opset >= 11 else {})
        values = builder.node("TopK", ["x", builder.constant([k], np.int64)], attributes, outputs=2)
    x = np.random.default_rng(5).integers(-2, 3, (30, 1, 5, 5)).astype(np.float32)
    assert_exact(builder.model((1, 5, 5), values if output == 0 else f"{values}.1"), x)


def test_topk_of_one_is_an_argmax() -> None:
    for largest, kind in ((1, ArgMax), (0, TopK)):
        builder = ModelBuilder(13)
        values = builder.node("TopK", ["x", builder.constant([1], np.int64)], {"largest": largest}, outputs=2)
        graph = import_model(builder.model((1, 5), f"{values}.1"), "m")
        assert [type(node.op) for node in graph.nodes] == [kind]


def test_topk_of_too_many_and_without_order_is_refused() -> None:
    for k, attributes, reason in ((9, {}, "exceeds"), (2, {"sorted": 0}, "sorted=0")):
        builder = ModelBuilder(13)
        values = builder.node("TopK", ["x", builder.constant([k], np.int64)], attributes, outputs=2)
        with pytest.raises(CompilerError, match=reason):
            import_model(builder.model((1, 5), f"{values}.1"), "m")


def test_weights_keep_their_codes() -> None:
    builder = ModelBuilder(13)
    weights = builder.quant(builder.constant([[0.3, -0.6], [0.9, 5.0]]), 0.5, bits=3)
    graph = import_model(builder.model((1, 2), builder.node("MatMul", ["x", weights])), "m")
    decode, product = graph.nodes
    assert isinstance(product.op, MatMul)
    assert graph.constants[decode.inputs[0]].tolist() == [[1, -1], [2, 3]]
    assert decode.origin == product.origin
