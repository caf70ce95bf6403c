"""The network's picture as views: boxes with words in them, edges as SVG paths."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from qcompile.ir.dataflow import Resources
from qcompile.report import wording
from qcompile.report.drawing import LABEL_HEIGHT, Part, Placed, Size, draw
from qcompile.report.figures import DesignFigures, InstanceFigures
from qcompile.report.network import Network, Unit
from qcompile.report.views import LabelView, LineView, NodeView, PartView, StubView

BOX = Size(238.0, 92.0)
EDGE_BOX = Size(104.0, 26.0)
FORK_BOX = Size(56.0, 22.0)
"""Sizes of a unit, of an edge of the accelerator, of a fork, in pixels."""

TITLE_LETTERS, LINE_LETTERS = 26, 36
"""What fits into a box: letters of its title and of its other lines."""

LETTER, PADDING = 6.0, 14.0
"""Width of a letter of a label and of the space around it, rounded up."""


def parts(design: DesignFigures, network: Network) -> tuple[PartView, ...]:
    """The picture of a design."""
    sizes = [_size(network, k) for k in range(len(network.units))]
    texts = [wording.edge(edge) for edge in network.edges]
    labels = [Size(len(text) * LETTER + PADDING, LABEL_HEIGHT) for text in texts]
    nodes = [_Words(design, network, k) for k in range(len(network.units))]
    return tuple(_part(part, nodes, texts) for part in draw(network, sizes, labels))


def anchors(network: Network) -> dict[int, int]:
    """For each unit that is an instance the number of its row in the table of units."""
    found = [k for k, unit in enumerate(network.units) if unit.instance is not None]
    return {unit: row for row, unit in enumerate(found, 1)}


def _is_fork(network: Network, unit: int) -> bool:
    """Whether a unit only repeats its stream."""
    row = network.units[unit].instance
    return row is not None and len(row.output_bits) > 1 and set(row.output_bits) == set(row.input_bits)


def _size(network: Network, unit: int) -> Size:
    if network.units[unit].instance is None:
        return EDGE_BOX
    return FORK_BOX if _is_fork(network, unit) else BOX


class _Words:
    """What is written into the box of a unit."""

    def __init__(self, design: DesignFigures, network: Network, number: int) -> None:
        self.row = network.units[number].instance
        self.kind = "edge" if self.row is None else "fork" if _is_fork(network, number) else "unit"
        self.bottleneck = self.row is not None and self.row.name == design.bottleneck
        self.share = self.row.interval / design.interval if self.row is not None else 0.0
        self.target = anchors(network).get(number)
        self.title = "fork" if self.kind == "fork" else network.units[number].label
        self.description = _description(network, number, self.bottleneck)

    def view(self, placed: Placed) -> NodeView:
        """The box in its place."""
        return NodeView(
            left=round(placed.x - placed.size.width / 2, 1),
            top=round(placed.y - placed.size.height / 2, 1),
            width=placed.size.width,
            height=placed.size.height,
            kind=self.kind,
            title=wording.shortened(self.title, TITLE_LETTERS),
            lines=_lines(self.row) if self.row is not None and self.kind == "unit" else (),
            cycles=wording.count(self.row.interval) if self.row is not None else "",
            share=round(100 * min(1.0, self.share), 1),
            bottleneck=self.bottleneck,
            target=self.target,
            description=self.description,
        )


def _lines(row: InstanceFigures) -> tuple[str, ...]:
    """Kernel, what it does at once, what it uses."""
    first = wording.shortened(row.kernel.replace("_", " "), LINE_LETTERS)
    second = wording.used(row) or "no resources"
    if row.memories or row.line_buffer is not None:
        second = f"{second} · {wording.memory(row)}"
    return first, wording.lanes(row), wording.shortened(second, LINE_LETTERS + 2)


def _description(network: Network, number: int, bottleneck: bool) -> str:
    """The unit in words, for those who do not see the picture."""
    unit = network.units[number]
    said = [wording.name(unit.label)]
    if unit.instance is not None:
        row = unit.instance
        said += [row.kernel.replace("_", " "), f"{row.interval:,} cycles a frame"]
        said += ["the bottleneck"] if bottleneck else []
        said += [text for text in (wording.lanes(row), wording.used(row), wording.memory(row)) if text]
    sources = [f"{_name(network.units[e.source])} ({wording.edge(e)})" for e in network.sources(number)]
    sinks = [_name(network.units[e.sink]) for e in network.sinks(number)]
    said += [f"reads from {' and '.join(sources)}"] if sources else []
    said += [f"feeds {' and '.join(sinks)}"] if sinks else []
    return "; ".join(said)


def _name(unit: Unit) -> str:
    name = wording.name(unit.label)
    return name if unit.instance is None else f"{name} {unit.instance.kernel.replace('_', ' ')}"


def _part(part: Part, nodes: Sequence[_Words], texts: Sequence[str]) -> PartView:
    return PartView(
        width=round(part.width + 0.5),
        height=round(part.height + 0.5),
        lines=tuple(LineView(_path(line), joins) for line, joins in zip(part.lines, part.joins, strict=True)),
        labels=tuple(
            LabelView(
                round(p.x - p.size.width / 2, 1),
                round(p.y - p.size.height / 2, 1),
                p.size.width,
                p.size.height,
                texts[p.number],
                "FIFO" in texts[p.number],
            )
            for p in part.labels
        ),
        stubs=tuple(
            StubView(round(p.x, 1), round(p.y, 1), p.number, leaving)
            for leaving, placed in ((False, part.entering), (True, part.leaving))
            for p in placed
        ),
        nodes=tuple(nodes[placed.number].view(placed) for placed in part.units),
    )


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Straight down, or a bend between places that are not above each other."""
    words = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for (x0, y0), (x1, y1) in pairwise(points):
        if abs(x1 - x0) < 0.5:
            words.append(f"V{y1:.1f}")
            continue
        middle = (y0 + y1) / 2
        words.append(f"C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {y1:.1f}")
    return "".join(words)


def resources_of(rows: Sequence[InstanceFigures]) -> Resources:
    """What rows use together."""
    total = Resources()
    for row in rows:
        total += row.resources
    return total
