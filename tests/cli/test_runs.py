"""What the commands print and return when they run to their end, in every mode."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import qcompile
from qcompile.cli import app
from qcompile.flow import compile as compiling
from qcompile.verify.comparison import Mismatch

from ..support.outcome import Outcome

Cli = Callable[..., Outcome]


def files(folder: Path) -> dict[str, bytes]:
    """Everything in a folder, by path."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def process(*arguments: object, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **variables}
    command = [sys.executable, "-m", "qcompile", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_the_last_line_is_the_verdict(cli: Cli, models: Path, tmp_path: Path) -> None:
    for quiet in ([], ["--quiet"]):
        outcome = cli(models / "mlp.onnx", "--target", "pynq-z2", "-o", tmp_path / "out", "--no-sim", *quiet)
        assert outcome.code == 0
        assert outcome.verdict | {"interval": 0, "latency": 0} == {
            "frames": 64, "mismatches": 0, "ties": 0, "rtl_frames": 0, "rtl_mismatches": 0, "interval": 0, "latency": 0
        }  # fmt: skip
        assert (len(outcome.out.splitlines()) == 1) == bool(quiet)
        assert (outcome.err == "") == bool(quiet)


def test_verify_prints_it_too(cli: Cli, built: Path) -> None:
    manifest = json.loads((built / "manifest.json").read_text())
    outcome = cli("verify", built, "--quiet", "--no-protocol")
    assert outcome.code == 0
    assert outcome.out.count("\n") == 1
    assert outcome.err == ""
    assert outcome.verdict["rtl_frames"] == 16
    assert outcome.verdict["interval"] == manifest["interval_cycles"]
    assert outcome.verdict["latency"] == manifest["latency_cycles"]


def test_the_number_of_frames(cli: Cli, built: Path, models: Path, tmp_path: Path) -> None:
    """`--rtl-frames` beyond the random frames asks for more of them."""
    outcome = cli("verify", built, "--quiet", "--no-protocol", "--rtl-frames", "80")
    assert (outcome.verdict["frames"], outcome.verdict["rtl_frames"]) == (80, 80)
    arguments = (models / "mlp.onnx", "--target", "pynq-z2", "--no-sim", "--quiet", "--frames", "5")
    assert cli(*arguments, "-o", tmp_path / "out").verdict["frames"] == 5
    np.savez(tmp_path / "v.npz", x=np.random.default_rng(0).random((7, 8)))
    outcome = cli("verify", built, "--quiet", "--no-protocol", "--vectors", tmp_path / "v.npz")
    assert (outcome.verdict["frames"], outcome.verdict["rtl_frames"]) == (7, 7)


def given(models: Path, path: Path, wrong: int | None = None) -> Path:
    """A file of vectors with outputs, one of them wrong."""
    import onnxruntime  # noqa: F401 - the reference runs on it

    from qcompile.frontend.load import load_model
    from qcompile.frontend.reference import make_reference

    x = np.random.default_rng(5).random((20, 8), np.float32) * 2
    y = make_reference(load_model(models / "mlp.onnx")).run(x)["MatMul_21"].copy()
    if wrong is not None:
        y[wrong, 0, 1] += 0.25
    np.savez(path, x=x, y=y)
    return path


def test_outputs_of_the_user(cli: Cli, built: Path, models: Path, tmp_path: Path) -> None:
    right = given(models, tmp_path / "right.npz")
    outcome = cli("verify", built, "--no-protocol", "--vectors", right)
    assert outcome.code == 0
    assert (outcome.verdict["frames"], outcome.verdict["mismatches"]) == (20, 0)


def test_a_wrong_y_is_a_mismatch_and_nothing_is_overwritten(
    cli: Cli, built: Path, models: Path, tmp_path: Path
) -> None:
    wrong = given(models, tmp_path / "wrong.npz", wrong=11)
    outcome = cli("verify", built, "--no-protocol", "--vectors", wrong)
    assert outcome.code == 3
    assert outcome.verdict["mismatches"] == 1
    assert "mismatch: integer graph: frame 11: the given y is not what the integers stand for" in outcome.err
    out = tmp_path / "out"
    assert cli(models / "mlp.onnx", "--target", "pynq-z2", "--no-sim", "-o", out).code == 0
    before = files(out)
    for quiet in ([], ["--quiet"]):
        outcome = cli(models / "mlp.onnx", "--target", "pynq-z2", "-o", out, "--vectors", wrong, *quiet)
        assert outcome.code == 3
        assert outcome.verdict | {"interval": 0, "latency": 0} == {
            "frames": 20, "mismatches": 1, "ties": 0, "rtl_frames": 0, "rtl_mismatches": 0, "interval": 0, "latency": 0
        }  # fmt: skip
        assert "frame 11: the given y" in outcome.err
        assert "Traceback" not in outcome.err
    assert files(out) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "wrong.npz"]


