"""The picture's parts: every unit once, every edge whole, nothing on top of anything else."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.report.drawing import MOST_RANKS, Part, Placed, Size, cuts, draw, ranks
from qcompile.report.network import Edge, Network, Unit

from .graphs import networks


def drawn(network: Network, seed: int = 0) -> tuple[Part, ...]:
    units = [Size(238.0, 92.0) if (k + seed) % 3 else Size(56.0, 22.0) for k in range(len(network.units))]
    return draw(network, units, [Size(40.0 + 30 * (k % 3), 18.0) for k in range(len(network.edges))])


def overlap(a: Placed, b: Placed) -> bool:
    across = abs(a.x - b.x) < (a.size.width + b.size.width) / 2 - 1e-6
    return across and abs(a.y - b.y) < (a.size.height + b.size.height) / 2 - 1e-6


@settings(max_examples=60, deadline=None)
@given(networks(), st.integers(0, 2))
def test_nothing_is_missing_and_nothing_overlaps(network: Network, seed: int) -> None:
    parts = drawn(network, seed)
    assert Counter(p.number for part in parts for p in part.units) == Counter(range(len(network.units)))
    assert Counter(p.number for part in parts for p in part.labels) == Counter(range(len(network.edges)))
    for part in parts:
        everything = [*part.units, *part.labels, *part.leaving, *part.entering]
        assert not any(overlap(a, b) for a, b in combinations(everything, 2))
        assert all(p.x - p.size.width / 2 >= 0 and p.x + p.size.width / 2 <= part.width for p in everything)
        assert all(p.y - p.size.height / 2 >= 0 and p.y + p.size.height / 2 <= part.height + 1e-6 for p in everything)


@settings(max_examples=60, deadline=None)
@given(networks())
def test_edges_lead_from_unit_to_unit(network: Network) -> None:
    """Lines and stubs, followed from part to part, are the edges of the network."""
    at: dict[int, list[tuple[int, bool]]] = {}
    whole: Counter[tuple[int, int]] = Counter()
    starts: dict[int, int] = {}
    for k, part in enumerate(drawn(network)):
        for line in part.lines:
            assert all(a[1] <= b[1] for a, b in pairwise(line))
            (x0, y0), (x1, y1) = line[0], line[-1]
            begin = next((u.number for u in part.units if touches(u, x0, y0, below=True)), None)
            end = next((u.number for u in part.units if touches(u, x1, y1, below=False)), None)
            entering = next((s.number for s in part.entering if touches(s, x0, y0, below=True)), None)
            leaving = next((s.number for s in part.leaving if touches(s, x1, y1, below=False)), None)
            assert (begin is None) != (entering is None)
            assert (end is None) != (leaving is None)
            source = begin if begin is not None else starts[entering or 0]
            if leaving is not None:
                starts[leaving] = source
                at.setdefault(leaving, []).append((k, True))
            else:
                assert end is not None
                whole[(source, end)] += 1
    assert whole == Counter((edge.source, edge.sink) for edge in network.edges)


def touches(placed: Placed, x: float, y: float, below: bool) -> bool:
    side = placed.y + (placed.size.height / 2 if below else -placed.size.height / 2)
    return abs(y - side) < 1e-6 and abs(x - placed.x) <= placed.size.width / 2


@settings(max_examples=60, deadline=None)
@given(networks(60))
def test_parts_are_short(network: Network) -> None:
    rank = ranks(network)
    bounds = cuts(network, rank)
    assert all(rank[edge.source] < rank[edge.sink] for edge in network.edges)
    assert (bounds[0], bounds[-1]) == (0, max(rank) + 1)
    assert all(0 < b - a <= MOST_RANKS + 2 for a, b in pairwise(bounds))


def test_a_cut_goes_where_fewest_edges_are() -> None:
    """A chain of diamonds of three ranks each: cuts leave the diamonds whole."""
    units, edges = [Unit("in", None)], []
    for _ in range(6):
        top = len(units) - 1
        units += [Unit(name, None) for name in ("left", "right", "join", "behind")]
        pairs = ((top, top + 1), (top, top + 2), (top + 1, top + 3), (top + 2, top + 3), (top + 3, top + 4))
        edges += [Edge(a, b, 0, (), ()) for a, b in pairs]
    network = Network(tuple(units), tuple(edges))
    parts = drawn(network)
    assert len(parts) > 2
    assert [len(part.leaving) for part in parts] == [1] * (len(parts) - 1) + [0]
