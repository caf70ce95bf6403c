"""explore.html: designs of one model on several targets as charts and a table, in one file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

from qcompile.report import wording
from qcompile.report.page import environment
from qcompile.tools import assets

WIDTH, HEIGHT = 600.0, 400.0
LEFT, RIGHT, TOP, BOTTOM = 70.0, 110.0, 16.0, 48.0
"""Pixels of a chart, and around its plot."""

SHAPES = (
    "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0z",
    "M-4,-4h8v8h-8z",
    "M0,-5l5,9h-10z",
    "M0,-5.5l5.5,5.5l-5.5,5.5l-5.5,-5.5z",
    "M-5,-4h10l-5,9z",
    "M-5,-1.5h3.5v-3.5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5z",
)
"""What tells targets apart besides colour: circle, square, triangles, diamond, cross."""

COLOURS = 6


@dataclass(frozen=True, slots=True)
class Usage:
    """A kind of resource: estimate, what the target has, and what of it (0 to 1) a design should use at most."""

    resource: str
    used: float
    available: int
    budget: float

    @property
    def share(self) -> float:
        """Part of the available that is used."""
        return self.used / self.available if self.available else 0.0


@dataclass(frozen=True, slots=True)
class Point:
    """A design on a target: cycles a frame `asked` for (None: the fastest that fits), and what was found. `efficiency` is
    the part of the multiplier lanes' cycles that multiply, `device` the LUTs of the target, `best` whether no other design for the
    target is both as fast and as small. With a `refusal` there is none, and this is why.
    """

    target: str
    asked: int | None
    interval: int = 0
    frames_per_second: float = 0.0
    latency: int = 0
    clock_mhz: float = 0.0
    bottleneck: str = ""
    lanes: int = 0
    efficiency: float = 0.0
    usages: tuple[Usage, ...] = ()
    device: int = 0
    best: bool = False
    refusal: str = ""

    @staticmethod
    def of(content: Mapping[str, Any]) -> Point:
        """A point from what `dataclasses.asdict` made of it."""
        return Point(**{**content, "usages": tuple(Usage(**usage) for usage in content["usages"])})

    @property
    def fullest(self) -> float:
        """The greatest share of a resource."""
        return max((usage.share for usage in self.usages), default=0.0)


@dataclass(frozen=True, slots=True)
class TickView:
    """A line of the grid: where, and its text."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class MarkView:
    """A design in a chart: place, outline of its symbol, colour, what a reader is told of it; filled where it is `best`."""

    x: float
    y: float
    shape: str
    colour: int
    best: bool
    text: str


@dataclass(frozen=True, slots=True)
class SeriesView:
    """The designs of a target: their marks, the line through the best of them, and where the name stands."""

    name: str
    colour: int
    line: str
    marks: tuple[MarkView, ...]
    label_x: float
    label_y: float


@dataclass(frozen=True, slots=True)
class ChartView:
    """A chart with two logarithmic axes."""

    title: str
    description: str
    across: str
    up: str
    columns: tuple[TickView, ...]
    rows: tuple[TickView, ...]
    series: tuple[SeriesView, ...]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM


@dataclass(frozen=True, slots=True)
class RowView:
    """A line of the table."""

    target: str
    best: bool
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExplorationView:
    """The page."""

    model: str
    style: str
    charts: tuple[ChartView, ...]
    headings: tuple[str, ...]
    rows: tuple[RowView, ...]
    refusals: tuple[tuple[str, str], ...]


HEADINGS = ("cycles a frame", "frames/s", "latency", "lanes", "busy", "resources", "bottleneck")


def render_exploration(model: str, points: Sequence[Point]) -> str:
    """The text of the page: the same points give the same bytes."""
    found = [point for point in points if not point.refusal]
    view = ExplorationView(
        model=model,
        style=(assets.templates() / "report" / "style.css").read_text(encoding="utf-8"),
        charts=_charts(found),
        headings=HEADINGS,
        rows=tuple(_row(point) for point in found),
        refusals=tuple((f"{p.target}, {_asked(p)}", p.refusal) for p in points if p.refusal),
    )
    return environment().get_template("exploration.html.j2").render(view=view)


def _charts(found: Sequence[Point]) -> tuple[ChartView, ...]:
    if not found:
        return ()
    return (_fronts(found), _scaling(found)) if len(_targets(found)) > 1 else (_fronts(found),)


def table_cells(point: Point) -> tuple[str, ...]:
    """What the table says of a design, for HEADINGS."""
    used = ", ".join(f"{u.resource} {wording.percent(u.share)}" for u in point.usages if u.used)
    return (
        f"{point.interval:,}",
        wording.count(point.frames_per_second),
        f"{point.latency:,}",
        f"{point.lanes:,}",
        wording.percent(point.efficiency),
        used,
        point.bottleneck,
    )


