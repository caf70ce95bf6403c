"""Names of the dialects: operator domains, and how a node is spoken of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import numpy as np
import onnx
from onnx import numpy_helper

from qcompile.ir.types import Array

QONNX_DOMAINS = frozenset({"qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general"})
QONNX_OPERATORS = frozenset({"Quant", "IntQuant", "BipolarQuant", "Trunc", "MultiThreshold"})
STANDARD_DOMAINS = frozenset({"", "ai.onnx"})
ROUNDING_NAMES = {"ROUND": "HALF_EVEN", "ROUND_HALF_EVEN": "HALF_EVEN", "ROUND_TO_ZERO": "DOWN"}
"""Other names of rounding modes."""

AttributeValue = int | float | str | bytes | list[int] | list[float] | Array


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
        return int(cast(int, self.attributes.get(name, default)))

    def real(self, name: str, default: float) -> float:
        """A float attribute."""
        return float(cast(float, self.attributes.get(name, default)))

    def text(self, name: str, default: str) -> str:
        """A string attribute."""
        value = self.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else str(value)

    def integers(self, name: str) -> tuple[int, ...] | None:
        """A list of integers, None where the attribute is absent."""
        value = self.attributes.get(name)
        return None if value is None else tuple(int(item) for item in cast(list[int], value))

    def input(self, position: int) -> str:
        """Name of an input; empty where it is left out."""
        return self.inputs[position] if position < len(self.inputs) else ""


def is_quantiser(proto: onnx.NodeProto) -> bool:
    """Whether a node is one of the QONNX operators (older exports leave the domain empty)."""
    return proto.op_type in QONNX_OPERATORS and (proto.domain in QONNX_DOMAINS or proto.domain in STANDARD_DOMAINS)


def rounding_mode(node: OnnxNode, default: str) -> str:
    """The rounding mode of a quantiser under the name that `ops.quantize.ROUNDING` has for it, where it has one."""
    mode = node.text("rounding_mode", default).upper()
    return ROUNDING_NAMES.get(mode, mode)


def channel_axis(node: OnnxNode, rank: int) -> int:
    """The axis that the thresholds of a MultiThreshold are for; without data_layout as qonnx 1.0.0 guesses it from the rank."""
    layout = node.text("data_layout", "") or {2: "NC", 3: "NWC", 4: "NCHW"}.get(rank, "")
    return layout.index("C") if "C" in layout else min(1, rank - 1)


def unpack(protos: Iterable[onnx.NodeProto], opset: int) -> list[OnnxNode]:
    """Nodes with names of their own: a node without a name is called after its operator and position."""
    nodes: list[OnnxNode] = []
    for position, proto in enumerate(protos):
        attributes = {
            a.name: numpy_helper.to_array(a.t) if a.type == onnx.AttributeProto.TENSOR else onnx.helper.get_attribute_value(a)
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


def annotations(graph: onnx.GraphProto) -> dict[str, str]:
    """FINN data types annotated to tensors (`finn_datatype`), by tensor name."""
    return {
        entry.tensor_name: pair.value
        for entry in graph.quantization_annotation
        for pair in entry.quant_parameter_tensor_names
        if pair.key == "finn_datatype"
    }


def float32(array: Array) -> Array:
    """The array as float32, which is what the reference computes in."""
    return np.asarray(array).astype(np.float32)
