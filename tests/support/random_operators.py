"""Random elementwise operators between a matrix product and a quantiser, and what stands at the end of a network."""

from __future__ import annotations

import numpy as np

from qcompile.ir.types import Array
from tests.support.random_draft import Draft

# Operators of which numpy and onnxruntime give the same bits: name, first operator set, attributes to draw from.
EXACT: tuple[tuple[str, int, tuple[dict[str, object], ...]], ...] = (
    ("Relu", 7, ({},)),
    ("Relu", 7, ({},)),
    ("Relu", 7, ({},)),
    ("LeakyRelu", 7, ({}, {"alpha": 0.25}, {"alpha": -0.5})),
    ("HardSigmoid", 7, ({}, {"alpha": 0.25, "beta": 0.5})),
    ("HardSwish", 14, ({},)),
    ("Abs", 7, ({},)),
    ("Neg", 7, ({},)),
    ("ThresholdedRelu", 10, ({}, {"alpha": 0.5})),
    ("Floor", 7, ({},)),
    ("Ceil", 7, ({},)),
    ("Round", 11, ({},)),
)
# Operators that differ in the last bits, or are not monotone there.
APPROXIMATE: tuple[tuple[str, int, tuple[dict[str, object], ...]], ...] = (
    ("Sigmoid", 7, ({},)),
    ("Tanh", 7, ({},)),
    ("Softsign", 7, ({},)),
    ("Elu", 7, ({}, {"alpha": 0.5})),
    ("Selu", 7, ({}, {"alpha": 1.5, "gamma": 1.1})),
    ("Celu", 12, ({}, {"alpha": 2.0})),
    ("Softplus", 7, ({},)),
    ("Exp", 7, ({},)),
    ("Erf", 9, ({},)),
    ("Gelu", 20, ({}, {"approximate": "tanh"})),
    ("Mish", 18, ({},)),
)
BOUNDED = {"Sigmoid": 0.5, "HardSigmoid": 0.5, "Tanh": 1.0, "Softsign": 1.0, "Erf": 1.0}


def activation(d: Draft) -> None:
    """One activation function on the current tensor."""
    kind = d.integer(0, 9)
    if kind == 0:
        _clip(d)
    elif kind == 1:
        slope = np.abs(d.operand(0.25)) if d.chance(0.8) else d.operand(0.25)
        d.apply("PRelu", [slope])
    elif kind == 2:
        d.apply(d.pick(["Min", "Max"]), [d.operand(d.spread)], swap=d.chance(0.5)) if d.opset >= 8 else _clip(d)
    elif kind == 3 and d.chance(0.3):
        _normalise(d)
        if d.chance(0.5):
            d.apply("Pow", [2.0])
        else:
            d.apply("Div", [np.float32(0.5 if d.chance(0.5) else -0.7)], swap=True)
    else:
        table = EXACT if d.exact or d.chance(0.7) else APPROXIMATE
        name, _, choices = d.pick([row for row in table if row[1] <= d.opset])
        attributes = d.pick(choices)
        if name == "Exp":
            _normalise(d)
        d.apply(name, attributes=attributes)
        d.spread = min(d.spread, BOUNDED.get(name, d.spread))


def _normalise(d: Draft) -> None:
    d.apply("Mul", [d.scale(1.0 / max(d.spread, 1e-3))])
    d.spread = 1.0


def _clip(d: Draft) -> None:
    """HardTanh and its kin; the bounds were attributes before operator set 11."""
    low, high = sorted(float(v) for v in d.numbers(2, d.spread))
    if d.opset < 11:
        attributes: dict[str, object] = {"min": low, "max": high}
        if d.chance(0.3):
            del attributes[d.pick(["min", "max"])]
        d.apply("Clip", attributes=attributes)
    else:
        bounds = [low, high] if d.chance(0.7) else d.pick([["", high], [low]])
        d.apply("Clip", bounds)


