"""Matrix products with constant weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qcompile.frontend.builder import Builder
from qcompile.frontend.dialect import OnnxNode, UnsupportedError, float32
from qcompile.ops import Elementwise, MatMul, MatrixProduct, Reshape, Transpose

Importer = Callable[[Builder, OnnxNode], None]


def _matmul(builder: Builder, node: OnnxNode) -> None:
    source, weights = node.inputs[:2]
    if not builder.is_constant(weights):
        if builder.is_constant(source):
            raise UnsupportedError("MatMul of constant times tensor")
        builder.add_joint(node, MatrixProduct(), (source, weights))
        return
    shape = builder.shape(source)
    missing = len(builder.shape(weights)) - max(len(shape), 2)  # a vector stays a vector
    matrix = _matrix(builder, node, weights)
    if missing > 0:
        aligned = Reshape((1,) * missing + shape)
        source = builder.add(node, aligned, source, output=f"{node.outputs[0]}.aligned")
    builder.add_linear(node, MatMul(), source, matrix)


def _matrix(builder: Builder, node: OnnxNode, weights: str) -> str:
    """Weights of two axes; leading axes of size one, as batched products have them, are dropped."""
    shape = builder.shape(weights)
    if len(shape) == 2:
        return weights
    if len(shape) > 2 and all(size == 1 for size in shape[:-2]):
        return builder.add(node, Reshape(shape[-2:]), weights, output=f"{node.outputs[0]}.matrix")
    raise UnsupportedError(f"MatMul with weights of shape {shape}")


def _gemm(builder: Builder, node: OnnxNode) -> None:
    """Alpha * A' * B' + beta * C, with C constant."""
    source, weights, output = node.inputs[0], node.inputs[1], node.outputs[0]
    computed = not builder.is_constant(weights)
    if computed and builder.is_constant(source):
        raise UnsupportedError("Gemm of constant times tensor")
    if node.integer("transA", 0):
        source = builder.add(node, Transpose((1, 0)), source, output=f"{output}.transposed_input")
    if node.integer("transB", 0):
        weights = builder.add(node, Transpose((1, 0)), weights, output=f"{output}.transposed_weights")
    alpha, beta = node.real("alpha", 1.0), node.real("beta", 1.0)
    bias = float32(builder.array(node.input(2), "C")) * np.float32(beta) if node.input(2) else None
    shape = (builder.shape(source)[0], builder.shape(weights)[-1])
    if alpha == 1.0 and bias is not None and not computed and shape[0] == 1 and np.broadcast_shapes(bias.shape, shape) == shape:
        builder.add_linear(node, MatMul(), source, weights, bias=np.broadcast_to(bias, shape).reshape(-1).copy())
        return
    steps = [("Mul", np.asarray(alpha, np.float32))] if alpha != 1.0 else []
    steps += [("Add", bias)] if bias is not None else []
    product = f"{output}.product" if steps else output
    if computed:
        current = builder.add_joint(node, MatrixProduct(), (source, weights), product)
    else:
        current = builder.add_linear(node, MatMul(), source, weights, output=product)
    for k, (function, operand) in enumerate(steps):
        name = output if k == len(steps) - 1 else f"{output}.{function}"
        current = builder.add(node, Elementwise(function), current, operand, output=name)


IMPORTERS: dict[str, Importer] = {"Gemm": _gemm, "MatMul": _matmul}
