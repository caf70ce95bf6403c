"""Which pixels each output of a convolution reads along an axis, where that differs from phase to phase."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import gcd

import numpy as np

from qcompile.ir.types import IntArray


@dataclass(frozen=True, slots=True)
class TapAxis:
    """An axis of `size` pixels, read by `outputs` windows; `before` is the padding (or, transposed, the cut) in front.

    Output o of a convolution reads the pixels o * stride - before + k * dilation. Of a transposed one it reads those
    whose copies in the stretched image it would meet: (o + before - k * dilation) / stride, where that is an integer.
    These k, a phase, depend on (o + before) mod stride alone; a phase without any is given one tap outside of the image.
    Taps are in the order of pixels.
    """

    size: int
    kernel: int
    stride: int
    dilation: int
    before: int
    outputs: int
    transposed: bool = False

    def __post_init__(self) -> None:
        if min(self.size, self.kernel, self.stride, self.dilation, self.outputs) < 1 or self.before < 0:
            raise ValueError("sizes, kernels, strides, dilations and outputs are at least 1, padding at least 0")

    @property
    def phases(self) -> int:
        """Outputs after which the taps repeat, or all of them if they are fewer."""
        return min(self.stride, self.outputs) if self.transposed else 1

    @property
    def spacing(self) -> int:
        """Pixels from one tap of an output to the next."""
        return self.dilation // gcd(self.dilation, self.stride) if self.transposed else self.dilation

    def kernel_taps(self, output: int) -> tuple[int, ...]:
        """The taps k of the kernel that an output meets, in the order of pixels; empty where a phase has none."""
        if not self.transposed:
            return tuple(range(self.kernel))
        taps = range(self.kernel - 1, -1, -1)
        return tuple(k for k in taps if (output + self.before - k * self.dilation) % self.stride == 0)

    def counts(self) -> IntArray:
        """(outputs,): taps given for each output, at least 1."""
        phase = np.arange(self.outputs) % self.phases
        return np.array([max(1, len(self.kernel_taps(o))) for o in range(self.phases)], np.int64)[phase]

    def firsts(self) -> IntArray:
        """(outputs,): the pixel of each output's first tap, which may lie outside of the image."""
        outputs = np.arange(self.outputs, dtype=np.int64)
        if not self.transposed:
            return outputs * self.stride - self.before
        taps = [self.kernel_taps(o) for o in range(self.phases)]
        first = np.array([t[0] * self.dilation if t else 0 for t in taps], np.int64)[outputs % self.phases]
        empty = np.array([not t for t in taps])[outputs % self.phases]
        return np.where(empty, -1, (outputs + self.before - first) // self.stride)

    def pixels(self) -> IntArray:
        """(outputs, most taps): the pixel of each tap, -1 outside of the image and behind the last tap."""
        tap = np.arange(int(self.counts().max()), dtype=np.int64)
        pixel = self.firsts()[:, None] + tap * self.spacing
        return np.where((pixel >= 0) & (pixel < self.size) & (tap < self.counts()[:, None]), pixel, -1)

    @property
    def stretched(self) -> int:
        """Taps of all outputs together if zeros were inserted: between the pixels, or between the taps of the kernel."""
        return self.outputs * ((self.kernel - 1) * self.dilation + 1)


@lru_cache(maxsize=16)
def gather(rows: TapAxis, columns: TapAxis, groups: int) -> IntArray:
    """Where each element of the windows comes from, in units of a pixel's `groups` parts: pixel * groups + group, or -1.

    Order: output row, output column, group, tap row, tap column. Read-only.
    """
    row_taps, column_taps = rows.counts(), columns.counts()
    taps = (row_taps[:, None] * column_taps).reshape(-1)
    window = np.repeat(np.arange(taps.size), taps * groups)
    begin = np.concatenate([[0], np.cumsum(taps * groups)[:-1]])
    place = np.arange(window.size) - begin[window]
    group, tap = np.divmod(place, taps[window])
    row, column = np.divmod(window, columns.outputs)
    tap_row, tap_column = np.divmod(tap, column_taps[column])
    y, x = rows.pixels()[row, tap_row], columns.pixels()[column, tap_column]
    index: IntArray = np.where((y >= 0) & (x >= 0), (y * columns.size + x) * groups + group, -1)
    index.setflags(write=False)
    return index
