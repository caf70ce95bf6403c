"""Test frames: the user's own from a .npz file, or random ones."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qcompile.ir.errors import CompilerError
from qcompile.ir.graph import Graph, Shape, element_count
from qcompile.ir.network import Network
from qcompile.ir.types import Array, IntArray
from qcompile.verify.stimulus import encode, random_frames

RANDOM_SEED = 2026


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Inputs of the model, (frames, *shape) each, the integers they become, and the user's outputs by name where given.

    Where the user stated an input's integer type, `inputs` are the numbers that the integers stand for; `rounded`
    counts the frames in which that is not what the user gave, `comparable` selects the others.
    """

    inputs: tuple[Array, ...]
    codes: tuple[IntArray, ...]
    outputs: Mapping[str, Array]
    rounded: int
    comparable: np.ndarray

    def part(self, some: slice) -> Frames:
        """Some of the frames; `rounded` counts those of all."""
        return Frames(
            tuple(array[some] for array in self.inputs),
            tuple(array[some] for array in self.codes),
            {name: array[some] for name, array in self.outputs.items()},
            self.rounded,
            self.comparable[some],
        )


def load_frames(path: Path, network: Network) -> Frames:
    """Frames of a file with `x` and optionally `y`, or with an array for each input's and output's name.

    Raises CompilerError.
    """
    arrays = _arrays(path)
    inputs = _inputs(arrays, network.before, path)
    outputs = _outputs(arrays, network.after, path)
    _check_counts((*inputs, *outputs.values()), path)
    return _encoded(inputs, outputs, network)


def load_inputs(path: Path, graph: Graph) -> tuple[Array, ...]:
    """The inputs of a graph alone, float32, from such a file. Raises CompilerError."""
    inputs = _inputs(_arrays(path), graph, path)
    _check_counts(inputs, path)
    return inputs


def _check_counts(arrays: Sequence[Array], path: Path) -> None:
    counts = {len(array) for array in arrays}
    if len(counts) != 1:
        raise CompilerError("the arrays hold different numbers of frames", str(path), f"{sorted(counts)}")


def _arrays(path: Path) -> dict[str, Array]:
    try:
        with zipfile.ZipFile(path), np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise CompilerError(
            "the vectors cannot be read", str(path), str(error), "give a .npz file with x and optionally y"
        ) from error


def _inputs(arrays: Mapping[str, Array], graph: Graph, path: Path) -> tuple[Array, ...]:
    names = graph.inputs
    keys = ["x"] if len(names) == 1 and "x" in arrays else list(names)
    absent = [key for key in keys if key not in arrays]
    if absent:
        raise CompilerError(
            f"the vectors hold no array '{'x' if len(names) == 1 else absent[0]}'",
            str(path),
            f"they hold {', '.join(arrays) or 'nothing'}",
        )
    return tuple(_shaped(arrays[key], name, graph, path) for key, name in zip(keys, names, strict=True))


def _outputs(arrays: Mapping[str, Array], after: Graph, path: Path) -> dict[str, Array]:
    """The user's own outputs by the names of the model's."""
    named = {name: arrays[name] for name in after.outputs if name in arrays}
    if "y" in arrays and "y" not in after.outputs:
        if len(after.outputs) > 1:
            raise CompilerError(
                "y stands for one output", str(path), f"this model has {', '.join(after.outputs)}", "name the arrays so"
            )
        named = {after.outputs[0]: arrays["y"]}
    for name, array in list(named.items()):
        wanted = after.values[name].shape
        array = named[name] = _one_after_another(array, wanted)
        if array.dtype.kind not in "fiub" or array.ndim == 0 or array[:1].size not in (0, element_count(wanted)):
            raise CompilerError(
                f"an array of {array.dtype} {array.shape} does not fit the output '{name}' of shape {wanted}",
                str(path),
                hint="the first axis counts frames",
            )
        if array.dtype.kind == "f" and not bool(np.all(np.isfinite(array))):
            raise CompilerError(f"the outputs of '{name}' hold numbers that are not finite", str(path))
    return named


def _one_after_another(array: Array, shape: Shape) -> Array:
    """Batches of several frames each, (batches, frames of a batch, *shape without its batch axis), as single frames."""
    if len(shape) > 1 and shape[0] == 1 and array.ndim == len(shape) + 1 and array.shape[2:] == shape[1:]:
        return array.reshape(-1, *shape)
    return array


def make_frames(network: Network, count: int) -> Frames:
    """Seeded random frames."""
    return _encoded(random_frames(network.before, count, RANDOM_SEED), {}, network)


def _shaped(array: Array, name: str, before: Graph, path: Path) -> Array:
    shape = before.values[name].shape
    array = _one_after_another(array, shape)
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


def _encoded(inputs: tuple[Array, ...], outputs: Mapping[str, Array], network: Network) -> Frames:
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
