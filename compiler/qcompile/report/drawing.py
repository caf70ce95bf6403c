"""Where everything of the network's picture stands.

The picture is cut into parts of a few ranks each, which a page lays side by side as far as it is wide: a long network
stays readable on any screen. An edge that is cut carries the same number where it leaves one part and enters a later one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from qcompile.report.layout import UPRIGHT, arrange
from qcompile.report.network import Network

MOST_RANKS, USUAL_RANKS = 10, 7
"""Ranks of a part: the most there may be, and how many there are where nothing speaks against it."""

CUT_COST = 30
"""How much worse a cut through one more edge is than a part of one rank less or more (squared)."""

GAP, ROW_GAP, LABEL_HEIGHT, THREAD, STUB = 22.0, 13.0, 18.0, 8.0, 26.0
"""Between items of a row, between rows; height of an edge's label, width of an edge that passes a row, size of a stub."""

SIDE = 0.2
"""How much a link of an edge that passes rows counts at its ends, where others count 1. Between the rows that it passes it is
upright, and so is the only edge between two units.
"""

PORT_GAP = 26.0
"""Between the ends of edges at one unit, at most."""


@dataclass(frozen=True, slots=True)
class Size:
    """Of a unit or a label, in pixels."""

    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Placed:
    """A unit (its number), a label (number of the edge) or a stub (number of the cut edge): its centre and size."""

    number: int
    x: float
    y: float
    size: Size


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the picture. `lines` are the ways of edges, (x, y) from top to bottom; a line is straight between
    points above each other and bends between others. `joins` says which lines end at a unit.
    """

    width: float
    height: float
    units: tuple[Placed, ...]
    labels: tuple[Placed, ...]
    leaving: tuple[Placed, ...]
    entering: tuple[Placed, ...]
    lines: tuple[tuple[tuple[float, float], ...], ...]
    joins: tuple[bool, ...]


def ranks(network: Network) -> tuple[int, ...]:
    """The row of each unit: one below the lowest of those that it reads."""
    found = [0] * len(network.units)
    for unit in range(len(network.units)):
        found[unit] = max((found[edge.source] + 1 for edge in network.sources(unit)), default=0)
    return tuple(found)


def draw(network: Network, units: Sequence[Size], labels: Sequence[Size]) -> tuple[Part, ...]:
    """The parts from top to bottom, for units and edge labels of these sizes."""
    rank = ranks(network)
    bounds = cuts(network, rank)
    crossing = [
        edge
        for edge, e in enumerate(network.edges)
        if any(rank[e.source] < bound <= rank[e.sink] for bound in bounds[1:-1])
    ]
    crossing.sort(key=lambda edge: rank[network.edges[edge].source])
    numbers = {edge: k for k, edge in enumerate(crossing, 1)}
    return tuple(_Rows(network, rank, units, labels, numbers).part(first, last - 1) for first, last in pairwise(bounds))


def cuts(network: Network, rank: Sequence[int]) -> tuple[int, ...]:
    """The first rank of each part, and behind the last one the number of ranks: few edges cut, parts of like length."""
    count = max(rank, default=-1) + 1
    if count <= MOST_RANKS + 2:
        return (0, count)
    cut = [sum(rank[e.source] < r <= rank[e.sink] for e in network.edges) - 1 for r in range(count + 1)]
    cut[count] = 0
    best: list[tuple[int, tuple[int, ...]]] = [(0, (0,))]
    for end in range(1, count + 1):
        ways = []
        for begin in range(max(0, end - MOST_RANKS), end):
            cost, bounds = best[begin]
            missing = USUAL_RANKS - (end - begin)
            ways.append((cost + CUT_COST * cut[end] + missing * missing, (*bounds, end)))
        best.append(min(ways))
    return best[count][1]


@dataclass(slots=True)
class _Rows:
    """Rows of items of one part: units, labels, stubs, and threads where an edge passes a row."""

    network: Network
    rank: Sequence[int]
    units: Sequence[Size]
    labels: Sequence[Size]
    numbers: Mapping[int, int]
    rows: list[list[int]] = field(default_factory=list)
    sizes: dict[int, Size] = field(default_factory=dict)
    links: dict[tuple[int, int], float] = field(default_factory=dict)
    ways: dict[int, list[int]] = field(default_factory=dict)

    def part(self, first: int, last: int) -> Part:
        """Ranks `first` to `last`."""
        network, rank = self.network, self.rank
        # Row 2k + 1 holds the units of rank first + k, row 2k the labels of the edges that end there; in front of the
        # first and behind the last there is a row of stubs.
        below = 2 * (last - first + 1) + 1
        self.rows = [[] for _ in range(below + 1)]
        shown = {
            u: self._item(2 * (rank[u] - first) + 2, size)
            for u, size in enumerate(self.units)
            if first <= rank[u] <= last
        }
        stubs: dict[bool, dict[int, int]] = {False: {}, True: {}}
        labelled: dict[int, int] = {}
        for k, edge in enumerate(network.edges):
            begin, end = rank[edge.source], rank[edge.sink]
            if begin > last or end < first:
                continue
            top = 2 * (begin - first) + 2 if begin >= first else 0
            bottom = 2 * (end - first) + 2 if end <= last else below
            way: list[int] = []
            for row in range(top, bottom + 1):
                if row == top and begin >= first:
                    way.append(shown[edge.source])
                elif row == bottom and end <= last:
                    way.append(shown[edge.sink])
                elif row in (0, below):
                    stubs[row == below][k] = self._item(row, Size(STUB, STUB))
                    way.append(stubs[row == below][k])
                elif row == bottom - 1 and end <= last:
                    labelled[k] = self._item(row, self.labels[k])
                    way.append(labelled[k])
                else:
                    way.append(self._item(row, Size(THREAD, 0)))
            self.links |= self._weights(k, way)
            self.ways[k] = way
        return self._placed(shown, labelled, stubs)

    def _weights(self, edge: int, way: Sequence[int]) -> dict[tuple[int, int], float]:
        threads = [self.sizes[item].width == THREAD for item in way]
        if not any(threads):
            ends = self.network.edges[edge]
            alone = len(self.network.sinks(ends.source)) == len(self.network.sources(ends.sink)) == 1
            return dict.fromkeys(pairwise(way), UPRIGHT if alone else 1.0)
        return {
            link: UPRIGHT if both else SIDE
            for link, both in zip(pairwise(way), (a and b for a, b in pairwise(threads)), strict=True)
        }

    def _item(self, row: int, size: Size) -> int:
        number = len(self.sizes)
        self.sizes[number] = size
        self.rows[row].append(number)
        return number

    def _placed(self, shown: dict[int, int], labelled: dict[int, int], stubs: dict[bool, dict[int, int]]) -> Part:
        across = arrange(self.rows, self.links, {item: size.width for item, size in self.sizes.items()}, GAP)
        down: dict[int, float] = {}
        y = 1.0
        for row in self.rows:
            height = max((self.sizes[item].height for item in row), default=0.0)
            for item in row:
                down[item] = y + height / 2
            y += height + (ROW_GAP if height else 0.0)

        def placed(number: int, item: int) -> Placed:
            return Placed(number, across[item] + 1, down[item], self.sizes[item])

        lines = tuple(tuple((x + 1, y) for x, y in self._line(way, across, down)) for way in self.ways.values())
        return Part(
            width=max((across[i] + size.width / 2 for i, size in self.sizes.items()), default=0.0) + 2,
            height=y - ROW_GAP + 1,
            units=tuple(placed(unit, item) for unit, item in shown.items()),
            labels=tuple(placed(edge, item) for edge, item in labelled.items()),
            leaving=tuple(placed(self.numbers[edge], item) for edge, item in stubs[True].items()),
            entering=tuple(placed(self.numbers[edge], item) for edge, item in stubs[False].items()),
            lines=lines,
            joins=tuple(way[-1] in shown.values() for way in self.ways.values()),
        )

    def _line(
        self, way: Sequence[int], across: Mapping[int, float], down: Mapping[int, float]
    ) -> list[tuple[float, float]]:
        """The way of an edge: out of the lower side of its source, through what it passes, into the upper side of its sink."""
        points = [(self._port(way[0], way[1], across, True), down[way[0]] + self.sizes[way[0]].height / 2)]
        for item in way[1:-1]:
            half = self.sizes[item].height / 2
            points += [(across[item], down[item] - half), (across[item], down[item] + half)]
        points.append((self._port(way[-1], way[-2], across, False), down[way[-1]] - self.sizes[way[-1]].height / 2))
        return points

    def _port(self, item: int, other: int, across: Mapping[int, float], below: bool) -> float:
        """Where along an item's side the edge to a neighbour ends: ends in the order of the neighbours."""
        ends = [b if below else a for a, b in self.links if (a if below else b) == item]
        ends.sort(key=lambda neighbour: across[neighbour])
        apart = min(PORT_GAP, self.sizes[item].width / (len(ends) + 1))
        return across[item] + (ends.index(other) - (len(ends) - 1) / 2) * apart
