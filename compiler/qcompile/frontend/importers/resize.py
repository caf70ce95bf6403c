"""Resize and Upsample: which pixel of the image each pixel of the result is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qcompile.frontend import constants
from qcompile.frontend.builder import Builder
from qcompile.frontend.dialect import OnnxNode, UnsupportedError
from qcompile.ir.types import Array
from qcompile.ops import Resize

Importer = Callable[[Builder, OnnxNode], None]

LARGEST_AXIS = 1 << 23
"""Positions beyond this are no numbers of float32."""


def _resize(builder: Builder, node: OnnxNode) -> None:
    """Nearest pixels, by scales or by sizes, whatever the way in which coordinates are transformed and rounded: the
    positions are read off what onnxruntime makes of an image that holds them.
    """
    mode = node.text("mode", "nearest")
    if mode != "nearest":
        raise UnsupportedError(f"the mode {mode}: only nearest pixels are taken")
    source, shape = node.inputs[0], builder.shape(node.inputs[0])
    given = {name: builder.array(name, "scales, sizes or roi") for name in node.inputs[1:] if name}
    positions: list[tuple[int, ...] | None] = []
    for axis, size in enumerate(shape):
        ramp = np.arange(1, size + 1, dtype=np.float32).reshape([-1 if k == axis else 1 for k in range(len(shape))])
        feeds: dict[str, Array] = {**given, source: np.ascontiguousarray(np.broadcast_to(ramp, shape))}
        try:
            result = constants.fold(node, feeds)[node.outputs[0]]
        except constants.OnnxruntimeError as error:
            raise UnsupportedError(f"onnxruntime cannot compute it: {error}") from error
        rows = np.moveaxis(result, axis, 0).reshape(result.shape[axis], -1)
        if size > LARGEST_AXIS or not bool(np.all(rows == rows[:, :1])) or not bool(np.all(np.isin(rows, ramp))):
            raise UnsupportedError("pixels that are none of the image (extrapolation)")
        found = tuple(int(position) - 1 for position in rows[:, 0])
        positions.append(None if found == tuple(range(size)) else found)
    builder.add(node, Resize(tuple(positions)), source)


IMPORTERS: dict[str, Importer] = {"Resize": _resize, "Upsample": _resize}
