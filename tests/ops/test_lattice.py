"""Integers that stand for real numbers, and the quantisers that make them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.ops import Decode, Encode, MultiThreshold, Quantize, Sign, Truncate
from qcompile.ops.quantize import ROUNDING
from qcompile.ops.roles import Lattice, Quantiser

seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=80, deadline=None)
@given(seed=seeds, half=st.booleans(), offset=st.sampled_from([0.0, 0.0, 0.7, -3.0]))
def test_codes_survive_the_way_through_real_numbers(seed: int, half: bool, offset: float) -> None:
    rng = np.random.default_rng(seed)
    scale = rng.uniform(0.01, 3.0, 4) * rng.choice([-1, 1], 4)
    lattice = Lattice.of(scale, -0.5 if half else 2.0, offset)
    codes = rng.integers(-500, 500, (9, 4))
    parts = (lattice.scale, lattice.shift, lattice.offset)
    real = Decode().evaluate(codes, *parts)
    assert real.dtype == np.float32
    assert np.array_equal(Encode(-500, 499).evaluate(real, *parts), codes)
    assert np.array_equal(Encode(-7, 7).evaluate(real, *parts), np.clip(codes, -7, 7))


QUANTISERS: list[tuple[Quantiser, tuple[np.ndarray, ...]]] = [
    *((Quantize(-8, 7, mode), (np.float32(0.3), np.float32(0))) for mode in ROUNDING),
    (Quantize(0, 15), (np.float32(0.5), np.float32(3))),
    (Quantize(-8, 7), (np.asarray([0.25, -0.5], np.float32), np.float32(0))),
    (Quantize(-8, 7), (np.asarray(0.3), np.float32(0))),
    (Quantize(-128, 127, zero_point_first=False), (np.float32(0.1), np.float32(-5))),
    (Quantize(0, 1, bipolar=True), (np.float32(0.3), np.float32(0))),
    (Quantize(0, 1, bipolar=True, divide=False), (np.float32(0.3), np.float32(0))),
    (Truncate(3), (np.float32(0.25), np.float32(0), np.float32(0.25))),
    (Truncate(2, "HALF_EVEN", -4, 3), (np.float32(0.25), np.float32(4), np.float32(1.0))),
    (MultiThreshold(1.0, 0.0), tuple(np.float32(t) for t in (-1, 0.5, 2))),
    (MultiThreshold(2.0, -1.0), (np.float32(0.0),)),
    (MultiThreshold(1.0, -2.0), tuple(np.float32(t) for t in (-1, 0.5, 2))),
    (MultiThreshold(0.3, -0.7), tuple(np.float32(t) for t in (-1, 0.5, 2))),
    (Sign(), ()),
]


@pytest.mark.parametrize(("op", "constants"), QUANTISERS, ids=[str(k) for k in range(len(QUANTISERS))])
def test_quantisers_give_what_their_codes_stand_for(op: Quantiser, constants: tuple[np.ndarray, ...]) -> None:
    """Codes are integers, monotone in x (falling for a negative scale), and decode to what the model sees."""
    x = np.sort(np.random.default_rng(0).normal(size=(4000, 1)) * 3, axis=0).astype(np.float32)
    x = np.broadcast_to(x, (4000, 2))
    codes = op.codes(x, *constants)
    assert codes.dtype == np.int64
    assert np.array_equal(op.evaluate(x, *constants), op.lattice(*constants).decode(codes))
    steps = np.diff(codes, axis=0) * np.sign(op.lattice(*constants).scale)
    assert bool(np.all(steps >= 0))
    assert int(np.abs(steps).sum()) > 0


def test_rounding_modes_on_ties_and_beside_them() -> None:
    x = np.asarray([-2.5, -1.5, -0.75, -0.5, -0.25, 0.25, 0.5, 0.75, 1.5, 2.5], np.float32)
    expected = {
        "HALF_EVEN": [-2, -2, -1, 0, 0, 0, 0, 1, 2, 2],
        "CEIL": [-2, -1, 0, 0, 0, 1, 1, 1, 2, 3],
        "FLOOR": [-3, -2, -1, -1, -1, 0, 0, 0, 1, 2],
        "UP": [-3, -2, -1, -1, -1, 1, 1, 1, 2, 3],
        "DOWN": [-2, -1, 0, 0, 0, 0, 0, 0, 1, 2],
        "HALF_UP": [-3, -2, -1, -1, 0, 0, 1, 1, 2, 3],
        "HALF_DOWN": [-2, -1, -1, 0, 0, 0, 0, 1, 1, 2],
    }
    assert {mode: (rounding(x) + 0).tolist() for mode, rounding in ROUNDING.items()} == expected


def test_quant_clamps_before_it_rounds() -> None:
    """Seen with a mode that rounds up: 7.2 is clamped to 7 and stays there."""
    codes = Quantize(-8, 7, "CEIL").codes(np.asarray([6.2, 7.2, 99.0, -8.7], np.float32), np.float32(1), np.float32(0))
    assert codes.tolist() == [7, 7, 7, -8]


def test_odd_zero_points_shift_ties_when_they_are_added_first() -> None:
    """2.5 + 1 rounds to 4; 2.5 rounds to 2, plus 1 is 3 (codes have the zero point taken off)."""
    x, operands = np.asarray([2.5], np.float32), (np.float32(1), np.float32(1))
    assert Quantize(-8, 7).codes(x, *operands).tolist() == [3]
    assert Quantize(-8, 7, zero_point_first=False).codes(x, *operands).tolist() == [2]
