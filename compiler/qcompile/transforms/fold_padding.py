"""Padding that the window behind can add itself needs no unit of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from qcompile.ir.graph import Node
from qcompile.ir.network import Network
from qcompile.ops import Pad, SlidingWindow


@dataclass(frozen=True, slots=True)
class FoldPadding:
    """Windows take over the padding in front of them where they have none, or the same."""

    name: ClassVar[str] = "fold-padding"

    def run(self, network: Network) -> Network:
        """The network with as few units for padding as can be."""
        graph = network.integer
        producers = {node.output: node for node in graph.nodes}
        kept = {*graph.outputs, *(tap.value for tap in network.taps)}
        nodes = []
        for node in graph.nodes:
            padded = producers.get(node.inputs[0])
            if padded is not None and padded.output not in kept and len(graph.consumers()[padded.output]) == 1:
                node = _folded(node, padded)
            nodes.append(node)
        return replace(network, integer=replace(graph, nodes=tuple(nodes)).pruned())


def _folded(node: Node, padded: Node) -> Node:
    """The window on the image without padding, or the node as it is."""
    if not isinstance(node.op, SlidingWindow) or not isinstance(padded.op, Pad):
        return node
    windows, pad = node.op.windows, padded.op
    before = tuple(a + b for a, b in zip(windows.before, pad.before, strict=False))
    after = tuple(a + b for a, b in zip(windows.after, pad.after, strict=False))
    reach = [(kernel - 1) * dilation for kernel, dilation in zip(windows.kernel, windows.dilation, strict=True)]
    fits = all(max(ends) <= most for ends, most in zip(zip(before, after, strict=True), reach, strict=True))
    if not fits or windows.ceil_mode or (windows.padded and node.op.padding != int(pad.value)):
        return node
    op = replace(node.op, windows=replace(windows, before=before, after=after), padding=int(pad.value))
    return replace(node, op=op, inputs=padded.inputs)
