"""Images made larger or smaller by lines between pixels: every integer against onnxruntime, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.ir.errors import CompilerError
from qcompile.ops import ChannelProduct, LinearResize, Take
from qcompile.ops.linear_resize import LinearAxis
from tests.support.onnx_models import QONNX, ModelBuilder
from tests.support.proving import Proof, assert_exact, assert_explained, prove

MODES = ("half_pixel", "pytorch_half_pixel", "asymmetric")
seeds = st.integers(0, 2**32 - 1)


def resized(b: ModelBuilder, x: str, scales: list[float], **attributes: object) -> str:
    """Upsample or Resize, in the form of the operator set."""
    attributes = {"mode": "linear"} | (attributes if b.opset > 10 else {})
    if b.opset < 9:
        return b.node("Upsample", [x], attributes | {"scales": scales})
    if b.opset < 11:
        return b.node("Upsample" if b.opset < 10 else "Resize", [x, b.constant(scales)], attributes)
    return b.node("Resize", [x, b.constant(np.zeros(0)) if b.opset < 13 else "", b.constant(scales)], attributes)


def kinds(proof: Proof) -> list[type]:
    return [type(node.op) for node in proof.network.integer.nodes]


@settings(max_examples=60, deadline=None)
@given(
    seed=seeds,
    opset=st.sampled_from([8, 9, 10, 11, 13, 17, 19]),
    mode=st.sampled_from(MODES),
    scales=st.tuples(*[st.sampled_from([1.0, 2.0, 4.0])] * 2),
)
def test_scales_of_powers_of_two_have_no_ties(seed: int, opset: int, mode: str, scales: tuple[float, float]) -> None:
    """Per tensor and per channel, signed or not, with a zero point or bipolar."""
    rng, b = np.random.default_rng(seed), ModelBuilder(opset=opset)
    channels, height, width = (int(size) for size in rng.integers(1, 6, 3))
    if rng.random() < 0.2:
        x = b.node("BipolarQuant", ["x", b.constant(0.5)], domain=QONNX)
    else:
        scale = b.constant(2.0 ** rng.integers(-3, 1, (1, channels, 1, 1)))
        x = b.quant("x", scale, float(rng.choice([0, 0, 3])), 4.0, signed=int(rng.integers(0, 2)))
    y = resized(b, x, [1.0, 1.0, *scales], coordinate_transformation_mode=mode)
    proof = prove(b.model((1, channels, height, width), b.quant(b.node("Relu", [y]), 0.125, 0.0, 4.0, signed=0)), frames=6)
    assert_exact(proof)


@settings(max_examples=40, deadline=None)
@given(seed=seeds, opset=st.sampled_from([9, 11, 13, 19]), mode=st.sampled_from((*MODES, "align_corners")))
def test_sizes_and_thirds(seed: int, opset: int, mode: str) -> None:
    """Any sizes with a common small denominator, larger and smaller; the weights are no numbers of float32."""
    rng, b = np.random.default_rng(seed), ModelBuilder(opset=opset)
    channels, height, width = (int(size) for size in rng.integers(1, 6, 3))
    x = b.quant("x", 0.3, 0.0, 4.0)
    factors = [1.0, 1.0, *(float(f) for f in rng.choice([1.0, 1.5, 3.0], 2))]
    if mode == "align_corners" and opset > 10:
        sizes = [1, channels, *(int(m) * (size - 1) + 1 for m, size in zip(rng.integers(1, 5, 2), (height, width), strict=True))]
        empty = b.constant(np.zeros(0)) if opset < 13 else ""
        attributes = {"mode": "linear", "coordinate_transformation_mode": mode}
        y = b.node("Resize", [x, empty, empty, b.constant(sizes, np.int64)], attributes)
    else:
        y = resized(b, x, factors, coordinate_transformation_mode=mode)
    proof = prove(b.model((1, channels, height, width), b.quant(y, 0.17, 0.0, 5.0)), frames=6)
    assert_explained(proof)


def test_half_and_thirds_smaller() -> None:
    """Between two pixels lies their mean; what is left of every second pixel is no sum at all."""
    for mode, expected in (("half_pixel", ChannelProduct), ("asymmetric", Take)):
        b = ModelBuilder()
        x = b.quant("x", 0.25, 0.0, 4.0)
        y = resized(b, x, [1.0, 1.0, 0.5, 0.5], coordinate_transformation_mode=mode)
        proof = prove(b.model((1, 3, 6, 8), b.quant(b.node("Relu", [y]), 0.25, 0.0, 4.0, signed=0)), frames=6)
        assert_exact(proof)
        assert expected in kinds(proof)


def test_channels_last_and_sequences() -> None:
    b = ModelBuilder()
    y = resized(b, b.quant("x", 0.25, 0.0, 4.0), [1.0, 2.0, 2.0, 1.0])
    assert_exact(prove(b.model((1, 3, 4, 5), b.quant(y, 0.25, 0.0, 6.0)), frames=6))
    b = ModelBuilder()
    y = resized(b, b.quant("x", 0.25, 0.0, 4.0), [1.0, 1.0, 4.0])
    assert_exact(prove(b.model((1, 3, 5), b.quant(y, 0.25, 0.0, 6.0)), frames=6))


def test_between_sums() -> None:
    """Behind a convolution without a quantiser, in front of one with: integers all the way."""
    rng, b = np.random.default_rng(2), ModelBuilder()
    w = [b.quant(b.constant(rng.normal(0, 0.5, shape)), 0.25, 0.0, 3.0) for shape in ((3, 2, 3, 3), (2, 3, 3, 3))]
    x = b.node("Conv", [b.quant("x", 0.25, 0.0, 4.0), w[0], b.constant([0.5, -0.25, 1.0])])
    x = resized(b, x, [1.0, 1.0, 2.0, 2.0])
    x = b.node("Conv", [b.quant(x, 0.5, 0.0, 4.0), w[1]], {"pads": [1, 1, 1, 1]})
    assert_exact(prove(b.model((1, 2, 5, 5), b.quant(b.node("Relu", [x]), 0.25, 0.0, 4.0, signed=0)), frames=6))


def test_no_multiplication_where_all_pixels_count_alike() -> None:
    for scale, mode in ((2.0, "asymmetric"), (3.0, "half_pixel"), (4.0, "asymmetric")):
        b = ModelBuilder()
        y = resized(b, b.quant("x", 0.25, 0.0, 4.0), [1.0, 1.0, scale, scale], coordinate_transformation_mode=mode)
        proof = prove(b.model((1, 2, 3, 4), b.quant(y, 0.25, 0.0, 6.0)), frames=6)
        assert_explained(proof)
        (node,) = (node for node in proof.network.integer.nodes if isinstance(node.op, ChannelProduct))
        assert np.all(proof.network.integer.constants[node.inputs[1]] == 1)


@pytest.mark.parametrize(
    "axis", [LinearAxis(5, 10, 2, 1, -1), LinearAxis(4, 12, 3, 1, -2), LinearAxis(3, 9, 4), LinearAxis(6, 4, 2, 3, 1)]
)
def test_lines_between_pixels(axis: LinearAxis) -> None:
    """Against the definition: the two neighbours of a coordinate, weighted by their distance."""
    x = np.random.default_rng(axis.size).random((1, 1, 1, axis.size)).astype(np.float32)
    at = (2 * axis.step * np.arange(axis.outputs) + axis.offset) / (2 * axis.fine)
    expected = np.interp(at, np.arange(axis.size), x.reshape(-1))
    assert np.allclose(LinearResize((axis,)).evaluate(x).reshape(-1), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("size", "attributes", "reason"),
    [
        ([1, 2, 10, 10], {"coordinate_transformation_mode": "align_corners"}, "multiples of 1/9, finer than 1/8"),
        ([1, 2, 8, 8], {}, "the scale 1.6 is no number of float32"),
        ([1, 2, 3, 5], {"antialias": 1}, "no number of float32"),
        ([1, 2, 10, 10], {"coordinate_transformation_mode": "tf_crop_and_resize"}, "tf_crop_and_resize|cannot compute"),
    ],
)
def test_what_has_no_small_denominator_is_refused(size: list[int], attributes: dict[str, object], reason: str) -> None:
    b = ModelBuilder(opset=19)
    x = b.quant("x", 0.25, 0.0, 4.0)
    y = b.node("Resize", [x, "", "", b.constant(size, np.int64)], {"mode": "linear"} | attributes)
    with pytest.raises(CompilerError, match=reason):
        prove(b.model((1, 2, 5, 5), b.quant(y, 0.25, 0.0, 4.0)), frames=2)


def test_antialiasing_is_refused() -> None:
    b = ModelBuilder(opset=19)
    y = resized(b, b.quant("x", 0.25, 0.0, 4.0), [1.0, 1.0, 0.5, 0.5], antialias=1)
    with pytest.raises(CompilerError, match="antialias"):
        prove(b.model((1, 2, 8, 8), b.quant(y, 0.25, 0.0, 4.0)), frames=2)
