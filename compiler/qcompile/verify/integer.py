"""Rung 0: every quantiser, accumulator and class of the integer graph against the original model.

A difference is a *tie* of the reference only where it is shown that we are right and why the reference is elsewhere:

- at a quantiser, our code is the one that the quantiser gives for the exact integers in front of it, evaluated operator by
  operator in float32; the reference's code is the one it gives for the reference's own input; that input is what the
  same operators make of the reference's own sum; and on the way from our sum to the reference's the code changes
  once.
- at a sum, the reference's number is no further from the exact one than float32 allows for so many terms of such size
  (`Evidence.tolerance`). That is checked everywhere, also where the integers agree. Only where it is more than half a
  unit (sums near 2**24 and above) can integers differ and be a tie.
- at an ArgMax, our index is that of the greatest exact number, the first of equal ones, and the reference's number is closer
  to it than float32 could tell.

Where sums are exact in float32 (scales that are powers of two, below 2**24) the two sums are equal, and nothing of
this can excuse a difference at a quantiser.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qcompile.ir.graph import Graph, Node
from qcompile.ir.network import Network, Tap
from qcompile.ir.types import Array, IntArray
from qcompile.ops import ArgMax, Softmax, TopK
from qcompile.ops.roles import Quantiser
from qcompile.verify.evidence import UNIT_ROUNDOFF, Evidence, in_model_order

STEPS = 33
"""Points between our sum and the reference's at which a quantiser is looked at."""

EQUAL = 2.0**-26
"""Exact numbers closer than this, relative to what went into them, count as equal: constants of float32 are not
finer.
"""

