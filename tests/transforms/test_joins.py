"""Sums and products of two computed tensors: exact for scales that have nothing in common.

Sums of products are exact in float32, so nothing but a fault of ours can differ.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.ir.errors import CompilerError
from qcompile.ir.types import IntType
from qcompile.transforms.border_form import border_form
from qcompile.transforms.pair_form import each_pair, product_form, sum_form
from qcompile.transforms.walk import InputType
from tests.support.onnx_models import ModelBuilder
from tests.support.proving import Proof, assert_exact, assert_explained, prove

RNG = np.random.default_rng


def dense(b: ModelBuilder, rng: np.random.Generator, x: str, rows: int, columns: int) -> str:
    """A product with weights on a lattice of 1/4."""
    weights = b.quant(b.constant(rng.normal(0, 0.5, (rows, columns))), 0.25, 0.0, 3.0)
    return b.node("MatMul", [x, weights])


def kinds(proof: Proof) -> list[str]:
    return [node.op.kind for node in proof.network.integer.nodes]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_scales(seed: int) -> None:
    """Quantisers of random scales, widths and zero points on both sides, one number a tensor or a channel."""
    rng = RNG(seed)
    b = ModelBuilder()
    x = b.quant("x", 0.125, 0.0, 4.0)
    ends = []
    for _ in range(2):
        scale = rng.uniform(0.05, 0.5, 5).astype(np.float32) if rng.random() < 0.3 else float(rng.uniform(0.05, 0.5))
        zero = float(rng.integers(-2, 3))
        ends.append(b.quant(dense(b, rng, x, 7, 5), scale, zero, float(rng.integers(2, 8))))
    y = b.node(str(rng.choice(["Add", "Sub"])), ends)
    for _ in range(rng.integers(0, 3)):
        y = step(b, rng, y)
    y = b.quant(y, float(rng.uniform(0.1, 0.6)), 0.0, float(rng.integers(2, 7)))
    proof = prove(b.model((1, 7), y), frames=40)
    assert_exact(proof)
    assert "TensorAdd" in kinds(proof)


def step(b: ModelBuilder, rng: np.random.Generator, y: str) -> str:
    """An operator between the sum and its quantiser: one that rises, falls, is neither, or differs between channels."""
    match int(rng.integers(0, 6)):
        case 0:
            return b.node("Relu", [y])
        case 1:
            return b.node("Neg", [y])
        case 2:
            return b.node("Abs", [y])
        case 3:
            return b.node("Mul", [y, b.constant(rng.choice([-1.3, 0.7, 1.1], (1, 5)))])
        case 4:
            return b.node("Add", [b.node("Reshape", [y, b.constant([1, 5], np.int64)]), b.constant(rng.normal(size=5))])
        case _:
            parameters = (rng.uniform(0.5, 2, 5), rng.normal(0, 1, 5), rng.normal(0, 1, 5), rng.uniform(0.5, 2, 5))
            flat = b.node("Reshape", [y, b.constant([1, 5], np.int64)])
            return b.node("BatchNormalization", [flat, *(b.constant(p) for p in parameters)])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_product(seed: int) -> None:
    """Bipolar factors, zero points and any scales; steps behind."""
    rng = RNG(seed)
    b = ModelBuilder()
    x = b.quant("x", 0.125, 0.0, 4.0)
    ends = []
    for _ in range(2):
        y = dense(b, rng, x, 7, 5)
        if rng.random() < 0.2:
            ends.append(b.node("BipolarQuant", [y, b.constant(0.37)], domain=b.qonnx_domain))
        else:
            zero = float(rng.choice([-2, 0, 0, 0.5, 3]))
            ends.append(b.quant(y, float(rng.uniform(0.05, 0.5)), zero, float(rng.integers(2, 7))))
    y = b.node("Mul", ends)
    for _ in range(rng.integers(0, 3)):
        y = step(b, rng, y)
    proof = prove(b.model((1, 7), b.quant(y, float(rng.uniform(0.1, 0.6)), 0.0, 5.0)), frames=40)
    assert_exact(proof)


def test_a_product_in_front_of_the_sum_is_not_quantised() -> None:
    """The accumulator and the shortcut are one pair: the quantiser comes behind."""
    b, rng = ModelBuilder(), RNG(3)
    x = b.quant("x", 0.3, 0.0, 4.0)
    y = b.quant(b.node("Relu", [b.node("Add", [dense(b, rng, x, 6, 6), x])]), 0.37, 0.0, 4.0, signed=0)
    assert_explained(prove(b.model((1, 6), y), frames=60))


def test_ratios_of_scales_that_differ_between_channels() -> None:
    """Factors for each channel: a product with constants in front of the sum."""
    b, rng = ModelBuilder(), RNG(4)
    x = b.quant("x", 0.125, 0.0, 4.0)
    first = b.quant(dense(b, rng, x, 6, 3), np.asarray([0.1, 0.31, 0.2], np.float32), 0.0, 4.0)
    second = b.quant(dense(b, rng, x, 6, 3), np.asarray([0.33, 0.1, 0.17], np.float32), 0.0, 4.0)
    proof = prove(b.model((1, 6), b.quant(b.node("Add", [first, second]), 0.3, 0.0, 5.0)), frames=60)
    assert_exact(proof)
    assert "ChannelProduct" in kinds(proof)


def test_functions_of_one_tensor() -> None:
    """x + x, x - Relu(x), x * Sigmoid(x): functions of one integer, no join in hardware."""
    for names in (("Identity", "Add"), ("Relu", "Sub"), ("Sigmoid", "Mul"), ("HardSigmoid", "Mul")):
        b, rng = ModelBuilder(), RNG(5)
        x = b.quant(dense(b, rng, b.quant("x", 0.25, 0.0, 4.0), 6, 5), 0.17, 0.0, 5.0)
        y = b.quant(b.node(names[1], [x, b.node(names[0], [x])]), 0.23, 0.0, 5.0)
        proof = prove(b.model((1, 6), y), frames=60)
        assert_exact(proof)
        assert not {"TensorAdd", "TensorMultiply"} & set(kinds(proof))


def test_the_sum_itself_may_be_an_output() -> None:
    b, rng = ModelBuilder(), RNG(6)
    x = b.quant("x", 0.25, 0.0, 4.0)
    first, second = (b.quant(dense(b, rng, x, 6, 5), scale, 0.0, 4.0) for scale in (0.5, 0.75))
    total = b.node("Sub", [first, second])
    product = b.node("Relu", [b.node("Mul", [first, second])])
    twice = b.node("Add", [total, total])
    assert_exact(prove(b.model((1, 6), total, product, twice, b.quant(total, 0.3, 0.0, 4.0)), frames=40))


def test_three_tensors_and_a_constant() -> None:
    b, rng = ModelBuilder(), RNG(7)
    x = b.quant("x", 0.25, 0.0, 4.0)
    parts = [b.quant(dense(b, rng, x, 6, 5), scale, 0.0, 4.0) for scale in (0.5, 0.75, 0.31)]
    total = b.node("Sum", [parts[0], b.constant(rng.integers(-4, 4, 5) / 4), parts[1], parts[2]])
    assert_exact(prove(b.model((1, 6), b.quant(total, 0.3, 0.0, 5.0)), frames=40))


@pytest.mark.parametrize("operator", ["Add", "Mul"])
@pytest.mark.parametrize("shape", [(1, 4, 1), (1, 1, 3), (4, 3), (3,), (1, 4, 3), (1, 1, 1)])
def test_broadcasting(operator: str, shape: tuple[int, ...]) -> None:
    """Of a tensor (1, 4, 3) and one that has one element along some axes, in either place."""
    for swap in (False, True):
        b, rng = ModelBuilder(), RNG(8)
        x = b.quant("x", 0.25, 0.0, 4.0)
        large = b.node("Reshape", [b.quant(dense(b, rng, x, 6, 12), 0.3, 0.0, 4.0), b.constant([1, 4, 3], np.int64)])
        count = int(np.prod(shape))
        small = b.quant(dense(b, rng, x, 6, count), 0.21, 0.0, 3.0)
        small = b.node("Reshape", [small, b.constant(shape, np.int64)])
        ends = [small, large] if swap else [large, small]
        y = b.quant(b.node(operator, ends), 0.17, 0.0, 5.0)
        proof = prove(b.model((1, 6), y), frames=40)
        assert_exact(proof)
        assert ("Repeat" in kinds(proof)) == (count < 12)


def test_both_are_broadcast() -> None:
    """A column and a row."""
    b, rng = ModelBuilder(), RNG(13)
    x = b.quant("x", 0.25, 0.0, 4.0)
    column, row = (b.quant(dense(b, rng, x, 6, count), 0.3, 0.0, 4.0) for count in (4, 3))
    y = b.node("Add", [b.node("Reshape", [column, b.constant([4, 1], np.int64)]), row])
    assert_exact(prove(b.model((1, 6), b.quant(y, 0.17, 0.0, 5.0)), frames=40))


def test_orders_that_differ() -> None:
    """A matrix and its transpose: one of them is moved."""
    b, rng = ModelBuilder(), RNG(14)
    x = b.quant("x", 0.25, 0.0, 4.0)
    y = b.node("Reshape", [b.quant(dense(b, rng, x, 6, 9), 0.3, 0.0, 4.0), b.constant([3, 3], np.int64)])
    y = b.node("Sub", [y, b.node("Transpose", [y], {"perm": [1, 0]})])
    proof = prove(b.model((1, 6), b.quant(y, 0.17, 0.0, 5.0)), frames=40)
    assert_exact(proof)
    assert "Take" in kinds(proof)


@pytest.mark.parametrize("size", [1, 2])
def test_a_part_of_a_tensor_in_the_order_of_the_other(size: int) -> None:
    """The first elements of a tensor lie where those of the other do, yet it has more of them."""
    b = ModelBuilder()
    x = b.quant("x")
    bounds = [b.constant([v], np.int64) for v in (0, size, 2)]
    part = b.node("Slice", [x, *bounds])
    other = b.quant(b.node("Relu", [b.node("Sub", [part, b.constant(0.3)])]), 0.125, 0.0, 4.0)
    for operands in ([other, part], [part, other]):
        y = b.quant(b.node("Sub", operands), 0.25, 0.0, 4.0)
        assert_exact(prove(b.model((1, 1, 3, 1), y)))


@pytest.mark.parametrize("transposed", [False, True])
def test_matrix_products(transposed: bool) -> None:
    b, rng = ModelBuilder(), RNG(9)
    x = b.quant("x", 0.25, 0.0, 4.0)
    first = b.quant(dense(b, rng, x, 6, 4), 0.3, 0.0, 4.0)
    second = b.quant(dense(b, rng, x, 6, 4 if transposed else 2), 0.21, 1.0, 3.0)
    if transposed:
        second = b.node("Transpose", [second], {"perm": [0, 2, 1]})
    else:
        second = b.node("Reshape", [second, b.constant([2, 4, 2], np.int64)])
    first = first if transposed else b.node("Reshape", [first, b.constant([2, 4, 4], np.int64)])
    product = b.node("MatMul", [first, second])
    proof = prove(b.model((1, 3, 6) if transposed else (1, 8, 6), product, b.quant(product, 0.7, 0.0, 5.0)), frames=40)
    assert_explained(proof)
    (node,) = (node for node in proof.network.integer.nodes if node.op.kind == "MatrixProduct")
    assert getattr(node.op, "transposed") == transposed  # noqa: B009
    assert "Take" not in kinds(proof)


def refusal(b: ModelBuilder, shape: tuple[int, ...], y: str, types: dict[str, InputType] | None = None) -> str:
    with pytest.raises(CompilerError) as error:
        prove(b.model(shape, y), types)
    return str(error.value)


def test_sums_without_a_common_unit_are_refused_in_front_of_a_product() -> None:
    """Where no quantiser follows. At the end they are the host's."""
    b, rng = ModelBuilder(), RNG(10)
    x = b.quant("x", 0.25, 0.0, 4.0)
    first, second = (b.quant(dense(b, rng, x, 6, 5), scale, 0.0, 4.0) for scale in (0.1, 0.137))
    y = b.node("Add", [first, second])
    assert_explained(prove(b.model((1, 6), y), frames=8))
    z = dense(b, rng, y, 5, 3)
    assert f"node_{z}: the scales of its inputs, 0.1 and 0.137" in refusal(b, (1, 6), z)


