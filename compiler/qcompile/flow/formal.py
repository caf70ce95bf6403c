"""`qcompile verify --formal`: the layers of LUT netlists, as they lie in an output folder, by SAT."""

from __future__ import annotations

import tempfile
from pathlib import Path

from qcompile.dataflow.lut_layers import find_layers, reach
from qcompile.flow.prepare import Prepared
from qcompile.ir.errors import CompilerError
from qcompile.kernels import LutNetlist
from qcompile.luts.tables import enumerate_layers
from qcompile.tools.yosys import find_yosys, read_gates
from qcompile.verify.formal import Counterexample, prove_layer, require_solver


def prove_netlists(folder: Path, prepared: Prepared) -> tuple[str, tuple[Counterexample, ...]]:
    """What was proven, in words, and a counterexample for each neuron whose Verilog is not its table.

    Raises CompilerError where Yosys or the solver is not installed, and for files that cannot be read.
    """
    require_solver()
    yosys = find_yosys()
    graph = prepared.understood.network.integer
    layers = find_layers(graph)
    firsts = {layer.instance: number for number, layer in enumerate(layers)}
    netlists = [(i.name, i.kernel) for i in prepared.dataflow.instances if isinstance(i.kernel, LutNetlist)]
    count = neurons = 0
    found: list[Counterexample] = []
    for name, kernel in netlists:
        row = layers[firsts[name] : firsts[name] + len(kernel.layers)]
        tables, _ = enumerate_layers([layer.layer for layer in row], *reach(graph, row[0]))
        modules = [f"{kernel.name}_{layer.name}" for layer in kernel.layers]
        files = [folder / "rtl" / f"{module}.sv" for module in modules]
        missing = [file for file in files if not file.exists()]
        if missing:
            raise CompilerError("a file of this output folder is missing", str(missing[0]), hint="compile the model again")
        with tempfile.TemporaryDirectory(prefix="qcompile-") as work:
            gates = read_gates(yosys, files, Path(work))
        for module, netlist, rows in zip(modules, kernel.layers, tables, strict=True):
            if module not in gates or set(gates[module].ports) != {"x", "y"}:
                raise CompilerError(f"{module}.sv does not hold the module that qcompile made", str(folder))
            found += prove_layer(gates[module], netlist, rows)
            count, neurons = count + 1, neurons + len(rows)
    return f"SAT: the Verilog of {count} layers of LUT netlists against the tables of {neurons} neurons", tuple(found)
