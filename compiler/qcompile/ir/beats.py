"""Frames of integers as the beats of a stream, and back: the byte-aligned form at the accelerator's edge."""

from __future__ import annotations

import numpy as np

from qcompile.ir.dataflow import Stream
from qcompile.ir.types import IntArray


def pack_frames(frames: IntArray, stream: Stream) -> bytes:
    """(frames, elements) as one beat after another, each padded with zero bits to whole bytes, lowest byte first."""
    element = stream.element
    codes = frames.reshape(-1, stream.lanes).astype(np.int64).view(np.uint64)
    bits = (codes[:, :, None] >> np.arange(element.bits, dtype=np.uint64)) & np.uint64(1)
    return np.packbits(bits.reshape(codes.shape[0], -1).astype(np.uint8), axis=1, bitorder="little").tobytes()


def unpack_frames(data: bytes, stream: Stream) -> IntArray:
    """The inverse of `pack_frames`: int64 (frames, elements)."""
    element, beat_bytes = stream.element, (stream.bits + 7) // 8
    beats = np.frombuffer(data, np.uint8).reshape(-1, beat_bytes)
    bits = np.unpackbits(beats, axis=1, bitorder="little")[:, : stream.bits].reshape(
        beats.shape[0], stream.lanes, element.bits
    )
    codes: IntArray = (bits.astype(np.int64) << np.arange(element.bits)).sum(axis=2)
    if element.signed:
        codes -= bits[:, :, -1].astype(np.int64) << element.bits
    frames: IntArray = codes.reshape(-1, stream.elements)
    return frames


def hex_lines(data: bytes, stream: Stream) -> str:
    """Packed beats as text: one beat a line, most significant digit first."""
    size = (stream.bits + 7) // 8
    return "".join(f"{data[k : k + size][::-1].hex()}\n" for k in range(0, len(data), size))
