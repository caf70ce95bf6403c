"""Writing nodes of standard operators in place of one of another dialect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from qcompile.frontend.dialect import UnsupportedError
from qcompile.ir.types import Array


@dataclass(slots=True)
class Rewriter:
    """Nodes in place of one, called after it and after its output."""

    node: onnx.NodeProto
    name: str
    constants: Mapping[str, Array]
    nodes: list[onnx.NodeProto] = field(default_factory=list)

    @property
    def output(self) -> str:
        """The first output of the replaced node."""
        return str(self.node.output[0])

    def input(self, position: int) -> str:
        """An input by name, which must be there."""
        if position >= len(self.node.input) or not self.node.input[position]:
            raise UnsupportedError(f"{self.node.op_type} without its input {position + 1}")
        return str(self.node.input[position])

    def given(self, position: int) -> bool:
        """Whether an optional input is there."""
        return position < len(self.node.input) and bool(self.node.input[position])

    def constant(self, position: int, what: str) -> Array:
        """The value of an input."""
        name = self.input(position)
        if name not in self.constants:
            raise UnsupportedError(f"its {what} ('{name}') is no constant of the model")
        return self.constants[name]

    def scale(self, position: int, what: str) -> np.float32:
        """A scale for the whole tensor."""
        array = self.constant(position, what)
        if array.size != 1:
            raise UnsupportedError(f"a {what} for each channel")
        return np.float32(array.ravel()[0])

    def attribute(self, name: str, default: float) -> float:
        """An attribute that is a number."""
        return next((helper.get_attribute_value(a) for a in self.node.attribute if a.name == name), default)

    def add(
        self, operator: str, inputs: list[str], stem: str = "", without: tuple[str, ...] = (), attributed: bool = False
    ) -> str:
        """Appends a standard node; without a stem it makes the output of all. `attributed`: as the replaced one."""
        name = f"{self.output}.{stem}" if stem else self.output
        node = helper.make_node(operator, inputs, [name], self.name if attributed else f"{self.name}.{stem or 'output'}")
        node.attribute.extend(a for a in self.node.attribute if attributed and a.name not in without)
        self.nodes.append(node)
        return name

    def number(self, value: npt.ArrayLike, stem: str) -> str:
        """Appends a constant of float32."""
        name = f"{self.output}.{stem}"
        tensor = numpy_helper.from_array(np.asarray(value, np.float32), name)
        self.nodes.append(helper.make_node("Constant", [], [name], f"{self.name}.{stem}", value=tensor))
        return name

    def integers(self, position: int, zero_point: int) -> str:
        """An input as the numbers that its codes are, less the zero point."""
        inputs = [self.input(position), self.number(1, "unit")]
        return self.add("DequantizeLinear", [*inputs, *([self.input(zero_point)] if self.given(zero_point) else [])], "x")

    def real(self, first: int, stem: str) -> str:
        """Three inputs (codes, scale, zero point) as real numbers."""
        return self.add("DequantizeLinear", [self.input(first + k) for k in range(3)], stem)

    def quantise(self, x: str, scale: int, zero_point: int) -> None:
        """The output from real numbers."""
        self.add("QuantizeLinear", [x, self.input(scale), self.input(zero_point)])

    def channels_first(self, x: str, rank: int) -> str:
        """A tensor of so many axes with the last one moved behind the batch."""
        return self._transposed(x, [0, rank - 1, *range(1, rank - 1)], "channels_first")

    def channels_last(self, x: str, rank: int) -> str:
        """The way back."""
        return self._transposed(x, [0, *range(2, rank), 1], "channels_last")

    def _transposed(self, x: str, perm: list[int], stem: str) -> str:
        transposed = self.add("Transpose", [x], stem)
        self.nodes[-1].attribute.append(helper.make_attribute("perm", perm))
        return transposed

    def requantise(self, total: str, factor: Array, zero_point: int, last: int = 0) -> None:
        """The output from sums; with `last` axes its channels are the last of them."""
        product = self.add("Mul", [total, self.number(factor, "factor")], "scaled")
        if last:
            product = self.channels_last(product, last)
        self.add("QuantizeLinear", [product, self.number(1, "one"), self.input(zero_point)])
