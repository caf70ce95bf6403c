"""Weights as integers: what the model multiplies with is scale times integer, for each output channel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.ops.roles import Lattice
from qcompile.transforms.weights import IntegerMatrix, from_lattice, from_real, scaled_rows

seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=100, deadline=None, derandomize=True)


def matrix(found: IntegerMatrix | str) -> IntegerMatrix:
    assert isinstance(found, IntegerMatrix), found
    return found


@quick
@given(
    seed=seeds,
    form=st.sampled_from(["tensor", "outputs", "inputs", "both"]),
    shift=st.sampled_from([0.0, -0.5, 3.0, 1.5]),
)
def test_quantised_weights_keep_their_numbers(seed: int, form: str, shift: float) -> None:
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(1, 7, 2)
    codes = rng.integers(-8, 8, (rows, columns))
    scale = rng.uniform(0.1, 2.0, (1, columns if form in ("outputs", "both") else 1)) * rng.choice([-1, 1])
    if form in ("inputs", "both"):
        scale = (scale * rng.choice([1, 2, 3, -1], (rows, 1))).astype(np.float32).astype(np.float64)
    found = matrix(from_lattice(codes, Lattice.of(scale, shift)))
    real = np.broadcast_to(scale, codes.shape) * (codes + shift)
    assert np.allclose(found.integers * found.scale, real, rtol=2e-7, atol=0)
    assert np.all(np.gcd.reduce(found.integers, axis=0) <= 1)


def test_bipolar_weights_are_one_and_minus_one() -> None:
    found = matrix(from_lattice(np.asarray([[0, 1], [1, 1]]), Lattice.of(0.6, -0.5)))
    assert found.integers.tolist() == [[-1, 1], [1, 1]]
    assert found.scale.tolist() == [0.3, 0.3]


@pytest.mark.parametrize(
    ("lattice", "words"),
    [
        (Lattice.of(1.0, 0.3), "zero point that is no multiple of one half"),
        (Lattice.of(1.0, 0.0, 0.2), "offset"),
        (Lattice.of([[1.0], [1.45]]), "scale for each input channel"),
    ],
)
def test_what_is_no_integer_is_refused(lattice: Lattice, words: str) -> None:
    found = from_lattice(np.asarray([[1, 2], [3, -4]]), lattice)
    assert isinstance(found, str)
    assert words in found


def test_more_than_sixteen_bits_are_refused() -> None:
    assert isinstance(from_lattice(np.asarray([[40_001], [1]]), Lattice.of(1.0)), str)
    assert isinstance(from_real(np.asarray([[40_001], [1]], np.float32)), str)


@quick
@given(seed=seeds, per_output=st.booleans())
def test_float_weights_on_a_grid_are_found(seed: int, per_output: bool) -> None:
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(2, 9, 2)
    integers = rng.integers(-7, 8, (rows, columns))
    integers[0] = 1  # the unit itself occurs
    scale = rng.uniform(0.01, 2, columns if per_output else 1).astype(np.float32).astype(np.float64)
    weights = (integers * scale).astype(np.float32)
    found = matrix(from_real(weights))
    assert np.array_equal((found.integers * found.scale).astype(np.float32), weights)
    assert int(np.abs(found.integers).max()) <= 7 * 8


def test_float_weights_are_refused() -> None:
    assert isinstance(from_real(np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32)), str)


def test_columns_of_zeros_are_weights_too() -> None:
    found = matrix(from_real(np.asarray([[0.0, 0.3], [0.0, -0.6]], np.float32)))
    assert found.integers.tolist() == [[0, 1], [0, -2]]
    assert np.array_equal(
        (found.integers * found.scale).astype(np.float32), np.asarray([[0, 0.3], [0, -0.6]], np.float32)
    )


@quick
@given(seed=seeds)
def test_scales_of_inputs_go_into_the_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(1, 7, 2)
    plain = matrix(from_lattice(rng.integers(-8, 8, (rows, columns)), Lattice.of(0.7)))
    factors = rng.uniform(0.1, 1) * rng.choice([1.0, 2.0, -1.5, 4.0], rows)
    found = scaled_rows(plain, factors)
    assert not isinstance(found, str)
    scaled, unit = found
    assert np.allclose(
        scaled.integers * scaled.scale * unit, plain.integers * plain.scale * factors[:, None], rtol=1e-14
    )


def test_scales_of_inputs_without_integer_ratios_are_refused() -> None:
    plain = matrix(from_real(np.ones((2, 1), np.float32)))
    found = scaled_rows(plain, np.asarray([1.0, 1.45]))
    assert isinstance(found, str)
    assert "input has a scale for each channel" in found
