"""Every generated file of a design but those of the host and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import qcompile
from qcompile.codegen.render import render
from qcompile.codegen.top import edges, memory_path, render_top
from qcompile.codegen.views import BenchView
from qcompile.ir.beats import hex_lines, pack_frames
from qcompile.ir.dataflow import Dataflow
from qcompile.ir.design import Design
from qcompile.ir.types import IntArray
from qcompile.tools import assets

LIBRARY_OF_TOP = "frame_marker"


def generate(
    dataflow: Dataflow,
    *,
    title: str,
    part: str,
    clock_mhz: float,
    first_output: int,
    vectors: tuple[Sequence[IntArray], Sequence[IntArray]],
) -> Design:
    """RTL, memories, simulation benches with test vectors, and scripts.

    `vectors` holds for each input and each output of the design int64 (frames, elements) in stream order.
    `first_output` is the predicted latency in cycles.
    """
    modules = library_modules(dataflow)
    rendered = [file for instance in dataflow.instances for file in instance.kernel.binding().rendered]
    sources = (*(f"{module}.sv" for module in (*modules, *(file.module for file in rendered))), f"{dataflow.name}.sv")
    files: dict[str, str | bytes] = {
        f"rtl/{m}.sv": (assets.rtl() / f"{m}.sv").read_text(encoding="utf-8") for m in modules
    }
    files |= {f"rtl/{file.module}.sv": render(file.template, file.view) for file in rendered}
    files[f"rtl/{dataflow.name}.sv"] = render_top(dataflow, first_output, title)
    files["rtl/files.f"] = "".join(f"{source}\n" for source in sources)
    for instance in dataflow.instances:
        for memory in instance.kernel.binding().memories:
            files[memory_path(instance.name, memory.parameter).removeprefix("../")] = memory.hex_lines()
    files |= _simulation(dataflow, sources, part, clock_mhz, vectors)
    return Design(dataflow.name, files)


def library_modules(dataflow: Dataflow) -> tuple[str, ...]:
    """Stems of the library files a design needs, dependencies first."""
    stems = [stem for instance in dataflow.instances for stem in instance.kernel.binding().sources]
    return tuple(dict.fromkeys([*stems, LIBRARY_OF_TOP]))


def _simulation(
    dataflow: Dataflow,
    sources: tuple[str, ...],
    part: str,
    clock_mhz: float,
    vectors: tuple[Sequence[IntArray], Sequence[IntArray]],
) -> Mapping[str, str | bytes]:
    inputs, outputs = edges(dataflow)
    view = BenchView(
        module=dataflow.name,
        version=qcompile.__version__,
        part=part,
        clock_ns=f"{1000 / clock_mhz:.3f}",
        sources=sources,
        inputs=inputs,
        outputs=outputs,
        frames=len(vectors[0][0]),
        # Far more than any frame takes, with random idle cycles on both sides.
        timeout_cycles=100_000 + 40 * sum(i.kernel.interval() for i in dataflow.instances),
    )
    files: dict[str, str | bytes] = {
        "sim/Makefile": render("sim/Makefile.j2", view),
        "sim/run_cocotb.py": render("sim/run_cocotb.py.j2", view),
        "sim/test_accelerator.py": render("sim/test_accelerator.py.j2", view),
        "sim/bulk_bench.cpp": render("sim/bulk_bench.cpp.j2", view),
        "sim/stream_bench.hpp": (assets.templates() / "sim" / "stream_bench.hpp").read_text(encoding="utf-8"),
        "scripts/vivado.tcl": render("scripts/vivado.tcl.j2", view),
    }
    for kind, streams, frames in (("input", dataflow.inputs, vectors[0]), ("output", dataflow.outputs, vectors[1])):
        for k, (stream, codes) in enumerate(zip(streams, frames, strict=True)):
            data = pack_frames(codes, stream)
            files[f"sim/vectors/{kind}_{k}.bin"] = data
            files[f"sim/vectors/{kind}_{k}.hex"] = hex_lines(data, stream)
    return files
