"""What the instances of a design do with the first frame."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Activity:
    """An instance and the first frame, in cycles; cycle 0 is the one in which the first input beat is valid.

    Its beats are taken in the cycles `first_taken` to `last_taken`, its results valid from `first_sent` to `last_sent` on.
    From its first step to its last result it waits for `waited` cycles, the last of them at input port `waits_for`
    (None where it never waits).
    """

    instance: str
    first_taken: int
    last_taken: int
    first_sent: int
    last_sent: int
    waited: int
    waits_for: int | None
