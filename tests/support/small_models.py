"""Small networks for tests of the whole way: built in a second, simulated in a few."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx

from .onnx_models import ModelBuilder


def weights(b: ModelBuilder, rng: np.random.Generator, rows: int, columns: int, bits: int = 3) -> str:
    """Quantised random weights, scale 1/4: every integer of the network is exact in float32."""
    return b.quant(b.constant(rng.normal(0, 0.5, (rows, columns))), 0.25, 0.0, float(bits), narrow=1)


def mlp() -> onnx.ModelProto:
    """8 inputs of four bits, a hidden layer of 6, 4 outputs."""
    b, rng = ModelBuilder(), np.random.default_rng(1)
    x = b.quant("x", 0.125, 0.0, 4.0, signed=0)
    x = b.node("MatMul", [x, weights(b, rng, 8, 6)])
    x = b.quant(b.node("Relu", [x]), 0.5, 0.0, 2.0, signed=0)
    return b.model((1, 8), b.node("MatMul", [x, weights(b, rng, 6, 4)]))


def untyped() -> onnx.ModelProto:
    """Nothing quantises the input."""
    b, rng = ModelBuilder(), np.random.default_rng(2)
    x = b.node("MatMul", ["x", weights(b, rng, 8, 4)])
    return b.model((1, 8), b.quant(x, 0.5, 0.0, 3.0))


def forked() -> onnx.ModelProto:
    """One quantised tensor feeds two layers of different widths; three outputs, one of them that tensor itself."""
    b, rng = ModelBuilder(), np.random.default_rng(3)
    x = b.quant("x", 0.125, 0.0, 4.0, signed=0)
    x = b.quant(b.node("Relu", [b.node("MatMul", [x, weights(b, rng, 8, 6)])]), 0.5, 0.0, 2.0, signed=0)
    first = b.node("MatMul", [x, weights(b, rng, 6, 4)])
    second = b.quant(b.node("MatMul", [x, weights(b, rng, 6, 3)]), 0.5, 0.0, 3.0)
    return b.model((1, 8), first, second, x)


def two_inputs() -> onnx.ModelProto:
    """Two networks side by side in one model."""
    b, rng = ModelBuilder(), np.random.default_rng(4)
    ends = []
    for name, columns in (("x", 8), ("z", 6)):
        x = b.quant(name, 0.125, 0.0, 4.0, signed=0)
        ends.append(b.node("MatMul", [x, weights(b, rng, columns, 4)]))
    model = b.model((1, 8), *ends)
    second = onnx.helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, (1, 6))
    model.graph.input.append(second)
    return model


def save(make: Callable[[], onnx.ModelProto], folder: Path, name: str = "") -> Path:
    """The model as a file called after it."""
    path = folder / f"{name or make.__name__}.onnx"
    onnx.save(make(), path)
    return path
