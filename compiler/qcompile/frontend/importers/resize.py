"""Resize and Upsample: which pixel of the image each pixel of the result is, or between which ones it lies."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from qcompile.frontend import constants
from qcompile.frontend.builder import Builder
from qcompile.frontend.dialect import OnnxNode, UnsupportedError
from qcompile.ir.types import Array, FloatArray
from qcompile.ops import LinearResize, Resize, Transpose
from qcompile.ops.linear_resize import LinearAxis

Importer = Callable[[Builder, OnnxNode], None]

LARGEST_AXIS = 1 << 23
"""Positions beyond this are no numbers of float32."""

FINEST = 8
"""Pixels of the result between two of the image, up to which these lie at multiples of one fraction."""

NEAR = 2.0**-20
"""How far onnxruntime's pixels may be from the exact ones, for pixels of at most 1, relative to the size of the image."""


def _resize(builder: Builder, node: OnnxNode) -> None:
    """By scales or by sizes; the positions are compared with what onnxruntime makes of an image that holds them."""
    mode = node.text("mode", "nearest")
    if mode in ("linear", "bilinear"):
        _linear(builder, node)
    elif mode == "nearest":
        _nearest(builder, node)
    else:
        raise UnsupportedError(f"the mode {mode}: pixels are taken (nearest) or lie on lines between them (linear)")


def _along(builder: Builder, node: OnnxNode, axis: int, numbers: Array) -> FloatArray:
    """What onnxruntime makes along an axis of an image that holds these numbers along it, and the same along all others."""
    source, shape = node.inputs[0], builder.shape(node.inputs[0])
    given = {name: builder.array(name, "scales, sizes or roi") for name in node.inputs[1:] if name}
    image = numbers.astype(np.float32).reshape([-1 if k == axis else 1 for k in range(len(shape))])
    feeds: dict[str, Array] = {**given, source: np.ascontiguousarray(np.broadcast_to(image, shape))}
    try:
        result = constants.fold(node, feeds)[node.outputs[0]]
    except constants.OnnxruntimeError as error:
        raise UnsupportedError(f"onnxruntime cannot compute it: {error}") from error
    rows = np.moveaxis(result, axis, 0).reshape(result.shape[axis], -1).astype(np.float64)
    if not rows.size:
        raise UnsupportedError(f"nothing is left of axis {axis} of a tensor {shape}")
    if shape[axis] > LARGEST_AXIS or np.ptp(rows, axis=1).max() > NEAR * shape[axis]:
        raise UnsupportedError("pixels that are none of the image (extrapolation)")
    found: FloatArray = rows[:, 0]
    return found


def _nearest(builder: Builder, node: OnnxNode) -> None:
    """Nearest pixels, whatever the way in which coordinates are transformed and rounded."""
    positions: list[tuple[int, ...] | None] = []
    for axis, size in enumerate(builder.shape(node.inputs[0])):
        found = _along(builder, node, axis, np.arange(1, size + 1)) - 1
        if not bool(np.all(np.isin(found, np.arange(size)))):
            raise UnsupportedError("pixels that are none of the image (extrapolation)")
        taken = tuple(int(position) for position in found)
        positions.append(None if taken == tuple(range(size)) else taken)
    builder.add(node, Resize(tuple(positions)), node.inputs[0])


