"""LUT netlists: what each layer and each neuron costs, by LogicNets' formula and as built, and what less would save."""

from __future__ import annotations

from dataclasses import dataclass

from qcompile.ir.dataflow import Dataflow
from qcompile.kernels import LutNetlist
from qcompile.luts.netlist import LayerNetlist, logicnets_luts, table_luts


@dataclass(frozen=True, slots=True)
class NeuronFigures:
    """`input_bits` that a neuron reads, `luts` built for it (what neurons share counts for the first), `logicnets_luts`
    of its table by LogicNets' formula, and `saved`: LUTs that one input bit less would save, at the ratio of the two.
    """

    input_bits: int
    luts: int
    logicnets_luts: float
    saved: float


@dataclass(frozen=True, slots=True)
class LayerFigures:
    """A layer of a netlist; `levels` are LUTs behind each other."""

    instance: str
    layer: str
    input_bits: int
    luts: int
    logicnets_luts: float
    levels: int
    neurons: tuple[NeuronFigures, ...]


def netlist_figures(dataflow: Dataflow, lut_inputs: int) -> tuple[LayerFigures, ...]:
    """Every layer of every LUT netlist, in order. `lut_inputs` are those of the target's LUTs."""
    return tuple(
        _layer(instance.name, layer, lut_inputs)
        for instance in dataflow.instances
        if isinstance(instance.kernel, LutNetlist)
        for layer in instance.kernel.layers
    )


def _layer(instance: str, layer: LayerNetlist, lut_inputs: int) -> LayerFigures:
    built = [0] * layer.outputs
    for gate in layer.gates:
        built[gate.neuron] += table_luts(len(gate.inputs), lut_inputs)
    neurons = []
    for luts, sources in zip(built, layer.sources, strict=True):
        bits = len(sources) * layer.input.bits
        formula = logicnets_luts(bits, layer.output.bits)
        less = logicnets_luts(max(bits - 1, 0), layer.output.bits)
        neurons.append(NeuronFigures(bits, luts, round(formula, 2), round(luts * (1 - less / formula), 2)))
    return LayerFigures(
        instance,
        ", ".join(layer.origin) or layer.name,
        max((neuron.input_bits for neuron in neurons), default=0),
        sum(built),
        round(sum(neuron.logicnets_luts for neuron in neurons), 2),
        layer.levels(lut_inputs),
        tuple(neurons),
    )
