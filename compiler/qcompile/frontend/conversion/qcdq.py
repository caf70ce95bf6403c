"""QCDQ: quantisers as QuantizeLinear, Clip and DequantizeLinear, which stock onnxruntime runs.

QuantizeLinear rounds halves to even and adds its zero point behind. A quantiser that does something else is computed in plain
operators, and QuantizeLinear gets the numbers that it has made: it finds their codes and changes nothing.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import onnx
from onnx import TensorProto, helper

from qcompile.frontend.builder import QuantisedConstant
from qcompile.frontend.conversion.emitter import Emitter
from qcompile.frontend.conversion.quantisers import CodeFormat, Live, Uniform, float32_scale, integers_of, uniform_steps
from qcompile.frontend.dialect import UnsupportedError, is_quantiser, unpack
from qcompile.frontend.importers import LINEAR_QUANTISERS
from qcompile.frontend.node_writer import Attributes
from qcompile.frontend.quantised_operators import MICROSOFT
from qcompile.frontend.quantiser_functions import quantiser_function
from qcompile.ir.types import Array, FloatArray, IntType
from qcompile.ops import Quantize

BYTES = {IntType(8, True): TensorProto.INT8, IntType(8, False): TensorProto.UINT8}
WORDS = {IntType(16, True): TensorProto.INT16, IntType(16, False): TensorProto.UINT16}
FIRST_OPSET_WITH_WORDS = 21
"""Before, QuantizeLinear of 16 bits is in onnxruntime's own domain."""

ROUNDING = {"CEIL": "Ceil", "FLOOR": "Floor", "HALF_EVEN": "Round"}
"""Modes that are an operator of the standard."""

IDENTITY_LIMIT = 1 << 22
"""Codes below this are found again in float32 numbers."""


class Qcdq:
    """The dialect; see the module."""

    name: ClassVar[str] = "qcdq"
    oldest_opset: ClassVar[int] = 13
    standard: ClassVar[bool] = True

    def has(self, proto: onnx.NodeProto) -> bool:
        """QuantizeLinear and DequantizeLinear, with a Clip of the codes behind."""
        return proto.op_type in LINEAR_QUANTISERS

    def quantiser(self, emitter: Emitter, live: Live) -> None:
        """QuantizeLinear, Clip and DequantizeLinear, of the tensor itself where that is what the quantiser does."""
        steps = uniform_steps(live)
        float32_scale(steps.scale)
        x = live.source
        if not _as_quantize_linear(live):
            x = _computed(emitter, live)
        _linear(emitter, x, steps, live.rank)

    def constant(self, emitter: Emitter, constant: QuantisedConstant) -> None:
        """Integers of 8 bits, or of 32 where they need more, clipped to their number of bits where that is less."""
        codes, scale = integers_of(constant)
        lo, hi = CodeFormat.of(codes, codes).bounds
        kinds = [element for kind, element in BYTES.items() if kind.contains(lo, hi)]
        if not kinds and not IntType(32, True).contains(lo, hi):
            raise UnsupportedError(f"integers from {lo} to {hi}")
        element = kinds[0] if kinds else TensorProto.INT32
        x = emitter.constant(codes, "integers", element)
        if kinds:
            x = _clipped(emitter, x, lo, hi, element)
        step, axis = _along_axis(scale, codes.ndim)
        emitter.apply("DequantizeLinear", [x, emitter.constant(step, "scale")], "", axis)

    def finish(self, model: onnx.ModelProto) -> None:
        """The domain of those quantisers of 16 bits that the operator set does not have."""
        domains = {opset.domain for opset in model.opset_import}
        if MICROSOFT not in domains and any(node.domain == MICROSOFT for node in model.graph.node):
            model.opset_import.append(helper.make_opsetid(MICROSOFT, 1))


def _as_quantize_linear(live: Live) -> bool:
    """Whether QuantizeLinear does to the source what the quantiser does."""
    if not isinstance(live.op, Quantize) or live.op.bipolar or live.op.rounding != "HALF_EVEN":
        return False
    return live.operands[0].dtype == np.float32 and not bool(np.any(live.operands[1]))


def _computed(emitter: Emitter, live: Live) -> str:
    """The output of the quantiser under another name, in plain operators."""
    op, wide = live.op, live.operands[0].dtype == np.float64
    if isinstance(op, Quantize) and op.zero_point_first and not wide and (op.bipolar or op.rounding in ROUNDING):
        return _plain(emitter, live, op)
    output = emitter.fresh("number")
    if is_quantiser(live.proto):
        (node,) = unpack([live.proto], emitter.opset)
        emitter.include(quantiser_function(node, "body", live.rank, wide), live.proto.input, output)
        return output
    copy = onnx.NodeProto()
    copy.CopyFrom(live.proto)
    copy.output[0], copy.name = output, f"{emitter.name}.number"
    emitter.nodes.append(copy)
    return output


