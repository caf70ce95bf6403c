"""Networks that join computed tensors, from an ONNX file to simulated RTL.

Sums of products are exact in float32 (their scales are powers of two); the scales at the joins are not, and every integer
must agree all the same.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from qcompile.cli import main

from ..support.onnx_models import ModelBuilder
from .test_convolutional import activation, weights

Network = Callable[[np.random.Generator], tuple[ModelBuilder, tuple[str, ...], tuple[int, ...]]]


def convolution(b: ModelBuilder, rng: np.random.Generator, x: str, outputs: int, inputs: int, size: int = 3) -> str:
    """As large as its input."""
    return b.node("Conv", [x, weights(b, rng, outputs, inputs, size, size)], {"pads": [size // 2] * 4})


def residual(rng: np.random.Generator) -> tuple[ModelBuilder, tuple[str, ...], tuple[int, ...]]:
    """A shortcut of another scale; the quantiser of the branch in front of the sum, that of the sum behind a Relu."""
    b = ModelBuilder()
    x = activation(b, convolution(b, rng, b.quant("x", 0.25, 0.0, 4.0), 4, 1))
    y = b.quant(convolution(b, rng, activation(b, convolution(b, rng, x, 4, 4)), 4, 4), 0.137, 0.0, 5.0)
    x = activation(b, b.node("Add", [x, y]), 0.231, 4)
    y = b.quant(convolution(b, rng, x, 4, 4, 1), 0.0731, 0.0, 6.0)
    return b, (b.quant(b.node("Sub", [x, y]), 0.17, 0.0, 5.0),), (1, 1, 6, 5)


def unquantised(rng: np.random.Generator) -> tuple[ModelBuilder, tuple[str, ...], tuple[int, ...]]:
    """A sum of a product and of a tensor, quantised behind it only; BatchNormalization behind the sum; a chain of three."""
    b = ModelBuilder()
    x = activation(b, convolution(b, rng, b.quant("x", 0.25, 0.0, 4.0), 4, 1))
    s = b.node("Add", [convolution(b, rng, x, 4, 4, 1), x])
    parameters = [b.constant(v) for v in (rng.uniform(0.5, 2, 4), rng.normal(0, 1, 4), rng.normal(0, 1, 4))]
    s = b.node("BatchNormalization", [s, *parameters, b.constant(rng.uniform(0.5, 2, 4))])
    s = activation(b, s, 0.31, 4)
    y = b.node("Sum", [x, x, convolution(b, rng, x, 4, 4, 1)])
    y = b.quant(y, 0.5, 0.0, 5.0)
    return b, (b.quant(b.node("Add", [s, y]), 0.4, 0.0, 4.0),), (1, 1, 5, 4)


def gated(rng: np.random.Generator) -> tuple[ModelBuilder, tuple[str, ...], tuple[int, ...]]:
    """Squeeze-and-excite with two dense convolutions, then a gate for each pixel, then Swish as a product."""
    b = ModelBuilder()
    x = activation(b, convolution(b, rng, b.quant("x", 0.25, 0.0, 4.0), 6, 1))
    g = b.quant(b.node("GlobalAveragePool", [x]), 0.0625, 0.0, 6.0, signed=0)
    g = activation(b, b.node("Conv", [g, weights(b, rng, 3, 6, 1, 1)]), 0.125)
    g = b.node("HardSigmoid", [b.node("Conv", [g, weights(b, rng, 6, 3, 1, 1)])])
    x = b.quant(b.node("Mul", [x, b.quant(g, 0.0667, 0.0, 4.0, signed=0)]), 0.0913, 0.0, 5.0, signed=0)
    x = b.quant(convolution(b, rng, x, 6, 6, 1), 0.25, 0.0, 5.0)
    g = b.quant(b.node("Sigmoid", [convolution(b, rng, x, 1, 6)]), 0.0625, 0.0, 4.0, signed=0)
    x = b.quant(b.node("Mul", [g, x]), 0.125, 0.0, 5.0)
    return b, (b.quant(b.node("Mul", [x, b.node("HardSigmoid", [x])]), 0.11, 0.0, 5.0),), (1, 1, 5, 4)


def dense(rng: np.random.Generator) -> tuple[ModelBuilder, tuple[str, ...], tuple[int, ...]]:
    """Vectors against matrices, bipolar gates, and a product that leaves the accelerator as it is."""
    b = ModelBuilder()
    x = b.quant("x", 0.125, 0.0, 4.0)
    y = b.quant(b.node("MatMul", [x, weights(b, rng, 6, 4)]), 0.2, 0.0, 4.0)
    g = b.node("Reshape", [x, b.constant([1, 18], np.int64)])
    g = b.node("MatMul", [g, weights(b, rng, 18, 4)])
    sign = b.node("BipolarQuant", [g, b.constant(0.37)], domain=b.qonnx_domain)
    z = b.node("Mul", [sign, y])
    y = b.quant(b.node("Add", [b.quant(g, 0.31, 0.0, 4.0), y]), 0.3, 0.0, 4.0)
    return b, (z, b.node("MatMul", [y, weights(b, rng, 4, 2)])), (1, 3, 6)


def attention(rng: np.random.Generator) -> tuple[ModelBuilder, tuple[str, ...], tuple[int, ...]]:
    """Two heads: queries with keys, a function of each score, with values; then a product of two matrices that are not
    transposed, and a residual sum.
    """
    b = ModelBuilder()
    x = b.quant("x", 0.125, 0.0, 4.0)
    heads = []
    for _ in range(3):
        y = b.quant(b.node("MatMul", [x, weights(b, rng, 6, 4)]), 0.25, 0.0, 4.0)
        y = b.node("Reshape", [y, b.constant([1, 5, 2, 2], np.int64)])
        heads.append(b.node("Transpose", [y], {"perm": [0, 2, 1, 3]}))
    query, key, value = heads
    score = b.node("MatMul", [query, b.node("Transpose", [key], {"perm": [0, 1, 3, 2]})])
    score = b.quant(b.node("HardSigmoid", [score]), 0.0625, 0.0, 4.0, signed=0)
    y = b.quant(b.node("MatMul", [score, value]), 0.19, 0.0, 5.0)
    y = b.node("Reshape", [b.node("Transpose", [y], {"perm": [0, 2, 1, 3]}), b.constant([1, 5, 4], np.int64)])
    y = b.quant(b.node("MatMul", [y, weights(b, rng, 4, 6)]), 0.23, 0.0, 5.0)
    x = b.quant(b.node("Add", [x, y]), 0.21, 0.0, 4.0)
    mixed = b.quant(b.node("MatMul", [x, weights(b, rng, 6, 5)]), 0.5, 0.0, 4.0)
    return b, (b.node("MatMul", [mixed, x]),), (1, 5, 6)


NETWORKS: list[Network] = [residual, unquantised, gated, dense, attention]


@pytest.mark.parametrize("network", NETWORKS)
def test_exact_in_rtl(network: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    builder, outputs, shape = network(np.random.default_rng(11))
    onnx.save(builder.model(shape, *outputs), tmp_path / "model.onnx")
    arguments = [str(tmp_path / "model.onnx"), "--target", "pynq-z2", "-o", str(tmp_path / "build"), "--check"]
    assert main([*arguments, "--rtl-frames", "40"]) == 0
    verdict = json.loads(capsys.readouterr().out.splitlines()[-1])
    manifest = json.loads((tmp_path / "build" / "manifest.json").read_text(encoding="utf-8"))
    assert (verdict["mismatches"], verdict["ties"], verdict["rtl_mismatches"], verdict["rtl_frames"]) == (0, 0, 0, 40)
    assert verdict["interval"] == manifest["interval_cycles"]
