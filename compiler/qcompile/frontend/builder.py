"""The mutable helper that importers write into while the model's nodes are walked in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from qcompile.frontend.dialect import OnnxNode, UnsupportedError, float32
from qcompile.ir.graph import Graph, Node, Operator, Shape, Value, fresh_name
from qcompile.ir.types import Array, IntArray
from qcompile.ops import Decode
from qcompile.ops.roles import Lattice, Layout, Quantiser


def axis_index(axis: int, rank: int) -> int:
    """The axis counted from the front; raises UnsupportedError for one that a tensor of `rank` axes does not have."""
    if not -rank <= axis < rank:
        raise UnsupportedError(f"the axis {axis} of a tensor with {rank} axes")
    return axis % rank


@dataclass(frozen=True, slots=True, eq=False)
class QuantisedConstant:
    """A constant that went through a quantiser: integer codes and what they stand for, elementwise (equal shapes)."""

    codes: IntArray
    lattice: Lattice

    @property
    def real(self) -> Array:
        """The numbers the model sees."""
        return self.lattice.decode(self.codes)

    def rearranged(self, op: Layout) -> QuantisedConstant:
        """The same with the elements moved."""
        parts = (self.codes, self.lattice.scale, self.lattice.shift, self.lattice.offset)
        codes, scale, shift, offset = (op.evaluate(np.broadcast_to(p, self.codes.shape)[None])[0] for p in parts)
        return QuantisedConstant(codes.astype(np.int64), Lattice.of(scale, shift, offset))


def _inferred(op: Operator, *shapes: Shape) -> Shape:
    """Shape of the output; raises UnsupportedError when the inputs do not fit."""
    try:
        return op.infer_shape(*shapes)
    except ValueError as error:
        raise UnsupportedError(str(error)) from error


@dataclass(slots=True)
class Builder:
    """Tensors known so far by their ONNX names, and the graph under construction.

    `readers` are the operators that read each tensor of the model, with an empty name where it is an output;
    `integer_tensors` are those whose elements are of a type of integers. Constants that are integers because the model rounds
    them are `rounded`. `owners` names the user's nodes that others were written for.
    """

    name: str
    datatypes: dict[str, str]
    readers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    integer_tensors: frozenset[str] = frozenset()
    owners: Mapping[str, str] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    constants: dict[str, Array] = field(default_factory=dict)
    quantised: dict[str, QuantisedConstant] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    rounded: set[str] = field(default_factory=set)
    nodes: list[Node] = field(default_factory=list)
    used_constants: dict[str, Array] = field(default_factory=dict)
    node_names: set[str] = field(default_factory=set)

    def resolve(self, name: str) -> str:
        """The tensor that `name` is another name of."""
        while name in self.aliases:
            name = self.aliases[name]
        return name

    def is_constant(self, name: str) -> bool:
        """Whether a tensor's value is known."""
        name = self.resolve(name)
        return name in self.constants or name in self.quantised

    def is_defined(self, name: str) -> bool:
        """Whether there is a tensor of this name."""
        return self.is_constant(name) or self.resolve(name) in self.shapes

    def shape(self, name: str) -> Shape:
        """Shape of any tensor."""
        name = self.resolve(name)
        if name in self.shapes:
            return self.shapes[name]
        return self.quantised[name].codes.shape if name in self.quantised else self.constants[name].shape

    def producer(self, name: str) -> Node | None:
        """The node that computes a tensor from the input, if one does."""
        name = self.resolve(name)
        return next((node for node in reversed(self.nodes) if node.output == name), None)

    def array(self, name: str, what: str) -> Array:
        """The value of a constant tensor; `what` names it in the message when it is none."""
        name = self.resolve(name)
        if name in self.quantised:
            return self.quantised[name].real
        if name in self.constants:
            return self.constants[name]
        raise UnsupportedError(f"{what} ('{name}') is computed from the input, it must be a constant")

    def integers(self, name: str, what: str) -> tuple[int, ...]:
        """The value of a constant list of integers, which must not be empty."""
        array = self.array(name, what)
        if array.dtype.kind not in "iu" or not array.size:
            raise UnsupportedError(f"{what} ('{name}') is no list of integers")
        return tuple(int(item) for item in array.ravel())

    def alias(self, output: str, source: str) -> None:
        """Makes `output` another name of `source`."""
        self.aliases[output] = self.resolve(source)

    def add(self, node: OnnxNode, op: Operator, source: str, *operands: Array, output: str | None = None) -> str:
        """Appends `op` applied to a tensor and to constants; returns the name of its output.

        Applied to a constant, it is evaluated on the spot. Raises UnsupportedError when the shapes do not fit.
        """
        output = node.outputs[0] if output is None else output
        source = self.resolve(source)
        if self.is_constant(source):
            self._fold(op, source, operands, output)
            return output
        names = [source, *(self._keep(f"{output}.{type(op).kind}_{k}", a) for k, a in enumerate(operands))]
        self.shapes[output] = _inferred(op, self.shapes[source], *(a.shape for a in operands))
        self.nodes.append(Node(self._node_name(node.name), op, tuple(names), output, self._origin(node)))
        return output

    def add_linear(
        self,
        node: OnnxNode,
        op: Operator,
        source: str,
        weights: str,
        output: str | None = None,
        bias: Array | None = None,
    ) -> str:
        """Appends a linear operator whose weights stay in the lattice they were quantised on; `bias` (M,) is added by
        it.
        """
        output = node.outputs[0] if output is None else output
        source, weights = self.resolve(source), self.resolve(weights)
        if self.is_constant(source):
            self._fold(op, source, (self.array(weights, "weights"),), output)
            return output
        shape = self.shape(weights)
        if weights in self.quantised:
            weights = self._decoded(node, weights)
        else:
            self.used_constants[weights] = self.constants[weights]
        self.shapes[output] = _inferred(op, self.shapes[source], shape)
        constants = () if bias is None else (self._keep(f"{output}.bias", bias),)
        self.nodes.append(Node(self._node_name(node.name), op, (source, weights, *constants), output, self._origin(node)))
        return output

    def add_joint(self, node: OnnxNode, op: Operator, sources: tuple[str, ...], output: str | None = None) -> str:
        """Appends an operator of tensors that are all computed from the input; returns the name of its output.

        Raises UnsupportedError when the shapes do not fit.
        """
        output = node.outputs[0] if output is None else output
        names = tuple(self.resolve(name) for name in sources)
        self.shapes[output] = _inferred(op, *(self.shapes[name] for name in names))
        self.nodes.append(Node(self._node_name(node.name), op, names, output, self._origin(node)))
        return output

    def join_constants(self, op: Operator, sources: tuple[str, ...], output: str) -> None:
        """Evaluates an operator that moves elements of several constants; it is quantised where they all are."""
        names = [self.resolve(name) for name in sources]
        _inferred(op, *(self.shape(name) for name in names))
        if not all(name in self.quantised for name in names):
            self.constants[output] = op.evaluate(*(self.array(name, "input")[None] for name in names))[0]
            return
        columns = []
        for known in (self.quantised[name] for name in names):
            lattice = known.lattice
            parts = (known.codes, lattice.scale, lattice.shift, lattice.offset)
            columns.append([np.broadcast_to(part, known.codes.shape)[None] for part in parts])
        codes, scale, shift, offset = (op.evaluate(*parts)[0] for parts in zip(*columns, strict=True))
        self.quantised[output] = QuantisedConstant(codes.astype(np.int64), Lattice.of(scale, shift, offset))

    def finish(self, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Graph:
        """The graph, pruned to what the outputs need."""
        values = {name: Value(shape) for name, shape in self.shapes.items()}
        return Graph(self.name, tuple(self.nodes), inputs, outputs, values, self.used_constants).pruned()

    def _fold(self, op: Operator, source: str, operands: tuple[Array, ...], output: str) -> None:
        _inferred(op, self.shape(source), *(a.shape for a in operands))
        if isinstance(op, Quantiser):
            real = float32(self.array(source, "input"))
            codes = op.codes(real, *operands)
            lattice = op.lattice(*operands)
            parts = (np.broadcast_to(p, codes.shape) for p in (lattice.scale, lattice.shift, lattice.offset))
            self.quantised[output] = QuantisedConstant(codes, Lattice(*parts))
        elif source in self.quantised and isinstance(op, Layout):
            self.quantised[output] = self.quantised[source].rearranged(op)
        else:
            result = op.evaluate(self.array(source, "input")[None], *operands)[0]
            self.constants[output] = result

    def _keep(self, name: str, array: Array) -> str:
        name = fresh_name(name, self.used_constants)
        self.used_constants[name] = array
        return name

    def _decoded(self, node: OnnxNode, name: str) -> str:
        """Puts a Decode node in front of quantised weights; once for each tensor."""
        if name in self.shapes:
            return name
        constant = self.quantised[name]
        parts = {"codes": constant.codes, "scale": constant.lattice.scale, "shift": constant.lattice.shift}
        parts["offset"] = constant.lattice.offset
        names = tuple(self._keep(f"{name}.{part}", array) for part, array in parts.items())
        self.nodes.append(Node(self._node_name(f"{node.name}.weights"), Decode(), names, name, self._origin(node)))
        self.shapes[name] = constant.codes.shape
        return name

    def _origin(self, node: OnnxNode) -> tuple[str, ...]:
        """The user's own node."""
        return (self.owners.get(node.name, node.name),)

    def _node_name(self, stem: str) -> str:
        name = fresh_name(stem, self.node_names)
        self.node_names.add(name)
        return name
