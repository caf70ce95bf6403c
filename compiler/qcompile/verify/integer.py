"""Rung 0: every quantiser, accumulator and class of the integer graph against the original model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qcompile.ir.graph import Graph, Node
from qcompile.ir.network import Network, Tap
from qcompile.ir.types import Array, IntArray
from qcompile.ops import Softmax, TopK
from qcompile.ops.roles import Quantiser

TIE_TOLERANCE = 2.0**-18
"""Relative to the tensor's largest magnitude in the frame: what sums of float32 products may be off by in the reference."""


@dataclass(frozen=True, slots=True)
class Tie:
    """A frame in which the reference's own float32 rounding decided a quantiser: `elements` codes of `tensor` differ by one."""

    frame: int
    tensor: str
    elements: int
    distance: float


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first element in which a frame differs without a tie to explain it."""

    frame: int
    tensor: str
    element: int
    expected: int
    actual: int

    def __str__(self) -> str:
        return f"frame {self.frame}, tensor '{self.tensor}', element {self.element}: expected {self.expected}, got {self.actual}"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Outcome over `frames` frames; `compared` counts the integers held against each other."""

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
    """Compares tapped tensors of the reference with values of the integer graph, frame by frame in the order of the model.

    `graph` is the model in real arithmetic (for the quantisers), `reference` maps ONNX tensors to (frames, *shape), `values`
    integer values to (frames, *shape). After the first difference of a frame the rest of that frame follows from it and is not
    looked at. A difference at a quantiser is a tie of the reference when its input lies so close to the boundary between the
    two codes that float32 cannot tell (TIE_TOLERANCE).
    """
    frames = len(next(iter(values.values())))
    open_frames = np.ones(frames, bool)
    quantisers = {node.output: node for node in graph.nodes if isinstance(node.op, Quantiser)}
    mismatches: list[Mismatch] = []
    ties: list[Tie] = []
    compared = 0
    for tap in network.taps:
        if tap.tensor not in reference or tap.value not in values:
            continue
        actual = values[tap.value]
        expected = expected_codes(tap, reference[tap.tensor], actual.shape)
        compared += actual.size
        differs = (expected != actual).reshape(frames, -1)
        for frame in np.flatnonzero(differs.any(axis=1) & open_frames):
            open_frames[frame] = False
            tie = _tie(tap, quantisers.get(tap.tensor), graph, reference, expected, actual, int(frame))
            if tie is not None:
                ties.append(tie)
            else:
                element = int(np.argmax(differs[frame]))
                want, got = (int(codes[frame].ravel()[element]) for codes in (expected, actual))
                mismatches.append(Mismatch(int(frame), tap.tensor, element, want, got))
    return Agreement(frames, compared, tuple(mismatches), tuple(ties))


def expected_codes(tap: Tap, real: Array, shape: Sequence[int]) -> IntArray:
    """The codes that real numbers stand for, in the layout of the integer value of shape (frames, ...)."""
    flat = np.asarray(real, np.float64).reshape(shape[0], -1)
    if tap.index is not None:
        ordered = np.empty_like(flat)
        ordered[:, tap.index.ravel()] = flat
        flat = ordered
    rows = flat.reshape(shape[0], -1, shape[-1])
    codes = np.rint((rows - tap.offset) / tap.scale - tap.shift).astype(np.int64)
    return codes.reshape(shape)


def _tie(
    tap: Tap,
    node: Node | None,
    graph: Graph,
    reference: Mapping[str, Array],
    expected: IntArray,
    actual: IntArray,
    frame: int,
) -> Tie | None:
    """Whether every difference of a frame at a quantiser lies on a boundary that float32 cannot resolve."""
    if node is None or tap.reads not in reference or not isinstance(node.op, Quantiser):
        return None
    x = np.asarray(reference[tap.reads][frame], np.float32)
    operands = [graph.constants[name] for name in node.inputs[1:]]
    slack = np.float32(TIE_TOLERANCE * float(np.abs(x).max(initial=0)))
    below, above = (node.op.lattice(*operands).decode(node.op.codes(x + sign * slack, *operands)) for sign in (-1, 1))
    ends = [expected_codes(tap, side[None], (1, *actual.shape[1:]))[0] for side in (below, above)]
    low, high = np.minimum(*ends), np.maximum(*ends)
    differs = expected[frame] != actual[frame]
    if not bool(np.all((actual[frame] >= low) & (actual[frame] <= high))):
        return None
    return Tie(frame, tap.tensor, int(differs.sum()), float(slack))


def compare_outputs(network: Network, decoded: Mapping[str, Array], given: Array, codes: IntArray) -> IntArray:
    """Frames in which a user's own outputs are not what the integers stand for.

    `given` is (frames, ...) for the model's first output, `decoded` the values of `network.after` for `codes`, the integers of the
    accelerator's first output. A given number agrees when it is nearer to the number of our code than to that of the next one.
    """
    name = network.after.outputs[0]
    ours = np.asarray(decoded[name])
    frames = len(ours)
    real, wanted = ours.reshape(frames, -1), np.asarray(given).reshape(frames, -1)
    if real.shape != wanted.shape:
        raise ValueError(f"y holds {wanted.shape[1]} numbers a frame, the model's output {real.shape[1]}")
    if given.dtype.kind in "iub":
        return np.flatnonzero((real != wanted).any(axis=1))
    steps = _one_step(network, codes, frames).reshape(frames, -1)
    tolerance = np.maximum(steps * 0.5, np.finfo(np.float32).eps * np.abs(real))
    return np.flatnonzero((np.abs(real.astype(np.float64) - wanted) > tolerance).any(axis=1))


def _one_step(network: Network, codes: IntArray, frames: int) -> Array:
    """How far each output moves when the integers move by one: the smallest non-zero move of either direction."""
    flat = codes.reshape(frames, -1)
    mixes = any(isinstance(node.op, (Softmax, TopK)) for node in network.after.nodes)
    moves = np.eye(flat.shape[1], dtype=np.int64) if mixes else np.ones((1, flat.shape[1]), np.int64)
    base = _decoded(network, codes)
    moved = np.full(base.shape, np.inf)
    for step in (*moves, *-moves):
        distance = np.abs(_decoded(network, (flat + step).reshape(codes.shape)) - base)
        moved = np.where(distance > 0, np.minimum(moved, distance), moved)
    return np.where(np.isfinite(moved), moved, 0.0)


def _decoded(network: Network, codes: IntArray) -> Array:
    """The model's first output for integers of the accelerator, in float64."""
    return network.after.evaluate(codes)[network.after.outputs[0]].astype(np.float64)
