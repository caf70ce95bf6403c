"""Convolutions whose channels become pixels: as they are, or as transposed convolutions with equal integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.ops import BorderAffine, CyclicProduct, Take
from qcompile.transforms.passes import run_passes
from qcompile.transforms.sub_pixels import SubPixelsAsDeconvolution
from tests.support.onnx_models import QONNX, ModelBuilder
from tests.support.proving import assert_exact, prove
from tests.transforms.test_upsampling import both, kinds

seeds = st.integers(0, 2**32 - 1)
SHAPE = (1, 3, 3, 4)


def weights(b: ModelBuilder, rng: np.random.Generator, *shape: int, scale: object = 0.25) -> str:
    return b.quant(b.constant(rng.normal(0, 0.5, shape)), scale, 0.0, 3.0, narrow=1)


def relu(b: ModelBuilder, x: str) -> str:
    return b.quant(b.node("Relu", [x]), 0.25, 0.0, 3.0, signed=0)


def shuffled(
    b: ModelBuilder,
    x: str,
    rng: np.random.Generator,
    block: int = 2,
    mode: str = "DCR",
    kernel: tuple[int, int] = (3, 3),
    pads: tuple[int, ...] = (1, 1, 1, 1),
    bias: bool = False,
    before: bool = True,
    **attributes: object,
) -> str:
    """A convolution of 3 channels to 2 * block**2, DepthToSpace with the quantiser before it or behind, a convolution."""
    operands = [x, weights(b, rng, 2 * block**2, 3, *kernel)]
    operands += [b.constant(rng.integers(-12, 12, 2 * block**2) / 32)] if bias else []
    y = b.node("Conv", operands, {"pads": list(pads), **attributes})
    y = relu(b, y) if before else y
    y = b.node("DepthToSpace", [y], {"blocksize": block, "mode": mode})
    y = y if before else relu(b, y)
    return relu(b, b.node("Conv", [y, weights(b, rng, 2, 2, 2, 2)]))


@settings(max_examples=30, deadline=None)
@given(
    seed=seeds,
    block=st.integers(2, 4),
    mode=st.sampled_from(["DCR", "CRD"]),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    bias=st.booleans(),
    before=st.booleans(),
    signed=st.integers(0, 1),
)
def test_equal_integers(
    seed: int, block: int, mode: str, kernel: tuple[int, int], bias: bool, before: bool, signed: int
) -> None:
    rng, b = np.random.default_rng(seed), ModelBuilder()
    pads = tuple(int(rng.integers(0, k)) for k in kernel * 2)
    x = b.quant("x", 0.125, 0.0, 4.0, signed=signed)
    proof = both(b, shuffled(b, x, rng, block, mode, kernel, pads, bias, before))
    assert CyclicProduct in kinds(proof)
    assert Take not in kinds(proof)
    assert (BorderAffine in kinds(proof)) == bias


def test_a_shuffle_written_as_transposition() -> None:
    """As frameworks without DepthToSpace export it."""
    b, rng = ModelBuilder(), np.random.default_rng(3)
    y = relu(b, b.node("Conv", [b.quant("x", 0.25, 0.0, 4.0), weights(b, rng, 8, 3, 1, 1)]))
    y = b.node("Reshape", [y, b.constant([1, 2, 2, 2, 3, 4], np.int64)])
    y = b.node("Transpose", [y], {"perm": [0, 1, 4, 2, 5, 3]})
    y = b.node("Reshape", [y, b.constant([1, 2, 6, 8], np.int64)])
    proof = both(b, relu(b, b.node("Conv", [y, weights(b, rng, 2, 2, 2, 2)])))
    assert Take not in kinds(proof)


def test_sums_that_are_not_quantised() -> None:
    """DepthToSpace right behind the convolution, and the next convolution right behind that."""
    b, rng = ModelBuilder(), np.random.default_rng(4)
    y = b.node("Conv", [b.quant("x", 0.25, 0.0, 4.0), weights(b, rng, 8, 3, 2, 2), b.constant(np.full(8, 0.5))])
    y = b.node("DepthToSpace", [y], {"blocksize": 2, "mode": "CRD"})
    proof = both(b, relu(b, b.node("Conv", [y, weights(b, rng, 2, 2, 2, 2)])))
    assert {CyclicProduct} < kinds(proof)
    assert not {Take, BorderAffine} & kinds(proof)


def test_zero_points_and_padding() -> None:
    """The zero point's part of the sums differs from phase to phase; zero is an integer among the codes."""
    b, rng = ModelBuilder(), np.random.default_rng(5)
    proof = both(b, shuffled(b, b.quant("x", 0.125, 3.0, 4.0, signed=0), rng, bias=True))
    assert CyclicProduct in kinds(proof)


@pytest.mark.parametrize("scales", [np.tile([0.25, 0.5], 4), 0.25 * np.array([1, 1, 2, 1, 1, 1, 1, 3])])
def test_scales_of_channels(scales: np.ndarray) -> None:
    """Equal in every phase, or multiples of one another: then the weights are."""
    b, rng = ModelBuilder(), np.random.default_rng(6)
    scale = b.constant(scales.reshape(8, 1, 1, 1))
    y = b.node("Conv", [b.quant("x", 0.25, 0.0, 4.0), weights(b, rng, 8, 3, 2, 2, scale=scale)])
    y = b.node("DepthToSpace", [relu(b, y)], {"blocksize": 2, "mode": "DCR"})
    y = relu(b, b.node("Conv", [y, weights(b, rng, 2, 2, 2, 2)]))
    assert Take not in kinds(both(b, y))


