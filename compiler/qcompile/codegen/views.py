"""What the templates see: plain text and numbers, everything computed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EdgeView:
    """A stream at the accelerator's edge. `wire` is the inner stream; tdata outside is `padded_bits` wide, a multiple
    of 8.
    """

    prefix: str
    wire: str
    bits: int
    padded_bits: int
    beats: int
    summary: str

    @property
    def beat_bytes(self) -> int:
        """Bytes of one beat outside."""
        return self.padded_bits // 8


@dataclass(frozen=True, slots=True)
class WireView:
    """An inner stream."""

    name: str
    bits: int
    comment: str


@dataclass(frozen=True, slots=True)
class PortsView:
    """What the three signals of an instance's input or output side are connected to."""

    tdata: str
    tvalid: str
    tready: str


@dataclass(frozen=True, slots=True)
class InstanceView:
    """A library module with its parameters as SystemVerilog literals."""

    name: str
    module: str
    comment: str
    parameters: tuple[tuple[str, str], ...]
    inputs: PortsView
    outputs: PortsView


@dataclass(frozen=True, slots=True)
class TopView:
    """The top-level module."""

    module: str
    title: str
    version: str
    interval: int
    bottleneck: str
    first_output: int
    inputs: tuple[EdgeView, ...]
    outputs: tuple[EdgeView, ...]
    wires: tuple[WireView, ...]
    instances: tuple[InstanceView, ...]


@dataclass(frozen=True, slots=True)
class TapsView:
    """The recorder of inner streams."""

    module: str
    wires: tuple[WireView, ...]


@dataclass(frozen=True, slots=True)
class HlsPortView:
    """A port of a block: `padded_bits` wide at what Vitis HLS makes, `bits` of the wrapper's bus from bit `low` on."""

    prefix: str
    bits: int
    padded_bits: int
    low: int

    @property
    def high(self) -> int:
        """Its last bit in the wrapper's bus."""
        return self.low + self.bits - 1

    @property
    def padding(self) -> int:
        """Bits on top."""
        return self.padded_bits - self.bits

    @property
    def used(self) -> str:
        """TDATA without the padding."""
        return f"{self.prefix}_TDATA[{self.bits - 1}:0]"

    @property
    def valid(self) -> str:
        """Name of the block's TVALID."""
        return f"{self.prefix}_TVALID"

    @property
    def ready(self) -> str:
        """Name of the block's TREADY."""
        return f"{self.prefix}_TREADY"


@dataclass(frozen=True, slots=True)
class HlsBlockView:
    """An instance in HLS C++ within RTL: `wrapper` is the module that connects it, `ip` the module that Vivado makes of what
    Vitis HLS packages in `result` from the top-level `function`; `twin` the same in RTL.
    """

    name: str
    version: str
    function: str
    wrapper: str
    ip: str
    result: str
    twin: InstanceView
    inputs: tuple[HlsPortView, ...]
    outputs: tuple[HlsPortView, ...]


@dataclass(frozen=True, slots=True)
class BenchView:
    """What benches, makefiles and scripts need to know: `sources` of a simulation, those `synthesised`, the `blocks` in
    HLS C++, and over how many cycles frames are `spread` that are sent (0: none).
    """

    module: str
    version: str
    part: str
    clock_ns: str
    sources: tuple[str, ...]
    synthesised: tuple[str, ...]
    blocks: tuple[HlsBlockView, ...]
    inputs: tuple[EdgeView, ...]
    outputs: tuple[EdgeView, ...]
    frames: int
    spread: int
    timeout_cycles: int
