"""Benchmark of LUT netlists: what minimisation spares, by synthesis.

The trained examples, and seeded random networks of LogicNets' sizes, whose neurons are quantised sums of few inputs. Every layer,
a register behind it, is synthesised twice with Yosys (`synth_xilinx -family xc7 -flatten -nobram`; without the last it puts
tables into block RAM): as qcompile renders it, and as plain Verilog of the same tables with one case statement a neuron, without
the bits that nobody reads. The netlist is compared with the layers on random vectors, or the examples' test frames, integer by
integer. Ends with status 1 when something differs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from lut_networks import LARGE, NETWORKS, Network, case_statements, pipeline, random_layers, simulation, trained
from synthesis import Cells, synthesise
from table import Table

from qcompile.codegen.render import render
from qcompile.kernels.lut_views import layer_view
from qcompile.luts.minimise import build
from qcompile.luts.netlist import LayerNetlist, from_bits, logicnets_luts, to_bits, total_luts
from qcompile.luts.tables import Layer

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
TRAINED = ("digits_lut_w8a2", "jets_lut_w8a3")
GOAL_TRAINED, GOAL_RANDOM, GOAL_FORMULA = 0.75, 1.0, 1.0

HEADINGS = (
    "network",
    "neurons",
    "input bits",
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
ACCURACY_HEADINGS = ("example", "float", "quantised", "LUT netlist", "LUT", "levels", "latency, cycles", "cycles a frame")


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Of a trained network, on its test frames: in float, quantised, by its netlist; and what the netlist takes."""

    floating: float
    quantised: float
    netlist: float
    latency: int
    interval: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One row; `differ` of `vectors` are other integers than those of the layers."""

    name: str
    trained: bool
    neurons: int
    input_bits: int
    ours: Cells
    plain: Cells | None
    analytic: float
    estimate: int
    vectors: int
    differ: int
    build_s: float
    accuracy: Accuracy | None = None


def synthesised(
    layers: Sequence[Layer], netlists: Sequence[LayerNetlist], folder: Path, plain: bool, timeout_s: float
) -> tuple[Cells, Cells | None]:
    """Layer by layer, ours and case statements: registers lie between them, so that nothing is lost by that."""
    ours = other = Cells(0, 0, 0, 0.0)
    for number, (layer, netlist) in enumerate(zip(layers, netlists, strict=True)):
        print(f"  layer {number + 1} of {len(layers)}: {layer.outputs} neurons", file=sys.stderr)
        top = {"top.v": pipeline(layer, netlist.name, first=number == 0)}
        text = render("rtl/lut_layer.sv.j2", layer_view(netlist.name, netlist))
        ours += synthesise({"layer.sv": text, **top}, "top", folder / f"ours{number}", timeout_s)
        if plain:
            text = case_statements(layer, netlist.name, netlist.live)
            other += synthesise({"layer.v": text, **top}, "top", folder / f"plain{number}", timeout_s)
    return ours, other if plain else None


def differing(layers: Sequence[Layer], netlists: Sequence[LayerNetlist], vectors: int) -> int:
    """Vectors on which the netlist gives other integers than the layers."""
    rng = np.random.default_rng(0)
    x = rng.integers(layers[0].input.lo, layers[0].input.hi, (vectors, layers[0].inputs), endpoint=True)
    bits = to_bits(x, layers[0].input)
    for layer, netlist in zip(layers, netlists, strict=True):
        x = np.stack([layer.function(n, x[:, list(s)]) for n, s in enumerate(layer.sources)], axis=1)
        bits = netlist.evaluate(bits)
    return int((from_bits(bits, layers[-1].output) != x).any(axis=1).sum())


def measure(network: Network, folder: Path, plain: bool, timeout_s: float) -> Measured:
    """Builds, compares and synthesises one random network."""
    layers = random_layers(network)
    started = time.process_time()
    ends = (np.zeros(network.sizes[0], np.int64), np.full(network.sizes[0], layers[0].input.hi))
    netlists = build(layers, *ends)
    build_s = time.process_time() - started
    name = f"{network.name}: {'-'.join(map(str, network.sizes))}"
    return _row(name, layers, netlists, synthesised(layers, netlists, folder, plain, timeout_s), build_s)


def measure_example(name: str, folder: Path, plain: bool, timeout_s: float) -> Measured:
    """The same of a trained example, and how good it is."""
    example = trained(EXAMPLES / name)
    stated = json.loads((EXAMPLES / name / "accuracy.json").read_text(encoding="utf-8"))
    accuracy = Accuracy(
        stated["float_accuracy"], stated["exported_accuracy"], example.accuracy, example.latency, example.interval
    )
    cells = synthesised(example.layers, example.netlists, folder, plain, timeout_s)
    return _row(name, example.layers, example.netlists, cells, example.build_s, accuracy)


def _row(
    name: str,
    layers: Sequence[Layer],
    netlists: Sequence[LayerNetlist],
    cells: tuple[Cells, Cells | None],
    build_s: float,
    accuracy: Accuracy | None = None,
) -> Measured:
    vectors = 1000
    bits = [len(sources) * layer.input.bits for layer in layers for sources in layer.sources]
    analytic = sum(
        logicnets_luts(len(sources) * layer.input.bits, layer.output.bits)
        for layer in layers
        for sources in layer.sources
    )
    return Measured(
        name=name,
        trained=accuracy is not None,
        neurons=len(bits),
        input_bits=max(bits),
        ours=cells[0],
        plain=cells[1],
        analytic=analytic,
        estimate=total_luts(netlists),
        vectors=vectors,
        differ=differing(layers, netlists, vectors),
        build_s=build_s,
        accuracy=accuracy,
    )


def table(rows: Sequence[Measured]) -> Table:
    """One row a network."""
    return Table(HEADINGS, tuple(_cells(row) for row in rows))


def accuracies(rows: Sequence[Measured]) -> Table:
    """One row a trained network."""
    return Table(
        ACCURACY_HEADINGS,
        tuple(
            (
                row.name,
                f"{a.floating:.1%}",
                f"{a.quantised:.1%}",
                f"{a.netlist:.1%}",
                f"{row.ours.lut:,}",
                str(row.ours.levels),
                str(a.latency),
                str(a.interval),
            )
            for row in rows
            if (a := row.accuracy) is not None
        ),
    )


def goals(rows: Sequence[Measured]) -> list[str]:
    """What was aimed at, and what was reached."""
    lines = []
    for row in rows:
        goal = GOAL_TRAINED if row.trained else GOAL_RANDOM
        against = f"{row.ours.lut / row.plain.lut:.2f} x case statements (goal: {goal:g})" if row.plain else "not compared"
        lines.append(f"{row.name}: {against}, {row.ours.lut / row.analytic:.2f} x the formula (goal: {GOAL_FORMULA:g})")
    return lines


def _cells(row: Measured) -> tuple[str, ...]:
    plain = row.plain
    return (
        row.name,
        str(row.neurons),
        str(row.input_bits),
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
    parser.add_argument("--all", action="store_true", help="the networks that take an hour as well")
    parser.add_argument("--no-plain", action="store_true", help="leave the case statements out: they take long")
    parser.add_argument("--simulation", action="store_true", help="build 10,000 neurons with Verilator instead")
    parser.add_argument("--timeout", type=float, default=3600, metavar="S", help="seconds for one synthesis")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="qcompile-benchmark-") as work:
        if given.simulation:
            print(simulation(LARGE, Path(work)))
            return 0
        rows = []
        subjects: tuple[str | Network, ...] = (*TRAINED, *NETWORKS)
        for number, subject in enumerate(subjects):
            name = subject if isinstance(subject, str) else subject.name
            slow = isinstance(subject, Network) and subject.slow
            if name not in given.only if given.only else slow and not given.all:
                continue
            print(f"measuring {name}", file=sys.stderr)
            folder = Path(work) / str(number)
            folder.mkdir()
            options = folder, not given.no_plain, given.timeout
            rows.append(measure_example(subject, *options) if isinstance(subject, str) else measure(subject, *options))
    for shown in (table(rows), accuracies(rows)):
        if shown.rows:
            print(shown.markdown() if given.markdown else shown.plain(), end="\n\n")
    print("\n".join(goals(rows)))
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")
    wrong = [row for row in rows if row.differ or (row.accuracy and row.accuracy.netlist != row.accuracy.quantised)]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