def test_named_outputs(cli: Cli, models: Path, tmp_path: Path) -> None:
    """Of a model with several outputs, each that is given by its name is compared."""
    rng = np.random.default_rng(0)
    arguments = (models / "two_inputs.onnx", "--target", "pynq-z2", "--no-sim", "-o", tmp_path / "out", "--vectors")
    arrays = {"x": rng.random((4, 8)), "z": rng.random((4, 6))}
    np.savez(tmp_path / "v.npz", **arrays, MatMul_20=np.full((4, 4), 1000.0))
    outcome = cli(*arguments, tmp_path / "v.npz")
    assert (outcome.code, outcome.verdict["mismatches"]) == (3, 4)
    np.savez(tmp_path / "v.npz", **arrays)
    assert cli(*arguments, tmp_path / "v.npz").code == 0


def test_an_internal_error_shows_where(cli: Cli, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(compiling, "generate", broken)
    outcome = cli(models / "mlp.onnx", "--target", "pynq-z2", "--no-sim", "-o", tmp_path / "out")
    assert outcome.code == 70
    assert "RuntimeError: a bug" in outcome.err
    assert outcome.err.endswith("internal error: please report this with the model, if you may share it\n")
    assert list(tmp_path.iterdir()) == []


def test_what_the_machine_refuses_is_no_bug(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device", "/tmp/qcompile-1234")

    monkeypatch.setattr(app, "compile_model", full)
    assert cli("m.onnx", "--target", "t").error == "/tmp/qcompile-1234: No space left on device\n"[:-1]


def test_nobody_reads_the_output(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "qcompile", "list", "ops"]
    finished = subprocess.run(command, env=environment, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert finished.returncode == 141
    assert finished.stderr == ""


def test_a_terminal_of_plain_ascii(models: Path, tmp_path: Path) -> None:
    finished = process(
        "estimate", models / "mlp.onnx", "--target", "pynq-z2", cwd=tmp_path, PYTHONIOENCODING="ascii", LC_ALL="C"
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.isascii()


def test_names_are_shown_as_they_are(cli: Cli, models: Path, tmp_path: Path) -> None:
    """Square brackets and colons are not taken for styles and pictures."""
    folder = tmp_path / "[bold]:tada: out"
    shutil.copy(models / "mlp.onnx", tmp_path / "m[0]:cat:.onnx")
    outcome = cli(tmp_path / "m[0]:cat:.onnx", "--target", "pynq-z2", "--no-sim", "-o", folder)
    assert outcome.code == 0
    assert f"output: {folder}" in outcome.out
    assert "m[0]:cat:.onnx for pynq-z2" in (folder / "rtl" / "m_0_cat.sv").read_text()


@pytest.mark.parametrize(
    ("name", "top"), [("module", "module_top"), ("fifo", "fifo_top"), ("3d net", "n3d_net"), ("Fifo", "Fifo_top")]
)
def test_names_that_cannot_be_modules(cli: Cli, models: Path, tmp_path: Path, name: str, top: str) -> None:
    shutil.copy(models / "mlp.onnx", tmp_path / f"{name}.onnx")
    outcome = cli(tmp_path / f"{name}.onnx", "--target", "pynq-z2", "--no-sim", "-o", tmp_path / "out")
    assert outcome.code == 0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["top"] == top
    assert f"module {top} (" in (tmp_path / "out" / "rtl" / f"{top}.sv").read_text()


def test_other_commands(cli: Cli, built: Path, models: Path) -> None:
    assert cli("--version").out == f"qcompile {qcompile.__version__}\n"
    assert cli("--help").code == 0
    for catalogue in ("targets", "ops", "kernels", "passes"):
        assert cli("list", catalogue).code == 0
    assert "pynq-z2" in cli("list", "targets").out
    assert "24 cycles a frame on pynq-z2" in cli("report", built).out
    estimated = cli("estimate", models / "mlp.onnx", "--target", "pynq-z2", "--interval", "24")
    assert estimated.code == 0
    assert "24 cycles a frame" in estimated.out
    explained = cli("explain", models / "mlp.onnx", "node_MatMul_10")
    assert "kernel matrix_vector_unit" in explained.out
    assert "the model has no node 'node_MatMul_1'" in cli("explain", models / "mlp.onnx", "node_MatMul_1").error


def test_notes_of_the_folding_file(cli: Cli, models: Path, tmp_path: Path) -> None:
    path = tmp_path / "finn.json"
    path.write_text(json.dumps({"Thresholding_rtl_0": {"PE": 8}, "MVAU_hls_0": {"PE": 2}, "LabelSelect_hls_0": {}}))
    arguments = (models / "mlp.onnx", "--target", "pynq-z2", "--no-sim", "--quiet", "-o", tmp_path / "out")
    outcome = cli(*arguments, "--folding", path)
    assert outcome.code == 0
    assert outcome.err.splitlines() == [
        "note: Thresholding_rtl_0 has no effect: the host quantises the input (with --input uint8 hardware does)",
        "note: LabelSelect_hls_0 has no effect: the model has no ArgMax, so the host looks for the greatest output",
    ]


def test_a_mismatch_names_the_place() -> None:
    assert str(Mismatch(3, 0, 1, 2, 5, -6)) == "frame 3, output 0, beat 1, lane 2: expected 5, got -6"
