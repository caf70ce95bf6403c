"""What the template of LUT netlists in HLS C++ sees: a type for each layer."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from qcompile.kernels.lut_views import WIDTH, gate_names, gates_of_neurons, reads, title
from qcompile.luts.netlist import Gate, LayerNetlist

WORD = 64
"""Bits of the numbers that tables are made of: see hls/lut_netlist.hpp."""


@dataclass(frozen=True, slots=True)
class HlsNeuronView:
    """An output element: what it reads, and statements that compute its bits."""

    number: int
    reads: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HlsLayerView:
    """A layer as a type with a function."""

    name: str
    title: str
    inputs: int
    input_bits: int
    outputs: int
    output_bits: int
    neurons: tuple[HlsNeuronView, ...]


def hls_layer_view(name: str, layer: LayerNetlist) -> HlsLayerView:
    """The layer with the names of its nets in RTL: bit b of input element e is x[e][b], of neuron n the net n<n>_b<b>."""
    names, gates = gate_names(layer), gates_of_neurons(layer)
    neurons = []
    for neuron, sources in enumerate(layer.sources):
        lines = [line for number in gates.get(neuron, ()) for line in _gate(names, layer.input_bits + number, layer.gates[number])]
        for bit in range(layer.output.bits):
            place = neuron * layer.output.bits + bit
            value = names[layer.results[place]] if layer.live[place] else "false"
            lines.append(f"y[{neuron}][{bit}] = {value};")
        neurons.append(HlsNeuronView(neuron, reads(sources), tuple(lines)))
    return HlsLayerView(
        name, title(layer), layer.inputs, layer.input.bits, layer.outputs, layer.output.bits, tuple(neurons)
    )


def _gate(names: list[str], net: int, gate: Gate) -> Iterator[str]:
    """Statements that make a net: a constant, an inverter, a table of one word or of several."""
    name, operands = names[net], ", ".join(names[k] for k in gate.inputs)
    if not gate.inputs:
        yield f"const bool {name} = {'true' if gate.table else 'false'};"
    elif len(gate.inputs) == 1:
        yield f"const bool {name} = !{operands};"
    elif 1 << len(gate.inputs) <= WORD:
        yield f"const bool {name} = gate({gate.table:#x}ULL, {operands});"
    else:
        words = [gate.table >> WORD * k & ((1 << WORD) - 1) for k in range((1 << len(gate.inputs)) // WORD)]
        yield f"static const std::uint64_t {name.upper()}[{len(words)}] = {{"
        yield from (f"    {line}" for line in textwrap.wrap(", ".join(f"{word:#x}ULL" for word in words), WIDTH))
        yield "};"
        yield f"const bool {name} = gate({name.upper()}, {operands});"
