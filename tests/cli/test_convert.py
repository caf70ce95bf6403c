"""`qcompile convert`: what it writes, what it never overwrites, and what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from qcompile.flow import convert as converting
from qcompile.frontend.constants import open_session, run_session

from ..support.outcome import Outcome

Cli = Callable[..., Outcome]


def converted(cli: Cli, model: Path, to: str, path: Path, *options: object) -> Outcome:
    return cli("convert", model, "--to", to, "-o", path, *options)


@pytest.mark.parametrize("to", ["qonnx", "qcdq", "integer"])
@pytest.mark.parametrize("name", ["mlp", "forked", "two_inputs"])
def test_it_writes_a_proven_model(cli: Cli, models: Path, tmp_path: Path, name: str, to: str) -> None:
    path = tmp_path / "new" / f"{to}.onnx"
    outcome = converted(cli, models / f"{name}.onnx", to, path, "--frames", 12)
    assert outcome.code == 0
    verdict = json.loads(outcome.out.splitlines()[-1])
    assert (verdict["frames"], verdict["mismatches"], verdict["ties"]) == (12, 0, 0)
    assert verdict["compared"] > 100
    assert verdict["tensors"] >= 4
    model = onnx.load(path)
    domains = {node.domain for node in model.graph.node}
    assert domains == ({"", "qonnx.custom_op.general"} if to == "qonnx" else {""})
    if to != "qonnx":
        open_session(model)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_the_same_bytes_again(cli: Cli, models: Path, tmp_path: Path) -> None:
    """What qcompile wrote it may replace."""
    written = []
    for to in ("qcdq", "integer", "qcdq"):
        assert converted(cli, models / "mlp.onnx", to, tmp_path / "out.onnx", "--quiet").code == 0
        written.append((tmp_path / "out.onnx").read_bytes())
    assert written[0] == written[2] != written[1]


def test_qcdq_and_back(cli: Cli, models: Path, tmp_path: Path) -> None:
    """The integers of three models that were made of each other."""
    sources = [models / "mlp.onnx", tmp_path / "qcdq.onnx", tmp_path / "qonnx.onnx"]
    assert converted(cli, sources[0], "qcdq", sources[1]).code == 0
    assert converted(cli, sources[1], "qonnx", sources[2]).code == 0
    codes = np.random.default_rng(1).integers(0, 16, (20, 8))
    results = []
    for k, source in enumerate(sources):
        path = tmp_path / f"integer_{k}.onnx"
        assert converted(cli, source, "integer", path).code == 0
        model = onnx.load(path)
        session = open_session(model)
        (output,) = (value.name for value in model.graph.output)
        results.append(run_session(session, [output], {model.graph.input[0].name: codes})[output])
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])


@pytest.mark.parametrize("to", ["qonnx", "qcdq", "integer"])
def test_a_stated_type_and_own_frames(cli: Cli, models: Path, tmp_path: Path, to: str) -> None:
    np.savez(tmp_path / "x.npz", x=np.random.default_rng(2).integers(0, 256, (7, 1, 8)))
    options = ("--input", "uint8", "--vectors", tmp_path / "x.npz")
    outcome = converted(cli, models / "untyped.onnx", to, tmp_path / "out.onnx", *options)
    assert json.loads(outcome.out.splitlines()[-1])["frames"] == 7


def test_a_stranger_s_file_is_never_replaced(cli: Cli, models: Path, tmp_path: Path) -> None:
    path = tmp_path / "notes.onnx"
    path.write_text("mine")
    outcome = converted(cli, models / "mlp.onnx", "qcdq", path)
    assert outcome.error == (
        f"{path}: will not replace this file\n  why: qcompile did not write it\n"
        "  hint: choose another file, or add --force"
    )
    assert path.read_text() == "mine"
    assert converted(cli, models / "mlp.onnx", "qcdq", path, "--force").code == 0
    open_session(onnx.load(path))


def test_places_that_cannot_be_written(cli: Cli, models: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes((models / "mlp.onnx").read_bytes())
    assert "the output is the model itself" in converted(cli, model, "qcdq", model, "--force").error
    assert "it is a folder" in converted(cli, model, "qcdq", tmp_path).error
    assert "cannot write the output" in converted(cli, model, "qcdq", model / "below.onnx").error
    assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]


def test_a_dialect_that_there_is_not(cli: Cli, models: Path, tmp_path: Path) -> None:
    outcome = converted(cli, models / "mlp.onnx", "tflite", tmp_path / "out.onnx")
    assert outcome.error == "--to tflite\n  hint: it is qonnx, qcdq or integer"


def test_another_integer_is_a_mismatch(
    cli: Cli, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A converter that loses a bias on the way writes nothing."""
    real = converting.convert

    def faulty(*arguments: object) -> object:
        found = real(*arguments)  # type: ignore[arg-type]
        for tensor in found.model.graph.initializer:
            array = onnx.numpy_helper.to_array(tensor)
            if array.dtype == np.int8 and array.size > 4:
                changed = array.copy()
                changed.flat[0] += 1 if changed.flat[0] < 0 else -1
                tensor.CopyFrom(onnx.numpy_helper.from_array(changed, tensor.name))
                break
        return found

    monkeypatch.setattr(converting, "convert", faulty)
    outcome = converted(cli, models / "mlp.onnx", "qcdq", tmp_path / "out.onnx", "--quiet")
    assert outcome.code == 3
    assert "the two models differ in tensor" in outcome.err
    assert json.loads(outcome.out)["mismatches"] == 1
    assert list(tmp_path.iterdir()) == []
