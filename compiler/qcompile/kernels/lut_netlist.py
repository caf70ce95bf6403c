"""Layers whose neurons read few bits, as truth tables wired together: a vector each cycle (LogicNets)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from qcompile.ir.dataflow import Binding, HlsBinding, Rendered, Resources, Schedule, Stream, steps
from qcompile.ir.types import IntArray
from qcompile.kernels.folding import divisors, legal_number, legal_word
from qcompile.kernels.lut_hls import hls_layer_view
from qcompile.kernels.lut_views import layer_view, netlist_view
from qcompile.kernels.memory import skid_buffer
from qcompile.kernels.width_converter import WidthConverter
from qcompile.luts.netlist import LayerNetlist, from_bits, to_bits

MOST_LEVELS = 64
"""Greatest number of logic levels that a user may ask for between registers."""


@dataclass(frozen=True, slots=True, eq=False)
class LutNetlist:
    """`layers` behind each other on `vectors` vectors a frame; `name` is an identifier for the module.

    `lut_stages` is the number of logic levels after which there is a register, at the next border of layers; 0: behind
    every layer. `simd` elements of a vector come in a beat; 0: all of them, without a width converter in front. Inputs
    that `layers` was not built for give anything.
    """

    kind: ClassVar[str] = "lut_netlist"

    name: str
    layers: tuple[LayerNetlist, ...]
    vectors: int = 1
    lut_stages: int = 0
    simd: int = 0

    @property
    def columns(self) -> int:
        """Elements of a vector."""
        return self.layers[0].inputs

    @property
    def converter(self) -> WidthConverter | None:
        """What collects a vector from several beats."""
        if self.simd in (0, self.columns):
            return None
        beats = self.vectors * self.columns // self.simd
        return WidthConverter(Stream(self.layers[0].input, self.simd, beats), self.columns)

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """SIMD elements a beat: a vector, or part of one."""
        lanes = self.simd or self.columns
        return (Stream(self.layers[0].input, lanes, self.vectors * self.columns // lanes),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """A vector a beat."""
        return (Stream(self.layers[-1].output, self.layers[-1].outputs, self.vectors),)

    def stages(self) -> tuple[tuple[LayerNetlist, ...], ...]:
        """Layers between registers: as many as have at most `lut_stages` levels together, at least one."""
        stages: list[list[LayerNetlist]] = []
        room = 0
        for layer in self.layers:
            levels = layer.levels()
            if not stages or levels > room or not self.lut_stages:
                stages.append([])
                room = self.lut_stages
            stages[-1].append(layer)
            room -= levels
        return tuple(map(tuple, stages))

    def interval(self) -> int:
        """One cycle a beat."""
        return self.inputs[0].beats

    def schedule(self) -> Schedule:
        """A vector in, a vector out, a register a stage; behind what collects the vector."""
        order, latency = steps(self.vectors), len(self.stages())
        if self.converter is None:
            return Schedule(self.vectors, (order,), (order,), latency)
        collect = self.converter.schedule()
        return Schedule(collect.steps, collect.reads, collect.writes, collect.latency + latency)

    def foldings(self) -> Iterator[LutNetlist]:
        """SIMD divides the vector."""
        for simd in divisors(self.columns):
            yield replace(self, simd=simd)

    def attributes(self) -> dict[str, int | str]:
        """The engine, which is what makes it one of these; the layers it stands for; levels between registers; SIMD."""
        return {
            "engine": "lut",
            "layers": len(self.layers),
            "lut_stages": self.lut_stages,
            "SIMD": self.simd or self.columns,
        }

    def with_attribute(self, name: str, value: int | str) -> LutNetlist:
        """Other registers; the rest leaves no choice here."""
        match name:
            case "engine":
                legal_word(name, value, ("lut",))
                return self
            case "layers":
                legal_number(name, value, (len(self.layers),))
                return self
            case "lut_stages":
                return replace(self, lut_stages=legal_number(name, value, range(MOST_LEVELS + 1)))
            case "SIMD":
                return replace(self, simd=legal_number(name, value, divisors(self.columns)))
        raise KeyError(name)

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """The gates as they are, a register for each bit that is read behind a stage, the output slice."""
        luts = sum(layer.luts(lut_inputs) for layer in self.layers)
        registers = [sum(stage[-1].live) + 1 for stage in self.stages()[:-1]]
        own = Resources(lut=float(luts), ff=float(sum(registers))) + skid_buffer(self.outputs[0].bits)
        return own if self.converter is None else own + self.converter.resources(lut_inputs, bram_bits)

    def binding(self) -> Binding:
        """The pipeline and a module a layer, all rendered."""
        files = [
            Rendered(f"{self.name}_{layer.name}", "rtl/lut_layer.sv.j2", layer_view(f"{self.name}_{layer.name}", layer))
            for layer in self.layers
        ]
        collect = None if self.converter is None else self.converter.binding()
        view = netlist_view(self.name, self.stages(), self.schedule(), collect.parameters if collect else ())
        files.append(Rendered(self.name, "rtl/lut_netlist.sv.j2", view))
        sources = collect.sources if collect else ("skid_buffer",)
        return Binding(self.name, sources, (), (), tuple(files), self._hls_binding())

    def _hls_binding(self) -> HlsBinding:
        """A type a layer; the registers are left to synthesis."""
        names = tuple(f"{self.name}_{layer.name}" for layer in self.layers)
        files = [
            Rendered(name, "hls/lut_layer.hpp.j2", hls_layer_view(name, layer))
            for name, layer in zip(names, self.layers, strict=True)
        ]
        return HlsBinding(self.kind, (("SIMD", self.simd or self.columns),), names, tuple(files))

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """(frames, vectors * inputs) to (frames, vectors * outputs), gate by gate."""
        (x,) = frames
        bits = to_bits(x.reshape(-1, self.layers[0].inputs), self.layers[0].input)
        for layer in self.layers:
            bits = layer.evaluate(bits)
        return (from_bits(bits, self.layers[-1].output).reshape(x.shape[0], -1),)
