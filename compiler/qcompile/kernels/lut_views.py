"""What the templates of LUT netlists see: names, literals and widths, everything computed."""

from __future__ import annotations

from dataclasses import dataclass

from qcompile.ir.dataflow import Schedule
from qcompile.luts.netlist import Gate, LayerNetlist

WIDTH = 110
"""Columns of a comment."""


@dataclass(frozen=True, slots=True)
class GateView:
    """A bit as a table of others, or as an expression where that is shorter (`table` is empty then)."""

    net: str
    table: str
    bits: int
    literal: str
    expression: str


@dataclass(frozen=True, slots=True)
class NeuronView:
    """An output element: what it reads, the gates made for it, and its bits as one concatenation."""

    number: int
    reads: str
    gates: tuple[GateView, ...]
    bits: str


@dataclass(frozen=True, slots=True)
class LutLayerView:
    """A layer: a module without a clock."""

    module: str
    title: str
    luts: int
    levels: int
    inputs: int
    input_bits: int
    outputs: int
    output_bits: int
    neurons: tuple[NeuronView, ...]


@dataclass(frozen=True, slots=True)
class PlacedLayer:
    """A layer within the netlist: module, names of instance, operand and result, bits of the result."""

    module: str
    instance: str
    comment: str
    operand: str
    result: str
    bits: int


@dataclass(frozen=True, slots=True)
class StageView:
    """Layers without a register between them; `register` and `valid` follow them, empty in the last stage."""

    layers: tuple[PlacedLayer, ...]
    result: str
    bits: int
    register: str
    valid: str
    valid_before: str


@dataclass(frozen=True, slots=True)
class LutNetlistView:
    """The whole netlist with its pipeline; `converter` holds the parameters of what collects a vector, if anything does."""

    module: str
    interval: int
    latency: int
    stream_bits: int
    input_bits: int
    converter: tuple[tuple[str, int | str], ...]
    output_bits: int
    stages: tuple[StageView, ...]
    result: str
    valid: str


def layer_view(module: str, layer: LayerNetlist) -> LutLayerView:
    """The layer with the names of its nets: bit b of input element e is x[e][b], of neuron n the net n<n>_b<b>."""
    width = layer.input.bits
    names, gates = gate_names(layer), gates_of_neurons(layer)
    neurons = []
    for neuron, sources in enumerate(layer.sources):
        bits = range(neuron * layer.output.bits, (neuron + 1) * layer.output.bits)
        used = [names[layer.results[bit]] if layer.live[bit] else "1'b0" for bit in reversed(bits)]
        made = tuple(_gate(names, layer.input_bits + k, layer.gates[k]) for k in gates.get(neuron, ()))
        neurons.append(NeuronView(neuron, reads(sources), made, f"{{{', '.join(used)}}}"))
    return LutLayerView(
        module,
        title(layer),
        layer.luts(),
        layer.levels(),
        layer.inputs,
        width,
        layer.outputs,
        layer.output.bits,
        tuple(neurons),
    )


def netlist_view(
    module: str,
    stages: tuple[tuple[LayerNetlist, ...], ...],
    schedule: Schedule,
    converter: tuple[tuple[str, int | str], ...],
) -> LutNetlistView:
    """The layers in a row, with a register behind each stage but the last; `converter` are parameters of the one in front."""
    views: list[StageView] = []
    operand, valid = ("vector_tdata", "vector_tvalid") if converter else ("s_axis_tdata", "s_axis_tvalid")
    for number, stage in enumerate(stages):
        placed = []
        for layer in stage:
            comment = f"{title(layer)}: {layer.outputs} of {layer.output}"
            bits = layer.outputs * layer.output.bits
            result = f"{layer.name}_result"
            placed.append(PlacedLayer(f"{module}_{layer.name}", f"{layer.name}_layer", comment, operand, result, bits))
            operand = result
        last = number == len(stages) - 1
        register, stage_valid = f"{stage[-1].name}_register", f"{stage[-1].name}_valid"
        views.append(
            StageView(
                tuple(placed), operand, bits, "" if last else register, "" if last else stage_valid, valid
            )
        )
        if not last:
            operand, valid = register, stage_valid
    first, final = stages[0][0], stages[-1][-1]
    beats = schedule.steps // len(schedule.writes[0])
    return LutNetlistView(
        module,
        beats,
        schedule.latency,
        first.input_bits // beats,
        first.input_bits,
        converter,
        final.outputs * final.output.bits,
        tuple(views),
        operand,
        valid,
    )


def title(layer: LayerNetlist) -> str:
    """The model's names for a comment of one line: they may hold anything."""
    text = ", ".join(layer.origin) or layer.name
    return "".join(character if character.isprintable() else " " for character in text)


def gates_of_neurons(layer: LayerNetlist) -> dict[int, list[int]]:
    """Numbers of the gates made for each neuron that has any."""
    gates: dict[int, list[int]] = {}
    for number, gate in enumerate(layer.gates):
        gates.setdefault(gate.neuron, []).append(number)
    return gates


def gate_names(layer: LayerNetlist) -> list[str]:
    """Every net: x[4][1] for bit 1 of input 4, n3_b0 for what is bit 0 of neuron 3, n3_t0, n3_t1... for what stands in
    between.
    """
    bits, width = layer.output.bits, layer.input.bits
    final: dict[int, str] = {}
    for bit, (net, live) in enumerate(zip(layer.results, layer.live, strict=True)):
        if live:
            final.setdefault(net, f"n{bit // bits}_b{bit % bits}")
    names = [f"x[{bit // width}][{bit % width}]" for bit in range(layer.input_bits)]
    inner = dict.fromkeys(range(layer.outputs), 0)
    for number, gate in enumerate(layer.gates):
        name = final.get(layer.input_bits + number)
        if name is None:
            name = f"n{gate.neuron}_t{inner[gate.neuron]}"
            inner[gate.neuron] += 1
        names.append(name)
    return names


def _gate(names: list[str], net: int, gate: Gate) -> GateView:
    name, size = names[net], 1 << len(gate.inputs)
    if not gate.inputs:
        return GateView(name, "", 1, "", f"1'b{gate.table}")
    if len(gate.inputs) == 1:
        return GateView(name, "", 1, "", f"!{names[gate.inputs[0]]}")
    index = ", ".join(names[k] for k in reversed(gate.inputs))
    return GateView(name, name.upper(), size, f"{size}'h{gate.table:0{-(-size // 4)}x}", f"{name.upper()}[{{{index}}}]")


def reads(sources: tuple[int, ...]) -> str:
    """The input elements that a neuron reads, in words for a comment."""
    text = ", ".join(f"x[{source}]" for source in sources) or "nothing"
    return text if len(text) <= WIDTH else f"{len(sources)} elements, x[{sources[0]}] to x[{sources[-1]}]"
