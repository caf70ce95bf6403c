"""Models of other domains as models of standard operators and quantisers, before anything else looks at them."""

from __future__ import annotations

from dataclasses import replace

import onnx

from qcompile.frontend.channels_last import standardised
from qcompile.frontend.quantised_operators import Rewritten, rewritten


def standard_form(model: onnx.ModelProto) -> Rewritten:
    """The model that is imported, and that the reference runs; each tensor of the given one is one of it."""
    found = rewritten(model)
    return replace(found, model=standardised(found.model))
