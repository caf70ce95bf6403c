"""FloatQuant: formats of integers give the numbers that its definition gives, the others are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.frontend.importer import import_model
from qcompile.ir.errors import CompilerError
from qcompile.ops import Quantize
from tests.support.onnx_models import QONNX, ModelBuilder, import_and_reference

F32 = np.float32
HUGE = 1e9


def defined(x: np.ndarray, scale: np.ndarray, numbers: tuple[float, ...], signed: bool) -> np.ndarray:
    """By the definition: to the nearest of the format's numbers, saturated."""
    exponent, mantissa, bias, stated = numbers
    scaled = x / scale
    place = np.frexp(np.abs(scaled))[1] - 1
    step = np.exp2(np.maximum(place - mantissa, 1 - bias - mantissa)).astype(F32)
    greatest = min((2 - 2.0**-mantissa) * 2.0 ** (2.0**exponent - 1 - bias), stated)
    rounded = np.rint(scaled / step) * step
    return (np.clip(rounded, -greatest if signed else 0, greatest).astype(F32) * scale).astype(F32)


def model(b: ModelBuilder, scale: object, numbers: tuple[object, ...], **attributes: object) -> str:
    return b.node("FloatQuant", ["x", b.constant(scale), *map(b.constant, numbers)], attributes, domain=QONNX)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    exponent=st.sampled_from([1, 1, 2, 4]),
    mantissa=st.integers(1, 7),
    bias=st.integers(-3, 4),
    signed=st.booleans(),
    per_channel=st.booleans(),
)
def test_formats_of_integers(
    seed: int, exponent: int, mantissa: int, bias: int, signed: bool, per_channel: bool
) -> None:
    """One exponent bit, or a greatest number below which steps do not grow."""
    rng = np.random.default_rng(seed)
    stated = HUGE if exponent == 1 else (2.0 ** (mantissa + int(rng.integers(2))) - 1) * 2.0 ** (1 - bias - mantissa)
    scale = rng.uniform(0.1, 2.0, (1, 3) if per_channel else ()).astype(F32)
    b = ModelBuilder(13)
    numbers = (float(exponent), float(mantissa), float(bias), stated)
    y = model(b, scale, numbers, signed=int(signed))
    x = (rng.integers(-600, 600, (20, 1, 3)) * 2.0 ** (-bias - mantissa) * scale).astype(F32)
    x[::3] = rng.normal(size=x[::3].shape) * 10.0 ** rng.integers(-3, 6)
    imported, reference = import_and_reference(b.model((1, 3), y), x)
    assert np.array_equal(imported, reference)
    assert np.array_equal(reference, defined(x, scale, numbers, signed))
    (node,) = import_model(b.model((1, 3), y), "m").nodes
    assert isinstance(node.op, Quantize)
    assert node.op.lo == (-node.op.hi if signed else 0)


@pytest.mark.parametrize(
    ("reason", "numbers", "attributes"),
    [
        ("FloatQuant of 4 exponent and 3 mantissa bits up to 480: floating-point codes", (4.0, 3.0, 7.0, HUGE), {}),
        ("floating-point codes", (2.0, 3.0, 1.0, 1.3), {}),
        ("FloatQuant that does not saturate", (1.0, 3.0, 0.0, HUGE), {"saturation": 0}),
        ("a number of mantissa bits for each channel", (1.0, [3.0, 2.0, 3.0], 0.0, HUGE), {}),
    ],
)
def test_refused_by_name(reason: str, numbers: tuple[object, ...], attributes: dict[str, object]) -> None:
    b = ModelBuilder(13)
    y = model(b, 0.5, numbers, **attributes)
    with pytest.raises(CompilerError, match=reason) as caught:
        import_model(b.model((1, 3), y), "model.onnx")
    assert "node node_FloatQuant" in caught.value.why
