"""What a model takes: its inputs and their shapes of one frame."""

from __future__ import annotations

from collections.abc import Mapping

import onnx
from onnx import TensorProto

from qcompile.frontend.dialect import element_name
from qcompile.ir.errors import CompilerError
from qcompile.ir.graph import Shape

NUMERIC_INPUTS = {TensorProto.FLOAT, TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16, TensorProto.UINT16}


def model_inputs(model: onnx.ModelProto) -> tuple[onnx.ValueInfoProto, ...]:
    """The inputs that a user feeds: old models list their initialisers as inputs too."""
    initialisers = {tensor.name for tensor in model.graph.initializer}
    return tuple(value for value in model.graph.input if value.name not in initialisers)


def input_shapes(model: onnx.ModelProto, where: str, shapes: Mapping[str, Shape] | None = None) -> dict[str, Shape]:
    """Shapes of one frame of each input, in order; a leading batch axis counts as 1.

    `shapes` overrides the model's by name ("" stands for the only input). Raises CompilerError for a shape that is
    not fixed, for a batch of several frames and for element types that are not computed with.
    """
    values = model_inputs(model)
    names = tuple(value.name for value in values)
    return {v.name: _static_shape(v, where, _override(shapes or {}, names, v.name, where)) for v in values}


def _override(shapes: Mapping[str, Shape], inputs: tuple[str, ...], name: str, where: str) -> Shape | None:
    unknown = [key for key in shapes if key and key not in inputs]
    if unknown:
        raise CompilerError(
            f"--shape names the input '{unknown[0]}'", where, f"the model's inputs are {', '.join(inputs)}"
        )
    return shapes.get(name) or (shapes.get("") if len(inputs) == 1 else None)


def _static_shape(value: onnx.ValueInfoProto, where: str, override: Shape | None) -> Shape:
    """Static shape of an input; a dynamic leading axis is the batch, taken as 1."""
    kind = value.type.tensor_type
    if kind.elem_type not in NUMERIC_INPUTS:
        raise CompilerError(
            f"the input '{value.name}' has elements of type {element_name(kind.elem_type)}",
            where,
            hint="export the model in float32",
        )
    stated = [d.dim_value if d.HasField("dim_value") else 0 for d in kind.shape.dim]
    sizes = list(override) if override is not None else stated
    if override is None and len(sizes) > 1 and sizes[0] == 0:
        sizes[0] = 1
    if not sizes or min(sizes) <= 0:
        dims = list(override) if override is not None else [d.dim_param or d.dim_value or "?" for d in kind.shape.dim]
        raise CompilerError(
            f"the shape of the input '{value.name}' is not fixed: {dims}",
            where,
            hint=f"state it, for example --shape {','.join(str(max(size, 0) or 8) for size in sizes) or '1,16'}",
        )
    if len(sizes) > 1 and sizes[0] != 1:
        raise CompilerError(
            f"the shape of the input '{value.name}' has a batch axis of {sizes[0]}",
            where,
            "hardware takes one frame after another",
            f"export the model with a batch of 1 or state --shape {','.join(str(s) for s in [1, *sizes[1:]])}",
        )
    return tuple(sizes)
