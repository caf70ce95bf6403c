"""Conformance bench of the kernel catalogue: many instances in one simulation, checked cycle by cycle.

`conform(kernels, folder)` is all that a kernel's test needs. It puts every kernel into one top level
(`bench_top.sv.j2`), builds it once, lets cocotb (`bench_driver.py`) drive all instances at once through
`PHASES` (`stimulus.py`), and then holds (`judge.py`) that

- every output integer equals `kernel.evaluate`, and nothing comes after the last frame;
- tvalid, once up, stays up with its data unchanged until tready;
- no output depends on an input of the same cycle;
- without back-pressure every output beat is first valid in exactly the cycle that `schedule()` says:
  step k runs in s_k = max(s_{k-1} + 1, offers of the beats it reads), beat j is valid in s_writes[j] +
  latency; and every input beat is taken no later than the step that reads it. Without idle cycles these are
  interval and latency.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from qcompile.codegen.render import render as render_template
from qcompile.ir.dataflow import Kernel
from qcompile.ir.types import IntArray
from qcompile.tools import assets
from qcompile.tools.cache import Cache
from qcompile.tools.cocotb_bench import build_cocotb, run_cocotb
from qcompile.tools.prerequisites import find_toolchain
from qcompile.tools.verilator import Sources

from .bench_driver import PLAN, RECORDING, Layout, Trace
from .judge import Bits, Run, records
from .stimulus import PHASES, Case, Phase, plan_of

HERE = Path(__file__).parent
SOURCES = (assets.rtl(), HERE / "faulty")
WORD_BITS = 2048
"""What Verilator's VPI passes as one string."""


@dataclass(frozen=True, slots=True)
class Slice:
    """`width` bits of a vector from bit `low` on."""

    low: int
    width: int

    @property
    def high(self) -> int:
        """The highest bit."""
        return self.low + self.width - 1

    def of(self, bits: Bits) -> Bits:
        """These columns of an array (cycles, bits)."""
        return bits[:, self.low : self.low + self.width]


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """An instance in the top level: parameters as literals, ports as slices of `drive` and `observe`."""

    name: str
    module: str
    parameters: tuple[tuple[str, str], ...]
    s_data: Slice
    s_valid: Slice
    s_ready: Slice
    m_data: Slice
    m_valid: Slice
    m_ready: Slice

    @property
    def label(self) -> str:
        """The instance in messages."""
        return f"{self.name}: {self.module} " + " ".join(f"{name}={value}" for name, value in self.parameters)


def place(cases: Sequence[Case], folder: Path) -> tuple[Placed, ...]:
    """Places all instances in the vectors and writes their memories into `folder`."""
    s_ports = sum(len(c.kernel.inputs) for c in cases)
    m_ports = sum(len(c.kernel.outputs) for c in cases)
    s_port = m_port = 0
    s_bit = m_bit = s_ports + m_ports
    placed = []
    for k, case in enumerate(cases):
        binding = case.kernel.binding()
        parameters = [(n, f'"{v}"' if isinstance(v, str) else str(v)) for n, v in binding.parameters]
        for memory in binding.memories:
            file = f"u{k}_{memory.parameter.lower()}.hex"
            (folder / file).write_text(memory.hex_lines())
            parameters.append((memory.parameter, f'"{file}"'))
        s_count, m_count = len(case.kernel.inputs), len(case.kernel.outputs)
        s_bits, m_bits = sum(s.bits for s in case.kernel.inputs), sum(s.bits for s in case.kernel.outputs)
        placed.append(
            Placed(
                f"u{k}",
                binding.module,
                tuple(parameters),
                s_data=Slice(s_bit, s_bits),
                s_valid=Slice(m_ports + s_port, s_count),
                s_ready=Slice(s_port, s_count),
                m_data=Slice(m_bit, m_bits),
                m_valid=Slice(s_ports + m_port, m_count),
                m_ready=Slice(m_port, m_count),
            )
        )
        s_port, m_port, s_bit, m_bit = s_port + s_count, m_port + m_count, s_bit + s_bits, m_bit + m_bits
    return tuple(placed)


