"""Operators of two computed tensors: against plain Python, and their ranges against exhaustive search."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.ir.types import Range
from qcompile.ops import MatrixProduct, Repeat, TensorAdd, TensorMultiply

from .test_spatial_ops import ends, random_range, same_range, seeds

factors = st.tuples(st.sampled_from([1, 2]), st.sampled_from([1, 2]))
terms = st.tuples(st.integers(-3, 3), st.integers(-3, 3))


@settings(max_examples=60, deadline=None)
@given(seed=seeds, factors=factors, terms=terms, shared=st.booleans())
def test_range_of_a_product_is_exact(seed: int, factors: tuple[int, int], terms: tuple[int, int], shared: bool) -> None:
    rng = np.random.default_rng(seed)
    op = TensorMultiply(factors, terms)
    a, b = random_range(rng, 3), random_range(rng, 1 if shared else 3)
    pairs = list(itertools.product((0, 1), repeat=2))
    left = np.asarray([[ends(a, 3)[c][i] for c in range(3)] for i, _ in pairs])
    right = np.asarray([[ends(b, 3)[c][j] for c in range(3)] for _, j in pairs])
    result = op.evaluate(left, right)
    assert result.tolist() == [
        [(factors[0] * x + terms[0]) * (factors[1] * y + terms[1]) for x, y in zip(*rows, strict=True)]
        for rows in zip(left.tolist(), right.tolist(), strict=True)
    ]
    assert same_range(op.infer_range(a, b), result)


@settings(max_examples=40, deadline=None)
@given(seed=seeds, factors=factors, terms=terms, transposed=st.booleans(), each=st.booleans())
def test_matrix_product(
    seed: int, factors: tuple[int, int], terms: tuple[int, int], transposed: bool, each: bool
) -> None:
    rng = np.random.default_rng(seed)
    op = MatrixProduct(transposed, factors, terms)
    ranges = random_range(rng, 2 if each else 1), random_range(rng, 2 if each and transposed else 1)
    corners = [np.asarray(list(itertools.product(*ends(r, 2)))) for r in ranges]
    a, b = corners[0], corners[1] if transposed else corners[1].T
    assert op.infer_shape(a.shape, b.shape) == (4, 4)
    result = op.evaluate(a[None], b[None])[0]
    for (i, x), (j, y) in itertools.product(enumerate(corners[0].tolist()), enumerate(corners[1].tolist())):
        each_product = [(factors[0] * p + terms[0]) * (factors[1] * q + terms[1]) for p, q in zip(x, y, strict=True)]
        assert result[i, j] == sum(each_product)
    reach = op.infer_range(*ranges, 2)
    assert (reach.least, reach.greatest) == (result.min(), result.max())


def test_a_matrix_by_rows_has_one_range() -> None:
    """Ranges of the columns of a second matrix that is not transposed are those of no summed element."""
    a, b = Range.of(0, 3), Range.of([0, 0, 5], [1, 2, 6])
    reach = MatrixProduct().infer_range(a, b, 2)
    assert (reach.least, reach.greatest) == (0, 36)


def test_repeat() -> None:
    x = np.arange(12).reshape(2, 6)
    assert Repeat(3, 2, (2, 2, 3)).evaluate(x).reshape(2, -1).tolist() == [
        [*x[0, :3], *x[0, :3], *x[0, 3:], *x[0, 3:]],
        [*x[1, :3], *x[1, :3], *x[1, 3:], *x[1, 3:]],
    ]
    assert Repeat(1, 2, (6, 2)).evaluate(x)[0].tolist() == [[k, k] for k in range(6)]
    known = Range.of([0, 1, 2], [5, 6, 7])
    assert Repeat(3, 4, (8, 3)).infer_range(known) is known
    shared = Repeat(1, 4, (6, 4)).infer_range(known)
    assert (shared.lo.tolist(), shared.hi.tolist()) == ([0], [7])


@pytest.mark.parametrize(
    ("op", "shapes"),
    [
        (TensorAdd(), ((1, 4), (4,))),
        (TensorMultiply(), ((1, 4), (1, 3))),
        (MatrixProduct(), ((1, 2, 3), (1, 2, 3))),
        (MatrixProduct(), ((1, 2, 3), (2, 3, 4))),
        (MatrixProduct(transposed=True), ((2, 3), (3, 2))),
        (Repeat(4, 2, (4, 3)), ((6,),)),
        (Repeat(3, 2, (4, 4)), ((6,),)),
    ],
)
def test_shapes_that_do_not_fit(op: TensorAdd, shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        op.infer_shape(*shapes)
