"""What came out of hardware, in RTL or in HLS C++, against the integer graph: frames as packed beats in files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from qcompile.ir.beats import pack_frames, unpack_frames
from qcompile.ir.dataflow import Stream
from qcompile.ir.types import IntArray


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first element of a frame in which hardware and integer graph differ."""

    frame: int
    output: int
    beat: int
    lane: int
    expected: int
    actual: int

    def __str__(self) -> str:
        return (
            f"frame {self.frame}, output {self.output}, beat {self.beat}, lane {self.lane}: "
            f"expected {self.expected}, got {self.actual}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Stimulus:
    """Frames for a run: contracts of the design's inputs and outputs, int64 (frames, elements) of each."""

    input_streams: tuple[Stream, ...]
    output_streams: tuple[Stream, ...]
    inputs: Sequence[IntArray]
    expected: Sequence[IntArray]

    @property
    def frames(self) -> int:
        """How many."""
        return len(self.inputs[0])

    def first(self, count: int) -> Stimulus:
        """The first frames only."""
        return replace(
            self, inputs=[codes[:count] for codes in self.inputs], expected=[codes[:count] for codes in self.expected]
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Frames that were sent, how many of them came out whole, and those of these that are wrong, one entry a frame and
    output.
    """

    frames: int
    complete: int
    mismatches: tuple[Mismatch, ...]

    @property
    def wrong(self) -> frozenset[int]:
        """Frames that came out wrong, or not at all."""
        return frozenset({m.frame for m in self.mismatches} | set(range(self.complete, self.frames)))

    @property
    def first(self) -> str:
        """The first frame that came out wrong, in words; empty when none did."""
        return str(min(self.mismatches, key=lambda m: m.frame)) if self.mismatches else ""


def write_frames(paths: Sequence[Path], streams: Sequence[Stream], frames: Sequence[IntArray]) -> None:
    """One file for each stream."""
    for path, stream, codes in zip(paths, streams, frames, strict=True):
        path.write_bytes(pack_frames(codes, stream))


def compare_frames(stimulus: Stimulus, received: Sequence[Path], sent: int) -> Comparison:
    """Files of outputs, one a stream, against what is expected of the first `sent` frames."""
    outputs = [_whole_frames(path, stream) for path, stream in zip(received, stimulus.output_streams, strict=True)]
    complete = min(sent, *(len(codes) for codes in outputs))
    mismatches = [
        mismatch
        for k, (wanted, actual) in enumerate(zip(stimulus.expected, outputs, strict=True))
        for mismatch in _differing_frames(k, wanted[:complete], actual[:complete], stimulus.output_streams[k])
    ]
    return Comparison(sent, complete, tuple(mismatches))


def _whole_frames(path: Path, stream: Stream) -> IntArray:
    """The frames that came out whole."""
    size = -(-stream.bits // 8) * stream.beats
    data = path.read_bytes()
    return unpack_frames(data[: len(data) // size * size], stream)


def _differing_frames(output: int, expected: IntArray, actual: IntArray, stream: Stream) -> list[Mismatch]:
    """One entry a differing frame."""
    wanted = expected.reshape(actual.shape)
    found: list[Mismatch] = []
    for frame in np.flatnonzero((wanted != actual).any(axis=1)):
        element = int(np.argmax(wanted[frame] != actual[frame]))
        beat, lane = divmod(element, stream.lanes)
        found.append(Mismatch(int(frame), output, beat, lane, int(wanted[frame, element]), int(actual[frame, element])))
    return found
