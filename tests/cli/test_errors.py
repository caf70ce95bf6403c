"""Everything a user can get wrong: exit code 2, one message with what, where and why, and nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from ..support import small_models
from ..support.onnx_models import ModelBuilder
from ..support.outcome import Outcome

Cli = Callable[..., Outcome]


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    """An output folder that nothing may appear in, or beside."""
    place = tmp_path / "place"
    place.mkdir()
    yield place / "out"
    assert list(place.iterdir()) == []


def compiled(cli: Cli, out: Path, model: Path, *options: object) -> Outcome:
    return cli(model, "--target", "pynq-z2", "-o", out, *options)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_no_file(cli: Cli, out: Path) -> None:
    assert compiled(cli, out, out.parent / "absent.onnx").error == (
        f"{out.parent / 'absent.onnx'}: there is no such file\n  hint: check the path of the model"
    )


def test_a_directory(cli: Cli, out: Path, tmp_path: Path) -> None:
    assert compiled(cli, out, tmp_path).error.startswith(f"{tmp_path}: this is a directory, not a model file")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (small_models.mlp().SerializeToString()[:-40], "cut short"),
        (b"This is a letter, not a model.\n", "this is not an ONNX model"),
    ],
)
def test_no_model(cli: Cli, out: Path, tmp_path: Path, content: bytes, message: str) -> None:
    path = written(tmp_path / "model.onnx", content)
    error = compiled(cli, out, path).error
    assert error.startswith(f"{path}: ")
    assert message in error
    assert "hint: export the model again" in error


def test_an_unreadable_model(cli: Cli, out: Path, tmp_path: Path) -> None:
    (tmp_path / "loop.onnx").symlink_to(tmp_path / "loop.onnx")
    assert "there is no such file" in compiled(cli, out, tmp_path / "loop.onnx").error


def test_external_data_is_missing(cli: Cli, out: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save_model(small_models.mlp(), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    (tmp_path / "weights.bin").unlink()
    error = compiled(cli, out, path).error
    assert error.startswith(f"{path}: the model keeps tensors in a file that cannot be read")
    assert "weights.bin" in error


def test_every_unknown_operator_is_listed(cli: Cli, out: Path, tmp_path: Path) -> None:
    b = ModelBuilder()
    x = b.quant("x")
    heads = [b.node(kind, [x]) for kind in ("Sin", "Frobnicate", "Cos")]
    onnx.save(b.model((1, 8), *heads), tmp_path / "model.onnx")
    error = compiled(cli, out, tmp_path / "model.onnx").error
    assert "the model holds what qcompile cannot compile" in error
    for kind in ("Sin", "Frobnicate", "Cos"):
        assert sum(f"({kind})" in line for line in error.splitlines()) == 1
    assert "hint: 'qcompile list ops' prints what it can" in error


def test_a_float_model(cli: Cli, out: Path, tmp_path: Path) -> None:
    b = ModelBuilder()
    y = b.node("MatMul", ["x", b.constant(np.random.default_rng(0).normal(size=(8, 4)))])
    onnx.save(b.model((1, 8), b.node("Relu", [y])), tmp_path / "model.onnx")
    error = compiled(cli, out, tmp_path / "model.onnx").error
    assert error.startswith(f"{tmp_path / 'model.onnx'}: ")
    assert "--input uint8" in error
    typed = compiled(cli, out, tmp_path / "model.onnx", "--input", "uint8").error
    assert "MatMul" in typed
    assert "quantise" in typed


def test_nan_in_the_weights(cli: Cli, out: Path, tmp_path: Path) -> None:
    model = small_models.mlp()
    tensor = next(t for t in model.graph.initializer if len(t.dims) == 2)
    values = numpy_helper.to_array(tensor).copy()
    values[1, 2] = np.nan
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    onnx.save(model, tmp_path / "model.onnx")
    error = compiled(cli, out, tmp_path / "model.onnx").error
    assert f"tensor {tensor.name}: holds a number that is not finite" in error


@pytest.mark.parametrize("scale", [0.0, -0.0, 1e-42, np.inf])
def test_a_scale_that_is_none(cli: Cli, out: Path, tmp_path: Path, scale: float) -> None:
    b = ModelBuilder()
    onnx.save(b.model((1, 8), b.quant("x", scale)), tmp_path / "model.onnx")
    error = compiled(cli, out, tmp_path / "model.onnx").error
    assert str(tmp_path / "model.onnx") in error
    assert "scale" in error or "not finite" in error


def test_unknown_target(cli: Cli, out: Path, models: Path) -> None:
    error = cli(models / "mlp.onnx", "--target", "pinq-z2", "-o", out).error
    assert error.startswith("unknown target 'pinq-z2'")
    assert "did you mean pynq-z2" in error
    assert "hint: `qcompile list targets`" in error


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"node_MatMul_10_matrix_vector_unit": {"pe": 2}}', "no such attribute: pe; did you mean PE?"),
        ('{"MVAU_hls_7": {"PE": 2}}', "MVAU_hls_7: no such node"),
        ('{"MVAU_hls_0": {"PE": 5}}', "MVAU_hls_0: PE must be one of 1, 2, 3, 6, not 5"),
        ('{"MVAU_hls_0": {"PE": 2}', ":1: the folding file is no JSON"),
        ('{"node_MatMul_21_matrix_vector_unit_fifo": {"depth": 0}}', "depth 0 is less than the"),
        ('{"node_MatMul_21_matrix_vector_unit_fifo": {"depth": 2}}', "depth 2 is less than the 3 beats that wait here"),
        ('{"node_Quant_15_thresholding_width_converter_fifo": {"depth": 4}}', "there are no such FIFOs at this folding"),
        ('{"StreamingFIFO_9": {"depth": 4}}', "StreamingFIFO_9: this design has"),
        ('{"node_Quant_15_thresholding_fifo": {"depth": 100000000}}', "with the FIFOs of the folding file the network"),
    ],
)
def test_folding_files(cli: Cli, out: Path, models: Path, tmp_path: Path, content: str, message: str) -> None:
    path = written(tmp_path / "folding.json", content.encode())
    options = ("--interval", "24") if "fifo" in content else ()
    error = compiled(cli, out, models / "mlp.onnx", "--no-sim", "--folding", path, *options).error
    assert error.startswith(str(path))
    assert message in error


def test_too_fast(cli: Cli, out: Path, models: Path) -> None:
    model = models / "mlp.onnx"
    assert "need more than one frame a cycle at 100 MHz" in compiled(cli, out, model, "--fps", "2e8").error
    slow = compiled(cli, out, model, "--fps", "1e8", "--folding", _one_by_one(out.parent.parent)).error
    assert "instance node_MatMul_10_matrix_vector_unit: 1 cycles a frame cannot be reached" in slow
    assert "it takes 48 cycles at the fastest folding it can have" in slow


def _one_by_one(folder: Path) -> Path:
    return written(folder / "slow.json", b'{"MVAU_0": {"PE": 1, "SIMD": 1}}')


def test_too_small_a_target(cli: Cli, out: Path, tmp_path: Path) -> None:
    b, rng = ModelBuilder(), np.random.default_rng(0)
    x = b.node("MatMul", [b.quant("x"), small_models.weights(b, rng, 1024, 1024, 8)])
    onnx.save(b.model((1, 1024), x), tmp_path / "large.onnx")
    error = cli(tmp_path / "large.onnx", "--target", "icebreaker", "-o", out, "--no-sim").error
    assert error.startswith("the network does not fit icebreaker")
    assert " of " in error
    assert "choose a larger target" in error


def test_accumulators_too_narrow(cli: Cli, out: Path, models: Path) -> None:
    error = compiled(cli, out, models / "mlp.onnx", "--accumulator-bits", "6").error
    assert error.startswith("not every accumulator fits 6 bits")
    assert "layer node_MatMul_10: " in error
    assert "channels need more (" in error
    assert compiled(cli, out.parent.parent / "wide", models / "mlp.onnx", "--accumulator-bits", "9", "--no-sim").code == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--shape", "1x"], "--shape 1x is no shape"),
        (["--shape", "1,0"], "--shape 1,0 is no shape"),
        (["--shape", "nobody:1,8"], "--shape names the input 'nobody'"),
        (["--shape", "2,8"], "has a batch axis of 2"),
        (["--input", "float"], "--input float names no integer type"),
        (["--input", "uint99"], "--input uint99 names no integer type"),
        (["--input", "fixed<16,6>", "--input-scale", "0.5"], "has a scale of its own"),
        (["--input", "uint8", "--input-scale", "-1"], "--input-scale -1 is not a positive number"),
        (["--input-scale", "0.5"], "--input-scale without --input"),
        (["--clock", "0"], "a clock of 0 MHz"),
        (["--clock", "nan"], "a clock of nan MHz"),
        (["--fps", "0"], "--fps 0 is not a positive number"),
        (["--fps", "nan"], "--fps nan is not a positive number"),
        (["--interval", "0"], "--interval 0 is not a positive number of cycles"),
        (["--fps", "10", "--interval", "10"], "--fps and --interval both state the speed"),
        (["--latency", "0"], "--latency 0 is neither a number of cycles nor 'lowest'"),
        (["--latency", "soon"], "--latency soon is neither a number of cycles nor 'lowest'"),
        (["--interval", "24", "--latency", "3"], "a first output within 3 cycles cannot be reached"),
    ],
)
def test_options(cli: Cli, out: Path, models: Path, options: list[str], message: str) -> None:
    assert message in compiled(cli, out, models / "mlp.onnx", *options).error


def test_the_input_has_no_type(cli: Cli, out: Path, models: Path) -> None:
    error = compiled(cli, out, models / "untyped.onnx").error
    assert "the input 'x' reaches MatMul without being quantised" in error
    assert "--input uint8" in error


@pytest.mark.parametrize(
    "arguments",
    [
        ["--frobnicate"],
        ["--rtl-frames", "-1"],
        ["--rtl-frames", "many"],
        ["--frames", "0"],
        ["--fps", "fast"],
        ["another.onnx"],
    ],
)
def test_usage(cli: Cli, out: Path, models: Path, arguments: list[str]) -> None:
    outcome = compiled(cli, out, models / "mlp.onnx", *arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert "Usage: qcompile compile" in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("arguments", [[], ["compile"], ["model.onnx"], ["verify"], ["list", "colours"]])
def test_usage_of_commands(cli: Cli, arguments: list[str]) -> None:
    outcome = cli(*arguments)
    assert outcome.code == 2
    assert "Usage: qcompile" in outcome.err + outcome.out


def vectors(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


GOOD = np.zeros((3, 8), np.float32)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "the vectors hold no array 'x'"),
        ({"y": GOOD}, "the vectors hold no array 'x'"),
        ({"x": np.zeros((3, 7))}, "does not fit the input 'x' of shape (1, 8)"),
        ({"x": np.zeros(8)}, "does not fit the input 'x' of shape (1, 8)"),
        ({"x": np.zeros((0, 8))}, "does not fit the input 'x' of shape (1, 8)"),
        ({"x": np.float32(1)}, "does not fit the input 'x'"),
        ({"x": np.array(["a"] * 8)}, "does not fit the input 'x'"),
        ({"x": np.zeros((3, 8), complex)}, "does not fit the input 'x'"),
        ({"x": np.full((3, 8), np.nan)}, "the frames of 'x' hold numbers that are not finite"),
        ({"x": np.full((3, 8), 1e300)}, "the frames of 'x' hold numbers that are not finite"),
        ({"x": GOOD, "y": np.zeros((2, 4))}, "the arrays hold different numbers of frames"),
        ({"x": GOOD, "y": np.zeros((3, 5))}, "does not fit the output 'MatMul_21' of shape (1, 4)"),
        ({"x": GOOD, "y": np.zeros(())}, "does not fit the output 'MatMul_21'"),
        ({"x": GOOD, "y": np.full((3, 4), np.inf)}, "the outputs of 'MatMul_21' hold numbers that are not finite"),
        ({"x": GOOD, "y": np.array([["a"] * 4] * 3)}, "does not fit the output 'MatMul_21'"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_vectors(cli: Cli, out: Path, models: Path, tmp_path: Path, arrays: dict[str, object], message: str) -> None:
    path = vectors(tmp_path / "vectors.npz", **arrays)
    error = compiled(cli, out, models / "mlp.onnx", "--vectors", path).error
    assert error.startswith(f"{path}: ")
    assert message in error


@pytest.mark.parametrize("content", [b"", b"PK", b"x,y\n1,2\n", b"PK\x03\x04" + bytes(60)])
def test_vectors_that_are_no_archive(cli: Cli, out: Path, models: Path, tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path / "vectors.npz", content)
    assert compiled(cli, out, models / "mlp.onnx", "--vectors", path).error.startswith(
        f"{path}: the vectors cannot be read"
    )


def test_vectors_of_other_kinds(cli: Cli, out: Path, models: Path, tmp_path: Path) -> None:
    model = models / "mlp.onnx"
    assert "cannot be read" in compiled(cli, out, model, "--vectors", tmp_path / "absent.npz").error
    np.save(tmp_path / "x.npy", GOOD)
    assert "cannot be read" in compiled(cli, out, model, "--vectors", tmp_path / "x.npy").error
    pickled = vectors(tmp_path / "pickled.npz", x=np.array([{"a": 1}], object))
    assert "cannot be read" in compiled(cli, out, model, "--vectors", pickled).error
    damaged = vectors(tmp_path / "damaged.npz", x=np.arange(4096.0))
    data = bytearray(damaged.read_bytes())
    data[600:700] = bytes(100)
    assert "cannot be read" in compiled(cli, out, model, "--vectors", written(damaged, bytes(data))).error


def test_several_inputs_and_outputs_need_names(cli: Cli, out: Path, models: Path, tmp_path: Path) -> None:
    model = models / "two_inputs.onnx"
    one = vectors(tmp_path / "one.npz", x=GOOD)
    assert "the vectors hold no array 'z'" in compiled(cli, out, model, "--vectors", one).error
    ends = vectors(tmp_path / "ends.npz", x=GOOD, z=np.zeros((3, 6)), y=np.zeros((3, 4)))
    error = compiled(cli, out, model, "--vectors", ends).error
    assert "y stands for one output" in error
    assert "this model has MatMul_10, MatMul_20" in error


def test_an_output_folder_that_is_not_ours(cli: Cli, models: Path, tmp_path: Path) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter1.tex").write_text("years of work")
    error = compiled(cli, folder, models / "mlp.onnx").error
    assert error.startswith(f"{folder}: will not replace this folder")
    (folder / "manifest.json").write_text("{}")
    assert "will not replace this folder" in compiled(cli, folder, models / "mlp.onnx").error
    assert (folder / "chapter1.tex").read_text() == "years of work"
    file = written(tmp_path / "file", b"")
    assert "it is a file, not a folder" in compiled(cli, file, models / "mlp.onnx").error
    assert "cannot write the output" in compiled(cli, file / "below", models / "mlp.onnx", "--no-sim").error


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take rights from itself with a read-only mount")
def test_an_output_folder_that_cannot_be_written(models: Path, tmp_path: Path) -> None:
    outcome = _mounted(models, tmp_path, "size=1m,ro")
    assert outcome.error.startswith(f"{tmp_path / 'disk' / 'out'}: cannot write the output")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
@pytest.mark.parametrize("size", ["16k", "48k", "96k"])
def test_a_full_disk(models: Path, tmp_path: Path, size: str) -> None:
    outcome = _mounted(models, tmp_path, f"size={size}")
    assert outcome.error.startswith(f"{tmp_path / 'disk' / 'out'}: cannot write the output")
    assert "there is no space left on this disk" in outcome.error
    assert "free some space" in outcome.error


def _mounted(models: Path, tmp_path: Path, options: str) -> Outcome:
    """Compiles onto a small disk of its own; nothing may be left on it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    script = f"""
        mount -t tmpfs -o {options} tmpfs '{disk}' || exit 77
        '{sys.executable}' -m qcompile '{models / "mlp.onnx"}' --target pynq-z2 -o '{disk / "out"}' --no-sim --quiet
        code=$?
        ls -A '{disk}' > '{tmp_path / "left"}'
        exit $code
    """
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    # A mount namespace of its own: the disk is gone with it.
    finished = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False, env=_environment()
    )
    if finished.returncode == 77 or "unshare failed" in finished.stderr:
        pytest.skip(f"no mounting here: {finished.stderr}")
    assert (tmp_path / "left").read_text() == ""
    return Outcome(finished.returncode, finished.stdout, finished.stderr)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def test_a_dump_that_cannot_be_written(cli: Cli, out: Path, models: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "file", b"")
    assert "cannot write the graphs" in compiled(cli, out, models / "mlp.onnx", "--dump", file).error
    (tmp_path / "dump" / "00_import.json").mkdir(parents=True)
    assert "cannot write the graphs" in compiled(cli, out, models / "mlp.onnx", "--dump", tmp_path / "dump").error


@pytest.mark.parametrize("command", [("verify",), ("report",)])
def test_folders_that_are_not_ours(cli: Cli, tmp_path: Path, command: tuple[str, ...]) -> None:
    assert str(tmp_path) in cli(*command, tmp_path).error
    assert "absent" in cli(*command, tmp_path / "absent").error
    (tmp_path / "manifest.json").write_text(json.dumps({"name": "web app"}))
    (tmp_path / "report.json").write_text("[]")
    assert str(tmp_path) in cli(*command, tmp_path).error
