"""Grouped and transposed convolutions become integers: proven against onnxruntime for many shapes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qcompile.dataflow.lower import lower
from qcompile.ir.errors import CompilerError
from qcompile.kernels import MatrixVectorUnit
from qcompile.transforms.accumulators import accumulators, require_bits
from tests.support.onnx_models import QONNX, ModelBuilder
from tests.support.proving import Proof, assert_exact, prove

seeds = st.integers(0, 2**32 - 1)


def weights(b: ModelBuilder, rng: np.random.Generator, shape: tuple[int, ...], scale: object = 0.25) -> str:
    return b.quant(b.constant(rng.normal(0, 0.5, shape)), scale, 0.0, 3.0, narrow=1)


def quantised(b: ModelBuilder, y: str) -> str:
    return b.quant(b.node("Relu", [y]), 0.25, 0.0, 4.0, signed=0)


def units(proof: Proof) -> list[MatrixVectorUnit]:
    """The matrix-vector units of the network."""
    kernels = (i.kernel for i in lower(proof.network.integer, "m").instances)
    return [kernel for kernel in kernels if isinstance(kernel, MatrixVectorUnit)]


@settings(max_examples=20, deadline=None)
@given(seed=seeds, axes=st.integers(1, 2), groups=st.sampled_from([1, 2, 4]))
def test_transposed_convolution(seed: int, axes: int, groups: int) -> None:
    rng = np.random.default_rng(seed)
    spatial, kernel, strides, dilations = (
        [int(n) for n in rng.integers(low, high, axes)] for low, high in ((1, 6), (1, 5), (1, 4), (1, 3))
    )
    pads = [int(n) for n in rng.integers(0, 2, 2 * axes)]
    b = ModelBuilder()
    x = b.quant("x", 0.125, 0.0, 4.0)
    attributes = {"strides": strides, "dilations": dilations, "pads": pads, "group": groups}
    attributes["output_padding"] = [int(rng.integers(0, stride)) for stride in strides]
    bias = b.constant(rng.integers(-8, 8, 3 * groups) / 32)
    y = b.node("ConvTranspose", [x, weights(b, rng, (4, 3, *kernel)), bias], attributes)
    model = b.model((1, 4, *spatial), quantised(b, y))
    sizes = zip(spatial, strides, kernel, dilations, pads[:axes], pads[axes:], strict=True)
    assume(all((n - 1) * s + (k - 1) * d + 1 > before + after for n, s, k, d, before, after in sizes))
    assert_exact(prove(model, frames=6))


@settings(max_examples=20, deadline=None)
@given(seed=seeds, axes=st.integers(1, 2), groups=st.sampled_from([2, 3, 6]), multiplier=st.integers(1, 2))
def test_convolution_in_groups(seed: int, axes: int, groups: int, multiplier: int) -> None:
    rng = np.random.default_rng(seed)
    spatial, kernel, strides = ([int(n) for n in rng.integers(low, high, axes)] for low, high in ((3, 7), (1, 4), (1, 3)))
    pads = [int(n) for n in rng.integers(0, 2, 2 * axes)]
    b = ModelBuilder()
    x = b.quant("x", 0.125, 0.0, 4.0)
    y = b.node(
        "Conv",
        [x, weights(b, rng, (6 * multiplier, 6 // groups, *kernel)), b.constant(rng.integers(-8, 8, 6 * multiplier) / 32)],
        {"strides": strides, "pads": pads, "group": groups},
    )
    assert_exact(prove(b.model((1, 6, *spatial), quantised(b, y)), frames=6))


@pytest.mark.parametrize("groups", [1, 2])
def test_scales_of_output_channels_on_the_second_axis(groups: int) -> None:
    rng, b = np.random.default_rng(1), ModelBuilder()
    scales = b.constant(np.array([0.25, 0.5, 0.125]).reshape(1, 3, 1, 1))
    x = b.quant("x", 0.125, 0.0, 4.0)
    w = weights(b, rng, (4, 3, 3, 3), scales)
    y = b.node("ConvTranspose", [x, w], {"strides": [2, 2], "group": groups})
    assert_exact(prove(b.model((1, 4, 3, 3), quantised(b, y))))


def test_scales_of_input_channels_are_multiplied_into_the_weights_of_their_group() -> None:
    rng, b = np.random.default_rng(1), ModelBuilder()
    x = b.quant("x", b.constant(np.array([0.125, 0.25, 0.5, 0.125]).reshape(1, 4, 1, 1)), 0.0, 4.0)
    y = b.node("Conv", [x, weights(b, rng, (6, 2, 2, 2))], {"group": 2})
    y = b.node("Mul", [y, b.constant(0.5)])
    assert_exact(prove(b.model((1, 4, 4, 4), quantised(b, y))))


@pytest.mark.parametrize("operator", ["Conv", "ConvTranspose"])
def test_bipolar_inputs(operator: str) -> None:
    """A code of zero is made where there is none; groups without padding need none."""
    rng, b = np.random.default_rng(2), ModelBuilder()
    x = b.node("BipolarQuant", ["x", b.constant(0.5)], domain=QONNX)
    w = b.node("BipolarQuant", [b.constant(rng.normal(0, 1, (4, 2, 3, 3))), b.constant(0.25)], domain=QONNX)
    y = b.node(operator, [x, w], {"group": 2, "strides": [2, 2]})
    assert_exact(prove(b.model((1, 4, 5, 5), quantised(b, y))))


def test_multiplications_are_those_of_the_taps() -> None:
    """3x3 of stride 2 has 4, 2, 2 and 1 taps: 9 for four pixels, not 36."""
    rng, b = np.random.default_rng(3), ModelBuilder()
    x = b.quant("x", 0.125, 0.0, 4.0)
    attributes = {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]}
    y = b.node("ConvTranspose", [x, weights(b, rng, (4, 3, 3, 3))], attributes)
    proof = prove(b.model((1, 4, 5, 6), quantised(b, y)))
    assert_exact(proof)
    (unit,) = units(proof)
    assert unit.multiplications() == 5 * 6 * 9 * 4 * 3


def test_accumulators_of_every_phase_are_certified() -> None:
    rng, b = np.random.default_rng(4), ModelBuilder()
    x = b.quant("x", 0.125, 0.0, 4.0)
    y = b.node("ConvTranspose", [x, weights(b, rng, (4, 3, 3, 3))], {"strides": [2, 2]})
    proof = prove(b.model((1, 4, 3, 3), quantised(b, y)))
    (found,) = accumulators(proof.network.integer)
    assert found.inputs == 16
    assert np.all(found.exact_bits <= found.a2q_bits)
    assert np.all(found.a2q_bits <= found.datatype_bits)
    reached = proof.values[found.value].reshape(-1, 3)
    assert np.all((found.lo <= reached) & (reached <= found.hi))
    with pytest.raises(CompilerError, match="not every accumulator fits 2 bits"):
        require_bits((found,), 2)


def test_an_image_of_nothing_but_padding_is_refused() -> None:
    rng, b = np.random.default_rng(5), ModelBuilder()
    x = b.quant("x", 0.125, 0.0, 4.0)
    y = b.node("ConvTranspose", [x, weights(b, rng, (4, 3, 1, 1))], {"strides": [3, 3], "pads": [1, 1, 1, 1]})
    with pytest.raises(CompilerError, match="its outputs are made of no pixel of its input"):
        prove(b.model((1, 4, 2, 2), quantised(b, y)))


def test_weights_off_any_grid_are_refused() -> None:
    b = ModelBuilder()
    x = b.quant("x", 0.125, 0.0, 4.0)
    y = b.node("ConvTranspose", [x, b.constant(np.random.default_rng(5).normal(size=(4, 3, 2, 2)))], {"strides": [2, 2]})
    with pytest.raises(CompilerError, match="its weights are not quantised"):
        prove(b.model((1, 4, 3, 3), quantised(b, y)))


def test_padding_in_front_of_a_convolution_in_groups() -> None:
    """The windows take the padding over and stay in groups."""
    rng, b = np.random.default_rng(6), ModelBuilder()
    x = b.quant("x", 0.125, 0.0, 4.0)
    x = b.node("Pad", [x, b.constant([0, 0, 1, 0, 0, 0, 1, 1], np.int64)])
    y = b.node("Conv", [x, weights(b, rng, (6, 2, 3, 2))], {"group": 2})
    assert_exact(prove(b.model((1, 4, 4, 5), quantised(b, y))))
