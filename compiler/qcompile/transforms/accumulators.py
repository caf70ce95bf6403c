"""What each accumulator can reach, with the bounds of the literature beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from qcompile.ir.errors import Rejection, refuse
from qcompile.ir.graph import Graph, Node
from qcompile.ir.types import IntArray, IntType, Range
from qcompile.ops import ChannelProduct, CyclicProduct, MatMul, MatrixProduct


@dataclass(frozen=True, slots=True, eq=False)
class Accumulator:
    """The certificate of one layer, derived from its weights and the reach of its inputs.

    `lo` and `hi` are the least and greatest reachable sums of each output channel, `partial_lo` and `partial_hi` those of
    what is added up on the way, in any order; `exact_bits` and `partial_bits` the two's-complement widths that hold each.
    `a2q_bits` follows from the l1 norm of a channel's weights (Colbert et al., A2Q, ICCV 2023), `a2q_plus_bits` from
    its positive or its negative weights, whichever are greater (A2Q+, ICML 2024: half of the l1 norm where weights are
    zero-centred), `datatype_bits` from the numbers of bits and of inputs alone. `zero_centred` is 1 where the weights of
    a channel add up to zero. `built` is the type of the sums in hardware, None where a later pass made another layer of it.
    """

    layer: str
    value: str
    inputs: int
    input_type: IntType
    weight_type: IntType
    lo: IntArray
    hi: IntArray
    partial_lo: IntArray
    partial_hi: IntArray
    exact_bits: IntArray
    partial_bits: IntArray
    a2q_bits: IntArray
    a2q_plus_bits: IntArray
    zero_centred: IntArray
    datatype_bits: int
    built: IntType | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Terms:
    """What the sums of a layer add up, each array of a number a channel.

    The least and greatest sum of any of the terms, and the sums of the positive and of the negative weights' magnitudes.
    """

    inputs: int
    input_type: IntType
    weight_type: IntType
    lo: IntArray
    hi: IntArray
    positive: IntArray
    negative: IntArray


def accumulators(graph: Graph) -> tuple[Accumulator, ...]:
    """One certificate for each sum of products of an integer graph, in order."""
    found: list[Accumulator] = []
    for node in graph.nodes:
        terms = _terms(graph, node)
        if terms is None:
            continue
        x, reach = terms.input_type, _range(graph, node.output)
        norm, half = terms.positive + terms.negative, np.maximum(terms.positive, terms.negative)
        partial_lo, partial_hi = np.minimum(terms.lo, reach.lo), np.maximum(terms.hi, reach.hi)
        found.append(
            Accumulator(
                layer=node.origin[0] if node.origin else node.name,
                value=node.output,
                inputs=terms.inputs,
                input_type=x,
                weight_type=terms.weight_type,
                lo=reach.lo,
                hi=reach.hi,
                partial_lo=partial_lo,
                partial_hi=partial_hi,
                exact_bits=signed_bits(reach.lo, reach.hi),
                partial_bits=signed_bits(partial_lo, partial_hi),
                a2q_bits=a2q_bits(norm, x),
                a2q_plus_bits=a2q_plus_bits(2 * half, x),
                zero_centred=(terms.positive == terms.negative).astype(np.int64),
                datatype_bits=datatype_bits(terms.inputs, x, terms.weight_type),
            )
        )
    return tuple(found)


def as_built(found: Sequence[Accumulator], hardware: Graph) -> tuple[Accumulator, ...]:
    """The same with the types that their sums have in the graph that becomes hardware."""
    return tuple(
        replace(a, built=_range(hardware, a.value).type) if a.value in hardware.values else a for a in found
    )


def signed_bits(lo: IntArray, hi: IntArray) -> IntArray:
    """Two's-complement width of each range [lo, hi]."""
    return np.asarray(
        [IntType.of_range(min(int(a), -1), max(int(b), 0)).bits for a, b in zip(lo, hi, strict=True)], np.int64
    )


def a2q_bits(norm: IntArray, x: IntType) -> IntArray:
    """Width for weights of these l1 norms (formulas.md D1): norm <= (2**(P-1) - 1) * 2**(s-N)."""
    return np.asarray([1 + (int(n) << (x.bits - int(x.signed))).bit_length() for n in norm], np.int64)


def a2q_plus_bits(norm: IntArray, x: IntType) -> IntArray:
    """Width for zero-centred weights of these l1 norms (formulas.md D2): norm * (2**N - 1) <= 2**P - 2."""
    return np.asarray([(int(n) * ((1 << x.bits) - 1) + 1).bit_length() for n in norm], np.int64)


def datatype_bits(inputs: int, x: IntType, weight: IntType) -> int:
    """Width that suffices for any weights of a type (formulas.md D): ceil(a + log2(1 + 2**-a) + 1), a = log2 K + N +
    M - 1 - s.
    """
    weight_bits = weight.bits if weight.signed else weight.bits + 1
    exponent = math.log2(inputs) + x.bits + weight_bits - 1 - int(x.signed)
    return math.ceil(exponent + math.log2(1 + 2.0**-exponent) + 1)


