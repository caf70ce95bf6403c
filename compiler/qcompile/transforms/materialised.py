"""Real tensors as affine in their integers: new integers where a function stands between that is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qcompile.ir.graph import Node
from qcompile.ir.types import IntArray
from qcompile.ops.roles import Lattice
from qcompile.transforms import weights
from qcompile.transforms.deferred import Deferred
from qcompile.transforms.step_function import Identity, derive
from qcompile.transforms.walk import RefusedError, Walk, producer_of


def on_lattice(walk: Walk, node: Node, source: Deferred, tensor: str = "") -> Deferred:
    """The real tensor as affine in its integers, without steps; new integers where it is not. It is called `tensor`, the first
    input of the node where that is empty.
    """
    lattice = source.affine()
    if lattice is None:
        return materialised(walk, node, source, tensor)
    return replace(source, lattice=lattice, steps=())


def materialised(walk: Walk, node: Node, source: Deferred, tensor: str = "") -> Deferred:
    """A real tensor that is not affine in its integers (a Relu without a quantiser, say) as new integers on an exact
    lattice; `tensor` as for `on_lattice`.
    """
    tensor = tensor or node.inputs[0]
    codes = walk.integer.range_of(source.q)
    if codes.greatest - codes.least > 1 << 16:
        raise RefusedError(f"its input is not quantised: {producer_of(walk, tensor)} gives real numbers")
    grid = np.arange(codes.least, codes.greatest + 1, dtype=np.int64)[:, None]
    real = np.broadcast_to(source.evaluate(grid), (grid.size, source.channels)).astype(np.float64)
    step = float(np.abs(source.lattice.scale).min())
    for halvings in range(12):
        unit = step / 2**halvings
        if bool(np.all(np.abs(np.rint(real / unit) * unit - real) <= weights.FLOAT32_NOISE * np.abs(real))):
            break
    else:
        raise RefusedError(
            f"its input is not quantised: {producer_of(walk, tensor)} gives real numbers off any integer grid"
        )

    def function(points: IntArray) -> IntArray:
        result: IntArray = np.rint(source.evaluate(points) / unit).astype(np.int64)
        return result

    form = derive(function, codes, source.channels, source.trend())
    if isinstance(form, str):
        raise RefusedError(form)
    if isinstance(form, Identity):
        return replace(source, lattice=Lattice.of([unit], [form.added]), steps=())
    q = walk.integer.step(f"{node.name}_integers", source.q, form, node.origin)
    return replace(source, q=q, lattice=Lattice.of([unit]), steps=(), anchor=tensor)
