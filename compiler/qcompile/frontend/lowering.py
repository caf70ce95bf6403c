"""The original model made ready for stock onnxruntime: quantisers as functions, inputs of fixed shapes, nothing else
changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import onnx
from onnx import TensorProto, helper, shape_inference

from qcompile.frontend.constants import IR_VERSION
from qcompile.frontend.dialect import OnnxNode, is_quantiser, standard_opset, unpack
from qcompile.frontend.inputs import model_inputs
from qcompile.frontend.ordering import in_order
from qcompile.frontend.quantiser_functions import FUNCTION_DOMAIN, quantiser_function
from qcompile.frontend.standard_form import standard_form
from qcompile.ir.errors import CompilerError
from qcompile.ir.graph import Shape

FIRST_IR_WITH_FREE_INITIALISERS = 4
"""Older models list every initialiser as an input. In newer ones those listed are no constants: a user may feed them.
"""


def lower(model: onnx.ModelProto, shapes: Mapping[str, Shape]) -> onnx.ModelProto:
    """A model that computes what `model` computes on inputs of these shapes. It states no outputs yet.

    Raises CompilerError for a quantiser in a form that is not known.
    """
    model = standard_form(model).model
    lowered = onnx.ModelProto()
    lowered.CopyFrom(model)
    lowered.ir_version = IR_VERSION
    if all(opset.domain != FUNCTION_DOMAIN for opset in lowered.opset_import):
        lowered.opset_import.append(helper.make_opsetid(FUNCTION_DOMAIN, 1))
    graph = lowered.graph
    for stale in (graph.value_info, graph.quantization_annotation, graph.output):
        del stale[:]
    _fix_inputs(model, graph, shapes)
    ordered = in_order(model.graph.node, "")
    del graph.node[:]
    graph.node.extend(ordered)
    functions = _Functions(_inferred(lowered))
    for node in unpack(graph.node, standard_opset(model)):
        if is_quantiser(node.proto):
            name = functions.name_of(node)
            node.proto.Clear()
            node.proto.CopyFrom(
                helper.make_node(name, node.inputs, node.outputs, name=node.name, domain=FUNCTION_DOMAIN)
            )
    lowered.functions.extend(functions.known.values())
    return lowered


def _fix_inputs(model: onnx.ModelProto, graph: onnx.GraphProto, shapes: Mapping[str, Shape]) -> None:
    """States the shapes of the inputs, and leaves initialisers among them only where that means something."""
    fed = {value.name for value in model_inputs(model)}
    kept = [v for v in model.graph.input if v.name in fed or model.ir_version >= FIRST_IR_WITH_FREE_INITIALISERS]
    del graph.input[:]
    for value in kept:
        if value.name in shapes:
            element = value.type.tensor_type.elem_type
            graph.input.append(helper.make_tensor_value_info(value.name, element, shapes[value.name]))
        else:
            graph.input.append(value)


def _inferred(model: onnx.ModelProto) -> dict[str, onnx.TypeProto.Tensor]:
    """Element types and shapes of tensors as far as they follow from the inputs; a quantiser counts as an Identity."""
    skeleton = onnx.ModelProto()
    skeleton.CopyFrom(model)
    for node in skeleton.graph.node:
        if is_quantiser(node):
            node.CopyFrom(helper.make_node("Identity", node.input[:1], node.output))
    try:
        graph = shape_inference.infer_shapes(skeleton, data_prop=True).graph
    except (shape_inference.InferenceError, UnicodeDecodeError) as error:
        raise CompilerError("the shapes inside of the model do not fit", why=str(error)) from error
    types = {value.name: value.type.tensor_type for value in (*graph.value_info, *graph.input)}
    for tensor in graph.initializer:
        types[tensor.name] = helper.make_tensor_type_proto(tensor.data_type, tensor.dims).tensor_type
    return types


@dataclass(slots=True)
class _Functions:
    """The functions needed so far: one for each distinct set of attributes, types and axes."""

    types: Mapping[str, onnx.TypeProto.Tensor]
    known: dict[tuple[object, ...], onnx.FunctionProto] = field(default_factory=dict)

    def name_of(self, node: OnnxNode) -> str:
        """The name of the function for a quantiser."""
        thresholds = node.operator == "MultiThreshold"
        rank = self._rank(node) if thresholds else 0
        scale = None if thresholds else self.types.get(node.input(1))
        wide = scale is not None and scale.elem_type == TensorProto.DOUBLE
        attributes = tuple(sorted(a.SerializeToString(deterministic=True) for a in node.proto.attribute))
        key = (node.operator, len(node.inputs), attributes, wide, rank)
        if key not in self.known:
            self.known[key] = quantiser_function(node, f"{node.operator}_{len(self.known)}", rank, wide)
        return self.known[key].name

    def _rank(self, node: OnnxNode) -> int:
        x = self.types.get(node.input(0))
        if x is None or not x.HasField("shape"):
            raise CompilerError(f"the number of axes of '{node.input(0)}' is not known", f"node {node.name}")
        return len(x.shape.dim)