def require_bits(found: Sequence[Accumulator], bits: int, wrap: bool = False) -> None:
    """Raises CompilerError with each layer and channel whose sums do not fit `bits`.

    With `wrap` only final sums have to fit: what is added up on the way is right modulo 2**bits.
    """
    rejections: list[Rejection] = []
    wraps = False
    for accumulator in found:
        needed = accumulator.exact_bits if wrap else accumulator.partial_bits
        over = np.flatnonzero(needed > bits)
        if not over.size:
            continue
        wraps |= not wrap and bool(np.all(accumulator.exact_bits <= bits))
        worst = int(over[np.argmax(needed[over])])
        shown = ", ".join(str(int(c)) for c in over[:8]) + (", ..." if over.size > 8 else "")
        reason = (
            f"{over.size} of {needed.size} channels need more ({shown}); channel {worst} reaches "
            f"{int(accumulator.lo[worst])} to {int(accumulator.hi[worst])}: {int(accumulator.exact_bits[worst])} bits"
        )
        if needed[worst] > accumulator.exact_bits[worst]:
            reach = f"{int(accumulator.partial_lo[worst])} to {int(accumulator.partial_hi[worst])}"
            reason += f", and on the way {reach}: {int(needed[worst])} bits"
        rejections.append(Rejection(f"{reason}, {int(needed[worst]) - bits} too many", f"layer {accumulator.layer}"))
    if rejections:
        hint = "train with A2Q for that width, or allow wider accumulators"
        if wraps:
            hint = "--wrap builds layers whose final sums fit; " + hint
        raise refuse(f"not every accumulator fits {bits} bits", rejections, hint)


def _range(graph: Graph, name: str) -> Range:
    known = graph.values[name].range
    assert known is not None, f"{name} is not an integer value"
    return known


def _terms(graph: Graph, node: Node) -> _Terms | None:
    """What a node adds up, None where it multiplies nothing."""
    if isinstance(node.op, MatrixProduct):
        return _terms_of_tensors(graph, node, node.op)
    if not isinstance(node.op, (MatMul, ChannelProduct, CyclicProduct)):
        return None
    weights, x = graph.constants[node.inputs[1]].astype(np.int64), _range(graph, node.inputs[0])
    element = IntType.of_range(int(weights.min()), int(weights.max()))
    if isinstance(node.op, CyclicProduct):
        cycle = node.op.cycle
        matrices = np.split(weights, cycle.begins[1:-1], axis=1)
        ranges = node.op.matrix_ranges(x)
        each = [_sums(m.T, r.lo[:, None], r.hi[:, None]) for m, r in zip(matrices, ranges, strict=True)]
        vectors = np.stack(each)[cycle.order()]  # (vectors, 4, rows), of which each channel has some
        sums = np.moveaxis(vectors, 1, 0).reshape(4, -1, node.op.shape[-1])
        lo, (hi, positive, negative) = sums[0].min(axis=0), sums[1:].max(axis=1)
        return _Terms(max(cycle.lengths), x.type, element, lo, hi, positive, negative)
    if isinstance(node.op, ChannelProduct):
        inputs = x.per_channel(weights.size)
        low, high = inputs.lo.reshape(weights.shape), inputs.hi.reshape(weights.shape)
    else:
        inputs = x.per_channel(weights.shape[0])
        low, high = inputs.lo[:, None], inputs.hi[:, None]
    lo, hi, positive, negative = _sums(weights, low, high)
    if len(node.inputs) > 2:
        bias = graph.constants[node.inputs[2]]
        lo, hi = bias + lo, bias + hi
    return _Terms(weights.shape[0], x.type, element, lo, hi, positive, negative)


def _sums(weights: IntArray, low: IntArray, high: IntArray) -> IntArray:
    """(4, M) for weights (K, M): the least and the greatest sum of any of the terms, then of positive and negative weights.
    """
    ends = weights * low, weights * high
    least, greatest = np.minimum(*ends).clip(max=0), np.maximum(*ends).clip(min=0)
    return np.stack([part.sum(axis=0) for part in (least, greatest, weights.clip(min=0), (-weights).clip(min=0))])


def _terms_of_tensors(graph: Graph, node: Node, op: MatrixProduct) -> _Terms:
    """One number for all sums; the second tensor counts as weights of the greatest magnitudes it reaches."""
    (a_lo, a_hi), (b_lo, b_hi) = (
        sorted((_range(graph, name).least * factor + term, _range(graph, name).greatest * factor + term))
        for name, factor, term in zip(node.inputs, op.factors, op.terms_added, strict=True)
    )
    inner = graph.values[node.inputs[0]].shape[-1]
    corners = [a * b for a in (a_lo, a_hi) for b in (b_lo, b_hi)]
    numbers = min(0, *corners), max(0, *corners), max(0, b_hi), max(0, -b_lo)
    lo, hi, positive, negative = (np.asarray([inner * number], np.int64) for number in numbers)
    return _Terms(inner, IntType.of_range(a_lo, a_hi), IntType.of_range(b_lo, b_hi), lo, hi, positive, negative)
