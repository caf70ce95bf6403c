"""The quantisers of the QONNX dialects as ONNX functions of standard operators, so that stock onnxruntime runs them.

onnxruntime inlines a function into the model and reads its body under the model's own operator set, whatever set the
function states. So each body is written for the operator set of the model, back to 7, which has neither Round nor
Sign, nor Min and Max that broadcast: those are then composed of older operators, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from qcompile.frontend.dialect import OnnxNode, channel_axis, requant_limits, rounding_mode
from qcompile.frontend.node_writer import Attributes, NodeWriter
from qcompile.ir.errors import CompilerError

FUNCTION_DOMAIN = "qcompile.reference"


@dataclass(slots=True)
class _Body:
    """Arithmetic of one function: float32, or float64 where `wide`, as numpy promotes it for a float64 scale."""

    opset: int
    wide: bool
    nodes: NodeWriter = field(default_factory=NodeWriter)

    def apply(self, operator: str, *inputs: str) -> str:
        return self.nodes.apply(operator, *inputs)

    def number(self, value: npt.ArrayLike) -> str:
        return self.nodes.constant(value, np.float64 if self.wide else np.float32)

    def real(self, name: str) -> str:
        """The tensor in the type that this body computes in; truth values become 0 and 1."""
        kind = TensorProto.DOUBLE if self.wide else TensorProto.FLOAT
        return self.nodes.apply("Cast", name, attributes={"to": int(kind)})

    def greater(self, a: str, b: str) -> str:
        """1 where a > b, else 0."""
        return self.real(self.apply("Less", b, a))

    def reaches(self, a: str, b: str) -> str:
        """1 where a >= b, else 0."""
        return self.real(self.apply("Not", self.apply("Less", a, b)))

    def blend(self, condition: str, chosen: str, otherwise: str) -> str:
        """`chosen` where the condition is 1, `otherwise` where it is 0; exact for finite operands."""
        opposite = self.apply("Sub", self.number(1), condition)
        return self.apply("Add", self.apply("Mul", condition, chosen), self.apply("Mul", opposite, otherwise))

    def clamp(self, x: str, low: str, high: str) -> str:
        """x, but at least `low` and at most `high`."""
        if self.opset >= 8:
            return self.apply("Max", self.apply("Min", x, high), low)
        finite = x if self.wide else self.apply("Clip", x)
        below = self.blend(self.greater(finite, high), high, finite)
        return self.blend(self.greater(low, below), low, below)

    def power_of_two(self, exponent: str) -> str:
        return self.apply("Pow", self.number(2), exponent)

    def sign(self, x: str) -> str:
        if self.opset >= 9:
            return self.apply("Sign", x)
        zero = self.number(0)
        return self.apply("Sub", self.greater(x, zero), self.greater(zero, x))

    def half_even(self, x: str) -> str:
        if self.opset >= 11:
            return self.apply("Round", x)
        floor = self.apply("Floor", x)
        rest, half = self.apply("Sub", x, floor), self.number(0.5)
        halved = self.apply("Mul", floor, half)
        odd = self.greater(halved, self.apply("Floor", halved))
        above = self.greater(rest, half)
        tie = self.apply("Sub", self.reaches(rest, half), above)
        return self.apply("Add", self.apply("Add", floor, above), self.apply("Mul", tie, odd))

    def magnitude(self, x: str, operator: str, added: float) -> str:
        """The sign of x times `operator` of |x| + added."""
        magnitude = self.apply("Abs", x)
        if added:
            magnitude = self.apply("Add", magnitude, self.number(added))
        return self.apply("Mul", self.sign(x), self.apply(operator, magnitude))

    def round(self, mode: str, x: str) -> str:
        match mode:
            case "HALF_EVEN":
                return self.half_even(x)
            case "CEIL":
                return self.apply("Ceil", x)
            case "FLOOR":
                return self.apply("Floor", x)
            case "UP":
                return self.magnitude(x, "Ceil", 0.0)
            case "DOWN":
                return self.magnitude(x, "Floor", 0.0)
            case "HALF_UP":
                return self.magnitude(x, "Floor", 0.5)
            case "HALF_DOWN":
                return self.magnitude(x, "Ceil", -0.5)
            case _:
                raise CompilerError(f"the rounding mode {mode} is not known")

    def bounds(self, node: OnnxNode, bits: str) -> tuple[str, str]:
        """Least and greatest code for a bit width; narrow drops the least signed or the greatest unsigned one."""
        narrow, one = float(node.integer("narrow", 0)), self.number(1)
        if node.integer("signed", 1):
            codes = self.power_of_two(self.apply("Sub", bits, one))
            return self.apply("Sub", self.number(narrow), codes), self.apply("Sub", codes, one)
        return self.number(0), self.apply("Sub", self.power_of_two(bits), self.number(1 + narrow))

    def bipolar(self, x: str) -> str:
        """1 where x >= 0, else -1."""
        reached = self.reaches(x, self.number(0))
        return self.apply("Sub", self.apply("Add", reached, reached), self.number(1))


def _quant(body: _Body, node: OnnxNode) -> str:
    """T = x / scale + zero point, clamped, then rounded; a signed one-bit quantiser is bipolar."""
    scale, zero_point, bits = (body.real(name) for name in ("scale", "zero_point", "bits"))
    t = body.apply("Add", body.apply("Div", body.real("x"), scale), zero_point)
    code = body.round(rounding_mode(node, "ROUND"), body.clamp(t, *body.bounds(node, bits)))
    if node.integer("signed", 1):
        code = body.blend(body.greater(body.number(2), bits), body.bipolar(t), code)
    return body.apply("Mul", body.apply("Sub", code, zero_point), scale)


def _bipolar_quant(body: _Body) -> str:
    return body.apply("Mul", body.bipolar(body.real("x")), body.real("scale"))


def _trunc1(body: _Body, node: OnnxNode) -> str:
    """Neither the scale nor the zero point is rescaled, and nothing is clamped."""
    scale, zero_point = body.real("scale"), body.real("zero_point")
    t = body.half_even(body.apply("Add", body.apply("Div", body.real("x"), scale), zero_point))
    dropped = body.apply("Sub", body.real("input_bits"), body.real("output_bits"))
    code = body.round(rounding_mode(node, "FLOOR"), body.apply("Div", t, body.power_of_two(dropped)))
    return body.apply("Mul", body.apply("Sub", code, zero_point), scale)


def _trunc2(body: _Body, node: OnnxNode) -> str:
    scale, zero_point, output_scale = (body.real(name) for name in ("scale", "zero_point", "output_scale"))
    t = body.half_even(body.apply("Add", body.apply("Div", body.real("x"), scale), zero_point))
    logarithm = body.apply("Log", body.apply("Div", output_scale, scale))
    step = body.power_of_two(body.half_even(body.apply("Div", logarithm, body.number(np.log(2.0)))))
    clamped = body.clamp(body.apply("Div", t, step), *body.bounds(node, body.real("output_bits")))
    code = body.round(rounding_mode(node, "FLOOR"), clamped)
    return body.apply("Mul", body.apply("Sub", code, body.apply("Div", zero_point, step)), output_scale)


def _multi_threshold(body: _Body, node: OnnxNode, rank: int) -> str:
    """Thresholds (C or 1, n) become (n, 1, .., C, .., 1), are compared in float64, and the n results are added up."""
    target = [0, *[1] * rank]
    target[1 + channel_axis(node, rank)] = -1
    double: Attributes = {"to": int(TensorProto.DOUBLE)}
    columns = body.apply("Transpose", body.nodes.apply("Cast", "thresholds", attributes=double))
    shape = body.nodes.apply("Cast", body.number(target), attributes={"to": int(TensorProto.INT64)})
    thresholds = body.apply("Reshape", columns, shape)
    reached = body.reaches(body.nodes.apply("Cast", "x", attributes=double), thresholds)
    if body.opset >= 13:
        count = body.nodes.apply("ReduceSum", reached, body.nodes.constant([0], np.int64), attributes={"keepdims": 0})
    else:
        count = body.nodes.apply("ReduceSum", reached, attributes={"axes": [0], "keepdims": 0})
    scaled = body.apply("Mul", count, body.number(node.real("out_scale", 1.0)))
    return body.apply("Add", scaled, body.number(node.real("out_bias", 0.0)))


def _requant_shift(body: _Body, node: OnnxNode) -> str:
    """On 64 bits; the rest of a division is never negative, so that quotients are rounded down."""
    if body.opset < 10:
        raise CompilerError("RequantShift needs operator set 10", f"node {node.name}")
    shift, lo, hi = requant_limits(node)
    wide: Attributes = {"to": int(TensorProto.INT64)}
    x, factor, term = (body.nodes.apply("Cast", name, attributes=wide) for name in ("x", "mul", "add"))
    half = body.nodes.constant((1 << shift) >> 1, np.int64)
    total = body.apply("Add", body.apply("Add", body.apply("Mul", x, factor), term), half)
    divisor = body.nodes.constant(1 << shift, np.int64)
    whole = body.apply("Div", body.apply("Sub", total, body.apply("Mod", total, divisor)), divisor)
    return body.clamp(body.real(whole), body.number(lo), body.number(hi))


def quantiser_function(node: OnnxNode, name: str, rank: int, wide: bool) -> onnx.FunctionProto:
    """The function `name` that computes what `node` computes.

    `rank` is the number of axes of the quantised tensor, `wide` whether the scale is float64. Raises CompilerError
    for a quantiser that is not known in this form.
    """
    body = _Body(node.opset, wide)
    parameters: tuple[str, ...]
    match node.operator, len(node.inputs):
        case (("Quant" | "IntQuant"), 4):
            parameters, result = ("x", "scale", "zero_point", "bits"), _quant(body, node)
        case "BipolarQuant", 2:
            parameters, result = ("x", "scale"), _bipolar_quant(body)
        case "Trunc", 5:
            parameters, result = ("x", "scale", "zero_point", "input_bits", "output_bits"), _trunc1(body, node)
        case "Trunc", 6:
            parameters = ("x", "scale", "zero_point", "input_bits", "output_scale", "output_bits")
            result = _trunc2(body, node)
        case "MultiThreshold", 2:
            parameters, result = ("x", "thresholds"), _multi_threshold(body, node, rank)
        case "RequantShift", 3:
            parameters, result = ("x", "mul", "add"), _requant_shift(body, node)
        case operator, count:
            raise CompilerError(f"{operator} with {count} inputs is not known", f"node {node.name}")
    body.nodes.apply("Cast", result, output="y", attributes={"to": int(TensorProto.FLOAT)})
    opsets = [helper.make_opsetid("", node.opset)]
    return helper.make_function(FUNCTION_DOMAIN, name, list(parameters), ["y"], body.nodes.nodes, opsets)
