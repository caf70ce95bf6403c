"""Layout operators and constant subgraphs: the imported graph against the reference."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto

from qcompile.frontend.importer import import_model
from qcompile.ir.errors import CompilerError
from qcompile.ops import OPS
from tests.support.onnx_models import NEWEST, ModelBuilder, assert_exact, samples

OPSETS = [7, 9, 11, 13, 17, NEWEST]
NEGATIVE_AXES = 11
"""The first operator set that counts axes from the end too."""

SHAPE = (1, 2, 3, 4)


def frames(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return samples(np.random.default_rng(0), shape, 3)


@pytest.mark.parametrize("axis", [0, 1, 2, 4, -1, -3, None])
@pytest.mark.parametrize("opset", OPSETS)
def test_flatten(opset: int, axis: int | None) -> None:
    if axis is not None and axis < 0:
        opset = max(opset, NEGATIVE_AXES)
    builder = ModelBuilder(opset)
    y = builder.node("Flatten", ["x"], {} if axis is None else {"axis": axis})
    assert_exact(builder.model(SHAPE, y), frames())


@pytest.mark.parametrize("constant_nodes", [False, True])
@pytest.mark.parametrize(
    "target", [[1, 24], [1, -1], [-1, 24], [0, -1], [0, 0, 12], [0, 3, -1, 2], [24], [-1], [2, 3, 4]]
)
def test_reshape(target: list[int], constant_nodes: bool) -> None:
    for opset in OPSETS:
        if opset < 9 and constant_nodes:
            continue  # Constant has only real numbers there
        builder = ModelBuilder(opset, constant_nodes)
        y = builder.node("Reshape", ["x", builder.constant(target, np.int64)])
        assert_exact(builder.model(SHAPE, y), frames())


def test_reshape_with_allowzero() -> None:
    builder = ModelBuilder(14)
    y = builder.node("Reshape", ["x", builder.constant([1, 24], np.int64)], {"allowzero": 1})
    assert_exact(builder.model(SHAPE, y), frames())


@pytest.mark.parametrize("target", [[5, -1], [7], [-1, -1], [0, 0, 0, 0, 0], [0, 3, 3], [-2, 12]])
def test_reshape_that_does_not_fit_is_refused(target: list[int]) -> None:
    builder = ModelBuilder(13)
    y = builder.node("Reshape", ["x", builder.constant(target, np.int64)])
    with pytest.raises(CompilerError, match="Reshape"):
        import_model(builder.model(SHAPE, y), "m")


def squeeze(builder: ModelBuilder, operator: str, axes: list[int] | None) -> str:
    if builder.opset < 13:
        return builder.node(operator, ["x"], {} if axes is None else {"axes": axes})
    return builder.node(operator, ["x"] if axes is None else ["x", builder.constant(axes, np.int64)])


@pytest.mark.parametrize("axes", [None, [0], [2], [0, 2], [2, 0], [-2], [0, -2]])
@pytest.mark.parametrize("opset", OPSETS)
def test_squeeze(opset: int, axes: list[int] | None) -> None:
    if axes and min(axes) < 0:
        opset = max(opset, NEGATIVE_AXES)
    builder = ModelBuilder(opset)
    y = squeeze(builder, "Squeeze", axes)
    assert_exact(builder.model((1, 3, 1, 4), y), frames((1, 3, 1, 4)))


@pytest.mark.parametrize("axes", [[0], [2], [4], [0, 2], [3, 1], [-1], [-1, 0]])
@pytest.mark.parametrize("opset", OPSETS)
def test_unsqueeze(opset: int, axes: list[int]) -> None:
    if min(axes) < 0:
        opset = max(opset, NEGATIVE_AXES)
    builder = ModelBuilder(opset)
    y = squeeze(builder, "Unsqueeze", axes)
    assert_exact(builder.model((1, 3, 2, 4), y), frames((1, 3, 2, 4)))


@pytest.mark.parametrize("operator", ["Squeeze", "Unsqueeze"])
def test_axes_that_do_not_fit_are_refused(operator: str) -> None:
    for axes in ([1], [7]) if operator == "Squeeze" else ([7], [0, 0]):
        builder = ModelBuilder(13)
        y = squeeze(builder, operator, axes)
        with pytest.raises(CompilerError, match=operator):
            import_model(builder.model(SHAPE, y), "m")


@pytest.mark.parametrize("perm", [None, [0, 1, 2, 3], [0, 2, 3, 1], [0, 3, 1, 2], [3, 2, 1, 0]])
@pytest.mark.parametrize("opset", OPSETS)
def test_transpose(opset: int, perm: list[int] | None) -> None:
    builder = ModelBuilder(opset)
    y = builder.node("Transpose", ["x"], {} if perm is None else {"perm": perm})
    assert_exact(builder.model(SHAPE, y), frames())


def test_identity_and_dropout() -> None:
    for opset in OPSETS:
        builder = ModelBuilder(opset)
        inputs = [builder.node("Identity", ["x"])]
        if opset >= 12:
            inputs += [builder.constant(0.5), builder.constant(False, np.bool_)]
        y = builder.node("Relu", [builder.node("Dropout", inputs, {} if opset >= 12 else {"ratio": 0.5}, outputs=2)])
        assert_exact(builder.model(SHAPE, y), frames())


def test_dropout_in_training_mode_is_refused() -> None:
    builder = ModelBuilder(13)
    y = builder.node("Dropout", ["x", builder.constant(0.5), builder.constant(True, np.bool_)])
    with pytest.raises(CompilerError, match="training mode"):
        import_model(builder.model(SHAPE, y), "m")


@pytest.mark.parametrize("element", [TensorProto.UINT8, TensorProto.INT8])
def test_cast_of_integer_pixels(element: int) -> None:
    """Pixels are cast and then computed with as real numbers: nothing wraps."""
    builder = ModelBuilder(13)
    y = builder.node("Cast", ["x"], {"to": int(TensorProto.FLOAT)})
    y = builder.node("Neg", [builder.node("Relu", [y])])
    y = builder.node("Sub", [y, builder.constant(200.0)])
    x = np.arange(-128, 128).reshape(-1, 1, 1) + (128 if element == TensorProto.UINT8 else 0)
    dtype = np.uint8 if element == TensorProto.UINT8 else np.int8
    assert_exact(builder.model((1, 1), y, element=element), x.astype(dtype))


def test_cast_to_integers_cuts_off() -> None:
    builder = ModelBuilder(13)
    y = builder.node("Cast", [builder.node("Cast", ["x"], {"to": int(TensorProto.INT32)})], {"to": 1})
    assert_exact(builder.model(SHAPE, y), samples(np.random.default_rng(1), SHAPE) * 7)


@pytest.mark.parametrize("element", [TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BOOL])
def test_cast_to_other_types_is_refused(element: int) -> None:
    builder = ModelBuilder(13)
    y = builder.node("Cast", ["x"], {"to": int(element)})
    with pytest.raises(CompilerError, match="only float32"):
        import_model(builder.model(SHAPE, y), "m")


def batch_from_shape(builder: ModelBuilder, x: str) -> str:
    """x flattened as PyTorch's x.view(x.size(0), -1) is exported: Shape, Gather, Unsqueeze, Concat, Reshape."""
    size = builder.node("Gather", [builder.node("Shape", [x]), builder.constant(0, np.int64)], {"axis": 0})
    if builder.opset < 13:
        size = builder.node("Unsqueeze", [size], {"axes": [0]})
    else:
        size = builder.node("Unsqueeze", [size, builder.constant([0], np.int64)])
    return builder.node("Reshape", [x, builder.node("Concat", [size, builder.constant([-1], np.int64)], {"axis": 0})])


