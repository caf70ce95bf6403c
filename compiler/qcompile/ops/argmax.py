"""Index of the greatest element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array


@dataclass(frozen=True, slots=True)
class ArgMax:
    """Inputs (x[, offsets]): index along `axis` of the greatest x * 2**shift + offsets; ties go to the first, or to
    the last.

    `axis` counts from the end (-1 is the last). Offsets are integers for each element of that axis.
    """

    kind: ClassVar[str] = "ArgMax"
    axis: int = -1
    keepdims: bool = True
    select_last: bool = False
    shift: int = 0

    def infer_shape(self, *shapes: Shape) -> Shape:
        """Shape of x with the axis reduced to 1, or removed."""
        shape = list(shapes[0])
        shape[self.axis] = 1
        if not self.keepdims:
            del shape[self.axis]
        return tuple(shape)

    def evaluate(self, *inputs: Array) -> Array:
        """int64 indices."""
        x = inputs[0]
        if len(inputs) > 1:
            x = x * 2**self.shift + inputs[1]
        if self.select_last:
            last = x.shape[self.axis] - 1
            index = last - np.argmax(np.flip(x, self.axis), axis=self.axis, keepdims=self.keepdims)
        else:
            index = np.argmax(x, axis=self.axis, keepdims=self.keepdims)
        return np.asarray(index, np.int64)
