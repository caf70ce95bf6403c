"""reorder against its model: values, the cycle of every beat, the size of the buffer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.address_map import AddressMap, AddressProgram, longest_run, program_of
from qcompile.kernels.reorder import Reorder

from .bench import Case, simulate
from .buffered import faults_of
from .synthesis import synthesise

UINT1, INT3, INT8 = IntType(1, False), IntType(3, True), IntType(8, True)


def frame(*shape: int) -> IntArray:
    return np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)


def reorder(elements: int, index: npt.ArrayLike, simd: int = 1, element: IntType = INT3, **rest: str) -> Reorder:
    flat = np.asarray(index, np.int64).reshape(-1)
    return Reorder(element, element, AddressMap(elements, flat), simd, **rest)


IMAGE = frame(4, 6, 4)
TRANSPOSITIONS = [
    reorder(96, IMAGE.transpose(2, 0, 1)),
    reorder(96, IMAGE.transpose(1, 2, 0), element=INT8, ram_style="block"),
    reorder(96, IMAGE.transpose(1, 0, 2), simd=4),
    reorder(96, IMAGE.transpose(1, 0, 2), simd=2, element=UINT1),
    reorder(96, IMAGE.reshape(4, 6, 2, 2).transpose(0, 1, 3, 2)),
    reorder(96, IMAGE.reshape(4, 6, 2, 2).transpose(0, 2, 1, 3), simd=2),
    reorder(96, IMAGE.reshape(2, 2, 3, 2, 4).transpose(0, 2, 1, 3, 4), simd=8),
    reorder(96, IMAGE.reshape(2, 2, 3, 2, 4).transpose(0, 2, 1, 3, 4), simd=2),
    reorder(72, frame(2, 2, 3, 3, 2).transpose(0, 2, 1, 3, 4)),
    reorder(96, IMAGE[..., ::-1]),
    reorder(96, IMAGE[::-1], simd=24),
    reorder(64, frame(2, 2, 2, 2, 2, 2).transpose(5, 4, 3, 2, 1, 0)),
    reorder(128, frame(2, 2, 2, 2, 2, 2, 2).transpose(6, 5, 4, 3, 2, 1, 0)),
]
REPETITIONS = [
    reorder(96, IMAGE.repeat(2, 0).repeat(2, 1), simd=4),
    reorder(96, IMAGE.repeat(3, 0).repeat(2, 1), simd=2),
    reorder(96, IMAGE.repeat(2, 1), simd=4),
    reorder(96, IMAGE.repeat(2, 0), simd=24),
    reorder(96, IMAGE.repeat(2, 0), simd=1),
    reorder(96, IMAGE[[0, 0, 1, 2, 2, 3, 3]][:, [0, 1, 1, 2, 3, 4, 4, 5, 5]], simd=4),
    reorder(4, np.tile(frame(4), 9), simd=2),
    reorder(24, np.tile(frame(24), 5), simd=24),
    reorder(1, np.zeros(5)),
    reorder(4, np.tile(frame(4).reshape(2, 2).T.reshape(-1), 7)),
]
OMISSIONS = [
    reorder(96, IMAGE[..., 1:3]),
    reorder(96, IMAGE[..., 2:], simd=2, element=UINT1),
    reorder(96, IMAGE[..., 3:1:-1]),
    reorder(96, IMAGE[::2, ::3], simd=4),
    reorder(96, IMAGE[1:3, 2:5], simd=4),
    reorder(96, IMAGE[[0, 2, 3]][:, [1, 3, 4]], simd=2),
    reorder(96, IMAGE[2:, :, 2], element=INT8),
    reorder(30, [17]),
]
RNG = np.random.default_rng(3)
IRREGULAR = [
    reorder(30, RNG.permutation(30)),
    reorder(60, np.arange(6)[:, None] * 10 + RNG.permutation(10)),
    reorder(20, RNG.integers(0, 20, 33)),
    reorder(33, RNG.integers(0, 33, 20)),
    reorder(9, frame(9)),
]


@pytest.mark.parametrize(
    "kernels",
    [TRANSPOSITIONS, REPETITIONS, OMISSIONS, IRREGULAR],
    ids=["transpositions", "repetitions", "omissions", "irregular"],
)
def test_conformance(kernels: list[Reorder], tmp_path: Path) -> None:
    faults = list(faults_of(run for row in simulate(kernels, tmp_path) for run in row))
    assert not faults, "\n".join(faults)


@st.composite
def maps(draw: st.DrawFn) -> AddressMap:
    """Blocks of random maps, and axes in another order and with other positions."""
    if draw(st.booleans()):
        size, blocks = draw(st.integers(1, 10)), draw(st.integers(1, 3))
        words = draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=15))
        index = np.arange(blocks)[:, None] * size + np.asarray(words)
        return AddressMap(size * blocks, index.reshape(-1))
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    index = frame(*shape).transpose(draw(st.permutations(range(len(shape)))))
    for axis, size in enumerate(index.shape):
        if draw(st.booleans()):
            index = index.take(draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=6)), axis=axis)
    return AddressMap(int(np.prod(shape)), np.ascontiguousarray(index).reshape(-1))


def followed(program: AddressProgram, depth: int, blocks: int = 16) -> IntArray | None:
    """(blocks, beats): the cycle of every output beat, found cycle by cycle; input is always offered. None if it hangs."""
    words = (program.words + np.arange(blocks)[:, None] * program.size).reshape(-1)
    freed = np.tile(program.freed[program.entries], blocks)
    limit, written, cycle = int(program.words.min()) + depth, 0, 0
    due: list[tuple[int, int]] = []
    cycles: list[int] = []
    while len(cycles) < words.size:
        while due and due[0][0] == cycle:
            limit += due.pop(0)[1]
        written += written < limit
        beat = len(cycles)
        if words[beat] < written:
            cycles.append(cycle)
            due += [(cycle + 2, int(freed[beat]))]
        cycle += 1
        if cycle > 4 * blocks * program.steps + 100:
            return None
    return np.array(cycles).reshape(blocks, -1)


@settings(max_examples=150, deadline=None)
@given(maps(), st.data())
def test_buffer_is_just_as_large_as_needed(mapping: AddressMap, data: st.DataObject) -> None:
    """With the stated depth a block takes the stated steps, the beats as the schedule says; with one word less, more."""
    runs = [lanes for lanes in range(1, longest_run(mapping) + 1) if longest_run(mapping) % lanes == 0]
    program = program_of(mapping, data.draw(st.sampled_from(runs)))
    cycles = followed(program, program.depth)
    assert cycles is not None
    assert cycles[-1, 0] - cycles[-2, 0] == program.steps
    assert np.array_equal(cycles[-1] - cycles[-1, 0], program.starts())
    if program.depth > 2:
        less = followed(program, program.depth - 1)
        assert less is None or less[-1, 0] - less[-2, 0] > program.steps


@settings(max_examples=150, deadline=None)
@given(maps())
def test_the_program_walks_over_the_map(mapping: AddressMap) -> None:
    program = program_of(mapping, 1)
    moves = program.distances[program.entries]
    assert np.array_equal(program.words[0] + np.cumsum(moves)[:-1], program.words[1:])
    assert program.words[0] + moves.sum() == program.size + program.words[0]
    released = program.words.min() + np.cumsum(program.freed[program.entries])
    later = np.append(np.minimum.accumulate(program.words[::-1])[::-1], program.size + program.words.min())[1:]
    assert np.all(released <= later)
    blocks = program.words + np.arange(program.blocks)[:, None] * program.size
    assert np.array_equal(blocks.reshape(-1), mapping.index)
    (got,) = Reorder(INT8, INT8, mapping).evaluate(np.arange(2 * mapping.elements).reshape(2, -1))
    assert np.array_equal(got[1], mapping.index + mapping.elements)


@pytest.mark.parametrize(
    ("kernel", "words", "cycles"),
    [
        # Rows repeated: one row. Rows of pixels: nothing but the two words that a memory has at least.
        (reorder(32 * 32 * 8, frame(32, 32, 8).repeat(2, 0).repeat(2, 1), simd=8), 32, 64 * 64),
        (reorder(32 * 32 * 8, frame(32, 32, 8).repeat(2, 1), simd=8), 2, 64 * 32),
        (reorder(32 * 32 * 8, frame(32, 32, 8)[::2, ::2], simd=8), 2, 32 * 32),
        (reorder(32 * 32 * 8, frame(32, 32, 8)[..., 4:], simd=4), 2, 32 * 32 * 2),
        # Sub-pixels to rows: one row and most of another, since rows come one after another.
        (reorder(8 * 8 * 4, frame(8, 8, 2, 2).transpose(0, 2, 1, 3), simd=2), 17, 8 * 8 * 2),
        # A transposition: nearly two frames.
        (reorder(32 * 32, frame(32, 32).T), 1955, 32 * 32),
    ],
)
def test_sizes_and_rates(kernel: Reorder, words: int, cycles: int) -> None:
    assert kernel.program.depth == words
    assert kernel.interval() == cycles


def test_attributes() -> None:
    kernel = reorder(96, IMAGE.reshape(4, 6, 2, 2).transpose(0, 2, 1, 3))
    assert kernel.attributes() == {"SIMD": 1, "ram_style": "auto"}
    assert kernel.with_attribute("SIMD", 2).outputs[0].beats == 48
    assert [k.simd for k in kernel.foldings()] == [1, 2]
    for name, value in [("SIMD", 4), ("ram_style", "bloc")]:
        with pytest.raises(ValueError, match="must be one of"):
            kernel.with_attribute(name, value)
    with pytest.raises(KeyError):
        kernel.with_attribute("PE", 2)


def test_narrower_elements(tmp_path: Path) -> None:
    """Channels that are dropped may be wider: only the bits of the others are kept."""
    mapping = AddressMap(18, frame(3, 6)[:, 2:5].reshape(-1))

    def frames(low: int, high: int) -> Callable[[np.random.Generator, int], tuple[IntArray, ...]]:
        def draw(rng: np.random.Generator, count: int) -> tuple[IntArray, ...]:
            wide, narrow = rng.integers(-128, 128, (count, 3, 6)), rng.integers(low, high, (count, 3, 3), endpoint=True)
            wide[:, :, 2:5] = narrow
            return (wide.reshape(count, -1),)

        return draw

    cases = [
        Case(Reorder(INT8, IntType(3, False), mapping), frames(0, 7)),
        Case(Reorder(INT8, IntType(4, True), mapping), frames(-8, 7)),
    ]
    faults = list(faults_of(run for row in simulate(cases, tmp_path) for run in row))
    assert not faults, "\n".join(faults)
    with pytest.raises(ValueError, match="do not become int8"):
        Reorder(INT3, INT8, mapping)


@pytest.mark.parametrize(("elements", "index"), [(4, [4]), (4, [-1]), (4, [])])
def test_what_is_no_map_is_refused(elements: int, index: list[int]) -> None:
    with pytest.raises(ValueError, match="map"):
        reorder(elements, index)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kernel",
    [
        reorder(32 * 32 * 16, frame(32, 32, 16).repeat(2, 0).repeat(2, 1), simd=4, element=INT8),
        reorder(28 * 28 * 4, frame(28, 28, 4).transpose(2, 0, 1), element=INT8),
        reorder(16 * 16 * 8, frame(16, 16, 2, 4).transpose(0, 1, 3, 2), element=IntType(4, False)),
        reorder(14 * 14 * 9, frame(14, 14, 9)[..., [0, 3, 4, 5, 8]], element=IntType(4, False)),
    ],
    ids=["upsampling", "transposition", "shuffle", "table"],
)
@pytest.mark.parametrize("lut_inputs", [6, 4])
def test_model_against_synthesis(kernel: Reorder, lut_inputs: int, tmp_path: Path) -> None:
    model, made = kernel.resources(lut_inputs, 18432), synthesise(kernel, lut_inputs, tmp_path)
    assert model.bram18 == made.bram18
    assert abs(model.ff - made.ff) <= 0.1 * made.ff + 4
    assert 0.75 * made.lut <= model.lut <= 1.3 * made.lut
