"""Tables of text: aligned for a terminal, or as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """Headings and rows of text; the first column is aligned to the left, the others to the right."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def plain(self) -> str:
        """Columns padded with spaces."""
        widths = self._widths()
        lines = [self._line(row, widths, "  ") for row in (self.headings, *self.rows)]
        return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])

    def markdown(self) -> str:
        """A table as GitHub renders it."""
        widths = self._widths()
        lines = [f"| {self._line(row, widths, ' | ')} |" for row in (self.headings, *self.rows)]
        rule = [f"{'-' * (width - 1)}{'-' if column == 0 else ':'}" for column, width in enumerate(widths)]
        return "\n".join([lines[0], f"| {' | '.join(rule)} |", *lines[1:]])

    def _widths(self) -> list[int]:
        return [max(len(cell) for cell in column) for column in zip(self.headings, *self.rows, strict=True)]

    @staticmethod
    def _line(row: Sequence[str], widths: Sequence[int], separator: str) -> str:
        others = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        return separator.join([row[0].ljust(widths[0]), *others])
