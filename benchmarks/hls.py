"""Networks in HLS C++: whether they are exact, what g++ takes to compile them, how fast they run, how long the code is.

Each model is folded for its target with at most so many cycles a frame as it is given here, and fed with random frames. Seconds
are of CPU, those of the compiler and of the program. With --hls4ml, a Python that has hls4ml and qonnx, the same of hls4ml's
compile() and predict() on as many frames, where it takes the model. Ends with status 1 when something differs.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from table import Table

from qcompile.codegen.hls import generate_hls
from qcompile.flow.options import Options
from qcompile.flow.prepare import Prepared, prepare
from qcompile.flow.progress import Progress
from qcompile.flow.prove import PART_ELEMENTS, elements_of_a_frame
from qcompile.flow.vectors import make_frames
from qcompile.ir.errors import CompilerError
from qcompile.kernels import Fifo
from qcompile.tools.cache import Cache
from qcompile.tools.hls_compiler import build_hls, find_ap_types
from qcompile.verify.comparison import Stimulus
from qcompile.verify.hls import run_hls

ROOT = Path(__file__).parents[1]
OTHERS = Path(__file__).with_name("hls4ml_seconds.py")

LONGEST = 2000
"""Lines that a generated file may have, weights apart."""

COMPILE_GOAL_S, RUN_GOAL_S = 30.0, 10.0
"""For tfc_w2a2: to compile, and to run 1,000 frames."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A model, the frames it is run on, cycles a frame (None: as fast as fits), target, type and scale of its input."""

    path: str
    frames: int
    interval: int | None = None
    target: str = "pynq-z2"
    input_type: str | None = None
    input_scale: float | None = None

    @property
    def name(self) -> str:
        """The model's: that of its file or of its folder."""
        path = Path(self.path)
        return path.parent.name if path.stem == "model" else path.stem


SHARED = "../shared/models"
SHARED_SUBJECTS = (
    Subject(f"{SHARED}/tfc_w2a2.onnx", 1000),
    Subject(f"{SHARED}/tfc_w1a1.onnx", 1000),
    Subject(f"{SHARED}/kwsmlp_w3a3.onnx", 1000),
    Subject(f"{SHARED}/jettagging.onnx", 1000, input_type="fixed<16,6>"),
    Subject(f"{SHARED}/finn_tfc_multithreshold.onnx", 1000),
    Subject(f"{SHARED}/gtsrb_cnn_w2a3.onnx", 100),
    Subject(f"{SHARED}/resnet8_int8_qdq.onnx", 100, 30_000, "zcu104"),
    Subject(f"{SHARED}/kws_dscnn_int8_qdq.onnx", 100, 10_000, "zcu104"),
    Subject(f"{SHARED}/minimobilenet_requantshift.onnx", 100, 100_000, "zcu104", "uint8", 1.0),
    Subject(f"{SHARED}/espcn_nnresize.onnx", 2, 2_000_000, "zcu104"),
    Subject(f"{SHARED}/tiny_unet_channels_last.onnx", 1, 20_000_000, "u250"),
)
EXAMPLE_INTERVALS = {
    "digits_mlp_w1a1": 16,
    "digits_mlp_w2a2": 16,
    "digits_dilated_w3a3": 1024,
    "digits_mobilenet_w4a4": 2048,
    "digits_resnet_w4a4": 4096,
    "digits_unet_w4a4": 4096,
    "digits_vgg_w1a1": 64,
    "digits_vgg_w2a2": 64,
    "power_conv1d_w4a4": 600,
}
EXAMPLE_INTERVAL = 128
"""Cycles a frame of examples, and of those that are not named."""


def subjects() -> list[Subject]:
    """Shared models and examples that are there."""
    found = [subject for subject in SHARED_SUBJECTS if (ROOT / subject.path).exists()]
    for path in sorted((ROOT / "examples").glob("*/model.onnx")):
        name = path.parent.name
        interval = EXAMPLE_INTERVALS.get(name, EXAMPLE_INTERVAL)
        found.append(Subject(f"examples/{name}/model.onnx", 100 if EXAMPLE_INTERVALS.get(name, 0) > 16 else 1000, interval))
    return found


