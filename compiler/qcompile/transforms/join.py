"""Joins of two computed tensors on a common integer scale."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from qcompile.ir.graph import Node
from qcompile.ir.types import FloatArray
from qcompile.ops import TensorAdd
from qcompile.ops.roles import Lattice
from qcompile.transforms.deferred import Deferred
from qcompile.transforms.layouts import same_order
from qcompile.transforms.linear import on_lattice
from qcompile.transforms.walk import RefusedError, Walk, tap_of

LARGEST_FACTOR = 1 << 12
"""What a common scale may cost: factors of the integers beyond 12 bits are refused."""


def tensor_add(walk: Walk, node: Node, op: TensorAdd, first: Deferred) -> Deferred:
    """Both tensors in units of a common scale, where the ratio of theirs is exact."""
    second = walk.known[node.inputs[1]]
    if not isinstance(second, Deferred):
        raise RefusedError("it joins a tensor of the accelerator with one that only the host computes")
    operands = [on_lattice(walk, node, source) for source in (first, second)]
    a, b = operands
    if not same_order(a.index, b.index):
        raise RefusedError("its two inputs travel in different orders: a transposition in hardware would be needed")
    factors, unit = _common_scale(a.lattice.scale, b.lattice.scale)
    q = walk.integer.reshape(b.q, a.q_shape, node.origin)
    factors = (factors[0] * op.factors[0], factors[1] * op.factors[1])
    output = walk.integer.add(node.name, (a.q, q), factors, node.origin)
    lattice = Lattice.of(
        unit,
        a.lattice.shift * factors[0] + b.lattice.shift * factors[1],
        a.lattice.offset * op.factors[0] + b.lattice.offset * op.factors[1],
    )
    deferred = replace(a, q=output, lattice=lattice, anchor=node.output)
    walk.taps.append(tap_of(node, deferred))
    return deferred


def _common_scale(a: FloatArray, b: FloatArray) -> tuple[tuple[int, int], FloatArray]:
    """Factors (m, n) and the unit of each channel with a = m * unit and b = n * unit exactly."""
    wide_a, wide_b = np.broadcast_arrays(np.atleast_1d(a), np.atleast_1d(b))
    ratios = {Fraction(float(x)) / Fraction(float(y)) for x, y in zip(wide_a, wide_b, strict=True)}
    if len(ratios) > 1:
        raise RefusedError("the ratio of its inputs' scales differs between channels")
    ratio = ratios.pop()
    if max(abs(ratio.numerator), ratio.denominator) > LARGEST_FACTOR:
        raise RefusedError(
            f"the scales of its inputs, {float(wide_a[0]):g} and {float(wide_b[0]):g}, are no small integer multiples "
            "of a common one; share one quantiser between them"
        )
    return (ratio.numerator, ratio.denominator), wide_b / ratio.denominator
