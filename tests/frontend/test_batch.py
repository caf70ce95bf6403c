"""Models that hold several frames: compiled for one, refused where an operator mixes them."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from qcompile.frontend.batch import batch_of, one_frame
from qcompile.frontend.constants import open_session, run_session
from qcompile.frontend.importer import import_model
from qcompile.frontend.lowering import lower
from qcompile.frontend.reference import make_reference
from qcompile.ir.errors import CompilerError
from tests.support.onnx_models import ModelBuilder, import_and_reference
from tests.support.proving import assert_exact, prove

RNG = np.random.default_rng
BATCH = 3


def weights(b: ModelBuilder, *shape: int) -> str:
    return b.quant(b.constant(RNG(sum(shape)).normal(0, 0.4, shape)), 0.25, 0.0, 3.0, narrow=1)


def network(b: ModelBuilder, batch: int, target: list[int]) -> str:
    """The Reshape names the frames."""
    x = b.node("Conv", [b.quant("x", 0.25), weights(b, 4, 2, 3, 3)], {"pads": [1, 1, 1, 1]})
    x = b.quant(b.node("MaxPool", [x], {"kernel_shape": [2, 2], "strides": [2, 2]}), 0.5, 0.0, 4.0)
    x = b.node("Reshape", [x, b.constant([batch if size == BATCH else size for size in target], np.int64)])
    return b.node("MatMul", [x, weights(b, 4 * 2 * 3, 5)])


@pytest.mark.parametrize("target", [[BATCH, -1], [BATCH, 24], [-1, 24], [0, -1]])
@pytest.mark.parametrize("constant_nodes", [False, True])
def test_each_frame_is_computed_as_in_the_batch(target: list[int], constant_nodes: bool) -> None:
    b = ModelBuilder(constant_nodes=constant_nodes)
    y = network(b, BATCH, target)
    model = b.model((BATCH, 2, 4, 6), y)
    assert_exact(prove(model))
    x = RNG(0).normal(size=(BATCH, 2, 4, 6)).astype(np.float32)
    together = onnx_session(model, x)
    assert np.array_equal(make_reference(model).run(x)[y].reshape(together.shape), together)


def onnx_session(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    """The model as it is, its batch at once."""
    lowered = lower(model, {"x": x.shape})
    lowered.graph.output.append(helper.make_empty_tensor_value_info(model.graph.output[0].name))
    return run_session(open_session(lowered), [model.graph.output[0].name], {"x": x})[model.graph.output[0].name]


def test_frames_and_steps_in_one_axis() -> None:
    """Reshape to frames times steps and back."""
    b = ModelBuilder()
    x = b.node("Reshape", ["x", b.constant([BATCH * 4, 6], np.int64)])
    x = b.node("Reshape", [b.node("Relu", [x]), b.constant([BATCH, 4, 6], np.int64)])
    model = b.model((BATCH, 4, 6), x)
    frames = RNG(0).normal(size=(2, 1, 4, 6)).astype(np.float32)
    ours, reference = import_and_reference(model, frames)
    assert np.array_equal(ours, reference)


@pytest.mark.parametrize(
    ("operator", "attributes", "constant"),
    [
        ("Transpose", {"perm": [1, 0, 2]}, None),
        ("Softmax", {"axis": 0}, None),
        ("Reshape", {}, [4, BATCH * 6]),
        ("Mul", {}, np.arange(BATCH * 24, dtype=np.float32).reshape(BATCH, 4, 6)),
        ("Concat", {"axis": 0}, np.ones((1, 4, 6), np.float32)),
        ("ReduceMean", {"axes": [0]}, None),
    ],
)
def test_what_mixes_frames_is_refused_by_name(operator: str, attributes: dict[str, object], constant: object) -> None:
    b = ModelBuilder()
    inputs = [b.node("Relu", ["x"])]
    if constant is not None:
        inputs.append(b.constant(constant, np.int64 if operator == "Reshape" else np.float32))
    y = b.node(operator, inputs, attributes)
    with pytest.raises(CompilerError) as caught:
        import_model(b.model((BATCH, 4, 6), y), "m")
    assert f"node_{y} ({operator})" in caught.value.why


def test_a_transposition_of_the_frames_is_refused_as_that() -> None:
    b = ModelBuilder()
    y = b.node("Transpose", ["x"], {"perm": [1, 0, 2]})
    with pytest.raises(CompilerError, match="it mixes the 3 frames of a batch"):
        import_model(b.model((BATCH, 4, 6), b.node("Relu", [y])), "m")


def test_inputs_of_differing_batches_are_refused() -> None:
    b = ModelBuilder()
    model = b.model((BATCH, 4), b.node("Relu", ["x"]), b.node("Relu", ["z"]))
    model.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, (2, 4)))
    assert batch_of(model) == 1
    with pytest.raises(CompilerError, match="has a batch axis of 3"):
        import_model(model, "m")


def test_models_for_one_frame_stay_as_they_are() -> None:
    b = ModelBuilder()
    model = b.model((1, 4), b.node("Relu", ["x"]))
    assert one_frame(model) is model
