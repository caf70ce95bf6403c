"""Less time to the first output: a folded design is changed kernel by kernel, each time where that saves most cycles for
what it costs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from qcompile.folding.cost import Budget, Candidate, converter_resources, rated, total_resources
from qcompile.folding.search import candidates, search
from qcompile.ir.dataflow import Dataflow, Instance, Kernel, Reordering, Resources
from qcompile.ir.errors import CompilerError
from qcompile.targets import Target

REACH = 3
"""How many faster foldings of a kernel, the next ones in each order of its work, are tried before each change."""


@dataclass(frozen=True, slots=True, eq=False)
class Latency:
    """What is asked for: the first output after `most` cycles, or as soon as can be (None); `first_output` measures them."""

    most: int | None
    first_output: Callable[[Dataflow], int]


def search_soon(
    dataflow: Dataflow,
    target: Target,
    interval: int | None,
    latency: Latency,
    fixed: Mapping[str, Collection[str]] | None = None,
    whole: Callable[[Dataflow], Dataflow] = lambda design: design,
) -> Dataflow:
    """A folding whose first output comes in time, found from those of `search.search`, whose parameters these are.

    With a bound, from the cheapest of at most `interval` cycles a frame, and where that cannot be made soon enough from those
    of ever smaller intervals. Without one, from the fastest that fits. Raises CompilerError when there is none.
    """
    if latency.most is None:
        start = search(dataflow, target, None, fixed, whole)
        if interval is not None and _pace(start) > interval:
            start = search(dataflow, target, interval, fixed, whole)
        return shorten(start, target, _pace(start), latency, fixed, whole)
    start = search(dataflow, target, interval, fixed, whole)
    cycles = _pace(start) if interval is None else interval
    while True:
        try:
            return shorten(start, target, cycles, latency, fixed, whole)
        except CompilerError as error:
            failure = error
        # No kernel by itself holds the others up any more: all have to be faster.
        cycles = _pace(start) * 2 // 3
        try:
            start = search(dataflow, target, cycles, fixed, whole)
        except CompilerError:
            raise failure from None


def _pace(folded: Dataflow) -> int:
    """Cycles a frame of the slowest kernel."""
    return max((instance.kernel.interval() for instance in folded.instances), default=1)


def shorten(
    folded: Dataflow,
    target: Target,
    interval: int,
    latency: Latency,
    fixed: Mapping[str, Collection[str]] | None = None,
    whole: Callable[[Dataflow], Dataflow] = lambda design: design,
) -> Dataflow:
    """A folding of at most `interval` cycles a frame whose first output comes in time.

    `fixed` and `whole` are as for `search.search`. Changes are made one after another, each the one that saves most cycles
    for its cost, until the first output is soon enough; without a bound, as long as there are any that fit the target.
    Raises CompilerError when no change found helps any more, or when what is asked for does not fit.
    """
    budget = Budget.of(target)
    designs = [folded]
    most = latency.most

    def in_time() -> bool:
        return most is not None and latency.first_output(whole(designs[-1])) <= most

    sooner = _Shortening(folded, target, budget, interval, latency, fixed or {}).designs()
    reached = in_time()
    while not reached:
        cycles, design = next(sooner, (0, None))
        if design is None:
            break
        designs.append(design)
        # What stands between the kernels only adds to the cycles.
        reached = most is not None and cycles <= most and in_time()
    if most is not None and not reached:
        raise CompilerError(
            f"a first output within {most} cycles cannot be reached",
            why=f"the soonest that was found comes after {latency.first_output(whole(designs[-1]))} cycles, at {interval} "
            "cycles a frame",
            hint="allow more cycles with --latency, or ask for a smaller --interval",
        )
    return _last_that_fits(designs, lambda d: budget.exceeded(total_resources(whole(d), target)), most, target)


def _last_that_fits(
    designs: Sequence[Dataflow], exceeded: Callable[[Dataflow], Sequence[str]], most: int | None, target: Target
) -> Dataflow:
    """Of designs that cost ever more the last one that fits; with a bound on the cycles only the very last will do."""
    if most is not None:
        excess = exceeded(designs[-1])
        if excess and len(designs) > 1:
            raise CompilerError(
                f"a first output within {most} cycles does not fit {target.name}",
                why=f"it needs {'; '.join(excess)} (budgets of the target)",
                hint="allow more cycles with --latency, or choose a larger target",
            )
        return designs[-1]
    low, high = 0, len(designs) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (low, middle - 1) if exceeded(designs[middle]) else (middle, high)
    return designs[low]


@dataclass(slots=True)
class _Shortening:
    """The present design, and what each possible change of it saved a cycle's cost when it was last tried."""

    design: Dataflow
    target: Target
    budget: Budget
    interval: int
    latency: Latency
    fixed: Mapping[str, Collection[str]]
    chosen: dict[str, Candidate] = field(default_factory=dict)
    fronts: dict[str, list[list[Candidate]]] = field(default_factory=dict)
    merits: dict[int, float] = field(default_factory=dict)

    def designs(self) -> Iterator[tuple[int, Dataflow]]:
        """Designs of ever less latency and their cycles, converters but no FIFOs counted, each a change of the one before."""
        for instance in self.design.instances:
            self.chosen[instance.name] = rated(instance.kernel, self.target, self.budget)
            self.fronts[instance.name] = self._fronts(instance)
        cycles = self.latency.first_output(self.design)
        while (change := self._best(cycles)) is not None:
            name, candidate, cycles = change
            self.design, self.chosen[name] = self._with(name, candidate), candidate
            yield cycles, self.design

    def _fronts(self, instance: Instance) -> list[list[Candidate]]:
        """For each order of the work the foldings than which no other is both faster and cheaper, the cheapest first."""
        fixed = self.fixed.get(instance.name, ())
        kept = {name: instance.kernel.attributes()[name] for name in fixed}
        orders: dict[int, list[Candidate]] = {}
        for folding in candidates(self.design, instance, fixed, self.target, self.budget):
            kernel = folding.kernel
            for number, order in enumerate(kernel.orders() if isinstance(kernel, Reordering) else (kernel,)):
                if folding.interval <= self.interval and kept.items() <= order.attributes().items():
                    orders.setdefault(number, []).append(rated(order, self.target, self.budget))
        fronts = []
        for found in orders.values():
            front: list[Candidate] = []
            for candidate in sorted(found, key=lambda c: (c.cost, c.interval)):
                if not front or candidate.interval < front[-1].interval:
                    front.append(candidate)
            fronts.append(front)
        return fronts

    def _best(self, cycles: int) -> tuple[str, Candidate, int] | None:
        """The change that saves most for its cost.

        What a change saves seldom grows by another change, so those are tried first that were best before; the rest can wait
        when none of them was as good as the best now.
        """
        moves = [(i.name, *move) for i in self.design.instances for move in self._moves(i)]
        moves.sort(key=lambda move: -self.merits.get(id(move[1]), float("inf")))
        best: tuple[str, Candidate, int] | None = None
        highest = 0.0
        useless: set[int] = set()
        for name, candidate, fastest in moves:
            if highest > 0 and highest >= self.merits.get(id(candidate), float("inf")):
                break
            if id(fastest) in useless:
                self.merits[id(candidate)] = 0.0
                continue
            merit, after = self._tried(name, candidate, cycles)
            self.merits[id(candidate)] = merit
            if merit > highest:
                highest, best = merit, (name, candidate, after)
            if after >= cycles and candidate is fastest:
                useless.add(id(fastest))
        return best

    def _moves(self, instance: Instance) -> Iterator[tuple[Candidate, Candidate]]:
        """The next faster foldings of a kernel, and this one, in every order, each with the fastest of them in its order.

        That one comes first: where it saves nothing, the slower ones do not either.
        """
        present = self.chosen[instance.name]
        for front in self.fronts[instance.name]:
            faster = [c for c in front if c.interval <= present.interval and not _same(c.kernel, present.kernel)][:REACH]
            yield from ((candidate, faster[-1]) for candidate in reversed(faster))

    def _tried(self, name: str, candidate: Candidate, cycles: int) -> tuple[float, int]:
        """What a change saves for its cost, and the cycles after it; none of both where it does not fit. What costs nothing
        comes first.
        """
        used = Resources()
        for instance in self.design.instances:
            used += (candidate if instance.name == name else self.chosen[instance.name]).resources
        if self.budget.exceeded(used):
            return 0.0, 0
        changed = self._with(name, candidate)
        after = self.latency.first_output(changed)
        price = candidate.cost - self.chosen[name].cost
        price += self._converters(changed, name) - self._converters(self.design, name)
        return (cycles - after) / max(price, 1e-9), after

    def _converters(self, design: Dataflow, name: str) -> float:
        """Cost of the width converters beside an instance."""
        total = 0.0
        for channel in design.channels:
            source, sink = channel.source, channel.sink
            if name in (source.instance, sink.instance) and source.instance is not None and sink.instance is not None:
                before = design.instance(source.instance).kernel.outputs[source.index]
                after = design.instance(sink.instance).kernel.inputs[sink.index]
                total += self.budget.share(converter_resources(before, after, self.target))
        return total

    def _with(self, name: str, candidate: Candidate) -> Dataflow:
        instances = (replace(i, kernel=candidate.kernel) if i.name == name else i for i in self.design.instances)
        return replace(self.design, instances=tuple(instances))


def _same(one: Kernel, other: Kernel) -> bool:
    return one.kind == other.kind and one.attributes() == other.attributes()
