"""What a run is doing and how far it is, on standard error: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import threading
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

EVERY_S = 10.0
"""Seconds after which a log says again that a step is not done."""


def how_far(done: int, total: int | None, what: str) -> str:
    """`12 of 64 frames`, or `12 frames` of nobody knows how many."""
    return f"{done:,} {what}" if total is None else f"{done:,} of {total:,} {what}"


class Lines:
    """Plain lines for a log: one for each step that has ended, and one now and then while it takes long."""

    def __init__(self, every_s: float = EVERY_S) -> None:
        self._every_s = every_s
        self._done = threading.Event()
        self._beat: threading.Thread | None = None
        self._far = ""

    def started(self, step: str) -> None:
        """Nothing is printed yet: a line a step is enough where it is quick."""
        self._done, self._far = threading.Event(), ""
        self._beat = threading.Thread(target=self._say, args=(step, time.monotonic(), self._done), daemon=True)
        self._beat.start()

    def advanced(self, done: int, total: int | None, what: str) -> None:
        """For the next line."""
        self._far = f", {how_far(done, total, what)}"

    def finished(self, step: str, seconds: float) -> None:
        """The step and its time."""
        self.stopped()
        print(f"[{seconds:7.2f} s] {step}", file=sys.stderr, flush=True)

    def stopped(self) -> None:
        """No more lines of this step."""
        self._done.set()
        if self._beat is not None:
            self._beat.join()
            self._beat = None

    def _say(self, step: str, started: float, done: threading.Event) -> None:
        while not done.wait(self._every_s):
            print(f"({time.monotonic() - started:7.0f} s) {step}{self._far} ...", file=sys.stderr, flush=True)


class _Far(ProgressColumn):
    """How far the step is, in its own words."""

    def render(self, task: Task) -> Text:
        """Nothing before the step has said it."""
        return Text(str(task.fields["far"]))


class Bar:
    """A line on a terminal while a step runs: its name, a bar where one knows how far it is, and the time."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._progress: Progress | None = None

    def started(self, step: str) -> None:
        """Shows the step."""
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(24),
            _Far(),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=self._console, transient=True)
        self._progress.add_task(step, total=None, far="")
        self._progress.start()

    def advanced(self, done: int, total: int | None, what: str) -> None:
        """Moves the bar."""
        if self._progress is not None:
            task = self._progress.task_ids[0]
            self._progress.update(task, completed=done, total=total, far=how_far(done, total, what))

    def finished(self, step: str, seconds: float) -> None:
        """Leaves a line behind."""
        self.stopped()
        self._console.print(f"[dim][{seconds:7.2f} s][/dim] {step}", highlight=False)

    def stopped(self) -> None:
        """Gives the terminal back."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
