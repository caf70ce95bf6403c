"""The traps of quantisation (issue 2, point 4), each against the original model on onnxruntime, over every sum that occurs.

Most models here have one input that the host sends as int8 and a product that adds up four of them, so sums of all sizes and
signs come in; scales are powers of two unless said otherwise, so nothing is excused as a tie.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from qcompile.ir.errors import CompilerError
from qcompile.ir.types import Array, IntType
from qcompile.ops import Lookup, MatMul, Threshold
from qcompile.transforms.walk import InputType
from tests.support.onnx_models import ModelBuilder
from tests.support.proving import Proof, assert_exact, assert_explained, prove

BYTES = {"x": InputType(IntType(8, True), 0.25)}
MODES = ("ROUND", "FLOOR", "CEIL", "HALF_UP", "HALF_DOWN", "UP", "DOWN")


def rows(rng: np.random.Generator, inputs: int, frames: int = 200) -> Array:
    return (rng.integers(-128, 128, (frames, 1, inputs)) * 0.25).astype(np.float32)


def layer(b: ModelBuilder, columns: int = 6, scale: float = 0.5) -> str:
    """x times 3-bit weights; sums are multiples of 0.25 * scale."""
    weights = np.random.default_rng(7).integers(-4, 4, (4, columns)) * scale
    return b.node("MatMul", ["x", b.quant(b.constant(weights), scale, 0.0, 3.0)])


def proof(build: Callable[[ModelBuilder], str], opset: int = 17) -> Proof:
    b = ModelBuilder(opset)
    y = build(b)
    return prove(b.model((1, 4), y), BYTES, rows(np.random.default_rng(1), 4))


def only_step(found: Proof) -> Threshold | Lookup:
    (op,) = (n.op for n in found.network.integer.nodes if isinstance(n.op, (Threshold, Lookup)))
    return op


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("signed", [0, 1])
def test_rounding_modes(mode: str, signed: int) -> None:
    """Sums are multiples of 1/8 of the quantiser's step: ties and integers of both signs occur."""
    found = proof(lambda b: b.quant(layer(b), 1.0, 0.0, 5.0, signed=signed, rounding_mode=mode))
    assert isinstance(only_step(found), Threshold)
    assert_exact(found)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("zero_point", [3.0, -5.0, 0.5])
def test_rounding_modes_with_a_zero_point(mode: str, zero_point: float) -> None:
    """The zero point is added before rounding: which of two codes is even changes with it."""
    found = proof(lambda b: b.quant(layer(b), 1.0, zero_point, 5.0, signed=0, rounding_mode=mode))
    assert_exact(found)


@pytest.mark.parametrize("mode", MODES)
def test_rounding_modes_behind_a_negative_factor(mode: str) -> None:
    found = proof(
        lambda b: b.quant(
            b.node("Mul", [layer(b), b.constant([-1.0, 1, -1, 1, -0.5, 2])]), 1.0, 0.0, 4.0, rounding_mode=mode
        )
    )
    assert_exact(found)


def test_half_to_even_is_not_a_plain_ceiling() -> None:
    """A border between code k-1 and k lies at k - 1/2 and belongs to the even code."""
    found = proof(lambda b: b.quant(b.node("MatMul", ["x", b.constant(np.eye(4))]), 0.5, 0.0, 4.0))
    (thresholds,) = (c for c in found.network.integer.constants.values() if c.ndim == 2 and c.shape[1] == 15)
    levels = np.arange(-7, 8)
    borders = (levels - 0.5) * 0.5 / 0.25
    plain = np.ceil(borders)
    assert np.array_equal(thresholds[0], np.where(levels % 2 == 0, plain, plain + (borders == plain)))
    assert not np.array_equal(thresholds[0], plain)
    assert_exact(found)


def test_a_threshold_above_the_reachable_maximum_never_fires() -> None:
    """The sum of channel 1 ends one below the last border; clipping the threshold to the maximum would fire there."""
    b = ModelBuilder()
    product = b.node("MatMul", ["x", b.constant([[1.0, 1.0], [1.0, 0.0]])])
    y = b.quant(product, 0.25, 0.0, 9.0)  # codes to 255: x0 + x1 ends at 254, x0 alone at 127
    x = np.asarray([[[127, 127]], [[127, 0]], [[-128, -128]], [[-128, 0]]]) * 0.25
    found = prove(b.model((1, 2), y), BYTES, x)
    assert_exact(found)
    wide = ModelBuilder()
    y = wide.quant(wide.node("MatMul", ["x", wide.constant([[1.0], [1.0]])]), 508 * 0.25, 0.0, 2.0)
    found = prove(wide.model((1, 2), y), BYTES, x)
    constants = found.network.integer.constants
    (thresholds,) = (c for name, c in constants.items() if name.endswith("thresholds"))
    assert thresholds.tolist() == [[-254]]  # -1 below (256 / 508 > 1/2), 1 out of reach (254 / 508 is a tie, to even)
    assert_exact(found)