LAST_PLACES = 2.0**-21
"""What a few roundings to float32 may change in an output, relative to it."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Tie:
    """A frame in which the reference's own rounding decided: in `elements` elements of `tensor`, `distance` apart at
    most.
    """

    frame: int
    tensor: str
    elements: int
    distance: float


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first element of a tensor in which a frame differs without a tie to explain it; `note` tells where integers
    agree.
    """

    frame: int
    tensor: str
    element: int
    expected: int
    actual: int
    note: str = ""

    def __str__(self) -> str:
        what = self.note or f"expected {self.expected}, got {self.actual}"
        return f"frame {self.frame}, tensor '{self.tensor}', element {self.element}: {what}"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Outcome over `frames` frames; `compared` counts the integers held against each other.

    A frame has one entry at most: its first mismatch or, where it has none, its first tie.
    """

    frames: int
    compared: int
    mismatches: tuple[Mismatch, ...]
    ties: tuple[Tie, ...]

    @property
    def exact(self) -> int:
        """Frames in which every integer agrees."""
        return self.frames - len(self.mismatches) - len(self.ties)


def compare(
    network: Network, graph: Graph, reference: Mapping[str, Array], values: Mapping[str, IntArray]
) -> Agreement:
    """Compares tapped tensors of the reference with values of the integer graph, frame by frame in the order of the
    model.

    `graph` is the model in real arithmetic, `reference` maps its inputs and ONNX tensors to (frames, *shape),
    `values` integer values to (frames, *shape). What follows from an earlier difference in the same frame is not
    looked at.
    """
    frames = len(next(iter(values.values())))
    taps = {tap.tensor: tap for tap in network.taps}
    everything = Evidence(graph, taps, reference, values)
    upstream = _upstream(graph, set(taps))
    differing: dict[str, Mask] = {}
    mismatches: dict[int, Mismatch] = {}
    ties: dict[int, Tie] = {}
    compared = 0
    for tap in network.taps:
        follows = np.logical_or.reduce([np.zeros(frames, bool), *(differing[name] for name in upstream[tap.tensor])])
        differing[tap.tensor] = follows
        if tap.tensor not in reference or tap.value not in values:
            continue
        found = _compare_tensor(tap, everything)
        compared += found.actual.size
        wrong = found.wrong.any(axis=1)
        differing[tap.tensor] = follows | wrong
        first = np.flatnonzero(wrong & ~follows)
        for verdict in _judge(found.only(first), everything.only(first), first) if first.size else ():
            if isinstance(verdict, Mismatch):
                mismatches.setdefault(verdict.frame, verdict)
            else:
                ties.setdefault(verdict.frame, verdict)
    tied = tuple(tie for frame, tie in sorted(ties.items()) if frame not in mismatches)
    return Agreement(frames, compared, tuple(m for _, m in sorted(mismatches.items())), tied)


def expected_codes(tap: Tap, real: Array, shape: Sequence[int]) -> IntArray:
    """The codes that real numbers (frames, ...) stand for, elements in the order of the model: (frames, elements).

    `shape` is that of the integer value (frames, ..., channels), whose elements they may be several times or not at all.
    """
    flat = np.asarray(real, np.float64).reshape(len(real), -1)
    channels = (np.arange(flat.shape[1]) if tap.index is None else tap.index.ravel()) % shape[-1]
    scale, shift, offset = (part.ravel()[channels % part.size] for part in (tap.scale, tap.shift, tap.offset))
    return np.asarray(np.rint((flat - offset) / scale - shift), np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """One tensor compared, elements in the order of the model: all arrays (frames, elements).

    `beyond` are the elements of a sum that is further from the exact one than float32 allows.
    """

    tap: Tap
    node: Node | None
    expected: IntArray
    actual: IntArray
    beyond: Mask

    @property
    def wrong(self) -> Mask:
        return np.asarray((self.expected != self.actual) | self.beyond)

    def only(self, frames: IntArray) -> _Found:
        """The same of some frames."""
        return _Found(self.tap, self.node, self.expected[frames], self.actual[frames], self.beyond[frames])


def _compare_tensor(tap: Tap, evidence: Evidence) -> _Found:
    codes, real = evidence.values[tap.value], evidence.reference[tap.tensor]
    frames = len(codes)
    node = evidence.producers.get(tap.tensor)
    expected, actual = expected_codes(tap, real, codes.shape), _flat(tap, codes)
    beyond: Mask = np.zeros(actual.shape, bool)
    if _is_sum(node):
        off = np.abs(evidence.ours(tap.tensor)[0].astype(np.float64) - real)
        beyond = (off > evidence.tolerance(tap.tensor)).reshape(frames, -1)
    return _Found(tap, node, expected, actual, beyond)


def _is_sum(node: Node | None) -> bool:
    """Whether a tensor is a sum of products or an affine function of one."""
    return node is not None and not isinstance(node.op, (Quantiser, ArgMax))


def _flat(tap: Tap, codes: IntArray) -> IntArray:
    """Integers (frames, *shape of the value) in the order of the model, (frames, elements)."""
    return np.asarray(in_model_order(codes, tap, (len(codes), -1)), np.int64)


def _judge(found: _Found, evidence: Evidence, frames: IntArray) -> list[Tie | Mismatch]:
    """Frames in which a tensor differs for the first time; `found` and `evidence` are of these alone."""
    wrong, tap, node = found.wrong, found.tap, found.node
    unexplained, source = wrong, ""
    if node is not None and isinstance(node.op, Quantiser):
        unexplained, source = wrong & ~_rounds_there(found, node, node.op, evidence), tap.reads
    elif node is not None and isinstance(node.op, ArgMax):
        unexplained = wrong & ~_greatest(found, node, node.op, evidence)
    elif _is_sum(node):
        unexplained, source = found.beyond, tap.tensor
    apart = np.zeros(wrong.shape)
    if source in evidence.reference:
        apart = np.abs(evidence.reference[source] - evidence.ours(source)[0].astype(np.float64)).reshape(wrong.shape)
    verdicts: list[Tie | Mismatch] = []
    for k, frame in enumerate(frames.tolist()):
        if not bool(unexplained[k].any()):
            verdicts.append(Tie(frame, tap.tensor, int(wrong[k].sum()), float(apart[k][wrong[k]].max())))
            continue
        element = int(np.argmax(unexplained[k]))
        expected, actual = int(found.expected[k, element]), int(found.actual[k, element])
        note = f"the real number of integer {actual} is off by {apart[k, element]:.3g}" if expected == actual else ""
        verdicts.append(Mismatch(frame, tap.tensor, element, expected, actual, note))
    return verdicts


def _rounds_there(found: _Found, node: Node, op: Quantiser, evidence: Evidence) -> Mask:
    """Where a quantiser gives our code for our sum, the reference's for its own, and on the way none but these two."""
    operands = [evidence.graph.constants[name] for name in node.inputs[1:]]
    source, tap = node.inputs[0], found.tap
    expected, actual = found.expected, found.actual
    shape = (len(actual), *evidence.values[tap.value].shape[1:])

    def codes(x: Array) -> IntArray:
        decoded = op.lattice(*operands).decode(op.codes(x.astype(np.float32), *operands))
        return expected_codes(tap, decoded, shape)

    right = _within(actual, [codes(end) for end in evidence.ours(source)])
    low, high = evidence.theirs(source)
    if source in evidence.reference:
        real = np.asarray(evidence.reference[source], np.float32)
        explained = ((low <= real) & (real <= high)).reshape(actual.shape) & (codes(real) == expected)
    else:
        explained = _within(expected, [codes(low), codes(high)])
    once = np.ones(actual.shape, bool)
    for share in np.linspace(0, 1, STEPS):
        code = codes(evidence.between(source, float(share)))
        once &= (code == expected) | (code == actual)
    return np.asarray(right & explained & once)


