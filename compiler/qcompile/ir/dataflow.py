"""Hardware as a graph: streams, schedules, kernels, instances and the channels between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from qcompile.ir.types import IntArray, IntType


@dataclass(frozen=True, slots=True)
class Stream:
    """The contract of one AXI-Stream: `lanes` elements side by side, lane 0 in the low bits, `beats` transfers a frame.

    Elements of a frame travel in row-major order of the tensor with the channel last.
    """

    element: IntType
    lanes: int
    beats: int

    @property
    def bits(self) -> int:
        """Width of tdata inside the accelerator, without padding."""
        return self.element.bits * self.lanes

    @property
    def elements(self) -> int:
        """Elements of one frame."""
        return self.lanes * self.beats

    def mismatch(self, other: Stream) -> str:
        """Why a source with this contract cannot drive a sink with `other`; empty when it can."""
        if self.element != other.element:
            return f"the source sends {self.element} elements, the sink expects {other.element}"
        if self.lanes != other.lanes:
            return f"the source sends {self.lanes} elements a beat, the sink expects {other.lanes}"
        if self.beats != other.beats:
            return f"the source sends {self.beats} beats a frame, the sink expects {other.beats}"
        return ""


ALWAYS = -(1 << 60)
"""Earlier than any step."""


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """What a kernel does in each of the `steps` cycles that one frame occupies it (stalls not counted).

    `reads[p][i]` is the step (0-based, non-decreasing) at which beat i of input port p is taken, `writes[p][j]` the
    step whose result is beat j of output port p. A beat written by a step that ran in cycle t is valid on the output
    in cycle t + `latency`. The next frame's step 0 may run in the cycle after step `steps` - 1: the initiation
    interval is `steps`. Step 0 takes a beat: no kernel runs ahead of its input.

    A kernel with a buffer takes beats before the step that needs them, which is then what `reads` holds: `rooms[p][i]` is
    the step that makes room for beat i of port p, which may be taken two cycles later and as soon as it is there.
    Negative steps are those of the frame before (step -`steps` is its step 0), ALWAYS stands for room at any time.
    Empty where no kernel's port has such a buffer.
    """

    steps: int
    reads: tuple[IntArray, ...]
    writes: tuple[IntArray, ...]
    latency: int
    rooms: tuple[IntArray, ...] = ()


@dataclass(frozen=True, slots=True)
class Resources:
    """An estimate: LUTs in all (memories and shift registers included), of them LUTs used as memory, flip-flops, DSP
    multipliers, 18-kbit block RAMs, UltraRAMs.
    """

    lut: float = 0
    lutram: float = 0
    ff: float = 0
    dsp: int = 0
    bram18: int = 0
    uram: int = 0

    def __add__(self, other: Resources) -> Resources:
        return Resources(
            self.lut + other.lut,
            self.lutram + other.lutram,
            self.ff + other.ff,
            self.dsp + other.dsp,
            self.bram18 + other.bram18,
            self.uram + other.uram,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """Contents of one memory, filled by `$readmemh` through the module's string parameter `parameter`.

    `words` holds the words as Python integers (>= 0), word 0 first, each of `width` bits.
    """

    parameter: str
    width: int
    words: tuple[int, ...]

    def hex_lines(self) -> str:
        """The file's text: one word a line, fixed width."""
        digits = (self.width + 3) // 4
        return "".join(f"{word:0{digits}x}\n" for word in self.words)


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """A module that depends on the network: a template of `templates/` and the typed view that it sees."""

    module: str
    template: str
    view: object


