"""Read a TOML table strictly: every key is asked for by name and type; all faults are told at once."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")

_ABSENT = object()


@dataclass(slots=True)
class Table:
    """A table being read, called `path` ("" for the whole file). Faults go to `faults`, shared with its
    subtables.

    A reading method that meets a fault records it and returns a harmless value, so that reading goes on.
    """

    values: Mapping[str, object]
    faults: list[str]
    path: str = ""
    asked: set[str] = field(default_factory=set)

    def text(self, key: str, among: Sequence[str] = ()) -> str:
        """A string that is not empty; one of `among` where given."""
        value = self._read(key)
        if not isinstance(value, str) or not value.strip():
            return self._fault(key, value, "a text", "")
        if among and value not in among:
            return self._fault(key, value, "one of " + ", ".join(among), among[0])
        return value

    def integer(self, key: str, least: int = 0) -> int:
        """An integer of at least `least`."""
        value = self._read(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            return self._fault(key, value, f"an integer of at least {least}", least)
        return value

    def number(self, key: str, above: float = 0.0, most: float = float("inf")) -> float:
        """A number greater than `above` and at most `most`."""
        value = self._read(key)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not above < value <= most:
            limit = "" if most == float("inf") else f" and at most {most:g}"
            return self._fault(key, value, f"a number greater than {above:g}{limit}", 1.0)
        return float(value)

    def flag(self, key: str) -> bool:
        """A boolean."""
        value = self._read(key)
        return value if isinstance(value, bool) else self._fault(key, value, "true or false", False)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of at least one string."""
        value = self._read(key)
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            return tuple(value)
        return self._fault(key, value, "a list of texts", ())

    def pairs(self, key: str) -> tuple[tuple[int, int], ...]:
        """A list of at least one pair of positive integers."""
        value = self._read(key)
        if isinstance(value, list) and value and all(_is_pair(item) for item in value):
            return tuple((item[0], item[1]) for item in value)
        return self._fault(key, value, "a list of [depth, width]", ())

    def optional(self, key: str, read: Callable[[str], T]) -> T | None:
        """What `read` (a method of this table) makes of `key`, or None where the key is absent."""
        self.asked.add(key)
        return read(key) if key in self.values else None

    def table(self, key: str) -> Table:
        """A subtable."""
        value = self._read(key)
        path = f"{self.path}{key}."
        if isinstance(value, dict):
            return Table(value, self.faults, path)
        self._fault(key, value, "a table", None)
        return Table({}, [], path)  # its own faults would only repeat this one

    def tables(self, key: str) -> tuple[Table, ...]:
        """A list of at least one table."""
        value = self._read(key)
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            return tuple(Table(item, self.faults, f"{self.path}{key}[{i}].") for i, item in enumerate(value))
        return self._fault(key, value, "a list of tables", ())

    def finish(self) -> None:
        """Record every key that nothing asked for, with the nearest right one."""
        for key in self.values:
            if key not in self.asked:
                near = difflib.get_close_matches(key, self.asked - set(self.values), n=1)
                hint = f"; did you mean '{self.path}{near[0]}'?" if near else ""
                self.faults.append(f"unknown key '{self.path}{key}'{hint}")

    def _read(self, key: str) -> object:
        self.asked.add(key)
        return self.values.get(key, _ABSENT)

    def _fault(self, key: str, value: object, wanted: str, instead: T) -> T:
        if value is _ABSENT:
            self.faults.append(f"missing key '{self.path}{key}': {wanted}")
        else:
            self.faults.append(f"'{self.path}{key}' must be {wanted}, not {value!r}")
        return instead


def _is_pair(item: object) -> bool:
    return (
        isinstance(item, list)
        and len(item) == 2
        and all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in item)
    )
