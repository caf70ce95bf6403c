"""What the HLS templates see: plain text and numbers, everything computed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HlsEdgeView:
    """A stream at the accelerator's edge, `padded_bits` wide, and the inner one behind it, of `bits`."""

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
class HlsStreamView:
    """A stream inside, or a port of a kernel."""

    name: str
    bits: int
    depth: int
    comment: str


@dataclass(frozen=True, slots=True)
class HlsNodeView:
    """A library function with its template arguments, as lines; `passed` are what it is called with in its own function,
    `wires` with what that is called.
    """

    name: str
    function: str
    comment: str
    arguments: tuple[str, ...]
    ports: tuple[HlsStreamView, ...]
    passed: tuple[str, ...]
    wires: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HlsMemoryView:
    """A memory of constants: `depth` words of `width` bits, its initialisers as lines."""

    name: str
    path: str
    width: int
    depth: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HlsTopView:
    """The whole design. `up` leads from its folder to that of library, weights and stream_files.hpp, `vectors` to the test
    vectors; `tables` are headers of LUT netlists.
    """

    module: str
    title: str
    version: str
    interval: int
    bottleneck: str
    part: str
    clock_ns: str
    widest: int
    headers: tuple[str, ...]
    memories: tuple[HlsMemoryView, ...]
    tables: tuple[str, ...]
    inputs: tuple[HlsEdgeView, ...]
    outputs: tuple[HlsEdgeView, ...]
    streams: tuple[HlsStreamView, ...]
    nodes: tuple[HlsNodeView, ...]
    up: str
    vectors: str


@dataclass(frozen=True, slots=True)
class HlsBlocksView:
    """All of them: their top-level functions, which are the names of their folders, and where results lie in these."""

    module: str
    functions: tuple[str, ...]
    result: str
