"""Quantised operators (QLinearConv, QGemm, ConvInteger, QLinearAdd...) written as standard ones between QuantizeLinear and
DequantizeLinear.

A product is written over integers: DequantizeLinear of scale one takes the zero point off, weights and biases become float
constants that are integers, the operator adds up integers (exactly, below 2**24), the sum is multiplied by x_scale * w_scale /
y_scale, computed in float32 in this order as onnxruntime does, and QuantizeLinear of scale one rounds. Everything else is
what its specification says: DequantizeLinear, the operator on real numbers, QuantizeLinear.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from qcompile.frontend import float_quant
from qcompile.frontend.dialect import QONNX_DOMAINS, STANDARD_DOMAINS, UnsupportedError
from qcompile.frontend.rewriter import Rewriter
from qcompile.ir.types import Array

MICROSOFT = "com.microsoft"
IMAGE_AXES = 2
"""Axes that a global pooling of a tensor with the channels last is over, which has no kernel that would say so."""

LARGEST_BIAS = 1 << 24
"""What float32 holds exactly."""


@dataclass(frozen=True, slots=True, eq=False)
class Rewritten:
    """A model, why those of its nodes that are quantised operators still are, by their first output, and the names of the
    nodes in whose place others are, by the names of these.
    """

    model: onnx.ModelProto
    refused: Mapping[str, str]
    owners: Mapping[str, str]


def _weights(r: Rewriter, position: int, zero_point: int, channel_axis: int) -> Array:
    """Constant weights as integers less their zero point, float32."""
    weights = r.constant(position, "second factor").astype(np.int64)
    zero = r.constant(zero_point, "zero point").astype(np.int64) if r.given(zero_point) else np.zeros((), np.int64)
    return (weights - _along(zero, weights.ndim, channel_axis)).astype(np.float32)


def _along(numbers: Array, rank: int, axis: int) -> Array:
    """One number, or one for each place on an axis of a tensor of `rank` axes."""
    if numbers.size == 1:
        return numbers.reshape(())
    if numbers.ndim != 1:
        raise UnsupportedError(f"a scale or zero point of shape {numbers.shape}")
    return numbers.reshape(tuple(-1 if k == axis % rank else 1 for k in range(rank)))


def _bias(r: Rewriter, position: int) -> Array:
    bias = r.constant(position, "bias").astype(np.int64)
    if int(np.abs(bias).max(initial=0)) >= LARGEST_BIAS:
        raise UnsupportedError("a bias of 2^24 or more")
    return bias.astype(np.float32)


def _factor(x_scale: np.float32, w_scale: Array, y_scale: np.float32 | None) -> Array:
    """x_scale * w_scale / y_scale in float32, in this order."""
    product = np.asarray(x_scale * w_scale.astype(np.float32), np.float32)
    return product if y_scale is None else np.asarray(product / y_scale, np.float32)


def _q_linear_conv(r: Rewriter) -> None:
    """The channels of the tensors may be the last axis; those of the weights never are."""
    weights = _weights(r, 3, 5, 0)
    last = weights.ndim if r.attribute("channels_last", 0) else 0
    x = r.integers(0, 2)
    inputs = [r.channels_first(x, last) if last else x, r.number(weights, "weights")]
    inputs += [r.number(_bias(r, 8), "bias")] if r.given(8) else []
    total = r.add("Conv", inputs, "sum", ("channels_last",), attributed=True)
    scale = _along(r.constant(4, "scale"), weights.ndim - 1, 0)  # a frame of the output: channels, then space
    r.requantise(total, _factor(r.scale(1, "scale of the input"), scale, r.scale(6, "scale of the output")), 7, last)


def _q_linear_matmul(r: Rewriter) -> None:
    weights = _weights(r, 3, 5, -1)
    total = r.add("MatMul", [r.integers(0, 2), r.number(weights, "weights")], "sum", attributed=True)
    scale = _along(r.constant(4, "scale"), 1, 0)
    r.requantise(total, _factor(r.scale(1, "scale of the first factor"), scale, r.scale(6, "scale of the output")), 7)


def _q_gemm(r: Rewriter) -> None:
    """Without a scale of the output the result is real."""
    weights = _weights(r, 3, 5, 0 if r.attribute("transB", 0) else 1)
    inputs = [r.integers(0, 2), r.number(weights, "weights")]
    inputs += [r.number(_bias(r, 6), "bias")] if r.given(6) else []
    total = r.add("Gemm", inputs, "sum", ("alpha",), attributed=True)
    scaled = np.float32(np.float32(r.attribute("alpha", 1.0)) * r.scale(1, "scale of the first factor"))
    output = r.scale(7, "scale of the output") if r.given(7) else None
    factor = _factor(scaled, _along(r.constant(4, "scale"), 1, 0), output)
    if output is None:
        r.add("Mul", [total, r.number(factor, "factor")])
    else:
        r.requantise(total, factor, 8)


def _integer(r: Rewriter) -> None:
    """ConvInteger and MatMulInteger: the sums themselves, of type int32."""
    convolution = r.node.op_type == "ConvInteger"
    inputs = [r.integers(0, 2), r.number(_weights(r, 1, 3, 0 if convolution else -1), "weights")]
    total = r.add("Conv" if convolution else "MatMul", inputs, "sum", attributed=True)
    r.nodes.append(helper.make_node("Cast", [total], [r.output], f"{r.name}.output", to=int(TensorProto.INT32)))


def _of_two(r: Rewriter) -> None:
    """QLinearAdd and QLinearMul."""
    inputs = [r.real(0, "a"), r.real(3, "b")]
    r.quantise(r.add(r.node.op_type.removeprefix("QLinear"), inputs, "real", attributed=True), 6, 7)


def _of_one(r: Rewriter) -> None:
    """Pooling and activation functions of one quantised tensor; pooled images have the channels last where it is said."""
    x, last = r.real(0, "x"), 0
    if r.attribute("channels_last", 0):
        last = 2 + next((len(a.ints) for a in r.node.attribute if a.name == "kernel_shape"), IMAGE_AXES)
        x = r.channels_first(x, last)
    real = r.add(r.node.op_type.removeprefix("QLinear"), [x], "real", ("channels_last",), attributed=True)
    r.quantise(r.channels_last(real, last) if last else real, 3, 4)


def _concat(r: Rewriter) -> None:
    """Inputs: scale and zero point of the output, then three for each tensor."""
    count, rest = divmod(len(r.node.input) - 2, 3)
    if rest or count < 1:
        raise UnsupportedError(f"QLinearConcat with {len(r.node.input)} inputs")
    tensors = [r.real(2 + 3 * k, f"x_{k}") for k in range(count)]
    r.quantise(r.add("Concat", tensors, "real", attributed=True), 0, 1)


def _dynamic(r: Rewriter) -> None:
    raise UnsupportedError(
        f"{r.node.op_type} computes scales from the numbers of each frame, an accelerator needs them beforehand: "
        "quantise the model statically"
    )


Rewrite = Callable[[Rewriter], None]

STANDARD: Mapping[str, Rewrite] = {
    "ConvInteger": _integer,
    "MatMulInteger": _integer,
    "QLinearConv": _q_linear_conv,
    "QLinearMatMul": _q_linear_matmul,
}
"""Operators of the standard domain."""

CONTRIBUTED: Mapping[str, Rewrite] = {
    "QGemm": _q_gemm,
    "QLinearAdd": _of_two,
    "QLinearAveragePool": _of_one,
    "QLinearConcat": _concat,
    "QLinearConv": _q_linear_conv,
    "QLinearGlobalAveragePool": _of_one,
    "QLinearLeakyRelu": _of_one,
    "QLinearMul": _of_two,
    "QLinearSigmoid": _of_one,
}
"""Operators of onnxruntime's own domain."""

