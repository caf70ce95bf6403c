"""Benchmark of the resource estimates: every kernel of the examples and of the shared models against synthesis with Yosys.

The resource models of `kernels/` were fitted to the kernels of the examples at three speeds each; those of the shared
models, and whole designs, are held out. Cells are kept in `benchmarks/synthesis/FAMILY.jsonl`, one line for each distinct
kernel, so that only what is new is synthesised; a change of RTL asks for `--refresh`. `--fit KIND` prints every kernel of a kind.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from measure import run_qcompile
from spine import EXAMPLES, SHARED
from table import Table

from qcompile.flow.options import Options
from qcompile.flow.prepare import prepare
from qcompile.flow.progress import Progress
from qcompile.ir.dataflow import Kernel, Resources
from qcompile.tools.synthesis import FAMILIES, Family, Module, synthesise
from qcompile.tools.yosys import find_yosys

KEPT = Path(__file__).parent / "synthesis"
TARGETS = {"xc7": "zcu104", "ecp5": "ulx3s", "ice40": "icebreaker", "gowin": "tang-nano-20k"}
SLOWER = (1, 10, 100)
"""Each model is folded for its fastest interval on a large part, and for so many times that."""

MEDIAN_GOAL, WORST_GOAL = 0.15, 0.35
SMALL = 40
"""LUTs below which an error is counted in LUTs of so many: no design depends on them."""

HEADINGS = ("kernel", "number", "LUT, median error", "LUT, worst", "FF, median error", "FF, worst", "DSP, BRAM wrong")


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A kernel, where it came from, and whether the models were fitted without it."""

    key: str
    kernel: Kernel
    origin: str
    held_out: bool


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """An estimate beside what synthesis made."""

    name: str
    kind: str
    held_out: bool
    estimate: Resources
    made: Resources

    @property
    def lut_error(self) -> float:
        """Signed, as part of what was made."""
        return (self.estimate.lut - self.made.lut) / max(self.made.lut, SMALL)

    @property
    def ff_error(self) -> float:
        """The same of flip-flops."""
        return (self.estimate.ff - self.made.ff) / max(self.made.ff, SMALL)

    @property
    def blocks_right(self) -> bool:
        """Whether DSP blocks and block RAMs are exact."""
        return (self.estimate.dsp, self.estimate.bram18) == (self.made.dsp, self.made.bram18)


def samples(each: int, most_luts: float) -> list[Sample]:
    """Up to `each` kernels of a kind, no two with the same parameters, chosen at random (seeded)."""
    kinds: dict[tuple[str, bool], list[Sample]] = {}
    seen: set[object] = set()
    for model, input_type, held_out in _models():
        for kernel in _kernels(model, input_type):
            binding = kernel.binding()
            what = (kernel.kind, binding.parameters)
            if what in seen or binding.rendered or kernel.resources(6, 18432).lut > most_luts:
                continue
            seen.add(what)
            sample = Sample(_key(kernel), kernel, model.parent.name if not held_out else model.stem, held_out)
            kinds.setdefault((kernel.kind, held_out), []).append(sample)
    chosen: list[Sample] = []
    for _, found in sorted(kinds.items()):
        chosen += random.Random(1).sample(found, min(each, len(found)))
    return chosen


def _models() -> Iterator[tuple[Path, str | None, bool]]:
    """Files, the input type that they need, and whether they are held out."""
    for model in sorted(EXAMPLES.glob("*/model.onnx")):
        yield model, None, False
    types = {"jettagging": "fixed<16,6>"}
    for name in ("tfc_w1a1", "tfc_w2a2", "kwsmlp_w3a3", "jettagging", "gtsrb_cnn_w2a3", "resnet8_int8_qdq", "kws_dscnn_int8_qdq"):
        if (SHARED / f"{name}.onnx").exists():
            yield SHARED / f"{name}.onnx", types.get(name), True


def _kernels(model: Path, input_type: str | None) -> Iterator[Kernel]:
    fastest: int | None = None
    for factor in SLOWER:
        interval = None if fastest is None else fastest * factor
        options = Options(model=model, target="zcu104", input_type=input_type, interval=interval)
        dataflow = prepare(options, Progress()).dataflow
        fastest = fastest or dataflow.interval()
        yield from (instance.kernel for instance in dataflow.instances)


def _key(kernel: Kernel) -> str:
    binding = kernel.binding()
    digest = hashlib.sha256(repr((binding.module, binding.parameters)).encode())
    for memory in binding.memories:
        digest.update(memory.hex_lines().encode())
    return digest.hexdigest()[:20]


