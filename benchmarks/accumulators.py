"""Benchmark of accumulators: what narrow ones spare, by synthesis.

The second layer (64 x 64) of the perceptrons trained for 12 bits and of the one trained without that, with the thresholds
behind it, synthesised by Yosys (`synth_xilinx -family xc7 -flatten`) with accumulators of 32 bits, of the data-type bound
and as wide as the weights need. All multiplications and thresholds are in LUTs, all weights in block RAM, so that nothing
moves from one to another.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from synthesis import Cells, synthesise_kernels
from table import Table

from qcompile.dataflow.lower import lower
from qcompile.flow.options import Options
from qcompile.flow.prepare import understand
from qcompile.flow.progress import Progress
from qcompile.ir.types import IntType
from qcompile.kernels import MatrixVectorUnit, Thresholding
from qcompile.transforms.accumulators import Accumulator

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
PLAIN, TRAINED = "digits_w8a4", ("digits_a2q_w8a4", "digits_a2qplus_w8a4")
LAYER = 1
WIDE, GOAL = 32, 1.5
HEADINGS = (
    "network",
    "float",
    "quantised",
    "bits: data type / A2Q / A2Q+ / exact",
    "LUT at 32 bits",
    "at the data-type bound",
    "exact",
    "FF at 32 bits / exact",
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One network: accuracies, widths of the layer, cells at 32 bits, at the data-type bound, and as built."""

    name: str
    floating: float
    quantised: float
    bits: tuple[int, int, int, int]
    wide: Cells
    datatype: Cells
    exact: Cells


def layer(name: str, pe: int, simd: int) -> tuple[MatrixVectorUnit, Thresholding, Accumulator]:
    """The layer's unit at this folding, the thresholds behind it, its certificate."""
    understood = understand(Options(EXAMPLES / name / "model.onnx", ""), Progress())
    kernels = [instance.kernel for instance in lower(understood.network.integer, name).instances]
    unit = [kernel for kernel in kernels if isinstance(kernel, MatrixVectorUnit)][LAYER]
    steps = [kernel for kernel in kernels if isinstance(kernel, Thresholding)][LAYER]
    unit = replace(unit, pe=pe, simd=simd, res_type="lut", ram_style="block")
    return unit, replace(steps, pe=pe, ram_style="distributed"), understood.accumulators[LAYER]


def widened(unit: MatrixVectorUnit, steps: Thresholding, bits: int) -> tuple[MatrixVectorUnit, Thresholding]:
    """The same with accumulators of so many bits."""
    held = IntType(bits, True)
    assert unit.accumulator.signed
    assert bits >= unit.accumulator.bits
    return replace(unit, accumulator=held), replace(steps, input=held)


def measure(name: str, pe: int, simd: int, folder: Path, timeout_s: float) -> Measured:
    """Synthesises one network's layer three times."""
    unit, steps, found = layer(name, pe, simd)
    cells = []
    for bits in (WIDE, found.datatype_bits, unit.accumulator.bits):
        print(f"  {name}: {bits} bits", file=sys.stderr)
        cells.append(synthesise_kernels(widened(unit, steps, bits), folder / f"{name}_{bits}", timeout_s))
    stated = json.loads((EXAMPLES / name / "accuracy.json").read_text(encoding="utf-8"))
    bounds = (int(w.max()) for w in (found.a2q_bits, found.a2q_plus_bits, found.exact_bits))
    widths = (found.datatype_bits, *bounds)
    assert len(widths) == 4
    return Measured(name, stated["float_accuracy"], stated["exported_accuracy"], widths, *cells)


def table(rows: Sequence[Measured]) -> Table:
    """One row a network."""
    return Table(
        HEADINGS,
        tuple(
            (
                row.name,
                f"{row.floating:.1%}",
                f"{row.quantised:.1%}",
                " / ".join(map(str, row.bits)),
                f"{row.wide.lut:,}",
                f"{row.datatype.lut:,}",
                f"{row.exact.lut:,}",
                f"{row.wide.ff:,} / {row.exact.ff:,}",
            )
            for row in rows
        ),
    )


def goals(rows: Sequence[Measured]) -> list[str]:
    """What was aimed at, and what was reached."""
    plain = next((row for row in rows if row.name == PLAIN), None)
    return [
        f"{row.name}: LUT(32) of {PLAIN} / LUT({row.bits[-1]}) = {plain.wide.lut / row.exact.lut:.2f} (goal: {GOAL:g}), "
        f"with its own weights at 32 bits {row.wide.lut / row.exact.lut:.2f}"
        for row in rows
        if plain is not None and row is not plain
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints, and returns the exit status."""
    parser = argparse.ArgumentParser(description="Print the table of measurements of accumulators.")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured to FILE")
    parser.add_argument("--pe", type=int, default=4, help="outputs at a time (default: 4)")
    parser.add_argument("--simd", type=int, default=4, help="inputs at a time (default: 4)")
    parser.add_argument("--timeout", type=float, default=3600, metavar="S", help="seconds for one synthesis")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="qcompile-benchmark-") as work:
        rows = [measure(n, given.pe, given.simd, Path(work), given.timeout) for n in (PLAIN, *TRAINED)]
    shown = table(rows)
    print(shown.markdown() if given.markdown else shown.plain(), end="\n\n")
    print("\n".join(goals(rows)))
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
