"""A model in another dialect: its quantisers are written anew, everything else stays the node that it is.

So all arithmetic between quantisers is the original's, bit by bit, and tensors and nodes keep their names. Both models must
give the same numbers in every tensor that has gone through a quantiser, weights included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import onnx
from onnx import TensorProto, helper

from qcompile.frontend.builder import Builder
from qcompile.frontend.conversion.emitter import Emitter
from qcompile.frontend.conversion.qcdq import Qcdq
from qcompile.frontend.conversion.qonnx import DOMAIN, Qonnx
from qcompile.frontend.conversion.quantisers import Dialect, Live
from qcompile.frontend.dialect import PULP_OPERATORS, UnsupportedError, is_quantiser, standard_opset
from qcompile.frontend.importer import finished, read_model
from qcompile.frontend.importers import LAYOUT
from qcompile.frontend.inputs import model_inputs
from qcompile.frontend.load import PRODUCER
from qcompile.frontend.ordering import in_order
from qcompile.frontend.partition import cut
from qcompile.frontend.standard_form import standard_form
from qcompile.ir.errors import CompilerError, Rejection, refuse
from qcompile.ir.graph import Graph, Node, Shape
from qcompile.ops import Elementwise, Sign
from qcompile.ops.roles import Quantiser

DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in (Qonnx(), Qcdq())}
"""What models can be converted to."""

PULP = "PACTOps"
"""The domain of quantisers for PULP processors that state none."""

OLDEST_IR, NEWEST_IR = 8, 10
"""Initialisers of our models are constants, and each onnxruntime that we allow reads them."""


@dataclass(frozen=True, slots=True, eq=False)
class Converted:
    """A model in another dialect; `quantised` are the tensors that both it and the original give, `graph` is the original."""

    model: onnx.ModelProto
    graph: Graph
    quantised: tuple[str, ...]


def convert(model: onnx.ModelProto, where: str, shapes: Mapping[str, Shape], dialect: Dialect) -> Converted:
    """The model with its quantisers as the dialect writes them.

    `shapes` overrides the shapes of inputs as in `import_model`. Raises one CompilerError that names every node that cannot
    be compiled, and one that names every quantiser that the dialect cannot express.
    """
    builder = read_model(model, where, shapes)
    standard = _named(standard_form(model).model)
    if standard_opset(standard) < dialect.oldest_opset:
        standard = _upgraded(standard, dialect, where)
        builder = read_model(standard, where, shapes)
    return _Conversion(standard, builder, dialect, where).run()


def _named(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same in topological order, each node with a name and each quantiser with a domain."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    del result.graph.node[:]
    domains = {opset.domain for opset in result.opset_import}
    for position, node in enumerate(model.graph.node):
        node = result.graph.node.add()
        node.CopyFrom(model.graph.node[position])
        node.name = node.name or f"{node.op_type}_{position}"
        if is_quantiser(node):
            node.domain = node.domain or (PULP if node.op_type in PULP_OPERATORS else DOMAIN)
    ordered = in_order(list(result.graph.node), "")
    del result.graph.node[:]
    result.graph.node.extend(ordered)
    missing = {node.domain for node in ordered} - domains - {"", "ai.onnx"}
    result.opset_import.extend(helper.make_opsetid(domain, 1) for domain in sorted(missing))
    return result


def _upgraded(model: onnx.ModelProto, dialect: Dialect, where: str) -> onnx.ModelProto:
    """The model with the oldest operator set of the dialect, by onnx's own converter."""
    try:
        result = onnx.version_converter.convert_version(model, dialect.oldest_opset)
    except (RuntimeError, ValueError) as error:
        raise CompilerError(
            f"{dialect.name} needs operator set {dialect.oldest_opset}, to which onnx cannot convert the model",
            where,
            " ".join(str(error).split()),
            "export the model with a newer operator set",
        ) from error
    return _named(result)


