"""The original model on onnxruntime: real models against their stored outputs, taps, shapes and errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from qcompile.frontend.constants import open_session
from qcompile.frontend.inputs import input_shapes
from qcompile.frontend.load import load_model
from qcompile.frontend.lowering import lower
from qcompile.frontend.reference import make_reference
from qcompile.ir.errors import CompilerError
from tests.support.onnx_models import ModelBuilder, samples

GOLDEN = [
    "espcn_nnresize",
    "finn_tfc_multithreshold",
    "gtsrb_cnn_w2a3",
    "jettagging",
    "kws_dscnn_int8_qdq",
    "kwsmlp_w3a3",
    "resnet8_int8_qdq",
    "tfc_w1a1",
    "tfc_w2a2",
]


@pytest.mark.parametrize("name", GOLDEN)
def test_real_models_give_their_stored_outputs(name: str, shared_model: Callable[[str], Path]) -> None:
    path = shared_model(name)
    golden = np.load(path.with_suffix(".golden.npz"))
    model = load_model(path)
    (y,) = make_reference(model).run(golden["x"]).values()
    assert y.dtype == golden["y"].dtype
    assert np.array_equal(y.reshape(golden["y"].shape), golden["y"])


@pytest.mark.parametrize("name", ["tfc_w2a2", "kwsmlp_w3a3", "jettagging"])
def test_computing_weights_once_changes_no_bit(name: str, shared_model: Callable[[str], Path]) -> None:
    """Against one session that quantises the weights again for every frame, on random frames and for every tensor."""
    model = load_model(shared_model(name))
    shapes = input_shapes(model, name)
    made = [output for node in model.graph.node for output in node.output]
    reference = make_reference(model, made)
    whole = lower(model, shapes)
    whole.graph.output.extend(helper.make_empty_tensor_value_info(output) for output in made)
    session = open_session(whole)
    x = samples(np.random.default_rng(0), next(iter(shapes.values())), 20)
    tapped = reference.run(x)
    for frame in range(len(x)):
        expected = session.run(made, {next(iter(shapes)): x[frame]})
        for output, array in zip(made, expected, strict=True):
            assert np.array_equal(tapped[output][frame], array)


def two_layers(batch: int | str = 1) -> tuple[onnx.ModelProto, dict[str, str]]:
    rng = np.random.default_rng(1)
    builder = ModelBuilder(13)
    names = {"raw": builder.constant(rng.normal(size=(6, 3)))}
    names["codes"] = builder.quant("x", 0.5, bits=3)
    names["weights"] = builder.quant(names["raw"], 0.25, bits=3)
    names["sum"] = builder.node("MatMul", [names["codes"], names["weights"]])
    names["y"] = builder.node("Relu", [names["sum"]])
    return builder.model((batch, 6), names["y"]), names


def test_any_tensor_can_be_tapped() -> None:
    model, names = two_layers()
    x = samples(np.random.default_rng(2), (1, 6), 4)
    result = make_reference(model, [names[k] for k in ("codes", "weights", "raw", "sum")] + ["x"]).run(x)
    assert list(result) == [names[k] for k in ("y", "codes", "weights", "raw", "sum")] + ["x"]
    shapes = {k: result[names[k]].shape for k in names}
    assert shapes == {"y": (4, 1, 3), "codes": (4, 1, 6), "weights": (4, 6, 3), "raw": (4, 6, 3), "sum": (4, 1, 3)}
    assert np.array_equal(result["x"], x)
    assert np.array_equal(result[names["y"]], np.maximum(result[names["sum"]], 0))
    product = np.einsum("fbi,fio->fbo", result[names["codes"]], result[names["weights"]])
    assert np.array_equal(product, result[names["sum"]])


def test_the_batch_axis_may_be_left_out() -> None:
    model, names = two_layers()
    reference = make_reference(model)
    x = samples(np.random.default_rng(3), (1, 6), 4)
    assert np.array_equal(reference.run(x)[names["y"]], reference.run(x[:, 0])[names["y"]])
    assert np.array_equal(reference.run(x)[names["y"]][2:3], reference.run(x[2:3])[names["y"]])


def test_a_dynamic_batch_and_stated_shapes() -> None:
    fixed, names = two_layers()
    x = samples(np.random.default_rng(4), (1, 6), 4)
    expected = make_reference(fixed).run(x)[names["y"]]
    for batch, shapes in (("n", None), (64, {"": (1, 6)}), (64, {"x": (1, 6)})):
        model, _ = two_layers(batch)
        assert np.array_equal(make_reference(model, shapes=shapes).run(x)[names["y"]], expected)


def test_an_input_without_batch_axis() -> None:
    builder = ModelBuilder(13)
    y = builder.node("Mul", ["x", builder.constant(2.0)])
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert np.array_equal(make_reference(builder.model((4,), y)).run(x)[y], 2 * x)


def test_two_inputs() -> None:
    builder = ModelBuilder(13)
    y = builder.node("Sub", ["x", "z"])
    model = builder.model((1, 4), y)
    model.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 4]))
    x, z = (samples(np.random.default_rng(seed), (1, 4), 3) for seed in (5, 6))
    reference = make_reference(model)
    assert np.array_equal(reference.run(x, z)[y], x - z)
    for wrong in ((x,), (x, z, z), (x, z[:2])):
        with pytest.raises(CompilerError, match="the inputs x, z need"):
            reference.run(*wrong)


@pytest.mark.parametrize(("element", "dtype"), [(TensorProto.INT8, np.int8), (TensorProto.UINT8, np.uint8)])
def test_integer_inputs(element: int, dtype: type) -> None:
    builder = ModelBuilder(13)
    y = builder.node("Cast", ["x"], {"to": TensorProto.FLOAT})
    reference = make_reference(builder.model((1, 2), y, element=element))
    x = np.asarray([[[np.iinfo(dtype).min, np.iinfo(dtype).max]]])
    assert np.array_equal(reference.run(x.astype(dtype))[y], x)
    assert np.array_equal(reference.run(x.astype(np.float32))[y], x)
    for wrong in (x + 1, x - 0.5):
        with pytest.raises(CompilerError, match="hold other numbers"):
            reference.run(wrong)


@pytest.mark.parametrize("frames", [np.zeros((3, 5)), np.zeros((0, 6)), np.zeros((2, 2, 6))])
def test_frames_that_do_not_fit(frames: np.ndarray) -> None:
    model, _ = two_layers()
    with pytest.raises(CompilerError, match="do not fit the input 'x'"):
        make_reference(model).run(frames.astype(np.float32))


def test_a_tap_that_is_not_there() -> None:
    model, _ = two_layers()
    with pytest.raises(CompilerError, match="no tensor 'absent'") as caught:
        make_reference(model, ["absent"], where="model.onnx")
    assert caught.value.where == "model.onnx"


def test_a_model_that_fails_while_it_runs() -> None:
    builder = ModelBuilder(13)
    y = builder.node("Reshape", ["x", builder.node("Cast", ["x"], {"to": TensorProto.INT64})])
    reference = make_reference(builder.model((2,), y), shapes={"x": (2,)})
    assert reference.run(np.asarray([[1.0, 2.0]]))[y].shape == (1, 1, 2)
    with pytest.raises(CompilerError, match="onnxruntime cannot run the model"):
        reference.run(np.asarray([[3.0, 5.0]]))


def test_initialisers_among_the_inputs() -> None:
    """As old exports have them; they are not fed."""
    for ir_version in (3, 8):
        model, names = two_layers()
        expected = make_reference(model).run(np.ones((1, 1, 6)))[names["y"]]
        model.ir_version = ir_version
        for tensor in model.graph.initializer:
            model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
        reference = make_reference(model)
        assert list(reference.inputs) == ["x"]
        assert np.array_equal(reference.run(np.ones((1, 1, 6)))[names["y"]], expected)


def test_the_model_is_not_changed() -> None:
    model, names = two_layers("n")
    before = model.SerializeToString(deterministic=True)
    make_reference(model, [names["codes"]])
    assert model.SerializeToString(deterministic=True) == before


def test_branches_read_what_was_computed_early() -> None:
    """Control flow inside of a model: its branches read tensors from outside."""
    builder = ModelBuilder(13)
    w = builder.node("Neg", [builder.constant([1.0, 2.0])])
    some = builder.node("Greater", [builder.node("ReduceSum", ["x"], {"keepdims": 0}), builder.constant(0.0)])

    def branch(operator: str) -> onnx.GraphProto:
        out = helper.make_empty_tensor_value_info(f"{operator}_out")
        return helper.make_graph([helper.make_node(operator, ["x", w], [out.name])], operator, [], [out])

    y = builder.node("If", [some], {"then_branch": branch("Add"), "else_branch": branch("Mul")})
    x = np.asarray([[[1.0, 1.0]], [[-1.0, -1.0]]], np.float32)
    assert make_reference(builder.model((1, 2), y)).run(x)[y].tolist() == [[[0.0, -1.0]], [[1.0, 2.0]]]


def test_nodes_may_stand_in_any_order() -> None:
    model, names = two_layers()
    expected = make_reference(model).run(np.ones((1, 1, 6)))[names["y"]]
    nodes = list(reversed(model.graph.node))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    assert np.array_equal(make_reference(model).run(np.ones((1, 1, 6)))[names["y"]], expected)
