"""Every generated file of a design but those of the host and the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import qcompile
from qcompile.codegen.hls_blocks import block_views
from qcompile.codegen.render import render
from qcompile.codegen.top import edges, memory_path, render_top
from qcompile.codegen.views import BenchView
from qcompile.ir.beats import hex_lines, pack_frames
from qcompile.ir.dataflow import Dataflow, Instance
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
    spread: int = 0,
    mixed: bool = False,
) -> Design:
    """RTL, memories, simulation benches with test vectors, and scripts; where `mixed`, with blocks in place of the instances
    that are to be made in HLS C++.

    `vectors` holds for each input and each output of the design int64 (frames, elements) in stream order.
    `first_output` is the predicted latency in cycles, for sources that spread a frame over `spread` cycles (0: at full speed).
    """
    blocks = block_views(dataflow) if mixed else ()
    wrappers = {block.name: block.wrapper for block in blocks}
    in_rtl = [instance for instance in dataflow.instances if instance.name not in wrappers]
    modules, rendered = library_modules(dataflow.instances), _rendered(dataflow.instances)
    sources = (
        *(f"{module}.sv" for module in (*modules, *rendered)),
        *(f"stand_ins/{block.ip}.sv" for block in blocks),
        *(f"{wrapper}.sv" for wrapper in wrappers.values()),
        f"{dataflow.name}.sv",
    )
    synthesised = {*library_modules(in_rtl), *_rendered(in_rtl), *wrappers.values(), dataflow.name}
    files: dict[str, str | bytes] = {
        f"rtl/{m}.sv": (assets.rtl() / f"{m}.sv").read_text(encoding="utf-8") for m in modules
    }
    files |= {f"rtl/{module}.sv": text for module, text in rendered.items()}
    for block in blocks:
        files[f"rtl/{block.wrapper}.sv"] = render("rtl/hls_block.sv.j2", block)
        files[f"rtl/stand_ins/{block.ip}.sv"] = render("rtl/hls_stand_in.sv.j2", block)
    files[f"rtl/{dataflow.name}.sv"] = render_top(dataflow, first_output, title, wrappers)
    files["rtl/files.f"] = "".join(f"{source}\n" for source in sources)
    for instance in dataflow.instances:
        for memory in instance.kernel.binding().memories:
            files[memory_path(instance.name, memory.parameter).removeprefix("../")] = memory.hex_lines()
    inputs, outputs = edges(dataflow)
    view = BenchView(
        module=dataflow.name,
        version=qcompile.__version__,
        part=part,
        clock_ns=f"{1000 / clock_mhz:.3f}",
        sources=sources,
        synthesised=tuple(source for source in sources if source.removesuffix(".sv") in synthesised),
        blocks=blocks,
        inputs=inputs,
        outputs=outputs,
        frames=len(vectors[0][0]),
        spread=spread,
        # Far more than any frame takes, with random idle cycles on both sides.
        timeout_cycles=100_000 + 40 * sum(i.kernel.interval() for i in dataflow.instances),
    )
    files |= _simulation(view, dataflow, vectors)
    return Design(dataflow.name, files)


def library_modules(instances: Iterable[Instance]) -> tuple[str, ...]:
    """Stems of the library files that instances and a top level need, dependencies first."""
    stems = [stem for instance in instances for stem in instance.kernel.binding().sources]
    return tuple(dict.fromkeys([*stems, LIBRARY_OF_TOP]))


def _rendered(instances: Iterable[Instance]) -> dict[str, str]:
    """Modules that depend on the network, by name."""
    files = [file for instance in instances for file in instance.kernel.binding().rendered]
    return {file.module: render(file.template, file.view) for file in files}


def _simulation(
    view: BenchView, dataflow: Dataflow, vectors: tuple[Sequence[IntArray], Sequence[IntArray]]
) -> Mapping[str, str | bytes]:
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