def _plain(emitter: Emitter, live: Live, op: Quantize) -> str:
    """Quant step by step; what is bipolar is rounded down, to -1 or 0, from which -1 and 1 are made."""
    x, (scale, zero_point) = live.source, (np.asarray(operand, np.float32) for operand in live.operands)
    if op.divide:
        x = emitter.apply("Div", [x, emitter.constant(scale, "divisor")], "scaled")
    if bool(np.any(zero_point)):
        x = emitter.apply("Add", [x, emitter.constant(zero_point, "added")], "moved")
    lo, hi = (np.asarray(bound, np.float32) for bound in ((-1, 0) if op.bipolar else (op.lo, op.hi)))
    x = emitter.bounded(x, lo, hi, "clamped")
    x = emitter.apply("Floor" if op.bipolar else ROUNDING[op.rounding], [x], "rounded")
    if op.bipolar:
        x = emitter.apply("Mul", [x, emitter.constant(2, "two")], "doubled")
        x = emitter.apply("Add", [x, emitter.constant(1, "one")], "sign")
    if bool(np.any(zero_point)):
        x = emitter.apply("Sub", [x, emitter.constant(zero_point, "removed")], "centred")
    return emitter.apply("Mul", [x, emitter.constant(scale, "size")], "number")


def _linear(emitter: Emitter, x: str, steps: Uniform, rank: int) -> None:
    """The three nodes, for codes from lo to hi."""
    lo, hi = steps.lo, steps.hi
    if max(abs(lo), abs(hi)) >= IDENTITY_LIMIT or hi - lo >= 1 << 16:
        raise UnsupportedError(f"{(hi - lo).bit_length()} bits: QuantizeLinear has 16 at most")
    kind, zero_point = _kind(lo, hi)
    element = (BYTES | WORDS)[kind]
    domain = MICROSOFT if element in WORDS.values() and emitter.opset < FIRST_OPSET_WITH_WORDS else ""
    scale, axis = _along_axis(steps.scale, rank)
    operands = [emitter.constant(scale, "scale")]
    operands.append(emitter.constant(np.full(scale.shape, zero_point), "zero_point", element))
    if element in WORDS.values() and (kind.lo, kind.hi) != (lo + zero_point, hi + zero_point):
        ends = [np.asarray(np.float32(bound) * steps.scale.astype(np.float32), np.float32) for bound in (lo, hi)]
        x = emitter.bounded(x, np.minimum(*ends), np.maximum(*ends), "clipped")  # onnxruntime clips no integers of 16 bits
    codes = emitter.apply("QuantizeLinear", [x, *operands], "codes", axis, domain)
    if element in BYTES.values():
        codes = _clipped(emitter, codes, lo + zero_point, hi + zero_point, element)
    emitter.apply("DequantizeLinear", [codes, *operands], "", axis, domain)


def _kind(lo: int, hi: int) -> tuple[IntType, int]:
    """The type of codes and the zero point, which is of this type too: none where that is possible."""
    for kinds in (BYTES, WORDS):
        for kind in kinds:
            if kind.contains(lo, hi):
                return kind, 0
        for kind in kinds:
            least, greatest = max(kind.lo - lo, kind.lo), min(kind.hi - hi, kind.hi)
            if least <= greatest:
                return kind, min(max(0, least), greatest)
    raise UnsupportedError(f"codes from {lo} to {hi}")


def _clipped(emitter: Emitter, codes: str, lo: int, hi: int, element: int) -> str:
    """The Clip that says how many bits there are; none where it would change nothing."""
    kind = next(kind for kind, of in BYTES.items() if of == element)
    if (kind.lo, kind.hi) == (lo, hi):
        return codes
    bounds = [emitter.constant(lo, "least", element), emitter.constant(hi, "greatest", element)]
    return emitter.apply("Clip", [codes, *bounds], "clipped")


def _along_axis(scale: FloatArray, rank: int) -> tuple[Array, Attributes]:
    """A scale as QuantizeLinear takes it: a number, or one for each place on an axis."""
    narrow = float32_scale(scale)
    axes = [rank - narrow.ndim + k for k, size in enumerate(narrow.shape) if size > 1]
    if len(axes) > 1:
        raise UnsupportedError(f"a scale of shape {narrow.shape}: QuantizeLinear has one for each place on one axis")
    return (narrow.ravel(), {"axis": axes[0]}) if axes else (narrow.reshape(()), {})