def _within(codes: IntArray, ends: list[IntArray]) -> Mask:
    """Where codes lie between the least and the greatest of some."""
    return np.asarray((np.minimum.reduce(ends) <= codes) & (codes <= np.maximum.reduce(ends)))


def _greatest(found: _Found, node: Node, op: ArgMax, evidence: Evidence) -> Mask:
    """Where our index is that of the greatest exact number, and the reference's number is the same for float32."""
    order = evidence.order(node.inputs[0])
    numbers = np.moveaxis(order.numbers, op.axis, -1)
    sizes = np.broadcast_to(np.moveaxis(order.size, op.axis, -1), numbers.shape)
    choices = numbers.shape[-1]
    numbers, sizes = numbers.reshape(-1, choices), sizes.reshape(-1, choices).max(axis=1)
    ours, theirs = (codes.reshape(-1, 1) for codes in (found.actual, found.expected))
    chosen, other = (np.take_along_axis(numbers, index, axis=1)[:, 0] for index in (ours, theirs))
    equal = np.abs(numbers - chosen[:, None]) <= EQUAL * sizes[:, None]
    first = choices - 1 - np.argmax(equal[:, ::-1], axis=1) if op.select_last else np.argmax(equal, axis=1)
    right = (chosen >= numbers.max(axis=1) - EQUAL * sizes) & (first == ours[:, 0])
    close = chosen - other <= 2 * order.terms * UNIT_ROUNDOFF * sizes
    return np.asarray(right & close).reshape(found.actual.shape)


def _upstream(graph: Graph, tapped: set[str]) -> dict[str, set[str]]:
    """For each tapped tensor, the tapped ones that it is computed from with no other in between."""
    nearest: dict[str, set[str]] = {name: set() for name in tapped}
    behind: dict[str, set[str]] = {name: {name} for name in graph.inputs if name in tapped}
    for node in graph.nodes:
        found: set[str] = set().union(*(behind.get(name, set()) for name in node.inputs))
        if node.output in tapped:
            nearest[node.output] = found
            found = {node.output}
        behind[node.output] = found
    return nearest


def compare_outputs(network: Network, given: Mapping[str, Array], codes: Sequence[IntArray]) -> IntArray:
    """Frames in which a user's own outputs are not what the integers stand for.

    `given` holds (frames, ...) for outputs of the model, `codes` the integers of the accelerator's outputs. A given
    number agrees when it is nearer to the number of our code than to that of the next one, or differs in its last places.
    """
    frames = len(codes[0])
    wrong = np.zeros(frames, bool)
    for name, array in given.items():
        real, wanted = _decoded(network, codes, name).reshape(frames, -1), array.reshape(frames, -1)
        tolerance: Array | float = 0.0
        if array.dtype.kind == "f":
            steps = _one_step(network, codes, name).reshape(frames, -1)
            tolerance = np.maximum(steps * 0.5, LAST_PLACES * np.abs(real))
        wrong |= (np.abs(real - wanted) > tolerance).any(axis=1)
    return np.flatnonzero(wrong)


def _one_step(network: Network, codes: Sequence[IntArray], name: str) -> Array:
    """How far an output moves when the integers move by one: the smallest non-zero move of either direction."""
    mixes = any(isinstance(node.op, (Softmax, TopK)) for node in network.after.nodes)
    base = _decoded(network, codes, name)
    moved = np.full(base.shape, np.inf)
    for k, array in enumerate(codes):
        flat = array.reshape(len(array), -1)
        moves = np.eye(flat.shape[1], dtype=np.int64) if mixes else np.ones((1, flat.shape[1]), np.int64)
        for step in (*moves, *-moves):
            changed = [*codes[:k], (flat + step).reshape(array.shape), *codes[k + 1 :]]
            distance = np.abs(_decoded(network, changed, name) - base)
            moved = np.where(distance > 0, np.minimum(moved, distance), moved)
    return np.where(np.isfinite(moved), moved, 0.0)


def _decoded(network: Network, codes: Sequence[IntArray], name: str) -> Array:
    """An output of the model for integers of the accelerator, in float64."""
    return network.after.evaluate(*codes)[name].astype(np.float64)
