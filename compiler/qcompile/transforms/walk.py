"""What the streamlining walk knows: each real tensor in one of four states, and the graph under construction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from qcompile.ir.errors import Rejection
from qcompile.ir.graph import Graph, Node
from qcompile.ir.network import Tap
from qcompile.ir.types import IntArray, IntType
from qcompile.ops.roles import Lattice, Summing
from qcompile.transforms import edges
from qcompile.transforms.deferred import Deferred
from qcompile.transforms.integer_builder import IntegerBuilder
from qcompile.transforms.joined import Joined

UNTYPED_HINT = (
    "state the type of its numbers with --input, for example --input uint8 --input-scale 0.00392156862745098, "
    '--input int8, or --input "fixed<16,6>" (16 bits, 6 of them before the point)'
)


@dataclass(frozen=True, slots=True)
class InputType:
    """What the host sends for an input that the model does not quantise: x = scale * (q + shift)."""

    element: IntType
    scale: float
    shift: float = 0.0


@dataclass(frozen=True, slots=True)
class Pending:
    """A real tensor of the host: nothing has quantised it yet. `source` is the model's input it comes from."""

    source: str


@dataclass(frozen=True, slots=True)
class Tail:
    """A real tensor that only the host computes, behind the accelerator's last integers: those of `sources`."""

    sources: tuple[Deferred, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ConstantLattice:
    """Quantised weights: integer codes and what they stand for."""

    codes: IntArray
    lattice: Lattice


Unjoined = Deferred | Pending | Tail | ConstantLattice
Known = Unjoined | Joined


class RefusedError(Exception):
    """Why a node cannot be streamlined."""


@dataclass(slots=True)
class Walk:
    """The real graph that is walked, what is known of its tensors, and what has come of it so far."""

    graph: Graph
    types: Mapping[str, InputType]
    integer: IntegerBuilder
    known: dict[str, Known] = field(default_factory=dict)
    taps: list[Tap] = field(default_factory=list)
    encoders: list[edges.Encoder] = field(default_factory=list)
    encoded: dict[tuple[object, ...], Deferred] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)


def tap_of(node: Node, deferred: Deferred) -> Tap:
    """The link between the tensor that a node gives and the integers that stand for it."""
    lattice = deferred.lattice
    reads = "" if isinstance(node.op, Summing) else node.inputs[0]
    return Tap(node.output, deferred.q, deferred.index, lattice.scale, lattice.shift, lattice.offset, reads)


def producer_of(walk: Walk, name: str) -> str:
    """The node that gives a tensor, in words for the user."""
    node = walk.graph.producer(name)
    return f"'{name}'" if node is None else f"{node.op.kind} '{', '.join(node.origin) or node.name}'"