HEADINGS = (
    "model", "frames", "differ", "cycles a frame", "kernels", "lines a kernel", "longest file", "compile, s", "run, s",
    "hls4ml compile, s", "ratio", "hls4ml predict, s", "ratio",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of a model. `lines` are those of top.cpp and top.hpp, `longest` those of the longest generated file
    but weights; `others` are seconds of hls4ml's compile() and predict(); `refused` says why it does not take the model.
    """

    name: str
    frames: int
    wrong: int
    cycles: int
    kernels: int
    lines: int
    longest: int
    compile_s: float
    run_s: float
    others: tuple[float, float] | None = None
    refused: str = ""

    def cells(self) -> tuple[str, ...]:
        """Of the table; a ratio is hls4ml's seconds over ours."""
        numbers = (self.frames, self.wrong, self.cycles, self.kernels)
        own = (*(f"{n:,}" for n in numbers), f"{self.lines / self.kernels:.0f}", f"{self.longest:,}")
        seconds = (f"{self.compile_s:.1f}", f"{self.run_s:.2f}")
        if self.others is None:
            return (self.name, *own, *seconds, "-", "-", "-", "-")
        theirs, predicted = self.others
        ratios = f"{theirs / self.compile_s:.2f}", f"{predicted / max(self.run_s, 1e-3):.2f}"
        return (self.name, *own, *seconds, f"{theirs:.1f}", ratios[0], f"{predicted:.2f}", ratios[1])

    def faults(self) -> Iterator[str]:
        """What is not as it has to be."""
        if self.wrong:
            yield f"{self.name}: {self.wrong} of {self.frames} frames differ from the integer network"
        if self.longest > LONGEST:
            yield f"{self.name}: a generated file has {self.longest:,} lines"
        if self.name == "tfc_w2a2" and (self.compile_s > COMPILE_GOAL_S or self.run_s * 1000 > RUN_GOAL_S * self.frames):
            yield f"{self.name}: goals are {COMPILE_GOAL_S:g} s to compile, {RUN_GOAL_S:g} s for 1,000 frames"


def measure(subject: Subject, include: Path, frames: int) -> Row:
    """Compiles one and runs it on so many frames."""
    options = Options(
        ROOT / subject.path,
        subject.target,
        subject.name,
        interval=subject.interval,
        input_type=subject.input_type,
        input_scale=subject.input_scale,
    )
    prepared = prepare(options, Progress())
    dataflow = prepared.dataflow
    files = generate_hls(dataflow, title=subject.name, part=prepared.target.part, clock_mhz=prepared.clock_mhz)
    with tempfile.TemporaryDirectory() as folder:
        for file, text in files.items():
            place = Path(folder) / file
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        started = cpu()
        program = build_hls(Cache(Path(folder) / "cache"), Path(folder) / "hls", include, Path(folder) / "tb")
        built = cpu()
        run = run_hls(program, stimulus(prepared, frames))
        ended = cpu()
    lengths = {name: len(text.splitlines()) for name, text in files.items() if "/weights/" not in name}
    return Row(
        subject.name,
        run.frames,
        len(run.wrong),
        dataflow.interval(),
        sum(not isinstance(instance.kernel, Fifo) for instance in dataflow.instances),
        lengths["hls/top.cpp"] + lengths["hls/top.hpp"],
        max(lengths.values()),
        built - started,
        ended - built,
    )


def stimulus(prepared: Prepared, frames: int) -> Stimulus:
    """Random frames and what the integer network makes of them, some at a time so that memory holds large images."""
    network, dataflow = prepared.understood.network, prepared.dataflow
    codes = make_frames(network, frames).codes
    parts = []
    size = max(1, PART_ELEMENTS // elements_of_a_frame(network.integer))
    for k in range(0, frames, size):
        part = [x[k : k + size] for x in codes]
        values = network.integer.evaluate(*part)
        parts.append([np.asarray(values[output]).reshape(len(part[0]), -1) for output in network.integer.outputs])
    expected = [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]
    return Stimulus(dataflow.inputs, dataflow.outputs, [x.reshape(frames, -1) for x in codes], expected)


def others(python: Path, subject: Subject, frames: int) -> tuple[tuple[float, float] | None, str]:
    """Seconds of hls4ml's compile() and predict(), or why there are none."""
    command = [str(python), str(OTHERS), str(ROOT / subject.path), str(frames)]
    try:
        finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1200)
        found = json.loads(finished.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, OSError, ValueError, IndexError) as error:
        return None, f"{type(error).__name__}: nothing within 20 minutes, or nothing that can be read"
    return (None, found["refused"]) if "refused" in found else ((found["compile"], found["predict"]), "")


def cpu() -> float:
    """Seconds that finished children took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(arguments: argparse.Namespace, failures: list[str]) -> Iterator[Row]:
    """One for each model that is there and asked for; `failures` receives those that cannot be compiled."""
    include = find_ap_types(arguments.hls_include)
    for subject in subjects():
        if arguments.only and subject.name not in arguments.only:
            continue
        frames = arguments.frames or subject.frames
        try:
            row = measure(subject, include, frames)
        except CompilerError as error:
            failures.append(f"{subject.name}: {error}")
            continue
        if arguments.hls4ml is not None:
            seconds, refused = others(arguments.hls4ml, subject, frames)
            row = replace(row, others=seconds, refused=refused)
        print(*row.cells(), row.refused, sep="  ", file=sys.stderr)
        yield row


def main(words: Sequence[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hls-include", type=Path, help="folder of ap_int.h (default: that of hls4ml)")
    parser.add_argument("--hls4ml", type=Path, metavar="PYTHON", help="a Python that has hls4ml and qonnx")
    parser.add_argument("--only", nargs="+", metavar="MODEL", help="these models")
    parser.add_argument("--frames", type=int, help="frames of each (default: what is written here)")
    parser.add_argument("--markdown", action="store_true")
    arguments = parser.parse_args(words)
    failures: list[str] = []
    rows = list(measured(arguments, failures))
    table = Table(HEADINGS, tuple(row.cells() for row in rows))
    print(table.markdown() if arguments.markdown else table.plain())
    for row in rows:
        if row.refused:
            print(f"hls4ml does not take {row.name}: {row.refused}")
    faults = failures + [fault for row in rows for fault in row.faults()]
    for fault in faults:
        print(f"NOT REACHED: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
