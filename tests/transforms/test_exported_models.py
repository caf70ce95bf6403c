"""Small models as users export them: every integer and every output against onnxruntime, or refused by name."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from qcompile.dataflow.lower import lower
from qcompile.ir.errors import CompilerError
from tests.support.exported_blocks import BLOCKS
from tests.support.exported_draft import Draft
from tests.support.exported_models import MODELS
from tests.support.onnx_models import ModelBuilder
from tests.support.proving import assert_exact, assert_explained, prove

INEXACT = {"bn_first", "bn_folded_separately", "gelu_erf", "prelu", "avgpool_then_conv", "silu", "silu_quantised"}
"""Of which float32 rounds sums, or numbers that are compared."""


@pytest.mark.parametrize("qdq", [False, True], ids=["qonnx", "qdq"])
@pytest.mark.parametrize("model", [*BLOCKS, *MODELS])
def test_compiles(model: object, qdq: bool) -> None:
    """To integers equal to the reference's, and to kernels."""
    draft = Draft(qdq)
    assert callable(model)
    outputs, shape = model(draft)
    proof = prove(draft.builder.model(shape, *((outputs,) if isinstance(outputs, str) else outputs)), frames=6)
    (assert_explained if model.__name__ in INEXACT else assert_exact)(proof)
    assert lower(proof.network.integer, "model").instances


@pytest.mark.parametrize(
    ("operator", "operands", "attributes", "reason"),
    [
        ("InstanceNormalization", 2, {}, "statistics of each frame"),
        ("LayerNormalization", 2, {}, "statistics of each frame"),
        ("LpNormalization", 0, {}, "statistics of each frame"),
        ("LRN", 0, {"size": 3}, "statistics of each frame"),
        ("CumSum", 0, {}, "operator not known"),
    ],
)
def test_what_normalises_frames_is_refused(
    operator: str, operands: int, attributes: dict[str, object], reason: str
) -> None:
    b = ModelBuilder()
    x = b.quant("x")
    further = [b.constant(np.ones(2 if operator[0] == "I" else 5)) for _ in range(operands)]
    further += [b.constant(1, np.int64)] if operator == "CumSum" else []
    y = b.quant(b.node(operator, [x, *further], attributes))
    with pytest.raises(CompilerError, match=f"node_{operator}.* {reason}") as error:
        prove(b.model((1, 2, 5, 5), y), frames=2)
    assert onnx.defs.has(operator)
    assert "hint" in str(error.value)