def test_the_operand_that_is_not_quantised_is_named() -> None:
    """The second one here."""
    b, rng = ModelBuilder(), RNG(10)
    x = b.quant("x", 0.25, 0.0, 4.0)
    gate = b.node("Sigmoid", [dense(b, rng, x, 6, 5)])
    product = b.node("Mul", [b.quant(dense(b, rng, x, 6, 5), 0.25, 0.0, 4.0), gate])
    assert f"Elementwise 'node_{gate}' gives real numbers" in refusal(b, (1, 6), dense(b, rng, product, 5, 3))


def test_too_many_pairs_of_a_function_that_is_not_monotone_are_refused() -> None:
    """One that rises is as near as it has to be."""
    for step in ("Relu", "Abs"):
        b, rng = ModelBuilder(), RNG(11)
        scaled = b.node("Mul", [dense(b, rng, "x", 6, 5), b.constant(0.137)])
        total = b.node(step, [b.node("Add", [scaled, dense(b, rng, "x", 6, 5)])])
        model = b.model((1, 6), b.quant(total, 900.0, 0.0, 4.0, signed=0))
        types = {"x": InputType(IntType(16, True), 0.125)}
        if step == "Relu":
            assert_explained(prove(model, types, frames=200))
            continue
        with pytest.raises(CompilerError) as error:
            prove(model, types)
        assert "the scales of its inputs" in str(error.value)
        assert "720886 x 786421 pairs of integers are too many for a function that is not monotone" in str(error.value)