def affine(d: Draft, strict: bool = False) -> None:
    """One of Mul, Add, Sub, Div, Neg, BatchNormalization; with `strict` of a kind that keeps sums exact, scales uniform."""
    kind = d.integer(0, 9)
    if kind < 4 and not strict:
        _batch_normalization(d)
    elif kind < 6:
        d.apply("Mul", [_factors(d, strict)], swap=d.chance(0.5))
    elif kind == 6:
        d.apply("Div", [_factors(d, strict)])
    elif kind == 7:
        d.apply("Sub", [d.operand(d.spread, strict)], swap=d.chance(0.4))
    elif kind == 8 or strict:
        d.apply("Add", [d.operand(d.spread, strict)], swap=d.chance(0.5))
    else:
        d.apply("Neg")


def _factors(d: Draft, strict: bool) -> Array:
    return np.asarray(d.scale(1.0, strict), np.float32) if strict else d.factors()


def _batch_normalization(d: Draft) -> None:
    """Gammas of both signs, some of them zero; the variance may be that of a dead channel."""
    if len(d.shape) == 4:
        return
    channels = d.shape[1]
    gamma = d.numbers(channels, 1.0)
    gamma[d.rng.random(channels) < 0.1] = 0
    if d.dyadic:
        deviation, epsilon = np.full(channels, d.power(d.spread)), 0.0
    else:
        deviation, epsilon = d.spread * np.exp(d.rng.uniform(-0.3, 0.3, channels)), float(d.pick([1e-5, 1e-3]))
    variance = (deviation**2).astype(np.float32)
    if epsilon and d.chance(0.1):
        variance[d.integer(0, channels - 1)] = 5.6e-45
    mean = d.numbers(channels, d.spread * 0.3)
    d.apply("BatchNormalization", [gamma, d.numbers(channels, 0.5), mean, variance], {"epsilon": epsilon})
    d.spread = 1.0


def layout(d: Draft) -> None:
    """Operators that compute nothing; the shape is the same behind them."""
    kind = d.integer(0, 4)
    if kind == 0:
        d.apply("Identity")
    elif kind == 1:
        d.apply("Dropout", attributes={"ratio": 0.3} if d.opset < 12 else {})
    elif kind == 2:
        d.apply("Reshape", [d.builder.constant([0, -1] if len(d.shape) == 2 else [0, 0, -1], np.int64)])
    elif kind == 3:
        axes = [len(d.shape)]
        for operator in ("Unsqueeze", "Squeeze"):
            if d.opset < 13:
                d.apply(operator, attributes={"axes": axes})
            else:
                d.apply(operator, [d.builder.constant(axes, np.int64)])
    else:
        reverse = list(reversed(range(len(d.shape))))
        d.apply("Transpose", attributes={"perm": reverse})
        d.apply("Transpose", attributes={"perm": reverse} if d.chance(0.5) else {})


def tail(d: Draft) -> list[str]:
    """What a classifier ends with; returns the names of the outputs."""
    kind = d.integer(0, 9)
    outputs = [d.x]
    if kind < 2:
        axis = -1 if d.opset >= 11 else len(d.shape) - 1
        d.apply("Softmax", attributes={"axis": axis})
        outputs = [d.x]
    if kind in (1, 2, 3):
        axis = -1 if d.opset >= 11 else len(d.shape) - 1
        attributes: dict[str, object] = {"axis": axis, "keepdims": d.integer(0, 1)}
        if d.opset >= 12 and d.chance(0.3):
            attributes["select_last_index"] = 1
        d.apply("ArgMax", attributes=attributes)
        outputs = [*outputs, d.x] if d.chance(0.3) else [d.x]
    elif kind == 4:
        k = d.integer(1, min(3, d.shape[-1]))
        operands, attributes = [], {"axis": -1 if d.opset >= 11 else len(d.shape) - 1}
        if d.opset < 10:
            attributes["k"] = k
        else:
            operands = [d.builder.constant([k], np.int64)]
        names = [d.x, *operands]
        d.x = d.builder.node("TopK", names, attributes, outputs=2)
        outputs = [f"{d.x}.1"] if d.chance(0.5) else [d.x, f"{d.x}.1"]
    return outputs
