"""How the flow tells what it is doing: steps with names, and how long each took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol


class Listener(Protocol):
    """Told of every step when it starts and when it has ended."""

    def started(self, step: str) -> None:
        """A step begins."""

    def advanced(self, done: int, total: int | None, what: str) -> None:
        """So much of the step is done, of so much if that is known, counted in `what`."""

    def finished(self, step: str, seconds: float) -> None:
        """A step has ended well."""

    def stopped(self) -> None:
        """The step that had begun has failed, or was interrupted."""


class Silent:
    """A listener that ignores everything."""

    def started(self, step: str) -> None:
        """Nothing."""

    def advanced(self, done: int, total: int | None, what: str) -> None:
        """Nothing."""

    def finished(self, step: str, seconds: float) -> None:
        """Nothing."""

    def stopped(self) -> None:
        """Nothing."""


Advance = Callable[[int, int], None]
"""Told how many things are done, of how many."""


def unseen(_done: int, _total: int) -> None:
    """Nobody looks."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step that runs: whoever does it says how far it is."""

    listener: Listener

    def at(self, done: int, total: int | None, what: str) -> None:
        """`done` of `total` things that are called `what`; a total of None is not known."""
        self.listener.advanced(done if total is None else min(done, total), total, what)

    def of(self, what: str) -> Advance:
        """`at` for things of one kind."""
        return partial(self.at, what=what)


@dataclass(slots=True)
class Progress:
    """Passes steps on to a listener and keeps their times in seconds, in order."""

    listener: Listener = field(default_factory=Silent)
    times: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """A step for the time of a `with` block."""
        self.listener.started(name)
        started = time.monotonic()
        try:
            yield Step(self.listener)
        except BaseException:
            self.listener.stopped()
            raise
        seconds = time.monotonic() - started
        self.times[name] = self.times.get(name, 0.0) + seconds
        self.listener.finished(name, seconds)
