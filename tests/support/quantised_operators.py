"""QDQ models as quantised operators: what stands between DequantizeLinear and QuantizeLinear becomes one of onnxruntime's.

A Relu or another activation behind a sum goes: these models only have to be networks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper, numpy_helper

from qcompile.ir.types import Array

MICROSOFT = "com.microsoft"
POINTWISE = {"AveragePool", "GlobalAveragePool", "LeakyRelu", "Sigmoid"}
JOINTS = {"Add", "Mul"}
ABSORBED = {"Relu", "Clip", "BatchNormalization", "PRelu"}


@dataclass(slots=True, eq=False)
class _Fusing:
    model: onnx.ModelProto
    producers: dict[str, onnx.NodeProto]
    readers: dict[str, list[onnx.NodeProto]]
    constants: dict[str, Array]
    added: list[onnx.TensorProto]

    def dequantised(self, name: str) -> list[str] | None:
        """Codes, scale and zero point of a tensor of one scale that DequantizeLinear gives."""
        node = self.producers.get(name)
        if node is None or node.op_type != "DequantizeLinear" or len(node.input) != 3 or node.domain:
            return None
        return list(node.input) if self.constants[node.input[1]].size == 1 else None

    def weights(self, name: str, axis: int) -> list[str] | None:
        """The same of constants of 8 bits, one scale or one for each place on `axis`."""
        node = self.producers.get(name)
        if node is None or node.op_type != "DequantizeLinear" or node.input[0] not in self.constants:
            return None
        codes, scale = self.constants[node.input[0]], self.constants[node.input[1]]
        stated = next((a.i for a in node.attribute if a.name == "axis"), 1)
        if codes.dtype not in (np.int8, np.uint8) or not (scale.size == 1 or stated == axis % codes.ndim):
            return None
        return list(node.input)

    def bias(self, name: str, x: list[str], w: list[str]) -> str:
        """A bias as integers of the scale of the sums."""
        scale = self.constants[x[1]].ravel() * self.constants[w[1]].ravel()
        codes = np.clip(np.rint(self.constants[name].ravel() / scale), -(2**23), 2**23).astype(np.int32)
        self.added.append(numpy_helper.from_array(codes, f"{name}.codes_{len(self.added)}"))
        return self.added[-1].name


def as_quantised_operators(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with quantised operators where there is one for what stands between the quantisers."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    producers = {name: node for node in graph.node for name in node.output}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    constants |= {n.output[0]: numpy_helper.to_array(n.attribute[0].t) for n in graph.node if n.op_type == "Constant"}
    fusing = _Fusing(result, producers, readers, constants, [])
    replaced: dict[int, onnx.NodeProto | None] = {}
    outputs = {value.name for value in graph.output}
    for node in graph.node:
        if node.op_type == "Constant":
            continue
        last, tensors = node, [node.output[0]]
        while len(readers.get(tensors[-1], [])) == 1 and (last is node or last.op_type in ABSORBED):
            (last,) = readers[tensors[-1]]
            tensors.append(last.output[0])
        if outputs.intersection(tensors[:-1]) or last.op_type != "QuantizeLinear" or last.domain:
            continue
        if constants[last.input[2]].dtype not in (np.int8, np.uint8):
            continue
        written = _written(fusing, node, last)
        if written is not None:
            replaced[id(node)], replaced[id(last)] = None, written
    kept = [replaced.get(id(node), node) for node in graph.node]
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in kept if node is not None]
    del graph.node[:]
    graph.node.extend(_needed(copies, outputs))
    graph.initializer.extend(fusing.added)
    return result


def _written(f: _Fusing, node: onnx.NodeProto, last: onnx.NodeProto) -> onnx.NodeProto | None:
    """One node in place of an operator and the QuantizeLinear behind it. Kernels take inputs and outputs of one type."""
    output, kind = list(last.input[1:]), f.constants[last.input[2]].dtype
    weighted = node.op_type in ("Conv", "MatMul", "Gemm")
    parts = [f.dequantised(name) for name in (node.input[:1] if weighted else node.input)]
    tensors = [part for part in parts if part is not None]
    if len(tensors) < len(parts) or any(f.constants[part[2]].dtype != kind for part in tensors):
        return None
    operator, domain, inputs = f"QLinear{node.op_type}", MICROSOFT, [name for part in tensors for name in part]
    if weighted:
        further = _weights(f, node, tensors[0])
        if further is None:
            return None
        w, bias = further
        operator, domain = ("QGemm", MICROSOFT) if node.op_type == "Gemm" else (operator, "")
        inputs += [*w, bias, *output] if node.op_type == "Gemm" else [*w, *output, *([bias] if bias else [])]
    elif node.op_type == "Concat":
        inputs = [*output, *inputs]
    elif node.op_type in POINTWISE | JOINTS:
        inputs += output
    else:
        return None
    written = helper.make_node(operator, inputs, [last.output[0]], node.name, domain=domain)
    written.attribute.extend(a for a in node.attribute if a.name != "beta")
    return written


def _weights(f: _Fusing, node: onnx.NodeProto, x: list[str]) -> tuple[list[str], str] | None:
    """Weights and bias (an empty name for none) of a product."""
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    axis = {"Conv": 0, "MatMul": -1, "Gemm": 0 if attributes.get("transB", 0) else 1}[node.op_type]
    w = f.weights(node.input[1], axis)
    if w is None or (node.op_type == "Gemm" and {attributes.get("alpha", 1.0), attributes.get("beta", 1.0)} != {1.0}):
        return None
    return w, f.bias(node.input[2], x, w) if len(node.input) > 2 else ""


def _needed(nodes: list[onnx.NodeProto], outputs: set[str]) -> list[onnx.NodeProto]:
    needed, kept = set(outputs), []
    for node in reversed(nodes):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    return kept[::-1]
