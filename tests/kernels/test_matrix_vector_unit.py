"""matrix_vector_unit against its model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qcompile.dataflow.timing import run
from qcompile.ir.types import IntType, read_only
from qcompile.kernels.dot_product import weight_code
from qcompile.kernels.matrix_vector_unit import MatrixVectorUnit
from qcompile.ops.matrix_cycle import MatrixCycle

from .bench import Case, conform


def unit(
    rows: int,
    columns: int,
    pe: int,
    simd: int,
    weights: tuple[int, int],
    x: IntType,
    biased: bool = False,
    vectors: int = 1,
    **style: str,
) -> MatrixVectorUnit:
    """Random weights of the closed range `weights` ((-1, 1) without zeros when bipolar is meant: (-1, -1) is not used)."""
    rng = np.random.default_rng(rows * 1000 + columns)
    w = rng.integers(*weights, (rows, columns), endpoint=True)
    return of_weights(w, pe, simd, x, biased, vectors, **style)


def of_weights(
    w: np.ndarray, pe: int, simd: int, x: IntType, biased: bool, vectors: int = 1, **style: str
) -> MatrixVectorUnit:
    bias = np.arange(w.shape[0]) * 3 - 5 if biased else np.zeros(w.shape[0], np.int64)
    low = bias + np.minimum(w * x.lo, w * x.hi).sum(axis=1)
    high = bias + np.maximum(w * x.lo, w * x.hi).sum(axis=1)
    return MatrixVectorUnit(
        read_only(w),
        read_only(bias),
        x,
        IntType.of_range(int(low.min()), int(high.max())),
        vectors,
        pe,
        simd,
        **style,
    )


def bipolar(rows: int, columns: int, pe: int, simd: int, x: IntType, biased: bool = False) -> MatrixVectorUnit:
    w = np.random.default_rng(rows).integers(0, 1, (rows, columns), endpoint=True) * 2 - 1
    made = of_weights(w, pe, simd, x, biased)
    assert weight_code(made.weights).bipolar
    return made


U1, U2, U4, U8, U16 = (IntType(b, False) for b in (1, 2, 4, 8, 16))
S1, S3, S8, S16 = (IntType(b, True) for b in (1, 3, 8, 16))

KERNELS = [
    unit(4, 8, 2, 4, (-2, 1), U2),
    unit(4, 8, 4, 8, (-2, 1), U2),
    unit(4, 8, 4, 8, (-2, 1), U2, biased=True),
    unit(6, 10, 1, 1, (-8, 7), S3, biased=True, vectors=2),
    unit(6, 10, 3, 5, (-128, 127), U8, vectors=3),
    unit(6, 12, 6, 3, (-128, 127), S8, biased=True),
    unit(1, 12, 1, 12, (0, 1), S8),
    unit(3, 7, 1, 7, (0, 255), U16),
    unit(3, 7, 1, 7, (-32768, 32767), S16, biased=True),
    unit(5, 24, 5, 24, (0, 1), U1),
    unit(5, 24, 5, 6, (-4, 3), U1),
    unit(1, 1, 1, 1, (-3, -3), S3),
    unit(4, 6, 2, 2, (-1, 0), S1, biased=True),
    bipolar(8, 48, 4, 24, U1),
    bipolar(8, 49, 8, 49, U1, biased=True),
    bipolar(8, 12, 4, 6, U4),
    bipolar(8, 12, 2, 3, S8, biased=True),
]


def wrapping(columns: int, simd: int, weight: int, x: IntType, low: int, res_type: str = "auto") -> Case:
    """Inputs of `low` and more, half of them subtracted: the accumulator holds what is left, and nothing of what is reached
    on the way.
    """
    rng = np.random.default_rng([columns, simd])
    w = np.stack([rng.permutation(np.repeat([weight, -weight], columns // 2)) for _ in range(2)])
    w[0] = np.repeat([weight, -weight], columns // 2)  # all that is added comes first
    half = columns // 2 * weight
    accumulator = IntType.of_range(-half * (x.hi - low), half * (x.hi - low))
    kernel = MatrixVectorUnit(
        read_only(w), read_only(np.zeros(2)), x, accumulator, 2, pe=2, simd=simd, res_type=res_type
    )
    assert accumulator.hi < half * low // 4

    def frames(rng: np.random.Generator, count: int) -> tuple[np.ndarray, ...]:
        return (rng.integers(low, x.hi, (count, kernel.inputs[0].elements), endpoint=True),)

    return Case(kernel, frames)


WRAPPING = [
    wrapping(24, 3, 1, U4, 14),
    wrapping(24, 24, 1, U4, 14),
    wrapping(16, 4, 3, U8, 250),
    wrapping(16, 8, 100, U8, 253, "dsp"),
    wrapping(16, 8, 100, U8, 253, "lut"),
    wrapping(12, 6, 7, U16, 65530),
]


def test_conformance(tmp_path: Path) -> None:
    conform(KERNELS, tmp_path)


def test_conformance_where_sums_on_the_way_wrap_around(tmp_path: Path) -> None:
    """By several times the accumulator's range, in the tree of products and in the accumulator."""
    conform(WRAPPING, tmp_path)


def at_random(seed: int) -> MatrixVectorUnit:
    """A small unit of any types and any folding."""
    rng = np.random.default_rng(seed)
    rows, columns, vectors = (int(rng.integers(1, most, endpoint=True)) for most in (16, 30, 3))
    x = IntType(int(rng.integers(1, 9)), bool(rng.integers(2)))
    limit = 1 << int(rng.integers(0, 8))
    made = unit(rows, columns, 1, 1, (-limit, limit - 1), x, bool(rng.integers(2)), vectors)
    return list(made.foldings())[int(rng.integers(len(list(made.foldings()))))]


