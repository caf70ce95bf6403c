"""QONNX: quantisers as Quant, BipolarQuant, Trunc and MultiThreshold.

Quant adds its zero point before rounding, in float32, which QuantizeLinear does behind. So none is written: the codes are those
without a zero point, in as many bits as they need, and a Clip of the real numbers in front where fewer of them occur.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from qcompile.frontend.builder import QuantisedConstant
from qcompile.frontend.conversion.emitter import Emitter
from qcompile.frontend.conversion.quantisers import CodeFormat, Live, float32_scale, integers_of
from qcompile.frontend.dialect import UnsupportedError, is_quantiser
from qcompile.frontend.node_writer import Attributes
from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, IntArray, IntType
from qcompile.ops import Quantize, RequantShift

DOMAIN = "qonnx.custom_op.general"
ROUNDING_NAMES = {"HALF_EVEN": "ROUND"}
LARGEST_CODE = 1 << 22
"""Codes below this are found again in float32 numbers; larger ones are of biases, which become real numbers."""

TRUNC_2_INPUTS = 6


class Qonnx:
    """The dialect; see the module."""

    name: ClassVar[str] = "qonnx"
    oldest_opset: ClassVar[int] = 7
    standard: ClassVar[bool] = False

    def has(self, proto: onnx.NodeProto) -> bool:
        """All quantisers of the QONNX domains."""
        return is_quantiser(proto) and proto.op_type != "RequantShift"

    def quantiser(self, emitter: Emitter, live: Live) -> None:
        """QuantizeLinear and its like, and integer requantisation."""
        match live.op:
            case Quantize():
                _quantise(emitter, live, live.op)
            case RequantShift():
                _requantise(emitter, live, live.op)
            case _:
                raise UnsupportedError(f"{live.proto.op_type} is no quantiser of QONNX")

    def constant(self, emitter: Emitter, constant: QuantisedConstant) -> None:
        """A Quant of the numbers themselves."""
        codes, scale = integers_of(constant)
        if int(np.abs(codes).max(initial=0)) >= LARGEST_CODE:
            emitter.initialisers.append(numpy_helper.from_array(constant.real, emitter.output))
            return
        numbers = emitter.constant(constant.real, "numbers")
        _quant(emitter, numbers, CodeFormat.of(codes, codes), float32_scale(scale))

    def finish(self, model: onnx.ModelProto) -> None:
        """All quantisers in one domain, of the version that their numbers of inputs belong to."""
        version = 1
        for node in model.graph.node:
            if is_quantiser(node):
                node.domain = DOMAIN
                version = 2 if len(node.input) == TRUNC_2_INPUTS else version
        others = [opset for opset in model.opset_import if opset.domain != DOMAIN]
        stated = [opset.version for opset in model.opset_import if opset.domain == DOMAIN]
        del model.opset_import[:]
        model.opset_import.extend([*others, helper.make_opsetid(DOMAIN, max([version, *stated]))])


def _quant(
    emitter: Emitter, x: str, codes: CodeFormat, scale: Array, rounding: str = "HALF_EVEN", stem: str = ""
) -> str:
    """A Quant without a zero point."""
    numbers = [emitter.constant(scale, "step"), emitter.constant(0, "zero"), emitter.constant(codes.bits, "bits")]
    attributes: Attributes = {
        "narrow": int(codes.narrow),
        "rounding_mode": ROUNDING_NAMES.get(rounding, rounding),
        "signed": int(codes.signed),
    }
    return emitter.apply("Quant", [x, *numbers], stem, attributes, DOMAIN)


def _quantise(emitter: Emitter, live: Live, op: Quantize) -> None:
    """Clip(round(x / scale) + zero point), as codes or as the real numbers that they stand for."""
    x, (scale, zero_point) = live.source, (np.asarray(operand) for operand in live.operands)
    lo, hi = (np.asarray(bound - zero_point.astype(np.int64)) for bound in (op.lo, op.hi))
    if not op.dequantized and bool(np.any(scale != 1)):
        x, scale = emitter.apply("Div", [x, emitter.constant(scale, "scale")], "scaled"), np.ones((), np.float32)
    codes = CodeFormat.of(lo, hi)
    if not codes.exact:
        if op.rounding != "HALF_EVEN" and bool(np.any(scale != 1)):
            raise UnsupportedError(f"rounding {op.rounding} to codes from {lo.min()} to {hi.max()}, no range of whole bits")
        ends = [np.asarray(bound.astype(np.float32) * scale, np.float32) for bound in (lo, hi)]
        x = emitter.bounded(x, np.minimum(*ends), np.maximum(*ends), "clipped")
    moved = not op.dequantized and bool(np.any(zero_point))
    cast = not op.dequantized and live.element != TensorProto.FLOAT and live.used
    x = _quant(emitter, x, codes, scale, op.rounding, "quantised" if moved or cast else "")
    if moved:
        x = emitter.apply("Add", [x, emitter.constant(zero_point, "zero_point")], "codes" if cast else "")
    if cast:
        emitter.apply("Cast", [x], "", {"to": live.element})


def _requantise(emitter: Emitter, live: Live, op: RequantShift) -> None:
    """Thresholds: the least integers at which a channel reaches each of its codes. Falling channels are negated."""
    factor, term = (np.asarray(operand, np.int64) for operand in live.operands)
    shape = np.broadcast_shapes(factor.shape, term.shape)
    axis = _channel_axis(shape, live.rank)
    factors, terms = (np.broadcast_to(a, shape).reshape(-1, 1) for a in (factor, term))
    goals = (np.arange(op.lo + 1, op.hi + 1) << op.shift) - ((1 << op.shift) >> 1) - terms
    least = -(-goals // np.maximum(np.abs(factors), 1))
    limits = np.finfo(np.float32)
    constant = np.where(goals > 0, limits.max, limits.min)
    thresholds = np.where(factors == 0, constant, _at_least(least)).astype(np.float32)
    x = emitter.apply("Cast", [live.source], "integers", {"to": int(TensorProto.INT64)})
    x = emitter.apply("Cast", [x], "numbers", {"to": int(TensorProto.FLOAT)})
    if bool(np.any(factors < 0)):
        x = emitter.apply("Mul", [x, emitter.constant(np.where(factor < 0, -1, 1), "signs")], "rising")
    letters = list("NDHW"[: live.rank - 1] if live.rank < len("NDHWC") else "N" * (live.rank - 1))
    letters.insert(axis, "C")
    attributes: Attributes = {
        "data_layout": "".join(letters),
        "out_bias": float(op.lo),
        "out_dtype": str(IntType.of_range(op.lo, op.hi)).upper(),
        "out_scale": 1.0,
    }
    emitter.apply("MultiThreshold", [x, emitter.constant(thresholds, "thresholds")], "", attributes, DOMAIN)


def _channel_axis(shape: Shape, rank: int) -> int:
    """The axis of a tensor along which constants of this shape change; raises UnsupportedError for several."""
    axes = [rank - len(shape) + k for k, size in enumerate(shape) if size > 1]
    if len(axes) > 1 or (axes and axes[0] < 1):
        raise UnsupportedError(f"factors and terms of shape {shape}, not one for each channel")
    return axes[0] if axes else min(1, rank - 1)


def _at_least(numbers: IntArray) -> Array:
    """The least float32 numbers that are not below some integers."""
    near = numbers.astype(np.float32)
    return np.where(near.astype(np.float64) < numbers, np.nextafter(near, np.float32(np.inf)), near)
