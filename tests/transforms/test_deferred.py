"""Real tensors as functions of integer ones: elements keep their places through layout operators and constants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.ir.graph import Shape, element_count
from qcompile.ir.types import Array
from qcompile.ops import Elementwise, Reshape, Transpose
from qcompile.ops.roles import Lattice
from qcompile.transforms.deferred import Deferred, Step
from qcompile.transforms.step_function import Trend

seeds = st.integers(0, 2**32 - 1)
F32 = np.float32


def start(shape: Shape) -> Deferred:
    return Deferred("q", shape[1:], shape, Lattice.of([1.0], [0.0], [0.0]), "y")


def elements(source: Deferred, frame: Array) -> Array:
    """The tensor, given the flattened integer frame."""
    return frame[source.index] if source.index is not None else frame.reshape(source.shape)


def moved(rng: np.random.Generator, source: Deferred, tensor: Array) -> tuple[Deferred, Array]:
    """A random layout operator on both."""
    if rng.random() < 0.5:
        perm = tuple(int(axis) for axis in rng.permutation(len(source.shape)))
        op: Transpose | Reshape = Transpose(perm)
    else:
        sizes = [s for s in range(1, tensor.size + 1) if tensor.size % s == 0]
        first = int(rng.choice(sizes))
        op = Reshape((first, tensor.size // first) if rng.random() < 0.5 else (1, first, tensor.size // first))
    shape = op.infer_shape(source.shape)
    return source.rearranged(op, shape), op.evaluate(tensor[None])[0]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(seed=seeds)
def test_layout_operators_move_the_elements(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (1, *(int(n) for n in rng.integers(1, 5, int(rng.integers(1, 4)))))
    source, frame = start(shape), np.arange(element_count(shape)) * 7
    tensor = frame.reshape(shape)
    for _ in range(int(rng.integers(1, 6))):
        source, tensor = moved(rng, source, tensor)
        assert source.shape == tensor.shape
        assert np.array_equal(elements(source, frame), tensor)


def test_moving_back_forgets_the_index() -> None:
    source = start((1, 3, 4))
    there = source.rearranged(Transpose((0, 2, 1)), (1, 4, 3))
    assert there.index is not None
    assert there.rearranged(Transpose((0, 2, 1)), (1, 3, 4)).index is None


@settings(max_examples=150, deadline=None, derandomize=True)
@given(seed=seeds)
def test_constants_find_their_channels(seed: int) -> None:
    """An operand of the moved tensor, applied channel by channel on the integer frame, gives the same numbers."""
    rng = np.random.default_rng(seed)
    shape = (1, *(int(n) for n in rng.integers(1, 4, int(rng.integers(1, 4)))))
    source, frame = start(shape), np.arange(element_count(shape))
    tensor = frame.reshape(shape)
    for _ in range(int(rng.integers(0, 4))):
        source, tensor = moved(rng, source, tensor)
    form = tuple(int(n) if rng.random() < 0.5 else 1 for n in source.shape)
    operand = rng.integers(0, 3, form)
    row = source.to_channels(operand)
    expected = np.empty(tensor.size, np.int64)
    expected[tensor.ravel()] = np.broadcast_to(operand, tensor.shape).ravel()
    channels = expected.reshape(-1, source.channels)
    if row is None:
        assert not np.all(channels == channels[0])
    else:
        assert row.shape in ((1,), (source.channels,))
        assert np.array_equal(channels, np.broadcast_to(row, channels.shape))


def test_evaluation_follows_the_model_operator_by_operator() -> None:
    """(x * s + b) / d in float32: other numbers than with the factors combined."""
    scale, added, divisor = F32(0.1), F32(0.3), np.asarray([3.0, 7.0], F32)
    steps = (Step(Elementwise("Add"), (added.reshape(1),)), Step(Elementwise("Div"), (divisor,)))
    source = Deferred("q", (2,), (1, 2), Lattice.of([float(scale)], [0.0], [0.0]), "y", steps=steps)
    codes = np.arange(-500, 500)[:, None]
    expected = (codes.astype(F32) * scale + added) / divisor
    assert np.array_equal(source.evaluate(codes), expected)
    lattice = source.affine()
    assert lattice is not None
    assert np.allclose(lattice.scale * codes + lattice.offset, expected, rtol=1e-5)
    assert not np.array_equal((lattice.scale * codes + lattice.offset).astype(F32), expected)


@pytest.mark.parametrize(
    ("steps", "trend"),
    [
        ([], Trend.MONOTONE),
        ([("Mul", [1.0, 2.0]), ("Relu", None)], Trend.MONOTONE),
        ([("Mul", [1.0, -2.0])], Trend.MONOTONE),  # each channel for itself
        ([("Mul", [1.0, -2.0]), ("Relu", None), ("Neg", None)], Trend.MONOTONE),
        ([("Sigmoid", None)], Trend.WAVERING),
        ([("Neg", None), ("Tanh", None), ("Mul", [2.0, -1.0])], Trend.WAVERING),
        ([("Abs", None)], Trend.UNKNOWN),
        ([("HardSwish", None)], Trend.UNKNOWN),
        ([("PRelu", [0.5, -0.5])], Trend.UNKNOWN),
    ],
)
def test_what_is_known_of_a_chain(steps: list[tuple[str, list[float] | None]], trend: Trend) -> None:
    chain = tuple(Step(Elementwise(n), () if v is None else (np.asarray(v, F32),)) for n, v in steps)
    assert Deferred("q", (2,), (1, 2), Lattice.of([1.0]), "y", steps=chain).trend() is trend


@pytest.mark.parametrize("steps", [[("Relu", None)], [("Mul", [0.0, 1.0])], [("Sigmoid", None)]])
def test_what_is_not_affine(steps: list[tuple[str, list[float] | None]]) -> None:
    chain = tuple(Step(Elementwise(n), () if v is None else (np.asarray(v, F32),)) for n, v in steps)
    assert Deferred("q", (2,), (1, 2), Lattice.of([1.0]), "y", steps=chain).affine() is None
