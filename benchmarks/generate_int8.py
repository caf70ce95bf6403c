"""Networks of 8 bits with generated weights: the topologies of two MLPerf Tiny tasks that nobody shares here.

Visual wake words is MobileNetV1 of a quarter width for images of 96 x 96 pixels; anomaly detection is an autoencoder of dense
layers. As QDQ, with asymmetric activations, symmetric weights with a scale for each channel, biases of 32 bits and Relu taken
into the zero point, as tf2onnx writes them; the autoencoder as quantised operators, too. Nothing is trained. Scales are those
that activations of such random weights fill. The same seed gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from generate import IR_VERSION, MOBILENET_BLOCKS, OPSET, SEED
from onnx import TensorProto, helper, numpy_helper

WEIGHT_SPREAD = 40
"""Standard deviation of weights as integers."""

REACH = 4.0
"""How many standard deviations a quantiser covers."""


@dataclass(frozen=True, slots=True)
class Quantised:
    """A tensor: its codes by name, the names of its scale and zero point, the scale, and the mean square of its numbers."""

    codes: str
    scale_name: str
    zero_name: str
    scale: float
    power: float


@dataclass(slots=True)
class Int8Network:
    """A chain under construction. `operators` says that it becomes quantised operators instead of QDQ."""

    operators: bool = False
    draw: np.random.Generator = field(default_factory=lambda: np.random.default_rng(SEED))
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initialisers: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, name: str, value: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        """An initialiser; returns its name."""
        self.initialisers.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """A node called after its output; returns that."""
        domain = "com.microsoft" if operator == "QGemm" else ""
        self.nodes.append(helper.make_node(operator, list(inputs), [output], f"{output}_node", domain=domain, **attributes))
        return output

    def settings(self, name: str, deviation: float, *, rectified: bool, power: float) -> Quantised:
        """Scale and zero point for numbers of this standard deviation, or for those of them above zero."""
        scale = float(np.float32(REACH * deviation / 255 * (1 if rectified else 2) * self.draw.uniform(0.9, 1.1)))
        zero = -128 if rectified else int(self.draw.integers(-20, 21))
        names = self.constant(f"{name}_scale", scale), self.constant(f"{name}_zero", zero, np.int8)
        return Quantised(f"{name}_codes", *names, scale, power)

    def quantised(self, name: str, x: str, deviation: float, *, rectified: bool, power: float) -> Quantised:
        """A real tensor through QuantizeLinear."""
        result = self.settings(name, deviation, rectified=rectified, power=power)
        self.node("QuantizeLinear", [x, result.scale_name, result.zero_name], result.codes)
        return result

    def real(self, x: Quantised) -> str:
        """Its numbers, by DequantizeLinear."""
        return self.node("DequantizeLinear", [x.codes, x.scale_name, x.zero_name], f"{x.codes}_real")

    def weights(self, name: str, x: Quantised, shape: tuple[int, ...], axis: int) -> tuple[list[str], list[str]]:
        """Codes, scale and zero point of weights and of a bias, so that sums have a standard deviation of about one."""
        outputs = shape[axis]
        inputs = int(np.prod(shape)) // outputs
        codes = np.clip(np.rint(self.draw.normal(0, WEIGHT_SPREAD, shape)), -127, 127)
        scale = self.draw.uniform(0.7, 1.3, outputs) / (WEIGHT_SPREAD * np.sqrt(inputs * x.power))
        scale = scale.astype(np.float32)
        bias_scale = np.float32(x.scale) * scale
        bias = np.rint(self.draw.normal(0, 0.25, outputs) / bias_scale)
        matrix = [self.constant(f"{name}_weights", codes, np.int8), self.constant(f"{name}_weights_scale", scale)]
        matrix.append(self.constant(f"{name}_weights_zero", np.zeros(outputs), np.int8))
        offset = [self.constant(f"{name}_bias", bias, np.int32), self.constant(f"{name}_bias_scale", bias_scale)]
        return matrix, offset

    def convolution(self, name: str, x: Quantised, shape: tuple[int, ...], **attributes: Any) -> Quantised:
        """A convolution, rectified."""
        matrix, offset = self.weights(name, x, shape, 0)
        inputs = [self.real(x), self.node("DequantizeLinear", matrix, f"{name}_weights_real", axis=0)]
        inputs.append(self.node("DequantizeLinear", offset, f"{name}_bias_real", axis=0))
        total = self.node("Conv", inputs, f"{name}_sum", kernel_shape=list(shape[2:]), **attributes)
        return self.quantised(name, total, 1.0, rectified=True, power=0.5)

    def dense(self, name: str, x: Quantised, inputs: int, outputs: int, *, rectified: bool) -> Quantised:
        """A dense layer."""
        matrix, offset = self.weights(name, x, (inputs, outputs), 1)
        power = 0.5 if rectified else 1.0
        if self.operators:
            result = self.settings(name, 1.0, rectified=rectified, power=power)
            operands = [x.codes, x.scale_name, x.zero_name, *matrix, offset[0], result.scale_name, result.zero_name]
            self.node("QGemm", operands, result.codes)
            return result
        product = [self.real(x), self.node("DequantizeLinear", matrix, f"{name}_weights_real", axis=1)]
        bias = self.node("DequantizeLinear", offset, f"{name}_bias_real", axis=0)
        total = self.node("Add", [self.node("MatMul", product, f"{name}_product"), bias], f"{name}_sum")
        return self.quantised(name, total, 1.0, rectified=rectified, power=power)

    def model(self, name: str, frame: Sequence[int], result: str, outputs: int) -> onnx.ModelProto:
        """The model from "input", (1, *frame), to `result`, (1, outputs)."""
        source = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, *frame])
        end = helper.make_tensor_value_info(result, TensorProto.FLOAT, [1, outputs])
        graph = helper.make_graph(self.nodes, name, [source], [end], self.initialisers)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def visual_wake_words() -> onnx.ModelProto:
    """MobileNetV1 of a quarter width, 96 x 96 pixels of three colours, two classes."""
    n = Int8Network()
    x = n.quantised("image", "input", 0.25, rectified=True, power=1 / 3)
    x = n.convolution("conv1", x, (8, 3, 3, 3), strides=[2, 2], pads=[0, 0, 1, 1])
    channels = 8
    for number, (full, stride) in enumerate(MOBILENET_BLOCKS, 2):
        pads = [0, 0, 1, 1] if stride == 2 else [1, 1, 1, 1]
        x = n.convolution(
            f"depthwise{number}", x, (channels, 1, 3, 3), strides=[stride] * 2, pads=pads, group=channels
        )
        x = n.convolution(f"pointwise{number}", x, (full // 4, channels, 1, 1))
        channels = full // 4
    pooled = n.node("AveragePool", [n.real(x)], "mean", kernel_shape=[3, 3])
    x = n.quantised("pool", pooled, 0.5, rectified=True, power=0.25)
    flat = n.node("Reshape", [n.real(x), n.constant("flat_shape", [1, channels], np.int64)], "flat")
    x = n.quantised("features", flat, 0.5, rectified=True, power=0.25)
    x = n.dense("classes", x, channels, 2, rectified=False)
    return n.model("visual_wake_words", (3, 96, 96), n.node("Softmax", [n.real(x)], "probabilities", axis=-1), 2)


def anomaly_detection(*, operators: bool = False) -> onnx.ModelProto:
    """640 numbers, four dense layers of 128, one of 8, four of 128, and 640 numbers again."""
    n = Int8Network(operators)
    x = n.quantised("features", "input", 1.0, rectified=False, power=1.0)
    inputs = 640
    for number, outputs in enumerate((128, 128, 128, 128, 8, 128, 128, 128, 128), 1):
        x = n.dense(f"dense{number}", x, inputs, outputs, rectified=True)
        inputs = outputs
    x = n.dense("decoded", x, inputs, 640, rectified=False)
    return n.model("anomaly_detection", (640,), n.real(x), 640)


NETWORKS: Mapping[str, Callable[[], onnx.ModelProto]] = {
    "autoencoder_operators": lambda: anomaly_detection(operators=True),
    "autoencoder_qdq": anomaly_detection,
    "mobilenet_0.25_96_qdq": visual_wake_words,
}
"""All of them, by name."""


def write(name: str, folder: Path) -> Path:
    """Writes the network of this name into a folder and returns its path."""
    path = folder / f"{name}.onnx"
    path.write_bytes(NETWORKS[name]().SerializeToString(deterministic=True))
    return path
