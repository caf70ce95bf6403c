"""Random convolutional networks over what the frontend and streamlining say they know, in every dialect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from tests.support.quantised_operators import as_quantised_operators
from tests.support.random_dialects import DIALECTS, DialectBuilder
from tests.support.random_draft import Draft, Place
from tests.support.random_operators import BOUNDED, EXACT

LARGEST = 600
"""Elements of a tensor beyond which nothing makes it larger."""


@dataclass(frozen=True, slots=True)
class RandomImageNetwork:
    """A model with one input; `operators` are those of its nodes."""

    seed: int
    model: onnx.ModelProto
    operators: frozenset[str]


def random_image_network(
    seed: int, dialect: str = "qonnx", dyadic: bool = True, blocks: Sequence[Callable[[Draft], None]] = ()
) -> RandomImageNetwork:
    """The network of a seed; where it is `dyadic` all scales are powers of two, so that float32 has nothing to round in sums.

    `blocks` are drawn besides those of this file.
    """
    which = [7, seed] if (dialect, dyadic) == ("qonnx", True) else [7, seed, DIALECTS.index(dialect), int(dyadic)]
    rng = np.random.default_rng(which)
    builder = DialectBuilder(
        int(rng.choice([13, 17, 18, 21])), constant_nodes=bool(rng.random() < 0.2), dialect=dialect, rng=rng
    )
    d = Draft(rng, builder, exact=dyadic, dyadic=dyadic)
    d.shape = (1, d.integer(1, 4), d.integer(3, 9), d.integer(3, 9)) if d.chance(0.8) else (1, d.integer(1, 4), d.integer(4, 20))
    frame = d.shape
    if len(frame) == 4 and d.chance(0.15):
        frame = (1, frame[2], frame[3], frame[1])
        d.apply("Transpose", attributes={"perm": [0, 3, 1, 2]})
    quantise(d)
    outputs: list[str] = []
    for _ in range(d.integer(1, 5)):
        if d.chance(0.05):
            outputs.append(d.x)
        d.pick((*_BLOCKS, *blocks))(d)
    outputs.append(_end(d))
    model = builder.model(frame, *dict.fromkeys(outputs))
    if dialect == "operators":
        model = as_quantised_operators(model)
    return RandomImageNetwork(seed, model, frozenset(node.op_type for node in model.graph.node))


def quantise(d: Draft) -> None:
    """A symmetric, unsigned, asymmetric or bipolar quantiser, perhaps behind a Relu, a Relu6 or a BatchNormalization."""
    if d.chance(0.15):
        _batch_normalization(d)
    if getattr(d.builder, "dialect", "qonnx") != "qonnx" and d.chance(0.2):
        _activation(d)
    kind = d.integer(0, 9)
    if kind == 0:
        d.x = d.builder.node("BipolarQuant", [d.x, d.builder.constant(d.power(1.0))], domain=d.builder.qonnx_domain)
        d.spread = 1.0
        return
    signed, bits = kind >= 6, d.integer(2, 5)
    if not signed:
        d.apply("Relu") if d.chance(0.7) else d.apply("Clip", [0.0, 6 * d.power(d.spread)])
    elif d.chance(0.15):
        slopes = 2.0 ** d.rng.integers(-3, 1, d.shape[1])
        d.apply("PRelu", [slopes.reshape(-1, *(1,) * (len(d.shape) - 2))])
    levels = 2.0 ** (bits - signed)
    scale = d.scale(d.spread * 2 / levels)
    zero_point = float(d.integer(-3, 3)) if signed and d.chance(0.25) else 0.0
    d.x = d.builder.quant(d.x, scale, zero_point, float(bits), signed=int(signed))
    d.spread = scale * levels * 0.6


def _activation(d: Draft) -> None:
    """What numpy and onnxruntime compute the same bits of."""
    name, _, choices = d.pick([row for row in EXACT if row[1] <= d.opset and row[0] != "ThresholdedRelu"])
    d.apply(name, attributes=d.pick(choices))
    d.spread = min(d.spread, BOUNDED.get(name, d.spread))


def _batch_normalization(d: Draft) -> None:
    channels = d.shape[1]
    factor, offset = 2.0 ** d.rng.integers(-1, 2, channels), d.numbers(channels, d.spread)
    zeros, ones = np.zeros(channels), np.ones(channels)
    d.apply("BatchNormalization", [factor, offset, zeros, ones], {"epsilon": 0.0})


def weights(d: Draft, *shape: int) -> str:
    """Quantised weights of 1 to 4 bits; bipolar ones too."""
    values = d.builder.constant(d.rng.normal(0, 1.0, shape))
    if d.chance(0.2):
        return d.builder.node("BipolarQuant", [values, d.builder.constant(0.5)], domain=d.builder.qonnx_domain)
    return d.builder.quant(values, 0.5, 0.0, float(d.integer(2, 4)), narrow=d.integer(0, 1))


def bias(d: Draft, channels: int) -> list[str]:
    return [d.builder.constant(d.numbers(channels, d.spread, strict=True))] if d.chance(0.4) else []


def _window(d: Draft, kernel: list[int], dilated: bool, padded: bool = True) -> tuple[dict[str, object], list[int]] | None:
    """Strides, dilations and padding of windows, and the spatial shape they give; None where they do not fit."""
    axes = len(kernel)
    stride = [d.pick([1, 1, 2, 3]) for _ in range(axes)]
    dilation = [d.pick([1, 1, 1, 2]) if dilated else 1 for _ in range(axes)]
    pads = [d.integer(0, (k - 1) * s) if padded and d.chance(0.5) else 0 for k, s in zip(kernel * 2, dilation * 2, strict=True)]
    attributes: dict[str, object] = {"strides": stride, "kernel_shape": kernel}
    if dilated:
        attributes["dilations"] = dilation
    sizes = zip(d.shape[2:], kernel, stride, dilation, pads[:axes], pads[axes:], strict=True)
    out = [(size + a + b - (k - 1) * dd - 1) // s + 1 for size, k, s, dd, a, b in sizes]
    if padded and max(dilation) == 1 and d.chance(0.15):
        attributes["auto_pad"] = d.pick(["SAME_UPPER", "SAME_LOWER"])
        out = [-(-size // s) for size, s in zip(d.shape[2:], stride, strict=True)]
    elif padded:
        attributes["pads"] = pads
    return (attributes, out) if min(out) >= 1 else None


def _kernel(d: Draft) -> list[int]:
    return [min(d.pick([1, 2, 3, 3]), size) for size in d.shape[2:]]


def _convolution(d: Draft) -> None:
    """Dense, in groups, or depthwise with a multiplier; then a quantiser."""
    channels, kernel = d.shape[1], _kernel(d)
    found = _window(d, kernel, dilated=True)
    if found is None:
        return
    groups = d.pick([g for g in range(1, channels + 1) if channels % g == 0]) if d.chance(0.4) else 1
    outputs = groups * d.integer(1, max(1, 6 // groups))
    matrix = weights(d, outputs, channels // groups, *kernel)
    d.spread *= float(np.sqrt(channels // groups * np.prod(kernel)))
    d.apply("Conv", [matrix, *bias(d, outputs)], found[0] | {"group": groups})
    d.shape = (1, outputs, *found[1])
    quantise(d)


def _transposed_convolution(d: Draft) -> None:
    channels, axes = d.shape[1], len(d.shape) - 2
    groups = d.pick([1, 1, channels])
    outputs, kernel = d.integer(1, 3), [d.integer(1, 4) for _ in range(axes)]
    stride = [d.integer(1, 3) for _ in range(axes)]
    pads = [d.integer(0, (k - 1) // 2) for k in kernel * 2]
    extra = [d.integer(0, s - 1) if d.chance(0.3) else 0 for s in stride]
    sizes = zip(d.shape[2:], kernel, stride, pads[:axes], pads[axes:], extra, strict=True)
    out = [(size - 1) * s + k + e - a - b for size, k, s, a, b, e in sizes]
    if min(out) < 1 or int(np.prod(out)) * outputs * groups > LARGEST:
        return
    matrix = weights(d, channels, outputs, *kernel)
    attributes = {"strides": stride, "pads": pads, "output_padding": extra, "group": groups}
    d.apply("ConvTranspose", [matrix, *bias(d, outputs * groups)], attributes)
    d.spread *= 2.0
    d.shape = (1, outputs * groups, *out)
    quantise(d)


def _max_pool(d: Draft) -> None:
    kernel = [min(d.integer(2, 3), size) for size in d.shape[2:]]
    found = _window(d, kernel, dilated=d.chance(0.2))
    if found is None or int(np.prod(kernel)) == 1:
        return
    attributes, out = found
    pads = attributes.get("pads")
    if not isinstance(pads, list) or any(p >= k for p, k in zip(pads, kernel * 2, strict=True)):
        return  # onnxruntime wants padding to be less than the window
    d.apply("MaxPool", [], attributes)
    d.shape = (1, d.shape[1], *out)


def _average_pool(d: Draft) -> None:
    kernel = [min(d.pick([2, 4]), size) for size in d.shape[2:]]
    found = _window(d, kernel, dilated=False, padded=False)
    if found is None or any(k & (k - 1) for k in kernel):
        return
    d.apply("AveragePool", [], found[0])
    d.shape = (1, d.shape[1], *found[1])
    quantise(d)


def _branches(d: Draft, operator: str) -> None:
    """Two pointwise convolutions of one tensor, or one and the tensor itself, joined."""
    start = d.here()
    outputs = d.shape[1] if d.chance(0.4) else d.integer(1, 4)
    names = []
    for k in range(2):
        d.go(start)
        if k == 1 and outputs == start.shape[1] and d.chance(0.7):
            names.append(d.x)
            continue
        d.apply("Conv", [weights(d, outputs, start.shape[1], *(1,) * (len(d.shape) - 2))])
        d.shape = (1, outputs, *start.shape[2:])
        d.spread *= float(np.sqrt(start.shape[1]))
        quantise(d)
        names.append(d.x)
    if d.chance(0.3):
        names.reverse()
    shape = (1, outputs * (2 if operator == "Concat" else 1), *start.shape[2:])
    d.go(Place(d.builder.node(operator, names, {"axis": 1} if operator == "Concat" else None), shape, d.spread, True))
    if operator == "Mul":
        d.spread *= d.spread
    if operator != "Concat" or d.chance(0.3):
        quantise(d)


def _add(d: Draft) -> None:
    _branches(d, d.pick(["Add", "Sub"]))


def _multiply(d: Draft) -> None:
    _branches(d, "Mul")


def _concatenate(d: Draft) -> None:
    if int(np.prod(d.shape)) <= LARGEST:
        _branches(d, "Concat")


def _excite(d: Draft) -> None:
    """Squeeze and excite: a gate for each channel from the whole image."""
    start, axes = d.here(), len(d.shape) - 2
    d.apply("GlobalMaxPool")
    d.shape = (*d.shape[:2], *(1,) * axes)
    d.apply("Conv", [weights(d, d.shape[1], d.shape[1], *(1,) * axes)])
    d.spread *= float(np.sqrt(d.shape[1]))
    d.apply("Relu")
    gate = d.builder.quant(d.x, d.scale(d.spread / 2), 0.0, 3.0, signed=0)
    d.go(Place(d.builder.node("Mul", [start.x, gate]), start.shape, start.spread * d.spread, True))
    quantise(d)


def _resize(d: Draft) -> None:
    axes = len(d.shape) - 2
    factors = [d.integer(1, 3) for _ in range(axes)]
    shape = (1, d.shape[1], *(size * f for size, f in zip(d.shape[2:], factors, strict=True)))
    if int(np.prod(shape)) > LARGEST:
        return
    attributes = {"mode": "nearest", "coordinate_transformation_mode": d.pick(["asymmetric", "half_pixel"])}
    attributes["nearest_mode"] = "floor" if attributes["coordinate_transformation_mode"] == "asymmetric" else "round_prefer_floor"
    if d.chance(0.5):
        d.apply("Resize", ["", d.builder.constant([1.0, 1.0, *factors])] if d.opset >= 13 else [], attributes)
    else:
        d.apply("Resize", ["", "", d.builder.constant(list(shape), np.int64)], attributes)
    d.shape = shape


def _sub_pixels(d: Draft) -> None:
    """DepthToSpace or SpaceToDepth, where the shape has room."""
    if len(d.shape) != 4:
        return
    _, channels, height, width = d.shape
    if channels % 4 == 0 and d.chance(0.7):
        d.apply("DepthToSpace", attributes={"blocksize": 2, "mode": d.pick(["DCR", "CRD"])})
        d.shape = (1, channels // 4, height * 2, width * 2)
    elif height % 2 == 0 and width % 2 == 0:
        d.apply("SpaceToDepth", attributes={"blocksize": 2})
        d.shape = (1, channels * 4, height // 2, width // 2)


def _shuffle(d: Draft) -> None:
    """Channel shuffle: Reshape, Transpose, Reshape."""
    channels, spatial = d.shape[1], d.shape[2:]
    groups = [g for g in range(2, channels) if channels % g == 0]
    if not groups:
        return
    group, shape = d.pick(groups), d.shape
    d.apply("Reshape", [d.builder.constant([1, group, channels // group, *spatial], np.int64)])
    d.apply("Transpose", attributes={"perm": [0, 2, 1, *range(3, 3 + len(spatial))]})
    d.apply("Reshape", [d.builder.constant(list(shape), np.int64)])


def _slice(d: Draft) -> None:
    """Some channels, or some rows."""
    axis = d.integer(1, len(d.shape) - 1)
    size = d.shape[axis]
    if size < 2:
        return
    start = d.integer(0, size - 2)
    end = d.integer(start + 1, size)
    step = d.pick([1, 1, 2])
    operands = [d.builder.constant([v], np.int64) for v in (start, end, axis, step)]
    d.apply("Slice", operands)
    d.shape = tuple(-(-(end - start) // step) if k == axis else s for k, s in enumerate(d.shape))


def _split(d: Draft) -> None:
    """Two halves of the channels, one of them through a convolution, put together again in either order."""
    channels, axes = d.shape[1], len(d.shape) - 2
    if channels < 2:
        return
    first = d.integer(1, channels - 1)
    sizes = d.builder.constant([first, channels - first], np.int64)
    name = d.builder.node("Split", [d.x, sizes], {"axis": 1}, outputs=2)
    start = d.here()
    d.go(Place(name, (1, first, *start.shape[2:]), start.spread, True))
    d.apply("Conv", [weights(d, first, first, *(1,) * axes)])
    d.spread *= float(np.sqrt(first))
    quantise(d)
    parts = [d.x, f"{name}.1"]
    joined = d.builder.node("Concat", parts if d.chance(0.5) else parts[::-1], {"axis": 1})
    d.go(Place(joined, start.shape, start.spread, True))


def _pad(d: Draft) -> None:
    axes = len(d.shape) - 2
    pads = [0, 0, *(d.integer(0, 1) for _ in range(axes)), 0, 0, *(d.integer(0, 2) for _ in range(axes))]
    d.apply("Pad", [d.builder.constant(pads, np.int64)])
    d.shape = tuple(s + pads[k] + pads[k + 2 + axes] for k, s in enumerate(d.shape))


_BLOCKS: tuple[Callable[[Draft], None], ...] = (
    _convolution,
    _convolution,
    _convolution,
    _convolution,
    _transposed_convolution,
    _max_pool,
    _average_pool,
    _add,
    _multiply,
    _concatenate,
    _excite,
    _resize,
    _sub_pixels,
    _shuffle,
    _slice,
    _split,
    _pad,
)


def _end(d: Draft) -> str:
    """The tensor as it is, its mean or maximum over space, or a dense layer behind a Flatten."""
    axes = tuple(range(2, len(d.shape)))
    kind = d.integer(0, 9)
    if kind < 2:
        return d.x
    if kind < 4:
        if d.opset < 18 and d.chance(0.5):
            d.apply("ReduceMax", attributes={"axes": list(axes), "keepdims": d.integer(0, 1)})
        else:
            d.apply("GlobalMaxPool")
        return d.x
    d.apply("Flatten")
    count = int(np.prod(d.shape))
    outputs = d.integer(1, 5)
    d.apply("Gemm", [weights(d, count, outputs), *bias(d, outputs)])
    return d.builder.node("ArgMax", [d.x], {"axis": -1}) if d.chance(0.2) else d.x
