"""Constant maps from the words of a stream to those of another, as nested loops over addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import gcd

import numpy as np

from qcompile.ir.types import IntArray
from qcompile.kernels.folding import divisors
from qcompile.kernels.room import room_steps

MOST_LOOPS = 6
"""Loops that the hardware has."""

NEVER = np.int64(1) << 60
"""Later than any step."""


@dataclass(frozen=True, slots=True, eq=False)
class AddressMap:
    """Element k of the outgoing frame is element `index[k]` of the incoming one, which has `elements`."""

    elements: int
    index: IntArray

    def __post_init__(self) -> None:
        if self.index.ndim != 1 or not self.index.size:
            raise ValueError("the index of a map is a list of at least one element")
        if int(self.index.min()) < 0 or int(self.index.max()) >= self.elements:
            raise ValueError(f"the index of a map lies outside of its {self.elements} elements")


@lru_cache(maxsize=256)
def longest_run(mapping: AddressMap) -> int:
    """The largest number of neighbouring elements that always move together, from multiples of it to multiples."""
    for run in reversed(divisors(gcd(mapping.elements, mapping.index.size))):
        rows = mapping.index.reshape(-1, run)
        if bool(np.all(rows[:, 0] % run == 0)) and bool(np.all(rows == rows[:, :1] + np.arange(run))):
            return run
    raise AssertionError("single elements always move together")


@lru_cache(maxsize=256)
def program_of(mapping: AddressMap, lanes: int) -> AddressProgram:
    """What the hardware does with words of `lanes` elements, a divisor of the longest run."""
    words = mapping.index.reshape(-1, lanes)[:, 0] // lanes
    count = _blocks(words, mapping.elements // lanes)
    return AddressProgram.of(words[: words.size // count], mapping.elements // lanes // count, count)


def _blocks(words: IntArray, size: int) -> int:
    """The largest number of equal parts of both frames that the map does not mix, all of them mapped alike."""
    for count in reversed(divisors(gcd(words.size, size))):
        part, step = words.size // count, size // count
        inside = int(words[:part].max()) < step
        if inside and bool(np.all(words[part:] == words[: words.size - part] + step)):
            return count
    raise AssertionError("the whole frame is a block")


@dataclass(frozen=True, slots=True, eq=False)
class AddressProgram:
    """The map of one block as a walk: word j of the outgoing block is word `words[j]` of `size` incoming ones.

    `loops` are the offsets of nested loops, the innermost first: words[j] = words[0] + the sum over the loops of
    offsets[digit of j]. A step from beat to beat is that of the innermost loop not at its end, which is entry `entries[j]`
    of the program: `distances` to the next word read, `freed` words that are never read again. The last entry belongs
    to the end of the block. `hold` is the loop whose last round frees other numbers of words than the rounds before, in
    the entries of the second half; None where there is no such loop. `depth` is the size of the buffer in words with
    which neither side ever waits for the other.
    """

    words: IntArray
    size: int
    blocks: int
    loops: tuple[IntArray, ...]
    hold: int | None
    entries: IntArray
    distances: IntArray
    freed: IntArray
    depth: int

    @staticmethod
    def of(words: IntArray, size: int, blocks: int) -> AddressProgram:
        """The walk with the smallest buffer."""
        loops = _loops(words)
        entries, distances = _moves(loops, size)
        following = np.append(np.minimum.accumulate(words[::-1])[::-1][1:], size + words.min())
        # Everything before the least word still to be read is free; the first block begins with that.
        free = np.diff(following, prepend=words.min())
        best: AddressProgram | None = None
        for hold in (None, *(k for k, loop in enumerate(loops) if loop.size > 1)):
            halves = entries if hold is None else entries + distances.size * _at_last(loops, hold)
            moves = distances if hold is None else np.tile(distances, 2)
            freed = np.full(moves.size, NEVER)
            np.minimum.at(freed, halves, free)
            freed[freed == NEVER] = 0  # entries that no beat has
            freed[-1] += size - freed[halves].sum()
            depth = _gapless_depth(words, size, freed[halves])
            if best is None or depth < best.depth:
                best = AddressProgram(words, size, blocks, loops, hold, halves, moves, freed, depth)
        assert best is not None
        return best

    @property
    def tables(self) -> tuple[bool, ...]:
        """For each loop, whether its steps differ from one another."""
        return tuple(not _affine(loop) for loop in self.loops)

    @property
    def steps(self) -> int:
        """Steps of a block: its beats on the side that has more."""
        return max(self.size, self.words.size)

    def starts(self) -> IntArray:
        """Step of each beat of a block at full speed, the first in step 0."""
        starts = _starts(self.words, self.size)
        relative: IntArray = starts - starts[0]
        return relative

    def rooms(self) -> IntArray:
        """(size,): the step that makes room for each word of a block, as a schedule has it."""
        freed = self.freed[self.entries]
        limits = self.words.min() + np.cumsum(freed) - freed + self.depth
        return room_steps(limits, self.starts(), self.size, self.steps, np.arange(self.size))


def _affine(offsets: IntArray) -> bool:
    return bool(np.all(np.diff(offsets, 2) == 0))


def _loops(words: IntArray) -> tuple[IntArray, ...]:
    """The offsets of nested loops, the innermost first: as many as there are, then as few as do the same."""
    rest, found = words, list[IntArray]()
    while rest.size > 1:
        for bound in divisors(rest.size)[1:]:
            rows = rest.reshape(-1, bound)
            offsets = rows[0] - rows[0, 0]
            if bool(np.all(rows - rows[:, :1] == offsets)):
                break
        joined = None if not found else _joined(found[-1], offsets)
        if joined is not None and _affine(joined):
            found[-1] = joined
        else:
            found.append(offsets)
        rest = rows[:, 0]
    while len(found) > MOST_LOOPS:
        sizes = [inner.size * outer.size for inner, outer in pairwise(found)]
        k = int(np.argmin(sizes))
        found[k : k + 2] = [_joined(found[k], found[k + 1])]
    return tuple(found) or (np.zeros(1, np.int64),)


def _joined(inner: IntArray, outer: IntArray) -> IntArray:
    """Two loops as one."""
    offsets: IntArray = (outer[:, None] + inner).reshape(-1)
    return offsets


def _digits(loops: Sequence[IntArray]) -> list[IntArray]:
    """For each loop, its position at every beat."""
    beats = np.arange(int(np.prod([loop.size for loop in loops])), dtype=np.int64)
    below, found = 1, []
    for loop in loops:
        found.append(beats // below % loop.size)
        below *= loop.size
    return found


def _at_last(loops: Sequence[IntArray], number: int) -> IntArray:
    """For each beat 1 where a loop is at its last position, else 0."""
    last: IntArray = (_digits(loops)[number] == loops[number].size - 1).astype(np.int64)
    return last


def _moves(loops: Sequence[IntArray], size: int) -> tuple[IntArray, IntArray]:
    """The entry of the program for each beat, and how far each entry moves: one for each loop that steps evenly, one
    for each step of the others, one for the end of the block.
    """
    digits = _digits(loops)
    entries, distances, back = np.full(digits[0].size, -1), list[int](), 0
    inner = np.ones(digits[0].size, bool)
    for loop, digit in zip(loops, digits, strict=True):
        moves = np.diff(loop) - back
        stepping = inner & (digit < loop.size - 1)
        if _affine(loop):
            entries[stepping] = len(distances)
            distances += [int(moves[0])] if moves.size else []
        else:
            entries[stepping] = len(distances) + digit[stepping]
            distances += [int(move) for move in moves]
        inner &= digit == loop.size - 1
        back += int(loop[-1])
    entries[inner] = len(distances)
    return entries, np.asarray([*distances, size - back], np.int64)


def _starts(words: IntArray, size: int) -> IntArray:
    """Step of each beat of a block at full speed. Where more comes than goes, word r comes in step r, and a beat waits for
    its word; else beats go one after another.
    """
    order = np.arange(words.size, dtype=np.int64)
    if words.size >= size:
        return order
    gain, blocks = size - words.size, 3
    lags = np.maximum.accumulate(np.concatenate([words - order + k * gain for k in range(blocks)]))
    starts: IntArray = order + lags[(blocks - 1) * words.size :] - (blocks - 1) * gain
    return starts


def _gapless_depth(words: IntArray, size: int, freed: IntArray) -> int:
    """The smallest buffer with which a block takes max(words in, words out) steps.

    Let beat j, in step E, free words and so make room for word L. From E + 2 on words L, L + 1, ... arrive, so that a
    word r first read in step R must have R - r >= E + 2 - L. The least left side over all r >= L bounds L from below.
    Where more comes than goes, every word has to be taken in its own step: the left side is 0.
    """
    starts, blocks = _starts(words, size), 5
    slack = np.zeros(size, dtype=np.int64)
    if words.size >= size:
        slack = np.full(size, NEVER)
        np.minimum.at(slack, words, starts - words)
    gain = max(words.size - size, 0)
    latest = np.concatenate([slack + k * gain for k in range(blocks)])
    latest = np.minimum.accumulate(latest[::-1])[::-1] + np.arange(blocks * size)
    before = words.min() + np.cumsum(freed) - freed
    rooms = np.searchsorted(latest, starts + 2)
    assert rooms.max() < (blocks - 1) * size, "a buffer of so many blocks is never needed"
    return max(2, int((rooms - before)[freed > 0].max()))
