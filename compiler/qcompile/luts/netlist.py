"""A layer as a network of truth tables over bits: data, its evaluation, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qcompile.ir.types import Array, IntArray, IntType


@dataclass(frozen=True, slots=True)
class Gate:
    """One bit as a table of others: bit p of `table` is the output for the input pattern p, inputs[0] in its low bit.

    Nets are numbers: those below the layer's `input_bits` are the bits of its input vector, then one for each gate in
    order. A gate without inputs is a constant. `neuron` is the output element it was made for.
    """

    inputs: tuple[int, ...]
    table: int
    neuron: int

    def values(self) -> Array:
        """The table as bool (2 ** inputs,)."""
        size = 1 << len(self.inputs)
        packed = np.frombuffer(self.table.to_bytes(-(-size // 8), "little"), np.uint8)
        return np.unpackbits(packed, count=size, bitorder="little").astype(bool)


@dataclass(frozen=True, slots=True, eq=False)
class LayerNetlist:
    """Gates in topological order from the bits of one vector to those of another, element 0 in the low bits.

    `name` is an identifier that shows the model's layer, `origin` the names of the model's nodes. `results` has the net
    of every output bit; `live` says which of them something reads: the others are zero. `sources` are, for each output
    element, the input elements that it is a function of.
    """

    name: str
    origin: tuple[str, ...]
    input: IntType
    inputs: int
    output: IntType
    outputs: int
    gates: tuple[Gate, ...]
    results: tuple[int, ...]
    live: tuple[bool, ...]
    sources: tuple[tuple[int, ...], ...]

    @property
    def input_bits(self) -> int:
        """Bits of the input vector."""
        return self.inputs * self.input.bits

    def evaluate(self, bits: Array) -> Array:
        """Output bits of input bits, both bool (vectors, bits)."""
        nets = [bits[:, k] for k in range(self.input_bits)]
        for gate in self.gates:
            table = gate.values()
            index = np.zeros(bits.shape[0], np.int64)
            for k, net in enumerate(gate.inputs):
                index |= nets[net].astype(np.int64) << k
            nets.append(table[index])
        dead = np.zeros(bits.shape[0], bool)
        columns = [nets[net] if live else dead for net, live in zip(self.results, self.live, strict=True)]
        return np.stack(columns, axis=1)

    def levels(self, lut_size: int = 6) -> int:
        """LUTs behind each other on the longest path."""
        depth = [0] * self.input_bits
        for gate in self.gates:
            own = table_levels(len(gate.inputs), lut_size)
            depth.append(own + max((depth[net] for net in gate.inputs), default=0))
        return max((depth[net] for net, live in zip(self.results, self.live, strict=True) if live), default=0)

    def luts(self, lut_size: int = 6) -> int:
        """LUTs of `lut_size` inputs that the gates take as they are, before any synthesis."""
        return sum(table_luts(len(gate.inputs), lut_size) for gate in self.gates)


def to_bits(values: IntArray, element: IntType) -> Array:
    """Integers (vectors, elements) as bool (vectors, elements * bits), element 0 first, low bit first."""
    codes = values[:, :, None] >> np.arange(element.bits) & 1
    return codes.reshape(values.shape[0], -1).astype(bool)


def from_bits(bits: Array, element: IntType) -> IntArray:
    """The inverse of `to_bits`: int64 (vectors, elements)."""
    grouped = bits.reshape(bits.shape[0], -1, element.bits).astype(np.int64)
    weights = np.int64(1) << np.arange(element.bits)
    if element.signed:
        weights[-1] = -weights[-1]
    values: IntArray = grouped @ weights
    return values


def table_luts(inputs: int, lut_size: int = 6) -> int:
    """LUTs of a table without any structure: multiplexers of four (or two) ways between tables of `lut_size` inputs.

    For LUTs of six inputs that is LogicNets' (2**(X - 4) - (-1)**X) / 3.
    """
    if inputs == 0:
        return 0
    if inputs <= lut_size:
        return 1
    if lut_size < 6 or (inputs - lut_size) % 2:
        return 1 + 2 * table_luts(inputs - 1, lut_size)
    return 1 + 4 * table_luts(inputs - 2, lut_size)


def table_levels(inputs: int, lut_size: int = 6) -> int:
    """LUTs behind each other in such a table."""
    if inputs == 0:
        return 0
    step = 2 if lut_size >= 6 else 1
    return 1 + max(0, -(-(inputs - lut_size) // step))


def logicnets_luts(inputs: int, outputs: int) -> float:
    """LogicNets' analytic cost of a neuron: `inputs` bits to `outputs` bits (Umuroglu et al., FPL 2020)."""
    if inputs <= 6:
        return float(outputs)
    return outputs / 3 * ((1 << inputs - 4) - (-1 if inputs % 2 else 1))


def total_luts(layers: Sequence[LayerNetlist], lut_size: int = 6) -> int:
    """LUTs of several layers."""
    return sum(layer.luts(lut_size) for layer in layers)
