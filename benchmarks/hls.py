"""Networks in HLS C++: whether they are exact, what g++ takes to compile them, how fast they run.

Each model is folded for pynq-z2 with at most so many cycles a frame as it is given here, and fed with random frames. CPU seconds
are those of the compiler and of the program.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from table import Table

from qcompile.codegen.hls import generate_hls
from qcompile.flow.options import Options
from qcompile.flow.prepare import prepare
from qcompile.flow.progress import Progress
from qcompile.flow.vectors import make_frames
from qcompile.tools.cache import Cache
from qcompile.tools.hls_compiler import build_hls, find_ap_types
from qcompile.verify.comparison import Stimulus
from qcompile.verify.hls import run_hls

ROOT = Path(__file__).parents[1]
TARGET = "pynq-z2"


@dataclass(frozen=True, slots=True)
class Subject:
    """A model, the frames it is run on, cycles a frame (None: as fast as fits), and a type for its input."""

    path: str
    frames: int
    interval: int | None = None
    input_type: str | None = None


SHARED = "../shared/models"
SUBJECTS = (
    Subject(f"{SHARED}/tfc_w2a2.onnx", 1000),
    Subject(f"{SHARED}/tfc_w1a1.onnx", 1000),
    Subject(f"{SHARED}/kwsmlp_w3a3.onnx", 200),
    Subject(f"{SHARED}/jettagging.onnx", 1000, input_type="fixed<16,6>"),
    Subject(f"{SHARED}/finn_tfc_multithreshold.onnx", 1000),
    Subject("examples/digits_mlp_w1a1/model.onnx", 1000, 16),
    Subject("examples/digits_mlp_w2a2/model.onnx", 1000, 16),
    Subject("examples/digits_dilated_w3a3/model.onnx", 100, 1024),
    Subject("examples/digits_mobilenet_w4a4/model.onnx", 100, 2048),
    Subject("examples/digits_resnet_w4a4/model.onnx", 100, 4096),
    Subject("examples/digits_vgg_w2a2/model.onnx", 100, 64),
)
HEADINGS = ("model", "frames", "differ", "cycles a frame", "kernels", "lines of top.cpp", "compile, CPU s", "run, CPU s")


def rows(include: Path) -> Iterator[tuple[str, ...]]:
    """One for each model that is there."""
    for subject in SUBJECTS:
        if (ROOT / subject.path).exists():
            yield row(subject, include)


def row(subject: Subject, include: Path) -> tuple[str, ...]:
    """Compiles one and runs it."""
    path, frames = ROOT / subject.path, subject.frames
    name = path.parent.name if path.stem == "model" else path.stem
    options = Options(path, TARGET, name, interval=subject.interval, input_type=subject.input_type)
    prepared = prepare(options, Progress())
    dataflow, network = prepared.dataflow, prepared.understood.network
    codes = make_frames(network, frames).codes
    values = network.integer.evaluate(*codes)
    expected = [np.asarray(values[output]).reshape(frames, -1) for output in network.integer.outputs]
    stimulus = Stimulus(dataflow.inputs, dataflow.outputs, [x.reshape(frames, -1) for x in codes], expected)
    files = generate_hls(dataflow, title=name, part=prepared.target.part, clock_mhz=prepared.clock_mhz)
    with tempfile.TemporaryDirectory() as folder:
        for file, text in files.items():
            place = Path(folder) / file
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        started = cpu()
        program = build_hls(Cache(Path(folder) / "cache"), Path(folder) / "hls", include, Path(folder) / "tb")
        built = cpu()
        run = run_hls(program, stimulus)
        ended = cpu()
    lines = len(files["hls/top.cpp"].splitlines())
    numbers = (run.frames, len(run.wrong), dataflow.interval(), len(dataflow.instances), lines)
    return (name, *(f"{number:,}" for number in numbers), f"{built - started:.1f}", f"{ended - built:.1f}")


def cpu() -> float:
    """Seconds that finished children took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hls-include", type=Path, help="folder of ap_int.h (default: that of hls4ml)")
    parser.add_argument("--markdown", action="store_true")
    arguments = parser.parse_args()
    table = Table(HEADINGS, tuple(rows(find_ap_types(arguments.hls_include))))
    print(table.markdown() if arguments.markdown else table.plain())
    return 0


if __name__ == "__main__":
    sys.exit(main())
