"""Every neuron's gates against its table, on every pattern that can reach it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qcompile.ir.types import Array, IntArray
from qcompile.luts.netlist import LayerNetlist, to_bits
from qcompile.luts.tables import Layer, NeuronTable, enumerate_layers


@dataclass(frozen=True, slots=True)
class TableProof:
    """What was compared: neurons, and patterns over all of them. `fault` is the first difference in words, or empty."""

    tables: int
    patterns: int
    fault: str

    def __add__(self, other: TableProof) -> TableProof:
        return TableProof(self.tables + other.tables, self.patterns + other.patterns, self.fault or other.fault)


NO_TABLES = TableProof(0, 0, "")
"""The proof of a design without tables."""


def prove_layers(layers: Sequence[Layer], netlists: Sequence[LayerNetlist], lo: IntArray, hi: IntArray) -> TableProof:
    """Enumerates the layers anew for inputs in lo..hi (int64 (elements,)) and evaluates the gates of each neuron."""
    tables, _ = enumerate_layers(layers, lo, hi)
    total = NO_TABLES
    for netlist, rows in zip(netlists, tables, strict=True):
        for neuron, table in enumerate(rows):
            total += TableProof(1, len(table.values), neuron_fault(netlist, neuron, table))
    return total


def neuron_fault(netlist: LayerNetlist, neuron: int, table: NeuronTable) -> str:
    """The first pattern on which the gates of a neuron give another bit than its table; empty where there is none."""
    width = netlist.output.bits
    bits = [k for k in range(neuron * width, (neuron + 1) * width) if netlist.live[k]]
    given = neuron_bits(netlist, [netlist.results[k] for k in bits], table)
    wanted = to_bits(table.values[:, None], netlist.output)[:, [k - neuron * width for k in bits]]
    wrong = np.argwhere(given != wanted)
    if not wrong.size:
        return ""
    row, column = wrong[0]
    pattern = ", ".join(f"x[{s}] = {v}" for s, v in zip(table.sources, table.patterns[row], strict=True))
    return (
        f"{netlist.name}, neuron {neuron}, bit {bits[column] - neuron * width}: {int(given[row, column])} in place of "
        f"{int(wanted[row, column])} for {pattern}"
    )


def neuron_bits(netlist: LayerNetlist, results: Sequence[int], table: NeuronTable) -> Array:
    """Bits of some nets for the patterns of a table, bool (patterns, results), through the gates that they need."""
    width, first = netlist.input.bits, netlist.input_bits
    needed, waiting = set[int](), list(results)
    while waiting:
        net = waiting.pop()
        if net not in needed:
            needed.add(net)
            waiting += netlist.gates[net - first].inputs if net >= first else ()
    place = {source: k for k, source in enumerate(table.sources)}
    known: dict[int, Array] = {}
    for net in sorted(needed):
        if net < first:
            source, bit = divmod(net, width)
            known[net] = (table.patterns[:, place[source]] >> bit & 1).astype(np.int64)
            continue
        gate = netlist.gates[net - first]
        index = np.zeros(len(table.values), np.int64)
        for k, source in enumerate(gate.inputs):
            index |= known[source] << k
        known[net] = gate.values()[index].astype(np.int64)
    columns = [known[net].astype(bool) for net in results]
    return np.stack(columns, axis=1) if columns else np.zeros((len(table.values), 0), bool)
