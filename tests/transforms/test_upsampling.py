"""Enlarged images in front of convolutions: as they are, or as transposed convolutions with equal integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.ops import CyclicProduct, Take
from qcompile.transforms.passes import run_passes
from qcompile.transforms.upsampling import UpsamplingAsDeconvolution
from tests.support.onnx_models import QONNX, ModelBuilder
from tests.support.proving import Proof, assert_exact, prove, run_integers

seeds = st.integers(0, 2**32 - 1)


def enlarged(
    b: ModelBuilder, scales: tuple[int, int], kernel: tuple[int, int], pads: list[int], signed: int = 1, **attributes: object
) -> str:
    """A quantised image of 3 channels, enlarged, and a convolution of it."""
    rng = np.random.default_rng(sum(kernel))
    x = b.quant("x", 0.125, 0.0, 4.0, signed=signed)
    sizes = b.constant([1.0, 1.0, *map(float, scales)])
    floor = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    x = b.node("Resize", [x, "", sizes], floor)
    w = b.quant(b.constant(rng.normal(0, 0.5, (4, 3, *kernel))), 0.25, 0.0, 3.0, narrow=1)
    y = b.node("Conv", [x, w, b.constant(rng.integers(-8, 8, 4) / 32)], {"pads": pads, **attributes})
    return b.quant(b.node("Relu", [y]), 0.25, 0.0, 4.0, signed=0)


def kinds(proof: Proof) -> set[type]:
    return {type(node.op) for node in proof.network.integer.nodes}


def both(b: ModelBuilder, y: str, shape: tuple[int, ...] = (1, 3, 3, 4)) -> Proof:
    """Proven as it is without passes, then with every convolution transposed."""
    plain = prove(b.model(shape, y), frames=6, passes=False)
    changed = run_passes(plain.network, tuple(plain.values[n] for n in plain.network.integer.inputs), upsample="deconv")
    proof = plain.with_network(changed)
    assert_exact(proof)
    assert {tap.tensor for tap in changed.taps} == {tap.tensor for tap in plain.network.taps}
    for name in plain.network.integer.outputs:
        assert np.array_equal(plain.values[name], proof.values[name])
    return proof


@settings(max_examples=30, deadline=None)
@given(
    seed=seeds,
    scales=st.tuples(st.integers(1, 4), st.integers(1, 4)).filter(lambda pair: max(pair) > 1),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
)
def test_equal_integers(seed: int, scales: tuple[int, int], kernel: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    pads = [int(rng.integers(0, k)) for k in kernel * 2]
    b = ModelBuilder()
    proof = both(b, enlarged(b, scales, kernel, pads))
    assert CyclicProduct in kinds(proof)
    assert Take not in kinds(proof)


def test_a_3x3_convolution_of_a_doubled_image_multiplies_less_than_half() -> None:
    b = ModelBuilder()
    proof = prove(b.model((1, 3, 3, 4), enlarged(b, (2, 2), (3, 3), [1, 1, 1, 1])), frames=6)
    assert_exact(proof)
    (cycle,) = (node.op.cycle for node in proof.network.integer.nodes if isinstance(node.op, CyclicProduct))
    assert cycle.lengths == (12, 12, 12, 12)
    assert 2 * cycle.elements < 6 * 8 * 27


def test_a_pointwise_convolution_is_left_alone_unless_asked_for() -> None:
    b = ModelBuilder()
    y = enlarged(b, (2, 2), (1, 1), [0, 0, 0, 0])
    proof = prove(b.model((1, 3, 3, 4), y), frames=6)
    assert Take in kinds(proof)
    assert CyclicProduct in kinds(both(b, y))


def test_resize_leaves_everything_as_it_is() -> None:
    b = ModelBuilder()
    found = prove(b.model((1, 3, 3, 4), enlarged(b, (2, 2), (3, 3), [1, 1, 1, 1])), frames=6, passes=False)
    kept, changed = (UpsamplingAsDeconvolution(mode).run(found.network).integer for mode in ("resize", "deconv"))
    assert kept.nodes == found.network.integer.nodes
    assert changed.nodes != kept.nodes


@pytest.mark.parametrize("attributes", [{"strides": [2, 1]}, {"dilations": [1, 2]}, {"group": 3}])
def test_what_has_no_such_form_is_kept(attributes: dict[str, object]) -> None:
    b = ModelBuilder()
    if "group" in attributes:
        x = b.quant("x", 0.125, 0.0, 4.0)
        x = b.node("Upsample" if b.opset < 10 else "Resize", [x, "", b.constant([1.0, 1.0, 2.0, 2.0])], {"mode": "nearest"})
        w = b.quant(b.constant(np.random.default_rng(1).normal(0, 0.5, (3, 1, 3, 3))), 0.25, 0.0, 3.0, narrow=1)
        y = b.quant(b.node("Conv", [x, w], attributes), 0.25, 0.0, 4.0)
    else:
        y = enlarged(b, (2, 2), (2, 2), [1, 1, 0, 0], **attributes)
    assert CyclicProduct not in kinds(both(b, y))


def test_an_enlarged_image_that_is_read_twice_is_kept() -> None:
    b = ModelBuilder()
    x = b.quant("x", 0.125, 0.0, 4.0)
    x = b.node("Resize", [x, "", b.constant([1.0, 1.0, 2.0, 2.0])], {"mode": "nearest"})
    ends = []
    for seed in (1, 2):
        w = b.quant(b.constant(np.random.default_rng(seed).normal(0, 0.5, (2, 3, 3, 3))), 0.25, 0.0, 3.0, narrow=1)
        ends.append(b.quant(b.node("Relu", [b.node("Conv", [x, w])]), 0.25, 0.0, 4.0, signed=0))
    plain = prove(b.model((1, 3, 3, 4), *ends), frames=6, passes=False)
    after = run_passes(plain.network, upsample="deconv")
    values = run_integers(after, tuple(plain.values[n] for n in plain.network.integer.inputs))
    assert all(np.array_equal(values[name], plain.values[name]) for name in plain.network.integer.outputs)


def test_padding_that_is_no_zero() -> None:
    """Bipolar numbers on a lattice with a code for zero; integers with a zero point."""
    b = ModelBuilder()
    rng = np.random.default_rng(3)
    x = b.node("BipolarQuant", ["x", b.constant(0.5)], domain=QONNX)
    x = b.node("Resize", [x, "", b.constant([1.0, 1.0, 2.0, 3.0])], {"mode": "nearest"})
    w = b.node("BipolarQuant", [b.constant(rng.normal(0, 1, (4, 3, 3, 3))), b.constant(0.25)], domain=QONNX)
    y = b.node("Conv", [x, w], {"pads": [1, 1, 1, 1]})
    both(b, b.quant(b.node("Relu", [y]), 0.25, 0.0, 4.0, signed=0))
