"""A factor and a constant for each class of pixels: what makes sums at the border of a padded image like those inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, IntArray, Range


@dataclass(frozen=True, slots=True)
class BorderAffine:
    """Inputs (x, factors, constants): factors[k] * x + constants[k, c] for channel c of an image (height, width, C).

    `factors` is int64 (classes,), `constants` int64 (classes, C). The class k of a pixel is rows[y] * (number of column
    classes) + columns[x]; classes of rows and of columns are counted from 0.
    """

    kind: ClassVar[str] = "BorderAffine"
    rows: tuple[int, ...]
    columns: tuple[int, ...]

    @property
    def classes(self) -> IntArray:
        """(height, width): the class of each pixel."""
        rows, columns = np.asarray(self.rows, np.int64), np.asarray(self.columns, np.int64)
        classes: IntArray = rows[:, None] * (columns.max() + 1) + columns
        return classes

    @property
    def count(self) -> int:
        """Number of classes."""
        return (max(self.rows) + 1) * (max(self.columns) + 1)

    def infer_shape(self, *shapes: Shape) -> Shape:
        """Shape of x; raises ValueError where the constants do not fit."""
        x, factors, constants = shapes
        if x[:2] != (len(self.rows), len(self.columns)) or factors != (self.count,) or constants != (self.count, x[2]):
            raise ValueError(f"factors {factors} and constants {constants} do not fit an image {x}")
        return x

    def evaluate(self, *inputs: Array) -> Array:
        """int64; the leading axis counts frames."""
        x, factors, constants = inputs
        classes = self.classes
        result: Array = x * factors[classes][..., None] + constants[classes]
        return result

    def infer_range(self, x: Range, factors: IntArray, constants: IntArray) -> Range:
        """Per channel, over all classes."""
        known = x.per_channel(constants.shape[1])
        ends = np.stack([factors[:, None] * end + constants for end in (known.lo, known.hi)])
        return Range.of(ends.min(axis=(0, 1)), ends.max(axis=(0, 1)))
