"""A model in every dialect that it can be converted to, each on the same frames as the original."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx

from qcompile.frontend.conversion import DIALECTS, Converted, convert
from qcompile.frontend.reference import as_written, make_reference
from qcompile.ir.types import Array
from qcompile.ops.roles import Quantiser
from qcompile.transforms.walk import InputType
from qcompile.verify.stimulus import model_frames


def converted(model: onnx.ModelProto, dialect: str) -> Converted:
    """The model in the dialect; raises CompilerError."""
    return convert(model, "model.onnx", {}, DIALECTS[dialect])


def runs(model: onnx.ModelProto, found: Converted, dialect: str, x: tuple[Array, ...]) -> tuple[dict[str, Array], ...]:
    """Outputs and quantised tensors of the original and of the converted model; QCDQ on onnxruntime as it is written."""
    run = as_written if DIALECTS[dialect].standard else make_reference
    return tuple(make(m, found.quantised).run(*x) for make, m in ((make_reference, model), (run, found.model)))


def assert_converted(
    model: onnx.ModelProto, dialect: str, types: Mapping[str, InputType] | None = None, x: Array | None = None
) -> Converted:
    """Quantised tensors and outputs are the same to the last bit, on the frames `x` of the only input or on random ones."""
    found = converted(model, dialect)
    if all(value.type.WhichOneof("value") for value in model.graph.output):
        onnx.checker.check_model(found.model)
    if x is None:
        rng = np.random.default_rng(3)
        known = {}
        for name, kind in (types or {}).items():
            codes = rng.integers(kind.element.lo, kind.element.hi, (8, *found.graph.values[name].shape), endpoint=True)
            known[name] = np.asarray(kind.scale * (codes + kind.shift), np.float32)
        frames = model_frames(found.graph, known, 8, seed=3)
    else:
        frames = (x,)
    original, written = runs(model, found, dialect, frames)
    assert found.quantised or not any(isinstance(node.op, Quantiser) for node in found.graph.nodes)
    for name, numbers in original.items():
        assert np.array_equal(numbers, written[name], equal_nan=numbers.dtype.kind == "f"), f"{dialect}: {name}"
    return found
