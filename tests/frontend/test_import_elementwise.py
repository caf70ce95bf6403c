"""Elementwise operators: the imported graph against the reference, bit for bit but for exponentials and logarithms."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from qcompile.frontend.importer import import_model
from qcompile.ir.errors import CompilerError
from tests.support.onnx_models import NEWEST, ModelBuilder, assert_exact, import_and_reference, samples

SHAPES = [(1, 7), (1, 6, 4, 5)]
OPSETS = [7, 9, 11, 13, 17, 24, NEWEST]

EXACT: list[tuple[str, Mapping[str, float], int]] = [
    ("Abs", {}, 7),
    ("Ceil", {}, 7),
    ("Floor", {}, 7),
    ("HardSigmoid", {}, 7),
    ("HardSigmoid", {"alpha": 0.3, "beta": 0.4}, 7),
    ("HardSwish", {}, 14),
    ("LeakyRelu", {}, 7),
    ("LeakyRelu", {"alpha": 0.3}, 7),
    ("LeakyRelu", {"alpha": -0.5}, 7),
    ("Neg", {}, 7),
    ("Reciprocal", {}, 7),
    ("Relu", {}, 7),
    ("Round", {}, 11),
    ("Sigmoid", {}, 7),
    ("Sign", {}, 9),
    ("Softsign", {}, 7),
    ("Sqrt", {}, 7),
    ("Swish", {}, 24),
    ("Swish", {"alpha": 1.7}, 24),
    ("Tanh", {}, 7),
    ("ThresholdedRelu", {}, 10),
    ("ThresholdedRelu", {"alpha": 0.7}, 10),
    ("Gelu", {"approximate": "tanh"}, 20),
]

# Greatest error in units of the last place of max(1, |y|), measured as 3 for Mish, 2 for Gelu, 1 for Exp, Log,
# Softplus.
APPROXIMATE: list[tuple[str, Mapping[str, float], int, float]] = [
    ("Celu", {}, 12, 1),
    ("Celu", {"alpha": 2.0}, 12, 2),
    ("Elu", {}, 7, 1),
    ("Elu", {"alpha": 0.5}, 7, 1),
    ("Erf", {}, 9, 1),
    ("Exp", {}, 7, 1),
    ("Gelu", {}, 20, 2),
    ("Log", {}, 7, 2),
    ("Mish", {}, 18, 6),
    ("Selu", {}, 7, 2),
    ("Selu", {"alpha": 1.5, "gamma": 1.1}, 7, 2),
    ("Softplus", {}, 7, 2),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("operator", "attributes", "first"), EXACT)
def test_functions_are_exact(
    operator: str, attributes: Mapping[str, float], first: int, shape: tuple[int, ...]
) -> None:
    for opset in (opset for opset in OPSETS if opset >= first):
        if operator == "Swish" and opset > 24:
            continue  # this onnxruntime has it in operator set 24 only
        builder = ModelBuilder(opset)
        y = builder.node(operator, ["x"], attributes)
        assert_exact(builder.model(shape, y), samples(np.random.default_rng(opset), shape))


@pytest.mark.parametrize(("operator", "attributes", "first", "bound"), APPROXIMATE)
def test_exponential_functions_differ_in_the_last_places(
    operator: str, attributes: Mapping[str, float], first: int, bound: float
) -> None:
    shape = (1, 6, 4, 5)
    for opset in (opset for opset in OPSETS if opset >= first):
        builder = ModelBuilder(opset)
        y = builder.node(operator, ["x"], attributes)
        x = samples(np.random.default_rng(opset), shape, 200)
        imported, reference = import_and_reference(builder.model(shape, y), np.abs(x) if operator == "Log" else x)
        finite = np.isfinite(reference)
        assert np.array_equal(imported[~finite], reference[~finite])
        a, b = imported[finite].astype(np.float64), reference[finite].astype(np.float64)
        place = np.spacing(np.maximum(np.abs(reference[finite]), np.float32(1)))
        assert float(np.max(np.abs(a - b) / place)) <= bound


BINARY_SHAPES = [((1, 6), ()), ((1, 6), (1,)), ((1, 6), (6,)), ((1, 6), (1, 6)), ((1, 6), (1, 1, 1))]
BINARY_SHAPES += [((1, 6, 4, 5), shape) for shape in [(), (5,), (6, 1, 1), (1, 6, 1, 1), (4, 1), (1, 6, 4, 5)]]


@pytest.mark.parametrize("constant_nodes", [False, True])
@pytest.mark.parametrize("tensor_first", [True, False])
@pytest.mark.parametrize("operator", ["Add", "Sub", "Mul", "Div", "Max", "Min", "Sum"])
def test_arithmetic_with_constants_is_exact(operator: str, tensor_first: bool, constant_nodes: bool) -> None:
    rng = np.random.default_rng(5)
    for opset in OPSETS:
        if opset < 8 and operator in ("Max", "Min", "Sum"):
            continue  # no broadcasting yet
        for shape, operand in BINARY_SHAPES:
            builder = ModelBuilder(opset, constant_nodes)
            c = builder.constant(rng.normal(size=operand) * 3)
            y = builder.node(operator, ["x", c] if tensor_first else [c, "x"])
            assert_exact(builder.model(shape, y), samples(rng, shape, 5))


@pytest.mark.parametrize("operator", ["Max", "Min", "Sum"])
def test_many_operands_and_a_single_one(operator: str) -> None:
    rng = np.random.default_rng(6)
    builder = ModelBuilder(13)
    constants = [builder.constant(rng.normal(size=6)) for _ in range(3)]
    y = builder.node(operator, [constants[0], "x", *constants[1:]])
    single = builder.node(operator, [y])
    assert_exact(builder.model((1, 6), single), samples(rng, (1, 6)))


@pytest.mark.parametrize("exponent", [2.0, 3.0])
def test_squares_and_cubes_are_exact(exponent: float) -> None:
    for opset in OPSETS:
        builder = ModelBuilder(opset)
        y = builder.node("Pow", ["x", builder.constant(exponent)])
        assert_exact(builder.model((1, 50), y), samples(np.random.default_rng(7), (1, 50)))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("slope", ["scalar", "channel"])
def test_prelu_is_exact(shape: tuple[int, ...], slope: str) -> None:
    rng = np.random.default_rng(8)
    for opset in OPSETS:
        builder = ModelBuilder(opset)
        size = (1,) if slope == "scalar" else (shape[1], *(1 for _ in shape[2:]))
        y = builder.node("PRelu", ["x", builder.constant(rng.normal(size=size))])
        assert_exact(builder.model(shape, y), samples(rng, shape))


@pytest.mark.parametrize("shape", [(1, 7), (1, 64), (1, 7, 5), (1, 6, 4, 5), (1, 7, 1, 1), (1, 1)])
@pytest.mark.parametrize("opset", [7, 9, 14, 15, NEWEST])
def test_batch_normalization_is_exact(opset: int, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(opset)
    for epsilon in (1e-5, 1e-3, 0.0):
        builder = ModelBuilder(opset)
        channels = shape[1]
        parameters = [rng.normal(size=channels) * 2 for _ in range(3)] + [10.0 ** rng.uniform(-9, 3, channels)]
        parameters[0][0] = 0.0
        attributes = {"epsilon": epsilon, "momentum": 0.9}
        y = builder.node("BatchNormalization", ["x", *map(builder.constant, parameters)], attributes)
        assert_exact(builder.model(shape, y), samples(rng, shape))


def test_batch_normalization_in_training_mode_is_refused() -> None:
    builder = ModelBuilder(15)
    constants = [builder.constant(np.ones(4)) for _ in range(4)]
    y = builder.node("BatchNormalization", ["x", *constants], {"training_mode": 1}, outputs=3)
    with pytest.raises(CompilerError, match="training mode"):
        import_model(builder.model((1, 4), y), "m")


@pytest.mark.parametrize("bounds", [(-1.0, 2.0), (None, 6.0), (0.0, None), (None, None), (3.0, 1.0)])
def test_clip_with_bounds_as_attributes_and_as_inputs(bounds: tuple[float | None, float | None]) -> None:
    low, high = bounds
    for opset in OPSETS:
        if opset < 11 and bounds == (3.0, 1.0):
            continue  # refused by onnxruntime
        builder = ModelBuilder(opset)
        if opset < 11:
            attributes = {name: value for name, value in (("min", low), ("max", high)) if value is not None}
            y = builder.node("Clip", ["x"], attributes)
        else:
            y = builder.node("Clip", ["x", *("" if v is None else builder.constant(v) for v in bounds)])
        assert_exact(builder.model((1, 50), y), samples(np.random.default_rng(9), (1, 50)))


def test_chains_of_arithmetic_are_exact() -> None:
    """HardTanh and a hand-written normalisation, as exporters write them."""
    rng = np.random.default_rng(10)
    builder = ModelBuilder(13)
    y = builder.node("Clip", ["x", builder.constant(-1.0), builder.constant(1.0)])
    y = builder.node("Sub", [y, builder.constant(rng.normal(size=(6, 1, 1)))])
    deviation = builder.node(
        "Sqrt",
        [builder.node("Add", [builder.constant(rng.uniform(0.1, 2, (6, 1, 1))), builder.constant(1e-5)])],
    )
    y = builder.node("Div", [y, deviation])
    y = builder.node("Mul", [builder.constant(rng.normal(size=(6, 1, 1))), y])
    y = builder.node("Neg", [builder.node("Add", [y, builder.constant(0.3)])])
    assert_exact(builder.model((1, 6, 4, 5), y), samples(rng, (1, 6, 4, 5)))


@pytest.mark.parametrize("operator", ["Add", "Mul", "PRelu"])
def test_operand_that_widens_the_tensor_is_refused(operator: str) -> None:
    builder = ModelBuilder(13)
    y = builder.node(operator, ["x", builder.constant(np.ones((3, 1, 6)))])
    with pytest.raises(CompilerError, match="widen"):
        import_model(builder.model((1, 6), y), "m")
