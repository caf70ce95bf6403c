"""ArgMax on integers: the order of the real numbers is kept over all pairs that can occur."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.ir.types import FloatArray, IntArray, Range
from qcompile.ops import Elementwise
from qcompile.ops.roles import Lattice
from qcompile.transforms.comparison import Comparable, comparable
from qcompile.transforms.deferred import Deferred, Step

seeds = st.integers(0, 2**32 - 1)


def tensor(lattice: Lattice, *steps: tuple[str, object], channels: int = 4) -> Deferred:
    operands = [
        (name, () if value is None else (np.atleast_1d(np.asarray(value, np.float32)),)) for name, value in steps
    ]
    chain = tuple(Step(Elementwise(name), values) for name, values in operands)
    parts = (np.atleast_1d(part) for part in (lattice.scale, lattice.shift, lattice.offset))
    return Deferred("q", (channels,), (1, channels), Lattice(*parts), "y", steps=chain)


def compared(found: Comparable, codes: IntArray) -> IntArray:
    """Codes (n, channels) as the hardware compares them."""
    return codes * 2**found.shift + (0 if found.offsets is None else found.offsets)


def assert_same_order(found: Comparable, codes: IntArray, real: FloatArray, equal: float = 0.0) -> None:
    """Over all pairs of channels and codes; real numbers closer than `equal` count as equal."""
    integers = compared(found, codes)
    for i in range(codes.shape[1]):
        for j in range(codes.shape[1]):
            ours = np.sign(integers[:, None, i] - integers[None, :, j])
            difference = real[:, None, i] - real[None, :, j]
            assert np.array_equal(ours, np.where(np.abs(difference) <= equal, 0, np.sign(difference)))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(seed=seeds, kind=st.sampled_from(["shifts", "offsets", "fractions"]))
def test_every_pair_of_channels_keeps_its_order(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    channels = int(rng.integers(1, 6))
    scale = float(rng.uniform(0.01, 3))
    shift = rng.integers(-20, 20, channels) / 2
    offset = {
        "shifts": np.zeros(channels),
        "offsets": scale * rng.integers(-30, 30, channels),
        "fractions": scale * rng.integers(-200, 200, channels) / 8,
    }[kind]
    source = tensor(Lattice.of(scale, shift, offset), channels=channels)
    codes = np.tile(np.arange(-25, 26)[:, None], (1, channels))
    found = comparable(source, Range.of(-25, 25))
    assert found is not None
    assert_same_order(found, codes, scale * (codes + shift) + offset, equal=1e-9 * scale)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=seeds)
def test_arbitrary_biases_keep_their_order_or_go_to_the_host(seed: int) -> None:
    rng = np.random.default_rng(seed)
    channels = int(rng.integers(2, 7))
    scale, bias = float(np.float32(rng.uniform(0.01, 1))), rng.normal(size=channels).astype(np.float32) * 5
    source = tensor(Lattice.of(scale), ("Add", bias), channels=channels)
    found = comparable(source, Range.of(-100, 100))
    if found is None:  # a fraction that needs too many bits
        return
    codes = np.tile(np.arange(-100, 101)[:, None], (1, channels))
    assert_same_order(found, codes, scale * codes + bias.astype(np.float64))


@pytest.mark.parametrize("name", ["Relu", "Floor", "Ceil"])
def test_functions_that_make_numbers_equal_go_to_the_host(name: str) -> None:
    """ArgMax behind Relu is the first of all negative ones: integers would tell them apart."""
    assert comparable(tensor(Lattice.of(0.25), (name, None)), Range.of(-9, 9)) is None


def test_saturating_functions_go_to_the_host() -> None:
    assert comparable(tensor(Lattice.of(1.0), ("Sigmoid", None)), Range.of(-4, 4)) is not None
    assert comparable(tensor(Lattice.of(1.0), ("Sigmoid", None)), Range.of(-40, 40)) is None
    assert comparable(tensor(Lattice.of(1.0), ("Add", 1e8)), Range.of(-4, 4)) is None


@pytest.mark.parametrize(
    "source",
    [
        tensor(Lattice.of(-0.5)),
        tensor(Lattice.of(0.5), ("Neg", None)),
        tensor(Lattice.of([0.5, 0.25, 0.5, 0.5])),
        tensor(Lattice.of(0.5), ("Mul", [1, 2, 1, 1])),
        tensor(Lattice.of(0.5), ("Mul", 0.0)),
        tensor(Lattice.of(0.5, [0, 1, 2, 3]), ("Relu", None)),
    ],
)
def test_falling_and_differing_scales_go_to_the_host(source: Deferred) -> None:
    assert comparable(source, Range.of(-9, 9)) is None


def test_rising_functions_shared_by_all_channels_compare_as_they_are() -> None:
    found = comparable(tensor(Lattice.of(0.25, 0.0, 5.0), ("Mul", 2.0), ("Tanh", None)), Range.of(-9, 2))
    assert found is None  # saturated by the offset
    found = comparable(tensor(Lattice.of(0.25), ("Mul", 0.5), ("Tanh", None)), Range.of(-9, 9))
    assert found is not None
    assert (found.shift, found.offsets) == (0, None)


def test_ranges_too_large_to_enumerate_must_be_affine_and_exact_in_float32() -> None:
    assert comparable(tensor(Lattice.of(0.3)), Range.of(-(2**22), 2**22)) is not None
    assert comparable(tensor(Lattice.of(0.3), ("Relu", None)), Range.of(0, 2**22)) is None
    assert comparable(tensor(Lattice.of(0.25)), Range.of(-(2**26), 2**26)) is None


def test_the_gap_is_the_least_difference_of_unequal_numbers() -> None:
    found = comparable(tensor(Lattice.of(0.5)), Range.of(-9, 9))
    assert found is not None
    assert found.gap == 0.5
    found = comparable(tensor(Lattice.of(0.5), ("Add", [0.0, 0.125, 0.0, 1.0])), Range.of(-9, 9))
    assert found is not None
    assert found.gap == 0.125
