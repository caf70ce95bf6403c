"""What a folding costs: its shares of what the target has."""

from __future__ import annotations

from dataclasses import dataclass

from qcompile.ir.dataflow import Dataflow, Kernel, Resources, Stream
from qcompile.kernels import WidthConverter
from qcompile.targets import Target


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
            target.bram.total_bits // target.block_ram_bits * target.budget.bram,
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


def total_resources(dataflow: Dataflow, target: Target) -> Resources:
    """Estimate of a whole design."""
    total = Resources()
    for instance in dataflow.instances:
        total += instance.kernel.resources(target.lut_inputs, target.block_ram_bits)
    return total


def rated(kernel: Kernel, target: Target, budget: Budget) -> Candidate:
    """A kernel as it is folded, with what it costs."""
    used = kernel.resources(target.lut_inputs, target.block_ram_bits)
    return Candidate(kernel, kernel.interval(), used, budget.share(used))


def converter_resources(source: Stream, sink: Stream, target: Target) -> Resources:
    """What has to stand between two neighbours."""
    if source.lanes == sink.lanes:
        return Resources()
    return WidthConverter(source, sink.lanes).resources(target.lut_inputs, target.block_ram_bits)
