"""QuantizeLinear and DequantizeLinear, with a Clip of the integers between them: the QDQ and QCDQ dialects.

A tensor of integers is held as the numbers that its codes are. Where nothing but DequantizeLinear with the same scale reads
it, the two become one quantiser of real numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from onnx import TensorProto

from qcompile.frontend.builder import Builder, QuantisedConstant, axis_index
from qcompile.frontend.dialect import OnnxNode, UnsupportedError, element_name, float32
from qcompile.frontend.importers import rounding
from qcompile.frontend.importers.quantisers import checked_scale
from qcompile.ir.graph import Node, Shape
from qcompile.ir.types import Array, IntArray, IntType
from qcompile.ops import Elementwise, Quantize
from qcompile.ops.roles import Lattice

Importer = Callable[[Builder, OnnxNode], None]

CODE_TYPES = {f"{sign}int{bits}": IntType(bits, not sign) for bits in (2, 4, 8, 16) for sign in ("", "u")}
"""What QuantizeLinear gives, by the names of numpy."""

ACCUMULATOR = "int32"
"""What DequantizeLinear takes besides: sums and biases."""


@dataclass(frozen=True, slots=True, eq=False)
class _Parameters:
    """Scale and zero point (float32) as they broadcast against the tensor, and the name of the type of the codes."""

    scale: Array
    zero_point: Array
    element: str


def _quantize_linear(builder: Builder, node: OnnxNode) -> None:
    """Round(x / scale) half to even, plus the zero point, saturated."""
    parameters = _parameters(builder, node, "uint8")
    if parameters.element not in CODE_TYPES:
        raise UnsupportedError(f"codes of type {parameters.element}: only integers are computed")
    code = CODE_TYPES[parameters.element]
    op = Quantize(code.lo, code.hi, zero_point_first=False, dequantized=False)
    builder.add(node, op, node.inputs[0], parameters.scale, parameters.zero_point)


def _dequantize_linear(builder: Builder, node: OnnxNode) -> None:
    """(code - zero point) * scale."""
    source, output = builder.resolve(node.inputs[0]), node.outputs[0]
    parameters = _parameters(builder, node, "")
    if parameters.element not in (*CODE_TYPES, ACCUMULATOR, ""):
        raise UnsupportedError(f"codes of type {parameters.element}: only integers are computed")
    if builder.is_constant(source):
        codes = _constant_codes(builder, source) - parameters.zero_point.astype(np.int64)
        lattice = (np.broadcast_to(p, codes.shape).astype(np.float64) for p in (parameters.scale, 0.0, 0.0))
        builder.quantised[output] = QuantisedConstant(codes, Lattice(*lattice))
        return
    quantiser = _quantiser(builder, source)
    if quantiser is not None and _same_parameters(builder, quantiser, parameters):
        _fuse(builder, node, quantiser, parameters)
        return
    if bool(np.any(parameters.zero_point)):
        op = Elementwise("Sub")
        source = builder.add(node, op, source, parameters.zero_point, output=f"{output}.centred")
    builder.add(node, Elementwise("Mul"), source, parameters.scale)


def _clip(builder: Builder, node: OnnxNode) -> None:
    """A Clip of codes narrows their quantiser; any other is a function of real numbers."""
    source = builder.resolve(node.inputs[0])
    bounds = [builder.array(name, "bound") for name in node.inputs[1:] if name]
    if not bounds or not all(bound.size == 1 and float(bound.ravel()[0]).is_integer() for bound in bounds):
        rounding.IMPORTERS["Clip"](builder, node)
        return
    low = int(builder.array(node.input(1), "min")) if node.input(1) else None
    high = int(builder.array(node.input(2), "max")) if node.input(2) else None
    if source in builder.quantised:
        constant = builder.quantised[source]
        codes = np.clip(_constant_codes(builder, source), low, high)
        builder.quantised[node.outputs[0]] = _as_codes(np.asarray(codes, np.int64), constant.codes.shape)
        return
    quantiser = builder.producer(source)
    if quantiser is None or not _gives_codes(quantiser):
        rounding.IMPORTERS["Clip"](builder, node)
        return
    op = quantiser.op
    assert isinstance(op, Quantize)
    lo, hi = (min(max(bound, op.lo if low is None else low), op.hi if high is None else high) for bound in (op.lo, op.hi))
    constants = [builder.used_constants[name] for name in quantiser.inputs[1:]]
    builder.add(node, replace(op, lo=lo, hi=hi), quantiser.inputs[0], *constants)
    _add_origin(builder, quantiser)


def _parameters(builder: Builder, node: OnnxNode, default: str) -> _Parameters:
    """Scale and zero point of either operator; `default` is the type of the codes where no zero point states it."""
    shape = builder.shape(node.inputs[0])
    for name in ("output_dtype", "precision"):
        stated = node.integer(name, 0)
        if stated and (name == "precision" or not default) and stated != TensorProto.FLOAT:
            raise UnsupportedError(f"{name} {element_name(stated)}: only float32 is computed")
    scale = builder.array(node.inputs[1], "scale")
    if scale.dtype != np.float32:
        raise UnsupportedError(f"a scale of type {scale.dtype}: only float32 is computed")
    element = default
    if default and node.integer("output_dtype", 0):
        element = element_name(node.integer("output_dtype", 0)).lower()
    zero_point: Array = np.zeros((), np.float32)
    if node.input(2):
        stated_zero = builder.array(node.input(2), "zero point")
        element = str(stated_zero.dtype)
        zero_point = float32(stated_zero)
    elif not default and builder.resolve(node.inputs[0]) in builder.constants:
        element = str(builder.constants[builder.resolve(node.inputs[0])].dtype)
    checked = checked_scale(builder, node.inputs[1])
    return _Parameters(_aligned(node, checked, shape), _aligned(node, zero_point, shape), element)


def _aligned(node: OnnxNode, parameter: Array, shape: Shape) -> Array:
    """A parameter as it broadcasts against a tensor of `shape`: one number, one for each place on an axis, or blocks of them."""
    if parameter.size == 1:
        return parameter.reshape(())
    axis = axis_index(node.integer("axis", 1), len(shape))
    block = node.integer("block_size", 0)
    if block:
        if parameter.ndim == len(shape) and parameter.shape[axis] == -(-shape[axis] // block):
            parameter = np.repeat(parameter, block, axis)[(slice(None),) * axis + (slice(shape[axis]),)]
    elif parameter.ndim == 1 and node.opset >= FIRST_OPSET_WITH_AXIS:
        parameter = parameter.reshape(tuple(-1 if k == axis else 1 for k in range(len(shape))))
    fits = parameter.ndim == len(shape) and all(size in (1, whole) for size, whole in zip(parameter.shape, shape, strict=True))
    if not fits or (block and parameter.shape != shape):
        raise UnsupportedError(f"a scale or zero point of shape {parameter.shape} for a tensor of shape {shape}")
    return parameter


FIRST_OPSET_WITH_AXIS = 13


def _constant_codes(builder: Builder, name: str) -> IntArray:
    """The integers of a constant."""
    if name in builder.quantised:
        constant = builder.quantised[name]
        lattice = constant.lattice
        if bool(np.any(lattice.scale != 1) or np.any(lattice.shift % 1) or np.any(lattice.offset)):
            raise UnsupportedError("real numbers where integers belong")
        return constant.codes + lattice.shift.astype(np.int64)
    array = builder.constants[name]
    if array.dtype.kind == "f" or (str(array.dtype) not in CODE_TYPES and array.dtype.kind not in "iu"):
        raise UnsupportedError(f"numbers of type {array.dtype} where integers belong")
    return array.astype(np.int64)


def _as_codes(codes: IntArray, shape: Shape) -> QuantisedConstant:
    """Integers that stand for themselves."""
    one, zero = np.ones(shape), np.zeros(shape)
    return QuantisedConstant(codes, Lattice(one, zero, zero))


def _gives_codes(node: Node) -> bool:
    return isinstance(node.op, Quantize) and not node.op.dequantized


def _quantiser(builder: Builder, source: str) -> Node | None:
    """The quantiser that makes these codes, where only DequantizeLinear reads them."""
    node = builder.producer(source)
    alone = builder.readers.get(source, frozenset()) == {"DequantizeLinear"}
    return node if node is not None and alone and _gives_codes(node) else None


def _same_parameters(builder: Builder, quantiser: Node, parameters: _Parameters) -> bool:
    constants = [builder.used_constants[name] for name in quantiser.inputs[1:]]
    pairs = zip(constants, (parameters.scale, parameters.zero_point), strict=True)
    return all(known.shape == stated.shape and np.array_equal(known, stated) for known, stated in pairs)


def _fuse(builder: Builder, node: OnnxNode, quantiser: Node, parameters: _Parameters) -> None:
    """One quantiser of real numbers; a second DequantizeLinear of the same codes gives the same tensor."""
    assert isinstance(quantiser.op, Quantize)
    op = replace(quantiser.op, dequantized=True)
    for other in builder.nodes:
        if other.op == op and other.inputs[0] == quantiser.inputs[0] and _same_parameters(builder, other, parameters):
            builder.alias(node.outputs[0], other.output)
            return
    builder.add(node, op, quantiser.inputs[0], parameters.scale, parameters.zero_point)
    _add_origin(builder, quantiser)


def _add_origin(builder: Builder, quantiser: Node) -> None:
    """The node appended last does the work of an earlier one, too, and is called after it."""
    last = builder.nodes[-1]
    builder.nodes[-1] = replace(last, origin=(*quantiser.origin, *last.origin))


IMPORTERS: dict[str, Importer] = {
    "Clip": _clip,
    "DequantizeLinear": _dequantize_linear,
    "QuantizeLinear": _quantize_linear,
}
