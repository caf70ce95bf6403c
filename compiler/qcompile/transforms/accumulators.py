"""What each accumulator can reach, with the bounds of the literature beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qcompile.ir.errors import Rejection, refuse
from qcompile.ir.graph import Graph
from qcompile.ir.types import IntArray, IntType
from qcompile.ops import CyclicProduct, MatMul


@dataclass(frozen=True, slots=True, eq=False)
class Accumulator:
    """The certificate of one layer.

    `lo` and `hi` are the least and greatest reachable sums of each output channel; `exact_bits` the two's-complement
    width that holds each; `a2q_bits` follows from the l1 norm of a channel's weights (Colbert et al., A2Q, ICCV
    2023), `datatype_bits` from the numbers of bits and of inputs alone.
    """

    layer: str
    value: str
    inputs: int
    input_type: IntType
    weight_type: IntType
    lo: IntArray
    hi: IntArray
    exact_bits: IntArray
    a2q_bits: IntArray
    datatype_bits: int


def signed_bits(lo: IntArray, hi: IntArray) -> IntArray:
    """Two's-complement width of each range [lo, hi]."""
    return np.asarray(
        [IntType.of_range(min(int(a), -1), max(int(b), 0)).bits for a, b in zip(lo, hi, strict=True)], np.int64
    )


def accumulators(graph: Graph) -> tuple[Accumulator, ...]:
    """One certificate for each product with a matrix of an integer graph, in order."""
    found: list[Accumulator] = []
    for node in graph.nodes:
        if not isinstance(node.op, (MatMul, CyclicProduct)):
            continue
        x, weights = graph.values[node.inputs[0]].range, graph.constants[node.inputs[1]]
        reach = graph.values[node.output].range
        assert x is not None
        assert reach is not None
        weight_type = IntType.of_range(int(weights.min()), int(weights.max()))
        inputs = max(node.op.cycle.lengths) if isinstance(node.op, CyclicProduct) else weights.shape[0]
        norm = node.op.norms(weights) if isinstance(node.op, CyclicProduct) else np.abs(weights).sum(axis=0)
        scaled = [int(n) << (x.type.bits - int(x.type.signed)) for n in norm]
        found.append(
            Accumulator(
                layer=node.origin[0] if node.origin else node.name,
                value=node.output,
                inputs=inputs,
                input_type=x.type,
                weight_type=weight_type,
                lo=reach.lo,
                hi=reach.hi,
                exact_bits=signed_bits(reach.lo, reach.hi),
                a2q_bits=np.asarray([1 + bound.bit_length() for bound in scaled], np.int64),
                datatype_bits=datatype_bits(inputs, x.type, weight_type),
            )
        )
    return tuple(found)


def datatype_bits(inputs: int, x: IntType, weight: IntType) -> int:
    """Width that suffices for any weights of a type (formulas.md D): ceil(a + log2(1 + 2**-a) + 1), a = log2 K + N +
    M - 1 - s.
    """
    weight_bits = weight.bits if weight.signed else weight.bits + 1
    exponent = math.log2(inputs) + x.bits + weight_bits - 1 - int(x.signed)
    return math.ceil(exponent + math.log2(1 + 2.0**-exponent) + 1)


def require_bits(found: Sequence[Accumulator], bits: int) -> None:
    """Raises CompilerError with each layer and channel whose sums do not fit `bits`."""
    rejections: list[Rejection] = []
    for accumulator in found:
        over = np.flatnonzero(accumulator.exact_bits > bits)
        if over.size:
            worst = int(over[np.argmax(accumulator.exact_bits[over])])
            shown = ", ".join(str(int(c)) for c in over[:8]) + (", ..." if over.size > 8 else "")
            reach = f"{int(accumulator.lo[worst])} to {int(accumulator.hi[worst])}"
            reason = (
                f"{over.size} of {accumulator.lo.size} channels need more ({shown}); channel {worst} reaches {reach}: "
                f"{int(accumulator.exact_bits[worst])} bits"
            )
            rejections.append(Rejection(reason, f"layer {accumulator.layer}"))
    if rejections:
        hint = "train with A2Q for that width, or allow wider accumulators"
        raise refuse(f"not every accumulator fits {bits} bits", rejections, hint)