@dataclass(frozen=True, slots=True, eq=False)
class HlsBinding:
    """How a kernel becomes a call of a function of `hls/` where that is not the RTL's module with its parameters: the
    header's stem, which is the function's name, template arguments, and `types` behind them, defined by the `rendered`
    headers.
    """

    function: str
    parameters: tuple[tuple[str, int | str], ...]
    types: tuple[str, ...] = ()
    rendered: tuple[Rendered, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """How a kernel becomes an instance of a module: data, not behaviour.

    `sources` are file stems of `rtl/` in compile order (dependencies first), behind them come the `rendered` ones.
    `parameters` are integer or string parameters in the module's order; the file-name parameters of `memories` are added
    by code generation. `hls` is the same for HLS C++; None where function and template arguments are module and parameters.
    """

    module: str
    sources: tuple[str, ...]
    parameters: tuple[tuple[str, int | str], ...]
    memories: tuple[Memory, ...] = ()
    rendered: tuple[Rendered, ...] = ()
    hls: HlsBinding | None = None

    @property
    def in_hls(self) -> HlsBinding:
        """The function for HLS C++."""
        return self.hls or HlsBinding(self.module, self.parameters)


class Kernel(Protocol):
    """One streaming unit with its folding fixed: a frozen dataclass in `qcompile.kernels`, one file a kernel."""

    kind: ClassVar[str]
    """Stem of the kernel's files and name of its RTL module (the binding may choose another one for a folding)."""

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """Contracts of the input ports, in the order of the module's s_axis ports."""

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """Contracts of the output ports."""

    def schedule(self) -> Schedule:
        """Cycle behaviour of one frame."""

    def interval(self) -> int:
        """Cycles that one frame occupies the kernel, without building the schedule."""

    def foldings(self) -> Iterator[Kernel]:
        """Every legal folding of this kernel, this one included."""

    def attributes(self) -> dict[str, int | str]:
        """The folding attributes a user may set in the folding JSON, with their present values."""

    def with_attribute(self, name: str, value: int | str) -> Kernel:
        """The kernel with one folding attribute changed.

        Raises ValueError with the legal values when `value` is not one of them, KeyError when there is no such
        attribute.
        """

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """Estimate for a device with `lut_inputs`-input LUTs (4 or 6) and block RAMs of `bram_bits` bits."""

    def binding(self) -> Binding:
        """The RTL instance."""

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """Reference: each input of shape (frames, elements) in stream order; outputs likewise."""


@runtime_checkable
class LineBuffering(Protocol):
    """A kernel that keeps pixels of an image until no window needs them any more."""

    @property
    def buffer_bits(self) -> int:
        """Bits that it holds."""

    @property
    def least_buffer_bits(self) -> int:
        """Bits that any such unit has to hold."""


@runtime_checkable
class Reordering(Protocol):
    """A kernel that can do its work in several orders, which take equally many cycles."""

    def orders(self) -> Iterator[Kernel]:
        """The same folding in every order."""


@runtime_checkable
class Multiplying(Protocol):
    """A kernel that multiplies."""

    def multiplications(self) -> int:
        """Products that it computes in a frame."""


@runtime_checkable
class Tapping(Protocol):
    """A kernel that gives the pixels under the taps of windows."""

    def taps(self) -> tuple[int, int]:
        """Pixels given in a frame, and how many it would take if zeros were inserted: between the taps of a dilated
        convolution, between the pixels of a transposed one.
        """


@dataclass(frozen=True, slots=True)
class Port:
    """Port number `index` of an instance; an `instance` of None is the accelerator's own edge."""

    instance: str | None
    index: int = 0

    def __str__(self) -> str:
        return f"{self.instance}[{self.index}]" if self.instance is not None else f"top[{self.index}]"


@dataclass(frozen=True, slots=True)
class Channel:
    """A wire bundle from an output port to an input port."""

    source: Port
    sink: Port
    stream: Stream


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """A kernel in a design. `origin` keeps the names of the model's nodes it came from; `style` is rtl or hls: which of its
    two forms a design of both takes.
    """

    name: str
    kernel: Kernel
    origin: tuple[str, ...] = ()
    style: str = "rtl"


@dataclass(frozen=True, slots=True, eq=False)
class Dataflow:
    """Instances in topological order and the channels between them; `inputs` and `outputs` are the edges' contracts."""

    name: str
    instances: tuple[Instance, ...]
    channels: tuple[Channel, ...]
    inputs: tuple[Stream, ...]
    outputs: tuple[Stream, ...]
    input_names: tuple[str, ...] = field(default=())
    output_names: tuple[str, ...] = field(default=())

    def interval(self) -> int:
        """Initiation interval of a frame in cycles: that of the slowest kernel, or of the stream at an edge with most
        beats.
        """
        kernels = [i.kernel.interval() for i in self.instances]
        return max([*kernels, *(stream.beats for stream in (*self.inputs, *self.outputs))], default=1)

    def bottleneck(self) -> Instance:
        """The first of the slowest instances."""
        return max(self.instances, key=lambda i: i.kernel.interval())

    def instance(self, name: str) -> Instance:
        """The instance called `name`; raises KeyError."""
        for candidate in self.instances:
            if candidate.name == name:
                return candidate
        raise KeyError(name)

    def check(self) -> tuple[str, ...]:
        """Every broken contract between ports, as sentences; empty when the design is sound."""
        faults: list[str] = []
        sources = {Port(None, k): stream for k, stream in enumerate(self.inputs)}
        sinks = {Port(None, k): stream for k, stream in enumerate(self.outputs)}
        for instance in self.instances:
            sources |= {Port(instance.name, k): stream for k, stream in enumerate(instance.kernel.outputs)}
            sinks |= {Port(instance.name, k): stream for k, stream in enumerate(instance.kernel.inputs)}
        for channel in self.channels:
            faults += [f"there is no output {channel.source}"] if channel.source not in sources else []
            faults += [f"there is no input {channel.sink}"] if channel.sink not in sinks else []
            if channel.source in sources and channel.sink in sinks:
                why = sources[channel.source].mismatch(sinks[channel.sink])
                faults += [f"{channel.source} cannot drive {channel.sink}: {why}"] if why else []
                why = channel.stream.mismatch(sources[channel.source])
                faults += [f"the channel from {channel.source} is not what drives it: {why}"] if why else []
        driven, used = Counter(c.sink for c in self.channels), Counter(c.source for c in self.channels)
        faults += [f"input {p} is driven {driven[p]} times, not once" for p in sinks if driven[p] != 1]
        faults += [f"output {p} drives {used[p]} inputs, not one" for p in sources if used[p] != 1]
        return tuple(faults)


def steps(count: int, every: int = 1, first: int = 0) -> IntArray:
    """The arithmetic progression first, first + every, ... of `count` steps, for schedules."""
    return first + every * np.arange(count, dtype=np.int64)
