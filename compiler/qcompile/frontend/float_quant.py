"""QONNX FloatQuant where its format is one of integers: every number that it can give lies on one grid."""

from __future__ import annotations

import numpy as np
from onnx import helper

from qcompile.frontend.dialect import UnsupportedError
from qcompile.frontend.rewriter import Rewriter


def as_integers(r: Rewriter) -> None:
    """FloatQuant(x, scale, exponent bits, mantissa bits, exponent bias, greatest number) as a Quant.

    Steps are 2**(1 - bias - mantissa) up to 2**(2 - bias) and grow beyond; where the format saturates before that, it is
    uniform.
    """
    if not r.attribute("saturation", 1):
        raise UnsupportedError("FloatQuant that does not saturate")
    names = ("number of exponent bits", "number of mantissa bits", "exponent bias", "greatest number")
    exponent, mantissa, bias, stated = (_number(r, 2 + k, name) for k, name in enumerate(names))
    step = 2.0 ** (1 - bias - mantissa)
    greatest = min((2 - 2.0**-mantissa) * 2.0 ** (2.0**exponent - 1 - bias), stated) / step
    signed = bool(r.attribute("signed", 1))
    bits = int(greatest + 1).bit_length() - (0 if signed else 1)
    codes = (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1
    if greatest > 2.0 ** (mantissa + 1) - 1 or greatest != codes or codes < 1:
        raise UnsupportedError(
            f"FloatQuant of {exponent:g} exponent and {mantissa:g} mantissa bits up to {greatest * step:g}: "
            "floating-point codes; only formats whose numbers are integers of some bits times one step are computed"
        )
    scale = r.constant(1, "scale").astype(np.float32) * np.float32(step)
    inputs = [r.input(0), r.number(scale, "scale"), r.number(0, "zero_point"), r.number(bits, "bits")]
    node = helper.make_node("Quant", inputs, [r.output], r.name, domain=r.node.domain)
    node.attribute.extend([helper.make_attribute("signed", int(signed)), helper.make_attribute("narrow", int(signed))])
    node.attribute.extend(a for a in r.node.attribute if a.name == "rounding_mode")
    r.nodes.append(node)


def _number(r: Rewriter, position: int, what: str) -> float:
    array = r.constant(position, what)
    if array.size != 1:
        raise UnsupportedError(f"a {what} for each channel")
    return float(array.ravel()[0])
