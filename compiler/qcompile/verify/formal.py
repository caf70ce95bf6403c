"""LUT netlists by SAT: the rendered Verilog of a layer, read back as gates, against the tables of its neurons."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qcompile.ir.errors import CompilerError
from qcompile.luts.netlist import LayerNetlist, to_bits
from qcompile.luts.tables import NeuronTable
from qcompile.tools.yosys import Bit, GateModule

CELLS: Mapping[str, Callable[..., bool]] = {
    "$_BUF_": lambda a: a,
    "$_NOT_": lambda a: not a,
    "$_AND_": lambda a, b: a and b,
    "$_NAND_": lambda a, b: not (a and b),
    "$_OR_": lambda a, b: a or b,
    "$_NOR_": lambda a, b: not (a or b),
    "$_XOR_": lambda a, b: a != b,
    "$_XNOR_": lambda a, b: a == b,
    "$_ANDNOT_": lambda a, b: a and not b,
    "$_ORNOT_": lambda a, b: a or not b,
    "$_MUX_": lambda a, b, s: b if s else a,
    "$_NMUX_": lambda a, b, s: not (b if s else a),
}
"""Yosys' gates as functions of their inputs A, B, S."""


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A neuron of which the Verilog gives something else than its table: an input vector, both results as codes."""

    layer: str
    neuron: int
    inputs: tuple[tuple[int, int], ...]
    expected: int
    actual: int

    def __str__(self) -> str:
        pattern = ", ".join(f"x[{source}] = {value}" for source, value in self.inputs)
        return f"{self.layer}, neuron {self.neuron}: bits {self.actual:b} in place of {self.expected:b} for {pattern}"


def require_solver() -> None:
    """Raises CompilerError where there is no SAT solver."""
    try:
        import pysat.solvers  # noqa: F401
    except ImportError as error:
        raise CompilerError("python-sat is not installed", hint="pip install 'qcompile[formal]'") from error


def prove_layer(
    gates: GateModule, netlist: LayerNetlist, tables: Sequence[NeuronTable]
) -> tuple[Counterexample, ...]:
    """A counterexample for each neuron that has one; none where the layer is proven for all that can reach it.

    Only output bits that something reads are compared.
    """
    found = []
    for neuron, table in enumerate(tables):
        counterexample = _neuron(gates, netlist, neuron, table)
        found += [counterexample] if counterexample is not None else []
    return tuple(found)


@dataclass(slots=True)
class _Miter:
    """Clauses, and the variable of each net."""

    gates: GateModule
    solver: Any
    variables: dict[Bit, int] = field(default_factory=dict)
    count: int = 0

    def fresh(self) -> int:
        """A variable not used before."""
        self.count += 1
        return self.count

    def literal(self, net: Bit) -> int:
        """The variable of a net, with the gates that drive it; nets of the input port have none."""
        stack = [net]
        while stack:
            top = stack[-1]
            cell = self.gates.drivers.get(top)
            waiting = [] if cell is None else [i for i in cell.inputs if i not in self.variables]
            if top in self.variables or not waiting:
                stack.pop()
                if top not in self.variables:
                    self._define(top)
            else:
                stack += waiting
        return self.variables[net]

    def _define(self, net: Bit) -> None:
        variable = self.variables[net] = self.fresh()
        if net in ("0", "1"):
            self.solver.add_clause([variable if net == "1" else -variable])
            return
        cell = self.gates.drivers.get(net)
        if cell is None:
            return
        inputs = [self.variables[i] for i in cell.inputs]
        for pattern in itertools.product((False, True), repeat=len(inputs)):
            if cell.table:
                value = cell.table[sum(bit << k for k, bit in enumerate(pattern))] == "1"
            elif cell.kind not in CELLS:
                raise CompilerError(f"a gate {cell.kind} was read back, which no LUT netlist of ours has")
            else:
                value = CELLS[cell.kind](*pattern)
            body = [-v if bit else v for v, bit in zip(inputs, pattern, strict=True)]
            self.solver.add_clause([*body, variable if value else -variable])


def _neuron(gates: GateModule, netlist: LayerNetlist, neuron: int, table: NeuronTable) -> Counterexample | None:
    from pysat.solvers import Solver

    width, first = netlist.output.bits, neuron * netlist.output.bits
    live = [bit for bit in range(width) if netlist.live[first + bit]]
    if not live:
        return None
    with Solver(name="cadical153") as solver:
        miter = _Miter(gates, solver)
        x = [
            [miter.literal(gates.ports["x"][source * netlist.input.bits + b]) for b in range(netlist.input.bits)]
            for source in table.sources
        ]
        y = [miter.literal(gates.ports["y"][first + bit]) for bit in live]
        wanted = _table(miter, [v for bits in x for v in bits], netlist, table, live)
        differ = []
        for actual, expected in zip(y, wanted, strict=True):
            differ.append(miter.fresh())
            solver.add_clause([-differ[-1], actual, expected])
            solver.add_clause([-differ[-1], -actual, -expected])
        solver.add_clause(differ)
        if not solver.solve():
            return None
        true = {v for v in solver.get_model() if v > 0}
    values = []
    for source, bits in zip(table.sources, x, strict=True):
        code = sum((v in true) << b for b, v in enumerate(bits))
        values.append((source, code - (1 << len(bits)) if netlist.input.signed and bits[-1] in true else code))
    codes = [sum((v in true) << bit for bit, v in zip(live, side, strict=True)) for side in (wanted, y)]
    return Counterexample(netlist.name, neuron, tuple(values), codes[0], codes[1])


def _table(
    miter: _Miter, inputs: Sequence[int], netlist: LayerNetlist, table: NeuronTable, live: Sequence[int]
) -> list[int]:
    """Variables of the live output bits as the table has them; patterns that cannot occur are forbidden."""
    wanted = [miter.fresh() for _ in live]
    patterns = to_bits(table.patterns, netlist.input)
    codes = patterns @ (np.int64(1) << np.arange(len(inputs)))
    results = dict(zip(codes.tolist(), to_bits(table.values[:, None], netlist.output)[:, list(live)], strict=True))
    for code in range(1 << len(inputs)):
        body = [-v if code >> k & 1 else v for k, v in enumerate(inputs)]
        if code not in results:
            miter.solver.add_clause(body)
            continue
        for variable, value in zip(wanted, results[code], strict=True):
            miter.solver.add_clause([*body, variable if value else -variable])
    return wanted