def test_clamping_comes_before_rounding() -> None:
    """CEIL of 7.3 is 8, one above the greatest code; clamped first it is 7. FLOOR below the least the same."""
    for mode in ("CEIL", "FLOOR", "UP"):
        assert_exact(proof(lambda b, mode=mode: b.quant(layer(b), 4.0, 0.0, 4.0, rounding_mode=mode)))
        assert_exact(proof(lambda b, mode=mode: b.quant(layer(b), 4.0, 2.5, 4.0, rounding_mode=mode)))


def test_signed_one_bit_is_bipolar() -> None:
    """Two codes, -1 and +1, none for zero; the border is at zero and belongs to +1."""
    found = proof(lambda b: b.quant(layer(b), 0.5, 0.0, 1.0))
    assert set(np.unique(found.reference[found.model.graph.output[0].name])) == {-0.5, 0.5}
    assert_exact(found)
    assert_exact(proof(lambda b: b.quant(layer(b), -0.5, 0.0, 1.0)))
    assert_exact(proof(lambda b: b.quant(layer(b), 0.5, 1.0, 1.0)))
    assert_exact(proof(lambda b: b.quant(layer(b), 0.5, 0.0, 1.0, signed=0)))


def test_bipolar_activations_into_bipolar_weights() -> None:
    def build(b: ModelBuilder) -> str:
        first = b.node("BipolarQuant", [layer(b), b.constant(0.5)], domain=b.qonnx_domain)
        weights = b.node(
            "BipolarQuant",
            [b.constant(np.random.default_rng(3).normal(size=(6, 5))), b.constant(2.0)],
            domain=b.qonnx_domain,
        )
        return b.quant(b.node("MatMul", [first, weights]), 1.0, 0.0, 3.0)

    found = proof(build)
    assert_exact(found)
    assert all(
        set(np.unique(found.network.integer.constants[n.inputs[1]])) == {-1, 1}
        for n in found.network.integer.nodes[-2:-1]
        if isinstance(n.op, MatMul)
    )


def trunc(b: ModelBuilder, x: str, operands: list[float], **attributes: object) -> str:
    return b.node("Trunc", [x, *(b.constant(o) for o in operands)], attributes, domain=b.qonnx_domain)


@pytest.mark.parametrize("mode", MODES)
def test_trunc_versions_differ(mode: str) -> None:
    """Version 1 keeps the scale and does not clamp; version 2 has an output scale and clamps."""
    first = proof(lambda b: trunc(b, b.quant(layer(b), 0.25, 0.0, 8.0), [0.25, 0.0, 8.0, 5.0], rounding_mode=mode))
    second = proof(
        lambda b: trunc(b, b.quant(layer(b), 0.25, 0.0, 8.0), [0.25, 0.0, 8.0, 2.0, 4.0], rounding_mode=mode, signed=1)
    )
    for found in (first, second):
        assert_exact(found)
    one, two = (np.asarray(f.reference[f.model.graph.output[0].name]) for f in (first, second))
    assert np.abs(one).max() in (3.75, 4.0)  # codes to 128 / 8, steps of 0.25
    assert np.abs(two).max() == 16.0  # codes to 8, steps of 2


@pytest.mark.parametrize("zero_point", [4.0, 3.0, 0.5])
def test_trunc_with_a_zero_point(zero_point: float) -> None:
    """Version 1 leaves the zero point as it is, version 2 divides it."""
    for operands in ([0.25, zero_point, 8.0, 6.0], [0.25, zero_point, 8.0, 1.0, 6.0]):
        assert_exact(
            proof(lambda b, o=operands: trunc(b, b.quant(layer(b), 0.25, zero_point, 8.0, signed=0), o, signed=0))
        )


