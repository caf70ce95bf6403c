"""The cocotb side of the conformance bench: drives instances by a plan, records every cycle, judges nothing.

It runs inside the simulator. Plan and recordings pass through files of the simulation's working directory.
"""

from __future__ import annotations

import pickle
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

PLAN = "plan.pickle"
RECORDING = "recording.pickle"
QUIET = 4
"""Cycles after reset before the first beat is offered."""
TAIL = 24
"""Cycles after the last expected beat, in which nothing more may come."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to drive in one phase; port numbers count over all instances.

    `words[p]` are the beats of input port p, already shifted to its place in the data part of `drive`;
    `gaps[p][i]` the idle cycles before beat i is offered, counted from the cycle after its predecessor was
    taken. `ready[t]` holds a bit for each output port, repeated when the phase lasts longer; where `polite`,
    ready is withheld until valid is seen. `expected[q]` is the number of beats output port q shall give;
    `limit` ends a phase in which it does not.
    """

    words: tuple[tuple[int, ...], ...]
    gaps: tuple[tuple[int, ...], ...]
    ready: tuple[int, ...]
    polite: bool
    expected: tuple[int, ...]
    limit: int


@dataclass(frozen=True, slots=True)
class Trace:
    """Both vectors in every cycle, as little-endian rows of bytes; bits of `observe` that moved late."""

    drive: bytes
    observe: bytes
    moved: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Widths of the bench's vectors in bits."""

    word_bits: int
    drive_bits: int
    observe_bits: int
    inputs: int
    outputs: int


class Wires:
    """A wide vector made of several simulator signals."""

    def __init__(self, dut: Any, name: str, bits: int, word_bits: int) -> None:
        self.handles = [getattr(dut, f"{name}_{k}") for k in range((bits + word_bits - 1) // word_bits)]
        self.word_bits = word_bits
        self.mask = (1 << word_bits) - 1
        self.last = [-1] * len(self.handles)

    def read(self) -> int:
        """The whole vector."""
        value = 0
        for handle in reversed(self.handles):
            value = value << self.word_bits | int(handle.value)
        return value

    def write(self, value: int) -> None:
        """Drives those signals that change."""
        for k, handle in enumerate(self.handles):
            word = value & self.mask
            value >>= self.word_bits
            if word != self.last[k]:
                handle.value = word
                self.last[k] = word


async def reset(dut: Any) -> None:
    """Three cycles of reset, released at a falling edge."""
    dut.rst.value = 1
    for _ in range(3):
        await FallingEdge(dut.clk)
    dut.rst.value = 0


async def play(dut: Any, layout: Layout, plan: Plan) -> Trace:
    """One phase: reset, then drive until every expected beat has come and some cycles more."""
    drive = Wires(dut, "drive", layout.drive_bits, layout.word_bits)
    observe = Wires(dut, "observe", layout.observe_bits, layout.word_bits)
    drive.write(0)
    await reset(dut)

    inputs, outputs = layout.inputs, layout.outputs
    all_inputs, all_outputs = (1 << inputs) - 1, (1 << outputs) - 1
    control = inputs + outputs
    due: dict[int, list[int]] = {}  # cycle -> input ports whose next beat is offered from then on
    position = [0] * inputs
    for p in range(inputs):
        due.setdefault(QUIET + plan.gaps[p][0], []).append(p)
    missing = list(plan.expected)
    open_ports = sum(1 for count in missing if count)
    valid = data = cycle = 0
    end = plan.limit
    driven, observed = [], []
    drive_bytes, observe_bytes = (layout.drive_bits + 7) // 8, (layout.observe_bits + 7) // 8

    while cycle < end:
        await FallingEdge(dut.clk)
        seen = observe.read()
        for p in due.pop(cycle, ()):
            valid |= 1 << p
            data |= plan.words[p][position[p]]
        ready = plan.ready[cycle % len(plan.ready)]
        m_valid = seen >> inputs & all_outputs
        if plan.polite:
            ready &= m_valid
        value = ready | valid << outputs | data << control
        drive.write(value)
        driven.append(value.to_bytes(drive_bytes, "little"))
        observed.append(seen.to_bytes(observe_bytes, "little"))

        taken = valid & seen & all_inputs
        while taken:
            p = (taken & -taken).bit_length() - 1
            taken &= taken - 1
            valid ^= 1 << p
            data ^= plan.words[p][position[p]]
            position[p] += 1
            if position[p] < len(plan.words[p]):
                due.setdefault(cycle + 1 + plan.gaps[p][position[p]], []).append(p)
        given = m_valid & ready
        while given:
            q = (given & -given).bit_length() - 1
            given &= given - 1
            missing[q] -= 1
            if missing[q] == 0:
                open_ports -= 1
                if open_ports == 0:
                    end = min(end, cycle + TAIL)
        cycle += 1
    await FallingEdge(dut.clk)
    moved = Wires(dut, "moved", layout.observe_bits, layout.word_bits).read()
    return Trace(b"".join(driven), b"".join(observed), moved)


@cocotb.test()
async def conformance(dut: Any) -> None:
    """Plays every phase of the plan and leaves the traces for the bench to judge."""
    layout, plans = pickle.loads(Path(PLAN).read_bytes())
    layout = Layout(*layout)
    dut.rst.value = 1
    Clock(dut.clk, 2, unit="step").start()
    traces = [await play(dut, layout, Plan(*plan)) for plan in plans]
    Path(RECORDING).write_bytes(pickle.dumps([astuple(trace) for trace in traces]))
