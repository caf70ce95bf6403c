"""The value that padding has in integers: the code of real zero, or a code that is never the greatest."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from qcompile.ir.graph import Node
from qcompile.ir.types import FloatArray, IntArray, read_only
from qcompile.ops.roles import Lattice
from qcompile.ops.windows import Windows
from qcompile.transforms.deferred import Deferred
from qcompile.transforms.step_function import Table, Thresholds
from qcompile.transforms.walk import RefusedError, Walk
from qcompile.transforms.weights import FLOAT32_NOISE

LARGEST_DENOMINATOR = 8
"""How fine a lattice may become so that zero lies on it."""

LARGEST_TABLE = 1 << 12
"""Integers that may be mapped to a finer lattice."""

MOST_THRESHOLDS = 15
"""The map to a finer lattice is made of thresholds up to this number of them, else of a table."""


def padded_with_zero(walk: Walk, node: Node, source: Deferred, windows: Windows) -> tuple[Deferred, int]:
    """The tensor, affine in its integers, on integers one of which stands for zero in every channel; and that integer.

    Where the lattice has no such integer (bipolar numbers, say), the tensor is put on a finer one that has; refused where
    that is no lattice of few integers.
    """
    if not windows.padded:
        return source, 0
    return with_code(walk, node, source, 0.0)


def with_code(walk: Walk, node: Node, source: Deferred, value: float) -> tuple[Deferred, int]:
    """The tensor, affine in its integers, on integers one of which stands for `value` in every channel; and that integer."""
    places = places_of(source.lattice, value)
    codes = np.unique(np.rint(places).astype(np.int64))
    if codes.size == 1 and close(source.lattice, value, places, np.rint(places)):
        return source, int(codes[0])
    return _on_finer_lattice(walk, node, source, value, places), 0


def zero_at_zero(walk: Walk, node: Node, source: Deferred) -> Deferred:
    """The tensor, affine in its integers, on integers of which 0 stands for zero in every channel."""
    places = places_of(source.lattice, 0.0)
    return source if not bool(np.any(places)) else _on_finer_lattice(walk, node, source, 0.0, places)


def places_of(lattice: Lattice, value: float) -> FloatArray:
    """Where a real number lies among the integers, for each channel (or for all of them at once)."""
    places: FloatArray = np.atleast_1d((value - lattice.offset) / lattice.scale - lattice.shift)
    return places


def close(lattice: Lattice, value: float, places: FloatArray, chosen: FloatArray) -> bool:
    """Whether the chosen places stand for the number, but for what roundings to float32 may have added."""
    size = np.abs(lattice.shift) + (np.abs(lattice.offset) + abs(value)) / np.abs(lattice.scale)
    return bool(np.all(np.abs(places - chosen) <= FLOAT32_NOISE * size))


def _on_finer_lattice(walk: Walk, node: Node, source: Deferred, value: float, places: FloatArray) -> Deferred:
    """New integers, `denominator` times the old ones and moved so that `value` is 0."""
    for denominator in range(1, LARGEST_DENOMINATOR + 1):
        moved = np.rint(places * denominator)
        if close(source.lattice, value, places, moved / denominator):
            break
    else:
        shown = Fraction(float(places[0])).limit_denominator(1000)
        raise RefusedError(
            f"padding with {value:g} of a tensor whose integers have no common place for it (in the first channel: {shown})"
        )
    known = walk.integer.range_of(source.q)
    if known.greatest - known.least >= LARGEST_TABLE:
        raise RefusedError(
            f"padding with {value:g} of a tensor in which that is no integer code: "
            f"{known.greatest - known.least + 1} integers are too many for a table"
        )
    grid = np.arange(known.least, known.greatest + 1, dtype=np.int64)
    entries = grid * denominator - moved.astype(np.int64)[:, None]
    form = _thresholds(grid, entries) if entries.shape[0] == 1 and np.ptp(entries) <= MOST_THRESHOLDS else None
    q = walk.integer.step(f"{node.name}_zero", source.q, form or Table(known.least, read_only(entries)), node.origin)
    return replace(source, q=q, lattice=Lattice.of(source.lattice.scale / denominator, 0.0, value), anchor=node.inputs[0])


def _thresholds(grid: IntArray, entries: IntArray) -> Thresholds:
    """A rising row of entries as thresholds: the least integer that reaches each level."""
    row = entries[0]
    levels = np.arange(row[0] + 1, row[-1] + 1)
    reached = grid[np.searchsorted(row, levels)]
    return Thresholds(int(row[0]), read_only(reached[None]), read_only(np.zeros(1, np.int64)))


def window_vectors(walk: Walk, node: Node, image: str, windows: Windows, padding: int) -> str:
    """The windows of an image (height, width, C) as vectors, `padding` outside; what is wider than a window less one is
    put around the image in front.
    """
    reach = [(kernel - 1) * dilation for kernel, dilation in zip(windows.kernel, windows.dilation, strict=True)]
    before, after = (
        tuple(min(size, most) for size, most in zip(sizes, reach, strict=True))
        for sizes in (windows.before, windows.after)
    )
    if (before, after) != (windows.before, windows.after):
        pads = (
            *(a - b for a, b in zip(windows.before, before, strict=True)),
            *(a - b for a, b in zip(windows.after, after, strict=True)),
        )
        image = walk.integer.pad(f"{node.name}_pad", image, (pads[0], pads[1], pads[2], pads[3]), padding, node.origin)
        windows = replace(windows, before=before, after=after)
    return walk.integer.windows(f"{node.name}_window", image, windows, node.origin, padding)


def least_code(walk: Walk, image: str) -> int:
    """Padding for a maximum: no greater than any integer of the image, and 0 where that is so."""
    return min(walk.integer.range_of(image).least, 0)
