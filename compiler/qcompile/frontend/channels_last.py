"""The domain `qonnx.custom_op.channels_last`: standard operators on tensors whose channels are the last axis.

As published with qonnx, the operator sees its first input, and for Conv the weights, with the last axis moved to the second
place, and its result is moved back. Each such node is written as the standard one between Transpose nodes, so nothing
else needs to know the domain.
"""

from __future__ import annotations

import onnx
from onnx import helper

from qcompile.frontend.dialect import UnsupportedError

DOMAIN = "qonnx.custom_op.channels_last"
OPERATORS = {"BatchNormalization": 1, "Conv": 2, "MaxPool": 1}
"""The operators, and how many of their inputs have the channels last."""


def standardised(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without nodes of the domain: itself where it has none. Those in an unknown form are left as they are."""
    if all(node.domain != DOMAIN for node in model.graph.node):
        return model
    result = onnx.ModelProto()
    result.CopyFrom(model)
    ranks = {value.name: len(value.type.tensor_type.shape.dim) for value in (*model.graph.value_info, *model.graph.input)}
    ranks |= {tensor.name: len(tensor.dims) for tensor in model.graph.initializer}
    del result.graph.node[:]
    for position, node in enumerate(model.graph.node):
        if node.input and node.output and node.input[0] in ranks:
            ranks.setdefault(node.output[0], ranks[node.input[0]])
        result.graph.node.extend(_standard(node, position, ranks))
    return result


def refuse_foreign(node: onnx.NodeProto) -> None:
    """Raises UnsupportedError for a node of the domain that `standardised` has left."""
    if node.domain == DOMAIN:
        published = ", ".join(OPERATORS)
        raise UnsupportedError(f"{node.op_type} of the domain {DOMAIN}, which has {published} for tensors of 3 or 4 axes")


def _standard(node: onnx.NodeProto, position: int, ranks: dict[str, int]) -> list[onnx.NodeProto]:
    """The nodes in place of one."""
    kernel = next((len(a.ints) for a in node.attribute if a.name == "kernel_shape"), None)
    rank = ranks.get(node.input[0], 0) if kernel is None else kernel + 2
    if node.domain != DOMAIN or node.op_type not in OPERATORS or rank not in (3, 4) or len(node.output) != 1:
        return [node]
    name, output = node.name or f"{node.op_type}_{position}", node.output[0]
    ranks[output] = rank
    forwards, backwards = [0, rank - 1, *range(1, rank - 1)], [0, *range(2, rank), 1]
    inputs = list(node.input)
    nodes = []
    for k in range(OPERATORS[node.op_type]):
        inputs[k] = f"{output}.channels_first_{k}"
        nodes.append(helper.make_node("Transpose", [node.input[k]], [inputs[k]], f"{name}.input_{k}", perm=forwards))
    inner = onnx.NodeProto()
    inner.CopyFrom(node)
    inner.domain, inner.name = "", name
    del inner.input[:]
    del inner.output[:]
    inner.input.extend(inputs)
    inner.output.append(f"{output}.channels_first")
    back = helper.make_node("Transpose", inner.output, [output], f"{name}.output", perm=backwards)
    return [*nodes, inner, back]
