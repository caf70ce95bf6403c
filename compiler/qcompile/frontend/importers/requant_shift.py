"""RequantShift, as integer networks for PULP processors have it (DORY, Deeploy)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qcompile.frontend.builder import Builder
from qcompile.frontend.dialect import OnnxNode, UnsupportedError, requant_limits
from qcompile.ir.types import IntArray
from qcompile.ops import RequantShift

Importer = Callable[[Builder, OnnxNode], None]

LARGEST_TERM = 1 << 40
"""Factors and terms up to this size leave 64 bits room for sums."""


def _requant_shift(builder: Builder, node: OnnxNode) -> None:
    """Inputs: the tensor, a factor and a term, for the tensor or for each channel."""
    shift, lo, hi = requant_limits(node)
    factor, term = (_integers(builder, name, what) for name, what in zip(node.inputs[1:], ("mul", "add"), strict=True))
    builder.add(node, RequantShift(shift, lo, hi), node.inputs[0], factor, term)


def _integers(builder: Builder, name: str, what: str) -> IntArray:
    real = builder.array(name, what)
    numbers = np.asarray(real, np.float64)
    if not bool(np.all(numbers == np.rint(numbers)) and np.all(np.abs(numbers) < LARGEST_TERM)):
        raise UnsupportedError(f"{what} of numbers that are no integers below 2^40")
    codes: IntArray = numbers.astype(np.int64)
    return codes.reshape(()) if codes.size == 1 else codes


IMPORTERS: dict[str, Importer] = {"RequantShift": _requant_shift}
