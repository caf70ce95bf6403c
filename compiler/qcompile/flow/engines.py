"""Which layers become truth tables: what the user asks for, layer by layer or by `--engine`, and what `auto` chooses."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from qcompile.dataflow.lower import Fused, lower, placed
from qcompile.dataflow.lut_layers import LutLayer, find_layers, netlist, reach, runs
from qcompile.flow.options import Options
from qcompile.folding import config, finn
from qcompile.folding.config import Absorbed
from qcompile.ir.dataflow import Dataflow, Resources
from qcompile.ir.errors import CompilerError, Rejection, refuse
from qcompile.ir.graph import Graph
from qcompile.kernels import LutNetlist
from qcompile.luts.proof import NO_TABLES, TableProof, prove_layers
from qcompile.targets import Target

Row = tuple[LutLayer, ...]
"""Layers behind each other that make one netlist."""

HINT = "allow more bits with --lut-inputs, train with fewer inputs a neuron or fewer bits, or leave the layer folded"


@dataclass(frozen=True, slots=True, eq=False)
class Lowered:
    """An unfolded dataflow with the netlists that were asked for, and the instances that became part of them."""

    dataflow: Dataflow
    absorbed: Absorbed


@dataclass(frozen=True, slots=True, eq=False)
class Engines:
    """The layers of a graph and how they may be computed. `base` is the dataflow without any netlist."""

    graph: Graph
    base: Dataflow
    layers: tuple[LutLayer, ...]
    members: Mapping[str, int]
    options: Options
    target: Target
    built: dict[tuple[str, ...], Fused]

    @staticmethod
    def of(graph: Graph, name: str, options: Options, target: Target) -> Engines:
        """Looks for layers of few input bits. `members` gives the layer that each instance of `base` belongs to."""
        base, instances = placed(graph, name)
        layers = find_layers(graph)
        members = {instances[node]: number for number, layer in enumerate(layers) for node in layer.nodes}
        return Engines(graph, base, layers, members, options, target, {})

    def rows(self) -> tuple[Row, ...]:
        """The netlists that the folding file and `--engine lut` ask for. Raises CompilerError for what is too large."""
        stated = config.engines(self.options.folding) if self.options.folding is not None else {}
        exact: list[Row] = []
        chosen: set[int] = set()
        folded: set[int] = set()
        firsts = {layer.instance: number for number, layer in enumerate(self.layers)}
        for name, (engine, count) in stated.items():
            if name in firsts and engine == "lut":
                exact += self._exact(firsts[name], count, name)
                continue
            number = self.members.get(self._instance(name))
            if number is not None:
                (chosen if engine == "lut" else folded if engine == "folded" else set()).add(number)
        everywhere, kind_engine, of_kinds = self._defaults()
        (chosen if kind_engine == "lut" else folded).update(of_kinds - chosen - folded)
        if everywhere == "lut":
            chosen |= self._all(folded)
        chosen -= {k for row in exact for k in range(len(self.layers)) if self.layers[k] in row}
        self._require_small(sorted({*chosen, *(k for row in exact for k in map(self.layers.index, row))}))
        return (*exact, *runs(self.graph, [self.layers[k] for k in sorted(chosen)]))

    def alternatives(self, rows: Sequence[Row]) -> tuple[Row, ...]:
        """What `auto` may make netlists of: rows of small layers that the folding file says nothing of."""
        stated = config.engines(self.options.folding) if self.options.folding is not None else {}
        everywhere, _, of_kinds = self._defaults()
        if everywhere == "folded":
            return ()
        taken = {self.members.get(self._instance(name)) for name in stated} | of_kinds
        taken |= {k for k, layer in enumerate(self.layers) for row in rows if layer in row}
        limit = self.options.lut_inputs
        free = [layer for k, layer in enumerate(self.layers) if k not in taken and not layer.too_large(limit)]
        return tuple(row for row in runs(self.graph, free) if any(layer.product for layer in row))

    def lowered(self, rows: Sequence[Row]) -> Lowered:
        """The dataflow with these netlists."""
        fused = [self._fused(row) for row in rows]
        absorbed = {
            name: row[0].instance for row in rows for name, k in self.members.items() if self.layers[k] in row
        }
        return Lowered(lower(self.graph, self.base.name, fused), Absorbed(self.base, absorbed))

    def cheaper(self, rows: Sequence[Row], folded: Dataflow, cost: Callable[[Resources], float]) -> tuple[Row, ...]:
        """Those of the rows that cost less than the instances of a folded design that they stand for."""
        bits = self.target.block_ram_bits
        kept = []
        for row in rows:
            names = [name for name, k in self.members.items() if self.layers[k] in row]
            there = Resources()
            for name in names:
                there += folded.instance(name).kernel.resources(self.target.lut_inputs, bits)
            here = self._fused(row).kernel.resources(self.target.lut_inputs, bits)
            kept += [row] if cost(here) < cost(there) else []
        return tuple(kept)

    def _defaults(self) -> tuple[str, str, set[int]]:
        """What holds for layers that the folding file does not name: their engine, and another for the layers of some kinds.
        """
        stated = config.default_engine(self.options.folding) if self.options.folding is not None else None
        engine, kinds = stated or (self.options.engine, None)
        if kinds is None:
            return engine, engine, set()
        numbers = {k for name, k in self.members.items() if self.base.instance(name).kernel.kind in kinds}
        return self.options.engine, engine, numbers

    def _all(self, folded: Collection[int]) -> set[int]:
        """Every product and what is in a row with one, but for what is to stay folded."""
        free = [k for k in range(len(self.layers)) if k not in folded]
        small = [k for k in free if not self.layers[k].too_large(self.options.lut_inputs) or self.layers[k].product]
        rows = runs(self.graph, [self.layers[k] for k in small])
        return {self.layers.index(layer) for row in rows if any(one.product for one in row) for layer in row}

    def _exact(self, first: int, count: int, name: str) -> list[Row]:
        """The row of a netlist that a folding file names."""
        row = self.layers[first : first + count]
        if len(row) != count or len(runs(self.graph, row)) != 1:
            reason = f"no {count} layers stand behind each other from here on: 'layers' must be less"
            raise refuse("the folding file does not fit the network", [Rejection(reason, name)])
        return [row]

    def _require_small(self, numbers: Sequence[int]) -> None:
        limit = self.options.lut_inputs
        reasons = [(self.layers[k], self.layers[k].too_large(limit)) for k in numbers]
        rejections = [
            Rejection(why, f"node {', '.join(layer.layer.origin) or layer.layer.name}") for layer, why in reasons if why
        ]
        if rejections:
            raise refuse("not every layer is small enough for truth tables", rejections, HINT)

    def _instance(self, name: str) -> str:
        """Our name of an instance that a folding file names, FINN's way or ours."""
        kind, number = finn.node(name) or ("", 0)
        same = [i.name for i in self.base.instances if i.kernel.kind == kind]
        if any(i.name == name for i in self.base.instances) or not 0 <= number < len(same):
            return name
        return same[number]

    def _fused(self, row: Row) -> Fused:
        """The netlist of a row, made once."""
        key = tuple(layer.instance for layer in row)
        if key not in self.built:
            kernel = netlist(self.graph, row, self.target.lut_inputs, self.options.lut_stages)
            origin = tuple(dict.fromkeys(name for layer in row for name in layer.layer.origin))
            nodes = tuple(node for layer in row for node in layer.nodes)
            self.built[key] = Fused(row[0].instance, kernel, nodes, row[-1].result, origin)
        return self.built[key]


def prove_tables(graph: Graph, dataflow: Dataflow, layers: Sequence[LutLayer]) -> TableProof:
    """The gates of every netlist against the operators of the graph, on every pattern that can reach a neuron."""
    total = NO_TABLES
    firsts = {layer.instance: number for number, layer in enumerate(layers)}
    for instance in dataflow.instances:
        if isinstance(instance.kernel, LutNetlist):
            number = firsts[instance.name]
            row = layers[number : number + len(instance.kernel.layers)]
            total += prove_layers([one.layer for one in row], instance.kernel.layers, *reach(graph, row[0]))
    return total


def require_options(options: Options) -> None:
    """Raises CompilerError for options of engines that mean nothing."""
    if options.engine not in ("auto", "folded", "lut"):
        raise CompilerError(f"--engine {options.engine}", hint="it is auto, folded or lut")
    if not 1 <= options.lut_inputs <= 16:
        raise CompilerError(f"--lut-inputs {options.lut_inputs}", hint="tables are made of 1 to 16 bits")
    if not 0 <= options.lut_stages <= 64:
        raise CompilerError(f"--lut-stages {options.lut_stages}", hint="0 (a register behind each layer) to 64 levels")
