"""Arithmetic with constants, normalisation and activation functions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qcompile.frontend.builder import Builder
from qcompile.frontend.dialect import OnnxNode, UnsupportedError, float32
from qcompile.ir.graph import Operator
from qcompile.ir.types import Array
from qcompile.ops import Elementwise, Reshape, Sign, TensorAdd, TensorMultiply
from qcompile.ops.activations import SELU_ALPHA, SELU_GAMMA

Importer = Callable[[Builder, OnnxNode], None]

# Operators without constants: name -> attributes in the order of Elementwise.parameters, with the standard's defaults.
UNARY: dict[str, tuple[tuple[str, float], ...]] = {
    "Abs": (),
    "Ceil": (),
    "Celu": (("alpha", 1.0),),
    "Elu": (("alpha", 1.0),),
    "Erf": (),
    "Exp": (),
    "Floor": (),
    "HardSigmoid": (("alpha", 0.2), ("beta", 0.5)),
    "HardSwish": (),
    "LeakyRelu": (("alpha", 0.01),),
    "Log": (),
    "Mish": (),
    "Neg": (),
    "Reciprocal": (),
    "Relu": (),
    "Round": (),
    "Selu": (("alpha", SELU_ALPHA), ("gamma", SELU_GAMMA)),
    "Sigmoid": (),
    "Softplus": (),
    "Softsign": (),
    "Sqrt": (),
    "Swish": (("alpha", 1.0),),
    "Tanh": (),
    "ThresholdedRelu": (("alpha", 1.0),),
}


def _unary(builder: Builder, node: OnnxNode) -> None:
    parameters = tuple(node.real(name, default) for name, default in UNARY[node.operator])
    builder.add(node, Elementwise(node.operator, parameters), node.inputs[0])


JOINTS: dict[str, Operator] = {
    "Add": TensorAdd((1, 1)),
    "Mul": TensorMultiply(),
    "Sub": TensorAdd((1, -1)),
    "Sum": TensorAdd((1, 1)),
}
"""Joins of two tensors that are both computed from the input."""


def _binary(builder: Builder, node: OnnxNode) -> None:
    """Add, Sub, Mul, Div, Pow, Min, Max of a tensor and constants on either side, or a join of computed tensors."""
    tensors = [name for name in node.inputs if not builder.is_constant(name)]
    if node.operator in ("Div", "Mul", "Pow") and any(name in builder.integer_tensors for name in tensors):
        raise UnsupportedError(f"{node.operator} of integers: its results are cut off as float32 is not")
    if len(tensors) > 1 and node.operator not in JOINTS:
        raise UnsupportedError(f"{node.operator} of two tensors that are both computed from the input")
    source = tensors[0] if tensors else node.inputs[0]
    position = node.inputs.index(source)
    others = [name for k, name in enumerate(node.inputs) if k != position]
    function = "Add" if node.operator == "Sum" else node.operator
    if position == 1 and function in ("Sub", "Div"):
        function = f"Reverse{function}"
    elif position == 1 and function == "Pow":
        raise UnsupportedError("Pow with the tensor as exponent")
    if not others:
        builder.alias(node.outputs[0], source)
        return
    for k, name in enumerate(others):
        output = node.outputs[0] if k == len(others) - 1 else f"{node.outputs[0]}.{k}"
        if builder.is_constant(name):
            source = _apply(builder, node, Elementwise(function), source, builder.array(name, "operand"), output)
        else:
            source = _joint(builder, node, JOINTS[node.operator], (source, name), output)


def _joint(builder: Builder, node: OnnxNode, op: Operator, sources: tuple[str, str], output: str) -> str:
    """Two computed tensors, aligned at their last axes; the one of fewer axes gets leading ones."""
    rank = max(len(builder.shape(name)) for name in sources)
    aligned = []
    for k, name in enumerate(sources):
        shape = builder.shape(name)
        if len(shape) < rank:
            widened = Reshape((1,) * (rank - len(shape)) + shape)
            name = builder.add(node, widened, name, output=f"{output}.aligned_{k}")
        aligned.append(name)
    return builder.add_joint(node, op, (aligned[0], aligned[1]), output)


def _apply(builder: Builder, node: OnnxNode, op: Operator, source: str, operand: Array, output: str) -> str:
    """The tensor and one constant, aligned at their last axes; the tensor gets the leading axes that only the
    constant has.
    """
    shape = builder.shape(source)
    missing = operand.ndim - len(shape)
    if missing > 0:
        source = builder.add(node, Reshape((1,) * missing + shape), source, output=f"{output}.aligned")
    return builder.add(node, op, source, float32(operand), output=output)


def _clip(builder: Builder, node: OnnxNode) -> None:
    """Clip; bounds are attributes before operator set 11 and inputs since."""
    least, greatest = np.finfo(np.float32).min, np.finfo(np.float32).max
    low, high = np.asarray(least), np.asarray(greatest)
    if node.opset < 11:
        low, high = np.asarray(node.real("min", float(least))), np.asarray(node.real("max", float(greatest)))
    else:
        low = builder.array(node.input(1), "min") if node.input(1) else low
        high = builder.array(node.input(2), "max") if node.input(2) else high
    builder.add(node, Elementwise("Clip"), node.inputs[0], float32(low), float32(high))


def _prelu(builder: Builder, node: OnnxNode) -> None:
    slope = builder.array(node.inputs[1], "slope")
    _apply(builder, node, Elementwise("PRelu"), node.inputs[0], slope, node.outputs[0])


def _gelu(builder: Builder, node: OnnxNode) -> None:
    tanh = 1.0 if node.text("approximate", "none") == "tanh" else 0.0
    builder.add(node, Elementwise("Gelu", (tanh,)), node.inputs[0])


def _batch_normalization(builder: Builder, node: OnnxNode) -> None:
    if node.integer("training_mode", 0):
        raise UnsupportedError("BatchNormalization in training mode: export the model in evaluation mode")
    if not node.integer("spatial", 1):
        raise UnsupportedError("BatchNormalization with spatial=0 (statistics for each element)")
    rank = len(builder.shape(node.inputs[0]))
    shape = (-1,) + (1,) * max(rank - 2, 0)
    constants = [
        float32(builder.array(name, what)).reshape(shape)
        for name, what in zip(node.inputs[1:5], ("scale", "bias", "mean", "variance"), strict=True)
    ]
    if bool(np.any(constants[3] + np.float32(node.real("epsilon", 1e-5)) <= 0)):
        raise UnsupportedError("BatchNormalization with a variance that is not positive")
    builder.add(node, Elementwise("BatchNormalization", (node.real("epsilon", 1e-5),)), node.inputs[0], *constants)


def _sign(builder: Builder, node: OnnxNode) -> None:
    builder.add(node, Sign(), node.inputs[0])


IMPORTERS: dict[str, Importer] = {
    **dict.fromkeys(UNARY, _unary),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Sum"), _binary),
    "BatchNormalization": _batch_normalization,
    "Clip": _clip,
    "Gelu": _gelu,
    "PRelu": _prelu,
    "Sign": _sign,
}
