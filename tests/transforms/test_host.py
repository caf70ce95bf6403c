"""What stands behind the last product and has no integer form is the host's, with every number of the model's outputs right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from qcompile.ir.errors import CompilerError
from tests.support.onnx_models import ModelBuilder
from tests.support.proving import assert_exact, prove

Drawn = tuple[str, ...]
SHAPE = (1, 2, 4, 4)


def conv(b: ModelBuilder, x: str, outputs: int, inputs: int = 2) -> str:
    rng = np.random.default_rng(outputs)
    w = b.quant(b.constant(rng.normal(0, 0.5, (outputs, inputs, 3, 3))), 0.25, 0.0, 4.0, narrow=1)
    return b.node("Conv", [x, w, b.constant(rng.integers(-8, 8, outputs) / 16)], {"pads": [1, 1, 1, 1]})


def normalised(b: ModelBuilder, x: str) -> str:
    parts = (b.constant(row) for row in ([1.0, 0.5, -1.0, 2.0], [0.1, 0.2, 0.3, 0.4], [0.0, 0.1, 0.2, 0.3], [1.0, 2.0, 0.5, 1.0]))
    return b.node("BatchNormalization", [x, *parts])


def pooled(b: ModelBuilder) -> Drawn:
    """A maximum is taken of the integers, what stood in front of it is computed behind."""
    y = b.node("Relu", [normalised(b, conv(b, b.quant("x"), 4))])
    y = b.node("MaxPool", [y], {"kernel_shape": [2, 2], "strides": [2, 2]})
    return (b.node("Transpose", [b.node("LeakyRelu", [y])], {"perm": [0, 2, 3, 1]}), y)


def pooled_twice(b: ModelBuilder) -> Drawn:
    y = b.node("MaxPool", [b.node("Sigmoid", [conv(b, b.quant("x"), 4)])], {"kernel_shape": [2, 2]})
    return (b.node("Flatten", [b.node("GlobalMaxPool", [b.node("Mul", [y, b.constant(-2.0)])])]),)


def padded(b: ModelBuilder) -> Drawn:
    pads = b.constant([0, 1, 1, 0, 0, 0, 2, 1], np.int64)
    return (b.node("Pad", [b.node("Relu", [conv(b, b.quant("x"), 4)]), pads]),)


def heads(b: ModelBuilder) -> Drawn:
    """A detector's: what is squashed beside what is not."""
    x = b.quant(conv(b, b.quant("x"), 4), 0.5)
    y = b.node("Concat", [b.node("Sigmoid", [conv(b, x, 2, 4)]), conv(b, x, 3, 4), b.node("Exp", [conv(b, x, 2, 4)])], {"axis": 1})
    return (b.node("Reshape", [y, b.constant([1, 7, 16], np.int64)]),)


def gated(b: ModelBuilder) -> Drawn:
    """Sums and products of numbers that are on no common grid, averaged."""
    x = b.quant("x", 0.1)
    y = b.node("Mul", [conv(b, x, 3), b.node("Sigmoid", [conv(b, x, 3)])])
    y = b.node("Add", [y, b.quant(conv(b, x, 3), 0.137)])
    return (b.node("GlobalAveragePool", [y]), b.node("Softmax", [y], {"axis": 1}))


def wavy(b: ModelBuilder) -> Drawn:
    """A maximum of a function that is not monotone, and lines between pixels of numbers on no grid."""
    y = b.node("HardSwish", [normalised(b, conv(b, b.quant("x"), 4))])
    z = b.node("Resize", [b.node("Sigmoid", [y]), "", b.constant([1.0, 1.0, 2.0, 2.0])], {"mode": "linear"})
    return (b.node("MaxPool", [y], {"kernel_shape": [2, 2]}), z)


@pytest.mark.parametrize("network", [pooled, pooled_twice, padded, heads, gated, wavy])
def test_outputs(network: Callable[[ModelBuilder], Drawn]) -> None:
    b = ModelBuilder()
    assert_exact(prove(b.model(SHAPE, *network(b)), frames=8))


def test_with_a_product_behind_it_is_refused() -> None:
    """The reason is that of the first operator which has no integers."""
    b = ModelBuilder()
    x = b.quant("x")
    y = b.node("Concat", [b.node("Sigmoid", [conv(b, x, 2)]), conv(b, x, 3)], {"axis": 1})
    with pytest.raises(CompilerError, match=f"node_{y}: its input is not quantised"):
        prove(b.model(SHAPE, conv(b, b.node("Relu", [y]), 3, 5)))
