"""Writing the nodes and constants that stand in place of one node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from qcompile.frontend.node_writer import Attributes
from qcompile.ir.graph import fresh_name
from qcompile.ir.types import Array


@dataclass(slots=True)
class Emitter:
    """What is written for the tensor `output` of the node `name`; further tensors are called after both.

    `taken` are the names that the model has already.
    """

    name: str
    output: str
    opset: int
    taken: set[str]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initialisers: list[onnx.TensorProto] = field(default_factory=list)

    def fresh(self, stem: str) -> str:
        """A name for a tensor."""
        name = fresh_name(f"{self.output}.{stem}", self.taken)
        self.taken.add(name)
        return name

    def apply(
        self,
        operator: str,
        inputs: Sequence[str],
        stem: str = "",
        attributes: Attributes | None = None,
        domain: str = "",
    ) -> str:
        """Appends a node; without a stem it makes the output and has the name of the node that did."""
        output = self.fresh(stem) if stem else self.output
        name = f"{self.name}.{stem}" if stem else self.name
        node = helper.make_node(operator, list(inputs), [output], name, domain=domain)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in sorted((attributes or {}).items()))
        self.nodes.append(node)
        return output

    def constant(self, value: npt.ArrayLike, stem: str, element: int = TensorProto.FLOAT) -> str:
        """Appends an initialiser of this element type."""
        name = self.fresh(stem)
        array: Array = np.asarray(value, helper.tensor_dtype_to_np_dtype(element))
        self.initialisers.append(numpy_helper.from_array(array, name))
        return name

    def bounded(self, x: str, lo: Array, hi: Array, stem: str = "") -> str:
        """x, but at least `lo` and at most `hi`, which are float32 and broadcast against it."""
        if lo.size == 1 and hi.size == 1:
            if self.opset < FIRST_OPSET_WITH_BOUNDS_AS_INPUTS:
                limits = {"min": float(lo.ravel()[0]), "max": float(hi.ravel()[0])}
                return self.apply("Clip", [x], stem, limits)
            names = [self.constant(bound.reshape(()), name) for bound, name in ((lo, "least"), (hi, "greatest"))]
            return self.apply("Clip", [x, *names], stem)
        least = self.apply("Max", [x, self.constant(lo, "least")], f"{stem or 'bounded'}.below")
        return self.apply("Min", [least, self.constant(hi, "greatest")], stem)

    def include(self, function: onnx.FunctionProto, inputs: Sequence[str], output: str) -> None:
        """Appends the nodes of a function with one output."""
        names = dict(zip(function.input, inputs, strict=True)) | {function.output[0]: output}
        for node in function.node:
            for name in node.output:
                if name not in names:
                    names[name] = self.fresh(name)
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            copy.name = f"{self.name}.{names[node.output[0]].removeprefix(f'{self.output}.')}"
            del copy.input[:]
            del copy.output[:]
            copy.input.extend(names[name] for name in node.input)
            copy.output.extend(names[name] for name in node.output)
            self.nodes.append(copy)


FIRST_OPSET_WITH_BOUNDS_AS_INPUTS = 11
