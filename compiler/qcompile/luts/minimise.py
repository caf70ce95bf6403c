"""Tables of neurons to the netlist of a layer, from the last layer to the first: what nobody reads is not built."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qcompile.ir.types import Array, IntArray
from qcompile.luts.decompose import Builder, Function, realise
from qcompile.luts.netlist import Gate, LayerNetlist
from qcompile.luts.tables import Layer, NeuronTable, enumerate_layers


def build(layers: Sequence[Layer], lo: IntArray, hi: IntArray, lut_size: int = 6) -> tuple[LayerNetlist, ...]:
    """Netlists of layers behind each other whose input vector lies in lo..hi, int64 (elements,) each.

    They give the same integers as the layers for every input vector within these bounds.
    """
    tables, _ = enumerate_layers(layers, lo, hi)
    live: Sequence[bool] = [True] * (layers[-1].outputs * layers[-1].output.bits)
    built: list[LayerNetlist] = []
    for layer, rows in zip(reversed(layers), reversed(tables), strict=True):
        netlist = build_layer(layer, rows, live, lut_size)
        built.append(netlist)
        used = {net for gate in netlist.gates for net in gate.inputs} | {
            net for net, alive in zip(netlist.results, netlist.live, strict=True) if alive
        }
        live = [bit in used for bit in range(netlist.input_bits)]
    return tuple(reversed(built))


def build_layer(
    layer: Layer, tables: Sequence[NeuronTable], live: Sequence[bool], lut_size: int = 6
) -> LayerNetlist:
    """The netlist of one layer; output bits that are not `live` are left out."""
    builder = Builder(layer.inputs * layer.input.bits, lut_size)
    results: list[int] = []
    for neuron, table in enumerate(tables):
        builder.neuron = neuron
        wanted = [bit for bit in range(layer.output.bits) if live[neuron * layer.output.bits + bit]]
        functions = neuron_functions(layer, table, wanted)
        nets = dict(zip(wanted, realise(builder, functions), strict=True))
        # Of a dead bit any net will do.
        results += [nets.get(bit, 0) for bit in range(layer.output.bits)]
    wanted_nets = [net for net, alive in zip(results, live, strict=True) if alive]
    gates, place = _used(builder, wanted_nets)
    return LayerNetlist(
        layer.name,
        layer.origin,
        layer.input,
        layer.inputs,
        layer.output,
        layer.outputs,
        gates,
        tuple(place[net] if alive else 0 for net, alive in zip(results, live, strict=True)),
        tuple(live),
        tuple(table.sources for table in tables),
    )


def _used(builder: Builder, wanted: Sequence[int]) -> tuple[tuple[Gate, ...], dict[int, int]]:
    """The gates that the wanted nets need, and the number of each net among them."""
    needed = set(wanted)
    for number in range(len(builder.gates) - 1, -1, -1):
        if builder.first + number in needed:
            needed.update(builder.gates[number].inputs)
    place = {net: net for net in range(builder.first)}
    gates: list[Gate] = []
    for number, gate in enumerate(builder.gates):
        if builder.first + number in needed:
            place[builder.first + number] = builder.first + len(gates)
            gates.append(Gate(tuple(place[net] for net in gate.inputs), gate.table, gate.neuron))
    return tuple(gates), place


def neuron_functions(layer: Layer, table: NeuronTable, bits: Sequence[int]) -> list[Function]:
    """Some output bits of a neuron over the bits of its sources."""
    width = layer.input.bits
    nets = tuple(source * width + bit for source in table.sources for bit in range(width))
    index = tuple(table.patterns[:, k] >> bit & 1 for k in range(len(table.sources)) for bit in range(width))
    shape = (2,) * len(nets)
    care = np.zeros(shape, bool)
    care[index] = True
    functions = []
    for bit in bits:
        value: Array = np.zeros(shape, bool)
        value[index] = (table.values >> bit & 1).astype(bool)
        functions.append(Function(nets, care, value))
    return functions
