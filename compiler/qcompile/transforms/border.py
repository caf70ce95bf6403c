"""Sums at the border of an image: what padding with another code than that of zero has added is taken out again.

A window at the border of a padded image holds padding at the same taps as all windows of its class (for three taps an axis
there are three classes of rows and three of columns). Padding with a code near the place of zero makes the sums of a class and
an output channel wrong by a constant. So a bipolar tensor stays one bit wide: it is padded with -1, and half of the sum of
the weights on padding is added.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qcompile.ir.graph import Node, Shape, element_count
from qcompile.ir.types import IntArray, read_only
from qcompile.ops import BorderAffine
from qcompile.ops.roles import Lattice
from qcompile.ops.windows import Windows
from qcompile.transforms.deferred import Deferred
from qcompile.transforms.layouts import channels_last
from qcompile.transforms.padding import LARGEST_DENOMINATOR, close, places_of
from qcompile.transforms.walk import Walk

MOST_CLASSES = 256
LARGEST_MULTIPLE = 1 << 12
"""Classes of pixels, and the common multiple of their divisors, up to which averages are brought to one scale."""


@dataclass(frozen=True, slots=True, eq=False)
class Borders:
    """Windows over an image of the size `spatial` whose padding is the integer `code` instead of the place of zero, which is
    code + missing[c] / denominator in channel c (`missing` int64, (channels,)).
    """

    windows: Windows
    spatial: Shape
    code: int
    denominator: int
    missing: IntArray

    @property
    def op(self) -> BorderAffine:
        """The operator without its constants."""
        rows, columns = (classes(axis)[0] for axis in self.windows.inside(self.spatial))
        return BorderAffine(rows, columns)

    def correct(self, walk: Walk, node: Node, sums: str, lattice: Lattice, missed: IntArray) -> tuple[str, Lattice]:
        """Sums (height, width, M) of the windows in units of 1 / denominator, as if the padding were zero, and what they
        stand for. `missed` (taps, M) is what each tap on padding has missed: its weights times `missing`.
        """
        rows, columns = (classes(axis)[1] for axis in self.windows.inside(self.spatial))
        padding = ~(rows[:, None, :, None] & columns[None, :, None, :])
        constants = padding.reshape(-1, missed.shape[0]).astype(np.int64) @ missed
        factors = np.full(constants.shape[0], self.denominator)
        q = walk.integer.border_affine(
            f"{node.name}_border", sums, self.op, read_only(factors), read_only(constants), node.origin
        )
        return q, Lattice.of(lattice.scale / self.denominator, lattice.shift * self.denominator, lattice.offset)


def borders(walk: Walk, source: Deferred, windows: Windows, outputs: int, terms: int) -> Borders | None:
    """How to pad a tensor, affine in its integers, with one of them where none stands for zero; None where one does, or where
    wider integers cost less.

    `outputs` channels are sums of `terms` products. Compared are the bits of the constants here with those that a finer
    lattice would add to the line buffer and to the products of a pixel.
    """
    if not windows.padded or windows.ceil_mode:
        return None
    places = places_of(source.lattice, 0.0)
    denominator = next(
        (d for d in range(1, LARGEST_DENOMINATOR + 1) if close(source.lattice, 0.0, places, np.rint(places * d) / d)), 0
    )
    if denominator < 2:
        return None
    known = walk.integer.range_of(source.q)
    numerators = np.broadcast_to(np.rint(places * denominator).astype(np.int64), (source.channels,))
    code = int(np.clip(numerators.min() // denominator, known.least, known.greatest))
    spatial = source.shape[2:] if len(source.shape) == 4 else (1, *source.shape[2:])
    found = Borders(windows, spatial, code, denominator, numerators - denominator * code)
    wider = int(denominator * (known.greatest - known.least)).bit_length() + 1 - known.type.bits
    reach = (windows.kernel[0] - 1) * windows.dilation[0] * spatial[1] + (windows.kernel[1] - 1) * windows.dilation[1] + 1
    widened = max(wider, 1) * (reach * source.channels + terms * outputs)
    bits = known.type.bits + (terms - 1).bit_length() + 1
    return found if found.op.count * outputs * bits <= widened else None


def classes(inside: np.ndarray) -> tuple[tuple[int, ...], np.ndarray]:
    """The class of each window along an axis, and (classes, kernel) which taps lie inside, classes in order of appearance."""
    patterns: list[bytes] = []
    first: list[int] = []
    classes = []
    for position, row in enumerate(inside):
        pattern = row.tobytes()
        if pattern not in patterns:
            patterns.append(pattern)
            first.append(position)
        classes.append(patterns.index(pattern))
    return tuple(classes), inside[first]


def by_class(walk: Walk, node: Node, source: Deferred, divisor: np.ndarray) -> Deferred | None:
    """Sums over windows divided by numbers that differ between pixels, as integers of one scale: each is multiplied by what
    its divisor lacks of their least common multiple.

    None where the divisors differ between channels or are no integers, or where the model's own roundings would tell: its
    scale is no power of two.
    """
    lattice = source.lattice
    exact = bool(np.all(np.frexp(np.abs(lattice.scale))[0] == 0.5)) and not bool(np.any(lattice.offset))
    shape = source.shape
    if not exact or source.steps or bool(np.any(lattice.shift)):
        return None
    if len(shape) not in (3, 4) or divisor.size != element_count(shape[2:]):
        return None
    if not bool(np.all((divisor == np.rint(divisor)) & (divisor >= 1))):
        return None
    expected = channels_last(shape)
    if source.index is None or expected is None:
        if source.index is not expected:
            return None
    elif not np.array_equal(source.index, expected):
        return None
    numbers = np.rint(divisor).astype(np.int64).reshape(shape[2:] if len(shape) == 4 else (1, shape[2]))
    rows, columns = (classes(np.ascontiguousarray(part))[0] for part in (numbers, numbers.T))
    op = BorderAffine(rows, columns)
    least = int(np.lcm.reduce(numbers.reshape(-1)))
    if op.count > MOST_CLASSES or least > LARGEST_MULTIPLE:
        return None
    factors = np.zeros(op.count, np.int64)
    factors[op.classes] = least // numbers
    frame = (*numbers.shape, shape[1])
    q = walk.integer.reshape(source.q, frame, node.origin)
    constants = np.zeros((op.count, shape[1]), np.int64)
    q = walk.integer.border_affine(f"{node.name}_border", q, op, read_only(factors), read_only(constants), node.origin)
    scaled = Lattice.of(lattice.scale / least, 0.0, 0.0)
    return replace(source, q=q, q_shape=frame, lattice=scaled, anchor=node.output)
