"""A model for several frames at once, with vectors of whole batches and of single frames."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from qcompile.cli import main
from qcompile.frontend.load import load_model
from qcompile.frontend.reference import make_reference

from ..support.onnx_models import ModelBuilder
from ..support.small_models import weights


def batched(folder: Path, batch: int) -> Path:
    b, rng = ModelBuilder(), np.random.default_rng(1)
    x = b.node("Reshape", [b.quant("x", 0.125, 0.0, 4.0, signed=0), b.constant([batch, 8], np.int64)])
    x = b.node("MatMul", [x, weights(b, rng, 8, 6)])
    path = folder / "batched.onnx"
    onnx.save(b.model((batch, 2, 4), x), path)
    return path


@pytest.mark.parametrize("shape", [(6, 2, 4), (2, 3, 2, 4), (6, 1, 2, 4)])
def test_vectors_of_batches(shape: tuple[int, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = batched(tmp_path, 3)
    x = np.random.default_rng(2).uniform(0, 2, shape).astype(np.float32)
    (y,) = make_reference(load_model(path)).run(x.reshape(6, 2, 4)).values()
    y = y.reshape(2, 3, 6) if len(shape) == 4 and shape[1] == 3 else y.reshape(6, 6)
    np.savez(tmp_path / "vectors.npz", x=x, y=y)
    arguments = [str(path), "--target", "pynq-z2", "-o", str(tmp_path / "build"), "--no-sim"]
    assert main([*arguments, "--vectors", str(tmp_path / "vectors.npz")]) == 0
    verdict = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (verdict["frames"], verdict["mismatches"], verdict["ties"]) == (6, 0, 0)
    manifest = json.loads((tmp_path / "build" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["inputs"][0]["shape"] == [2, 4]
