"""Many designs in one C++ program: all of them compiled at once and fed with random frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from qcompile.codegen.hls import generate_hls
from qcompile.ir.beats import pack_frames, unpack_frames
from qcompile.ir.dataflow import Channel, Dataflow, Instance, Kernel, Port, Stream
from qcompile.ir.errors import CompilerError
from qcompile.ir.types import IntArray
from qcompile.tools.command import run
from qcompile.tools.hls_compiler import find_ap_types

from ..kernels.stimulus import Case

RUN = """
static void run(int (*bench)(int, char **), std::string vectors, std::string received) {
  char name[] = "tb";
  char *arguments[] = {name, &vectors[0], &received[0]};
  bench(3, arguments);
}
"""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A design, int64 (frames, elements) for each of its inputs, and what is to come out of each output."""

    dataflow: Dataflow
    inputs: Sequence[IntArray]
    expected: Sequence[IntArray]
    label: str


def ap_types() -> Path:
    """The vendor's open headers; skips the test where they are not installed."""
    try:
        return find_ap_types(None)
    except CompilerError as error:
        pytest.skip(f"{error.what}: {error.hint}")


def solo(kernel: Kernel, name: str) -> Dataflow:
    """A design of one kernel."""
    instance = Instance(f"{name}_unit", kernel, ("node",))
    channels = [Channel(Port(None, k), Port(instance.name, k), stream) for k, stream in enumerate(kernel.inputs)]
    channels += [Channel(Port(instance.name, k), Port(None, k), stream) for k, stream in enumerate(kernel.outputs)]
    names = [tuple(f"{letter}{k}" for k in range(len(s))) for letter, s in (("x", kernel.inputs), ("y", kernel.outputs))]
    return Dataflow(name, (instance,), tuple(channels), kernel.inputs, kernel.outputs, names[0], names[1])


def evaluate_all(kernels: Sequence[Kernel | Case], folder: Path, frames: int = 3) -> None:
    """Compiles and runs designs of one kernel each; raises AssertionError naming those that give other integers."""
    rng = np.random.default_rng(1)
    jobs = []
    for k, item in enumerate(kernels):
        case = item if isinstance(item, Case) else Case(item)
        codes = case.draw(rng, frames)
        label = f"case {k}: {case.kernel.kind} {case.kernel.binding().parameters}"
        jobs.append(Job(solo(case.kernel, f"case{k}"), codes, case.kernel.evaluate(*codes), label))
    run_jobs(jobs, folder)


def run_jobs(jobs: Sequence[Job], folder: Path) -> None:
    """Compiles all designs as one program without a warning and compares what comes out."""
    include = ap_types()
    lines, calls = [], []
    for k, job in enumerate(jobs):
        place = folder / f"case{k}"
        for name, text in generate_hls(job.dataflow, title="", part="part", clock_mhz=100).items():
            path = place / name.removeprefix("hls/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for kind, streams, ports in (
            ("input", job.dataflow.inputs, job.inputs),
            ("output", job.dataflow.outputs, job.expected),
        ):
            (place / "vectors").mkdir(exist_ok=True)
            for n, (stream, port) in enumerate(zip(streams, ports, strict=True)):
                (place / "vectors" / f"{kind}_{n}.bin").write_bytes(pack_frames(port, stream))
        (place / "received").mkdir()
        lines += [f'#include "case{k}/top.cpp"', f"#define main bench{k}", f'#include "case{k}/tb.cpp"', "#undef main"]
        calls.append(f'  run(bench{k}, "case{k}/vectors", "case{k}/received");')
    (folder / "all.cpp").write_text("\n".join([*lines, RUN, "int main() {", *calls, "}", ""]))
    flags = ["-std=c++17", "-O0", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas", "-DAP_INT_MAX_W=32768"]
    command = ["g++", *flags, "-isystem", str(include), "-o", "all", "all.cpp"]
    assert run(command, what="compile", cwd=folder, timeout_s=900).output == ""
    output = run([folder / "all"], what="run", cwd=folder).output
    assert "WARNING" not in output, output  # a stream read while empty, or not emptied
    wrong = [fault for k, job in enumerate(jobs) for fault in differing(job, folder / f"case{k}" / "received")]
    assert not wrong, "\n".join(wrong)


def differing(job: Job, received: Path) -> list[str]:
    """One sentence for each output that is not as expected."""
    pairs: Sequence[tuple[Stream, IntArray]] = list(zip(job.dataflow.outputs, job.expected, strict=True))
    return [
        f"{job.label}, output {n}"
        for n, (stream, expected) in enumerate(pairs)
        if not np.array_equal(
            unpack_frames((received / f"output_{n}.bin").read_bytes(), stream), expected.reshape(len(expected), -1)
        )
    ]
