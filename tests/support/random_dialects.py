"""The quantisers of random networks in any dialect: a builder that writes what it is asked for as another dialect has it.

What a dialect cannot say stays a QONNX quantiser, so that models mix them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from qcompile.ir.types import Array
from tests.support.onnx_models import ModelBuilder

DIALECTS = ("qonnx", "qdq", "qcdq", "operators", "plain", "thresholds", "requant")

Numbers = tuple[Array, Array, int, int]
"""Scale, zero point, least and greatest code."""


@dataclass(slots=True)
class DialectBuilder(ModelBuilder):
    """A builder of models whose `quant` writes the quantisers of `dialect`; `rng` draws what the dialect leaves open."""

    dialect: str = "qonnx"
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def quant(
        self, x: str, scale: object = 0.25, zero_point: object = 0.0, bits: object = 4.0, **attributes: object
    ) -> str:
        """As `ModelBuilder.quant`."""
        whole = isinstance(bits, float) and isinstance(zero_point, float) and zero_point.is_integer()
        mode = str(attributes.get("rounding_mode", "ROUND")).upper()
        write = _WRITERS.get((self.dialect, x in self._constants()))
        signed, narrow = int(attributes.get("signed", 1)), int(attributes.get("narrow", 0))  # type: ignore[call-overload]
        width = int(bits) if isinstance(bits, float) else 0
        if write is not None and whole and width > signed and bool(np.all(np.asarray(scale) > 0)):
            lo = -(1 << (width - 1)) + narrow if signed else 0
            hi = (1 << (width - signed)) - 1 - (0 if signed else narrow)
            written = write(self, x, (np.asarray(scale, np.float32), np.asarray(zero_point, np.float32), lo, hi), mode)
            if written:
                return written
        return ModelBuilder.quant(self, x, scale, zero_point, bits, **attributes)

    @property
    def kind(self) -> type[np.generic]:
        """What all codes of a network of quantised operators are."""
        return np.int8 if self.constant_nodes else np.uint8

    def _constants(self) -> dict[str, Array]:
        """Constants by name."""
        known = {tensor.name: numpy_helper.to_array(tensor) for tensor in self.initialisers}
        nodes = (node for node in self.nodes if node.op_type == "Constant")
        return known | {node.output[0]: numpy_helper.to_array(node.attribute[0].t) for node in nodes}

    def chance(self, probability: float) -> bool:
        """True so often."""
        return bool(self.rng.random() < probability)

    def linear(self, x: str, scale: Array, zero: int, kind: type[np.generic], bounds: tuple[int, int] | None) -> str:
        """QuantizeLinear, perhaps a Clip, DequantizeLinear; the domain of onnxruntime where the standard has no such type."""
        operands = [self.constant(scale), self.constant(zero, kind)]
        words = np.dtype(kind).itemsize == 2 and self.opset < 21
        domain = "com.microsoft" if words else ""
        codes = self.node("QuantizeLinear", [x, *operands], domain=domain)
        if bounds:
            codes = self.node("Clip", [codes, *(self.constant(bound, kind) for bound in bounds)])
        return self.node("DequantizeLinear", [codes, *operands], domain=domain)

    def model(self, shape: object, *outputs: str, **options: object) -> onnx.ModelProto:
        """As `ModelBuilder.model`; in the dialect of quantised operators with these where they fit."""
        model = ModelBuilder.model(self, shape, *outputs, **options)  # type: ignore[arg-type]
        model.opset_import.extend([helper.make_opsetid("com.microsoft", 1), helper.make_opsetid("PACTOps", 1)])
        return model


def _qdq(b: DialectBuilder, x: str, numbers: Numbers, mode: str) -> str:
    """Eight bits, seldom sixteen, for the range that was asked for; mostly asymmetric."""
    scale, _, lo, hi = numbers
    if scale.size > 1 or b.opset < 10 or mode not in ("ROUND", "HALF_EVEN"):
        return ""
    wide = b.chance(0.05)
    kind = b.rng.choice([np.int16, np.uint16] if wide else [np.int8, np.uint8])
    if b.dialect == "operators":
        wide, kind = False, b.kind
    limits = np.iinfo(kind)
    factor = np.float32(2.0 ** np.rint(np.log2((hi - lo + 1) / (1024 if wide else 256))))
    start = int(np.rint(lo / factor)) if b.chance(0.6) else int(b.rng.integers(-255, 1))
    zero = int(np.clip(limits.min - start, limits.min, limits.max))
    return b.linear(x, (scale * factor).reshape(()), zero, kind, None)


def _qcdq(b: DialectBuilder, x: str, numbers: Numbers, mode: str) -> str:
    """The bits that were asked for; a zero point moves the codes within the type."""
    scale, zero_point, lo, hi = numbers
    if scale.size > 1 or b.opset < 12 or mode not in ("ROUND", "HALF_EVEN") or hi - lo > 255:
        return ""
    kind = np.int8 if lo < 0 else np.uint8
    limits = np.iinfo(kind)
    zero = int(zero_point)
    if not limits.min <= zero <= limits.max:
        return ""
    bounds = None if (lo, hi) == (limits.min, limits.max) else (lo, hi)
    return b.linear(x, scale.reshape(()), zero, kind, bounds)


def _linear_weights(b: DialectBuilder, x: str, numbers: Numbers, _mode: str) -> str:
    """Integers of 8 bits (or 4, in newer operator sets), with a scale for each place on an axis and zero points, perhaps."""
    scale, _, lo, hi = numbers
    values = b._constants()[x]
    if b.opset < 13 or hi - lo > 255:
        return ""
    codes = np.clip(np.rint(values / scale), lo, hi).astype(np.int64)
    axes = [k for k, size in enumerate(np.broadcast_shapes(scale.shape, (1,) * values.ndim)) if size > 1]
    if not axes and values.ndim > 1 and b.chance(0.5):
        axis = int(b.rng.integers(2)) if b.dialect != "operators" else 0 if values.ndim > 2 else 1
        scale = (scale.ravel()[0] * b.rng.choice([1, 2, 4], values.shape[axis])).astype(np.float32)
    elif len(axes) == 1:
        axis, scale = axes[0], scale.ravel()
    elif axes:
        return ""
    else:
        axis, scale = 0, scale.reshape(())
    zero = int(b.rng.integers(-4, 5)) if b.chance(0.4) else 0
    least, greatest = int(codes.min()) + zero, int(codes.max()) + zero
    fitting = [name for name in ("int4", "uint4", "int8", "uint8") if _holds(name, least, greatest)]
    fitting = [name for name in fitting if (b.opset >= 21 and b.dialect != "operators") or name.endswith("8")]
    if not fitting:
        zero, fitting = 0, ["int8" if lo < 0 else "uint8"]
    element = getattr(TensorProto, str(b.rng.choice(fitting)).upper())
    dtype = helper.tensor_dtype_to_np_dtype(element)
    stored = b.constant(codes + zero, dtype)
    zeros = b.constant(np.full(scale.shape, zero), dtype)
    return b.node("DequantizeLinear", [stored, b.constant(scale), zeros], {"axis": axis})


def _holds(name: str, least: int, greatest: int) -> bool:
    bits, signed = int(name.removeprefix("u").removeprefix("int")), not name.startswith("u")
    lo = -(1 << (bits - 1)) if signed else 0
    return lo <= least and greatest < lo + (1 << bits)


ROUNDING = {"ROUND": "Round", "HALF_EVEN": "Round", "FLOOR": "Floor", "CEIL": "Ceil"}


def _plain(b: DialectBuilder, x: str, numbers: Numbers, mode: str) -> str:
    """Div or Mul, a rounding and bounds in either order, and back; on weights as well as on activations."""
    scale, zero_point, lo, hi = numbers
    rounding = ROUNDING.get(mode, "")
    if not rounding or (rounding == "Round" and b.opset < 11):
        return ""
    first, operand = ("Div", scale) if b.chance(0.6) else ("Mul", np.float32(1) / scale)
    x = b.node(first, [x, b.constant(operand)])
    steps = [("round", rounding), ("bound", "Clip")]
    if bool(zero_point):
        steps.insert(1, ("move", "Add"))
    elif b.chance(0.3):
        steps.reverse()
    for step, operator in steps:
        if step == "bound" and b.opset >= 11:
            x = b.node(operator, [x, b.constant(lo), b.constant(hi)])
        elif step == "bound":
            x = b.node(operator, [x], {"min": float(lo), "max": float(hi)})
        else:
            x = b.node(operator, [x] if step == "round" else [x, b.constant(zero_point)])
    if bool(zero_point):
        x = b.node("Sub", [x, b.constant(zero_point)])
    return b.node("Mul", [x, b.constant(scale)])


def _thresholds(b: DialectBuilder, x: str, numbers: Numbers, _mode: str) -> str:
    """MultiThreshold with steps that are not all the same."""
    scale, _, lo, hi = numbers
    if scale.size > 1 or hi - lo > 31:
        return ""
    step = float(scale.ravel()[0])
    middles = (np.arange(lo, hi) + 0.5) * step
    moved = middles + step * b.rng.choice([0.0, 0.0, 0.25, 0.5], middles.shape)
    attributes = {"out_scale": step, "out_bias": lo * step}
    return b.node("MultiThreshold", [x, b.constant([moved])], attributes, domain=b.qonnx_domain)


def _requant(b: DialectBuilder, x: str, numbers: Numbers, _mode: str) -> str:
    """RequantShift of multiples of 1/64, its codes times the scale; the number of codes is even."""
    scale, _, lo, hi = numbers
    levels = 1 << (hi - lo).bit_length()
    if scale.size > 1 or b.opset < 10:
        return ""
    shift = int(b.rng.integers(4, 16))
    factor = max(1, int(np.rint(2.0**shift / (64 * float(scale.ravel()[0])))))
    term = int(b.rng.integers(-(1 << shift), 1 << shift))
    x = b.node("Mul", [x, b.constant(64.0)])
    operands = [x, b.constant(factor), b.constant(term)]
    attributes = {"div": 1 << shift, "n_levels_out": levels, "signed": int(lo < 0)}
    return b.node("Mul", [b.node("RequantShift", operands, attributes, domain="PACTOps"), b.constant(scale)])


_WRITERS: dict[tuple[str, bool], Callable[[DialectBuilder, str, Numbers, str], str]] = {
    ("qdq", False): _qdq,
    ("qdq", True): _linear_weights,
    ("operators", False): _qdq,
    ("operators", True): _linear_weights,
    ("qcdq", False): _qcdq,
    ("qcdq", True): _linear_weights,
    ("plain", False): _plain,
    ("plain", True): _plain,
    ("thresholds", False): _thresholds,
    ("requant", False): _requant,
}
"""How a dialect writes the quantiser of a tensor, or of a constant."""
