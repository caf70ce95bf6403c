"""Runs of kernels that take beats ahead of the step that needs them, and whose last beats no output waits for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from qcompile.ir.types import IntArray

from .judge import Record, Run


def cut(record: Record, beats: int) -> Record:
    """What the port did up to its beat number `beats`."""
    end = int(record.beats[beats - 1]) + 1
    return replace(record, valid=record.valid[:end], ready=record.ready[:end], data=record.data[:end])


class Timed(Run):
    """A run without its last frame, whose last beats no output waits for, and its times.

    Between the reads of one frame lie steps of the next, so there is one frame of steps more than of beats.
    """

    def __init__(self, run: Run) -> None:
        count = run.frames - 1
        records = [tuple(cut(r, count * r.stream.beats) for r in port) for port in (run.inputs, run.outputs)]
        super().__init__(run.label, run.kernel, run.phase, count, run.expected, *records, run.moved)

    def model(self) -> tuple[IntArray, tuple[IntArray, ...]]:
        schedule = self.kernel.schedule()
        (reads,), (writes,), (record,) = schedule.reads, schedule.writes, self.inputs
        bases = np.arange(self.frames, dtype=np.int64)[:, None] * schedule.steps
        offered = np.zeros((self.frames + 1) * schedule.steps + int(reads[-1]), dtype=np.int64)
        np.maximum.at(offered, (bases + reads).reshape(-1), record.offers)
        number = np.arange(offered.size, dtype=np.int64)
        cycle = np.maximum.accumulate(offered - number) + number
        return cycle, (cycle[(bases + writes).reshape(-1)] + schedule.latency,)


def faults_of(runs: Iterable[Run]) -> Iterator[str]:
    """What `conform` holds, of kernels of one input that may leave the last beats of the last frame untaken."""
    for run in runs:
        untimed = replace(run, phase=replace(run.phase, polite=True))
        found = [fault for fault in untimed.faults() if not fault.startswith("input 0 took")]
        if run.phase.unthrottled and not found:
            found += Timed(run).untimely()
        yield from (f"{run.label}, {run.phase.name}: {fault}" for fault in found)