def _row(point: Point) -> RowView:
    return RowView(point.target, point.best, table_cells(point))


def _asked(point: Point) -> str:
    return "fastest that fits" if point.asked is None else f"{point.asked:,} cycles"


class _Scale:
    """A logarithmic axis that holds some numbers, from pixel `first` to pixel `last`."""

    def __init__(self, numbers: Sequence[float], first: float, last: float) -> None:
        low, high = min(numbers), max(numbers)
        self.low, self.high = floor(log10(low) * 4) / 4, ceil(log10(high) * 4) / 4
        if self.low == self.high:
            self.low, self.high = self.low - 0.25, self.high + 0.25
        self.first, self.last = first, last

    def place(self, number: float) -> float:
        """Pixel of a number."""
        part = (log10(number) - self.low) / (self.high - self.low)
        return round(self.first + part * (self.last - self.first), 1)

    def ticks(self, unit: str = "") -> tuple[TickView, ...]:
        """Lines at 1, 2 and 5 times powers of ten, at powers only where there are many of these."""
        decades = range(floor(self.low), ceil(self.high) + 1)
        steps = (1, 2, 5) if self.high - self.low < 3 else (1,)
        numbers = [step * 10.0**decade for decade in decades for step in steps]
        shown = [number for number in numbers if self.low <= log10(number) <= self.high]
        return tuple(TickView(self.place(number), _short(number) + unit) for number in shown)


def _short(number: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:g} {letter}"
    return f"{number:g}"


def _targets(points: Sequence[Point]) -> dict[str, list[Point]]:
    found: dict[str, list[Point]] = {}
    for point in points:
        found.setdefault(point.target, []).append(point)
    return found


def _mark(point: Point, number: int, x: float, y: float) -> MarkView:
    fullest = max(point.usages, key=lambda usage: usage.share, default=None)
    used = f", {wording.percent(fullest.share)} of the {fullest.resource}" if fullest is not None else ""
    text = f"{point.target}: {wording.count(point.frames_per_second)} frames/s, {point.interval:,} cycles{used}"
    return MarkView(x, y, SHAPES[number % len(SHAPES)], number % COLOURS, point.best, text)


def _fronts(points: Sequence[Point]) -> ChartView:
    """Throughput over the share of the fullest resource."""
    shares = [max(point.fullest, 1e-5) * 100 for point in points]
    across = _Scale([*shares, 100.0], LEFT, WIDTH - RIGHT)
    up = _Scale([point.frames_per_second for point in points], HEIGHT - BOTTOM, TOP)
    series = []
    for number, (name, own) in enumerate(_targets(points).items()):
        places = {id(p): (across.place(max(p.fullest, 1e-5) * 100), up.place(p.frames_per_second)) for p in own}
        front = sorted(places[id(p)] for p in own if p.best)
        line = " ".join(f"{x},{y}" for x, y in front)
        marks = tuple(_mark(p, number, *places[id(p)]) for p in own)
        x, y = front[-1]
        series.append(SeriesView(name, number % COLOURS, line, marks, x + 9, y + 4))
    return ChartView(
        "Speed against size",
        "Each symbol is a design; filled ones are beaten by none of their target in speed and size at once.",
        "share of the fullest resource",
        "frames a second",
        across.ticks(" %"),
        up.ticks(),
        _apart(series),
    )


def _scaling(points: Sequence[Point]) -> ChartView:
    """The greatest throughput of each target over the size of its part."""
    fastest = [max(own, key=lambda p: p.frames_per_second) for own in _targets(points).values()]
    across = _Scale([point.device for point in fastest], LEFT, WIDTH - RIGHT)
    up = _Scale([point.frames_per_second for point in fastest], HEIGHT - BOTTOM, TOP)
    series = []
    for number, point in enumerate(fastest):
        x, y = across.place(point.device), up.place(point.frames_per_second)
        mark = _mark(point, number, x, y)
        series.append(SeriesView(point.target, number % COLOURS, "", (mark,), x + 9, y + 4))
    return ChartView(
        "Speed against the size of the device",
        "The fastest design that each target holds.",
        "LUTs of the device",
        "frames a second",
        across.ticks(),
        up.ticks(),
        _apart(series),
    )


def _apart(series: Sequence[SeriesView]) -> tuple[SeriesView, ...]:
    """The names moved up or down until none covers another."""
    placed: list[SeriesView] = []
    for one in sorted(series, key=lambda s: s.label_y):
        y = one.label_y
        for other in placed:
            if abs(other.label_y - y) < 13 and abs(other.label_x - one.label_x) < 110:
                y = other.label_y + 13
        placed.append(SeriesView(one.name, one.colour, one.line, one.marks, one.label_x, round(y, 1)))
    return tuple(placed)
