"""Networks of published topologies with generated weights and statistics: CNV and MobileNetV1, as QONNX.

Nothing is trained and nothing downloaded. Scales are powers of two and the statistics of BatchNormalization are those
that sums of such random terms have, so that activations use all of their levels. The same seed gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

QONNX = "qonnx.custom_op.general"
OPSET, IR_VERSION = 17, 8
SEED = 2026
PIXEL_BITS = 8

Array = npt.NDArray[np.float32]


@dataclass(slots=True)
class Network:
    """A chain of nodes under construction. `last` is the tensor that the next layer reads, `channels` how many it has,
    `power` the mean square of its elements.
    """

    generator: np.random.Generator
    channels: int
    last: str = "image"
    power: float = 1 / 3
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initialisers: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, name: str, value: npt.ArrayLike) -> str:
        """An initialiser, float32; returns its name."""
        self.initialisers.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def node(self, name: str, operator: str, operands: Sequence[str] = (), domain: str = "", **attributes: Any) -> None:
        """A node behind the last one."""
        inputs = [self.last, *operands]
        self.nodes.append(helper.make_node(operator, inputs, [f"{name}_out"], name, domain=domain, **attributes))
        self.last = f"{name}_out"

    def weights(self, name: str, shape: tuple[int, ...], bits: int, axis: int) -> str:
        """Weights that pass through their quantiser, scale 1: -1 and +1 for one bit, else narrow integers. No channel
        of `axis` has zeros alone.
        """
        bound = 2 ** (bits - 1) - 1
        if bits == 1:
            values = self.generator.choice([-1.0, 1.0], shape)
            return self._quantised(f"{name}_weights", values, "BipolarQuant", [1.0])
        values = np.clip(np.rint(self.generator.normal(0, (bound + 1) / 2, shape)), -bound, bound)
        dead = ~np.any(values, axis=tuple(k for k in range(len(shape)) if k != axis), keepdims=True)
        values = np.where(dead, 1.0, values)
        return self._quantised(
            f"{name}_weights", values, "Quant", [1.0, 0.0, bits], signed=1, narrow=1, rounding_mode="ROUND"
        )

    def _quantised(
        self, name: str, values: npt.NDArray[np.float64], operator: str, settings: Sequence[float], **attributes: Any
    ) -> str:
        names = [self.constant(f"{name}_{k}", setting) for k, setting in enumerate(settings)]
        inputs = [self.constant(name, values), *names]
        self.nodes.append(
            helper.make_node(operator, inputs, [f"{name}_quantised"], f"{name}_quantiser", domain=QONNX, **attributes)
        )
        self._spread = float(np.mean(values**2))
        return f"{name}_quantised"

    _spread: float = 0.0

    def convolution(self, name: str, outputs: int, kernel: int, bits: int, **attributes: Any) -> None:
        """A convolution without bias; one of groups takes one channel in each."""
        inputs = self.channels // attributes.get("group", 1)
        weights = self.weights(name, (outputs, inputs, kernel, kernel), bits, 0)
        self.node(name, "Conv", [weights], kernel_shape=[kernel, kernel], **attributes)
        self.channels, self.power = outputs, self.power * inputs * kernel**2 * self._spread

    def dense(self, name: str, outputs: int, bits: int) -> None:
        """A dense layer without bias."""
        self.node(name, "MatMul", [self.weights(name, (self.channels, outputs), bits, 1)])
        self.channels, self.power = outputs, self.power * self.channels * self._spread

    def batch_normalisation(self, name: str) -> None:
        """Brings what comes in, sums of many random terms, to a variance of about one."""
        draw = self.generator
        gamma, beta = draw.uniform(0.5, 1.5, self.channels), draw.normal(0, 0.25, self.channels)
        mean = draw.normal(0, 0.25, self.channels) * np.sqrt(self.power)
        variance = self.power * draw.uniform(0.5, 1.5, self.channels)
        statistics = {"scale": gamma, "bias": beta, "mean": mean, "variance": variance}
        operands = [self.constant(f"{name}_{part}", value) for part, value in statistics.items()]
        self.node(name, "BatchNormalization", operands)
        self.power = 1.0

    def quantiser(self, name: str, bits: int, scale: float, *, signed: bool) -> None:
        """An activation: -1 or +1 for one signed bit, else integers times `scale`."""
        if bits == 1 and signed:
            self.node(name, "BipolarQuant", [self.constant(f"{name}_scale", scale)], QONNX)
        else:
            settings = {"scale": scale, "zero_point": 0.0, "bits": float(bits)}
            operands = [self.constant(f"{name}_{part}", value) for part, value in settings.items()]
            self.node(name, "Quant", operands, QONNX, signed=int(signed), narrow=0, rounding_mode="ROUND")

    def model(self, name: str, frame: Sequence[int], outputs: int) -> onnx.ModelProto:
        """The model from "image", (1, *frame), to the last tensor, (1, outputs)."""
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, *frame])
        result = helper.make_tensor_value_info(self.last, TensorProto.FLOAT, [1, outputs])
        graph = helper.make_graph(self.nodes, name, [image], [result], self.initialisers)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(QONNX, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def cnv(weight_bits: int, activation_bits: int) -> onnx.ModelProto:
    """CNV, the network for CIFAR-10 of the FINN papers: 32x32 pixels of 8 bits, six convolutions of 3x3 without padding,
    two max poolings, three dense layers.
    """
    network = Network(np.random.default_rng(SEED), 3)
    network.quantiser("input", PIXEL_BITS, 2.0**-PIXEL_BITS, signed=False)

    def activation(name: str) -> None:
        network.batch_normalisation(f"{name}_norm")
        network.quantiser(f"{name}_quant", activation_bits, 1.0, signed=True)
        network.power = 1.0

    for number, outputs in enumerate((64, 64, 128, 128, 256, 256), 1):
        network.convolution(f"conv{number}", outputs, 3, weight_bits)
        activation(f"conv{number}")
        if number in (2, 4):
            network.node(f"pool{number}", "MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    network.node("flatten", "Flatten")
    for number, outputs in enumerate((512, 512), 1):
        network.dense(f"fc{number}", outputs, weight_bits)
        activation(f"fc{number}")
    network.dense("fc3", 10, weight_bits)
    return network.model(f"cnv_w{weight_bits}a{activation_bits}", (3, 32, 32), 10)


MOBILENET_BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
"""Output channels at full width and stride of each depthwise separable block of MobileNetV1."""


def mobilenet(size: int, eighths: int, bits: int = 4) -> onnx.ModelProto:
    """MobileNetV1 for images of `size` x `size` pixels, its width in eighths of the published one, 1,000 classes.

    Weights and activations have `bits` bits, those of the first convolution 8.
    """
    network = Network(np.random.default_rng(SEED), 3)
    network.quantiser("input", PIXEL_BITS, 2.0**-PIXEL_BITS, signed=False)
    scale = 2.0 ** -(bits - 2)

    def layer(name: str, outputs: int, kernel: int, weight_bits: int, stride: int, group: int = 1) -> None:
        border = [kernel // 2] * 4
        network.convolution(name, outputs, kernel, weight_bits, strides=[stride] * 2, pads=border, group=group)
        network.batch_normalisation(f"{name}_norm")
        network.node(f"{name}_relu", "Relu")
        network.quantiser(f"{name}_quant", bits, scale, signed=False)
        network.power = 0.5

    layer("conv1", 32 * eighths // 8, 3, PIXEL_BITS, 2)
    for number, (outputs, stride) in enumerate(MOBILENET_BLOCKS, 2):
        layer(f"depthwise{number}", network.channels, 3, bits, stride, network.channels)
        layer(f"pointwise{number}", outputs * eighths // 8, 1, bits, 1)
    network.node("pool", "GlobalAveragePool")
    network.quantiser("pool_quant", bits, scale / 2, signed=False)
    network.node("flatten", "Flatten")
    network.dense("classes", 1000, bits)
    return network.model(f"mobilenet_{size}", (3, size, size), 1000)


NETWORKS: Mapping[str, Callable[[], onnx.ModelProto]] = {
    "cnv_w1a1": lambda: cnv(1, 1),
    "cnv_w1a2": lambda: cnv(1, 2),
    "cnv_w2a2": lambda: cnv(2, 2),
    "mobilenet_0.25_96": lambda: mobilenet(96, 2),
    "mobilenet_1.0_224": lambda: mobilenet(224, 8),
}
"""All of them, by name."""


def write(name: str, folder: Path) -> Path:
    """Writes the network of this name into a folder and returns its path."""
    path = folder / f"{name}.onnx"
    path.write_bytes(NETWORKS[name]().SerializeToString(deterministic=True))
    return path
