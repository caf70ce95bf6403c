"""Convolution, pooling and joins: the imported graph against the reference, exact where the sums are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qcompile.frontend.importer import import_model
from qcompile.ir.errors import CompilerError
from tests.support.onnx_models import NEWEST, ModelBuilder, assert_exact, samples

opsets = st.sampled_from([7, 9, 11, 13, 17, NEWEST])
seeds = st.integers(0, 2**32 - 1)


def integers(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.integers(-8, 9, shape).astype(np.float32)


def sizes(rng: np.random.Generator, low: int, high: int, axes: int) -> list[int]:
    return [int(size) for size in rng.integers(low, high, axes)]


def window_attributes(rng: np.random.Generator, kernel: list[int], *, dilated: bool) -> dict[str, object]:
    """Strides, dilations and padding, each of them now and then left out."""
    axes = len(kernel)
    attributes: dict[str, object] = {"kernel_shape": kernel}
    if rng.random() < 0.7:
        attributes["strides"] = sizes(rng, 1, 4, axes)
    if dilated and rng.random() < 0.5:
        attributes["dilations"] = sizes(rng, 1, 3, axes)
    choice = rng.integers(4)
    if choice == 0:
        attributes["pads"] = [int(rng.integers(0, k)) for k in kernel * 2]
    elif choice == 1 and "dilations" not in attributes:
        attributes["auto_pad"] = str(rng.choice(["SAME_UPPER", "SAME_LOWER", "VALID"]))
        if attributes["auto_pad"] != "VALID":
            attributes["strides"] = [int(rng.integers(1, k + 1)) for k in kernel]  # onnxruntime fails on larger ones
    return attributes


@settings(max_examples=40, deadline=None)
@given(seed=seeds, opset=opsets, axes=st.integers(1, 2), groups=st.sampled_from([1, 2, 4]), bias=st.booleans())
def test_convolution(seed: int, opset: int, axes: int, groups: int, bias: bool) -> None:
    rng = np.random.default_rng(seed)
    spatial, kernel = sizes(rng, 5, 9, axes), sizes(rng, 1, 4, axes)
    builder = ModelBuilder(opset)
    inputs = ["x", builder.constant(integers(rng, (8, 4 // groups, *kernel)))]
    inputs += [builder.constant(integers(rng, (8,)))] if bias else []
    attributes = window_attributes(rng, kernel, dilated=True) | {"group": groups}
    if rng.random() < 0.5:
        del attributes["kernel_shape"]
    y = builder.node("Conv", inputs, attributes)
    shape = (1, 4, *spatial)
    assert_exact(builder.model(shape, y), integers(rng, (3, *shape)))


@settings(max_examples=40, deadline=None)
@given(seed=seeds, opset=opsets, axes=st.integers(1, 2), ceil_mode=st.booleans())
def test_max_pool(seed: int, opset: int, axes: int, ceil_mode: bool) -> None:
    rng = np.random.default_rng(seed)
    kernel = sizes(rng, 1, 4, axes)
    attributes = window_attributes(rng, kernel, dilated=opset >= 10)
    assume(not (ceil_mode and "auto_pad" in attributes))
    if opset >= 10:
        attributes["ceil_mode"] = int(ceil_mode)
    builder = ModelBuilder(opset)
    shape = (1, 3, *sizes(rng, 5, 9, axes))
    assert_exact(builder.model(shape, builder.node("MaxPool", ["x"], attributes)), samples(rng, shape, 3))


@settings(max_examples=60, deadline=None)
@given(seed=seeds, opset=opsets, axes=st.integers(1, 2), include=st.booleans(), ceil_mode=st.booleans())
def test_average_pool(seed: int, opset: int, axes: int, include: bool, ceil_mode: bool) -> None:
    """The sum is exact, so is the division, by whatever number of elements each window holds."""
    rng = np.random.default_rng(seed)
    kernel = sizes(rng, 1, 4, axes)
    attributes = window_attributes(rng, kernel, dilated=opset >= 19) | {"count_include_pad": int(include)}
    assume(not (ceil_mode and "auto_pad" in attributes))
    if opset >= 10:
        attributes["ceil_mode"] = int(ceil_mode)
    builder = ModelBuilder(opset)
    shape = (1, 3, *sizes(rng, 5, 9, axes))
    model = builder.model(shape, builder.node("AveragePool", ["x"], attributes))
    assert_exact(model, integers(rng, (3, *shape)))


@pytest.mark.parametrize("operator", ["GlobalAveragePool", "GlobalMaxPool"])
def test_global_pooling(operator: str) -> None:
    for shape in ((1, 3, 8), (1, 3, 5, 7)):
        builder = ModelBuilder(13)
        model = builder.model(shape, builder.node(operator, ["x"]))
        assert_exact(model, integers(np.random.default_rng(0), (4, *shape)))


@settings(max_examples=80, deadline=None)
@given(
    seed=seeds,
    opset=opsets,
    operator=st.sampled_from(["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"]),
    shape=st.sampled_from([(1, 5), (1, 3, 8), (1, 3, 5, 7)]),
    keepdims=st.booleans(),
    data=st.data(),
)
def test_reductions(
    seed: int, opset: int, operator: str, shape: tuple[int, ...], keepdims: bool, data: st.DataObject
) -> None:
    """Over any axes but that of the frames, stated as an attribute or as an input, from the front or from the end."""
    every = list(range(1, len(shape)))
    axes = data.draw(st.lists(st.sampled_from(every), min_size=1, unique=True))
    axes = [axis - len(shape) if opset >= 11 and data.draw(st.booleans()) else axis for axis in axes]
    attributes: dict[str, object] = {"keepdims": int(keepdims)}
    builder, inputs = ModelBuilder(opset), ["x"]
    if opset >= (13 if operator == "ReduceSum" else 18):
        inputs.append(builder.constant(axes, np.int64))
    else:
        attributes["axes"] = axes
    model = builder.model(shape, builder.node(operator, inputs, attributes))
    assert_exact(model, integers(np.random.default_rng(seed), (3, *shape)))


def test_a_reduction_over_the_frames_is_refused() -> None:
    builder = ModelBuilder(13)
    y = builder.node("ReduceMean", ["x"], {"axes": [0, 2]})
    with pytest.raises(CompilerError, match="a reduction over the axis of the frames"):
        import_model(builder.model((1, 2, 6), y), "m")


def test_a_reduction_over_no_axes_is_the_tensor_itself() -> None:
    builder = ModelBuilder(13)
    y = builder.node("Relu", [builder.node("ReduceSum", ["x"], {"noop_with_empty_axes": 1})])
    assert_exact(builder.model((1, 4), y), samples(np.random.default_rng(0), (1, 4), 3))


@pytest.mark.parametrize("operator", ["Add", "Sub", "Sum"])
def test_sums_of_two_branches_are_exact(operator: str) -> None:
    rng = np.random.default_rng(1)
    builder = ModelBuilder(13)
    left = builder.node("Mul", ["x", builder.constant(rng.normal(size=(3, 1, 1)))])
    y = builder.node(operator, [builder.node("Relu", ["x"]), left])
    assert_exact(builder.model((1, 3, 4, 4), y), samples(rng, (1, 3, 4, 4)))


@pytest.mark.parametrize(
    ("operator", "attributes", "reason"),
    [
        ("MaxPool", {"kernel_shape": [9, 9]}, "does not fit"),
        ("MaxPool", {"kernel_shape": [3]}, "spatial axes"),
        ("MaxPool", {"kernel_shape": [3, 3], "pads": [-1, 0, 0, 0]}, "negative padding"),
        ("MaxPool", {"kernel_shape": [3, 3], "pads": [1, 1]}, "pads"),
        ("MaxPool", {"kernel_shape": [3, 3], "strides": [2]}, "strides"),
        ("MaxPool", {"kernel_shape": [3, 3], "strides": [0, 1]}, "strides"),
        ("MaxPool", {"kernel_shape": [0, 3]}, "kernel"),
        ("MaxPool", {"kernel_shape": [3, 3], "auto_pad": "AROUND"}, "auto_pad AROUND"),
        ("AveragePool", {"kernel_shape": [2, 2], "pads": [2, 0, 0, 0]}, "a window that holds no element of the image"),
        ("MaxPool", {"kernel_shape": [2, 2], "pads": [0, 0, 0, 2]}, "a window that holds no element of the image"),
        ("LpPool", {"kernel_shape": [2, 2]}, "operator not known"),
    ],
)
def test_windows_that_are_refused(operator: str, attributes: dict[str, object], reason: str) -> None:
    builder = ModelBuilder(13)
    y = builder.node(operator, ["x"], attributes)
    with pytest.raises(CompilerError, match=reason) as caught:
        import_model(builder.model((1, 2, 6, 6), y), "m")
    assert f"node_{y} ({operator})" in caught.value.why


@settings(max_examples=60, deadline=None)
@given(seed=seeds, opset=opsets, axes=st.integers(1, 2), groups=st.sampled_from([1, 2]), bias=st.booleans())
def test_transposed_convolution(seed: int, opset: int, axes: int, groups: int, bias: bool) -> None:
    """Padding stated by pads, by auto_pad or by the size of the result."""
    rng = np.random.default_rng(seed)
    spatial, kernel, strides = sizes(rng, 3, 7, axes), sizes(rng, 1, 5, axes), sizes(rng, 1, 4, axes)
    attributes: dict[str, object] = {"strides": strides, "group": groups}
    choice = rng.integers(5)
    if choice == 0:
        attributes["pads"] = [int(rng.integers(0, k)) for k in kernel * 2]
    if choice in (1, 2):
        attributes["output_padding"] = [int(rng.integers(0, s)) for s in strides]
    if choice == 2:
        attributes["dilations"] = sizes(rng, 1, 4, axes)
    if choice == 3:
        attributes["auto_pad"] = str(rng.choice(["SAME_UPPER", "SAME_LOWER", "VALID"]))
    if choice == 4:
        attributes["auto_pad"] = str(rng.choice(["SAME_UPPER", "NOTSET"]))
        natural = ((n - 1) * s + k for n, s, k in zip(spatial, strides, kernel, strict=True))
        attributes["output_shape"] = [max(1, size - int(rng.integers(0, 3))) for size in natural]
    builder = ModelBuilder(opset)
    inputs = ["x", builder.constant(integers(rng, (4, 6 // groups, *kernel)))]
    inputs += [builder.constant(integers(rng, (6,)))] if bias else []
    y = builder.node("ConvTranspose", inputs, attributes)
    shape = (1, 4, *spatial)
    assert_exact(builder.model(shape, y), integers(rng, (3, *shape)))


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"pads": [9, 9, 9, 9]}, "leaves nothing of an image"),
        ({"pads": [-1, 0, 0, 0]}, "negative padding"),
        ({"strides": [0, 1]}, "strides"),
        ({"auto_pad": "AROUND"}, "auto_pad AROUND"),
        ({"output_shape": [8]}, "output_shape of 1 numbers"),
        ({"output_padding": [1]}, "output_padding of 1 numbers"),
        ({"output_padding": [0, 1]}, "not less than a stride or dilation"),
    ],
)
def test_transposed_convolutions_that_are_refused(attributes: dict[str, object], reason: str) -> None:
    builder = ModelBuilder(13)
    y = builder.node("ConvTranspose", ["x", builder.constant(np.ones((2, 3, 3, 3)))], attributes)
    with pytest.raises(CompilerError, match=reason) as caught:
        import_model(builder.model((1, 2, 6, 6), y), "m")
    assert f"node_{y} (ConvTranspose)" in caught.value.why
