"""Random graphs of units, and documents of small networks."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from qcompile.flow.options import Options
from qcompile.flow.prepare import prepare
from qcompile.flow.progress import Progress
from qcompile.flow.reporting import design_figures, estimated
from qcompile.report.document import Document
from qcompile.report.network import Edge, Network, Unit


@st.composite
def networks(draw: st.DrawFn, most: int = 30) -> Network:
    """Units that read from one to three of those before them."""
    edges: list[Edge] = []
    count = draw(st.integers(1, most))
    for unit in range(1, count):
        # Mostly chains, as networks are.
        near = st.integers(max(0, unit - 2), unit - 1)
        sources = draw(st.lists(st.one_of(near, st.integers(0, unit - 1)), min_size=1, max_size=3))
        edges += [Edge(source, unit, port, (), ()) for port, source in enumerate(sources)]
    return Network(tuple(Unit(f"u{k}", None) for k in range(count)), tuple(edges))


def document(model: Path, **options: object) -> Document:
    """The document of a model, estimated for pynq-z2."""
    given = Options(model, target="pynq-z2", **options)  # type: ignore[arg-type]
    prepared = prepare(given, Progress())
    return estimated(given, prepared, design_figures(prepared))
