"""Convolution over one or two spatial axes, and the windows of every operator that has some."""

from __future__ import annotations

from collections.abc import Callable

from qcompile.frontend.builder import Builder
from qcompile.frontend.dialect import OnnxNode, UnsupportedError, float32
from qcompile.ir.graph import Shape
from qcompile.ops import Convolution, TransposedConvolution
from qcompile.ops.windows import Windows

Importer = Callable[[Builder, OnnxNode], None]


def windows_of(node: OnnxNode, kernel: Shape, spatial: Shape) -> Windows:
    """The windows of a node; `auto_pad` is resolved for the size of the input."""
    axes = len(kernel)
    if len(spatial) != axes or axes not in (1, 2):
        raise UnsupportedError(f"{node.operator} over {len(spatial)} spatial axes")
    stride, dilation = _numbers(node, "strides", axes, 1), _numbers(node, "dilations", axes, 1)
    if min(kernel + stride + dilation) < 1:
        raise UnsupportedError(f"a kernel of {kernel}, strides {stride} and dilations {dilation}")
    auto = node.text("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        before, after = _same(auto, kernel, stride, dilation, spatial)
    elif auto in ("NOTSET", "VALID"):
        pads = _numbers(node, "pads", 2 * axes, 0) if auto == "NOTSET" else (0,) * (2 * axes)
        before, after = pads[:axes], pads[axes:]
    else:
        raise UnsupportedError(f"auto_pad {auto}")
    if min(before + after) < 0:
        raise UnsupportedError("negative padding")
    windows = Windows(kernel, stride, dilation, before, after, bool(node.integer("ceil_mode", 0)))
    try:
        windows.output(spatial)
    except ValueError as error:
        raise UnsupportedError(str(error)) from error
    return windows


def _numbers(node: OnnxNode, name: str, count: int, default: int) -> Shape:
    """An attribute of `count` integers; `default` for each of them where it is absent."""
    numbers = node.integers(name) or (default,) * count
    if len(numbers) != count:
        raise UnsupportedError(f"{name} of {len(numbers)} numbers, {count} are needed")
    return numbers


def _same(auto: str, kernel: Shape, stride: Shape, dilation: Shape, spatial: Shape) -> tuple[Shape, Shape]:
    """Padding that gives ceil(size / stride) outputs, the odd one at the end for SAME_UPPER."""
    before, after = [], []
    for size, k, s, d in zip(spatial, kernel, stride, dilation, strict=True):
        total = max((-(-size // s) - 1) * s + (k - 1) * d + 1 - size, 0)
        less, more = total // 2, total - total // 2
        before.append(less if auto == "SAME_UPPER" else more)
        after.append(more if auto == "SAME_UPPER" else less)
    return tuple(before), tuple(after)


def _convolution(builder: Builder, node: OnnxNode) -> None:
    source, weights = node.inputs[:2]
    if not builder.is_constant(weights):
        raise UnsupportedError("Conv with weights that are computed from the input")
    spatial, kernel = builder.shape(source)[2:], builder.shape(weights)[2:]
    op = Convolution(windows_of(node, kernel, spatial), node.integer("group", 1))
    bias = float32(builder.array(node.input(2), "bias")) if node.input(2) else None
    builder.add_linear(node, op, source, weights, bias=bias)


def _transposed_convolution(builder: Builder, node: OnnxNode) -> None:
    source, weights = node.inputs[:2]
    if not builder.is_constant(weights):
        raise UnsupportedError("ConvTranspose with weights that are computed from the input")
    spatial, kernel = builder.shape(source)[2:], builder.shape(weights)[2:]
    op = TransposedConvolution(_transposed_windows(node, kernel, spatial), node.integer("group", 1))
    bias = float32(builder.array(node.input(2), "bias")) if node.input(2) else None
    builder.add_linear(node, op, source, weights, bias=bias)


def _transposed_windows(node: OnnxNode, kernel: Shape, spatial: Shape) -> Windows:
    """The windows of the convolution that a node transposes; what `output_padding` adds is taken off its padding."""
    axes = len(kernel)
    if len(spatial) != axes or axes not in (1, 2):
        raise UnsupportedError(f"{node.operator} over {len(spatial)} spatial axes")
    stride, dilation = _numbers(node, "strides", axes, 1), _numbers(node, "dilations", axes, 1)
    added = _numbers(node, "output_padding", axes, 0)
    if min(kernel + stride + dilation) < 1 or min(added) < 0:
        raise UnsupportedError(
            f"a kernel of {kernel}, strides {stride}, dilations {dilation} and output padding {added}"
        )
    whole = tuple((n - 1) * s + (k - 1) * d + 1 for n, k, s, d in zip(spatial, kernel, stride, dilation, strict=True))
    if any(more >= max(s, d) for more, s, d in zip(added, stride, dilation, strict=True)):
        raise UnsupportedError(f"output padding of {added}, not less than a stride or dilation ({stride}, {dilation})")
    auto, stated = node.text("auto_pad", "NOTSET"), node.integers("output_shape")
    if auto not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise UnsupportedError(f"auto_pad {auto}")
    if stated is not None or auto in ("SAME_UPPER", "SAME_LOWER"):
        wanted = stated[-axes:] if stated else tuple(n * s for n, s in zip(spatial, stride, strict=True))
        if len(wanted) != axes:
            raise UnsupportedError(f"output_shape of {len(wanted)} numbers, {axes} are needed")
        total = [max(size + more - o, 0) for size, more, o in zip(whole, added, wanted, strict=True)]
        before = tuple(n // 2 if auto == "SAME_UPPER" else n - n // 2 for n in total)
        if stated is None:
            wanted = tuple(size + more - n for size, more, n in zip(whole, added, total, strict=True))
        after = tuple(size - b - o for size, b, o in zip(whole, before, wanted, strict=True))
    else:
        pads = _numbers(node, "pads", 2 * axes, 0) if auto == "NOTSET" else (0,) * (2 * axes)
        if min(pads) < 0:
            raise UnsupportedError("negative padding")
        before, after = pads[:axes], tuple(end - more for end, more in zip(pads[axes:], added, strict=True))
    return Windows(kernel, stride, dilation, before, after)


IMPORTERS: dict[str, Importer] = {"Conv": _convolution, "ConvTranspose": _transposed_convolution}
