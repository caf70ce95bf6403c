"""What the host computes: operators behind the last product that have no integer form."""

from __future__ import annotations

from qcompile.ir.graph import Node
from qcompile.ops import Convolution, MatMul, MatrixProduct, TransposedConvolution
from qcompile.ops.roles import Quantiser
from qcompile.transforms.deferred import Deferred
from qcompile.transforms.joined import Joined
from qcompile.transforms.walk import ConstantLattice, Known, Tail, Walk

ACCELERATED = (Convolution, MatMul, MatrixProduct, Quantiser, TransposedConvolution)
"""What is never left to the host: where one of these needs integers, their lack is refused."""


def left_to_host(walk: Walk, node: Node) -> Tail | None:
    """The result of a node without an integer form as a number of the host, None where it is not for the host to compute: it is a
    product or a quantiser, or one is behind it.
    """
    readers = walk.graph.consumers()
    waiting, seen = [node], {node.name}
    while waiting:
        current = waiting.pop()
        if isinstance(current.op, ACCELERATED):
            return None
        behind = [reader for reader in readers.get(current.output, []) if reader.name not in seen]
        seen.update(reader.name for reader in behind)
        waiting += behind
    found: list[Deferred] = []
    for name in node.inputs:
        known = walk.known.get(name)
        if known is None or isinstance(known, ConstantLattice):
            continue
        sources = sources_of(known)
        if not sources:
            return None
        found += sources
    return Tail(tuple(found)) if found else None


def sources_of(known: Known) -> tuple[Deferred, ...]:
    """The tensors on integers that a tensor is computed from; none where it does not come from integers."""
    match known:
        case Deferred():
            return (known,)
        case Joined():
            return (known.first, known.second)
        case Tail():
            return known.sources
    return ()
