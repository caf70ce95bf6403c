"""Elementwise real functions, in float32 and in the operation order of onnxruntime's CPU kernels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array
from qcompile.ops.roles import Direction, Float32Array, broadcast_shape

F32 = np.float32
SELU_ALPHA, SELU_GAMMA = 1.67326319217681884765625, 1.05070102214813232421875

_erf = np.vectorize(math.erf, otypes=[np.float64])


def _sigmoid(x: Float32Array) -> Float32Array:
    wide = x.astype(np.float64)
    result: Float32Array = (1.0 / (1.0 + np.exp(-wide))).astype(F32)
    return result


def _batch_normalization(x: Float32Array, scale: Array, bias: Array, mean: Array, var: Array, epsilon: float) -> Array:
    # onnxruntime folds the four vectors into one factor and one term first; the rounding of both steps matters.
    factor = scale / np.sqrt(var + F32(epsilon))
    return x * factor + (bias - mean * factor)


def _elu(x: Float32Array, alpha: float) -> Array:
    return np.where(x >= 0, x, F32(alpha) * np.expm1(np.minimum(x, F32(0))))


def _selu(x: Float32Array, alpha: float, gamma: float) -> Array:
    negative = F32(alpha) * np.exp(np.minimum(x, F32(0))) - F32(alpha)
    return F32(gamma) * np.where(x > 0, x, negative)


def _celu(x: Float32Array, alpha: float) -> Array:
    a = F32(alpha)
    return np.maximum(F32(0), x) + np.minimum(F32(0), a * np.expm1(x / a))


def _hard_sigmoid(x: Float32Array, alpha: float, beta: float) -> Array:
    return np.clip(F32(alpha) * x + F32(beta), F32(0), F32(1))


def _gelu(x: Float32Array, tanh: float) -> Array:
    wide = x.astype(np.float64)
    if tanh:
        return 0.5 * wide * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (wide + 0.044715 * wide**3)))
    return 0.5 * wide * (1.0 + _erf(wide / math.sqrt(2.0)))


def _pow(x: Float32Array, exponent: Array) -> Array:
    if exponent.size == 1 and exponent.ravel()[0] == 2:
        return x * x
    return np.power(x, exponent)


_UP, _DOWN, _UNKNOWN = Direction.INCREASING, Direction.DECREASING, Direction.UNKNOWN

# name: (function of x, constants, attributes; direction where it does not depend on the constants)
FUNCTIONS: dict[str, tuple[Callable[..., Array], Direction | None]] = {
    "Abs": (np.abs, _UNKNOWN),
    "Add": (np.add, _UP),
    "BatchNormalization": (_batch_normalization, None),
    "Ceil": (np.ceil, _UP),
    "Celu": (_celu, _UP),
    "Clip": (lambda x, low, high: np.minimum(np.maximum(x, low), high), _UP),
    "Div": (np.divide, None),
    "Elu": (_elu, None),
    "Erf": (_erf, _UP),
    "Exp": (np.exp, _UP),
    "Floor": (np.floor, _UP),
    "Gelu": (_gelu, _UNKNOWN),
    "HardSigmoid": (_hard_sigmoid, None),
    "HardSwish": (lambda x: x * _hard_sigmoid(x, 1.0 / 6.0, 0.5), _UNKNOWN),
    "LeakyRelu": (lambda x, alpha: np.where(x >= 0, x, x * F32(alpha)), None),
    "Log": (np.log, _UP),
    "Max": (np.maximum, _UP),
    "Min": (np.minimum, _UP),
    "Mish": (lambda x: x * np.tanh(np.log1p(np.exp(x))), _UNKNOWN),
    "Mul": (np.multiply, None),
    "Neg": (np.negative, _DOWN),
    "PRelu": (lambda x, slope: np.where(x < 0, x * slope, x), None),
    "Pow": (_pow, _UNKNOWN),
    "Reciprocal": (lambda x: F32(1) / x, _UNKNOWN),
    "Relu": (lambda x: np.maximum(x, F32(0)), _UP),
    "ReverseDiv": (lambda x, a: a / x, _UNKNOWN),
    "ReverseSub": (lambda x, a: a - x, _DOWN),
    "Round": (np.rint, _UP),
    "Selu": (_selu, None),
    "Sigmoid": (_sigmoid, _UP),
    "Softplus": (lambda x: np.logaddexp(x.astype(np.float64), 0.0), _UP),
    "Softsign": (lambda x: x / (F32(1) + np.abs(x)), _UP),
    "Sqrt": (np.sqrt, _UP),
    "Sub": (np.subtract, _UP),
    "Swish": (lambda x, alpha: x * _sigmoid(F32(alpha) * x), _UNKNOWN),
    "Tanh": (lambda x: np.tanh(x.astype(np.float64)), _UP),
    "ThresholdedRelu": (lambda x, alpha: np.where(x > F32(alpha), x, F32(0)), None),
}


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
            return np.asarray(FUNCTIONS[self.function][0](*inputs, *self.parameters)).astype(np.float32)

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

    def affine(self, *operands: Array) -> tuple[Array, Array] | None:
        """Exact float64 (factor, term) of x -> factor * x + term where the function is affine, else None."""
        wide = [np.asarray(operand, np.float64) for operand in operands]
        match self.function:
            case "Add":
                return np.float64(1), wide[0]
            case "Sub":
                return np.float64(1), -wide[0]
            case "ReverseSub":
                return np.float64(-1), wide[0]
            case "Mul":
                return wide[0], np.float64(0)
            case "Div":
                return 1.0 / wide[0], np.float64(0)
            case "Neg":
                return np.float64(-1), np.float64(0)
            case "BatchNormalization":
                factor = wide[0] / np.sqrt(wide[3] + self.parameters[0])
                return factor, wide[1] - wide[2] * factor
            case _:
                return None