INPUT_STATIONARY = [
    replace(made, stationary="input")
    for made in (
        *KERNELS,
        unit(12, 20, 2, 4, (-8, 7), U4, biased=True, vectors=2),
        unit(40, 6, 1, 3, (-2, 1), S3, vectors=2),
        unit(600, 3, 1, 1, (-8, 7), U4),
        bipolar(12, 40, 2, 20, U1, biased=True),
        bipolar(6, 10, 3, 5, U1),
        bipolar(6, 10, 1, 2, S3),
        unit(4, 6, 2, 2, (-128, 127), U8, biased=True, vectors=3, res_type="dsp"),
        *map(at_random, range(12)),
    )
]
"""The foldings of KERNELS, sums in memories of 2 and more words, in block RAM, and in the register that one word is."""

WRAPPING_BY_INPUT = [
    replace(case, kernel=case.kernel.with_attribute("PE", 1).with_attribute("stationary", "input")) for case in WRAPPING
]


def test_conformance_of_the_input_stationary_order(tmp_path: Path) -> None:
    assert {made.binding().module for made in INPUT_STATIONARY} == {"input_stationary_unit"}
    assert {dict(made.binding().parameters)["SUMS_STYLE"] for made in INPUT_STATIONARY} == {"distributed", "block"}
    conform([*INPUT_STATIONARY, *WRAPPING_BY_INPUT], tmp_path)


def test_the_input_stationary_order_is_done_as_soon_as_its_inputs_have_come() -> None:
    """Results rows / PE cycles behind the last input, however slowly the vector comes; the other order starts anew then."""
    by_output = unit(12, 20, 2, 4, (-8, 7), U4)
    by_input = by_output.with_attribute("stationary", "input")
    assert by_input.interval() == by_output.interval() == 30
    arrivals = np.arange(by_output.inputs[0].beats, dtype=np.int64) * 100
    ends = [run(made.schedule(), [arrivals], 1)[1][0][-1] - arrivals[-1] for made in (by_output, by_input)]
    assert ends == [25 + by_output.latency(), 5 + by_input.latency()]


def test_orders() -> None:
    made = unit(12, 20, 2, 4, (-8, 7), U4)
    assert [order.stationary for order in made.orders()] == ["output", "input"]
    assert {folding.stationary for folding in made.foldings()} == {"output"}
    kept = made.with_attribute("stationary", "input")
    assert {folding.stationary for folding in kept.foldings()} == {"input"}
    for whole in (made.with_attribute("PE", 12), made.with_attribute("SIMD", 20)):
        assert [order.stationary for order in whole.orders()] == ["output"]
    with pytest.raises(ValueError, match="stationary must be one of output, input, not 'weight'"):
        made.with_attribute("stationary", "weight")
    with pytest.raises(ValueError, match="stationary must be one of output, not 'input'"):
        CYCLIC[0].with_attribute("stationary", "input")
    assert [order.stationary for order in CYCLIC[0].orders()] == ["output"]


def cyclic(
    rows: int,
    columns: tuple[tuple[int, ...], ...],
    width: int,
    height: int,
    pe: int,
    simd: int,
    weights: tuple[int, int],
    x: IntType,
    **style: str,
) -> MatrixVectorUnit:
    """Vectors that meet several matrices; weights of (-1, 1) are bipolar."""
    rng = np.random.default_rng(rows * 100 + width)
    total = sum(size for segment in columns for size in segment)
    w = rng.integers(*weights, (rows, total), endpoint=True)
    w = np.where(w == 0, 1, w) if weights == (-1, 1) else w
    made = of_weights(w, pe, simd, x, False, **style)
    return replace(made, turns=MatrixCycle(columns, width, height))


CYCLIC = [
    cyclic(4, ((6, 6, 6),), 6, 2, 2, 3, (-8, 7), U4),
    cyclic(2, ((3, 3),), 2, 3, 2, 3, (-8, 7), S3),
    cyclic(3, ((4,) * 5,), 5, 2, 1, 1, (-1, 1), U2),
    cyclic(4, ((8, 8), (8, 8)), 2, 4, 4, 8, (-1, 1), S3),
    cyclic(4, ((8, 4), (4, 2)), 4, 4, 2, 2, (-8, 7), U4),
    cyclic(4, ((8, 4), (4, 2)), 5, 3, 4, 2, (-8, 7), U4),
    cyclic(3, ((4, 4, 8), (2, 2, 4), (2, 2, 4)), 7, 5, 1, 1, (-8, 7), U4),
    cyclic(4, ((2, 1), (1, 1)), 3, 3, 4, 1, (-128, 127), U8),
    cyclic(4, ((2, 2), (2, 2)), 3, 3, 4, 2, (-8, 7), U4),
    cyclic(6, ((6, 3, 3),), 10, 1, 2, 3, (-1, 1), U4),
    cyclic(4, ((4, 2), (2, 2)), 3, 4, 2, 2, (-1, 1), S8),
    cyclic(2, ((5, 3), (2, 7)), 1, 5, 1, 1, (-3, 3), U2, ram_style="block"),
]


def test_conformance_of_matrices_in_turn(tmp_path: Path) -> None:
    conform(CYCLIC, tmp_path)


@pytest.mark.parametrize("unit", CYCLIC)
def test_no_cycle_is_spent_on_columns_that_are_not_there(unit: MatrixVectorUnit) -> None:
    columns = [unit.cycle.lengths[number] for number in unit.cycle.order()]
    assert unit.multiplications() == unit.rows * sum(columns) == unit.interval() * unit.pe * unit.simd
    assert np.array_equal(unit.schedule().reads[0], sorted(unit.schedule().reads[0]))
