"""Some kernels in HLS C++ within a design in RTL: each of them a design of its own, with what connects it to the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate

import qcompile
from qcompile.codegen.hls import design_files, library_files, require_headers
from qcompile.codegen.hls_views import HlsBlocksView
from qcompile.codegen.render import render
from qcompile.codegen.top import edges, instance_view
from qcompile.codegen.views import EdgeView, HlsBlockView, HlsPortView
from qcompile.ir.beats import pack_frames
from qcompile.ir.dataflow import Channel, Dataflow, Instance, Port
from qcompile.ir.types import IntArray

VENDOR_RESULT = "project/solution/impl/ip"
"""Where run_hls.tcl has Vitis HLS leave the packaged block, seen from the block's folder."""


def blocks(dataflow: Dataflow) -> tuple[Instance, ...]:
    """The instances that are to be made in HLS C++."""
    return tuple(instance for instance in dataflow.instances if instance.style == "hls")


def function_name(instance: Instance) -> str:
    """The top-level function of an instance, its folder in hls/, and the name of what Vitis HLS makes of it."""
    return f"{instance.name}_hls"


def alone(dataflow: Dataflow, instance: Instance) -> Dataflow:
    """An instance as a design of its own; its edges are named after the streams of the whole design."""
    kernel = instance.kernel
    channels = [Channel(Port(None, k), Port(instance.name, k), stream) for k, stream in enumerate(kernel.inputs)]
    channels += [Channel(Port(instance.name, k), Port(None, k), stream) for k, stream in enumerate(kernel.outputs)]
    sources = sources_of(dataflow, instance)
    results = [Port(instance.name, k) for k in range(len(kernel.outputs))]
    names = tuple(str(port) for port in sources), tuple(str(port) for port in results)
    single = (replace(instance, style="rtl"),)
    return Dataflow(function_name(instance), single, tuple(channels), kernel.inputs, kernel.outputs, *names)


def sources_of(dataflow: Dataflow, instance: Instance) -> tuple[Port, ...]:
    """What drives each input of an instance."""
    drivers = {channel.sink: channel.source for channel in dataflow.channels}
    return tuple(drivers[Port(instance.name, k)] for k in range(len(instance.kernel.inputs)))


def generate_blocks(
    dataflow: Dataflow, *, title: str, part: str, clock_mhz: float, sent: Mapping[Port, IntArray]
) -> dict[str, str | bytes]:
    """Everything below hls/ for the instances in HLS C++, a folder for each, and a Makefile for all of them.

    `sent` holds, for test vectors, what leaves every source port: int64 (frames, elements) in stream order. Raises
    CompilerError as `generate_hls` does.
    """
    chosen = blocks(dataflow)
    require_headers(chosen)
    files: dict[str, str | bytes] = {**library_files()}
    for instance in chosen:
        folder, kernel = function_name(instance), instance.kernel
        files |= design_files(
            alone(dataflow, instance), folder, title=f"{instance.name} of {title}", part=part, clock_mhz=clock_mhz
        )
        results = [Port(instance.name, k) for k in range(len(kernel.outputs))]
        for kind, streams, ports in (
            ("input", kernel.inputs, sources_of(dataflow, instance)),
            ("output", kernel.outputs, results),
        ):
            for k, (stream, port) in enumerate(zip(streams, ports, strict=True)):
                files[f"hls/{folder}/vectors/{kind}_{k}.bin"] = pack_frames(sent[port], stream)
    view = HlsBlocksView(dataflow.name, tuple(map(function_name, chosen)), VENDOR_RESULT)
    files["hls/Makefile"] = render("hls/blocks.mk.j2", view)
    return files


def block_views(dataflow: Dataflow) -> tuple[HlsBlockView, ...]:
    """What wrappers, stand-ins and the script for Vivado need to know of each block."""
    return tuple(_block(dataflow, instance) for instance in blocks(dataflow))


def _block(dataflow: Dataflow, instance: Instance) -> HlsBlockView:
    inputs, outputs = edges(alone(dataflow, instance))
    return HlsBlockView(
        name=instance.name,
        version=qcompile.__version__,
        function=function_name(instance),
        wrapper=f"{instance.name}_block",
        ip=f"{instance.name}_ip",
        result=f"../hls/{function_name(instance)}/{VENDOR_RESULT}",
        twin=instance_view(instance, dataflow.channels),
        inputs=_ports(inputs),
        outputs=_ports(outputs),
    )


def _ports(edges: Sequence[EdgeView]) -> tuple[HlsPortView, ...]:
    """Ports side by side, the first in the low bits."""
    ends = list(accumulate(edge.bits for edge in edges))
    return tuple(
        HlsPortView(edge.prefix, edge.bits, edge.padded_bits, end - edge.bits) for edge, end in zip(edges, ends, strict=True)
    )
