"""Importers: one function an ONNX operator, from a node to catalogue operators. `IMPORTERS` is the catalogue."""

from __future__ import annotations

from collections.abc import Callable

from qcompile.frontend.builder import Builder
from qcompile.frontend.dialect import OnnxNode
from qcompile.frontend.importers import (
    elementwise,
    layout,
    linear,
    moving,
    pad,
    pooling,
    quantisers,
    resize,
    selection,
    spatial,
)

Importer = Callable[[Builder, OnnxNode], None]

IMPORTERS: dict[str, Importer] = {
    **elementwise.IMPORTERS,
    **layout.IMPORTERS,
    **linear.IMPORTERS,
    **moving.IMPORTERS,
    **pad.IMPORTERS,
    **pooling.IMPORTERS,
    **resize.IMPORTERS,
    **selection.IMPORTERS,
    **spatial.IMPORTERS,
}
"""Operators of the standard domain."""

QONNX_IMPORTERS: dict[str, Importer] = quantisers.IMPORTERS
"""Operators of the QONNX domains."""
