"""`qcompile list`: the catalogues as rows of text, the first row the headings."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from qcompile.frontend.importers import IMPORTERS, PULP_IMPORTERS, QONNX_IMPORTERS
from qcompile.frontend.quantised_operators import CONTRIBUTED, MICROSOFT, STANDARD
from qcompile.kernels import KERNELS
from qcompile.targets import all_targets
from qcompile.transforms.passes import PASSES


class Subject(str, Enum):
    """What can be listed."""

    targets = "targets"
    ops = "ops"
    kernels = "kernels"
    passes = "passes"


def rows(subject: Subject) -> Sequence[tuple[str, ...]]:
    """Headings and entries."""
    match subject:
        case Subject.targets:
            return _targets()
        case Subject.ops:
            return _operators()
        case Subject.kernels:
            return [("kernel", "what it does"), *((k.kind, _summary(k)) for k in KERNELS)]
        case Subject.passes:
            return [("pass", "what it does"), ("streamline", "every real tensor as a function of an integer one")] + [
                (p.name, _summary(type(p))) for p in PASSES
            ]


def _targets() -> Sequence[tuple[str, ...]]:
    headings = ("target", "part", "LUT", "FF", "block RAM", "DSP", "clock MHz", "toolchain")
    return [headings] + [
        (
            t.name,
            t.part,
            f"{t.lut:,} LUT{t.lut_inputs}",
            f"{t.ff:,}",
            f"{t.bram.count} x {t.bram.bits // 1024} kbit",
            str(t.dsp.count),
            f"{t.clock_mhz:g}",
            t.toolchain,
        )
        for t in all_targets()
    ]


def _operators() -> Sequence[tuple[str, ...]]:
    standard = [(name, "ONNX") for name in IMPORTERS]
    quantisers = [
        (name, "QONNX (qonnx.custom_op.general, onnx.brevitas, finn.custom_op.general)") for name in QONNX_IMPORTERS
    ]
    quantisers += [(name, "PULP (PACTOps, ai.onnx.contrib)") for name in PULP_IMPORTERS]
    quantisers.append(("FloatQuant", "QONNX, formats of integers"))
    quantised = [(name, "ONNX") for name in STANDARD] + [(name, MICROSOFT) for name in CONTRIBUTED]
    return [("operator", "domain"), *sorted(standard + quantisers + quantised)]


def _summary(thing: type) -> str:
    return (thing.__doc__ or "").strip().split("\n")[0]
