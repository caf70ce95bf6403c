"""The host's side: what is computed in front of the accelerator and behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qcompile.ir.graph import Graph, Node, Shape, Value
from qcompile.ir.types import Array, IntArray
from qcompile.ops import Decode, Encode, Reshape, Take
from qcompile.ops.roles import Lattice
from qcompile.transforms.deferred import Deferred


@dataclass(frozen=True, slots=True, eq=False)
class Encoder:
    """The integer input `q` is the real tensor `real` of the host on `lattice` (broadcast as the model has it).

    Element p of the frame (shape `frame`) is element `order[p]` of the flattened tensor, or element p when `order` is
    None.
    """

    q: str
    real: str
    frame: Shape
    order: IntArray | None
    lattice: Lattice
    lo: int
    hi: int


def before(graph: Graph, encoders: Sequence[Encoder]) -> Graph:
    """The part of the real graph that feeds the accelerator, ending in its integer inputs."""
    nodes, values, constants = list(graph.nodes), dict(graph.values), dict(graph.constants)
    for encoder in encoders:
        shape, codes = graph.values[encoder.real].shape, f"{encoder.q}.codes"
        op = Encode(encoder.lo, encoder.hi)
        names = _lattice(constants, f"{encoder.q}.encode", encoder.lattice)
        nodes.append(Node(codes, op, (encoder.real, *names), codes))
        if encoder.order is None:
            nodes.append(Node(f"{encoder.q}.frame", Reshape(encoder.frame), (codes,), f"{encoder.q}.frame"))
        else:
            constants[f"{encoder.q}.order"] = encoder.order
            nodes.append(Node(f"{encoder.q}.frame", Take(), (codes, f"{encoder.q}.order"), f"{encoder.q}.frame"))
        values |= {codes: Value(shape), f"{encoder.q}.frame": Value(encoder.frame)}
    outputs = tuple(f"{encoder.q}.frame" for encoder in encoders)
    return Graph(graph.name, tuple(nodes), graph.inputs, outputs, values, constants).pruned()


def after(graph: Graph, ends: Sequence[Deferred]) -> Graph:
    """The part of the real graph behind the accelerator's integer outputs, ending in the model's outputs.

    `ends` are tensors as they are at their anchors, one for each anchor; their integers are the inputs. Steps that an end
    still has are taken on its integers' own frame.
    """
    nodes: list[Node] = []
    values: dict[str, Value] = {}
    constants: dict[str, Array] = dict(graph.constants)
    for end in ends:
        values[f"{end.q}.codes"] = Value(end.q_shape)
        names = _lattice(constants, f"{end.anchor}.decode", end.lattice)
        nodes.append(Node(f"{end.anchor}.decode", Decode(), (f"{end.q}.codes", *names), f"{end.anchor}.real"))
        real = f"{end.anchor}.real"
        values[real] = Value(end.q_shape)
        for k, step in enumerate(end.steps):
            operands = {f"{end.anchor}.step_{k}.{j}": operand for j, operand in enumerate(step.operands)}
            constants |= operands
            nodes.append(Node(f"{end.anchor}.step_{k}", step.op, (real, *operands), f"{end.anchor}.step_{k}"))
            real = f"{end.anchor}.step_{k}"
            values[real] = Value(end.q_shape)
        if end.index is None:
            nodes.append(Node(f"{end.anchor}.shape", Reshape(end.shape), (real,), end.anchor))
        else:
            index = f"{end.anchor}.index"
            constants[index] = end.index
            nodes.append(Node(f"{end.anchor}.order", Take(), (real, index), end.anchor))
        values[end.anchor] = Value(end.shape)
    anchors = {end.anchor for end in ends}
    nodes += [node for node in graph.nodes if node.output not in anchors]
    inputs = tuple(dict.fromkeys(f"{end.q}.codes" for end in ends))
    return Graph(graph.name, tuple(nodes), inputs, graph.outputs, {**graph.values, **values}, constants).pruned()


def _lattice(constants: dict[str, Array], stem: str, lattice: Lattice) -> tuple[str, ...]:
    names = []
    for part, array in (("scale", lattice.scale), ("shift", lattice.shift), ("offset", lattice.offset)):
        constants[f"{stem}.{part}"] = np.asarray(array)
        names.append(f"{stem}.{part}")
    return tuple(names)
