"""Elementwise real functions, in float32 and in the operation order of onnxruntime's CPU kernels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array
from qcompile.ops import activations
from qcompile.ops.roles import Direction, Float32Array, broadcast_shape

F32 = np.float32


def _batch_normalization(
    x: Float32Array, scale: Float32Array, bias: Float32Array, mean: Float32Array, var: Float32Array, epsilon: float
) -> Float32Array:
    """The four vectors become a factor and a term first, the factor by way of the inverse deviation; each step
    rounds.
    """
    factor = scale * (F32(1) / np.sqrt(var + F32(epsilon)))
    result: Float32Array = x * factor + (bias - mean * factor)
    return result


def _to_integer(x: Float32Array, least: float, greatest: float) -> Float32Array:
    """What a Cast leaves of a number: its integer part; none where the type cannot hold that."""
    whole = np.trunc(x)
    wide = whole.astype(np.float64)
    return np.where((wide >= least) & (wide <= greatest), whole, F32(np.nan))


_UP, _DOWN, _UNKNOWN = Direction.INCREASING, Direction.DECREASING, Direction.UNKNOWN

# name: (function of x, constants, attributes; direction where it does not depend on the constants)
FUNCTIONS: dict[str, tuple[Callable[..., Array], Direction | None]] = {
    "Abs": (np.abs, _UNKNOWN),
    "Add": (np.add, _UP),
    "BatchNormalization": (_batch_normalization, None),
    "Ceil": (np.ceil, _UP),
    "Celu": (activations.celu, _UP),
    "Clip": (lambda x, low, high: np.minimum(np.maximum(x, low), high), _UP),
    "Div": (np.divide, None),
    "Elu": (activations.elu, None),
    "Erf": (activations.error_function, _UP),
    "Exp": (activations.exponential, _UP),
    "Floor": (np.floor, _UP),
    "Gelu": (activations.gelu, _UNKNOWN),
    "HardSigmoid": (activations.hard_sigmoid, None),
    "HardSwish": (lambda x: x * activations.hard_sigmoid(x, 1.0 / 6.0, 0.5), _UNKNOWN),
    "LeakyRelu": (lambda x, alpha: np.where(x >= 0, x, x * F32(alpha)), None),
    "Log": (activations.logarithm, _UP),
    "Max": (np.maximum, _UP),
    "Min": (np.minimum, _UP),
    "Mish": (activations.mish, _UNKNOWN),
    "Mul": (np.multiply, None),
    "Neg": (np.negative, _DOWN),
    "PRelu": (lambda x, slope: np.where(x < 0, x * slope, x), None),
    "Pow": (activations.power, _UNKNOWN),
    "Reciprocal": (lambda x: F32(1) / x, _UNKNOWN),
    "Relu": (lambda x: np.maximum(x, F32(0)), _UP),
    "ReverseDiv": (lambda x, a: a / x, _UNKNOWN),
    "ReverseSub": (lambda x, a: a - x, _DOWN),
    "Round": (np.rint, _UP),
    "Selu": (activations.selu, None),
    "Sigmoid": (activations.sigmoid, _UP),
    "Softplus": (activations.softplus, _UP),
    "Softsign": (activations.softsign, _UP),
    "Sqrt": (np.sqrt, _UP),
    "Sub": (np.subtract, _UP),
    "Swish": (activations.swish, _UNKNOWN),
    "Tanh": (activations.tanh, _UP),
    "ToInteger": (_to_integer, _UP),
    "ThresholdedRelu": (lambda x, alpha: np.where(x > F32(alpha), x, F32(0)), None),
}


ERRORS = {"Celu": 4, "Elu": 2, "Erf": 2, "Exp": 2, "Gelu": 4, "Log": 4, "Mish": 8, "Pow": 2, "Selu": 4, "Softplus": 4}
"""Functions that differ from onnxruntime by the last places: by how many, about twice what was measured."""

WAVERING = 2.0**-20
"""Twice the greatest fall that was measured in a rising function of this library, that of Tanh."""


def _sign(values: Array) -> Direction:
    """The direction of a factor: that of its sign where all its elements share one."""
    if bool(np.all(np.asarray(values) >= 0)):
        return Direction.INCREASING
    return Direction.DECREASING if bool(np.all(np.asarray(values) <= 0)) else Direction.UNKNOWN


@dataclass(frozen=True, slots=True)
class Elementwise:
    """`function` of every element, with constants as further inputs and scalar attributes as `parameters`."""

    kind: ClassVar[str] = "Elementwise"
    function: str
    parameters: tuple[float, ...] = ()

    def infer_shape(self, *shapes: Shape) -> Shape:
        """Shape of the tensor; the constants must not widen it."""
        return broadcast_shape(shapes)

    def evaluate(self, *inputs: Array) -> Array:
        """float32 result; overflow and division by zero follow IEEE 754 without a warning."""
        with np.errstate(all="ignore"):
            return FUNCTIONS[self.function][0](inputs[0].astype(F32), *inputs[1:], *self.parameters).astype(F32)

    def direction(self, *operands: Array) -> Direction:
        """Monotone direction of the function for these constants."""
        fixed = FUNCTIONS[self.function][1]
        if fixed is not None:
            return fixed
        match self.function:
            case "Mul" | "Div" | "BatchNormalization":
                return _sign(operands[0])
            case "PRelu":
                return _UP if bool(np.all(operands[0] >= 0)) else _UNKNOWN
            case "ThresholdedRelu":
                return _UP if self.parameters[0] >= 0 else _UNKNOWN
            case "HardSigmoid":
                return _UP if self.parameters[0] >= 0 else _DOWN
            case "Selu":
                return _UP if self.parameters[0] >= 0 and self.parameters[1] >= 0 else _UNKNOWN
            case _:  # LeakyRelu, Elu: the slope below zero
                return _UP if self.parameters[0] >= 0 else _UNKNOWN

    @property
    def error(self) -> float:
        """How far `evaluate` may be from onnxruntime, in units of max(1, |result|); 0 where the bits are the same."""
        by_tanh = self.function == "Gelu" and bool(self.parameters[0])
        return 0.0 if by_tanh else ERRORS.get(self.function, 0) * float(np.finfo(F32).eps)

    @property
    def wavering(self) -> float:
        """How far `evaluate` may fall where the function rises: quotients of polynomials do, by the last places."""
        return WAVERING if self.function in ("Sigmoid", "Softsign", "Tanh") else 0.0

    def magnitude(self, largest: Array, *operands: Array) -> Array:
        """At least as large as all that is rounded on the way, for arguments from -largest to largest."""
        result = np.maximum(*(np.abs(self.evaluate(end, *operands)) for end in (-largest, largest)))
        if self.function == "BatchNormalization":
            scale, bias, mean, var = operands
            result = result + np.abs(bias) + np.abs(mean * scale) / np.sqrt(var + F32(self.parameters[0]))
        return np.asarray(result if self.affine(*operands) is not None else np.maximum(result, largest))

    def affine(self, *operands: Array) -> tuple[Array, Array] | None:
        """Exact float64 (factor, term) of x -> factor * x + term where the function is affine, else None."""
        wide = [np.asarray(operand, np.float64) for operand in operands]
        zero, one = np.zeros(()), np.ones(())
        match self.function:
            case "Add":
                return one, wide[0]
            case "Sub":
                return one, -wide[0]
            case "ReverseSub":
                return -one, wide[0]
            case "Mul":
                return wide[0], zero
            case "Div":
                return 1.0 / wide[0], zero
            case "Neg":
                return -one, zero
            case "BatchNormalization":
                factor = wide[0] / np.sqrt(wide[3] + self.parameters[0])
                return factor, wide[1] - wide[2] * factor
            case _:
                return None