@dataclass(slots=True, eq=False)
class _Conversion:
    """One conversion under way. Nodes are visited from the outputs backwards, so that only what is needed is written."""

    model: onnx.ModelProto
    builder: Builder
    dialect: Dialect
    where: str
    needed: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    meanings: dict[str, Node] = field(default_factory=dict)
    producers: dict[str, onnx.NodeProto] = field(default_factory=dict)
    written: list[list[onnx.NodeProto]] = field(default_factory=list)
    initialisers: list[onnx.TensorProto] = field(default_factory=list)
    quantised: list[str] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)

    def run(self) -> Converted:
        """The whole model."""
        graph = self.model.graph
        self.meanings = {node.output: node for node in self.builder.nodes}
        self.producers = {name: node for node in graph.node for name in node.output}
        self.taken = {*self.producers, *(tensor.name for tensor in graph.initializer), *(v.name for v in graph.input)}
        self.needed = {output.name for output in graph.output}
        parts = cut(self.model)
        live = {id(node) for node in parts.late if node.op_type != "Constant"}
        for node in reversed(graph.node):
            if self.needed.isdisjoint(node.output):
                continue
            try:
                self._live(node) if id(node) in live else self._constant(node)
            except UnsupportedError as error:
                self.rejections.append(Rejection(str(error), f"node {node.name} ({node.op_type})"))
                self._keep([node])
        if self.rejections:
            what = f"the model holds what {self.dialect.name} cannot express"
            raise refuse(what, reversed(self.rejections), "--to integer writes any model that can be compiled").at(self.where)
        original = finished(self.builder, self.model, self.where)
        return Converted(self._finished(), original, tuple(reversed(self.quantised)))

    def _live(self, node: onnx.NodeProto) -> None:
        """A node that an input reaches."""
        name = node.output[0]
        meaning = self.meanings.get(name)
        native = self.dialect.has(self._beginning(node))
        if meaning is not None and isinstance(meaning.op, Quantiser):
            self.quantised.append(name)
            if not native and not isinstance(meaning.op, Sign):
                self._quantiser(node, meaning, meaning.op)
                return
        elif node.op_type == "DequantizeLinear" and not native:
            self._dequantiser(node)
            return
        self._keep([node])

    def _quantiser(self, node: onnx.NodeProto, meaning: Node, op: Quantiser) -> None:
        name = node.output[0]
        readers = self.builder.readers.get(name, frozenset())
        live = Live(
            node,
            op,
            self._source(node, meaning.inputs[0]),
            tuple(self.builder.used_constants[operand] for operand in meaning.inputs[1:]),
            len(self.builder.shapes[name]),
            self._element(node),
            used=readers != {"DequantizeLinear"},
        )
        emitter = self._emitter(node)
        self.dialect.quantiser(emitter, live)
        self._add(emitter)

    def _source(self, node: onnx.NodeProto, tensor: str) -> str:
        """The name by which the nodes that end with this one read a tensor: behind a Cast it has another type."""
        for name in node.input:
            if name and not self.builder.is_constant(name):
                if self.builder.resolve(name) == tensor:
                    return str(name)
                return self._source(self.producers[name], tensor)
        raise UnsupportedError("it quantises what is no tensor of the model")

    def _dequantiser(self, node: onnx.NodeProto) -> None:
        """Codes that something else reads, too; or a second reader of codes that are a quantiser with the first."""
        name, emitter = node.output[0], self._emitter(node)
        same = self.builder.resolve(name)
        if same != name:
            emitter.apply("Identity", [same])
        else:
            product = self.meanings[name]
            before = self.meanings.get(product.inputs[0])
            zero_point = None
            if before is not None and before.output not in self.taken:
                assert isinstance(before.op, Elementwise)
                zero_point = self.builder.used_constants[before.inputs[1]]
            scale = self.builder.used_constants[product.inputs[1]]
            x = emitter.apply("Cast", [node.input[0]], "codes", {"to": int(TensorProto.FLOAT)})
            if zero_point is not None:
                x = emitter.apply("Sub", [x, emitter.constant(zero_point, "zero_point")], "centred")
            emitter.apply("Mul", [x, emitter.constant(scale, "scale")])
        self._add(emitter)

    def _constant(self, node: onnx.NodeProto) -> None:
        """A node that no input reaches: kept, unless it ends the computation of quantised numbers."""
        name = node.output[0]
        moves = node.op_type in LAYOUT and node.input[0] in self.builder.quantised
        native = self.dialect.has(self._beginning(node))
        if name in self.builder.quantised and not moves:
            if self._element(node) == TensorProto.FLOAT:
                self.quantised.append(name)
            if not native:
                emitter = self._emitter(node)
                self.dialect.constant(emitter, self.builder.quantised[name])
                self._add(emitter)
                return
        self._keep([node])

    def _beginning(self, node: onnx.NodeProto) -> onnx.NodeProto:
        """What stands in front of the Clips that end with this node; the node itself where it is none."""
        while node.op_type == "Clip" and node.input[0] in self.producers:
            node = self.producers[node.input[0]]
        return node

    def _element(self, node: onnx.NodeProto) -> int:
        """The type of the quantised numbers that a node gives: codes have that of the zero point."""
        node = self._beginning(node)
        if node.op_type != "QuantizeLinear":
            return int(TensorProto.FLOAT)
        stated = next((a.i for a in node.attribute if a.name == "output_dtype"), 0)
        if len(node.input) > 2 and node.input[2]:
            return int(helper.np_dtype_to_tensor_dtype(self.builder.array(node.input[2], "zero point").dtype))
        return int(stated or TensorProto.UINT8)

    def _emitter(self, node: onnx.NodeProto) -> Emitter:
        return Emitter(node.name, node.output[0], standard_opset(self.model), self.taken)

    def _add(self, emitter: Emitter) -> None:
        self.initialisers += emitter.initialisers
        self._keep(emitter.nodes)

    def _keep(self, nodes: list[onnx.NodeProto]) -> None:
        self.written.append(nodes)
        self.needed.update(name for node in nodes for name in node.input)

    def _finished(self) -> onnx.ModelProto:
        result = onnx.ModelProto()
        result.CopyFrom(self.model)
        graph = result.graph
        del graph.node[:]
        for nodes in reversed(self.written):
            graph.node.extend(nodes)
        fed = {value.name for value in model_inputs(self.model)}
        for kept, stated in (
            (graph.initializer, [tensor for tensor in graph.initializer if tensor.name in self.needed]),
            (graph.input, [value for value in graph.input if value.name in fed]),
        ):
            copies = [type(item).FromString(item.SerializeToString()) for item in stated]
            del kept[:]
            kept.extend(copies)
        graph.initializer.extend(self.initialisers)
        del graph.value_info[:]
        result.ir_version = min(max(result.ir_version, OLDEST_IR), NEWEST_IR)
        result.producer_name, result.producer_version = PRODUCER, ""
        self.dialect.finish(result)
        used = {node.domain for node in graph.node} | {""}
        opsets = [opset for opset in result.opset_import if (opset.domain if opset.domain != "ai.onnx" else "") in used]
        copies = [helper.make_opsetid(opset.domain, opset.version) for opset in opsets]
        del result.opset_import[:]
        result.opset_import.extend(copies)
        return result
