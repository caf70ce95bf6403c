"""Writing ONNX nodes one after another, each named after what it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from qcompile.ir.types import Array

Attributes = Mapping[str, int | float | str | list[int]]


@dataclass(slots=True)
class NodeWriter:
    """Nodes written so far; every tensor made here is called `prefix` and a number, unless it is given a name."""

    prefix: str = "t"
    nodes: list[onnx.NodeProto] = field(default_factory=list)

    def apply(self, operator: str, *inputs: str, output: str = "", attributes: Attributes | None = None) -> str:
        """Appends a node with one output; returns the name of the output."""
        output = output or f"{self.prefix}{len(self.nodes)}"
        node = helper.make_node(operator, list(inputs), [output], name=output)
        for name, value in sorted((attributes or {}).items()):
            node.attribute.append(helper.make_attribute(name, value))
        self.nodes.append(node)
        return output

    def constant(self, value: npt.ArrayLike, dtype: npt.DTypeLike) -> str:
        """Appends a constant; returns its name."""
        output = f"{self.prefix}{len(self.nodes)}"
        array: Array = np.asarray(value, dtype)
        tensor = numpy_helper.from_array(array, output)
        self.nodes.append(helper.make_node("Constant", [], [output], name=output, value=tensor))
        return output
