"""A layered drawing of a graph: items in rows from top to bottom, few crossings, links as straight as may be.

Rows are given (every link leads from one row to the next); what is found is the order within each row and where along it
an item stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

SWEEPS, MOVES = 12, 100
"""Passes over all rows, downwards and upwards in turn, for the order and for the places."""

UPRIGHT = 8.0
"""The weight of a link from which on its ends are put above each other, as far as there is room."""

Rows = Sequence[Sequence[int]]
Links = Mapping[tuple[int, int], float]
"""Upper and lower item of each link, and how much it counts when places are found: the more, the straighter."""

Neighbours = Mapping[int, Sequence[int]]
Weighed = Mapping[int, Sequence[tuple[int, float]]]


def arrange(rows: Rows, links: Links, widths: Mapping[int, float], gap: float) -> dict[int, float]:
    """The centre of each item along its row, so that items stand `gap` apart and the leftmost begins at 0."""
    above: dict[int, list[int]] = {item: [] for row in rows for item in row}
    below: dict[int, list[int]] = {item: [] for row in rows for item in row}
    for upper, lower in links:
        above[lower].append(upper)
        below[upper].append(lower)
    ordered = _ordered([list(row) for row in rows], above, below)
    return _placed(ordered, _weighed(above, links), _weighed(below, links), widths, gap)


def crossings(rows: Rows, below: Neighbours) -> int:
    """Pairs of links between neighbouring rows that cross."""
    total = 0
    for upper, lower in pairwise(rows):
        place = {item: k for k, item in enumerate(lower)}
        ends = [place[item] for source in upper for item in sorted(below[source], key=lambda i: place[i])]
        total += sum(a > b for k, a in enumerate(ends) for b in ends[k + 1 :])
    return total


def _ordered(rows: list[list[int]], above: Neighbours, below: Neighbours) -> list[list[int]]:
    """Each row in the order of the mean place of its neighbours; of all sweeps the one with fewest crossings."""
    best, fewest = [list(row) for row in rows], crossings(rows, below)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        neighbours = below if sweep % 2 else above
        for row, beside in _swept(rows, sweep):
            place = {item: float(k) for k, item in enumerate(beside)}
            own = {item: float(k) for k, item in enumerate(row)}
            row.sort(key=_mean_place(neighbours, place, own))
        found = crossings(rows, below)
        if found < fewest:
            best, fewest = [list(row) for row in rows], found
    return best


def _weighed(neighbours: Neighbours, links: Links) -> Weighed:
    """The neighbours of each item with the weights of the links to them."""
    return {
        item: [(other, links.get((item, other), links.get((other, item), 0.0))) for other in others]
        for item, others in neighbours.items()
    }


def _mean_place(neighbours: Neighbours, place: Mapping[int, float], own: Mapping[int, float]) -> Callable[[int], float]:
    def key(item: int) -> float:
        near = [place[other] for other in neighbours[item]]
        return sum(near) / len(near) if near else own[item]

    return key


def _swept(rows: list[list[int]], sweep: int) -> Sequence[tuple[list[int], list[int]]]:
    """Pairs of a row and the one that it follows: from the top down, or from the bottom up."""
    order = rows[::-1] if sweep % 2 else rows
    return [(row, beside) for beside, row in pairwise(order)]


def _placed(
    rows: list[list[int]], above: Weighed, below: Weighed, widths: Mapping[int, float], gap: float
) -> dict[int, float]:
    """Centres: each row as near to its neighbours as its order and the gaps allow, rows above and below in turn."""
    at: dict[int, float] = {}
    for row in rows:
        left = -sum(widths[item] + gap for item in row) / 2
        for item in row:
            at[item] = left + widths[item] / 2
            left += widths[item] + gap
    columns = _columns(above)
    for sweep in range(MOVES):
        for row, _ in _swept(rows, sweep):
            wanted, weights = [], []
            for item in row:
                near = (below if sweep % 2 else above)[item] if sweep < SWEEPS else (*above[item], *below[item])
                if sweep > MOVES // 3 and len(columns[item]) > 1:
                    near = [(other, 1.0) for other in columns[item]]
                total = sum(weight for _, weight in near)
                wanted.append(sum(weight * at[other] for other, weight in near) / total if near else at[item])
                weights.append(total or 0.1)
            apart = [(widths[a] + widths[b]) / 2 + gap for a, b in pairwise(row)]
            at |= dict(zip(row, nearest_apart(wanted, weights, apart), strict=True))
    left = min((at[item] - widths[item] / 2 for item in at), default=0.0)
    return {item: x - left for item, x in at.items()}


def _columns(above: Weighed) -> dict[int, list[int]]:
    """For each item those that are to stand above each other with it, itself among them."""
    columns = {item: [item] for item in above}
    for item, links in above.items():
        for other, weight in links:
            if weight >= UPRIGHT and columns[other] is not columns[item]:
                columns[other] += columns[item]
                for moved in columns[item]:
                    columns[moved] = columns[other]
    return columns


def nearest_apart(wanted: Sequence[float], weights: Sequence[float], apart: Sequence[float]) -> list[float]:
    """Places x with x[k + 1] >= x[k] + apart[k] and the least sum of weights[k] * (x[k] - wanted[k])**2.

    Less the distances before it, each place must be no less than the one before: neighbours that would be are put at
    their common mean, until none is left (regression by monotone numbers).
    """
    before = [0.0]
    for distance in apart:
        before.append(before[-1] + distance)
    blocks: list[tuple[float, float, int]] = []  # mean, weight, how many
    for want, weight, offset in zip(wanted, weights, before, strict=False):
        blocks.append((want - offset, weight, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, wa, na), (b, wb, nb) = blocks[-2:]
            blocks[-2:] = [((a * wa + b * wb) / (wa + wb), wa + wb, na + nb)]
    means = [mean for mean, _, count in blocks for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, before, strict=False)]
