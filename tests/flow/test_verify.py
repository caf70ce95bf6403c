"""`qcompile verify` on folders that are right, moved, incomplete or not what they say."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from qcompile.flow import check
from qcompile.ir.errors import CompilerError

from ..support import small_models
from ..support.outcome import Outcome

Cli = Callable[..., Outcome]

BOARDS = Path(check.__file__).parents[1] / "targets" / "boards"


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "design"
    shutil.copytree(built, copy)
    return copy


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_all_rungs(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a relative path, from elsewhere; nothing in the folder changes, nothing is left beside it."""
    before = files(folder)
    monkeypatch.chdir(folder.parent)
    outcome = cli("verify", "design")
    assert outcome.code == 0, outcome.err
    assert "ran: integer graph and model.int.onnx against onnxruntime on 64 frames" in outcome.out
    assert "ran: RTL against the integer graph on 16 frames" in outcome.out
    assert "ran: cocotb protocol tests: full_speed, idle_source, back_pressure, both" in outcome.out
    assert "skipped" not in outcome.out
    assert files(folder) == before
    assert [p.name for p in folder.parent.iterdir()] == ["design"]


def test_rungs_that_are_left_out_are_named(cli: Cli, built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "skipped: cocotb protocol tests: switched off" in cli("verify", built, "--no-protocol").out

    def absent() -> None:
        raise CompilerError("cannot simulate: Verilator is missing")

    with monkeypatch.context() as patch:
        patch.setattr(check, "find_shared_python", absent)
        outcome = cli("verify", built)
        assert outcome.code == 0
        assert "skipped: cocotb protocol tests: cannot simulate: Verilator is missing" in outcome.out
    monkeypatch.setattr(check, "find_toolchain", absent)
    outcome = cli("verify", built)
    assert outcome.code == 0
    assert "skipped: RTL: cannot simulate: Verilator is missing" in outcome.out
    assert outcome.verdict["rtl_frames"] == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("manifest.json", "a file of this output folder cannot be read"),
        ("model.int.onnx", "a file of this output folder cannot be read"),
        ("source.onnx", "source.onnx is missing or was changed"),
        ("folding.json", "the folding file cannot be read"),
        ("rtl/files.f", "the design in this folder cannot be read"),
        ("rtl/mlp.sv", "cannot build the simulation"),
        ("sim/bulk_bench.cpp", "cannot build the simulation"),
        ("sim/test_accelerator.py", "the design in this folder cannot be read"),
        ("sim/vectors", "the design in this folder cannot be read"),
    ],
)
def test_a_missing_file(cli: Cli, folder: Path, name: str, message: str) -> None:
    path = folder / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    error = cli("verify", folder).error
    assert message in error
    assert str(folder) in error or "mlp" in error


def test_a_missing_memory(cli: Cli, folder: Path) -> None:
    """The simulator warns of it, and the integers are wrong."""
    (folder / "memories" / "node_MatMul_10_matrix_vector_unit_weights.hex").unlink()
    outcome = cli("verify", folder, "--no-protocol", "--quiet")
    assert outcome.code in (2, 3)
    assert "node_MatMul_10_matrix_vector_unit" in outcome.err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.clear(), "this is no output folder of qcompile"),
        (lambda m: m.pop("options"), "manifest.json is damaged"),
        (lambda m: m.update(options=[]), "manifest.json is damaged"),
        (lambda m: m["options"].update(shapes=[]), "manifest.json is damaged"),
        (lambda m: m.update(clock_mhz="fast"), "manifest.json is damaged"),
        (lambda m: m["model"].pop("file"), "manifest.json is damaged"),
        (lambda m: m["qcompile"].update(schema=99), "another version of qcompile made this folder"),
        (lambda m: m["model"].update(copy_sha256="0"), "source.onnx is missing or was changed"),
        (lambda m: m.update(target="nowhere"), "unknown target 'nowhere'"),
        (lambda m: m.update(interval_cycles=7), "the files of this folder do not belong together"),
        (lambda m: m["inputs"][0].update(elements_per_beat=8), "the files of this folder do not belong together"),
        (lambda m: m["outputs"].clear(), "the files of this folder do not belong together"),
    ],
)
def test_a_manifest_that_was_changed(
    cli: Cli, folder: Path, change: Callable[[dict[str, object]], object], message: str
) -> None:
    path = folder / "manifest.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    assert message in cli("verify", folder).error


def test_a_manifest_that_was_cut(cli: Cli, folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text()[:200])
    assert "this is no output folder of qcompile" in cli("verify", folder).error


def test_an_edited_folding_file_is_for_compiling(cli: Cli, folder: Path) -> None:
    path = folder / "folding.json"
    content = json.loads(path.read_text())
    content["node_MatMul_10_matrix_vector_unit"]["SIMD"] = 8
    path.write_text(json.dumps(content))
    error = cli("verify", folder).error
    assert "the files of this folder do not belong together" in error
    assert "with --folding for an edited folding.json" in error


def test_a_model_with_external_data_is_kept_whole(cli: Cli, tmp_path: Path) -> None:
    model = tmp_path / "m" / "mlp.onnx"
    model.parent.mkdir()
    onnx.save_model(small_models.mlp(), model, save_as_external_data=True, location="weights.bin", size_threshold=0)
    out = tmp_path / "out"
    assert cli(model, "--target", "pynq-z2", "--no-sim", "-o", out, "--interval", "24").code == 0
    shutil.rmtree(model.parent)
    assert cli("verify", out, "--rtl-frames", "0").code == 0


def test_a_target_of_the_user_is_kept_too(cli: Cli, models: Path, tmp_path: Path) -> None:
    board = tmp_path / "mine.toml"
    board.write_text((BOARDS / "pynq-z2.toml").read_text().replace('name = "pynq-z2"', 'name = "mine"'))
    out = tmp_path / "out"
    assert cli(models / "mlp.onnx", "--target", board, "--no-sim", "-o", out).code == 0
    board.unlink()
    assert json.loads((out / "manifest.json").read_text())["target"] == "mine"
    assert cli("verify", out, "--rtl-frames", "0").code == 0


@pytest.mark.parametrize("options", [("--input", "uint8", "--input-scale", "0.0078125"), ("--input", "fixed<16,6>")])
def test_options_that_shape_the_design_are_kept(
    cli: Cli, models: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    model = models / "untyped.onnx"
    for more in ((), ("--clock", "80"), ("--shape", "1,8"), ("--accumulator-bits", "30")):
        out = tmp_path / "out"
        assert cli(model, "--target", "arty-a7-35t", "--no-sim", "-o", out, *options, *more).code == 0
        assert cli("verify", out, "--rtl-frames", "0").code == 0
