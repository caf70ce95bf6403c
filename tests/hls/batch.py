"""Many kernels in one C++ program: each as a design of its own, all of them compiled at once and fed with random frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from qcompile.codegen.hls import generate_hls
from qcompile.ir.beats import pack_frames, unpack_frames
from qcompile.ir.dataflow import Channel, Dataflow, Instance, Kernel, Port
from qcompile.ir.errors import CompilerError
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
    """Compiles and runs all of them; raises AssertionError naming the kernels whose C++ gives other integers."""
    include = ap_types()
    cases = [k if isinstance(k, Case) else Case(k) for k in kernels]
    rng = np.random.default_rng(1)
    sent = [case.draw(rng, frames) for case in cases]
    includes, calls = [], []
    for k, (case, codes) in enumerate(zip(cases, sent, strict=True)):
        place = folder / f"case{k}"
        for name, text in generate_hls(solo(case.kernel, f"case{k}"), title="", part="part", clock_mhz=100).items():
            path = place / name.removeprefix("hls/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        vectors = place / "vectors"
        vectors.mkdir()
        for n, (stream, port) in enumerate(zip(case.kernel.inputs, codes, strict=True)):
            (vectors / f"input_{n}.bin").write_bytes(pack_frames(port, stream))
        for n, (stream, port) in enumerate(zip(case.kernel.outputs, case.kernel.evaluate(*codes), strict=True)):
            (vectors / f"output_{n}.bin").write_bytes(pack_frames(port, stream))
        (place / "received").mkdir()
        includes += [f'#include "case{k}/top.cpp"', f"#define main bench{k}", f'#include "case{k}/tb.cpp"', "#undef main"]
        calls.append(f'  run(bench{k}, "case{k}/vectors", "case{k}/received");')
    (folder / "all.cpp").write_text("\n".join([*includes, RUN, "int main() {", *calls, "}", ""]))
    command = ["g++", "-std=c++17", "-O0", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas", "-DAP_INT_MAX_W=32768"]
    compiled = run([*command, "-isystem", include, "-o", "all", "all.cpp"], what="compile", cwd=folder, timeout_s=900)
    assert compiled.output == "", compiled.output
    output = run([folder / "all"], what="run", cwd=folder).output
    assert "WARNING" not in output, output
    wrong = []
    for k, (case, codes) in enumerate(zip(cases, sent, strict=True)):
        for n, (stream, expected) in enumerate(zip(case.kernel.outputs, case.kernel.evaluate(*codes), strict=True)):
            received = unpack_frames((folder / f"case{k}" / "received" / f"output_{n}.bin").read_bytes(), stream)
            if not np.array_equal(received, expected.reshape(received.shape)):
                wrong.append(f"case {k}, output {n}: {case.kernel.kind} {case.kernel.binding().parameters}")
    assert not wrong, "\n".join(wrong)
