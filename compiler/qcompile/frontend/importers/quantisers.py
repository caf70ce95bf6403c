"""QONNX and FINN quantisers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qcompile.frontend.builder import Builder
from qcompile.frontend.dialect import OnnxNode, UnsupportedError, channel_axis, float32, real, rounding_mode
from qcompile.ir.types import Array, IntType
from qcompile.ops import MultiThreshold, Quantize, Truncate
from qcompile.ops.quantize import ROUNDING

Importer = Callable[[Builder, OnnxNode], None]

LARGEST_BITS = 32


def _rounding(node: OnnxNode, default: str) -> str:
    mode = rounding_mode(node, default)
    if mode not in ROUNDING:
        raise UnsupportedError(f"the rounding mode {mode}; known are ROUND, {', '.join(ROUNDING)}")
    return mode


def checked_scale(builder: Builder, name: str, what: str = "scale") -> Array:
    """A scale in its own precision; zero, denormal, infinite and undefined ones are refused."""
    scale = real(builder.array(name, what))
    bad = ~np.isfinite(scale) | (np.abs(scale) < np.finfo(np.float32).tiny)
    if bool(np.any(bad)):
        first, least = scale.ravel()[int(np.argmax(bad.ravel()))], np.finfo(np.float32).tiny
        raise UnsupportedError(
            f"the {what} {first} ({int(bad.sum())} such): it must be finite and at least {least:.3g}"
        )
    return _narrow(scale)


def _narrow(operand: Array) -> Array:
    """A parameter of one element as a scalar, whatever number of axes it was written with."""
    return operand.reshape(()) if operand.size == 1 else operand


def _bits(builder: Builder, name: str, what: str = "bit width") -> int:
    width = builder.array(name, what).ravel()
    if width.size != 1:
        raise UnsupportedError(f"a {what} for each channel")
    bits = float(width[0])
    if bits != int(bits) or not 1 <= bits <= LARGEST_BITS:
        raise UnsupportedError(f"a {what} of {bits:g}: it must be an integer from 1 to {LARGEST_BITS}")
    return int(bits)


def _bounds(node: OnnxNode, bits: int) -> tuple[int, int]:
    """Least and greatest code; narrow drops the least signed or the greatest unsigned one."""
    signed, narrow = bool(node.integer("signed", 1)), node.integer("narrow", 0)
    code = IntType(bits, signed)
    return (code.lo + narrow, code.hi) if signed else (code.lo, code.hi - narrow)


def _quant(builder: Builder, node: OnnxNode) -> None:
    """Quant and IntQuant: the zero point is added before clamping, clamping comes before rounding."""
    bits = _bits(builder, node.inputs[3])
    scale = checked_scale(builder, node.inputs[1])
    zero_point = _narrow(float32(builder.array(node.inputs[2], "zero point")))
    if bits == 1 and node.integer("signed", 1):
        op = Quantize(0, 1, bipolar=True)
    else:
        op = Quantize(*_bounds(node, bits), rounding=_rounding(node, "ROUND"))
    builder.add(node, op, node.inputs[0], scale, zero_point)


def _bipolar_quant(builder: Builder, node: OnnxNode) -> None:
    op = Quantize(0, 1, bipolar=True, divide=False)
    builder.add(node, op, node.inputs[0], checked_scale(builder, node.inputs[1]), np.zeros((), np.float32))


def _trunc(builder: Builder, node: OnnxNode) -> None:
    """Version 1 has five inputs and keeps the scale, version 2 has six, an output scale, and clamps."""
    scale = checked_scale(builder, node.inputs[1])
    zero_point = _narrow(float32(builder.array(node.inputs[2], "zero point")))
    rounding = _rounding(node, "FLOOR")
    if len(node.inputs) == 5:
        shift = _bits(builder, node.inputs[3], "input bit width") - _bits(builder, node.inputs[4], "output bit width")
        op, output_scale = Truncate(shift, rounding), scale
    else:
        output_scale = checked_scale(builder, node.inputs[4], "output scale")
        exponents = np.rint(np.log2(output_scale / scale)).ravel()
        if bool(np.any(exponents != exponents[0])):
            raise UnsupportedError("Trunc with a different shift for each channel")
        lo, hi = _bounds(node, _bits(builder, node.inputs[5], "output bit width"))
        op = Truncate(int(exponents[0]), rounding, lo, hi)
    builder.add(node, op, node.inputs[0], scale, zero_point, output_scale)


def _multi_threshold(builder: Builder, node: OnnxNode) -> None:
    """Thresholds (channels or 1, n); the channel axis is that of `data_layout`, by default the second."""
    rank = len(builder.shape(node.inputs[0]))
    thresholds = real(builder.array(node.inputs[1], "thresholds"))
    if thresholds.ndim != 2:
        raise UnsupportedError(f"thresholds of shape {thresholds.shape}")
    layout = node.text("data_layout", "")
    if not layout and rank == 3 and thresholds.shape[0] > 1:
        raise UnsupportedError(
            "MultiThreshold on three axes without data_layout: versions of qonnx disagree on the channel axis"
        )
    if layout and len(layout) != rank:
        raise UnsupportedError(f"the data_layout {layout} of a tensor with {rank} axes")
    shape = [1] * rank
    shape[channel_axis(node, rank)] = thresholds.shape[0]
    columns = np.sort(thresholds, axis=1).T
    if bool(np.any(np.isnan(columns))):
        raise UnsupportedError("a threshold that is not a number")
    op = MultiThreshold(node.real("out_scale", 1.0), node.real("out_bias", 0.0))
    if op.scale == 0 or not np.isfinite(op.scale):
        raise UnsupportedError(f"the out_scale {op.scale}")
    builder.add(node, op, node.inputs[0], *(column.reshape(shape) for column in columns))


IMPORTERS: dict[str, Importer] = {
    "BipolarQuant": _bipolar_quant,
    "IntQuant": _quant,
    "MultiThreshold": _multi_threshold,
    "Quant": _quant,
    "Trunc": _trunc,
}
