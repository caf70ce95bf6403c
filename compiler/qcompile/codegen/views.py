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
class BenchView:
    """What benches, makefiles and scripts need to know."""

    module: str
    version: str
    part: str
    clock_ns: str
    sources: tuple[str, ...]
    inputs: tuple[EdgeView, ...]
    outputs: tuple[EdgeView, ...]
    frames: int
    timeout_cycles: int
