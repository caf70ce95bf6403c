"""Random quantisers, on activations and on weights."""

from __future__ import annotations

import numpy as np

from qcompile.ir.types import Array
from tests.support.random_draft import Draft

ROUNDING = ("ROUND", "ROUND", "ROUND", "FLOOR", "CEIL", "HALF_UP", "HALF_DOWN", "UP", "DOWN", "floor", "half_even")
RATIOS = (1, 1, 2, 4)
"""Scales of channels in units of the least one."""


def quantise(d: Draft, linear_next: bool = True, most_bits: int = 8) -> None:
    """The current tensor behind a quantiser of any kind; `linear_next` says that a matrix product may read it."""
    kind = d.integer(0, 99)
    if kind < 66:
        _quant(d, linear_next, most_bits)
    elif kind < 76:
        _bipolar(d)
    elif kind < 90 and d.ranked:
        _multi_threshold(d, linear_next)
    elif kind < 94 and d.opset >= 9:
        d.apply("Sign")
        d.spread = 1.0
    else:
        _quant(d, linear_next, most_bits)
        if d.chance(0.5):
            _quant(d, linear_next, most_bits)
        else:
            _trunc(d)


def _activation_scale(d: Draft, about: float, linear_next: bool) -> Array:
    """A scalar, or one scale a channel whose ratios are integers (else no integer product could take it)."""
    base = d.scale(about, strict=linear_next) * (-1 if d.chance(0.06) else 1)
    if d.chance(0.75):
        return np.asarray(base, np.float32).reshape(d.pick([(), (1,), (1, 1)]))
    channels = d.shape[-1]
    ratios = d.rng.choice(RATIOS, channels) * np.where(d.rng.random(channels) < 0.1, -1, 1)
    return (np.float32(base) * ratios).astype(np.float32).reshape((1,) * (len(d.shape) - 1) + (channels,))


def _quant(d: Draft, linear_next: bool, most_bits: int) -> None:
    bits = d.integer(1, most_bits)
    signed = d.chance(0.5)
    narrow = bits > 1 and d.chance(0.3)
    rounding = d.pick(ROUNDING)
    levels = 2.0 ** (bits - signed) if bits > 1 else 1.0
    scale = _activation_scale(d, d.spread * 2.0 / levels, linear_next)
    zero_point: float | Array = 0.0
    if d.chance(0.2):
        zero_point = float(d.integer(-int(levels), int(levels))) + d.pick([0.0, 0.0, 0.5, 0.25])
    width: object = float(bits)
    if d.chance(0.2):
        width = d.pick([np.int8(bits), np.int32(bits)])
    elif d.chance(0.1):
        half = d.builder.constant(bits / 2)
        width = d.builder.node("Add", [half, half])
    attributes = {"signed": int(signed), "narrow": int(narrow), "rounding_mode": rounding}
    bits_input = np.asarray(width) if isinstance(width, np.generic) else width
    d.x = d.builder.quant(d.x, scale, zero_point, bits_input, **attributes)
    d.spread = float(np.abs(scale).mean()) * levels * 0.6


def _bipolar(d: Draft) -> None:
    scale = d.scale(1.0, strict=True)
    d.x = d.builder.node("BipolarQuant", [d.x, d.builder.constant(scale)], domain=d.builder.qonnx_domain)
    d.spread = scale


def _trunc(d: Draft) -> None:
    """Trunc behind a quantiser that was just drawn: version 1 or 2. Its scale must be about that quantiser's."""
    source = d.builder.nodes[-1]
    constants = {t.name: t for t in d.builder.initialisers}
    if source.op_type != "Quant" or source.input[1] not in constants:
        return
    dropped = d.integer(0, 3)
    operands = [d.x, source.input[1], source.input[2], d.builder.constant(8.0)]
    if d.chance(0.5):
        operands.append(d.builder.constant(8.0 - dropped))
    else:
        from onnx import numpy_helper

        scale = numpy_helper.to_array(constants[source.input[1]])
        operands += [d.builder.constant(scale * np.float32(2.0**dropped)), d.builder.constant(float(d.integer(2, 6)))]
    attributes = {"rounding_mode": d.pick(ROUNDING)} if d.chance(0.7) else {}
    if len(operands) == 6:
        attributes |= {"signed": d.integer(0, 1), "narrow": d.integer(0, 1)}
    d.x = d.builder.node("Trunc", operands, attributes, domain=d.builder.qonnx_domain)


