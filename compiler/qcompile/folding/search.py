"""Search for a folding: for an interval the cheapest folding of each kernel that meets it; over intervals the fastest
that fits.

For one interval, a chain of kernels is solved exactly for the cost model by dynamic programming over the stream
widths between neighbours (a width converter costs what it costs); where a stream forks or joins, a kernel sees its
first source only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from qcompile.ir.dataflow import Dataflow, Instance, Kernel, Resources, Stream
from qcompile.ir.errors import CompilerError
from qcompile.kernels import WidthConverter
from qcompile.targets import Target

WIDEST_EDGE_BITS = 1024
"""tdata at the accelerator's edges: what a DMA engine moves a cycle."""

WIDEST_STREAM_BITS = 8192
"""tdata inside: AXI4-Stream infrastructure stops at 1,024 bytes."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One folding of one kernel with what it costs on the target."""

    kernel: Kernel
    interval: int
    resources: Resources
    cost: float


@dataclass(frozen=True, slots=True)
class Budget:
    """What a design may use of the target: absolute numbers."""

    lut: float
    ff: float
    bram18: float
    uram: float
    dsp: float

    @staticmethod
    def of(target: Target) -> Budget:
        """The target's resources times its usual fill."""
        return Budget(
            target.lut * target.budget.lut,
            target.ff * target.budget.ff,
            target.bram.total_bits // block_ram_bits(target) * target.budget.bram,
            target.uram.count * target.budget.uram if target.uram is not None and target.uram.initialised else 0,
            target.dsp.count * target.budget.dsp,
        )

    def exceeded(self, used: Resources) -> tuple[str, ...]:
        """What does not fit, in words; empty when all of it does."""
        rows = (
            ("LUTs", used.lut, self.lut),
            ("flip-flops", used.ff, self.ff),
            ("block RAMs", used.bram18, self.bram18),
            ("UltraRAMs", used.uram, self.uram),
            ("DSPs", used.dsp, self.dsp),
        )
        return tuple(f"{need:,.0f} {what} of {have:,.0f}" for what, need, have in rows if need > have)

    def share(self, used: Resources) -> float:
        """A cost: the sum of the shares of each budget, what the target does not have counting as unaffordable."""
        total = 0.0
        for need, have in (
            (used.lut, self.lut),
            (0.25 * used.ff, self.ff),
            (used.bram18, self.bram18),
            (used.uram, self.uram),
            (used.dsp, self.dsp),
        ):
            total += need / have if have else (1e9 if need else 0.0)
        return total


def search(
    dataflow: Dataflow,
    target: Target,
    interval: int | None = None,
    fixed: Mapping[str, Collection[str]] | None = None,
    whole: Callable[[Dataflow], Dataflow] = lambda folded: folded,
) -> Dataflow:
    """The cheapest folding with at most `interval` cycles a frame, or without it the fastest that fits the target.

    `fixed` names for some instances the attributes that keep their present values, `whole` completes a folded dataflow
    with what stands between its kernels: that is what must fit. Raises CompilerError when no folding reaches the
    interval, or when nothing fits.
    """
    budget = Budget.of(target)
    found = {
        i.name: candidates(dataflow, i, (fixed or {}).get(i.name, ()), target, budget) for i in dataflow.instances
    }
    fastest = {name: min(c.interval for c in options) for name, options in found.items()}
    reachable = max(fastest.values(), default=1)
    if interval is not None and reachable > interval:
        slowest = max(fastest, key=lambda name: fastest[name])
        raise CompilerError(
            f"{interval} cycles a frame cannot be reached",
            f"instance {slowest}",
            f"it takes {reachable} cycles at the fastest folding it can have",
            "ask for fewer frames a second, a faster clock, or leave its PE and SIMD open",
        )

    def folded(cycles: int) -> Dataflow:
        return _with(dataflow, _cheapest(dataflow, found, cycles, target, budget))

    def exceeded(candidate: Dataflow) -> tuple[str, ...]:
        # What stands between the kernels only adds to them, and takes long to find.
        kernels = budget.exceeded(total_resources(candidate, target))
        return kernels or budget.exceeded(total_resources(whole(candidate), target))

    steps = sorted({c.interval for options in found.values() for c in options if c.interval >= reachable})
    steps = [interval] if interval is not None else steps or [reachable]
    low, high = 0, len(steps) - 1
    best = folded(steps[-1])
    while low < high:
        middle = (low + high) // 2
        candidate = folded(steps[middle])
        if exceeded(candidate):
            low = middle + 1
        else:
            high, best = middle, candidate
    excess = exceeded(best)
    if excess:
        asked = interval is not None or bool(fixed)
        raise CompilerError(
            f"the network does not fit {target.name}",
            why=f"the {'design that was asked for' if asked else 'smallest design'} needs {'; '.join(excess)} "
            "(budgets of the target)",
            hint="choose a larger target" + (", fewer frames a second or another folding" if asked else ""),
        )
    return best


