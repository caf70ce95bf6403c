"""The figures of a design: instances, FIFOs, resources against the target, timing."""

from __future__ import annotations

from dataclasses import dataclass

from qcompile.ir.dataflow import (
    Channel,
    Dataflow,
    Instance,
    Kernel,
    LineBuffering,
    Multiplying,
    Port,
    Resources,
    Tapping,
)
from qcompile.targets import Target

PASSING = ("fifo", "width_converter")
"""Kernels that pass a stream on as it is."""


@dataclass(frozen=True, slots=True)
class BufferFigures:
    """Bits of a line buffer, and how many the algorithm needs at least."""

    bits: int
    least_bits: int


@dataclass(frozen=True, slots=True)
class ProductFigures:
    """Multiplications of a frame, how many there would be with zeros inserted (between the taps of a dilated convolution,
    between the pixels of a transposed one), and the ratio of that to those performed.
    """

    performed: int
    zero_inserted: int
    ratio: float


@dataclass(frozen=True, slots=True)
class MemoryFigures:
    """A constant memory: `parameter` names it within its instance, `words` of `width` bits."""

    parameter: str
    words: int
    width: int


@dataclass(frozen=True, slots=True)
class ChannelFigures:
    """A stream from an output port to an input port; an instance of None is the accelerator's edge. `lanes` elements side
    by side are `bits` wide, `beats` are those of a frame.
    """

    source: str | None
    source_port: int
    sink: str | None
    sink_port: int
    element: str
    lanes: int
    bits: int
    beats: int


@dataclass(frozen=True, slots=True)
class InstanceFigures:
    """One row of the report. `interval` is in cycles a frame; `settings` are the folding attributes in use; `ram_style` is
    what its memory is made of, `memories` are those with constants. `line_buffer` and `multiplications` are None where a
    kernel has none.
    """

    name: str
    kernel: str
    origin: tuple[str, ...]
    interval: int
    input_bits: tuple[int, ...]
    output_bits: tuple[int, ...]
    settings: dict[str, int | str]
    resources: Resources
    ram_style: str | None
    memories: tuple[MemoryFigures, ...]
    line_buffer: BufferFigures | None = None
    multiplications: ProductFigures | None = None


@dataclass(frozen=True, slots=True)
class ResourceFigures:
    """One kind of resource: estimate, what the target has, and what of it a design should fill at most (share 0 to
    1).
    """

    resource: str
    used: float
    available: int
    budget: float

    @property
    def share(self) -> float:
        """Part of the available that is used; infinite where there is none to use."""
        if self.available:
            return self.used / self.available
        return float("inf") if self.used else 0.0


@dataclass(frozen=True, slots=True)
class DesignFigures:
    """A whole design. Times are cycles; `latency` is from the first input beat to the first output beat."""

    interval: int
    bottleneck: str
    latency: int
    frame_latency: int
    clock_mhz: float
    frames_per_second: float
    instances: tuple[InstanceFigures, ...]
    channels: tuple[ChannelFigures, ...]
    resources: tuple[ResourceFigures, ...]


def figures(dataflow: Dataflow, target: Target, clock_mhz: float, latency: int, frame_latency: int) -> DesignFigures:
    """Collects what is known of a design without synthesis."""
    block_bits = target.block_ram_bits
    rows = tuple(_row(dataflow, instance, target, block_bits) for instance in dataflow.instances)
    total = Resources()
    for row in rows:
        total += row.resources
    interval = dataflow.interval()
    uram = target.uram.count if target.uram is not None else 0
    return DesignFigures(
        interval=interval,
        bottleneck=dataflow.bottleneck().name if dataflow.instances else "",
        latency=latency,
        frame_latency=frame_latency,
        clock_mhz=clock_mhz,
        frames_per_second=clock_mhz * 1e6 / interval,
        instances=rows,
        channels=tuple(_channel(channel) for channel in dataflow.channels),
        resources=(
            ResourceFigures(f"LUT{target.lut_inputs}", round(total.lut), target.lut, target.budget.lut),
            ResourceFigures("FF", round(total.ff), target.ff, target.budget.ff),
            ResourceFigures("block RAM", total.bram18, target.bram.total_bits // block_bits, target.budget.bram),
            ResourceFigures("URAM", total.uram, uram, target.budget.uram),
            ResourceFigures("DSP", total.dsp, target.dsp.count, target.budget.dsp),
        ),
    )


def _row(dataflow: Dataflow, instance: Instance, target: Target, block_bits: int) -> InstanceFigures:
    kernel = instance.kernel
    binding = kernel.binding()
    style = dict(binding.parameters).get("RAM_STYLE")
    return InstanceFigures(
        name=instance.name,
        kernel=kernel.kind,
        origin=instance.origin,
        interval=kernel.interval(),
        input_bits=tuple(stream.bits for stream in kernel.inputs),
        output_bits=tuple(stream.bits for stream in kernel.outputs),
        settings=kernel.attributes(),
        resources=kernel.resources(target.lut_inputs, block_bits),
        ram_style=str(style) if style is not None else None,
        memories=tuple(MemoryFigures(m.parameter, len(m.words), m.width) for m in binding.memories),
        line_buffer=BufferFigures(kernel.buffer_bits, kernel.least_buffer_bits)
        if isinstance(kernel, LineBuffering)
        else None,
        multiplications=_products(dataflow, instance),
    )


def _channel(channel: Channel) -> ChannelFigures:
    stream = channel.stream
    return ChannelFigures(
        channel.source.instance,
        channel.source.index,
        channel.sink.instance,
        channel.sink.index,
        str(stream.element),
        stream.lanes,
        stream.bits,
        stream.beats,
    )


def _products(dataflow: Dataflow, instance: Instance) -> ProductFigures | None:
    """What an instance multiplies; the windows in front of it say what inserted zeros would add."""
    performed = instance.kernel.multiplications() if isinstance(instance.kernel, Multiplying) else 0
    if not performed:
        return None
    windows = _source(dataflow, instance)
    given = with_zeros = 1
    if windows is not None and isinstance(windows, Tapping):
        given, with_zeros = windows.taps()
    return ProductFigures(performed, performed * with_zeros // given, with_zeros / given)


def _source(dataflow: Dataflow, instance: Instance) -> Kernel | None:
    """The kernel whose stream an instance reads, FIFOs and width converters left out; None at the accelerator's edge."""
    sources = {channel.sink: channel.source.instance for channel in dataflow.channels}
    before = sources[Port(instance.name)]
    while before is not None:
        kernel = dataflow.instance(before).kernel
        if kernel.kind not in PASSING:
            return kernel
        before = sources[Port(before)]
    return None
