"""What the templates of the page see: plain text and numbers, everything computed."""

from __future__ import annotations

from dataclasses import dataclass

MARGIN = 12.0
"""Between the side of a box and what is written in it."""


@dataclass(frozen=True, slots=True)
class NodeView:
    """A unit in the picture: its upper left corner, size, lines of text. `target` is the number of its row in the table,
    `share` the part of its bar that is filled, in percent.
    """

    left: float
    top: float
    width: float
    height: float
    kind: str
    title: str
    lines: tuple[str, ...]
    cycles: str
    share: float
    bottleneck: bool
    target: int | None
    description: str

    @property
    def middle(self) -> tuple[float, float]:
        """Where text is centred."""
        return self.width / 2, self.height / 2 + 4

    @property
    def right(self) -> float:
        """Where text ends."""
        return self.width - MARGIN

    @property
    def bar(self) -> tuple[float, float]:
        """Width of the bar, and of its filled part."""
        whole = self.width - 2 * MARGIN
        return whole, round(whole * self.share / 100, 1)

    @property
    def frame(self) -> tuple[float, float]:
        """Width and height of the outer frame, a pixel inside the box."""
        return self.width - 2, self.height - 2

    @property
    def inner(self) -> tuple[float, float]:
        """Width and height of the inner frame of a bottleneck."""
        return self.width - 10, self.height - 10


@dataclass(frozen=True, slots=True)
class LabelView:
    """Text at an edge, in a box with this upper left corner; `queue` where it names a FIFO."""

    left: float
    top: float
    width: float
    height: float
    text: str
    queue: bool

    @property
    def middle(self) -> tuple[float, float]:
        """Where the text is centred."""
        return self.width / 2, self.height / 2 + 3.5

    @property
    def radius(self) -> float:
        """Of the corners."""
        return self.height / 2 if self.queue else 3


@dataclass(frozen=True, slots=True)
class StubView:
    """Where an edge leaves one part of the picture and enters a later one."""

    x: float
    y: float
    number: int
    leaving: bool


@dataclass(frozen=True, slots=True)
class LineView:
    """The way of an edge as SVG; `arrow` where it ends at a unit."""

    path: str
    arrow: bool


@dataclass(frozen=True, slots=True)
class PartView:
    """One part of the picture."""

    width: int
    height: int
    lines: tuple[LineView, ...]
    labels: tuple[LabelView, ...]
    stubs: tuple[StubView, ...]
    nodes: tuple[NodeView, ...]


@dataclass(frozen=True, slots=True)
class UnitView:
    """A row of the table of units; numbers are text, `share` is that of the bottleneck's cycles in percent."""

    number: int
    title: str
    name: str
    kernel: str
    lanes: str
    settings: str
    cycles: str
    share: float
    bottleneck: bool
    streams_in: str
    streams_out: str
    memory: str
    ram_style: str
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SpanView:
    """A row of the timeline; places and widths of the bars in percent of all cycles."""

    title: str
    kernel: str
    bottleneck: bool
    takes: tuple[float, float]
    sends: tuple[float, float]
    taken: str
    sent: str
    waited: str
    waits_for: str


@dataclass(frozen=True, slots=True)
class TickView:
    """A mark of the time axis."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class FifoView:
    """A row of the table of FIFOs and width converters."""

    name: str
    source: str
    sink: str
    stream: str
    depth: str
    bits: str
    made_of: str
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResourceView:
    """A bar: percentages of the whole device. `full` and `over` say that the budget, or the device, is exceeded."""

    name: str
    used: str
    available: str
    share: str
    bar: float
    budget: float
    verdict: str
    over: bool


@dataclass(frozen=True, slots=True)
class WidthView:
    """A width of an accumulator; `place` in percent of the widest of all."""

    bits: int
    place: float


@dataclass(frozen=True, slots=True)
class AccumulatorView:
    """A row of the table of accumulators."""

    layer: str
    inputs: str
    types: str
    widths: tuple[WidthView, ...]


@dataclass(frozen=True, slots=True)
class CompareView:
    """A figure as predicted and as simulated, and how they compare."""

    what: str
    predicted: str
    simulated: str
    verdict: str
    equal: bool | None


@dataclass(frozen=True, slots=True)
class NetlistView:
    """A layer of a LUT netlist."""

    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PageView:
    """The page. Pairs are a name and a text; `narrow` says that the picture leaves room beside it."""

    title: str
    model: str
    target: str
    verdict: str
    proven: str
    figures: tuple[tuple[str, str, str], ...]
    parts: tuple[PartView, ...]
    narrow: bool
    picture: str
    bottleneck: str
    units: tuple[UnitView, ...]
    resource_names: tuple[str, ...]
    totals: tuple[str, ...]
    spans: tuple[SpanView, ...]
    ticks: tuple[TickView, ...]
    fifos: tuple[FifoView, ...]
    converters: tuple[FifoView, ...]
    resources: tuple[ResourceView, ...]
    width_names: tuple[str, ...]
    accumulators: tuple[AccumulatorView, ...]
    netlists: tuple[NetlistView, ...]
    compared: tuple[CompareView, ...]
    proof: tuple[tuple[str, str], ...]
    ties: tuple[str, ...]
    origin: tuple[tuple[str, str], ...]
    versions: tuple[tuple[str, str], ...]
    command: str
    seconds: tuple[tuple[str, str], ...]
    style: str
    script: str
    script_digest: str
