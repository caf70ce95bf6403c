"""How the flow tells what it is doing: steps with names, and how long each took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol


class Listener(Protocol):
    """Told of every step when it starts and when it has ended."""

    def started(self, step: str) -> None:
        """A step begins."""

    def finished(self, step: str, seconds: float) -> None:
        """A step has ended well."""

    def stopped(self) -> None:
        """The step that had begun has failed, or was interrupted."""


class Silent:
    """A listener that ignores everything."""

    def started(self, step: str) -> None:
        """Nothing."""

    def finished(self, step: str, seconds: float) -> None:
        """Nothing."""

    def stopped(self) -> None:
        """Nothing."""


@dataclass(slots=True)
class Progress:
    """Passes steps on to a listener and keeps their times in seconds, in order."""

    listener: Listener = field(default_factory=Silent)
    times: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A step for the time of a `with` block."""
        self.listener.started(name)
        started = time.monotonic()
        try:
            yield
        except BaseException:
            self.listener.stopped()
            raise
        seconds = time.monotonic() - started
        self.times[name] = self.times.get(name, 0.0) + seconds
        self.listener.finished(name, seconds)
