"""The domain qonnx.custom_op.channels_last, against qonnx itself where that is installed, and in a whole network."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from qcompile.frontend.channels_last import DOMAIN, standardised
from qcompile.frontend.importer import import_model
from qcompile.frontend.load import load_model
from qcompile.ir.errors import CompilerError
from qcompile.ops import MatMul, Take
from tests.support.onnx_models import ModelBuilder, import_and_reference
from tests.support.proving import assert_exact, prove

UNET = Path(__file__).parents[2] / "../shared/models/tiny_unet_channels_last.onnx"
RNG = np.random.default_rng


def convolution(b: ModelBuilder, x: str, weights: str, rank: int = 4, **attributes: object) -> str:
    axes = rank - 2
    given = {"kernel_shape": [3] * axes, "strides": [1] * axes, "dilations": [1] * axes, "pads": [1] * 2 * axes}
    return b.node("Conv", [x, weights], {**given, "group": 1, **attributes}, domain=DOMAIN)


def pooled(b: ModelBuilder, x: str) -> str:
    return b.node("MaxPool", [x], {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [0, 0, 0, 0]}, domain=DOMAIN)


def weights(b: ModelBuilder, *shape: int) -> str:
    return b.quant(b.constant(RNG(sum(shape)).normal(0, 0.4, shape)), 0.25, 0.0, 3.0, narrow=1)


def normalised(b: ModelBuilder, x: str, channels: int) -> str:
    operands = [RNG(k).uniform(0.5, 2, channels) for k in range(4)]
    return b.node("BatchNormalization", [x, *(b.constant(operand) for operand in operands)], domain=DOMAIN)


@pytest.mark.parametrize("rank", [3, 4])
def test_convolution_by_definition(rank: int) -> None:
    """Weights (O, *kernel, I) and channels last on both sides, by sums in plain numpy."""
    b, rng = ModelBuilder(), RNG(1)
    w = rng.integers(-3, 4, (5, *[3] * (rank - 2), 2)).astype(np.float32)
    model = b.model((1, *[6] * (rank - 2), 2), convolution(b, "x", b.constant(w), rank))
    x = rng.integers(-8, 8, (3, 1, *[6] * (rank - 2), 2)).astype(np.float32)
    ours, reference = import_and_reference(model, x)
    padded = np.pad(x, ((0, 0), (0, 0), *[(1, 1)] * (rank - 2), (0, 0)))
    axes = tuple(range(2, rank))
    windows = np.lib.stride_tricks.sliding_window_view(padded, [3] * (rank - 2), axis=axes)
    expected = np.einsum("fbxic,oci->fbxo" if rank == 3 else "fbxycij,oijc->fbxyo", *(
        (windows.transpose(0, 1, 2, 4, 3), w.transpose(0, 2, 1)) if rank == 3 else (windows, w)
    ))
    assert np.array_equal(ours, expected)
    assert np.array_equal(reference, expected)


def network(b: ModelBuilder) -> str:
    x = b.quant(convolution(b, b.quant("x", 0.25), weights(b, 4, 3, 3, 2)), 0.5, 0.0, 4.0)
    x = b.quant(convolution(b, pooled(b, x), weights(b, 4, 3, 3, 1), group=4), 0.5, 0.0, 4.0)
    x = b.quant(normalised(b, x, 4), 0.5, 0.0, 4.0)
    return convolution(b, x, weights(b, 3, 1, 1, 4), kernel_shape=[1, 1], pads=[0, 0, 0, 0])


def test_a_network_needs_no_transposition() -> None:
    b = ModelBuilder()
    found = prove(b.model((1, 6, 8, 2), network(b)))
    assert_exact(found)
    operators = [type(node.op) for node in found.network.integer.nodes]
    assert Take not in operators
    assert operators.count(MatMul) == 2


@pytest.mark.parametrize("operator", ["Conv", "MaxPool", "BatchNormalization"])
def test_against_qonnx(operator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = pytest.importorskip("qonnx.custom_op.registry")
    wrapped = pytest.importorskip("qonnx.custom_op.channels_last.base_wrapped_op")
    monkeypatch.setattr(wrapped, "qonnx_make_model", partial(helper.make_model, ir_version=8))
    b, rng = ModelBuilder(), RNG(5)
    if operator == "Conv":
        y = convolution(b, "x", b.constant(rng.integers(-3, 4, (4, 3, 3, 1))), group=2, strides=[2, 1], pads=[1, 0, 1, 2])
    else:
        y = pooled(b, "x") if operator == "MaxPool" else normalised(b, "x", 2)
    model = b.model((1, 6, 8, 2), y)
    x = rng.integers(-8, 8, (1, 1, 6, 8, 2)).astype(np.float32)
    ours, reference = import_and_reference(model, x)
    context = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    context |= {"x": x[0], y: np.zeros_like(reference[0])}
    registry.getCustomOp(model.graph.node[-1]).execute_node(context, model.graph)
    assert np.array_equal(reference[0], context[y])
    np.testing.assert_allclose(ours[0], context[y], rtol=1e-6)


def test_names_are_those_of_the_model() -> None:
    b = ModelBuilder()
    y = convolution(b, "x", b.constant(np.ones((1, 3, 3, 5))))
    with pytest.raises(CompilerError) as caught:
        import_model(b.model((1, 6, 8, 2), y), "m")
    assert f"node_{y} (Conv)" in caught.value.why


def test_what_the_domain_does_not_have_is_refused() -> None:
    b = ModelBuilder()
    y = b.node("AveragePool", ["x"], {"kernel_shape": [2, 2]}, domain=DOMAIN)
    with pytest.raises(CompilerError, match=r"AveragePool of the domain qonnx\.custom_op\.channels_last"):
        import_model(b.model((1, 6, 8, 2), y), "m")


def test_other_models_stay_as_they_are() -> None:
    b = ModelBuilder()
    model = b.model((1, 4), b.node("Relu", ["x"]))
    assert standardised(model) is model


@pytest.mark.skipif(not UNET.exists(), reason="the shared models are not there")
def test_the_shared_network_is_read() -> None:
    model = load_model(UNET)
    graph = standardised(model).graph
    assert all(node.domain != DOMAIN for node in graph.node)
    assert len([node for node in graph.node if node.op_type == "Conv"]) == 40


def test_resizing_and_concatenation_of_channels_move_nothing() -> None:
    """A U-Net: each branch keeps its order, so only the nearest pixels are repeated."""
    b = ModelBuilder()
    x = b.quant(convolution(b, b.quant("x", 0.25), weights(b, 4, 3, 3, 2)), 0.5, 0.0, 4.0)
    y = b.quant(convolution(b, pooled(b, x), weights(b, 4, 3, 3, 4)), 0.5, 0.0, 4.0)
    scales = b.constant(np.asarray([1, 2, 2, 1], np.float32))
    attributes = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    y = b.quant(b.node("Resize", [y, "", scales], attributes), 0.5, 0.0, 4.0)
    z = b.node("Concat", [y, x], {"axis": -1})
    found = prove(b.model((1, 6, 8, 2), convolution(b, z, weights(b, 3, 1, 1, 8), kernel_shape=[1, 1], pads=[0] * 4)))
    assert_exact(found)
    moves = [node for node in found.network.integer.nodes if isinstance(node.op, Take)]
    assert len(moves) == 1
    index = found.network.integer.constants[moves[0].inputs[1]]
    assert np.all(np.diff(index, axis=-1) == 1)
