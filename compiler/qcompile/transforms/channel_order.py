"""Channels that become pixels come in the order in which they are taken: what moves them then moves whole runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Graph, Node
from qcompile.ir.network import Network, Tap
from qcompile.ir.types import Array, IntArray, Range, read_only
from qcompile.ops import Lookup, MatMul, Take, Threshold
from qcompile.transforms.sub_pixels import blocks


@dataclass(frozen=True, slots=True)
class ChannelOrder:
    """The outputs of a product in front of DepthToSpace in the order block row, block column, channel: of the mode CRD, in which
    the channels of a pixel lie far apart, becomes DCR.
    """

    name: ClassVar[str] = "channel-order"

    def run(self, network: Network) -> Network:
        """The network with columns of weights, and what stands behind them, in another order."""
        for node in network.integer.nodes:
            found = _in_front(network.integer, node) if isinstance(node.op, Take) else None
            if found is not None:
                network = _ordered(network, node, *found)
        return network


def _in_front(graph: Graph, moved: Node) -> tuple[tuple[Node, ...], IntArray] | None:
    """The product in front of a reordering and the functions of single elements between, and the order of channels (the old
    number of each); None where there is none or that is their own.
    """
    readers = graph.consumers()
    chain: list[Node] = []
    node = graph.producer(moved.inputs[0])
    while node is not None and isinstance(node.op, (Lookup, MatMul, Threshold)):
        if node.output in graph.outputs or len(readers[node.output]) > 1:
            return None
        chain.insert(0, node)
        if isinstance(node.op, MatMul):
            break
        node = graph.producer(node.inputs[0])
    if node is None or not chain or not isinstance(chain[0].op, MatMul):
        return None
    found = blocks(graph.constants[moved.inputs[1]], graph.values[node.output].shape)
    if found is None or np.array_equal(found.reshape(-1), np.arange(found.size)):
        return None
    return tuple(chain), found.reshape(-1)


def _ordered(network: Network, moved: Node, chain: tuple[Node, ...], order: IntArray) -> Network:
    graph = network.integer
    values, constants = dict(graph.values), dict(graph.constants)
    place = np.argsort(order)

    def taken(array: Array) -> Array:
        """A row for each channel, or one number for each."""
        return array[order] if array.shape[0] == order.size else array

    def at(index: IntArray) -> IntArray:
        """Where elements of a frame lie in the new order."""
        pixel, channel = np.divmod(index, order.size)
        moved_to: IntArray = pixel * order.size + place[channel]
        return moved_to

    for node in chain:
        known = values[node.output].range
        assert known is not None
        if known.lo.size == order.size:
            values[node.output] = replace(values[node.output], range=Range.of(known.lo[order], known.hi[order]))
        for number, name in enumerate(node.inputs[1:]):
            weights = isinstance(node.op, MatMul) and number == 0
            constants[name] = read_only(constants[name][:, order] if weights else taken(constants[name]))
    constants[moved.inputs[1]] = read_only(at(constants[moved.inputs[1]]))
    changed = {node.output for node in chain}

    def tapped(tap: Tap) -> Tap:
        if tap.value not in changed:
            return tap
        elements = int(np.prod(values[tap.value].shape))
        index = at(np.arange(elements) if tap.index is None else tap.index)
        parts = (np.atleast_1d(part) for part in (tap.scale, tap.shift, tap.offset))
        scale, shift, offset = (part[order] if part.size == order.size else part for part in parts)
        return replace(tap, index=index, scale=scale, shift=shift, offset=offset)

    integer = replace(graph, values=values, constants=constants)
    return replace(network, integer=integer, taps=tuple(tapped(tap) for tap in network.taps))
