"""Small ONNX models, built node by node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from qcompile.frontend.constants import IR_VERSION, OnnxruntimeError, open_session
from qcompile.frontend.importer import import_model
from qcompile.frontend.reference import make_reference
from qcompile.ir.types import Array

QONNX = "qonnx.custom_op.general"


def _loads(opset: int) -> bool:
    """Whether the installed onnxruntime runs this operator set, quantisers included: it may lack some operators of the last one."""
    scale = numpy_helper.from_array(np.float32(1), "scale")
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("QuantizeLinear", ["r", "scale"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "scale"], ["y"]),
    ]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    model = helper.make_model(helper.make_graph(nodes, "quantised", [x], [y], [scale]), ir_version=IR_VERSION)
    model.opset_import[0].version = opset
    try:
        open_session(model)
    except OnnxruntimeError:
        return False
    return True


NEWEST = next(opset for opset in range(onnx.defs.onnx_opset_version(), 0, -1) if _loads(opset))
"""The newest operator set that the installed onnx and onnxruntime both know."""


@dataclass(slots=True)
class ModelBuilder:
    """Nodes and constants of a model with the input `x`. Constants are initialisers, or Constant nodes."""

    opset: int = 17
    constant_nodes: bool = False
    qonnx_domain: str = QONNX
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initialisers: list[onnx.TensorProto] = field(default_factory=list)
    count: int = 0

    def fresh(self, stem: str) -> str:
        """A name not used before."""
        self.count += 1
        return f"{stem}_{self.count}"

    def constant(self, value: object, dtype: object = np.float32) -> str:
        """A constant; returns its name."""
        name = self.fresh("c")
        tensor = numpy_helper.from_array(np.asarray(value, dtype), name)
        if self.constant_nodes:
            self.nodes.append(helper.make_node("Constant", [], [name], name=f"n_{name}", value=tensor))
        else:
            self.initialisers.append(tensor)
        return name

    def node(
        self,
        operator: str,
        inputs: Sequence[str],
        attributes: Mapping[str, object] | None = None,
        *,
        outputs: int = 1,
        domain: str = "",
    ) -> str:
        """A node; returns the name of its first output, the others are called after it with `.1`, `.2`..."""
        name = self.fresh(operator)
        names = [name, *(f"{name}.{k}" for k in range(1, outputs))]
        node = helper.make_node(operator, inputs, names, f"node_{name}", domain=domain, **(attributes or {}))
        self.nodes.append(node)
        return name

    def quant(
        self, x: str, scale: object = 0.25, zero_point: object = 0.0, bits: object = 4.0, **attributes: object
    ) -> str:
        """A QONNX Quant node with constants of float32 unless they are arrays."""
        operands = [v if isinstance(v, str) else self._operand(v) for v in (scale, zero_point, bits)]
        merged = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"} | attributes
        return self.node("Quant", [x, *operands], merged, domain=self.qonnx_domain)

    def _operand(self, value: object) -> str:
        return self.constant(value, value.dtype if isinstance(value, np.ndarray) else np.float32)

    def model(
        self, shape: Sequence[int | str], *outputs: str, element: int = TensorProto.FLOAT, ir_version: int = 8
    ) -> onnx.ModelProto:
        """The model from x of `shape` to the named tensors."""
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid(QONNX, 1)]
        graph = helper.make_graph(
            self.nodes,
            "small",
            [helper.make_tensor_value_info("x", element, list(shape))],
            [helper.make_empty_tensor_value_info(name) for name in outputs],
            self.initialisers,
        )
        return helper.make_model(graph, opset_imports=opsets, ir_version=ir_version)


def same_bits(a: Array, b: Array) -> bool:
    """Whether two arrays hold the same numbers (NaN equals NaN, -0.0 equals 0.0), shapes and types."""
    return a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def import_and_reference(model: onnx.ModelProto, x: Array) -> tuple[Array, Array]:
    """The model's first output for frames x, as the imported graph evaluates it and as the reference gives it."""
    graph = import_model(model, "model.onnx")
    assert graph.check() == ()
    imported = graph.evaluate(x.reshape(len(x), *graph.values[graph.inputs[0]].shape))[graph.outputs[0]]
    return imported, make_reference(model).run(x)[model.graph.output[0].name]


def assert_exact(model: onnx.ModelProto, x: Array) -> None:
    """The imported graph gives the numbers of the reference, bit for bit."""
    imported, reference = import_and_reference(model, x)
    assert imported.shape == reference.shape
    assert imported.dtype == reference.dtype
    different = np.flatnonzero(~((imported == reference) | (np.isnan(imported) & np.isnan(reference))))
    assert different.size == 0, f"{imported.ravel()[different[:5]]} is not {reference.ravel()[different[:5]]}"


def samples(rng: np.random.Generator, shape: Sequence[int], frames: int = 40) -> Array:
    """float32 numbers of many magnitudes and both signs, with zeros, integers and halves among them."""
    size = frames * int(np.prod(shape))
    x = rng.normal(size=size) * 3
    x[::3] = rng.normal(size=len(x[::3])) * 10.0 ** rng.integers(-6, 3, len(x[::3]))
    x[::5] = rng.integers(-20, 21, len(x[::5])) / 2
    return rng.permutation(x).reshape(frames, *shape).astype(np.float32)
