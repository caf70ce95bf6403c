"""Circular buffers: which release makes room for what comes in."""

from __future__ import annotations

import numpy as np

from qcompile.ir.types import IntArray


def room_steps(limits: IntArray, events: IntArray, kept: int, steps: int, ranks: IntArray) -> IntArray:
    """For each of `ranks` the step that makes room for it.

    The release in step `events[k]` makes room for rank `limits[k]` and those up to the next limit; both arrays, of one
    frame, rise. A frame has `kept` ranks and `steps` steps, so the release for a rank may lie in a frame before: then the
    step is negative.
    """
    frames = max(0, -(-int(limits[0] - ranks.min()) // kept))
    back = np.arange(frames, -1, -1, dtype=np.int64)[:, None]
    index = np.searchsorted((limits - back * kept).reshape(-1), ranks, side="right") - 1
    result: IntArray = (events - back * steps).reshape(-1)[index]
    return result
