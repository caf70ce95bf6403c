"""What a user may ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qcompile.ir.dataflow import Dataflow
from qcompile.ir.errors import CompilerError, Rejection, refuse
from qcompile.ir.graph import Shape
from qcompile.ir.types import IntType
from qcompile.transforms.walk import InputType

DEFAULT_RTL_FRAMES = 16
BACKENDS = ("rtl", "hls", "mixed")
DEFAULT_LUT_INPUTS = 14


@dataclass(frozen=True, slots=True)
class Options:
    """One compilation.

    `name` is that of the top-level module (default: the stem of the model's file). `frames` random frames (None: 64, or
    fewer of a large network) prove the integer graph, the first `rtl_frames` of them the RTL (0: no simulation).
    `interval` (cycles) or `fps` (frames a second at `clock_mhz`) set the speed; without them the fastest design that fits
    is made. `latency` is how many cycles may pass up to the first output (0: the fewest found that fit).
    No accumulator needs more than `accumulator_bits` bits; with `wrap` only final sums have to fit them.
    `upsample` (auto, resize, deconv) says which convolutions of enlarged images, and of whose channels pixels are made,
    become transposed ones.
    `engine` (auto, folded, lut) says what computes layers whose neurons read at most `lut_inputs` bits, `lut_stages`
    after how many logic levels these have registers (0: after every layer).
    `source` (burst, steady) says how frames come: at full speed, or spread over the interval.
    `backend` `hls` writes HLS C++ beside the RTL and runs it on the same frames, with the headers in `hls_include` or those
    of hls4ml; `mixed` makes the nodes that the folding file says so of in HLS C++, the others in RTL.
    `times` writes the seconds of each step into the report, which then differs from run to run.
    """

    model: Path
    target: str
    name: str = ""
    clock_mhz: float | None = None
    input_type: str | None = None
    input_scale: float | None = None
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    folding: Path | None = None
    fps: float | None = None
    interval: int | None = None
    latency: int | None = None
    source: str = "burst"
    accumulator_bits: int | None = None
    wrap: bool = False
    upsample: str = "auto"
    engine: str = "folded"
    lut_inputs: int = DEFAULT_LUT_INPUTS
    lut_stages: int = 0
    backend: str = "rtl"
    hls_include: Path | None = None
    vectors: Path | None = None
    frames: int | None = None
    rtl_frames: int = DEFAULT_RTL_FRAMES
    times: bool = False
    check: bool = False
    dump: Path | None = None


def parse_input_type(text: str, scale: float | None) -> InputType:
    """`uint8`, `int4`, `bipolar`, or `fixed<16,6>` / `ufixed<8,0>` (bits, of them before the point) as integers with
    a scale.

    Raises CompilerError for anything else, and for a scale that is not positive or that a fixed-point type has
    already.
    """
    kind = re.sub(r"\s+", "", text.lower())
    if scale is not None and not (0 < scale < float("inf")):
        raise CompilerError(f"--input-scale {scale:g} is not a positive number")
    if kind == "bipolar":
        return InputType(IntType(1, False), 2.0 * (scale or 1.0), -0.5)
    plain = re.fullmatch(r"(u?)int(\d+)", kind)
    if plain and 1 <= int(plain[2]) <= 32:
        return InputType(IntType(int(plain[2]), not plain[1]), 1.0 if scale is None else scale)
    fixed = re.fullmatch(r"(?:ap_)?(u?)fixed<(\d+),(-?\d+)>", kind)
    if fixed and 1 <= int(fixed[2]) <= 32:
        if scale is not None:
            raise CompilerError(f"--input {text} has a scale of its own", hint="leave --input-scale out")
        return InputType(IntType(int(fixed[2]), not fixed[1]), 2.0 ** (int(fixed[3]) - int(fixed[2])))
    raise CompilerError(
        f"--input {text} names no integer type",
        hint='examples: uint8, int8, bipolar, "fixed<16,6>" (16 bits, 6 of them before the point), "ufixed<8,0>"',
    )


def parse_latency(text: str | None) -> int | None:
    """Cycles, or 0 for `lowest`; None stays None. Raises CompilerError for anything else."""
    if text is None:
        return None
    if text == "lowest":
        return 0
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise CompilerError(f"--latency {text} is neither a number of cycles nor 'lowest'")


def parse_backend(text: str) -> str:
    """`rtl`, `hls` or `mixed`; raises CompilerError for anything else."""
    if text in BACKENDS:
        return text
    raise CompilerError(f"--backend {text} is none", hint=f"there are {', '.join(BACKENDS)}")


def require_styles(options: Options, dataflow: Dataflow) -> None:
    """Raises CompilerError where what the folding file says of HLS C++ is not what `backend` makes."""
    asked = [Rejection("it is to be made in HLS C++", i.name) for i in dataflow.instances if i.style == "hls"]
    if asked and options.backend == "rtl":
        hint = "add --backend mixed, or --backend hls for all of the network"
        raise refuse("the folding file asks for HLS C++, and --backend rtl makes none", asked, hint)
    if options.backend == "mixed" and not asked:
        hint = 'in the folding file (--folding), give some nodes "preferred_impl_style": "hls"'
        raise CompilerError("--backend mixed, and no node is to be made in HLS C++", hint=hint)


def parse_shapes(texts: list[str]) -> dict[str, Shape]:
    """`1,28,28` for the only input, or `name:1,28,28`; raises CompilerError for what is neither."""
    shapes: dict[str, Shape] = {}
    for text in texts:
        name, _, sizes = text.rpartition(":")
        parts = re.split(r"[,x]", sizes)
        if not all(part.strip().isdigit() and int(part) > 0 for part in parts):
            raise CompilerError(
                f"--shape {text} is no shape", hint="example: --shape 1,3,32,32 or --shape image:1,3,32,32"
            )
        shapes[name] = tuple(int(part) for part in parts)
    return shapes
