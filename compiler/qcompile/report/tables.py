"""The tables of the page as views."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from qcompile.ir.activity import Activity
from qcompile.ir.dataflow import Resources
from qcompile.report import wording
from qcompile.report.document import AccumulatorFigures, Document
from qcompile.report.figures import ChannelFigures, DesignFigures, InstanceFigures, ResourceFigures
from qcompile.report.netlists import LayerFigures
from qcompile.report.network import Network
from qcompile.report.views import (
    AccumulatorView,
    CompareView,
    FifoView,
    NetlistView,
    ResourceView,
    SpanView,
    TickView,
    UnitView,
    WidthView,
)

TICKS = 6
"""Marks of a time axis, about."""


def resource_names() -> tuple[str, ...]:
    """Headings of the columns of `resource_numbers`."""
    return ("LUT", "FF", "DSP", "BRAM", "URAM")


def resource_numbers(used: Resources) -> tuple[str, ...]:
    """Resources as text, nothing for none."""
    found = (used.lut, used.ff, used.dsp, used.bram18, used.uram)
    return tuple(wording.count(number) if round(number) else "" for number in found)


def units(design: DesignFigures, network: Network) -> tuple[UnitView, ...]:
    """One row a unit."""
    rows: list[UnitView] = []
    for number, unit in enumerate(network.units):
        row = unit.instance
        if row is None:
            continue
        rows.append(
            UnitView(
                number=len(rows) + 1,
                title=wording.name(unit.label),
                name=row.name,
                kernel=row.kernel.replace("_", " "),
                lanes=wording.lanes(row),
                settings=wording.others(row),
                cycles=wording.count(row.interval),
                share=round(100 * row.interval / design.interval, 1),
                bottleneck=row.name == design.bottleneck,
                streams_in=", ".join(wording.stream(edge.streams[-1]) for edge in network.sources(number)),
                streams_out=", ".join(_alike([wording.stream(e.streams[0]) for e in network.sinks(number)])),
                memory=wording.memory(row),
                ram_style=row.ram_style or "",
                numbers=resource_numbers(row.resources),
            )
        )
    return tuple(rows)


def _alike(texts: Sequence[str]) -> Sequence[str]:
    """One text for several that are all the same."""
    return texts if len(set(texts)) > 1 else [f"{len(texts)} of {texts[0]}"] if len(texts) > 1 else texts


def spans(design: DesignFigures, network: Network, first_frame: Sequence[Activity]) -> tuple[SpanView, ...]:
    """One row a unit: when it takes and sends the first frame."""
    activities = {activity.instance: activity for activity in first_frame}
    end = _end(first_frame)
    rows = []
    for number, unit in enumerate(network.units):
        if unit.instance is None:
            continue
        found = activities[unit.instance.name]
        sources = network.sources(number)
        waits_for = network.units[sources[found.waits_for].source] if found.waits_for is not None else None
        kernel = "" if waits_for is None or waits_for.instance is None else waits_for.instance.kernel.replace("_", " ")
        rows.append(
            SpanView(
                title=wording.name(unit.label),
                kernel=unit.instance.kernel.replace("_", " "),
                bottleneck=unit.instance.name == design.bottleneck,
                takes=_bar(found.first_taken, found.last_taken, end),
                sends=_bar(found.first_sent, found.last_sent, end),
                taken=f"{found.first_taken:,} – {found.last_taken:,}",
                sent=f"{found.first_sent:,} – {found.last_sent:,}",
                waited=f"{found.waited:,}" if found.waited else "",
                waits_for=f"{wording.name(waits_for.label)} {kernel}".strip() if waits_for is not None else "",
            )
        )
    return tuple(rows)


def _end(first_frame: Sequence[Activity]) -> int:
    return 1 + max((max(a.last_sent, a.last_taken) for a in first_frame), default=0)


def _bar(first: int, last: int, end: int) -> tuple[float, float]:
    return round(100 * first / end, 2), round(100 * (last + 1 - first) / end, 2)


def ticks(first_frame: Sequence[Activity]) -> tuple[TickView, ...]:
    """Round numbers of cycles along the axis of `spans`."""
    end = _end(first_frame)
    step = 1
    while end / step > TICKS:
        step = step * 2 if str(step)[0] == "1" else step * 5 // 2 if str(step)[0] == "2" else step * 2
    return tuple(TickView(round(100 * at / end, 2), f"{at:,}") for at in range(0, end, step))


def passing(network: Network, queues: bool) -> tuple[FifoView, ...]:
    """What stands on edges: FIFOs (`queues`), or width converters."""
    rows = []
    for edge in network.edges:
        for (before, after), row in zip(pairwise(edge.streams), edge.passes, strict=True):
            if ("depth" in row.settings) == queues:
                source, sink = (wording.name(network.units[end].label) for end in (edge.source, edge.sink))
                rows.append(_fifo(row, source, sink, before, after))
    return tuple(rows)


def _fifo(row: InstanceFigures, source: str, sink: str, before: ChannelFigures, after: ChannelFigures) -> FifoView:
    depth = row.settings.get("depth")
    return FifoView(
        name=row.name,
        source=source,
        sink=sink,
        stream=wording.stream(before)
        if before.lanes == after.lanes
        else f"{before.lanes}→{after.lanes} × {before.element}",
        depth=f"{depth:,}" if isinstance(depth, int) else "",
        bits=f"{depth * before.bits:,}" if isinstance(depth, int) else "",
        made_of=row.ram_style or "",
        numbers=resource_numbers(row.resources),
    )


def resource(figures: ResourceFigures) -> ResourceView:
    """A bar of the device."""
    over = figures.share > figures.budget
    verdict = "within the budget" if not over else "over the budget" if figures.share <= 1 else "more than there is"
    return ResourceView(
        name=figures.resource,
        used=wording.count(figures.used),
        available=wording.count(figures.available),
        share=wording.percent(figures.share) if figures.available else "none there",
        bar=round(100 * min(1.0, figures.share), 2),
        budget=round(100 * figures.budget, 1),
        verdict=f"{figures.budget:.0%}, {verdict}",
        over=over,
    )


def accumulator(found: AccumulatorFigures, widest: int) -> AccumulatorView:
    """A layer's widths, as numbers and as places along a bar of `widest` bits."""
    widths = tuple(WidthView(bits, round(100 * bits / widest, 1)) for _, bits in found.widths)
    return AccumulatorView(
        wording.name(found.layer), wording.count(found.inputs), f"{found.input_type} × {found.weight_type}", widths
    )


