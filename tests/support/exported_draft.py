"""Small models in the forms in which frameworks export them: one function a model, quantised as QONNX or as QDQ says it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tests.support.onnx_models import ModelBuilder

Drawn = tuple[str | tuple[str, ...], tuple[int, ...]]
"""Outputs, and the shape of the input."""


@dataclass(slots=True)
class Draft:
    """A model with the input `x` under construction; `qdq` says which quantisers it has."""

    qdq: bool
    builder: ModelBuilder = field(default_factory=ModelBuilder)
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def node(
        self, operator: str, inputs: list[str], attributes: dict[str, object] | None = None, outputs: int = 1
    ) -> str:
        return self.builder.node(operator, inputs, attributes, outputs=outputs)

    def constant(self, value: object, dtype: type = np.float32) -> str:
        return self.builder.constant(value, dtype)

    def integers(self, *values: int) -> str:
        return self.builder.constant(values, np.int64)

    def quant(self, x: str, scale: float = 0.25, bits: int = 4, signed: int = 1) -> str:
        """`bits` of QONNX; QDQ has 8."""
        if not self.qdq:
            return self.builder.quant(x, scale, 0.0, float(bits), signed=signed)
        operands = [self.constant(scale), self.constant(0, np.int8 if signed else np.uint8)]
        return self.node("DequantizeLinear", [self.node("QuantizeLinear", [x, *operands]), *operands])

    def unsigned(self, x: str, scale: float = 0.25, bits: int = 4) -> str:
        return self.quant(x, scale, bits, 0)

    def weights(self, *shape: int) -> str:
        codes = np.clip(np.rint(self.rng.normal(0, 2, shape)), -7, 7)
        if not self.qdq:
            return self.builder.quant(self.constant(codes / 4), 0.25, 0.0, 4.0, narrow=1)
        operands = [self.constant(codes, np.int8), self.constant(0.25), self.constant(0, np.int8)]
        return self.node("DequantizeLinear", operands)

    def bias(self, channels: int) -> str:
        codes = self.rng.integers(-8, 8, channels)
        if not self.qdq:
            return self.constant(codes / 16)
        return self.node(
            "DequantizeLinear", [self.constant(codes, np.int32), self.constant(1 / 16), self.constant(0, np.int32)]
        )

    def conv(
        self, x: str, outputs: int, inputs: int, k: int | list[int] = 3, bias: bool = True, **attributes: object
    ) -> str:
        """Padded to the same size unless `pads` says otherwise."""
        kernel = [k, k] if isinstance(k, int) else k
        groups = int(str(attributes.get("group", 1)))
        operands = [x, self.weights(outputs, inputs // groups, *kernel)] + ([self.bias(outputs)] if bias else [])
        return self.node("Conv", operands, {"pads": [(n - 1) // 2 for n in kernel] * 2} | attributes)

    def features(self, channels: int = 4) -> str:
        """A first layer of two input channels."""
        return self.unsigned(self.node("Relu", [self.conv(self.quant("x"), channels, 2)]))
