"""Names of the dialects: operator domains, and how a node is spoken of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from qcompile.ir.types import Array, FloatArray
from qcompile.ops.roles import Float32Array

QONNX_DOMAINS = frozenset({"qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general"})
PULP_DOMAINS = frozenset({"PACTOps", "ai.onnx.contrib"})
QUANTISER_INPUTS = {
    "BipolarQuant": (2,),
    "IntQuant": (4,),
    "MultiThreshold": (2,),
    "Quant": (4,),
    "RequantShift": (3,),
    "Trunc": (5, 6),
}
PULP_OPERATORS = frozenset({"RequantShift"})
QONNX_OPERATORS = frozenset(QUANTISER_INPUTS) - PULP_OPERATORS
STANDARD_DOMAINS = frozenset({"", "ai.onnx"})
ROUNDING_NAMES = {"ROUND": "HALF_EVEN", "ROUND_HALF_EVEN": "HALF_EVEN", "ROUND_TO_ZERO": "DOWN"}
"""Other names of rounding modes."""

AttributeValue = int | float | str | bytes | list[int] | list[float] | Array


class UnsupportedError(Exception):
    """Raised by an importer: why this node cannot be compiled, in words for the user."""


@dataclass(frozen=True, slots=True, eq=False)
class OnnxNode:
    """A node of the model with its attributes unpacked. `opset` is the version of the standard operators in force."""

    name: str
    operator: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, AttributeValue]
    opset: int
    proto: onnx.NodeProto

    def integer(self, name: str, default: int) -> int:
        """An integer attribute."""
        value = self.attributes.get(name, default)
        if not isinstance(value, int):
            raise UnsupportedError(f"the attribute {name} is not an integer")
        return value

    def real(self, name: str, default: float) -> float:
        """A float attribute."""
        value = self.attributes.get(name, default)
        if not isinstance(value, (int, float)):
            raise UnsupportedError(f"the attribute {name} is not a number")
        return float(value)

    def text(self, name: str, default: str) -> str:
        """A string attribute."""
        value = self.attributes.get(name, default)
        if not isinstance(value, (bytes, str)):
            raise UnsupportedError(f"the attribute {name} is not a text")
        return value.decode(errors="replace") if isinstance(value, bytes) else value

    def integers(self, name: str) -> tuple[int, ...] | None:
        """A list of integers, None where the attribute is absent."""
        value = self.attributes.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, int) for item in value):
            raise UnsupportedError(f"the attribute {name} is not a list of integers")
        return tuple(int(item) for item in value)

    def input(self, position: int) -> str:
        """Name of an input; empty where it is left out."""
        return self.inputs[position] if position < len(self.inputs) else ""


def is_quantiser(proto: onnx.NodeProto) -> bool:
    """Whether a node is a quantiser of the QONNX or PULP domains (older exports leave the domain empty)."""
    domains = QONNX_DOMAINS if proto.op_type in QONNX_OPERATORS else PULP_DOMAINS
    return proto.op_type in QUANTISER_INPUTS and (proto.domain in domains or proto.domain in STANDARD_DOMAINS)


def check_arguments(node: OnnxNode) -> None:
    """Raises UnsupportedError where numbers of inputs and outputs or kinds of attributes are not the operator's."""
    if is_quantiser(node.proto):
        if len(node.inputs) not in QUANTISER_INPUTS[node.operator] or not all(node.inputs):
            raise UnsupportedError(
                f"{len(node.inputs)} inputs; it has {' or '.join(map(str, QUANTISER_INPUTS[node.operator]))}"
            )
        if len(node.outputs) != 1:
            raise UnsupportedError(f"{len(node.outputs)} outputs; it has one")
        return
    context = onnx.checker.C.CheckerContext()
    context.ir_version = onnx.IR_VERSION
    context.opset_imports = {"": node.opset}
    try:
        onnx.checker.check_node(node.proto, context)
    except onnx.checker.ValidationError as error:
        raise UnsupportedError(" ".join(str(error).split())) from error


def rounding_mode(node: OnnxNode, default: str) -> str:
    """The rounding mode of a quantiser under the name that `ops.quantize.ROUNDING` has for it, where it has one."""
    mode = node.text("rounding_mode", default).upper()
    return ROUNDING_NAMES.get(mode, mode)


def requant_limits(node: OnnxNode) -> tuple[int, int, int]:
    """Shift, least and greatest code of a RequantShift, whose attributes are integers or tensors of one number."""
    numbers = []
    for names in (("div",), ("n_levels_out", "n_levels"), ("signed",)):
        stated = next((node.attributes[name] for name in names if name in node.attributes), None)
        number = np.asarray(0.5 if stated is None or isinstance(stated, (str, bytes)) else stated, np.float64)
        if number.size != 1 or number.ravel()[0] % 1:
            raise UnsupportedError(f"the attribute {names[0]} is absent or no integer")
        numbers.append(int(number.ravel()[0]))
    divisor, levels, signed = numbers
    if divisor < 1 or divisor & (divisor - 1) or divisor > 1 << 40 or levels < 2 or levels % 2:
        raise UnsupportedError(f"div={divisor}, n_levels={levels}: a power of two and an even number are needed")
    lo = -levels // 2 if signed else 0
    return divisor.bit_length() - 1, lo, lo + levels - 1


def channel_axis(node: OnnxNode, rank: int) -> int:
    """The axis that the thresholds of a MultiThreshold are for; without data_layout as qonnx 1.0.0 guesses it from
    the rank.
    """
    layout = node.text("data_layout", "") or {2: "NC", 3: "NWC", 4: "NCHW"}.get(rank, "")
    return layout.index("C") if "C" in layout else min(1, rank - 1)


def unpack(protos: Iterable[onnx.NodeProto], opset: int) -> list[OnnxNode]:
    """Nodes with names of their own: a node without a name is called after its operator and position."""
    nodes: list[OnnxNode] = []
    for position, proto in enumerate(protos):
        attributes = {
            a.name: numpy_helper.to_array(a.t)
            if a.type == onnx.AttributeProto.TENSOR
            else onnx.helper.get_attribute_value(a)
            for a in proto.attribute
        }
        nodes.append(
            OnnxNode(
                proto.name or f"{proto.op_type}_{position}",
                proto.op_type,
                proto.domain,
                tuple(proto.input),
                tuple(proto.output),
                attributes,
                opset,
                proto,
            )
        )
    return nodes


def standard_opset(model: onnx.ModelProto) -> int:
    """Version of the standard operator set; 1 where the model states none."""
    return max((o.version for o in model.opset_import if o.domain in STANDARD_DOMAINS), default=1)


def element_name(element: int) -> str:
    """Name of an ONNX element type, as the standard writes it."""
    return (
        str(TensorProto.DataType.Name(element)) if element in TensorProto.DataType.values() else f"{element}, unknown"
    )


def finn_datatypes(graph: onnx.GraphProto) -> dict[str, str]:
    """FINN data types annotated to tensors (`finn_datatype`), by tensor name."""
    return {
        entry.tensor_name: pair.value
        for entry in graph.quantization_annotation
        for pair in entry.quant_parameter_tensor_names
        if pair.key == "finn_datatype"
    }


def real(array: Array) -> Float32Array | FloatArray:
    """The array as float32, or as float64 where float32 cannot hold all its numbers: numpy computes with it so."""
    wide = np.result_type(array.dtype, np.float32) == np.float64
    return array.astype(np.float64) if wide else array.astype(np.float32)


def float32(array: Array) -> Array:
    """The array as float32, which is what the reference computes in."""
    return np.asarray(array).astype(np.float32)
