"""Search for a folding: for an interval the cheapest folding of each kernel that meets it; over intervals the fastest
that fits.

For one interval, a chain of kernels is solved exactly for the cost model by dynamic programming over the stream
widths between neighbours (a width converter costs what it costs). Where streams fork and join, what is found costs at most
the converters between the chains that the network is cut into more than the least (`joints.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import cache

from qcompile.folding.cost import Budget, Candidate, rated, total_resources
from qcompile.folding.joints import Joints
from qcompile.ir.dataflow import Dataflow, Instance
from qcompile.ir.errors import CompilerError
from qcompile.targets import Target

WIDEST_EDGE_BITS = 1024
"""tdata at the accelerator's edges: what a DMA engine moves a cycle."""

WIDEST_STREAM_BITS = 8192
"""tdata inside: AXI4-Stream infrastructure stops at 1,024 bytes."""


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
        fast = {name: [c for c in options if c.interval <= cycles] for name, options in found.items()}
        chosen = Joints.of(dataflow, fast, target, budget).cheapest()
        instances = tuple(replace(i, kernel=chosen[i.name].kernel) for i in dataflow.instances)
        return replace(dataflow, instances=instances)

    steps = sorted({c.interval for options in found.values() for c in options if c.interval >= reachable})
    steps = [interval] if interval is not None else steps or [reachable]
    design = cache(lambda step: folded(steps[step]))
    kernels = cache(lambda step: budget.exceeded(total_resources(design(step), target)))
    exceeded = cache(lambda step: kernels(step) or budget.exceeded(total_resources(whole(design(step)), target)))
    # What stands between the kernels takes long to find and adds little to them: first where they alone fit, then on from there.
    last = len(steps) - 1
    low = high = _first(0, last, lambda step: not kernels(step))
    stride = 1
    while high < last and exceeded(high):
        low, high, stride = high + 1, min(high + stride, last), 2 * stride
    fitting = _first(low, high, lambda step: not exceeded(step))
    excess = exceeded(fitting)
    if excess:
        asked = interval is not None or bool(fixed)
        raise CompilerError(
            f"the network does not fit {target.name}",
            why=f"the {'design that was asked for' if asked else 'smallest design'} needs {'; '.join(excess)} "
            "(budgets of the target)",
            hint="choose a larger target" + (", fewer frames a second or another folding" if asked else ""),
        )
    return design(fitting)


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The least number from `low` for which it holds, as it does for all greater ones; `high` where it holds for none below."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


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