def _with(dataflow: Dataflow, chosen: Mapping[str, _Path]) -> Dataflow:
    """The dataflow with the chosen kernels."""
    instances = tuple(replace(i, kernel=chosen[i.name].candidate.kernel) for i in dataflow.instances)
    return replace(dataflow, instances=instances)


def block_ram_bits(target: Target) -> int:
    """Bits of the unit in which block RAM is counted: 18 kbit (half of a 36-kbit block), or the part's own smaller
    block.
    """
    return min(target.bram.bits, 18432)


def total_resources(dataflow: Dataflow, target: Target) -> Resources:
    """Estimate of a whole design."""
    total = Resources()
    for instance in dataflow.instances:
        total += instance.kernel.resources(target.lut_inputs, block_ram_bits(target))
    return total


def rated(kernel: Kernel, target: Target, budget: Budget) -> Candidate:
    """A kernel as it is folded, with what it costs."""
    used = kernel.resources(target.lut_inputs, block_ram_bits(target))
    return Candidate(kernel, kernel.interval(), used, budget.share(used))


def converter_resources(source: Stream, sink: Stream, target: Target) -> Resources:
    """What has to stand between two neighbours."""
    if source.lanes == sink.lanes:
        return Resources()
    return WidthConverter(source, sink.lanes).resources(target.lut_inputs, block_ram_bits(target))


def candidates(
    dataflow: Dataflow, instance: Instance, fixed: Collection[str], target: Target, budget: Budget
) -> list[Candidate]:
    """Legal foldings that keep the fixed attributes; those with streams too wide only where there is no other."""
    kept = {name: instance.kernel.attributes()[name] for name in fixed}
    edge_in = any(c.source.instance is None and c.sink.instance == instance.name for c in dataflow.channels)
    edge_out = any(c.sink.instance is None and c.source.instance == instance.name for c in dataflow.channels)
    narrow: list[Candidate] = []
    wide: list[Candidate] = []
    for kernel in instance.kernel.foldings():
        attributes = kernel.attributes()
        if any(attributes.get(name) != value for name, value in kept.items()):
            continue
        limit_in = WIDEST_EDGE_BITS if edge_in else WIDEST_STREAM_BITS
        limit_out = WIDEST_EDGE_BITS if edge_out else WIDEST_STREAM_BITS
        too_wide = any(s.bits > limit_in for s in kernel.inputs) or any(s.bits > limit_out for s in kernel.outputs)
        (wide if too_wide else narrow).append(rated(kernel, target, budget))
    return narrow or wide


@dataclass(frozen=True, slots=True, eq=False)
class _Path:
    """A candidate of one kernel, the best choice up to it, and what both cost with the converter between them."""

    candidate: Candidate
    source: _Path | None
    cost: float


def _cheapest(
    dataflow: Dataflow, candidates: Mapping[str, Sequence[Candidate]], interval: int, target: Target, budget: Budget
) -> dict[str, _Path]:
    """For each instance the chosen candidate, found from the last kernel of each chain backwards."""
    driver = {c.sink.instance: c.source.instance for c in reversed(dataflow.channels) if c.sink.instance is not None}
    readers: dict[str, list[str]] = {}
    for channel in dataflow.channels:
        if channel.source.instance is not None and channel.sink.instance is not None:
            readers.setdefault(channel.source.instance, []).append(channel.sink.instance)
    paths: dict[str, list[_Path]] = {}
    for instance in dataflow.instances:
        fast = [c for c in candidates[instance.name] if c.interval <= interval]
        source = driver.get(instance.name)
        # Behind a fork the source was settled for its first reader: only that reader continues its chain.
        continues = source is not None and readers[source][0] == instance.name
        before = _pruned(paths[source]) if continues and source is not None else []
        paths[instance.name] = [_extended(c, before, target, budget) for c in fast]
    chosen: dict[str, _Path] = {}
    for instance in reversed(dataflow.instances):
        if instance.name not in chosen:
            path: _Path | None = min(paths[instance.name], key=lambda p: p.cost)
            name: str | None = instance.name
            while path is not None and name is not None and name not in chosen:
                chosen[name] = path
                path, name = path.source, driver.get(name)
    return chosen


def _pruned(paths: Sequence[_Path]) -> list[_Path]:
    """The cheapest path for each width of the last stream."""
    best: dict[int, _Path] = {}
    for path in paths:
        lanes = path.candidate.kernel.outputs[0].lanes
        if lanes not in best or path.cost < best[lanes].cost:
            best[lanes] = path
    return list(best.values())


def _extended(candidate: Candidate, before: Sequence[_Path], target: Target, budget: Budget) -> _Path:
    best: _Path | None = None
    for path in before:
        between = converter_resources(path.candidate.kernel.outputs[0], candidate.kernel.inputs[0], target)
        cost = path.cost + candidate.cost + budget.share(between)
        if best is None or cost < best.cost:
            best = _Path(candidate, path, cost)
    return best or _Path(candidate, None, candidate.cost)
