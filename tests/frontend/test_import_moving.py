"""Operators that move, take and repeat elements: the imported graph against the reference, over all operator sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from qcompile.frontend.importer import import_model
from qcompile.ir.errors import CompilerError
from tests.support.onnx_models import NEWEST, ModelBuilder, assert_exact, samples

OPSETS = [7, 9, 10, 11, 13, 17, 18, NEWEST]
SHAPE = (1, 4, 6, 5)
FAR = 2**31 - 1


def frames(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return samples(np.random.default_rng(0), shape, 3)


def integers(b: ModelBuilder, values: Sequence[int]) -> str:
    return b.constant(values, np.int64)


def refused(b: ModelBuilder, y: str, match: str, shape: tuple[int, ...] = SHAPE) -> None:
    with pytest.raises(CompilerError, match=match):
        import_model(b.model(shape, y), "m")


def sliced(b: ModelBuilder, starts: list[int], ends: list[int], axes: list[int] | None, steps: list[int] | None) -> str:
    if b.opset < 10:
        return b.node("Slice", ["x"], {"starts": starts, "ends": ends} | ({} if axes is None else {"axes": axes}))
    inputs = ["x", integers(b, starts), integers(b, ends)]
    inputs += ["" if axes is None and steps is not None else integers(b, axes)] if axes is not None or steps else []
    inputs += [integers(b, steps)] if steps is not None else []
    return b.node("Slice", inputs)


@pytest.mark.parametrize(
    ("starts", "ends", "axes", "steps"),
    [
        ([0, 1], [1, 3], None, None),
        ([1], [FAR], [1], None),
        ([-3], [-1], [2], None),
        ([2, 1, 0], [4, 5, 9], [3, 2, 1], None),
        ([0], [6], [2], [2]),
        ([-1], [-FAR], [1], [-1]),
        ([4, 3], [0, 0], [2, 3], [-2, -1]),
        ([0, 3], [1, 0], None, [1, -1]),
    ],
)
def test_slice(starts: list[int], ends: list[int], axes: list[int] | None, steps: list[int] | None) -> None:
    for opset in OPSETS:
        if steps is None or opset >= 10:
            b = ModelBuilder(opset)
            assert_exact(b.model(SHAPE, sliced(b, starts, ends, axes, steps)), frames())


def test_slice_of_negative_axes() -> None:
    b = ModelBuilder(13)
    assert_exact(b.model(SHAPE, sliced(b, [1, 1], [3, 4], [-1, -2], None)), frames())


@pytest.mark.parametrize(
    ("starts", "ends", "axes", "why"),
    [([2], [2], [1], "nothing is left"), ([0], [1], [4], "the axis 4"), ([0, 0], [1, 1], [1, 1], "twice")],
)
def test_slice_that_is_none(starts: list[int], ends: list[int], axes: list[int], why: str) -> None:
    b = ModelBuilder(13)
    refused(b, sliced(b, starts, ends, axes, None), why)


@pytest.mark.parametrize("axis", [1, 2, -2])
@pytest.mark.parametrize("sizes", [None, [1, 3], [3, 2, 1], [1, 1, 1, 1]])
@pytest.mark.parametrize("opset", OPSETS)
def test_split(opset: int, sizes: list[int] | None, axis: int) -> None:
    if axis < 0:
        opset = max(opset, 11)
    shape = (1, 4, 6, 5) if sizes is None else tuple(1 if k == 0 else sum(sizes) for k in range(4))
    b = ModelBuilder(opset)
    count = 2 if sizes is None else len(sizes)
    attributes: dict[str, object] = {"axis": axis}
    inputs = ["x"]
    if sizes is not None and opset < 13:
        attributes["split"] = sizes
    elif sizes is not None:
        inputs.append(integers(b, sizes))
    elif opset >= 18:
        attributes["num_outputs"] = count
    first = b.node("Split", inputs, attributes, outputs=count)
    for part in (first, *(f"{first}.{k}" for k in range(1, count))):
        assert_exact(b.model(shape, part), frames(shape))


def test_split_into_unequal_parts() -> None:
    b = ModelBuilder(18)
    first = b.node("Split", ["x"], {"axis": 3, "num_outputs": 3}, outputs=3)
    for part in (first, f"{first}.1", f"{first}.2"):
        assert_exact(b.model(SHAPE, part), frames())


def test_split_that_does_not_fit() -> None:
    b = ModelBuilder(13)
    refused(b, b.node("Split", ["x", integers(b, [1, 2])], {"axis": 1}, outputs=2), "sizes")
    b = ModelBuilder(13)
    refused(b, b.node("Split", ["x"], {"axis": 3}, outputs=2), "equal parts")


@pytest.mark.parametrize("indices", [[0, 2], [3, 3, 0, 1], [-1, 0], [[1, 2], [0, 3]], 2])
@pytest.mark.parametrize("axis", [1, 3])
@pytest.mark.parametrize("opset", [11, 13, NEWEST])
def test_gather(opset: int, axis: int, indices: object) -> None:
    b = ModelBuilder(opset)
    assert_exact(b.model(SHAPE, b.node("Gather", ["x", b.constant(indices, np.int64)], {"axis": axis})), frames())


def test_gather_beyond_the_end() -> None:
    b = ModelBuilder(13)
    refused(b, b.node("Gather", ["x", integers(b, [4])], {"axis": 1}), "positions 4 to 4")


@pytest.mark.parametrize(
    ("shape", "target"),
    [((1, 4, 1, 1), [1, 4, 3, 2]), ((1, 4, 1), [1, 1, 1, 5]), ((1, 1, 3), [2, 1]), ((1, 1), [1, 1, 4, 2])],
)
@pytest.mark.parametrize("opset", [8, 13, NEWEST])
def test_expand(opset: int, shape: tuple[int, ...], target: list[int]) -> None:
    b = ModelBuilder(opset)
    assert_exact(b.model(shape, b.node("Expand", ["x", integers(b, target)])), frames(shape))


@pytest.mark.parametrize("repeats", [[1, 2, 1, 1], [1, 1, 3, 2], [1, 1, 1, 1]])
@pytest.mark.parametrize("opset", [7, 13, NEWEST])
def test_tile(opset: int, repeats: list[int]) -> None:
    b = ModelBuilder(opset)
    assert_exact(b.model(SHAPE, b.node("Tile", ["x", integers(b, repeats)])), frames())


@pytest.mark.parametrize("block", [2, 3])
@pytest.mark.parametrize("mode", [None, "DCR", "CRD"])
@pytest.mark.parametrize("opset", OPSETS)
def test_depth_to_space(opset: int, mode: str | None, block: int) -> None:
    b, shape = ModelBuilder(max(opset, 11 if mode else 7)), (1, 2 * block**2, 2, 3)
    y = b.node("DepthToSpace", ["x"], {"blocksize": block} | ({"mode": mode} if mode else {}))
    assert_exact(b.model(shape, y), frames(shape))


@pytest.mark.parametrize("block", [2, 3])
@pytest.mark.parametrize("opset", OPSETS)
def test_space_to_depth(opset: int, block: int) -> None:
    b, shape = ModelBuilder(opset), (1, 3, 2 * block, 3 * block)
    assert_exact(b.model(shape, b.node("SpaceToDepth", ["x"], {"blocksize": block})), frames(shape))


def test_blocks_that_do_not_divide() -> None:
    for operator, why in (("DepthToSpace", "4 channels are no blocks"), ("SpaceToDepth", "do not divide an image")):
        b = ModelBuilder(13)
        refused(b, b.node(operator, ["x"], {"blocksize": 3}), why)


@pytest.mark.parametrize("nearest", ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
@pytest.mark.parametrize(
    "transformation", ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"]
)
@pytest.mark.parametrize("given", [{"scales": [1, 1, 2, 3]}, {"sizes": [1, 4, 9, 8]}, {"scales": [1, 1, 0.5, 0.6]}])
def test_resize(given: dict[str, list[float]], transformation: str, nearest: str) -> None:
    for opset in (11, 13, 18, NEWEST):
        if transformation == "half_pixel_symmetric" and opset < 19:
            continue
        b = ModelBuilder(opset)
        inputs = ["x", b.constant([], np.float32) if opset < 13 else ""]
        if "scales" in given:
            inputs.append(b.constant(given["scales"]))
        else:
            inputs += [b.constant([], np.float32) if opset < 13 else "", integers(b, [int(s) for s in given["sizes"]])]
        attributes = {"coordinate_transformation_mode": transformation, "nearest_mode": nearest}
        assert_exact(b.model(SHAPE, b.node("Resize", inputs, attributes)), frames())


def test_resize_of_channels_and_sequences() -> None:
    b = ModelBuilder(13)
    assert_exact(b.model(SHAPE, b.node("Resize", ["x", "", b.constant([1.0, 2.0, 1.0, 2.0])])), frames())
    b = ModelBuilder(13)
    assert_exact(b.model((1, 3, 7), b.node("Resize", ["x", "", b.constant([1.0, 1.0, 4.0])])), frames((1, 3, 7)))


@pytest.mark.parametrize("scales", [[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 3.0, 1.0], [1.0, 1.0, 0.5, 0.5]])
@pytest.mark.parametrize("opset", [7, 9, 10])
def test_upsample_and_the_first_resize(opset: int, scales: list[float]) -> None:
    if opset < 10 and min(scales) < 1:
        return  # Upsample does not reduce
    b = ModelBuilder(opset)
    operator = "Upsample" if opset < 10 else "Resize"
    inputs = ["x"] if opset < 9 else ["x", b.constant(scales)]
    attributes = {"mode": "nearest"} | ({"scales": scales} if opset < 9 else {})
    assert_exact(b.model(SHAPE, b.node(operator, inputs, attributes)), frames())


def test_resize_by_curves_is_refused() -> None:
    b = ModelBuilder(13)
    y = b.node("Resize", ["x", "", b.constant([1.0, 1.0, 2.0, 2.0])], {"mode": "cubic"})
    refused(b, y, "the mode cubic")


def test_resize_beyond_the_image_is_refused() -> None:
    b = ModelBuilder(13)
    roi = b.constant([0.0, 0.0, -1.0, 0.0, 1.0, 1.0, 2.0, 1.0])
    attributes = {"coordinate_transformation_mode": "tf_crop_and_resize", "extrapolation_value": 7.0}
    y = b.node("Resize", ["x", roi, b.constant([1.0, 1.0, 2.0, 2.0])], attributes)
    refused(b, y, "none of the image")


@pytest.mark.parametrize("axis", [1, 2, -1])
@pytest.mark.parametrize("opset", OPSETS)
def test_concat(opset: int, axis: int) -> None:
    b = ModelBuilder(max(opset, 11) if axis < 0 else opset)
    parts = ["x", b.node("Relu", ["x"]), b.node("Neg", ["x"])]
    assert_exact(b.model(SHAPE, b.node("Concat", parts, {"axis": axis})), frames())


def test_concat_of_one_and_of_constants() -> None:
    b = ModelBuilder(13)
    assert_exact(b.model(SHAPE, b.node("Relu", [b.node("Concat", ["x"], {"axis": 1})])), frames())
    b = ModelBuilder(13)
    halves = [b.quant(b.constant(np.random.default_rng(k).normal(size=(2, 3))), 0.25, 0.0, 3.0) for k in range(2)]
    y = b.node("MatMul", [b.quant("x"), b.node("Concat", halves, {"axis": 0})])
    assert_exact(b.model((1, 4), y), samples(np.random.default_rng(0), (1, 4)))


def test_concat_that_does_not_fit() -> None:
    b = ModelBuilder(13)
    refused(b, b.node("Concat", ["x", b.node("Transpose", ["x"], {"perm": [0, 1, 3, 2]})], {"axis": 1}), "joined along")
    b = ModelBuilder(13)
    zeros = b.constant(np.zeros((1, 2, 6, 4), np.float32))
    refused(b, b.node("Concat", ["x", zeros], {"axis": 1}), "must match exactly")


@pytest.mark.parametrize("axis", [1, 3])
@pytest.mark.parametrize("order", ["cx", "xc", "cxc", "xcx", "cxcycxc"])
def test_concat_with_constants(order: str, axis: int) -> None:
    """In front, behind and between; the same tensor and the same constant several times."""
    b, rng = ModelBuilder(13), np.random.default_rng(len(order))
    names = {"x": "x", "y": b.node("Neg", ["x"]), "c": b.constant(rng.normal(size=SHAPE))}
    assert_exact(b.model(SHAPE, b.node("Concat", [names[name] for name in order], {"axis": axis})), frames())


@pytest.mark.parametrize("mode", ["edge", "reflect", "wrap"])
def test_pad_with_the_tensor_itself(mode: str) -> None:
    for opset in (7, 11, 13, 18, NEWEST):
        if mode == "wrap" and opset < 19:
            continue
        b = ModelBuilder(opset)
        pads = [0, 0, 2, 1, 0, 0, 5 if mode != "wrap" else 3, 0]
        inputs, attributes = (["x"], {"pads": pads}) if opset < 11 else (["x", integers(b, pads)], {})
        assert_exact(b.model(SHAPE, b.node("Pad", inputs, {"mode": mode} | attributes)), frames())


def test_pad_that_cuts() -> None:
    b = ModelBuilder(13)
    y = b.node("Pad", ["x", integers(b, [0, 1, -2, -1, 0, 0, 0, 3]), b.constant(2.5)])
    assert_exact(b.model(SHAPE, y), frames())
    b = ModelBuilder(13)
    refused(b, b.node("Pad", ["x", integers(b, [0, 0, -3, 0, 0, 0, -3, 0])]), "leave nothing of 6 elements")


def test_pad_beyond_what_there_is_to_reflect() -> None:
    b = ModelBuilder(13)
    refused(b, b.node("Pad", ["x", integers(b, [0, 0, 6, 0, 0, 0, 0, 0])], {"mode": "reflect"}), "an axis of 6 elements")
    b = ModelBuilder(13)
    refused(b, b.node("Pad", ["x", integers(b, [0, 0, -1, 0, 0, 0, 0, 0])], {"mode": "edge"}), "pads of -1 and 0")


def test_of_quantised_constants() -> None:
    """Weights that are quantised, sliced and upsampled are still quantised weights."""
    b = ModelBuilder(13)
    w = b.quant(b.constant(np.random.default_rng(0).normal(size=(1, 6, 4, 4))), 0.25, 0.0, 3.0)
    w = b.node("Resize", [sliced_of(b, w), "", b.constant([1.0, 1.0, 2.0, 2.0])])
    w = b.node("SpaceToDepth", [w], {"blocksize": 2})
    y = b.node("Conv", [b.quant("x"), b.node("Gather", [w, integers(b, [0, 3, 5, 1])], {"axis": 1})])
    assert_exact(b.model((1, 4, 6, 5), y), np.zeros((1, *SHAPE), np.float32) + np.arange(4).reshape(1, 4, 1, 1))


def sliced_of(b: ModelBuilder, x: str) -> str:
    return b.node("Slice", [x, integers(b, [1]), integers(b, [5]), integers(b, [1])])