def _multi_threshold(d: Draft, linear_next: bool) -> None:
    """Thresholds for each channel or for all, not sorted, with a scale and a bias of either sign."""
    channels = d.shape[-1] if len(d.shape) == 2 and d.chance(0.7) else 1
    count = d.pick([1, 2, 3, 7, 15])
    table = d.numbers(channels * count, d.spread).reshape(channels, count)
    scale = d.scale(1.0, strict=linear_next) * (-1 if d.chance(0.1) else 1)
    bias = d.pick([0.0, -0.5 * scale, -float(count // 2) * scale, -1.0 * scale * count])
    if d.chance(0.1):
        bias = float(d.numbers(1, 1.0, strict=linear_next)[0])
    attributes: dict[str, object] = {}
    if scale != 1.0 or d.chance(0.5):
        attributes["out_scale"] = scale
    if bias or d.chance(0.5):
        attributes["out_bias"] = bias
    if len(d.shape) == 2 and d.chance(0.5):
        attributes["data_layout"] = "NC"
    elif len(d.shape) == 3:
        attributes["data_layout"] = "NWC"
    d.x = d.builder.node("MultiThreshold", [d.x, d.builder.constant(table)], attributes, domain=d.builder.qonnx_domain)
    d.spread = abs(scale) * max(1.0, count / 2)


def weights(d: Draft, rows: int, columns: int, outputs_first: bool = False) -> tuple[str, float]:
    """A quantised matrix (rows, columns), or (columns, rows) with `outputs_first`; and about how large its numbers are."""
    kind = d.integer(0, 9)
    real = d.rng.normal(size=(columns, rows) if outputs_first else (rows, columns))
    if kind == 0:
        scale = d.scale(0.5, strict=True)
        b = d.builder
        return b.node("BipolarQuant", [b.constant(real), b.constant(scale)], domain=b.qonnx_domain), scale
    if kind == 1:
        return d.builder.constant(np.clip(np.rint(real * 2), -4, 3)), 2.0
    bits = d.integer(1, 8)
    signed = bits == 1 or d.chance(0.85)
    levels = 2.0 ** (bits - signed) if bits > 1 else 1.0
    scale = _weight_scale(d, 1.5 / levels, rows, columns)
    zero_point = float(d.integer(-2, 2)) if d.chance(0.15) else 0.0
    attributes = {"signed": int(signed), "narrow": int(bits > 1 and d.chance(0.6)), "rounding_mode": d.pick(ROUNDING)}
    if outputs_first:
        scale = scale.T
    transposed = d.chance(0.5)
    if transposed:
        real, scale = real.T, scale.T
    name = d.builder.quant(d.builder.constant(real), scale, zero_point, float(bits), **attributes)
    if transposed:
        name = d.builder.node("Transpose", [name], {"perm": [1, 0]} if d.chance(0.5) else {})
    return name, float(np.abs(scale).mean()) * levels * 0.6


def _weight_scale(d: Draft, about: float, rows: int, columns: int) -> Array:
    """Scalar, one for each output, or (in integer ratios) one for each input."""
    kind = d.integer(0, 9)
    if kind < 4:
        return np.asarray(d.scale(about, strict=True), np.float32)
    if kind < 9:
        return np.asarray([[d.scale(about, strict=True) for _ in range(columns)]], np.float32)
    return (np.float32(d.scale(about, strict=True)) * d.rng.choice(RATIOS, (rows, 1))).astype(np.float32)
