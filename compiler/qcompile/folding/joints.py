"""Foldings where streams fork and join: one way through the network after another, with what is beside it as it is.

Dynamic programming solves a chain of kernels exactly. A network that forks and joins is cut into chains in two ways, along the
first source of each kernel and along the last. Solved alone, the chains of the first cut are a lower bound of what all of it costs:
they leave out the converters on the edges between them. From there each chain of either cut is solved in turn with these
converters, the other chains being what they are, until nothing gains.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from qcompile.folding.cost import Budget, Candidate, converter_resources
from qcompile.ir.dataflow import Dataflow
from qcompile.targets import Target

ROUNDS = 8
"""Most times that all chains are solved again; two or three are usual."""


@dataclass(frozen=True, slots=True)
class Edge:
    """From an output of an instance to an input of another, each with the number of its port."""

    source: str
    output: int
    sink: str
    input: int


@dataclass(frozen=True, slots=True, eq=False)
class _Path:
    """A candidate of one kernel, the best choice up to it, and what both cost with the converters."""

    candidate: Candidate
    source: _Path | None
    cost: float


@dataclass(frozen=True, slots=True, eq=False)
class Joints:
    """The edges of a dataflow and the candidates of each instance that are fast enough."""

    edges: tuple[Edge, ...]
    order: tuple[str, ...]
    options: Mapping[str, Sequence[Candidate]]
    target: Target
    budget: Budget

    @staticmethod
    def of(dataflow: Dataflow, options: Mapping[str, Sequence[Candidate]], target: Target, budget: Budget) -> Joints:
        """`options` by the name of the instance."""
        edges = tuple(
            Edge(c.source.instance, c.source.index, c.sink.instance, c.sink.index)
            for c in dataflow.channels
            if c.source.instance is not None and c.sink.instance is not None
        )
        return Joints(edges, tuple(i.name for i in dataflow.instances), options, target, budget)

    def cheapest(self) -> dict[str, Candidate]:
        """For each instance the chosen candidate."""
        first = self._chains(self.edges)
        chosen: dict[str, Candidate] = {}
        for chain in first:
            chosen |= self._solved(chain, {})
        if sum(len(chain) - 1 for chain in first) == len(self.edges):
            return chosen
        ways = (*first, *self._chains(tuple(reversed(self.edges))))
        cost = self.cost(chosen)
        for _ in range(ROUNDS):
            before = cost
            for chain in ways:
                changed = {**chosen, **self._solved(chain, chosen)}
                # A chain that an edge leaves and comes back to was solved with its far end as it was.
                if (now := self.cost(changed)) < cost:
                    chosen, cost = changed, now
            if cost >= before * (1 - 1e-9):
                break
        return chosen

    def bound(self) -> float:
        """What no choice costs less than."""
        return sum(self._best(chain, {}).cost for chain in self._chains(self.edges))

    def cost(self, chosen: Mapping[str, Candidate]) -> float:
        """Of these kernels and of the converters between them."""
        inside = [e for e in self.edges if e.source in chosen and e.sink in chosen]
        return sum(c.cost for c in chosen.values()) + sum(self._between(e, chosen[e.source], chosen[e.sink]) for e in inside)

    def _chains(self, edges: Iterable[Edge]) -> list[tuple[str, ...]]:
        """Ways that share no instance and hold all: an edge is taken where neither end has one yet."""
        behind: dict[str, str] = {}
        taken: set[str] = set()
        for edge in edges:
            if edge.source not in behind and edge.sink not in taken:
                behind[edge.source] = edge.sink
                taken.add(edge.sink)
        found = []
        for name in self.order:
            if name not in taken:
                chain = [name]
                while chain[-1] in behind:
                    chain.append(behind[chain[-1]])
                found.append(tuple(chain))
        return found

    def _solved(self, chain: Sequence[str], others: Mapping[str, Candidate]) -> dict[str, Candidate]:
        """The best candidates of a chain."""
        path: _Path | None = self._best(chain, others)
        solved = {}
        for name in reversed(chain):
            assert path is not None
            solved[name], path = path.candidate, path.source
        return solved

    def _best(self, chain: Sequence[str], others: Mapping[str, Candidate]) -> _Path:
        """The cheapest path along a chain, with the converters on its edges to `others` that it does not follow."""
        paths: list[_Path] = []
        for place, name in enumerate(chain):
            before = _pruned(paths)
            links = [e for e in self.edges if place and e.source == chain[place - 1] and e.sink == name][:1]
            beside = [e for e in self.edges if name in (e.source, e.sink) and e not in links]
            near = [e for e in beside if (e.sink if e.source == name else e.source) in others]
            near = [e for e in near if chain[place + 1 : place + 2] != (e.sink,) or e.source != name]
            paths = [self._extended(c, before, links, self._beside(name, c, near, others)) for c in self.options[name]]
        return min(paths, key=lambda p: p.cost)

    def _extended(self, candidate: Candidate, before: Sequence[_Path], links: Sequence[Edge], beside: float) -> _Path:
        own = candidate.cost + beside
        found = [
            _Path(candidate, path, path.cost + own + sum(self._between(e, path.candidate, candidate) for e in links))
            for path in before
        ]
        return min(found, key=lambda p: p.cost) if found else _Path(candidate, None, own)

    def _beside(self, name: str, candidate: Candidate, near: Sequence[Edge], others: Mapping[str, Candidate]) -> float:
        ends = [(candidate, others[e.sink]) if e.source == name else (others[e.source], candidate) for e in near]
        return sum(self._between(edge, *pair) for edge, pair in zip(near, ends, strict=True))

    def _between(self, edge: Edge, source: Candidate, sink: Candidate) -> float:
        streams = source.kernel.outputs[edge.output], sink.kernel.inputs[edge.input]
        return self.budget.share(converter_resources(*streams, self.target))


def _pruned(paths: Sequence[_Path]) -> list[_Path]:
    """The cheapest path for each choice of widths of the last kernel's outputs."""
    best: dict[tuple[int, ...], _Path] = {}
    for path in paths:
        widths = tuple(stream.lanes for stream in path.candidate.kernel.outputs)
        if widths not in best or path.cost < best[widths].cost:
            best[widths] = path
    return list(best.values())
