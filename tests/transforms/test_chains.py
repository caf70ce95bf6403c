"""Real chains over ranges that are bisected: what is taken to be monotone is so in float32, on every integer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.ir.types import Array, IntArray, Range
from qcompile.ops import Elementwise, MultiThreshold, Quantize
from qcompile.ops.activations import SELU_ALPHA, SELU_GAMMA
from qcompile.ops.quantize import ROUNDING
from qcompile.ops.roles import Lattice, Quantiser
from qcompile.transforms.deferred import Deferred, Step
from qcompile.transforms.step_function import EXHAUSTIVE, Identity, Table, Thresholds, Trend, derive
from tests.transforms.test_step_function import apply

F32 = np.float32
seeds = st.integers(0, 2**32 - 1)
CHANNELS = 3
RISING: list[tuple[str, tuple[float, ...]]] = [
    ("Relu", ()),
    ("LeakyRelu", (0.1,)),
    ("Elu", (0.7,)),
    ("Selu", (SELU_ALPHA, SELU_GAMMA)),
    ("Celu", (1.3,)),
    ("Softplus", ()),
    ("Exp", ()),
    ("Erf", ()),
    ("HardSigmoid", (0.2, 0.5)),
    ("Floor", ()),
    ("Neg", ()),
]
WAVERING = ["Sigmoid", "Softsign", "Tanh"]


def steps(rng: np.random.Generator, names: list[tuple[str, tuple[float, ...]]], spread: float) -> tuple[Step, ...]:
    """A normalisation to numbers of about 1, one function, and a bias, with different signs in the channels."""
    gamma = (rng.normal(size=CHANNELS) * 2).astype(F32)
    variance = np.full(CHANNELS, spread**2, F32)
    mean, bias = (rng.normal(size=CHANNELS).astype(F32) * s for s in (F32(spread * 0.2), F32(0.5)))
    normalise = Step(Elementwise("BatchNormalization", (1e-5,)), (gamma, bias, mean, variance))
    name, parameters = names[int(rng.integers(len(names)))]
    last = Step(Elementwise("Add"), (rng.normal(size=CHANNELS).astype(F32),))
    return (normalise, Step(Elementwise(name, parameters), ()), last)


def quantiser(rng: np.random.Generator) -> tuple[Quantiser, tuple[Array, ...]]:
    if rng.random() < 0.3:
        return MultiThreshold(1.0, -2.0), tuple(rng.normal(size=CHANNELS).astype(F32) for _ in range(7))
    scale = F32(rng.uniform(0.01, 0.3)) * np.ones(1, F32)
    return Quantize(-32, 31, str(rng.choice(list(ROUNDING)))), (scale, np.full(1, rng.integers(-3, 4), F32))


def chain(
    rng: np.random.Generator, names: list[tuple[str, tuple[float, ...]]], reach: int
) -> tuple[Deferred, Quantiser, tuple[Array, ...]]:
    scale = rng.uniform(0.5, 2, CHANNELS) * 1e-3
    source = Deferred("q", (CHANNELS,), (1, CHANNELS), Lattice.of(scale, 0.0, 0.0), "y")
    chained = steps(rng, names, float(scale.mean()) * reach / 3)
    op, operands = quantiser(rng)
    return Deferred("q", (CHANNELS,), (1, CHANNELS), source.lattice, "y", steps=chained), op, operands


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=seeds)
def test_bisection_is_right_on_every_integer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    reach = int(rng.integers(EXHAUSTIVE, 12_000))
    source, op, operands = chain(rng, RISING, reach)
    assert source.trend() is Trend.MONOTONE

    def function(codes: IntArray) -> IntArray:
        return op.codes(source.evaluate(codes), *operands)

    form = derive(function, Range.of(-reach, reach), CHANNELS, source.trend())
    assert isinstance(form, Thresholds)
    points = np.tile(np.arange(-reach, reach + 1)[:, None], (1, CHANNELS))
    assert np.array_equal(apply(form, points), function(points))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=seeds)
def test_wavering_functions_are_right_on_every_integer_that_is_enumerated(seed: int) -> None:
    rng = np.random.default_rng(seed)
    reach = int(rng.integers(EXHAUSTIVE, 12_000))
    source, op, operands = chain(rng, [(name, ()) for name in WAVERING], reach)
    assert source.trend() is Trend.WAVERING

    def function(codes: IntArray) -> IntArray:
        return op.codes(source.evaluate(codes), *operands)

    form = derive(function, Range.of(-reach, reach), CHANNELS, source.trend())
    points = np.tile(np.arange(-reach, reach + 1)[:, None], (1, CHANNELS))
    assert isinstance(form, (Thresholds, Table, Identity))
    assert np.array_equal(apply(form, points), function(points))


@pytest.mark.parametrize("name", WAVERING)
def test_wavering_functions_fall_by_no_more_than_is_said(name: str) -> None:
    op = Elementwise(name)
    assert op.direction().value == 1
    greatest = 0.0
    for start in (*np.linspace(-18, 18, 73), *(2.0 ** np.arange(-20, 5)), *(-(2.0 ** np.arange(-20, 5)))):
        bits = F32(start).view(np.int32) + np.arange(-4000, 4000, dtype=np.int32)
        x = np.sort(bits.view(F32)[np.isfinite(bits.view(F32))])
        y = op.evaluate(x).astype(np.float64)
        greatest = max(greatest, float((np.maximum.accumulate(y) - y).max()))
    assert 0 < greatest <= op.wavering / 1.5


@pytest.mark.parametrize(("name", "parameters"), RISING)
def test_rising_functions_never_fall(name: str, parameters: tuple[float, ...]) -> None:
    op = Elementwise(name, parameters)
    assert op.wavering == 0
    for start in (*np.linspace(-18, 18, 37), *(2.0 ** np.arange(-20, 5)), *(-(2.0 ** np.arange(-20, 5)))):
        bits = F32(start).view(np.int32) + np.arange(-1000, 1000, dtype=np.int32)
        x = np.sort(bits.view(F32)[np.isfinite(bits.view(F32))])
        assert np.all(np.diff(op.evaluate(x)) * op.direction().value >= 0)
