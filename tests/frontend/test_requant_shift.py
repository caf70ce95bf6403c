"""RequantShift: the numbers of the reference, which are those of the formula on Python's integers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.frontend.importer import import_model
from qcompile.ir.errors import CompilerError
from qcompile.ir.types import IntType
from qcompile.transforms.walk import InputType
from tests.support.onnx_models import NEWEST, ModelBuilder, import_and_reference
from tests.support.proving import assert_exact, prove

CHANNELS = 3


def requant(b: ModelBuilder, x: str, factor: object, term: object, *, tensors: bool = True, **changed: object) -> str:
    attributes: dict[str, object] = {"div": 2**8, "n_levels_out": 256, "signed": 1} | changed
    if tensors:
        attributes = {name: np.asarray([value], np.float32) for name, value in attributes.items()}
        named = {name: b.constant(value) for name, value in attributes.items()}
        tensors_by_name = {t.name: t for t in b.initialisers}
        attributes = {name: tensors_by_name[constant] for name, constant in named.items()}
    return b.node("RequantShift", [x, b.constant(factor), b.constant(term)], attributes, domain="PACTOps")


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    opset=st.sampled_from([10, 13, NEWEST]),
    shift=st.integers(0, 20),
    bits=st.integers(1, 9),
    signed=st.booleans(),
    per_channel=st.booleans(),
    tensors=st.booleans(),
)
def test_against_python_s_integers(
    seed: int, opset: int, shift: int, bits: int, signed: bool, per_channel: bool, tensors: bool
) -> None:
    rng = np.random.default_rng(seed)
    shape = (CHANNELS, 1) if per_channel else ()
    factor, term = rng.integers(-700, 700, shape), rng.integers(-(2**24), 2**24, shape) >> rng.integers(0, 20)
    b = ModelBuilder(opset)
    y = requant(b, "x", factor, term, tensors=tensors, div=2**shift, n_levels_out=2**bits, signed=int(signed))
    x = rng.integers(-(2**20), 2**20, (8, 1, CHANNELS, 4)) >> rng.integers(0, 18, (8, 1, CHANNELS, 4))
    imported, reference = import_and_reference(b.model((1, CHANNELS, 4), y), x.astype(np.float32))
    assert np.array_equal(imported, reference)
    low = -(2 ** (bits - 1)) if signed else 0
    factors, terms = np.broadcast_to(factor, x.shape), np.broadcast_to(term, x.shape)
    for number, f, t, result in zip(x.flat, factors.flat, terms.flat, reference.flat, strict=True):
        whole = (int(number) * int(f) + int(t) + 2**shift // 2) // 2**shift
        assert int(result) == min(max(whole, low), low + 2**bits - 1)


def test_a_network_of_integers_has_no_ties() -> None:
    rng, b = np.random.default_rng(1), ModelBuilder(13)
    w = b.constant(rng.integers(-9, 9, (4, 2, 3, 3)))
    x = b.node("Conv", ["x", w], {"pads": [1, 1, 1, 1]})
    x = requant(b, x, rng.integers(3, 30, (4, 1, 1)), rng.integers(-9999, 9999, (4, 1, 1)), div=2**10)
    x = b.node("Flatten", [x])
    x = requant(b, b.node("MatMul", [x, b.constant(rng.integers(-9, 9, (64, 3)))]), 20, 0.0, div=2**12, tensors=False)
    assert_exact(prove(b.model((1, 2, 4, 4), x), {"x": InputType(IntType(8, False), 1.0)}))


def test_numbers_of_any_size_saturate() -> None:
    """The first quantiser of a model is asked what the greatest float32 numbers become."""
    b = ModelBuilder(13)
    x = requant(b, "x", np.asarray([3, -(2**39), 0]).reshape(3, 1), np.asarray([0, 7, 900]).reshape(3, 1), div=2**8)
    found = prove(b.model((1, CHANNELS, 4), x), x=np.random.default_rng(2).integers(-20000, 20000, (30, 1, CHANNELS, 4)))
    assert_exact(found)
    (value,) = (found.network.integer.values[name].range for name in found.network.integer.inputs)
    assert value is not None
    assert (value.least, value.greatest) == (-128, 127)


REFUSED: list[tuple[str, Callable[[ModelBuilder], str]]] = [
    ("mul of numbers that are no integers", lambda b: requant(b, "x", 0.5, 0)),
    ("add of numbers that are no integers", lambda b: requant(b, "x", 1, 2.0**41)),
    ("div=3, n_levels=256: a power of two", lambda b: requant(b, "x", 1, 0, div=3)),
    ("n_levels=5: a power of two and an even number", lambda b: requant(b, "x", 1, 0, n_levels_out=5)),
    (
        "the attribute div is absent or no integer",
        lambda b: b.node("RequantShift", ["x", b.constant(1), b.constant(0)], domain="PACTOps"),
    ),
    ("2 inputs; it has 3", lambda b: b.node("RequantShift", ["x", b.constant(1)], domain="PACTOps")),
]


@pytest.mark.parametrize(("reason", "build"), REFUSED, ids=[str(k) for k in range(len(REFUSED))])
def test_refused_by_name(reason: str, build: Callable[[ModelBuilder], str]) -> None:
    b = ModelBuilder(13)
    y = build(b)
    with pytest.raises(CompilerError, match=reason) as caught:
        import_model(b.model((1, 2), y), "model.onnx")
    assert "node node_" in caught.value.why
