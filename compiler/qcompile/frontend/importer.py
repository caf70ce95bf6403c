"""From an ONNX model to a graph of catalogue operators in real arithmetic."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto

from qcompile.frontend import constants, weights
from qcompile.frontend.batch import one_frame, refuse_mixing
from qcompile.frontend.builder import Builder
from qcompile.frontend.channels_last import refuse_foreign
from qcompile.frontend.dialect import (
    OnnxNode,
    UnsupportedError,
    check_arguments,
    finn_datatypes,
    is_quantiser,
    standard_opset,
    unpack,
)
from qcompile.frontend.importers import IMPORTERS, LAYOUT, LINEAR_QUANTISERS, PULP_IMPORTERS, QONNX_IMPORTERS
from qcompile.frontend.inputs import input_shapes, model_inputs
from qcompile.frontend.ordering import in_order
from qcompile.frontend.quantised_operators import MICROSOFT
from qcompile.frontend.standard_form import standard_form
from qcompile.ir.errors import CompilerError, Rejection, refuse
from qcompile.ir.graph import Graph, Shape, element_count
from qcompile.ir.types import Array

INTEGERS = frozenset(TensorProto.DataType.Value(f"{sign}INT{bits}") for sign in ("", "U") for bits in (8, 16, 32, 64))
"""Element types with arithmetic of their own: divisions are cut off, sums overflow."""

NORMALISATIONS = (
    "GroupNormalization",
    "InstanceNormalization",
    "LRN",
    "LayerNormalization",
    "LpNormalization",
    "MeanVarianceNormalization",
    "RMSNormalization",
)
WHY_NOT = dict.fromkeys(NORMALISATIONS, "divides by statistics of each frame, which have no exact integer form")
"""Reasons why operators are refused that models are known to have."""


def import_model(model: onnx.ModelProto, where: str, shapes: Mapping[str, Shape] | None = None) -> Graph:
    """The model as a graph in real arithmetic, one frame at a time (a leading batch axis counts as 1).

    `shapes` overrides the shapes of inputs by name ("" stands for the only input). Raises one CompilerError that
    names every node that cannot be compiled, and why.
    """
    return finished(read_model(model, where, shapes), model, where)


def finished(builder: Builder, model: onnx.ModelProto, where: str) -> Graph:
    """The graph of a model that `read_model` has read. Raises CompilerError for outputs that no input reaches."""
    outputs = tuple(builder.resolve(o.name) for o in model.graph.output)
    undefined = [name for name in outputs if not builder.is_defined(name)]
    if undefined:
        raise CompilerError(f"nothing computes the output '{undefined[0]}'", where)
    constant = [name for name in outputs if builder.is_constant(name)]
    if constant or not outputs:
        raise CompilerError(f"the output '{(constant or ['(none)'])[0]}' does not depend on the input", where)
    return builder.finish(tuple(value.name for value in model_inputs(model)), outputs)


def read_model(model: onnx.ModelProto, where: str, shapes: Mapping[str, Shape] | None = None) -> Builder:
    """Every tensor of the model by its name, as `import_model` understands it. Raises the same errors."""
    stated, rewritten = model, standard_form(one_frame(model))
    model = rewritten.model
    try:
        initialisers = constants.initialisers(model.graph)
    except ValueError as error:
        raise CompilerError("a tensor of the model cannot be read", where, str(error)) from error
    datatypes, name = finn_datatypes(model.graph), model.graph.name or "network"
    builder = Builder(name, datatypes, _readers(model.graph), _integers(model), rewritten.owners)
    builder.constants.update(initialisers)
    rejections = _check_constants(initialisers)
    builder.shapes.update(input_shapes(model, where, shapes))
    inputs = tuple(builder.shapes)
    rejections += _walk(builder, unpack(in_order(model.graph.node, where), standard_opset(model)), rewritten.refused)
    if rejections:
        raise refuse(
            "the model holds what qcompile cannot compile", rejections, "'qcompile list ops' prints what it can"
        ).at(where)
    refuse_mixing(stated, where, {name: builder.shapes[name] for name in inputs})
    return builder


def _readers(graph: onnx.GraphProto) -> dict[str, frozenset[str]]:
    """The operators that read each tensor; the empty name stands for an output of the model."""
    readers: dict[str, set[str]] = {output.name: {""} for output in graph.output}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, set()).add(node.op_type)
    return {name: frozenset(operators) for name, operators in readers.items()}


def _integers(model: onnx.ModelProto) -> frozenset[str]:
    """The tensors whose elements are integers, as far as their types follow from the inputs."""
    try:
        graph = onnx.shape_inference.infer_shapes(model).graph
    except (onnx.shape_inference.InferenceError, UnicodeDecodeError, ValueError):
        return frozenset()
    types = {value.name: value.type.tensor_type.elem_type for value in (*graph.value_info, *graph.input, *graph.output)}
    return frozenset(name for name, element in types.items() if element in INTEGERS)


def _check_constants(initialisers: Mapping[str, np.ndarray]) -> list[Rejection]:
    return [
        Rejection("holds a number that is not finite (NaN or infinity)", f"tensor {name}")
        for name, array in initialisers.items()
        if not is_finite(array)
    ]


def is_finite(array: Array) -> bool:
    """Whether an array holds no NaN and no infinity."""
    return array.dtype.kind != "f" or bool(np.all(np.isfinite(array)))


def _walk(builder: Builder, nodes: list[OnnxNode], refused: Mapping[str, str]) -> list[Rejection]:
    """Imports nodes in order; what depends on a rejected node is passed over in silence.

    `refused` holds reasons known beforehand, by the node's first output.
    """
    rejections: list[Rejection] = []
    unknown: set[str] = set()
    for node in nodes:
        if any(builder.resolve(name) in unknown for name in node.inputs):
            unknown.update(node.outputs)
            continue
        try:
            if node.outputs and node.outputs[0] in refused:
                raise UnsupportedError(refused[node.outputs[0]])
            _import_node(builder, node)
        except UnsupportedError as error:
            rejections.append(Rejection(str(error), f"node {node.name} ({node.operator})"))
            unknown.update(node.outputs)
    return rejections


def _import_node(builder: Builder, node: OnnxNode) -> None:
    undefined = [name for name in node.inputs if name and not builder.is_defined(name)]
    twice = [name for name in node.outputs if name and builder.is_defined(name)]
    if twice:
        raise UnsupportedError(f"defines '{twice[0]}', which is defined before")
    if undefined:
        raise UnsupportedError(f"reads '{undefined[0]}', which nothing defines")
    if is_quantiser(node.proto):
        check_arguments(node)
        (QONNX_IMPORTERS | PULP_IMPORTERS)[node.operator](builder, node)
        return
    refuse_foreign(node.proto)
    if node.domain not in ("", "ai.onnx") and not (node.domain == MICROSOFT and node.operator in LINEAR_QUANTISERS):
        raise UnsupportedError(f"operator of the domain '{node.domain}'")
    if node.operator in ("Shape", "Size"):
        check_arguments(node)
        builder.constants[node.outputs[0]] = _shape_constant(node, builder.shape(node.inputs[0]))
        return
    foldable = all(not name or builder.resolve(name) in builder.constants for name in node.inputs)
    if foldable and not _keeps_codes(builder, node) and not any(
        a.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS) for a in node.proto.attribute
    ):
        _fold(builder, node)
        return
    importer = IMPORTERS.get(node.operator)
    if importer is None:
        raise UnsupportedError(WHY_NOT.get(node.operator, "operator not known"))
    if node.domain != MICROSOFT:
        check_arguments(node)
    importer(builder, node)


def _keeps_codes(builder: Builder, node: OnnxNode) -> bool:
    """Whether a node with constant inputs is imported all the same: quantised weights stay integers."""
    moves = node.operator in LAYOUT and builder.resolve(node.input(0)) in builder.quantised
    return node.operator in LINEAR_QUANTISERS or moves


def _shape_constant(node: OnnxNode, shape: Shape) -> Array:
    """The value of a Shape or Size node."""
    if node.operator == "Size":
        return np.asarray(element_count(shape), np.int64)
    return np.asarray(shape[slice(node.integer("start", 0), node.integer("end", len(shape)))], np.int64)


def _fold(builder: Builder, node: OnnxNode) -> None:
    feeds = {name: builder.constants[builder.resolve(name)] for name in node.inputs if name}
    try:
        folded = constants.fold(node, feeds)
    except constants.OnnxruntimeError as error:
        raise UnsupportedError(f"constant that onnxruntime cannot compute: {error}") from error
    if not all(is_finite(array) for array in folded.values()):
        raise UnsupportedError("constant with a number that is not finite (NaN or infinity)")
    builder.constants.update(folded)
    weights.note(builder, node)


def integer_inputs(model: onnx.ModelProto) -> dict[str, str]:
    """Types of the inputs whose elements are integers, by input name: `int8`, `uint8`, `int16` or `uint16`."""
    elements = {value.name: value.type.tensor_type.elem_type for value in model_inputs(model)}
    types = {name: str(onnx.helper.tensor_dtype_to_np_dtype(element)) for name, element in elements.items()}
    return {name: kind for name, kind in types.items() if "int" in kind}


def annotated_inputs(model: onnx.ModelProto) -> dict[str, str]:
    """FINN data types that the model annotates to its inputs, by input name."""
    names = {value.name for value in model.graph.input} - {tensor.name for tensor in model.graph.initializer}
    return {name: kind for name, kind in finn_datatypes(model.graph).items() if name in names}
