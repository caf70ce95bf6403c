"""Functions that differ from pixel to pixel only by a factor and a constant in front: averages at the border of an image."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import lcm

import numpy as np

from qcompile.ir.graph import Node
from qcompile.ir.types import Array, FloatArray, IntArray, read_only
from qcompile.ops import BorderAffine, Reshape
from qcompile.transforms.border import LARGEST_MULTIPLE, MOST_CLASSES, classes
from qcompile.transforms.deferred import Deferred
from qcompile.transforms.shared_thresholds import Common, shared_thresholds
from qcompile.transforms.step_function import Thresholds
from qcompile.transforms.walk import Walk
from qcompile.transforms.weights import FLOAT32_NOISE


def over_pixels(walk: Walk, node: Node, source: Deferred, form: Thresholds) -> tuple[Deferred, Thresholds] | None:
    """A tensor each element of which has a function of its own, as integers of an image (height, width, channels) whose pixels
    have one function; and that function. None where there is none.

    Each pixel's sum is multiplied by what its divisor lacks of the common multiple. Thresholds of the products are looked
    for that say what the reference says at every pixel, its roundings included.
    """
    image = _image(walk, source)
    if image is None or form.thresholds.shape[0] != source.channels:
        return None
    height, width, channels = walk.integer.values[image].shape
    common = _common(source, channels)
    if common is None:
        return None
    kinds = np.unique(np.concatenate([common.factors[:, :1], common.added], axis=1), axis=0, return_inverse=True)[1]
    numbers = kinds.reshape(height, width)
    rows, columns = (classes(np.ascontiguousarray(part))[0] for part in (numbers, numbers.T))
    op = BorderAffine(rows, columns)
    if op.count > MOST_CLASSES or op.count >= (height * width - 1) * form.thresholds.shape[1]:
        return None
    falls = np.broadcast_to(form.descending, (source.channels,)).astype(bool).reshape(-1, channels)
    if bool(np.any(falls != falls[0])):
        return None
    known = walk.integer.range_of(image).per_channel(channels)
    least, most = (np.broadcast_to(end, falls.shape) for end in (known.lo, known.hi))
    found = shared_thresholds(form.thresholds.reshape(*falls.shape, -1), falls[0], least, most, common)
    if found is None:
        return None
    factors, added = np.ones(op.count, np.int64), np.zeros((op.count, channels), np.int64)
    place = op.classes.reshape(-1)
    factors[place], added[place] = common.factors[:, 0], common.added
    q = walk.integer.border_affine(f"{node.name}_pixels", image, op, read_only(factors), read_only(added), node.origin)
    return replace(source, q=q, q_shape=(height, width, channels)), Thresholds(form.base, *found)


def _image(walk: Walk, source: Deferred) -> str | None:
    """The integers of a tensor as an image of several pixels, where each element is a channel of its own."""
    made = next((node for node in walk.integer.nodes if node.output == source.q), None)
    if made is None or not isinstance(made.op, Reshape) or source.q_shape != (source.channels,):
        return None
    shape = walk.integer.values[made.inputs[0]].shape
    return made.inputs[0] if len(shape) == 3 and shape[0] * shape[1] > 1 else None


def _common(source: Deferred, channels: int) -> Common | None:
    """What brings the integers of all pixels, (pixels, channels), to one unit a channel and to the zero of the first pixel;
    None where nothing does, or where factors differ between channels.

    The operators up to the last that differs between pixels have to be affine.
    """
    last = 0
    for number, step in enumerate(source.steps):
        rows = (operand.reshape(-1, channels) for operand in step.operands if operand.size == source.channels)
        last = number + 1 if any(bool(np.any(row != row[0])) for row in rows) else last
    lattice = replace(source, steps=source.steps[:last]).affine()
    if lattice is None:
        return None
    parts = (lattice.scale, lattice.shift, lattice.offset)
    scale, shift, offset = (np.broadcast_to(part, (source.channels,)).reshape(-1, channels) for part in parts)
    factors = _factors(scale[:, 0] / scale[0, 0])
    if factors is None:
        return None
    each: IntArray = np.broadcast_to(factors[:, None], scale.shape)
    unit = scale[0] / factors[0]
    if bool(np.any(np.abs(scale - unit * each) > FLOAT32_NOISE * np.abs(scale))):
        return None
    exact = (offset - offset[0]) / unit + each * shift - each[0] * shift[0]
    added = np.rint(exact).astype(np.int64)
    room = FLOAT32_NOISE * (np.abs(offset) + np.abs(offset[0])) / np.abs(unit)
    return None if bool(np.any(np.abs(exact - added) > room)) else Common(each, added)


def _factors(ratios: FloatArray) -> IntArray | None:
    """Whole numbers that are to each other as these numbers; None where they are large, or not all positive."""
    if bool(np.any(ratios <= 0)):
        return None
    values, places = np.unique(ratios, return_inverse=True)
    found = [Fraction(float(value)).limit_denominator(LARGEST_MULTIPLE) for value in values]
    least = lcm(*(fraction.denominator for fraction in found))
    whole: Array = np.array([int(fraction * least) for fraction in found])
    whole //= np.gcd.reduce(whole)
    close = np.abs(np.array([float(f) for f in found]) - values) <= FLOAT32_NOISE * values
    if least > LARGEST_MULTIPLE or int(whole.max()) > LARGEST_MULTIPLE or not bool(np.all(close)):
        return None
    factors: IntArray = whole[places.reshape(-1)]
    return factors