def test_the_host_joins_what_nothing_has_quantised_yet() -> None:
    """Two ways from the input to the first quantiser; an input that one of two meets without a quantiser is named."""
    b, rng = ModelBuilder(), RNG(16)
    both = b.node("Mul", [b.node("Add", ["x", b.constant(0.5)]), b.node("Sigmoid", ["x"])])
    assert_exact(prove(b.model((1, 6), dense(b, rng, b.quant(both, 0.25, 0.0, 4.0), 6, 5)), frames=40))
    for swap in (False, True):
        b = ModelBuilder()
        ends = [b.quant("x", 0.25, 0.0, 4.0), "x"]
        y = b.quant(b.node("Add", ends[::-1] if swap else ends), 0.5, 0.0, 4.0)
        assert "the input 'x' reaches TensorAdd without being quantised; state the type" in refusal(b, (1, 6), y)


def test_a_tensor_of_the_host_is_refused_in_front_of_a_quantiser() -> None:
    b, rng = ModelBuilder(), RNG(12)
    x = b.quant("x", 0.25, 0.0, 4.0)
    host = b.node("Softmax", [dense(b, rng, x, 6, 5)])
    for operator in ("Add", "Mul"):
        y = b.quant(b.node(operator, [b.quant(dense(b, rng, x, 6, 5)), host]))
        assert "it joins a tensor of the accelerator with one that only the host computes" in refusal(b, (1, 6), y)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_forms_of_pairs_give_the_codes_of_all_pairs(seed: int) -> None:
    rng = RNG(seed)
    a = np.arange(int(rng.integers(-9, 1)), int(rng.integers(1, 9)))
    b = np.arange(int(rng.integers(-9, 1)), int(rng.integers(1, 9)))
    ratio = float(rng.choice([-1, 1]) * np.exp(rng.uniform(-3, 3)))
    real = ratio * a[:, None] + b[None]
    codes = np.floor(real / rng.uniform(0.5, 4)).astype(np.int64)
    for wanted, steady in ((codes, True), (-codes, True), (np.abs(codes), False)):
        form = sum_form(wanted, a, b, ratio, steady)
        assert form is not None
        assert np.array_equal(form.at(form.factors[0] * a[:, None] + form.factors[1] * b[None]), wanted)
    noise = rng.integers(0, 3, codes.shape)
    table = each_pair(noise, a, b, b.size + 2)
    assert np.array_equal(table.at(table.factors[0] * a[:, None] + table.factors[1] * b[None]), noise)
    products = a[:, None] * b[None]
    form = product_form(np.sign(products), products)
    assert form is not None
    assert np.array_equal(form.at(products), np.sign(products))


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_borders_tell_all_pairs_apart(seed: int) -> None:
    """Functions that rise or fall with each integer, not quite along a line: what is found holds for every pair."""
    rng = RNG(seed)
    ends = (int(rng.integers(-99, 1)), int(rng.integers(1, 99)))
    enumerated = (int(rng.integers(-9, 1)), int(rng.integers(1, 9)))
    ratio = float(rng.choice([-1, 1]) * np.exp(rng.uniform(-3, 1)))
    sign, width, noise = rng.choice([-1, 1]), rng.uniform(0.5, 9), rng.uniform(0, 1e-3)

    def function(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        real = sign * (ratio * a + b + noise * np.tanh(b))
        return np.asarray(np.clip(np.rint(real / width), -9, 7), np.int64)

    form = border_form(function, ends, enumerated, ratio)
    a, b = (np.arange(lo, hi + 1) for lo, hi in (ends, enumerated))
    assert not isinstance(form, str)
    assert np.array_equal(
        form.at(form.factors[0] * a[:, None] + form.factors[1] * b[None]), function(a[:, None], b[None])
    )


def test_borders_that_no_sum_tells_apart() -> None:
    form = border_form(lambda a, b: (a + b % 2 * 40 >= 0).astype(np.int64), (-99, 99), (0, 9), 1.0)
    assert form == "no integer factors of 20 bits tell all codes apart"


@pytest.mark.parametrize("swap", [False, True])
def test_accumulators_and_a_shortcut(swap: bool) -> None:
    """More pairs than are enumerated: proven at the borders. Sums are exact, so nothing may differ."""
    b, rng = ModelBuilder(), RNG(15)
    x = b.quant("x", 2.0**-9, 0.0, 10.0)
    weights = b.quant(b.constant(rng.normal(0, 0.5, (9, 6))), 2.0**-6, 0.0, 7.0)
    accumulators = b.node("MatMul", [x, weights])
    shortcut = b.quant(dense(b, rng, x, 9, 6), 0.0137, 0.0, 8.0)
    ends = [shortcut, accumulators] if swap else [accumulators, shortcut]
    y = b.node("Relu", [b.node("Sub", ends)])
    proof = prove(b.model((1, 9), b.quant(y, 0.171, 0.0, 4.0, signed=0)), frames=300)
    assert_exact(proof)
    (node,) = (node for node in proof.network.integer.nodes if node.op.kind == "TensorAdd")
    sizes = [proof.network.integer.values[name].range for name in node.inputs]
    assert all(size is not None for size in sizes)
    assert np.prod([size.greatest - size.least + 1 for size in sizes if size is not None]) > 1 << 18


def test_a_sum_that_float32_cannot_tell_from_the_exact_one() -> None:
    """Accumulators of a scale a channel beside a shortcut, into many levels: float32 rounds pairs of integers this way and
    that at some border. The sum is then as near as it has to be, and what the reference rounds elsewhere is a tie.
    """
    b, rng = ModelBuilder(), RNG(0)
    x = b.quant("x", 0.125, 0.0, 8.0)
    scales = rng.uniform(0.05, 0.2, (1, 64)).astype(np.float32)
    accumulators = b.node("MatMul", [x, b.quant(b.constant(rng.normal(0, 0.5, (16, 64))), scales, 0.0, 4.0)])
    shortcut = b.quant(dense(b, rng, x, 16, 64), 0.07, 0.0, 8.0)
    y = b.quant(b.node("Relu", [b.node("Add", [accumulators, shortcut])]), 0.07, 0.0, 8.0, signed=0)
    proof = prove(b.model((1, 16), y), frames=100)
    assert_explained(proof)
    assert len(proof.agreement.ties) < 5
    ours, theirs = (np.rint(np.asarray(side[y]) / np.float32(0.07)) for side in (proof.outputs, proof.reference))
    assert np.abs(ours - theirs).max() <= 1
    assert np.count_nonzero(ours - theirs) < 10


def test_pairs_of_one_sum_with_different_codes_have_no_form() -> None:
    a = b = np.arange(4)
    codes = (a[:, None] + b[None] >= 3).astype(np.int64)
    codes[0, 3], codes[2, 1] = 0, 0
    codes[1, 2], codes[3, 0] = 1, 1
    codes[3, 3] = 0
    assert sum_form(codes, a, b, 1.0, steady=True) is None
    assert product_form(codes, a[:, None] + b[None]) is None
