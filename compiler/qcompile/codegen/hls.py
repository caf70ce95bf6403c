"""The HLS C++ of a design: one function a frame, a library kernel for each instance, memories in generated headers."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import qcompile
from qcompile.codegen.hls_views import HlsEdgeView, HlsMemoryView, HlsNodeView, HlsStreamView, HlsTopView
from qcompile.codegen.render import render
from qcompile.codegen.top import edges, plain, wire_name
from qcompile.codegen.views import EdgeView
from qcompile.ir.dataflow import Dataflow, Instance, Memory, Port, Stream
from qcompile.ir.errors import CompilerError
from qcompile.kernels import Fifo
from qcompile.tools import assets

DEFAULT_DEPTH = 2
"""Words that a stream holds where there is no FIFO: a register slice, as between the modules of the RTL."""

PIECE = 64
"""Bits of the numbers that initialisers are made of: see hls/rom.hpp."""

DEFAULT_WIDEST = 1024
"""Bits of an ap_uint unless AP_INT_MAX_W says otherwise."""

WIDEST = 1 << 15
"""Bits that AP_INT_MAX_W may be at most."""

WIDEST_PORT = 4096
"""Bits of an AXI4-Stream port of Vitis HLS at most (UG1399)."""

LINE = 110

ENUMERATIONS = {"RAM_STYLE": "ram_style", "ROM_STYLE": "ram_style", "SUMS_STYLE": "ram_style"}
"""Parameters of the RTL that are strings, and what they are in C++."""

RESERVED = frozenset(
    """
    alignas alignof and_eq asm auto bitand bitor bool catch char char16_t char32_t compl concept const_cast constexpr
    decltype delete double dynamic_cast explicit false float friend goto hls inline long main mutable namespace noexcept
    not_eq nullptr operator or_eq private public qcompile register reinterpret_cast requires short sizeof static_assert
    static_cast std switch template thread_local throw true try typeid typename using volatile wchar_t xor_eq
    """.split()  # noqa: SIM905
)
"""Names of C++17 that SystemVerilog does not reserve, and ours: a top-level function needs another one."""


@dataclass(frozen=True, slots=True)
class _Wire:
    """A stream between two kernels, FIFOs on its way included."""

    name: str
    stream: Stream
    depth: int


def top_function(dataflow: Dataflow) -> str:
    """Name of the function that does what the top-level module does."""
    return f"{dataflow.name}_top" if dataflow.name in RESERVED else dataflow.name


def generate_hls(dataflow: Dataflow, *, title: str, part: str, clock_mhz: float) -> dict[str, str]:
    """Everything below hls/: top, library, memories, test bench, script, Makefile, by path in the output folder.

    Raises CompilerError naming every instance whose kernel has no HLS header, and every stream and memory whose words are
    too wide for ap_uint.
    """
    return library_files() | design_files(dataflow, "", title=title, part=part, clock_mhz=clock_mhz)


def library_files() -> dict[str, str]:
    """What does not depend on the network."""
    files = {f"hls/library/{p.name}": p.read_text(encoding="utf-8") for p in sorted(assets.hls().glob("*.hpp"))}
    files["hls/stream_files.hpp"] = (assets.templates() / "hls" / "stream_files.hpp").read_text(encoding="utf-8")
    return files


def design_files(dataflow: Dataflow, folder: str, *, title: str, part: str, clock_mhz: float) -> dict[str, str]:
    """A design and its memories. `folder` of hls/ (empty: itself) is where it lies; in one of its own the test vectors are
    in `vectors`, else in sim/. Raises CompilerError as `generate_hls` does.
    """
    nodes = [instance for instance in dataflow.instances if not isinstance(instance.kernel, Fifo)]
    require_headers(nodes)
    view = _view(dataflow, nodes, title, part, clock_mhz, "../" if folder else "")
    _require_widths(view)
    files = {f"hls/{memory.path}": render("hls/memory.hpp.j2", memory) for memory in view.memories}
    for instance in nodes:
        for file in instance.kernel.binding().in_hls.rendered:
            files[f"hls/weights/{file.module}.hpp"] = render(file.template, file.view)
    for name in ("top.hpp", "top.cpp", "tb.cpp", "run_hls.tcl", "Makefile"):
        files[f"hls/{folder}/{name}" if folder else f"hls/{name}"] = render(f"hls/{name}.j2", view)
    return files


def require_headers(nodes: Sequence[Instance]) -> None:
    """Raises CompilerError naming every instance whose kernel has no HLS header."""
    absent = [i for i in nodes if not (assets.hls() / f"{i.kernel.binding().in_hls.function}.hpp").exists()]
    if absent:
        names = ", ".join(f"{i.name} ({i.kernel.kind})" for i in absent)
        raise CompilerError(
            "some kernels of this design have no HLS form yet", why=names, hint="make them in RTL: leave --backend hls out"
        )


def _require_widths(view: HlsTopView) -> None:
    words = [(s.name, 2 * s.bits) for s in view.streams] + [(m.name, m.width + PIECE) for m in view.memories]
    wide = [f"{name} ({bits:,} bits)" for name, bits in words if bits > WIDEST]
    if wide:
        raise CompilerError(
            f"words of this design are too wide for HLS C++, which has integers of {WIDEST:,} bits at most",
            why=", ".join(wide),
            hint="fold it more (--interval, --fps or --folding), or leave --backend hls out",
        )
    ports = [edge for edge in (*view.inputs, *view.outputs) if edge.padded_bits > WIDEST_PORT]
    if ports:
        raise CompilerError(
            f"streams at the edge of {view.module} are too wide for Vitis HLS, which has ports of {WIDEST_PORT:,} bits at most",
            why=", ".join(f"{edge.prefix} ({edge.padded_bits:,} bits)" for edge in ports),
            hint="fold it more (--interval, --fps or --folding), or make it in RTL",
        )


def _view(
    dataflow: Dataflow, nodes: Sequence[Instance], title: str, part: str, clock_mhz: float, up: str
) -> HlsTopView:
    wires = _wires(dataflow)
    inputs, outputs = edges(dataflow)
    memories = tuple(_memory(instance, memory) for instance in nodes for memory in instance.kernel.binding().memories)
    bindings = [instance.kernel.binding().in_hls for instance in nodes]
    return HlsTopView(
        module=top_function(dataflow),
        title=plain(title),
        version=qcompile.__version__,
        interval=dataflow.interval(),
        bottleneck=dataflow.bottleneck().name if dataflow.instances else "a wire",
        part=part,
        clock_ns=f"{1000 / clock_mhz:.3f}",
        widest=_widest(wires.values(), memories),
        headers=tuple(sorted({binding.function for binding in bindings} | {"frame_marker"})),
        memories=memories,
        tables=tuple(f"weights/{file.module}.hpp" for binding in bindings for file in binding.rendered),
        inputs=tuple(_edge(view, wires[Port(None, k)]) for k, view in enumerate(inputs)),
        outputs=tuple(_edge(view, _driver(dataflow, wires, Port(None, k))) for k, view in enumerate(outputs)),
        streams=tuple(_stream(wire) for wire in wires.values()),
        nodes=tuple(_node(dataflow, wires, instance) for instance in nodes),
        up=up,
        vectors="vectors" if up else "../sim/vectors",
    )


def _widest(wires: Iterable[_Wire], memories: Iterable[HlsMemoryView]) -> int:
    """Bits of the largest ap_uint: a word of a memory in its pieces, or two words of a stream in a width converter."""
    return max([DEFAULT_WIDEST, *(2 * w.stream.bits for w in wires), *(m.width + PIECE for m in memories)])


def _wires(dataflow: Dataflow) -> Mapping[Port, _Wire]:
    """For each output port of a kernel, and each input of the design, the stream that leaves it; for a FIFO's output the
    stream that enters the FIFO, which is deeper.
    """
    fifos = {i.name: i.kernel for i in dataflow.instances if isinstance(i.kernel, Fifo)}
    sinks = {channel.source: channel for channel in dataflow.channels}
    wires: dict[Port, _Wire] = {}
    for source, channel in sinks.items():
        if source.instance in fifos:
            continue
        depth, sink = DEFAULT_DEPTH, channel.sink
        while sink.instance in fifos:
            depth = max(depth, fifos[sink.instance].depth)
            sink = sinks[Port(sink.instance)].sink
        wires[source] = _Wire(wire_name(source), channel.stream, depth)
    return wires


def _driver(dataflow: Dataflow, wires: Mapping[Port, _Wire], sink: Port) -> _Wire:
    """The stream that arrives at a port."""
    sources = {channel.sink: channel.source for channel in dataflow.channels}
    source = sources[sink]
    while source not in wires:
        source = sources[Port(source.instance)]
    return wires[source]


def _edge(view: EdgeView, wire: _Wire) -> HlsEdgeView:
    return HlsEdgeView(view.prefix, wire.name, view.bits, view.padded_bits, view.beats, view.summary)


def _stream(wire: _Wire) -> HlsStreamView:
    stream = wire.stream
    comment = f"{stream.beats} words a frame of {stream.lanes} x {stream.element}"
    return HlsStreamView(wire.name, stream.bits, wire.depth, comment)


def _node(dataflow: Dataflow, wires: Mapping[Port, _Wire], instance: Instance) -> HlsNodeView:
    kernel, binding = instance.kernel, instance.kernel.binding()
    origin = f"{', '.join(instance.origin)}: " if instance.origin else ""
    inputs = [_driver(dataflow, wires, Port(instance.name, k)) for k in range(len(kernel.inputs))]
    outputs = [wires[Port(instance.name, k)] for k in range(len(kernel.outputs))]
    arguments = [("FRAME", str(kernel.inputs[0].beats))]
    arguments += [(name, _argument(name, value)) for name, value in binding.in_hls.parameters]
    ports = [(f"s_axis_{k}", stream.bits) for k, stream in enumerate(kernel.inputs)]
    ports += [(f"m_axis_{k}", stream.bits) for k, stream in enumerate(kernel.outputs)]
    text = ", ".join([*(f"/*{name}*/{value}" for name, value in arguments), *binding.in_hls.types])
    return HlsNodeView(
        name=instance.name,
        function=binding.in_hls.function,
        comment=plain(f"{origin}{kernel.kind}, {kernel.interval()} cycles a frame"),
        arguments=tuple(textwrap.wrap(text, LINE, break_long_words=False, break_on_hyphens=False)),
        ports=tuple(HlsStreamView(name, bits, 0, "") for name, bits in ports),
        passed=(*(name for name, _ in ports), *(_memory_name(instance, memory) for memory in binding.memories)),
        wires=tuple(wire.name for wire in (*inputs, *outputs)),
    )


def _argument(name: str, value: int | str) -> str:
    if isinstance(value, str):
        return f"qcompile::{ENUMERATIONS[name]}::{'automatic' if value == 'auto' else value}"
    return str(value)


def _memory_name(instance: Instance, memory: Memory) -> str:
    return f"{instance.name}_{memory.parameter.removesuffix('_FILE').lower()}"


def _memory(instance: Instance, memory: Memory) -> HlsMemoryView:
    name = _memory_name(instance, memory)
    lines = textwrap.wrap(", ".join(_initialisers(memory)), LINE, break_long_words=False, break_on_hyphens=False)
    return HlsMemoryView(name, f"weights/{name}.hpp", memory.width, len(memory.words), tuple(lines))


def _initialisers(memory: Memory) -> Iterator[str]:
    """Each word as pieces of equal width, the low bits first."""
    pieces = -(-memory.width // PIECE)
    bits = -(-memory.width // pieces)
    suffix = "" if bits < 32 else "ULL"
    for word in memory.words:
        parts = (word >> (bits * k) & ((1 << bits) - 1) for k in range(pieces))
        yield "{" + ",".join(f"{part:#x}{suffix}" for part in parts) + "}"