DYNAMIC = ("DynamicQuantizeLinear", "DynamicQuantizeLSTM", "DynamicQuantizeMatMul")


def rewritten(model: onnx.ModelProto) -> Rewritten:
    """The model without quantised operators: itself where it has none. Those in a form that is not known are left."""
    if not any(_rewrite_of(node) for node in model.graph.node):
        return Rewritten(model, {}, {})
    result = onnx.ModelProto()
    result.CopyFrom(model)
    constants = _constants(model.graph)
    refused: dict[str, str] = {}
    owners: dict[str, str] = {}
    del result.graph.node[:]
    for position, node in enumerate(model.graph.node):
        rewrite = _rewrite_of(node)
        if rewrite is None or not node.output:
            result.graph.node.append(node)
            result.graph.node[-1].name = node.name or f"{node.op_type}_{position}"
            continue
        rewriter = Rewriter(node, node.name or f"{node.op_type}_{position}", constants)
        try:
            rewrite(rewriter)
            result.graph.node.extend(rewriter.nodes)
            owners |= {written.name: rewriter.name for written in rewriter.nodes}
        except UnsupportedError as error:
            refused[node.output[0]] = str(error)
            result.graph.node.append(node)
    return Rewritten(result, refused, owners)


def _rewrite_of(node: onnx.NodeProto) -> Rewrite | None:
    if node.op_type in DYNAMIC:
        return _dynamic
    if node.op_type == "FloatQuant" and node.domain in {*QONNX_DOMAINS, *STANDARD_DOMAINS}:
        return float_quant.as_integers
    return (STANDARD if node.domain in STANDARD_DOMAINS else CONTRIBUTED if node.domain == MICROSOFT else {}).get(node.op_type)


def _constants(graph: onnx.GraphProto) -> dict[str, Array]:
    """Initialisers and Constant nodes by name."""
    arrays: dict[str, Array] = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        value = next((a.t for a in node.attribute if node.op_type == "Constant" and a.name == "value"), None)
        if value is not None:
            arrays[node.output[0]] = numpy_helper.to_array(value)
    return arrays