def netlist(layer: LayerFigures) -> NetlistView:
    """A layer of a LUT netlist."""
    return NetlistView(
        (
            wording.name(layer.layer),
            wording.count(len(layer.neurons)),
            str(layer.input_bits),
            wording.count(layer.logicnets_luts),
            wording.count(layer.luts),
            str(layer.levels),
        )
    )


def compared(document: Document) -> tuple[CompareView, ...]:
    """The cycle model against the simulation."""
    design, simulated = document.design, document.simulated
    return tuple(
        _compared(what, predicted, None if simulated is None else seen, simulated is not None)
        for what, predicted, seen in (
            ("cycles from frame to frame", design.interval, simulated.interval if simulated else None),
            (
                "cycles from the first input to the first output",
                design.latency,
                simulated.latency if simulated else None,
            ),
        )
    )


def _compared(what: str, predicted: int, seen: int | None, simulated: bool) -> CompareView:
    if seen is None:
        why = "too few frames to tell" if simulated else "not simulated"
        return CompareView(what, f"{predicted:,}", "", why, None)
    verdict = "equal" if seen == predicted else f"{seen - predicted:+,} cycles ({seen / predicted - 1:+.2%})"
    return CompareView(what, f"{predicted:,}", f"{seen:,}", verdict, seen == predicted)
