"""The table of modules in docs/rtl.md, made from the headers of rtl/. Run as a program, it writes the table anew."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "rtl.md"
FIELD = re.compile(r"(Handshake|Interval|Capacity|Latency)\s+(.*)")
BLOCK = re.compile(r"(<!-- modules -->\n).*(<!-- /modules -->)", re.DOTALL)


def header(text: str) -> list[str]:
    """The lines of the comment that a module begins with, without the slashes."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("//"):
            break
        lines.append(line.removeprefix("//").removeprefix(" "))
    return lines


def described(text: str) -> dict[str, str]:
    """What a header says: `Summary` (its first sentence) and the fields Handshake, Interval, Capacity, Latency."""
    found: dict[str, str] = {}
    field = "Summary"
    for line in header(text):
        match = FIELD.match(line)
        if match:
            field, line = match[1], match[2]
        elif not line.strip() or (field != "Summary" and not line.startswith("  ")):
            field = ""
        if field:
            found[field] = f"{found.get(field, '')} {line.strip()}".strip()
    return found


def table() -> str:
    """One row a module, by name."""
    rows = ["| module | what it does | interval | latency |", "|---|---|---|---|"]
    for file in sorted((ROOT / "rtl").glob("*.sv")):
        said = described(file.read_text(encoding="utf-8"))
        summary = said.get("Summary", "").removeprefix(f"{file.stem}:").strip()
        cells = (summary, said.get("Interval", ""), said.get("Latency", ""))
        rows.append(f"| `{file.stem}` | {' | '.join(_escaped(cell) for cell in cells)} |")
    return "\n".join(rows) + "\n"


def written() -> str:
    """The table that the page has now."""
    match = BLOCK.search(PAGE.read_text(encoding="utf-8"))
    return match[0].removeprefix(match[1]).removesuffix(match[2]) if match else ""


def _escaped(text: str) -> str:
    return re.sub(r"([*|<])", r"\\\1", text)


def main() -> None:
    """Writes the table into the page."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(BLOCK.sub(lambda match: match[1] + table() + match[2], page), encoding="utf-8")


if __name__ == "__main__":
    main()
