"""Small networks, one construct each, against the original model: integers at every quantiser and sum, and the outputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import pytest

from qcompile.ir.errors import CompilerError
from qcompile.ir.types import Array, IntType
from qcompile.ops import ArgMax, Lookup, MatMul, Threshold
from qcompile.transforms.walk import InputType
from tests.support.onnx_models import ModelBuilder
from tests.support.proving import Proof, assert_exact, assert_explained, prove

RNG = np.random.default_rng


def quantised_weights(b: ModelBuilder, rows: int, columns: int, scale: object = 0.25, zero_point: object = 0.0) -> str:
    real = RNG(rows * 100 + columns).normal(size=(rows, columns))
    return b.quant(b.constant(real), scale, zero_point, 4.0)


def kinds(found: Proof) -> list[type]:
    return [type(node.op) for node in found.network.integer.nodes]


def finished(b: ModelBuilder, shape: Sequence[int], *outputs: str) -> Proof:
    return prove(b.model(shape, *outputs), frames=64)


@pytest.mark.parametrize("zero_point", [0.0, 3.0, -2.0, 0.5, 1.25, 0.3])
@pytest.mark.parametrize("signed", [0, 1])
def test_zero_points_of_activations(zero_point: float, signed: int) -> None:
    """Integers or not: real zero is integer zero where that can be."""
    b = ModelBuilder()
    q = b.quant("x", 0.25, zero_point, 5.0, signed=signed)
    h = b.quant(b.node("MatMul", [q, quantised_weights(b, 8, 6)]), 0.5, zero_point, 4.0, signed=signed)
    found = finished(b, (1, 8), b.node("MatMul", [h, quantised_weights(b, 6, 3)]))
    (assert_exact if zero_point != 0.3 else assert_explained)(found)
    if zero_point == int(zero_point):
        assert all(float(tap.shift.max()) == 0 for tap in found.network.taps if tap.reads)


@pytest.mark.parametrize("zero_point", [2.0, -3.0, 0.5])
def test_zero_points_of_weights(zero_point: float) -> None:
    b = ModelBuilder()
    q = b.quant("x", 0.25, 1.0, 4.0)
    assert_exact(finished(b, (1, 8), b.node("MatMul", [q, quantised_weights(b, 8, 6, 0.5, zero_point)])))


def test_weights_with_other_zero_points_are_refused() -> None:
    b = ModelBuilder()
    y = b.node("MatMul", [b.quant("x"), quantised_weights(b, 8, 6, 0.5, 0.3)])
    with pytest.raises(CompilerError, match="zero point that is no multiple of one half"):
        prove(b.model((1, 8), y))


def test_codes_behind_a_fractional_zero_point_stand_for_the_model_s_own_numbers() -> None:
    """(code - zero point) * scale rounds twice in float32; a second quantiser sees exactly that."""
    b = ModelBuilder()
    first = b.quant("x", np.float32(0.1), np.float32(0.7), 8.0)
    second = b.quant(first, np.float32(0.05), np.float32(0.3), 7.0)
    x = np.linspace(-13, 13, 40 * 25).reshape(40, 1, 25)
    found = prove(b.model((1, 25), second), x=x)
    assert_exact(found)
    tap = found.network.taps[0]
    real = np.asarray(found.reference[tap.tensor])
    assert np.unique(real).size > 200


def test_negative_scales_flip_signs_everywhere() -> None:
    b = ModelBuilder()
    q = b.quant("x", -0.25, 0.0, 4.0)
    w = quantised_weights(b, 8, 6, np.asarray([[0.25, -0.25, 0.5, -0.5, 0.125, -1.0]]))
    h = b.quant(b.node("MatMul", [q, w]), -0.5, 1.0, 4.0, signed=0)
    found = finished(b, (1, 8), b.node("MatMul", [h, quantised_weights(b, 6, 3, -0.25)]))
    assert_exact(found)


@pytest.mark.parametrize("ratios", [(1, 2, 4), (1, 3, 5), (2, 3), (1, -1, -2), (1, 1.5)])
def test_scales_of_input_channels_go_into_the_weights(ratios: tuple[float, ...]) -> None:
    b = ModelBuilder()
    scale = np.resize(np.asarray(ratios), (1, 8)) * 0.125
    y = b.node("MatMul", [b.quant("x", scale, 0.0, 4.0), quantised_weights(b, 8, 6)])
    assert_exact(finished(b, (1, 8), y))
    b = ModelBuilder()
    y = b.node("MatMul", [b.quant("x"), quantised_weights(b, 8, 6, scale.T)])
    assert_exact(finished(b, (1, 8), y))


def test_scales_of_input_channels_without_ratios_are_refused_by_name() -> None:
    b = ModelBuilder()
    y = b.node("MatMul", [b.quant("x", RNG(0).uniform(0.1, 1, (1, 8)), 0.0, 4.0), quantised_weights(b, 8, 6)])
    with pytest.raises(CompilerError, match=rf"node_{y}: its input has a scale for each channel"):
        prove(b.model((1, 8), y))


@pytest.mark.parametrize("alpha", [1.0, 0.5, -2.0, 0.3])
@pytest.mark.parametrize("beta", [None, 1.0, 0.25])
@pytest.mark.parametrize("transposed", [0, 1])
def test_gemm(alpha: float, beta: float | None, transposed: int) -> None:
    """The sum is tapped where the model has it, behind alpha and beta."""
    b = ModelBuilder()
    w = b.node("Transpose", [quantised_weights(b, 8, 6)]) if transposed else quantised_weights(b, 8, 6)
    attributes: dict[str, object] = {"transB": transposed, "alpha": alpha}
    operands = [b.quant("x", 0.25, 0.0, 4.0), w]
    if beta is not None:
        operands.append(b.constant(RNG(1).integers(-9, 9, 6) / 16))
        attributes["beta"] = beta
    y = b.node("Gemm", operands, attributes)
    found = finished(b, (1, 8), b.quant(y, 0.25, 0.0, 5.0))
    assert_exact(found)
    assert y in {tap.tensor for tap in found.network.taps}


@pytest.mark.parametrize("front", [("Relu", {}), ("LeakyRelu", {"alpha": 0.25}), ("Abs", {}), ("Clip", {})])
def test_a_function_without_a_quantiser_in_front_of_a_product(front: tuple[str, dict[str, float]]) -> None:
    """Its numbers lie on a grid of integers: they become new ones."""
    b = ModelBuilder()
    operands = [b.constant(-0.5), b.constant(1.0)] if front[0] == "Clip" else []
    h = b.node(front[0], [b.quant("x", np.asarray([[0.25, 0.5] * 4]), 0.0, 4.0), *operands], front[1])
    found = finished(b, (1, 8), b.node("MatMul", [h, quantised_weights(b, 8, 6)]))
    assert kinds(found)[-1] is MatMul
    assert kinds(found)[0] in (Threshold, Lookup)
    assert_exact(found)


def test_a_function_off_any_grid_is_refused_by_name() -> None:
    b = ModelBuilder()
    h = b.node("Sigmoid", [b.quant("x")])
    y = b.node("MatMul", [h, quantised_weights(b, 8, 6)])
    with pytest.raises(CompilerError, match=rf"node_{y}: its input is not quantised: Elementwise 'node_{h}'"):
        prove(b.model((1, 8), y))


def test_constants_between_quantiser_and_product_move_the_lattice() -> None:
    b = ModelBuilder()
    h = b.node("Sub", [b.node("Mul", [b.quant("x"), b.constant(2.0)]), b.constant(RNG(0).integers(-4, 4, 8) / 8)])
    found = finished(b, (1, 8), b.quant(b.node("MatMul", [h, quantised_weights(b, 8, 6)]), 0.5, 0.0, 4.0))
    assert kinds(found) == [MatMul, Threshold]
    assert_exact(found)


@pytest.mark.parametrize("perm", [(0, 2, 3, 1), (0, 1, 2, 3), (0, 3, 1, 2)])
@pytest.mark.parametrize("per_channel", [False, True])
def test_images_flattened_in_any_order(perm: tuple[int, ...], per_channel: bool) -> None:
    """The weights move, not the elements; a scale for each channel finds its rows."""
    b = ModelBuilder()
    scale = np.asarray([0.25, 0.5, 1.0]).reshape(1, 3, 1, 1) if per_channel else 0.25
    q = b.quant("x", scale, 0.0, 4.0)
    flat = b.node("Flatten", [b.node("Transpose", [q], {"perm": list(perm)})])
    found = finished(b, (1, 3, 2, 4), b.node("MatMul", [flat, quantised_weights(b, 24, 5)]))
    assert MatMul in kinds(found)
    assert_exact(found)


def test_vectors_share_the_weights() -> None:
    """(1, T, K) times (K, M), thresholds for each of the M channels, then flattened into one vector."""
    b = ModelBuilder()
    q = b.quant("x", 0.25, 0.0, 4.0)
    h = b.quant(b.node("MatMul", [q, quantised_weights(b, 6, 4)]), np.asarray([0.5, 0.25, 0.5, 1.0]), 0.0, 3.0)
    assert_exact(finished(b, (1, 5, 6), b.node("MatMul", [h, quantised_weights(b, 4, 3)])))
    flat = b.node("Reshape", [h, b.constant([1, -1], np.int64)])
    assert_exact(finished(b, (1, 5, 6), b.node("MatMul", [flat, quantised_weights(b, 20, 3)])))


def test_constants_that_differ_between_vectors() -> None:
    """BatchNormalization on three axes normalises the second: every element becomes a channel of its own."""
    b = ModelBuilder()
    h = b.node("MatMul", [b.quant("x", 0.25, 0.0, 4.0), quantised_weights(b, 6, 4)])
    parts = [b.constant(v) for v in ([1, -2, 0.5], [0.5, 0, 1], [0.25, 1, -1], [1, 4, 0.25])]
    q = b.quant(b.node("BatchNormalization", [h, *parts], {"epsilon": 0.0}), 0.5, 0.0, 4.0)
    flat = b.node("Flatten", [q])
    assert_exact(finished(b, (1, 3, 6), b.node("MatMul", [flat, quantised_weights(b, 12, 5)])))


@pytest.mark.parametrize("shape", [(7,), (1, 7), (1, 1, 7)])
def test_inputs_of_any_rank(shape: tuple[int, ...]) -> None:
    b = ModelBuilder()
    y = b.quant(b.node("MatMul", [b.quant("x"), quantised_weights(b, 7, 5)]), 0.5, 0.0, 3.0)
    assert_exact(finished(b, shape, y))


def test_quantisers_one_after_another() -> None:
    b = ModelBuilder()
    h = b.node("MatMul", [b.quant("x"), quantised_weights(b, 8, 6)])
    for bits, scale in ((8.0, 0.0625), (6.0, 0.125), (6.0, 0.125), (3.0, 0.5)):
        h = b.quant(h, scale, 0.0, bits)
    found = finished(b, (1, 8), h)
    assert kinds(found) == [MatMul, Threshold, Threshold, Threshold]  # the third changes nothing
    assert_exact(found)


@pytest.mark.parametrize("bias", [0.0, -4.0, 1.0, 0.17, -0.35])
@pytest.mark.parametrize("scale", [1.0, 2.0, -0.5, 0.7])
def test_multi_thresholds(scale: float, bias: float) -> None:
    """Every attribute; thresholds out of order, equal ones, and ones that nothing reaches."""
    b = ModelBuilder()
    h = b.node("MatMul", [b.quant("x"), quantised_weights(b, 8, 3)])
    table = np.asarray([[0.5, -1, 0.25, 1000], [0, 0, 0, 0.0625], [-1000, 1, 1, 2]])
    attributes = {"out_scale": scale, "out_bias": bias, "data_layout": "NC", "out_dtype": "INT4"}
    y = b.node("MultiThreshold", [h, b.constant(table)], attributes, domain=b.qonnx_domain)
    found = finished(b, (1, 8), b.node("MatMul", [y, quantised_weights(b, 3, 4)]))
    dyadic = scale != 0.7 and bias not in (0.17, -0.35)
    (assert_exact if dyadic else assert_explained)(found)
    tap = next(tap for tap in found.network.taps if tap.tensor == y)
    assert np.array_equal(_numbers(found, y), np.asarray(found.reference[y])), "codes stand for the model's numbers"
    assert tap.reads == h


def _numbers(found: Proof, tensor: str) -> Array:
    from qcompile.verify.evidence import decoded

    tap = next(tap for tap in found.network.taps if tap.tensor == tensor)
    return decoded(tap, found.values[tap.value], found.graph.values[tensor].shape)


def test_thresholds_for_each_channel_of_a_tensor_that_was_quantised_for_all() -> None:
    b = ModelBuilder()
    table = RNG(0).normal(size=(8, 3))
    y = b.node("MultiThreshold", [b.quant("x"), b.constant(table)], {"data_layout": "NC"}, domain=b.qonnx_domain)
    assert_exact(finished(b, (1, 8), y))


def test_sign_has_three_values() -> None:
    b = ModelBuilder()
    h = b.node("Sign", [b.node("MatMul", [b.quant("x"), quantised_weights(b, 8, 6)])])
    found = finished(b, (1, 8), b.node("MatMul", [h, quantised_weights(b, 6, 3)]))
    assert set(np.unique(found.reference[h])) == {-1, 0, 1}
    assert_exact(found)


def test_one_tensor_feeds_two_branches_and_two_outputs() -> None:
    b = ModelBuilder()
    h = b.quant(b.node("MatMul", [b.quant("x"), quantised_weights(b, 8, 6)]), 0.5, 0.0, 3.0)
    heads = [b.node("MatMul", [h, quantised_weights(b, 6, n)]) for n in (3, 5)]
    found = finished(b, (1, 8), heads[0], b.quant(heads[1], 0.5, 0.0, 3.0), h)
    assert len(found.network.integer.outputs) == 3
    assert len(found.network.integer.inputs) == 1
    assert_exact(found)


@pytest.mark.parametrize("same", [True, False])
def test_an_input_that_is_quantised_twice(same: bool) -> None:
    """Equal quantisers share one input of the accelerator."""
    b = ModelBuilder()
    quantised = [b.quant("x", 0.25, 0.0, 4.0), b.quant("x", 0.25 if same else 0.5, 0.0, 4.0)]
    heads = [b.node("MatMul", [q, quantised_weights(b, 8, 3)]) for q in quantised]
    found = finished(b, (1, 8), *heads)
    assert len(found.network.integer.inputs) == (1 if same else 2)
    assert_exact(found)


def test_sums_of_two_branches() -> None:
    b = ModelBuilder()
    q = b.quant("x", 0.25, 0.0, 4.0)
    left = b.quant(b.node("MatMul", [q, quantised_weights(b, 8, 6)]), 0.5, 0.0, 4.0)
    y = b.node("Sub", [left, b.quant(b.node("MatMul", [q, quantised_weights(b, 8, 6, 0.125)]), 0.125, 0.0, 4.0)])
    assert_exact(finished(b, (1, 8), b.node("MatMul", [y, quantised_weights(b, 6, 3)])))


def test_raw_input_gets_thresholds_in_front() -> None:
    b = ModelBuilder()
    centred = b.node("Sub", [b.node("Mul", ["x", b.constant(2.0)]), b.constant(1.0)])
    y = b.node("MatMul", [b.quant(centred, 0.25, 0.0, 3.0), quantised_weights(b, 8, 6)])
    found = prove(b.model((1, 8), y), {"x": InputType(IntType(8, False), 1 / 255)}, RNG(0).random((64, 1, 8)))
    assert kinds(found) == [Threshold, MatMul]
    assert found.network.before.outputs
    assert_exact(found)


def test_raw_input_straight_into_a_product() -> None:
    b = ModelBuilder()
    y = b.quant(b.node("MatMul", ["x", quantised_weights(b, 8, 6)]), 0.5, 0.0, 6.0)
    found = prove(b.model((1, 8), y), {"x": InputType(IntType(16, True), 2.0**-10)}, RNG(0).normal(size=(64, 1, 8)) * 8)
    assert_exact(found)


@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("softmax", [False, True])
def test_argmax_in_hardware(last: int, keepdims: int, softmax: bool) -> None:
    """Equal sums are frequent here: the first, or the last, of them is chosen."""
    b = ModelBuilder()
    h = b.node("MatMul", [b.quant("x", 1.0, 0.0, 2.0), b.constant(RNG(1).integers(-1, 2, (6, 5)))])
    h = b.node("Softmax", [h], {"axis": -1}) if softmax else h
    y = b.node("ArgMax", [h], {"axis": -1, "keepdims": keepdims, "select_last_index": last})
    found = prove(b.model((1, 6), y), frames=300)
    assert kinds(found) == [MatMul, ArgMax]
    assert_exact(found)


@pytest.mark.parametrize("function", ["Relu", "Clip", "Floor"])
def test_argmax_behind_a_function_that_makes_numbers_equal(function: str) -> None:
    """All below zero are equal then, and the first of them wins: the host decides."""
    b = ModelBuilder()
    h = b.node("MatMul", [b.quant("x", 0.25, 0.0, 4.0), quantised_weights(b, 6, 5)])
    h = b.node(function, [h, *([b.constant(-0.5), b.constant(0.5)] if function == "Clip" else [])])
    found = prove(b.model((1, 6), b.node("ArgMax", [h], {"axis": -1})), frames=300)
    assert ArgMax not in kinds(found)
    assert_exact(found)


def test_argmax_with_a_bias_for_each_class() -> None:
    b = ModelBuilder()
    h = b.node("MatMul", [b.quant("x", 0.25, 0.0, 4.0), quantised_weights(b, 6, 5)])
    h = b.node("Add", [h, b.constant([0.0, 0.03125, -0.75, 2.0, 0.0625])])
    found = prove(b.model((1, 6), b.node("ArgMax", [h], {"axis": -1})), frames=300)
    (op,) = (n.op for n in found.network.integer.nodes if isinstance(n.op, ArgMax))
    assert op.shift == 1  # sums are multiples of 1/16, biases of 1/32
    assert_exact(found)


def test_outputs_behind_a_transposition_come_in_the_model_s_order() -> None:
    b = ModelBuilder()
    h = b.quant(b.node("MatMul", [b.quant("x"), quantised_weights(b, 6, 4)]), 0.5, 0.0, 3.0)
    moved = b.node("Transpose", [h], {"perm": [0, 2, 1]})
    flat = b.node("Flatten", [moved])
    found = finished(b, (1, 5, 6), b.node("Softmax", [flat], {"axis": -1}), moved, h)
    assert_exact(found)


def test_equal_quantisers_of_an_input_are_both_outputs() -> None:
    b = ModelBuilder()
    y = b.node("Sigmoid", [b.quant("x")])
    found = finished(b, (1, 8), b.quant("x"), y, b.node("MatMul", [b.quant("x"), quantised_weights(b, 8, 4)]))
    assert len(found.network.integer.inputs) == 1
    assert_exact(found)


def test_weights_that_two_layers_share() -> None:
    b = ModelBuilder()
    w = quantised_weights(b, 8, 8)
    h = b.quant(b.node("MatMul", [b.quant("x"), w]), 0.5, 0.0, 4.0)
    assert_exact(finished(b, (1, 8), b.node("MatMul", [h, w])))


def test_a_dead_layer_is_a_constant() -> None:
    """Weights of nothing but zeros, a gamma of nothing but zeros: the thresholds behind have one value each."""
    b = ModelBuilder()
    zeros = b.quant(b.constant(np.zeros((8, 4))), 0.5, 0.0, 4.0)
    h = b.node("Add", [b.node("MatMul", [b.quant("x"), zeros]), b.constant([1.0, -2.0, 0.25, 3.0])])
    h = b.quant(h, 0.5, 0.0, 3.0)
    h = b.node("Mul", [b.node("MatMul", [h, quantised_weights(b, 4, 5)]), b.constant(0.0)])
    found = finished(b, (1, 8), b.quant(b.node("Add", [h, b.constant([0.5, 1, -1, 0, 2])]), 0.5, 0.0, 3.0))
    for node in found.network.integer.nodes:
        known = found.network.integer.values[node.output].range
        if isinstance(node.op, Threshold):
            assert known is not None
            assert np.array_equal(known.lo, known.hi)
    assert_exact(found)


def test_division_by_the_tensor() -> None:
    """A pole at zero: infinity is clamped as the model clamps it."""
    b = ModelBuilder()
    h = b.node("MatMul", [b.quant("x"), quantised_weights(b, 8, 6)])
    found = finished(b, (1, 8), b.quant(b.node("Div", [b.constant(2.0), h]), 0.25, 0.0, 5.0))
    assert kinds(found) == [MatMul, Lookup]
    assert_exact(found)


def test_two_inputs() -> None:
    b = ModelBuilder()
    heads = [b.node("MatMul", [b.quant(name), quantised_weights(b, 8, 4)]) for name in ("x", "z")]
    model = b.model((1, 8), *heads)
    model.graph.input.append(onnx.helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, [1, 8]))
    found = prove(model, frames=64)
    assert len(found.network.integer.inputs) == 2
    assert_exact(found)