@pytest.mark.parametrize("attributes", [{"signed": 0}, {"signed": 0, "narrow": 1}, {"signed": 1, "narrow": 1}])
def test_activations_below_zero_behind_unsigned_and_narrow_quantisers(attributes: dict[str, int]) -> None:
    """Narrow drops the least signed code, but the greatest unsigned one."""
    found = proof(lambda b: b.quant(layer(b), 2.0, 0.0, 3.0, **attributes))
    codes = np.unique(np.asarray(found.reference[found.model.graph.output[0].name]) / 2.0)
    low = -3 if attributes["signed"] else 0
    high = 3 if attributes["signed"] else 7 - attributes.get("narrow", 0)
    assert codes.tolist() == list(range(low, high + 1))
    assert_exact(found)


@pytest.mark.parametrize(
    ("function", "attributes", "least"),
    [
        ("Selu", {}, -1.758),
        ("Selu", {"alpha": 3.0, "gamma": 2.0}, -6.0),
        ("Elu", {}, -1.0),
        ("Elu", {"alpha": 2.5}, -2.5),
        ("LeakyRelu", {"alpha": 0.25}, -12.0),
        ("Celu", {"alpha": 1.5}, -1.5),
    ],
)
def test_functions_whose_minimum_is_not_minus_one(function: str, attributes: dict[str, float], least: float) -> None:
    """The codes at the low end are those of the function's own minimum."""
    found = proof(lambda b: b.quant(b.node(function, [layer(b)], attributes), 0.0625, 0.0, 8.0))
    reference = np.asarray(found.reference[found.model.graph.output[0].name])
    assert reference.min() < least * 0.6
    assert_explained(found)
    assert found.agreement.ties == ()


@pytest.mark.parametrize("function", ["Gelu", "HardSwish", "Mish", "Abs"])
def test_functions_that_are_not_monotone_become_tables(function: str) -> None:
    found = proof(lambda b: b.quant(b.node(function, [layer(b, scale=0.125)]), 0.0625, 0.0, 6.0), opset=20)
    assert isinstance(only_step(found), Lookup)
    assert_explained(found)


@pytest.mark.parametrize("function", ["Sigmoid", "Tanh", "Softsign", "HardSigmoid", "Relu", "Floor"])
def test_monotone_functions_are_exact(function: str) -> None:
    found = proof(lambda b: b.quant(b.node(function, [layer(b, scale=0.125)]), 0.125, 0.0, 5.0))
    assert isinstance(only_step(found), Threshold)
    assert_exact(found)


@pytest.mark.parametrize("scale", [0.0, 1e-40, np.inf, np.nan])
def test_scales_that_are_none_are_refused_by_name(scale: float) -> None:
    b = ModelBuilder()
    y = b.quant(layer(b), np.asarray([0.5] * 5 + [scale], np.float32), 0.0, 4.0)
    with pytest.raises(CompilerError, match=b.nodes[-1].name if np.isfinite(scale) else "c_"):
        prove(b.model((1, 4), y), BYTES)


def test_roots_of_negative_numbers_are_refused_by_name() -> None:
    b = ModelBuilder()
    y = b.quant(b.node("Sqrt", [layer(b)]), 0.5, 0.0, 4.0)
    with pytest.raises(CompilerError, match=rf"node {b.nodes[-1].name}: the model computes no number"):
        prove(b.model((1, 4), y), BYTES)
    b = ModelBuilder()
    y = b.quant(b.node("Sqrt", [b.node("Abs", [layer(b)])]), 0.5, 0.0, 4.0)
    assert_exact(prove(b.model((1, 4), y), BYTES, rows(np.random.default_rng(0), 4)))


def test_float_ties_are_counted() -> None:
    """Scales of 0.1 and 0.7: sums of the reference miss ties that are exact in real numbers, in single frames."""
    rng = np.random.default_rng(5)
    b = ModelBuilder()
    weights = b.quant(b.constant(rng.integers(-8, 8, (64, 24)) * 0.7), np.float32(0.7), 0.0, 4.0)
    y = b.quant(b.node("MatMul", ["x", weights]), np.float32(0.1 * 0.7 * 2), 0.0, 8.0)
    x = (rng.integers(0, 16, (300, 1, 64)) * np.float32(0.1)).astype(np.float32)
    found = prove(b.model((1, 64), y), {"x": InputType(IntType(4, False), float(np.float32(0.1)))}, x)
    agreement = found.agreement
    assert agreement.mismatches == ()
    assert len(agreement.ties) > 0
    assert agreement.exact == 300 - len(agreement.ties)
    assert all(tie.elements >= 1 and 0 < tie.distance < 1e-3 for tie in agreement.ties)
