"""Plain tables: columns of text, no lines between them, whole in a log and as wide as the terminal elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from qcompile.report.figures import PASSING
from qcompile.report.wording import shortened

WIDTH_IN_LOGS = 10_000
"""More than any table needs: where there is no terminal, nothing is cut off."""

NARROWEST_NAME, SPACE = 18, 2
"""Letters of a name that are shown in any case; spaces between columns."""


class _Terminal(Console):
    """A console whose reader may go away."""

    def on_broken_pipe(self) -> None:
        """Leaves it to the command line, as for output that does not come from here."""
        raise BrokenPipeError


def console() -> Console:
    """Standard output."""
    width = None if sys.stdout.isatty() else WIDTH_IN_LOGS
    return _Terminal(width=width, markup=False, emoji=False, highlight=False)


def show_table(
    out: Console, title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1
) -> None:
    """A table whose first `words` columns are text, the others numbers. Where it is too wide, the names in the first column
    lose their middle, and headings of several words are written below each other.
    """
    if _width(headings, rows) > out.width:
        headings = [heading if not number else heading.replace(" ", "\n") for number, heading in enumerate(headings)]
    room = max(NARROWEST_NAME, out.width - _width(headings[1:], [row[1:] for row in rows]) - SPACE)
    table = Table(
        title=title, title_justify="left", title_style="bold", box=None, padding=(0, SPACE, 0, 0), pad_edge=False
    )
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number < words else "right", no_wrap=True)
    for row in rows:
        table.add_row(shortened(row[0], room), *row[1:])
    out.print()
    out.print(table)
    out.print()


def _width(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Of the columns, without the space behind the last; headings may have several lines."""
    lines = [max(heading.split("\n"), key=len) for heading in headings]
    return sum(SPACE + max(map(len, column)) for column in zip(lines, *rows, strict=True)) - SPACE


@dataclass(frozen=True, slots=True)
class Row:
    """An instance in the table of a design."""

    name: str
    kernel: str
    settings: Mapping[str, int | str]
    interval: int
    lut: float
    ff: float
    bram18: int
    dsp: int

    @property
    def lanes(self) -> str:
        """`8 x 4` for PE 8 and SIMD 4."""
        return " x ".join(str(self.settings[name]) for name in ("PE", "SIMD") if name in self.settings)


def show_units(out: Console, title: str, rows: Sequence[Row], bottleneck: str) -> None:
    """One row a unit, and one for all FIFOs and width converters."""
    cells: list[tuple[str, ...]] = [
        (
            f"{'> ' if row.name == bottleneck else '  '}{row.name}",
            row.lanes,
            f"{row.interval:,}",
            f"{row.lut:,.0f}",
            f"{row.ff:,.0f}",
            f"{row.bram18:,}",
            f"{row.dsp:,}",
        )
        for row in rows
        if row.kernel not in PASSING
    ]
    between = [row for row in rows if row.kernel in PASSING]
    if between:
        counts = [sum(getattr(row, kind) for row in between) for kind in ("lut", "ff", "bram18", "dsp")]
        name = f"  {len(between)} FIFOs and width converters"
        cells.append((name, "", "", *(f"{count:,.0f}" for count in counts)))
    show_table(out, title, ("  unit (> bottleneck)", "PE x SIMD", "cycles", "LUT", "FF", "BRAM", "DSP"), cells, 2)


def show_catalogue(out: Console, rows: Sequence[tuple[str, ...]]) -> None:
    """All text, the first row as headings; what is too long goes on in the next line."""
    table = Table(box=None, padding=(0, SPACE, 0, 0), pad_edge=False)
    for heading in rows[0]:
        table.add_column(heading)
    for row in rows[1:]:
        table.add_row(*row)
    out.print(table)
