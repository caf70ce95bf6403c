"""Weights that plain operators quantise: rounded or stored as integers, then multiplied by a scale."""

from __future__ import annotations

import numpy as np

from qcompile.frontend.builder import Builder, QuantisedConstant
from qcompile.frontend.dialect import OnnxNode
from qcompile.ir.types import Array
from qcompile.ops.roles import Lattice

ROUNDING = frozenset({"Ceil", "Floor", "Round"})
KEEPING = frozenset({"Add", "Cast", "Clip", "Flatten", "Identity", "Max", "Min", "Neg", "Relu", "Reshape", "Squeeze", "Sub"})
KEEPING |= {"Transpose", "Unsqueeze"}
"""Operators that leave integers integers, or are looked at whether they do."""


def note(builder: Builder, node: OnnxNode) -> None:
    """Notes of a constant that was just computed whether it is integers, or integers times a scale: then it keeps both."""
    (output, *further) = node.outputs
    if further:
        return
    array = builder.constants[output]
    if node.operator in ROUNDING or (node.operator in KEEPING and _rounded(builder, node.input(0)) and _whole(array)):
        builder.rounded.add(output)
    elif node.operator == "Mul" and array.dtype == np.float32:
        for name, other in (node.inputs, reversed(node.inputs)):
            codes, scale = (builder.constants[builder.resolve(x)] for x in (name, other))
            if _rounded(builder, name) and codes.shape == array.shape and _whole(codes) and bool(np.all(scale != 0)):
                _keep(builder, output, codes, scale)
                return


def _keep(builder: Builder, output: str, codes: Array, scale: Array) -> None:
    lattice = (np.broadcast_to(np.asarray(part, np.float64), codes.shape) for part in (scale, 0.0, 0.0))
    constant = QuantisedConstant(codes.astype(np.int64), Lattice(*lattice))
    if np.array_equal(constant.real, builder.constants[output]):
        builder.quantised[output] = constant


def _rounded(builder: Builder, name: str) -> bool:
    """Whether a constant was rounded, or is of a type of integers."""
    name = builder.resolve(name)
    return name in builder.rounded or (name in builder.constants and builder.constants[name].dtype.kind in "iu")


def _whole(array: Array) -> bool:
    return array.dtype.kind in "iuf" and bool(np.all(array == np.rint(array)) and np.all(np.abs(array) < 1 << 31))