def _linear(builder: Builder, node: OnnxNode) -> None:
    """Lines between pixels along one or two axes: those behind the channels, or in front of them."""
    source, shape = node.inputs[0], builder.shape(node.inputs[0])
    axes = [_axis(builder, node, axis, size) for axis, size in enumerate(shape)]
    rank = len(shape)
    resized = [k for k, axis in enumerate(axes) if axis != LinearAxis(axis.size, axis.size)]
    if not resized:
        builder.alias(node.outputs[0], source)
        return
    channels = 1 if 1 not in resized else rank - 1
    if rank not in (3, 4) or 0 in resized or channels in resized:
        raise UnsupportedError(f"lines between pixels along the axes {resized} of a tensor with {rank} axes")
    order = (0, channels, *(k for k in range(1, rank) if k != channels))
    op = LinearResize(tuple(axes[k] for k in order[2:]))
    if order == tuple(range(rank)):
        builder.add(node, op, source)
        return
    source = builder.add(node, Transpose(order), source, output=f"{node.outputs[0]}.channels_first")
    source = builder.add(node, op, source, output=f"{node.outputs[0]}.resized")
    builder.add(node, Transpose(tuple(int(k) for k in np.argsort(order))), source)


def _axis(builder: Builder, node: OnnxNode, axis: int, size: int) -> LinearAxis:
    """How outputs lie along an axis; refused where onnxruntime makes something else of an image than the standard says."""
    numbers = np.random.default_rng(size).random(size)
    reference = _along(builder, node, axis, numbers)
    found = _stated(builder, node, axis, reference.size)
    image = np.broadcast_to(numbers, (1, 1, 1, size)).astype(np.float32)
    ours = LinearResize((found,)).evaluate(image).reshape(-1)
    if float(np.abs(ours - reference).max()) > NEAR * (size + 16):
        raise UnsupportedError(
            f"onnxruntime makes other pixels of axis {axis} than lines between two neighbours, {size} becoming "
            f"{reference.size} (antialias, or a policy for the aspect ratio)"
        )
    return found


def _stated(builder: Builder, node: OnnxNode, axis: int, outputs: int) -> LinearAxis:
    """The coordinates of the outputs by the standard's formula; refused where they have no common small denominator."""
    size = builder.shape(node.inputs[0])[axis]
    default = "asymmetric" if node.operator == "Upsample" or node.opset == 10 else "half_pixel"
    mode = node.text("coordinate_transformation_mode", default)
    if mode not in ("align_corners", "asymmetric", "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel"):
        raise UnsupportedError(f"coordinate_transformation_mode {mode} with lines between pixels")
    if size == 1:
        return LinearAxis(1, outputs)
    if mode == "align_corners":
        way = Fraction(size - 1, outputs - 1) if outputs > 1 else Fraction(1)
    else:
        way = 1 / _scale(builder, node, axis, outputs)
    if way.denominator > FINEST:
        raise UnsupportedError(
            f"lines between pixels where {size} become {outputs} ({mode}): the coordinates are multiples of "
            f"1/{way.denominator}, finer than 1/{FINEST}"
        )
    centred = mode.startswith("half") or (mode == "pytorch_half_pixel" and outputs > 1)
    return LinearAxis(size, outputs, way.denominator, way.numerator, way.numerator - way.denominator if centred else 0)


def _scale(builder: Builder, node: OnnxNode, axis: int, outputs: int) -> Fraction:
    """How many times longer an axis becomes, as the model states it; refused where float32 does not hold it."""
    shape = builder.shape(node.inputs[0])
    place = 1 if node.operator == "Upsample" or node.opset == 10 else 2
    attribute = node.attributes.get("scales")
    if attribute is not None:
        stated = np.asarray(attribute)
    else:
        stated = builder.array(node.input(place), "scales") if node.input(place) else np.zeros(0)
    if stated.size:
        axes = node.integers("axes") or tuple(range(len(shape)))
        numbers = {k % len(shape): float(scale) for k, scale in zip(axes, stated.ravel(), strict=False)}
        return Fraction(numbers.get(axis, 1.0))
    scale = Fraction(outputs, shape[axis])
    if scale != Fraction(float(np.float32(float(scale)))):
        raise UnsupportedError(
            f"lines between pixels where {shape[axis]} become {outputs}: the scale {float(scale):g} is no number of float32"
        )
    return scale


IMPORTERS: dict[str, Importer] = {"Resize": _resize, "Upsample": _resize}
