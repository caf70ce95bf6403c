"""Tensor graphs: nodes of catalogue operators over named values and constants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import ClassVar, Protocol

from qcompile.ir.types import Array, Range

Shape = tuple[int, ...]


class Operator(Protocol):
    """What a node computes: a frozen dataclass in `qcompile.ops` whose fields are its attributes."""

    kind: ClassVar[str]
    """The operator's name in the catalogue."""

    def infer_shape(self, *shapes: Shape) -> Shape:
        """Shape of the output for inputs (and constants) of these shapes; raises ValueError when they do not fit."""

    def evaluate(self, *inputs: Array) -> Array:
        """Reference in numpy. Activations carry a leading axis of frames, constants do not."""


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor of one frame. `range` is None for real numbers; for integers it holds what the tensor can reach."""

    shape: Shape
    range: Range | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """An operator applied to values or constants by name; `origin` names the nodes of the model it came from."""

    name: str
    op: Operator
    inputs: tuple[str, ...]
    output: str
    origin: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Nodes in topological order. Constants are read-only arrays without a frame axis; values have shapes of one
    frame.
    """

    name: str
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    values: Mapping[str, Value]
    constants: Mapping[str, Array] = field(default_factory=lambda: MappingProxyType({}))

    def producer(self, name: str) -> Node | None:
        """The node whose output is `name`, or None for inputs and constants."""
        return next((n for n in self.nodes if n.output == name), None)

    def consumers(self) -> dict[str, list[Node]]:
        """For each name, the nodes that read it, in order."""
        readers: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                readers.setdefault(name, []).append(node)
        return readers

    def evaluate(self, *frames: Array) -> dict[str, Array]:
        """Every value of the graph for the given inputs, each of shape (frames, *shape of the value)."""
        known: dict[str, Array] = {**self.constants, **dict(zip(self.inputs, frames, strict=True))}
        for node in self.nodes:
            known[node.output] = node.op.evaluate(*(known[name] for name in node.inputs))
        return {name: array for name, array in known.items() if name not in self.constants}

    def pruned(self) -> Graph:
        """The same graph without nodes, values and constants that no output needs."""
        needed = set(self.outputs)
        kept: list[Node] = []
        for node in reversed(self.nodes):
            if node.output in needed:
                needed.update(node.inputs)
                kept.append(node)
        return replace(
            self,
            nodes=tuple(reversed(kept)),
            values={k: v for k, v in self.values.items() if k in needed or k in self.inputs},
            constants={k: v for k, v in self.constants.items() if k in needed},
        )

    def check(self) -> tuple[str, ...]:
        """Every broken invariant, as sentences: names defined once and before use, shapes as the operators infer
        them.
        """
        faults: list[str] = []
        shapes: dict[str, Shape] = {name: array.shape for name, array in self.constants.items()}
        shapes |= {name: self.values[name].shape for name in self.inputs}
        for node in self.nodes:
            missing = [name for name in node.inputs if name not in shapes]
            if missing:
                faults.append(f"{node.name} reads {', '.join(missing)} before anything defines it")
                continue
            if node.output in shapes:
                faults.append(f"{node.name} defines {node.output} a second time")
            inferred = node.op.infer_shape(*(shapes[name] for name in node.inputs))
            if node.output not in self.values or self.values[node.output].shape != inferred:
                stated = self.values.get(node.output)
                faults.append(f"{node.output} is stated as {stated}, {node.op.kind} gives the shape {inferred}")
            shapes[node.output] = inferred
        faults += [f"the output {name} is not defined" for name in self.outputs if name not in shapes]
        return tuple(faults)


class Pass(Protocol):
    """A transformation: a frozen dataclass whose fields are its options."""

    name: ClassVar[str]

    def run(self, graph: Graph) -> Graph:
        """The transformed graph; the argument is never changed."""


def fresh_name(stem: str, taken: Iterable[str] | Mapping[str, object]) -> str:
    """`stem`, or `stem_1`, `stem_2`, ... whichever is not taken."""
    names = taken if isinstance(taken, (set, frozenset, Mapping)) else set(taken)
    if stem not in names:
        return stem
    number = 1
    while f"{stem}_{number}" in names:
        number += 1
    return f"{stem}_{number}"


def element_count(shape: Sequence[int]) -> int:
    """Product of the dimensions; 1 for a scalar."""
    count = 1
    for size in shape:
        count *= size
    return count
