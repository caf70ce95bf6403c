"""SAT proofs of LUT netlists: a right layer is proven, a hundred wrong ones are refuted, in simulation too."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qcompile.codegen.render import render
from qcompile.ir.types import IntType
from qcompile.kernels.lut_views import layer_view
from qcompile.luts.minimise import build
from qcompile.luts.netlist import Gate, LayerNetlist
from qcompile.luts.proof import neuron_fault
from qcompile.luts.tables import NeuronTable, enumerate_layers
from qcompile.tools.cache import Cache
from qcompile.tools.command import run
from qcompile.tools.prerequisites import find_toolchain
from qcompile.tools.verilator import Sources
from qcompile.tools.verilator import build as build_simulation
from qcompile.tools.yosys import find_yosys, read_gates
from qcompile.verify.formal import Counterexample, prove_layer

from ..support.lut_layers import chain

pytest.importorskip("pysat", reason="python-sat is not installed")

FAULTS = 100
BENCH = """
#include <cstdio>
#include "Vtop.h"
int main() {
    VerilatedContext context;
    Vtop top{&context};
    top.zero = 0;
    top.eval();
    for (int k = 0; k < COUNT; ++k) std::printf("%d", (top.same[k / 32] >> (k % 32)) & 1);
    top.final();
    return 0;
}
"""


@pytest.fixture(scope="module")
def layers() -> tuple[tuple[LayerNetlist, ...], tuple[tuple[NeuronTable, ...], ...]]:
    """Two layers: in the second, patterns that cannot occur; signed, with codes in several levels."""
    made = chain(np.random.default_rng(11), (6, 8, 7), 4, [IntType(2, False), IntType(2, True), IntType(3, True)])
    lo, hi = np.zeros(6, np.int64), np.full(6, 3)
    return build(made, lo, hi), enumerate_layers(made, lo, hi)[0]


def faulty(netlist: LayerNetlist, tables: tuple[NeuronTable, ...], count: int) -> list[LayerNetlist]:
    """The layer with one bit of one table changed, in as many ways; only such as change what a neuron gives."""
    rng = np.random.default_rng(1)
    choices = [(k, p) for k, gate in enumerate(netlist.gates) for p in range(1 << len(gate.inputs))]
    made = []
    for index in rng.permutation(len(choices)):
        k, p = choices[index]
        gate = netlist.gates[k]
        gates = (*netlist.gates[:k], Gate(gate.inputs, gate.table ^ 1 << p, gate.neuron), *netlist.gates[k + 1 :])
        wrong = replace(netlist, gates=gates)
        if any(neuron_fault(wrong, neuron, table) for neuron, table in enumerate(tables)):
            made.append(wrong)
        if len(made) == count:
            break
    return made


def write(folder: Path, module: str, netlist: LayerNetlist) -> Path:
    path = folder / f"{module}.sv"
    path.write_text(render("rtl/lut_layer.sv.j2", layer_view(module, netlist)), encoding="utf-8")
    return path


def test_right_layers_are_proven(
    layers: tuple[tuple[LayerNetlist, ...], tuple[tuple[NeuronTable, ...], ...]], tmp_path: Path
) -> None:
    files = [write(tmp_path, netlist.name, netlist) for netlist in layers[0]]
    (tmp_path / "work").mkdir()
    gates = read_gates(find_yosys(), files, tmp_path / "work")
    for netlist, tables in zip(*layers, strict=True):
        assert prove_layer(gates[netlist.name], netlist, tables) == ()
        # A table that is not the layer's is refuted: the proof is not empty.
        other = replace(tables[0], values=tables[0].values ^ 1)
        assert [c.neuron for c in prove_layer(gates[netlist.name], netlist, [other, *tables[1:]])] == [0]


def test_a_hundred_faults_are_found_and_replayed(
    layers: tuple[tuple[LayerNetlist, ...], tuple[tuple[NeuronTable, ...], ...]], tmp_path: Path
) -> None:
    found: list[tuple[str, LayerNetlist, Counterexample]] = []
    files: list[Path] = []
    count = 0
    for netlist, tables in zip(*layers, strict=True):
        wrong = faulty(netlist, tables, FAULTS // 2)
        count += len(wrong)
        files.append(write(tmp_path, netlist.name, netlist))
        modules = [f"{netlist.name}_fault{k}" for k in range(len(wrong))]
        written = [write(tmp_path, module, one) for module, one in zip(modules, wrong, strict=True)]
        files += written
        work = tmp_path / f"work_{netlist.name}"
        work.mkdir()
        gates = read_gates(find_yosys(), written, work)
        for module, one in zip(modules, wrong, strict=True):
            counterexamples = prove_layer(gates[module], one, tables)
            assert counterexamples, module
            found += [(module, one, c) for c in counterexamples[:1]]
    assert count == len(found) == FAULTS
    assert replayed(found, files, tmp_path) == "01" * FAULTS


def replayed(found: list[tuple[str, LayerNetlist, Counterexample]], files: list[Path], folder: Path) -> str:
    """Verilator on each counterexample: for each fault, whether the faulty layer gives the bits of the table, and whether
    the right one does.
    """
    lines = [f"module top (input wire logic zero, output logic [{2 * len(found) - 1}:0] same);"]
    for k, (module, netlist, counterexample) in enumerate(found):
        width, bits = netlist.output.bits, netlist.input.bits
        vector = sum((value & (1 << bits) - 1) << source * bits for source, value in counterexample.inputs)
        live = sum(netlist.live[counterexample.neuron * width + b] << b for b in range(width))
        for side, name in enumerate((module, module.partition("_fault")[0])):
            wire = f"y{k}_{side}"
            lines += [
                f"  logic [{netlist.outputs * width - 1}:0] {wire};",
                f"  {name} l{k}_{side} (.x({netlist.input_bits}'d{vector} ^ {{{netlist.input_bits}{{zero}}}}), .y({wire}));",
            ]
            bits_of_neuron = f"{wire}[{counterexample.neuron * width}+:{width}] & {width}'d{live}"
            lines.append(f"  assign same[{2 * k + side}] = ({bits_of_neuron}) == {width}'d{counterexample.expected};")
    (folder / "top.sv").write_text("\n".join([*lines, "endmodule", ""]))
    bench = folder / "bench.cpp"
    bench.write_text(BENCH.replace("COUNT", str(2 * len(found))))
    sources = Sources("top", (*files, folder / "top.sv"))
    executable = build_simulation(find_toolchain(), Cache.of_user(), sources, (bench,), folder / "bench")
    output = run([executable.path], what="replaying counterexamples").output
    match = re.search(rf"[01]{{{2 * len(found)}}}", output)
    assert match is not None, output
    return match[0]
