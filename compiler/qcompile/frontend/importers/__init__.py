"""Importers: one function an ONNX operator, from a node to catalogue operators. `IMPORTERS` is the catalogue."""

from __future__ import annotations

from collections.abc import Callable

from qcompile.frontend.builder import Builder
from qcompile.frontend.dialect import OnnxNode
from qcompile.frontend.importers import (
    elementwise,
    layout,
    linear,
    linear_quantisers,
    moving,
    pad,
    pooling,
    quantisers,
    requant_shift,
    resize,
    rounding,
    selection,
    spatial,
)

Importer = Callable[[Builder, OnnxNode], None]

IMPORTERS: dict[str, Importer] = {
    **elementwise.IMPORTERS,
    **rounding.IMPORTERS,
    **layout.IMPORTERS,
    **linear.IMPORTERS,
    **linear_quantisers.IMPORTERS,
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

PULP_IMPORTERS: dict[str, Importer] = requant_shift.IMPORTERS
"""Operators of integer networks for PULP processors."""

LINEAR_QUANTISERS = frozenset({"QuantizeLinear", "DequantizeLinear"})
"""Operators that are imported even where their inputs are constants: weights stay integers."""

LAYOUT = frozenset(layout.IMPORTERS) - {"Cast"}
"""Operators that move the elements of quantised weights."""