@pytest.mark.parametrize("constant_nodes", [False, True])
@pytest.mark.parametrize("opset", [7, 9, 11, 13, 17, NEWEST])
def test_chains_on_shapes(opset: int, constant_nodes: bool) -> None:
    opset = max(opset, 9) if constant_nodes else opset  # Constant has only real numbers before 9
    builder = ModelBuilder(opset, constant_nodes)
    y = batch_from_shape(builder, builder.node("Relu", ["x"]))
    assert_exact(builder.model(("batch", 2, 3, 4), y), frames())


def test_slices_of_shapes() -> None:
    """Shape with start and end, Slice and ReduceProd: folded on the way to a Reshape."""
    builder = ModelBuilder(17)
    head = builder.node("Shape", ["x"], {"start": 0, "end": 1})
    bounds = [builder.constant([v], np.int64) for v in (1, 99, 0)]
    tail = builder.node("ReduceProd", [builder.node("Slice", [builder.node("Shape", ["x"]), *bounds])], {"keepdims": 1})
    y = builder.node("Reshape", ["x", builder.node("Concat", [head, tail], {"axis": 0})])
    assert_exact(builder.model(SHAPE, y), frames())


@pytest.mark.parametrize("opset", [9, 13, NEWEST])
def test_constants_are_computed(opset: int) -> None:
    """Pow, Div and Sqrt of constants, and Constant nodes in every form."""
    builder = ModelBuilder(opset, constant_nodes=True)
    power = builder.node("Pow", [builder.constant(2.0), builder.constant(-3.0)])
    scale = builder.node("Div", [power, builder.node("Sqrt", [builder.constant([2.0, 3.0, 5.0, 7.0])])])
    y = builder.node("Mul", ["x", scale])
    if opset >= 12:
        y = builder.node("Mul", [y, builder.node("Constant", [], {"value_float": 0.3})])
        y = builder.node("Add", [y, builder.node("Constant", [], {"value_floats": [1.0, 2.0, 3.0, 4.0]})])
        y = builder.node("Reshape", [y, builder.node("Constant", [], {"value_ints": [1, 24]})])
    assert_exact(builder.model(SHAPE, y), frames())


def test_names_of_the_catalogue_are_distinct() -> None:
    kinds = [op.kind for op in OPS]
    assert len(set(kinds)) == len(kinds)
    assert kinds == [op.__name__ for op in OPS]
