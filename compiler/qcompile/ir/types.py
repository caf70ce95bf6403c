"""Integer element types and per-channel ranges: what is known of the numbers on a wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Array = npt.NDArray[Any]


def read_only(array: npt.ArrayLike, dtype: npt.DTypeLike = np.int64) -> npt.NDArray[np.int64]:
    """A contiguous read-only copy of `array` with the given dtype (constants of the IR never change)."""
    copy = np.array(array, dtype=dtype, order="C")
    copy.setflags(write=False)
    return copy


@dataclass(frozen=True, slots=True, order=True)
class IntType:
    """A two's-complement (signed) or plain binary (unsigned) integer of `bits` >= 1 bits."""

    bits: int
    signed: bool

    def __post_init__(self) -> None:
        if self.bits < 1:
            raise ValueError(f"an integer type needs at least one bit, not {self.bits}")

    @property
    def lo(self) -> int:
        """Least value."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def hi(self) -> int:
        """Greatest value."""
        return (1 << (self.bits - int(self.signed))) - 1

    def contains(self, lo: int, hi: int) -> bool:
        """Whether every integer of [lo, hi] has a code."""
        return self.lo <= lo and hi <= self.hi

    @staticmethod
    def of_range(lo: int, hi: int) -> IntType:
        """The narrowest type that holds [lo, hi]; unsigned where lo >= 0; one bit for the constant zero."""
        if lo > hi:
            raise ValueError(f"empty range [{lo}, {hi}]")
        if lo >= 0:
            return IntType(max(1, int(hi).bit_length()), False)
        return IntType(1 + max(int(hi).bit_length() if hi > 0 else 0, int(-lo - 1).bit_length()), True)

    def __str__(self) -> str:
        return f"{'int' if self.signed else 'uint'}{self.bits}"


@dataclass(frozen=True, slots=True, eq=False)
class Range:
    """The values a tensor can take, for each channel (its last axis) or for all of them at once.

    `lo` and `hi` are int64 arrays of shape (channels,) or (1,), both ends included.
    """

    lo: IntArray
    hi: IntArray

    def __post_init__(self) -> None:
        if self.lo.shape != self.hi.shape or self.lo.ndim != 1 or not self.lo.size:
            raise ValueError(f"a range needs two equal vectors, not {self.lo.shape} and {self.hi.shape}")
        if bool(np.any(self.lo > self.hi)):
            raise ValueError("a range has lo > hi")

    @staticmethod
    def of(lo: npt.ArrayLike, hi: npt.ArrayLike) -> Range:
        """The range with these bounds; scalars give one range shared by all channels."""
        lows, highs = np.broadcast_arrays(np.atleast_1d(np.asarray(lo)), np.atleast_1d(np.asarray(hi)))
        return Range(read_only(lows), read_only(highs))

    @property
    def least(self) -> int:
        """The least value over all channels."""
        return int(self.lo.min())

    @property
    def greatest(self) -> int:
        """The greatest value over all channels."""
        return int(self.hi.max())

    @property
    def type(self) -> IntType:
        """The narrowest type that holds every channel."""
        return IntType.of_range(self.least, self.greatest)

    def per_channel(self, channels: int) -> Range:
        """The same range with exactly `channels` rows."""
        if self.lo.size == channels:
            return self
        if self.lo.size != 1:
            raise ValueError(f"a range of {self.lo.size} channels does not fit {channels}")
        return Range.of(np.full(channels, self.lo[0]), np.full(channels, self.hi[0]))

    def shared(self) -> Range:
        """One range that covers all channels."""
        return Range.of(self.least, self.greatest)
