"""Test frames: the user's own from a .npz file, or random ones."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qcompile.ir.errors import CompilerError
from qcompile.ir.graph import Graph, element_count
from qcompile.ir.network import Network
from qcompile.ir.types import Array, IntArray
from qcompile.verify.stimulus import encode, random_frames

RANDOM_SEED = 2026


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Inputs of the model, (frames, *shape) each, the integers they become, and the user's outputs where given.

    Where the user stated an input's integer type, `inputs` are the numbers that the integers stand for; `rounded`
    counts the frames in which that is not what the user gave, `comparable` selects the others.
    """

    inputs: tuple[Array, ...]
    codes: tuple[IntArray, ...]
    outputs: Array | None
    rounded: int
    comparable: np.ndarray


def load_frames(path: Path, network: Network) -> Frames:
    """Frames of a file with `x` (or an array for each input's name) and optionally `y`. Raises CompilerError."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise CompilerError(
            "the vectors cannot be read", str(path), str(error), "give a .npz file with x and optionally y"
        ) from error
    names = network.before.inputs
    keys = ["x"] if len(names) == 1 and "x" in arrays else list(names)
    absent = [key for key in keys if key not in arrays]
    if absent:
        raise CompilerError(
            f"the vectors hold no array '{absent[0]}'", str(path), f"they hold {', '.join(arrays) or 'nothing'}"
        )
    inputs = tuple(_shaped(arrays[key], name, network.before, path) for key, name in zip(keys, names, strict=True))
    counts = {len(array) for array in (*inputs, *([arrays["y"]] if "y" in arrays else []))}
    if len(counts) != 1:
        raise CompilerError("the arrays hold different numbers of frames", str(path), f"{sorted(counts)}")
    return _encoded(inputs, arrays.get("y"), network)


def make_frames(network: Network, count: int) -> Frames:
    """Seeded random frames."""
    return _encoded(random_frames(network.before, count, RANDOM_SEED), None, network)


def _shaped(array: Array, name: str, before: Graph, path: Path) -> Array:
    shape = before.values[name].shape
    if array.dtype.kind not in "fiub" or array.ndim == 0 or not len(array) or array[0].size != element_count(shape):
        raise CompilerError(
            f"an array of {array.dtype} {array.shape} does not fit the input '{name}' of shape {shape}",
            str(path),
            hint="the first axis counts frames",
        )
    frames = array.reshape(len(array), *shape).astype(np.float32)
    if not bool(np.all(np.isfinite(frames))):
        raise CompilerError(f"the frames of '{name}' hold numbers that are not finite", str(path))
    return frames


def _encoded(inputs: tuple[Array, ...], outputs: Array | None, network: Network) -> Frames:
    """Integer codes; inputs whose type the user stated are replaced by what their codes stand for."""
    codes = encode(network.before, inputs)
    by_value = dict(zip(network.integer.inputs, codes, strict=True))
    frames = len(inputs[0])
    kept = np.ones(frames, bool)
    final: list[Array] = []
    for name, given in zip(network.before.inputs, inputs, strict=True):
        tap = next((t for t in network.taps if t.tensor == name), None)
        if tap is None:
            final.append(given)
            continue
        sent = (tap.scale * (by_value[tap.value] + tap.shift) + tap.offset).astype(np.float32).reshape(frames, -1)
        real = (sent if tap.index is None else sent[:, tap.index.ravel()]).reshape(given.shape)
        kept &= (real == given).reshape(frames, -1).all(axis=1)
        final.append(real)
    return Frames(tuple(final), codes, outputs, int(frames - kept.sum()), kept)
