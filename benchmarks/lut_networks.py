"""What the benchmark of LUT netlists measures: random networks, trained ones, and the same tables in plain Verilog."""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from qcompile.codegen.render import render
from qcompile.flow.engines import Engines
from qcompile.flow.options import Options
from qcompile.flow.prepare import prepare
from qcompile.flow.progress import Progress
from qcompile.flow.vectors import load_frames
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels import LutNetlist
from qcompile.kernels.lut_views import layer_view
from qcompile.luts.minimise import build
from qcompile.luts.netlist import LayerNetlist
from qcompile.luts.tables import Layer
from qcompile.targets import load
from qcompile.tools.cache import Cache
from qcompile.tools.command import run
from qcompile.tools.prerequisites import find_toolchain
from qcompile.tools.verilator import Sources
from qcompile.tools.verilator import build as build_simulation

TARGET = "pynq-z2"


@dataclass(frozen=True, slots=True)
class Network:
    """Sizes of a random network: inputs, then neurons of each layer; `fan_in` inputs of `bits` bits a neuron."""

    name: str
    sizes: tuple[int, ...]
    fan_in: int
    bits: int
    seed: int
    slow: bool = False


NETWORKS = (
    Network("jets, small", (16, 64, 32, 32, 32, 5), 3, 2, 1),
    Network("jets, medium", (16, 64, 32, 32, 32, 5), 4, 3, 2, slow=True),
    Network("a part of it", (16, 12, 8, 5), 4, 3, 2, slow=True),
    Network("UNSW-like", (593, 128, 64, 32, 1), 5, 2, 3),
)
LARGE = Network("large", (2000, 2000, 2000, 2000, 2000, 2000), 3, 2, 4)


def random_layers(network: Network) -> tuple[Layer, ...]:
    """Neurons with weights of eight bits from a normal distribution and thresholds at even shares of what they meet."""
    rng = np.random.default_rng(network.seed)
    element = IntType(network.bits, False)
    return tuple(
        _layer(rng, f"layer{k}", inputs, outputs, network.fan_in, element)
        for k, (inputs, outputs) in enumerate(pairwise(network.sizes))
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


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A network of truth tables alone: its layers, their netlists, accuracy on the test frames, cycles."""

    layers: tuple[Layer, ...]
    netlists: tuple[LayerNetlist, ...]
    accuracy: float
    latency: int
    interval: int
    build_s: float


def trained(folder: Path) -> Trained:
    """An example with all layers as truth tables, its accuracy computed gate by gate."""
    options = Options(folder / "model.onnx", TARGET, engine="lut")
    started = time.process_time()
    prepared = prepare(options, Progress())
    build_s = time.process_time() - started
    network = prepared.understood.network
    (instance,) = prepared.lowered.instances
    kernel = instance.kernel
    assert isinstance(kernel, LutNetlist), f"{folder.name} is not of truth tables alone"
    rows = Engines.of(network.integer, prepared.dataflow.name, options, load(TARGET)).rows()
    frames = load_frames(folder / "vectors.npz", network)
    (found,) = kernel.evaluate(*(codes.reshape(len(codes), -1) for codes in frames.codes))
    shape = network.integer.values[network.integer.outputs[0]].shape
    outputs = network.after.evaluate(found.reshape(-1, *shape))[network.after.outputs[0]].reshape(len(found), -1)
    label = np.load(folder / "vectors.npz")["label"]
    return Trained(
        tuple(one.layer for one in rows[0]),
        kernel.layers,
        float(np.mean(outputs.argmax(axis=1) == label)),
        prepared.timing.first_output,
        prepared.dataflow.interval(),
        build_s,
    )


def case_statements(layer: Layer, module: str, live: Sequence[bool]) -> str:
    """A module of the same ports with one case statement a neuron, all patterns listed; bits that are not `live` are zero."""
    bits, width = layer.input.bits, layer.output.bits
    lines = [
        f"module {module} (",
        f"    input wire [{layer.inputs * bits - 1}:0] x,",
        f"    output wire [{layer.outputs * width - 1}:0] y",
        ");",
    ]
    for neuron, sources in enumerate(layer.sources):
        read = [bit for bit in range(width) if live[neuron * width + bit]]
        lines += [f"  assign y[{neuron * width + bit}] = 1'b0;" for bit in range(width) if bit not in read]
        if not read:
            continue
        index = [source * bits + bit for source in sources for bit in range(bits)]
        patterns = np.arange(1 << len(index))
        codes = np.stack([patterns >> k * bits & (1 << bits) - 1 for k in range(len(sources))], axis=1)
        x = np.where(codes > layer.input.hi, codes - (1 << bits), codes)
        values = layer.function(neuron, x).ravel()
        chosen = np.stack([(values >> bit & 1) << k for k, bit in enumerate(read)]).sum(axis=0)
        lines += [f"  reg [{len(read) - 1}:0] r{neuron};", "  always @(*) begin"]
        lines.append(f"    case ({{{', '.join(f'x[{k}]' for k in reversed(index))}}})")
        lines += [f"      {len(index)}'d{code}: r{neuron} = {len(read)}'d{value};" for code, value in enumerate(chosen)]
        lines += ["    endcase", "  end"]
        lines += [f"  assign y[{neuron * width + bit}] = r{neuron}[{k}];" for k, bit in enumerate(read)]
    return "\n".join([*lines, "endmodule", ""])


def pipeline(layer: Layer, module: str, first: bool) -> str:
    """The top level of a layer: registers behind it, and in front of it where it is the `first`."""
    wide, narrow = layer.inputs * layer.input.bits, layer.outputs * layer.output.bits
    lines = [f"module top (input wire clk, input wire [{wide - 1}:0] x, output reg [{narrow - 1}:0] y);"]
    lines += [f"  reg [{wide - 1}:0] r;", f"  wire [{narrow - 1}:0] w;"]
    lines += ["  always @(posedge clk) r <= x;" if first else "  always @(*) r = x;"]
    return "\n".join([*lines, f"  {module} l (.x(r), .y(w));", "  always @(posedge clk) y <= w;", "endmodule", ""])


def whole(layers: Sequence[Layer]) -> str:
    """The top level of a network: registers in front and behind every layer."""
    widths = [layers[0].inputs * layers[0].input.bits, *(layer.outputs * layer.output.bits for layer in layers)]
    lines = [f"module top (input wire clk, input wire [{widths[0] - 1}:0] x, output wire [{widths[-1] - 1}:0] y);"]
    lines += [f"  reg [{widths[0] - 1}:0] r0;", "  always @(posedge clk) r0 <= x;"]
    for k, layer in enumerate(layers):
        lines += [f"  wire [{widths[k + 1] - 1}:0] w{k + 1};", f"  reg [{widths[k + 1] - 1}:0] r{k + 1};"]
        lines += [f"  {layer.name} l{k} (.x(r{k}), .y(w{k + 1}));", f"  always @(posedge clk) r{k + 1} <= w{k + 1};"]
    return "\n".join([*lines, f"  assign y = r{len(layers)};", "endmodule", ""])


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
    (folder / "top.sv").write_text(whole(layers), encoding="utf-8")
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