@pytest.mark.parametrize("case", ["scales", "bias", "stride", "dilation", "group", "block"])
def test_what_has_no_such_form_is_kept(case: str) -> None:
    """Scales that differ between phases, a bias that is no integer of the sums, geometry that phases do not have."""
    b, rng = ModelBuilder(), np.random.default_rng(7)
    x = b.quant("x", 0.25, 0.0, 4.0)
    scale = b.constant(rng.uniform(0.2, 0.3, (8, 1, 1, 1))) if case == "scales" else 0.25
    block = 5 if case == "block" else 2
    channels = 2 * block**2
    groups = 2 if case == "group" else 1
    if groups > 1:
        x = relu(b, b.node("Conv", [x, weights(b, rng, 4, 3, 1, 1)]))
    attributes = {"stride": {"strides": [2, 1]}, "dilation": {"dilations": [1, 2]}, "group": {"group": 2}}.get(case, {})
    w = weights(b, rng, channels, 4 // groups if groups > 1 else 3, 2, 2, scale=scale)
    y = b.node("Conv", [x, w, *([b.constant(rng.normal(0, 0.3, channels))] if case == "bias" else [])], attributes)
    y = b.node("DepthToSpace", [relu(b, y)], {"blocksize": block})
    y = relu(b, b.node("Conv", [y, weights(b, rng, 2, 2, 2, 2)]))
    plain = prove(b.model((1, 3, 4, 5), y), frames=6, passes=False)
    changed = run_passes(plain.network, upsample="deconv").integer
    assert Take in {type(node.op) for node in changed.nodes}


def test_what_is_read_twice_is_kept() -> None:
    b, rng = ModelBuilder(), np.random.default_rng(8)
    y = relu(b, b.node("Conv", [b.quant("x", 0.25, 0.0, 4.0), weights(b, rng, 8, 3, 2, 2)]))
    z = relu(b, b.node("Conv", [b.node("DepthToSpace", [y], {"blocksize": 2}), weights(b, rng, 2, 2, 2, 2)]))
    plain = prove(b.model(SHAPE, y, z), frames=6, passes=False)
    assert run_passes(plain.network, upsample="deconv").integer.nodes == run_passes(plain.network).integer.nodes


@pytest.mark.parametrize(
    ("inputs", "outputs", "size", "mode", "turned"),
    [
        (3, 2, 1, "DCR", True),  # a row of 3 channels of 4 bits is kept longer, or one of 8 channels of 3 bits waits
        (16, 2, 1, "DCR", False),  # of 16 channels
        (3, 2, 1, "CRD", True),
        (3, 2, 2, "DCR", False),  # a window of 4 pixels for every phase, where all channels of a pixel move in a cycle
        (3, 2, 2, "CRD", False),
    ],
)
def test_fewer_bits_decide_where_nothing_becomes_slower(
    inputs: int, outputs: int, size: int, mode: str, turned: bool
) -> None:
    b, rng = ModelBuilder(), np.random.default_rng(9)
    y = b.node("Conv", [b.quant("x", 0.25, 0.0, 4.0), weights(b, rng, 4 * outputs, inputs, size, size)])
    y = b.node("DepthToSpace", [relu(b, y)], {"blocksize": 2, "mode": mode})
    y = relu(b, b.node("Conv", [y, weights(b, rng, 2, outputs, 2, 2)]))
    proof = prove(b.model((1, inputs, 4, 3), y), frames=6)
    assert_exact(proof)
    assert (Take not in kinds(proof)) == turned


def test_resize_leaves_everything_as_it_is() -> None:
    b, rng = ModelBuilder(), np.random.default_rng(10)
    y = shuffled(b, b.quant("x", 0.25, 0.0, 4.0), rng)
    found = prove(b.model(SHAPE, y), frames=6, passes=False)
    kept, changed = (SubPixelsAsDeconvolution(mode).run(found.network).integer for mode in ("resize", "deconv"))
    assert kept.nodes == found.network.integer.nodes
    assert changed.nodes != kept.nodes


@settings(max_examples=20, deadline=None)
@given(seed=seeds, block=st.integers(2, 4), mode=st.sampled_from(["DCR", "CRD"]), bias=st.booleans(), before=st.booleans())
def test_channels_come_in_the_order_in_which_they_are_taken(
    seed: int, block: int, mode: str, bias: bool, before: bool
) -> None:
    """Left as they are, channels of both modes are moved in whole runs, with equal integers."""
    b = ModelBuilder()
    y = shuffled(b, b.quant("x", 0.125, 0.0, 4.0), np.random.default_rng(seed), block, mode, bias=bias, before=before)
    plain = prove(b.model(SHAPE, y), frames=6, passes=False)
    changed = run_passes(plain.network, tuple(plain.values[n] for n in plain.network.integer.inputs), upsample="resize")
    assert_exact(plain.with_network(changed))
    (moved,) = [node for node in changed.integer.nodes if isinstance(node.op, Take)]
    index = changed.integer.constants[moved.inputs[1]]
    assert np.all(np.diff(index, axis=-1) == 1)


def test_bipolar_tensors() -> None:
    """With -1 for padding no constant stands between: the padding is written as Pad."""
    b, rng = ModelBuilder(), np.random.default_rng(11)
    x = b.node("BipolarQuant", ["x", b.constant(0.5)], domain=QONNX)
    w = b.node("BipolarQuant", [b.constant(rng.normal(0, 1, (8, 3, 2, 2))), b.constant(0.25)], domain=QONNX)
    y = b.node("DepthToSpace", [relu(b, b.node("Conv", [x, w]))], {"blocksize": 2, "mode": "CRD"})
    both(b, relu(b, b.node("Conv", [y, weights(b, rng, 2, 2, 2, 2)])))
