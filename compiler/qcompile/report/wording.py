"""Numbers and names as the page shows them."""

from __future__ import annotations

from qcompile.report.figures import ChannelFigures, InstanceFigures
from qcompile.report.network import Edge

SETTINGS = {"PE": "PE", "SIMD": "SIMD"}
"""Settings that say how much is done at once, in the order in which they are shown."""

NAME_LETTERS = 48

USUAL = {"stationary": "output", "parallel_window": 0}
"""Settings that are shown only where they are something else; `auto` is never shown."""


def count(number: float) -> str:
    """A whole number in groups of three."""
    return f"{number:,.0f}"


def percent(share: float) -> str:
    """A share of 0 to 1; one decimal below ten percent."""
    return f"{share:.1%}" if 0 < share < 0.0995 else f"{share:.0%}"


def shortened(text: str, most: int) -> str:
    """At most so many characters: what is too long loses its middle."""
    if len(text) <= most:
        return text
    tail = (most - 1) * 3 // 4
    return f"{text[: most - 1 - tail]}…{text[-tail:]}"


def name(text: str) -> str:
    """A name of the model in a table: some exporters write whole sentences."""
    return shortened(text, NAME_LETTERS)


def plural(number: int, what: str) -> str:
    """`1 frame`, `2 frames`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def lanes(row: InstanceFigures) -> str:
    """`PE 8 × SIMD 4`, as far as the unit has them."""
    return " × ".join(f"{name} {row.settings[name]}" for name in SETTINGS if name in row.settings)


def others(row: InstanceFigures) -> str:
    """The other settings in use."""
    rest = [(k, v) for k, v in row.settings.items() if k not in SETTINGS and v not in ("auto", USUAL.get(k))]
    return ", ".join(f"{name.replace('_', ' ')} {str(value).replace('_', ' ')}" for name, value in rest)


def stream(channel: ChannelFigures) -> str:
    """`8 × uint4`."""
    return f"{channel.lanes} × {channel.element}"


def edge(one: Edge) -> str:
    """The stream of an edge, before and behind a width converter, and its FIFOs."""
    widths = [one.streams[0].lanes]
    for channel in one.streams:
        widths += [channel.lanes] if channel.lanes != widths[-1] else []
    fifos = [f"FIFO {row.settings['depth']}" for row in one.passes if "depth" in row.settings]
    return " · ".join([f"{'→'.join(map(str, widths))} × {one.streams[0].element}", *fifos])


def bits(number: int) -> str:
    """Bits, in thousands where there are many."""
    if number >= 10_000_000:
        return f"{number / 1e6:,.1f} Mbit"
    return f"{number / 1e3:,.1f} kbit" if number >= 10_000 else f"{number:,} bit"


def memory(row: InstanceFigures) -> str:
    """What an instance stores: constants, pixels, beats."""
    parts = []
    constants = sum(m.words * m.width for m in row.memories)
    if constants:
        parts.append(bits(constants))
    if row.line_buffer is not None and row.line_buffer.bits:
        parts.append(f"{bits(row.line_buffer.bits)} of pixels")
    return " + ".join(parts)


def used(row: InstanceFigures) -> str:
    """Resources that a unit uses, those it does not use left out."""
    found = row.resources
    parts = [("LUT", found.lut), ("DSP", found.dsp), ("BRAM", found.bram18), ("URAM", found.uram)]
    return " · ".join(f"{count(number)} {name}" for name, number in parts if round(number))
