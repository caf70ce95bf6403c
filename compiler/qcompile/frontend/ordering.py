"""Topological order of a model's nodes: ONNX asks for it, not every exporter keeps to it."""

from __future__ import annotations

from collections.abc import Sequence

import networkx
import onnx

from qcompile.ir.errors import CompilerError


def in_order(protos: Sequence[onnx.NodeProto], where: str) -> list[onnx.NodeProto]:
    """The nodes with each behind those it reads from, otherwise as they stand in the file.

    Raises CompilerError for nodes that read each other in a circle, and for a tensor that two nodes define.
    """
    producer: dict[str, int] = {}
    for position, proto in enumerate(protos):
        for name in filter(None, proto.output):
            if name in producer:
                raise CompilerError(
                    f"the tensor '{name}' is defined by two nodes", where, hint="export the model again"
                )
            producer[name] = position
    graph = networkx.DiGraph()
    graph.add_nodes_from(range(len(protos)))
    for position, proto in enumerate(protos):
        graph.add_edges_from((producer[name], position) for name in proto.input if name in producer)
    try:
        order = list(networkx.lexicographical_topological_sort(graph))
    except networkx.NetworkXUnfeasible as error:
        circle = [protos[edge[0]].name or protos[edge[0]].op_type for edge in networkx.find_cycle(graph)]
        raise CompilerError(f"the nodes {', '.join(circle)} read each other in a circle", where) from error
    return [protos[position] for position in order]
