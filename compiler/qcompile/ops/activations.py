"""Activation functions in float32, as onnxruntime's CPU kernels compute them.

Sigmoid, Tanh and what is built on them are equal to onnxruntime bit for bit where its kernels use fused multiply-add
(x86-64 with FMA3, AArch64): they are quotients of polynomials, not correctly rounded, and Tanh even exceeds 1 by one
bit. The exponential, the logarithm and the error function differ by the last bits: there the result of onnxruntime
depends on the place of an element within the tensor.
"""

from __future__ import annotations

import math

import numpy as np

from qcompile.ops.roles import Float32Array

F32 = np.float32
SELU_ALPHA, SELU_GAMMA = 1.67326319217681884765625, 1.05070102214813232421875

# Numerator (times x) and denominator as polynomials of x squared, highest power first.
SIGMOID_LIMIT = 18.0
SIGMOID_NUMERATOR = (
    4.37031012579801e-11,
    1.15627324459942e-07,
    6.08574864600143e-05,
    8.51377133304701e-03,
    2.48287947061529e-01,
)
SIGMOID_DENOMINATOR = (
    6.10247389755681e-13,
    5.76102136993427e-09,
    6.29106785017040e-06,
    1.70198817374094e-03,
    1.16817656904453e-01,
    9.93151921023180e-01,
)
TANH_LIMIT = 9.0
TANH_NUMERATOR = (
    -2.76076847742355e-16,
    2.00018790482477e-13,
    -8.60467152213735e-11,
    5.12229709037114e-08,
    1.48572235717979e-05,
    6.37261928875436e-04,
    4.89352455891786e-03,
)
TANH_DENOMINATOR = (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)
GELU_LINEAR = F32(math.sqrt(2.0 / math.pi))
GELU_CUBIC = F32(math.sqrt(2.0 / math.pi) * 0.044715)

_erf = np.vectorize(math.erf, otypes=[np.float64])


def _polynomial(x: Float32Array, coefficients: tuple[float, ...]) -> Float32Array:
    """Horner's rule with one rounding a step: the product is exact in float64."""
    total = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        total = (total.astype(np.float64) * x + F32(coefficient).astype(np.float64)).astype(F32)
    return total


def sigmoid(x: Float32Array) -> Float32Array:
    """1 / (1 + exp(-x))."""
    limited = np.clip(x, F32(-SIGMOID_LIMIT), F32(SIGMOID_LIMIT))
    square = limited * limited
    odd = _polynomial(square, SIGMOID_NUMERATOR) * limited
    result: Float32Array = odd / _polynomial(square, SIGMOID_DENOMINATOR) + F32(0.5)
    return np.clip(result, F32(0), F32(1))


def tanh(x: Float32Array) -> Float32Array:
    """Hyperbolic tangent."""
    limited = np.clip(x, F32(-TANH_LIMIT), F32(TANH_LIMIT))
    square = limited * limited
    return _polynomial(square, TANH_NUMERATOR) * limited / _polynomial(square, TANH_DENOMINATOR)


def exponential(x: Float32Array) -> Float32Array:
    """exp(x), correctly rounded."""
    return np.exp(x.astype(np.float64)).astype(F32)


def logarithm(x: Float32Array) -> Float32Array:
    """log(x), correctly rounded."""
    return np.log(x.astype(np.float64)).astype(F32)


def error_function(x: Float32Array) -> Float32Array:
    """erf(x), correctly rounded."""
    result: Float32Array = _erf(x).astype(F32)
    return result


def _exponential_less_one(x: Float32Array) -> Float32Array:
    """exp(x) - 1 below zero, else 0. Near zero the subtraction cancels, in onnxruntime too."""
    return exponential(np.minimum(x, F32(0))) - F32(1)


def elu(x: Float32Array, alpha: float) -> Float32Array:
    """X above zero, alpha * (exp(x) - 1) below."""
    return np.where(x >= 0, x, F32(alpha) * _exponential_less_one(x))


def selu(x: Float32Array, alpha: float, gamma: float) -> Float32Array:
    """Gamma * elu(x), with the two constants multiplied first."""
    return np.where(x > 0, F32(gamma) * x, F32(gamma) * F32(alpha) * _exponential_less_one(x))


def celu(x: Float32Array, alpha: float) -> Float32Array:
    """max(0, x) + min(0, alpha * (exp(x / alpha) - 1))."""
    a = F32(alpha)
    below: Float32Array = a * (exponential(x / a) - F32(1))
    return np.maximum(F32(0), x) + np.minimum(F32(0), below)


def hard_sigmoid(x: Float32Array, alpha: float, beta: float) -> Float32Array:
    """Alpha * x + beta, clipped to 0..1."""
    line: Float32Array = F32(alpha) * x + F32(beta)
    return np.clip(line, F32(0), F32(1))


def softplus(x: Float32Array) -> Float32Array:
    """log(1 + exp(x))."""
    wide = x.astype(np.float64)
    return (np.maximum(wide, 0) + np.log1p(np.exp(-np.abs(wide)))).astype(F32)


def softsign(x: Float32Array) -> Float32Array:
    """X / (1 + |x|)."""
    return F32(1) / (F32(1) + np.abs(x)) * x


def swish(x: Float32Array, alpha: float) -> Float32Array:
    """X * sigmoid(alpha * x)."""
    return x * sigmoid(F32(alpha) * x)


def gelu(x: Float32Array, approximate: float) -> Float32Array:
    """X / 2 * (1 + erf(x / sqrt 2)), or its approximation by the hyperbolic tangent."""
    half = F32(0.5) * x
    if approximate:
        return half * (F32(1) + tanh(x * (GELU_CUBIC * x * x + GELU_LINEAR)))
    return half * (F32(1) + error_function(x * F32(math.sqrt(0.5))))


def mish(x: Float32Array) -> Float32Array:
    """X * tanh(softplus(x))."""
    return x * tanh(softplus(x))


def power(x: Float32Array, exponent: Float32Array) -> Float32Array:
    """X ** exponent; squares and cubes are products."""
    if exponent.size == 1 and exponent.ravel()[0] in (2, 3):
        return x * x if exponent.ravel()[0] == 2 else x * x * x
    return np.power(x.astype(np.float64), exponent.astype(np.float64)).astype(F32)