def render(placed: Sequence[Placed], layout: Layout) -> str:
    """The text of the top level."""
    environment = Environment(
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("bench_top.sv.j2").render(
        instances=placed,
        drive_bits=layout.drive_bits,
        observe_bits=layout.observe_bits,
        drive_words=words_of(layout.drive_bits),
        observe_words=words_of(layout.observe_bits),
    )


def words_of(bits: int) -> tuple[Slice, ...]:
    """A vector of `bits` bits cut into words that the simulator can pass."""
    return tuple(Slice(low, min(WORD_BITS, bits - low)) for low in range(0, bits, WORD_BITS))


def simulate(
    kernels: Sequence[Kernel | Case],
    folder: Path,
    phases: Sequence[Phase] = PHASES,
    frames: int = 4,
    seed: int = 1,
) -> list[list[Run]]:
    """Builds and simulates; for each kernel, what happened in each phase.

    Each kernel gets `frames` frames, those with short frames more.
    """
    cases = [k if isinstance(k, Case) else Case(k) for k in kernels]
    placed = place(cases, folder)
    layout = Layout(
        WORD_BITS,
        placed[-1].s_data.high + 1,
        placed[-1].m_data.high + 1,
        sum(p.s_valid.width for p in placed),
        sum(p.m_valid.width for p in placed),
    )
    rng = np.random.default_rng(seed)
    longest = max(case.kernel.interval() for case in cases)
    counts = [max(frames, min(400, longest * frames) // case.kernel.interval()) for case in cases]
    stimuli = [[case.draw(rng, count) for case, count in zip(cases, counts, strict=True)] for _ in phases]
    plans = [plan_of(cases, phase, sent, rng) for phase, sent in zip(phases, stimuli, strict=True)]
    (folder / PLAN).write_bytes(pickle.dumps((astuple(layout), [astuple(plan) for plan in plans])))
    run_simulation(cases, render(placed, layout), folder, seed)
    traces = [Trace(*row) for row in pickle.loads((folder / RECORDING).read_bytes())]
    runs: list[list[Run]] = [[] for _ in cases]
    for phase, sent, trace in zip(phases, stimuli, traces, strict=True):
        for row, run in zip(runs, runs_of(cases, placed, layout, phase, sent, trace), strict=True):
            row.append(run)
    return runs


def run_simulation(cases: Sequence[Case], text: str, folder: Path, seed: int) -> None:
    """Compiles the top level with all that it needs and lets cocotb play the plan."""
    top = folder / "bench_top.sv"
    top.write_text(text)
    stems = dict.fromkeys(stem for case in cases for stem in case.kernel.binding().sources)
    library = tuple(next(f for p in SOURCES if (f := p / f"{stem}.sv").exists()) for stem in stems)
    rendered = []
    for file in (file for case in cases for file in case.kernel.binding().rendered):
        rendered.append(folder / f"{file.module}.sv")
        rendered[-1].write_text(render_template(file.template, file.view))
    executable = folder / "bench"
    build_cocotb(find_toolchain(), Cache.of_user(), Sources("bench_top", (*library, *rendered, top)), executable)
    run = run_cocotb(
        executable, top="bench_top", test_module="bench_driver", python_path=(HERE,), folder=folder, seed=seed
    )
    assert run.ok, f"the bench itself failed: {run.failed}, see {run.log}"


def runs_of(
    cases: Sequence[Case],
    placed: Sequence[Placed],
    layout: Layout,
    phase: Phase,
    sent: Sequence[tuple[IntArray, ...]],
    trace: Trace,
) -> Iterator[Run]:
    """The trace of a phase taken apart into ports."""

    def unpack(rows: bytes, bits: int) -> Bits:
        row_bytes = np.frombuffer(rows, dtype=np.uint8).reshape(-1, (bits + 7) // 8)
        return np.unpackbits(row_bytes, axis=1, bitorder="little")

    drive, observe = unpack(trace.drive, layout.drive_bits), unpack(trace.observe, layout.observe_bits)
    for case, p, frames in zip(cases, placed, sent, strict=True):
        inputs = records(case.kernel.inputs, p.s_valid.of(drive), p.s_ready.of(observe), p.s_data.of(drive))
        outputs = records(case.kernel.outputs, p.m_valid.of(observe), p.m_ready.of(drive), p.m_data.of(observe))
        moved = any(trace.moved >> s.low & (1 << s.width) - 1 for s in (p.s_ready, p.m_valid, p.m_data))
        expected = case.kernel.evaluate(*frames)
        yield Run(p.label, case.kernel, phase, len(frames[0]), expected, inputs, outputs, moved)


def conform(
    kernels: Sequence[Kernel | Case],
    folder: Path,
    phases: Sequence[Phase] = PHASES,
    frames: int = 4,
    seed: int = 1,
) -> list[list[Run]]:
    """Simulates and returns the runs; raises AssertionError with every fault of every kernel."""
    runs = simulate(kernels, folder, phases, frames, seed)
    found = [f"{r.label}, {r.phase.name}: {fault}" for row in runs for r in row for fault in r.faults()]
    assert not found, f"{len(found)} faults (seed {seed}):\n" + "\n".join(found)
    return runs
