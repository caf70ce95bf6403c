"""Cutting a model in two: what its inputs do not reach, and the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import onnx
from onnx import helper

from qcompile.frontend.inputs import model_inputs
from qcompile.ir.types import Array


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """The nodes that no input reaches, and the others. Constant nodes are in both: they are no computation.

    `crossing` names the tensors that early nodes compute and late nodes read; `reached` all that depend on an input.
    """

    early: tuple[onnx.NodeProto, ...]
    late: tuple[onnx.NodeProto, ...]
    crossing: tuple[str, ...]
    reached: frozenset[str]


def cut(model: onnx.ModelProto) -> Cut:
    """The two parts of a model whose nodes stand in topological order."""
    reached = {value.name for value in model_inputs(model)}
    early, late, made = [], [], []
    for node in model.graph.node:
        constant = node.op_type == "Constant"
        if not constant and not reached.isdisjoint(_reads(node)):
            reached.update(node.output)
            late.append(node)
            continue
        early.append(node)
        if constant:
            late.append(node)
        else:
            made += node.output
    read = {name for node in late for name in _reads(node)}
    return Cut(tuple(early), tuple(late), tuple(name for name in made if name in read), frozenset(reached))


def early_model(model: onnx.ModelProto, parts: Cut, outputs: Iterable[str]) -> onnx.ModelProto:
    """The nodes that no input reaches, as a model without inputs."""
    fed = {value.name for value in model_inputs(model)}
    return _model(model, parts.early, [v for v in model.graph.input if v.name not in fed], outputs)


def late_model(
    model: onnx.ModelProto, parts: Cut, computed: Mapping[str, Array], outputs: Iterable[str]
) -> onnx.ModelProto:
    """The nodes that an input reaches; what crosses to them are further inputs, of the types of the arrays in
    `computed`.
    """
    further = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(computed[name].dtype), computed[name].shape)
        for name in parts.crossing
    ]
    return _model(model, parts.late, [*model.graph.input, *further], outputs)


def _model(
    model: onnx.ModelProto,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Iterable[str],
) -> onnx.ModelProto:
    """A model with some of the nodes of another, and with all its initialisers and functions."""
    values = [helper.make_empty_tensor_value_info(name) for name in outputs]
    graph = helper.make_graph(nodes, model.graph.name, inputs, values, model.graph.initializer)
    graph.sparse_initializer.extend(model.graph.sparse_initializer)
    return helper.make_model(
        graph, opset_imports=model.opset_import, functions=model.functions, ir_version=model.ir_version
    )


def _reads(node: onnx.NodeProto) -> Iterator[str]:
    """The tensors that a node reads, those that its subgraphs read from outside included."""
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                yield from _reads(inner)
