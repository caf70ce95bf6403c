"""A proof made a few frames at a time is the proof of all frames at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest

from qcompile.flow import prove
from qcompile.flow.options import Options
from qcompile.flow.prepare import Prepared, prepare
from qcompile.flow.progress import Progress
from qcompile.flow.prove import IntegerProof, default_frames, elements_of_a_frame, prove_integers
from qcompile.flow.vectors import Frames, make_frames
from qcompile.frontend.export import export_integer

from ..support.onnx_models import ModelBuilder

FRAMES = 7


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    b = ModelBuilder()
    rng = np.random.default_rng(3)
    x = b.quant("x", 0.125, 0.0, 4.0)
    x = b.node("Conv", [x, b.quant(b.constant(rng.normal(0, 0.4, (3, 2, 3, 3))), 0.25, 0.0, 3.0)])
    x = b.quant(b.node("Relu", [x]), 0.5, 0.0, 3.0, signed=0)
    path = tmp_path_factory.mktemp("parts") / "model.onnx"
    onnx.save(b.model((1, 2, 6, 5), x), path)
    return prepare(Options(path, target="pynq-z2"), Progress())


def proof(prepared: Prepared, frames: Frames) -> IntegerProof:
    exported = export_integer(prepared.understood.network.integer)
    return prove_integers(prepared, frames, {}, exported, "model")


def frames_of(prepared: Prepared, wrong: tuple[int, ...]) -> Frames:
    """Random frames; in those that are `wrong` the codes are not those of the input, and the given y is."""
    network = prepared.understood.network
    frames = make_frames(network, FRAMES)
    values = network.integer.evaluate(*frames.codes)
    given = network.after.evaluate(*(values[name] for name in network.integer.outputs))
    codes = frames.codes[0].copy()
    codes[list(wrong)] = np.where(codes[list(wrong)] > 0, -8, 7)
    return replace(frames, codes=(codes,), outputs=dict(given))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_frames_keep_their_numbers(prepared: Prepared, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = frames_of(prepared, wrong=(2, 5))
    whole = proof(prepared, frames)
    monkeypatch.setattr(prove, "PART_ELEMENTS", size * elements_of_a_frame(prepared.understood.network.integer))
    parts = proof(prepared, frames)
    assert {m.frame for m in whole.agreement.mismatches} == {2, 5} == whole.wrong == whole.given
    assert parts.agreement == whole.agreement
    assert (parts.given, parts.given_compared, parts.exported, parts.kernels) == (
        whole.given,
        FRAMES,
        whole.exported,
        whole.kernels,
    )
    assert all(np.array_equal(a, b) for a, b in zip(parts.outputs, whole.outputs, strict=True))


def test_fewer_frames_of_a_large_network(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = prepared.understood.network.integer
    assert default_frames(graph) == 64
    monkeypatch.setattr(prove, "DEFAULT_ELEMENTS", 5 * elements_of_a_frame(graph) + 1)
    assert default_frames(graph) == 5
    monkeypatch.setattr(prove, "DEFAULT_ELEMENTS", 1)
    assert default_frames(graph) == 1