def cells(family: Family, wanted: Sequence[Sample], refresh: bool) -> dict[str, dict[str, int]]:
    """Cells of each sample by its key, from the file or from Yosys; the file keeps what is new as it comes."""
    KEPT.mkdir(exist_ok=True)
    file = KEPT / f"{family.name}.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() and not refresh else []
    known: dict[str, dict[str, int]] = {row["key"]: row["cells"] for row in map(json.loads, lines)}
    missing = [sample for sample in wanted if sample.key not in known]
    with file.open("w" if refresh else "a", encoding="utf-8") as out:
        for number, sample in enumerate(missing, 1):
            print(f"{family.name} {number}/{len(missing)} {sample.kernel.kind} of {sample.origin}", file=sys.stderr)
            known[sample.key] = _synthesised(family, sample.kernel)
            row = {"key": sample.key, "kind": sample.kernel.kind, "origin": sample.origin, "cells": known[sample.key]}
            print(json.dumps(row), file=out, flush=True)
    return known


def _synthesised(family: Family, kernel: Kernel) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as folder:
        return synthesise(find_yosys(), family, Module.of(kernel), Path(folder))


def designs(family: Family) -> list[Compared]:
    """Whole designs: each example at its slowest folding, as qcompile writes it."""
    found = []
    for model in sorted(EXAMPLES.glob("*/model.onnx")):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out"
            fastest = prepare(Options(model=model, target="zcu104"), Progress()).dataflow.interval()
            options = ["--target", TARGETS[family.name], "--interval", str(fastest * SLOWER[-1]), "--no-sim", "--frames", "1"]
            run_qcompile([str(model), *options, "-o", str(out)], Path(folder) / "cache")
            report = json.loads((out / "report.json").read_text(encoding="utf-8"))
            used = {row["resource"]: row["used"] for row in report["design"]["resources"]}
            names = (out / "rtl" / "files.f").read_text(encoding="utf-8").split()
            memories = {file.name: file.read_text(encoding="ascii") for file in (out / "memories").iterdir()}
            module = Module(Path(names[-1]).stem, tuple(out / "rtl" / name for name in names), (), {}, memories)
            work = Path(folder) / "work"
            work.mkdir()
            made = family.resources(synthesise(find_yosys(), family, module, work))
        lut = next(number for name, number in used.items() if name.startswith("LUT"))
        estimate = Resources(lut=lut, ff=used["FF"], dsp=used["DSP"], bram18=used["block RAM"])
        found.append(Compared(model.parent.name, "whole design", True, estimate, made))
    return found


def table(rows: Sequence[Compared]) -> Table:
    """A line for each kind, fitted and held out apart, and one for all."""
    groups: dict[str, list[Compared]] = {}
    for row in rows:
        groups.setdefault(f"{row.kind}{', held out' if row.held_out else ''}", []).append(row)
    groups = dict(sorted(groups.items()))
    groups["all fitted"] = [row for row in rows if not row.held_out]
    groups["all held out"] = [row for row in rows if row.held_out]
    return Table(HEADINGS, tuple(_line(name, group) for name, group in groups.items() if group))


def _line(name: str, rows: Sequence[Compared]) -> tuple[str, ...]:
    luts, registers = [row.lut_error for row in rows], [row.ff_error for row in rows]
    return (
        name,
        str(len(rows)),
        f"{_median(luts):.1%}",
        f"{max(luts, key=abs):+.1%}",
        f"{_median(registers):.1%}",
        f"{max(registers, key=abs):+.1%}",
        str(sum(not row.blocks_right for row in rows)),
    )


def _median(errors: Iterable[float]) -> float:
    return median(abs(error) for error in errors)


def compared(family: Family, chosen: Sequence[Sample], refresh: bool = False) -> list[Compared]:
    """Estimate and synthesis of each sample."""
    known = cells(family, chosen, refresh)
    return [
        Compared(
            f"{sample.origin} {dict(sample.kernel.binding().parameters)}",
            sample.kernel.kind,
            sample.held_out,
            sample.kernel.resources(family.lut_inputs, family.block_bits),
            family.resources(known[sample.key]),
        )
        for sample in chosen
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; 1 where held-out kernels miss the goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--family", choices=list(FAMILIES), default="xc7")
    parser.add_argument("--each", type=int, default=10, help="kernels of a kind, fitted and held out each (default 10)")
    parser.add_argument("--most-luts", type=float, default=1500, help="leave larger kernels out (default 1500)")
    parser.add_argument("--refresh", action="store_true", help="synthesise everything again")
    parser.add_argument("--designs", action="store_true", help="whole designs as well")
    parser.add_argument("--fit", metavar="KIND", help="print every kernel of this kind")
    options = parser.parse_args(arguments)
    family = FAMILIES[options.family]
    rows = compared(family, samples(options.each, options.most_luts), options.refresh)
    rows += designs(family) if options.designs else []
    for row in sorted(rows, key=lambda row: row.lut_error):
        if row.kind == options.fit:
            print(f"{row.lut_error:+.0%} {row.ff_error:+.0%} {row.made} {row.estimate} {row.name}")
    print(table(rows).plain())
    held_out = [row for row in rows if row.held_out] or rows
    good = _median(row.lut_error for row in held_out) <= MEDIAN_GOAL
    return 0 if good and max(abs(row.lut_error) for row in held_out) <= WORST_GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
