"""Items in rows: apart, in an order with few crossings, straight where they can be."""

from __future__ import annotations

from itertools import pairwise, permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.report.layout import UPRIGHT, arrange, crossings, nearest_apart

PLACES = st.floats(-100, 100)


@given(st.lists(st.tuples(PLACES, st.floats(0.1, 10), st.floats(0, 30)), min_size=1, max_size=8), st.data())
def test_places_are_apart_and_no_others_are_nearer(rows: list[tuple[float, float, float]], data: st.DataObject) -> None:
    wanted, weights, apart = [list(column) for column in zip(*rows, strict=True)]
    found = nearest_apart(wanted, weights, apart[1:])

    def cost(places: list[float]) -> float:
        return sum(w * (x - want) ** 2 for w, x, want in zip(weights, places, wanted, strict=True))

    assert all(b - a >= distance - 1e-9 for (a, b), distance in zip(pairwise(found), apart[1:], strict=True))
    # The cost is convex and so is what is allowed: if nothing on the way to any other choice is nearer, nothing is.
    gaps = [distance + data.draw(st.floats(0, 20)) for distance in apart[1:]]
    other = [data.draw(PLACES)]
    for gap in gaps:
        other.append(other[-1] + gap)
    nearer = [a + (b - a) * 0.01 for a, b in zip(found, other, strict=True)]
    assert cost(nearer) >= cost(found) - 1e-6


@st.composite
def layered(draw: st.DrawFn) -> tuple[list[list[int]], dict[tuple[int, int], float], dict[int, float]]:
    """Rows of items, links between neighbouring rows, widths."""
    rows: list[list[int]] = []
    for _ in range(draw(st.integers(1, 5))):
        count = draw(st.integers(1, 4))
        start = sum(map(len, rows))
        rows.append(list(range(start, start + count)))
    links = {}
    for upper, lower in pairwise(rows):
        for item in lower:
            for source in draw(st.sets(st.sampled_from(upper), min_size=1)):
                links[(source, item)] = draw(st.sampled_from([0.2, 1.0, UPRIGHT]))
    return rows, links, {item: draw(st.sampled_from([8.0, 60.0, 238.0])) for row in rows for item in row}


@settings(max_examples=80, deadline=None)
@given(layered())
def test_items_of_a_row_do_not_overlap(
    drawing: tuple[list[list[int]], dict[tuple[int, int], float], dict[int, float]],
) -> None:
    rows, links, widths = drawing
    at = arrange(rows, links, widths, 10.0)
    assert abs(min(at[item] - widths[item] / 2 for item in at)) < 1e-9
    for row in rows:
        for a, b in pairwise(sorted(row, key=lambda item: at[item])):
            assert at[b] - widths[b] / 2 - (at[a] + widths[a] / 2) >= 10.0 - 1e-6


def test_crossings_are_pairs_of_links_that_cross() -> None:
    below = {0: [3, 4], 1: [2], 5: [2, 3, 4]}
    assert crossings([[0, 1], [2, 3, 4]], below) == 2
    assert crossings([[1, 0], [2, 3, 4]], below) == 0
    assert crossings([[0, 1, 5], [2, 3, 4]], below) == 2 + 3


def test_links_that_can_be_drawn_without_crossing_are() -> None:
    """Three chains whose items come in any order."""
    for order in permutations((3, 4, 5)):
        links = {(0, 3): 1.0, (1, 4): 1.0, (2, 5): 1.0}
        at = arrange([[0, 1, 2], list(order)], links, dict.fromkeys(range(6), 20.0), 10.0)
        assert [at[upper] - at[lower] for upper, lower in links] == [0, 0, 0]


def test_a_chain_is_straight_beside_a_branch() -> None:
    """0 forks into the chain 1, 3, 5 and the long way 2, 4, 6; both come together in 7."""
    chain, side = {(1, 3): UPRIGHT, (3, 5): UPRIGHT}, {(2, 4): UPRIGHT, (4, 6): UPRIGHT}
    ends = {(0, 1): 1.0, (0, 2): 0.2, (5, 7): 1.0, (6, 7): 0.2}
    widths = {0: 56.0, 1: 238.0, 2: 8.0, 3: 238.0, 4: 8.0, 5: 238.0, 6: 8.0, 7: 238.0}
    at = arrange([[0], [1, 2], [3, 4], [5, 6], [7]], chain | side | ends, widths, 22.0)
    assert abs(at[1] - at[3]) + abs(at[3] - at[5]) < 0.01
    assert abs(at[2] - at[4]) + abs(at[4] - at[6]) < 0.01
