"""The same input gives the same bytes; what was used, given back, gives the same design."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ..support.outcome import Outcome

Cli = Callable[..., Outcome]

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits_mlp_w2a2" / "model.onnx"


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def compiled(cli: Cli, model: Path, folder: Path, *options: object) -> dict[str, bytes]:
    outcome = cli(model, "--target", "pynq-z2", "-o", folder, "--no-sim", *options)
    assert outcome.code == 0, outcome.err
    return files(folder)


def test_from_different_places_at_different_times(models: Path, tmp_path: Path) -> None:
    found = []
    for seed, (name, model) in enumerate((("one", str(models / "mlp.onnx")), ("two", "mlp.onnx"))):
        folder = tmp_path / name
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": str(seed)}
        command = [sys.executable, "-m", "qcompile", model, "--target", "pynq-z2", "-o", str(folder), "--no-sim"]
        subprocess.run(command, cwd=models if seed else tmp_path, env=environment, check=True, capture_output=True)
        found.append(files(folder))
    assert found[0] == found[1]


def test_simulated_too(cli: Cli, models: Path, built: Path, tmp_path: Path) -> None:
    arguments = (models / "mlp.onnx", "--target", "pynq-z2", "-o", tmp_path / "out", "--interval", "24")
    assert cli(*arguments).code == 0
    assert files(tmp_path / "out") == files(built)


def test_nothing_of_this_machine_is_inside(built: Path, models: Path) -> None:
    content = files(built)
    for trace in (str(models), str(built.parent), str(Path.cwd()), str(Path.home()) + "/", "/tmp/"):
        for name, data in content.items():
            assert trace.encode() not in data, f"{name} holds {trace}"


def round_trip(cli: Cli, model: Path, tmp_path: Path, *options: object) -> dict[str, bytes]:
    """The design, which is the same made from its own folding file."""
    first = compiled(cli, model, tmp_path / "first", *options)
    again = compiled(cli, model, tmp_path / "again", "--folding", tmp_path / "first" / "folding.json")
    assert again == first
    return first


@pytest.mark.parametrize("interval", [1, 3, 12, 24, 48])
@pytest.mark.parametrize("name", ["mlp", "forked", "two_inputs"])
def test_the_folding_file_gives_the_design_again(
    cli: Cli, models: Path, tmp_path: Path, name: str, interval: int
) -> None:
    round_trip(cli, models / f"{name}.onnx", tmp_path, "--interval", interval)


def test_an_order_of_the_products_chosen_for_its_latency(cli: Cli, tmp_path: Path) -> None:
    design = round_trip(cli, EXAMPLE, tmp_path, "--interval", 512, "--latency", 600)
    assert '"stationary": "input"' in design["folding.json"].decode()
    assert json.loads(design["manifest.json"])["latency_cycles"] <= 600


def test_of_the_example(cli: Cli, tmp_path: Path) -> None:
    round_trip(cli, EXAMPLE, tmp_path)
    design = round_trip(cli, EXAMPLE, tmp_path, "--fps", 300_000)
    assert json.loads(design["report.json"])["design"]["frames_per_second"] >= 300_000


def test_an_edited_file(cli: Cli, models: Path, tmp_path: Path) -> None:
    """Other foldings, memories and a deeper FIFO: used as they are, and given back."""
    model = models / "mlp.onnx"
    used = json.loads(compiled(cli, model, tmp_path / "out", "--interval", 24)["folding.json"])
    first, second = "node_MatMul_10_matrix_vector_unit", "node_MatMul_21_matrix_vector_unit"
    assert used[f"{second}_fifo"]["depth"] == 4
    used[first] |= {"PE": 3, "SIMD": 2, "ram_style": "block", "resType": "dsp"}
    used[second] |= {"PE": 2, "SIMD": 1}
    used["node_Quant_15_thresholding"]["engine"] = "binary_search"
    used[f"{second}_fifo"] = {"depth": 40, "ram_style": "block"}
    edited = tmp_path / "edited.json"
    edited.write_text(json.dumps(used))
    design = round_trip(cli, model, tmp_path, "--folding", edited)
    assert {k: v for k, v in json.loads(design["folding.json"]).items() if k in used} == used
    assert json.loads(design["manifest.json"])["interval_cycles"] == 12


def test_names_of_finn_and_defaults_give_the_same_design(cli: Cli, models: Path, tmp_path: Path) -> None:
    model = models / "mlp.onnx"
    ours = {
        "node_MatMul_10_matrix_vector_unit": {"PE": 2, "SIMD": 4, "ram_style": "distributed"},
        "node_Quant_15_thresholding": {"PE": 2},
        "node_MatMul_21_matrix_vector_unit": {"PE": 2, "SIMD": 3, "ram_style": "distributed"},
    }
    theirs = {
        "Defaults": {"PE": [2, "all"], "ram_style": ["distributed", ["MVAU"]]},
        "MVAU_hls_0": {"SIMD": 4, "mem_mode": "internal_decoupled"},
        "StreamingFCLayer_Batch_1": {"SIMD": 3},
        "LabelSelect_hls_0": {"PE": 1},
    }
    found = []
    for name, content in (("ours", ours), ("theirs", theirs)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
        found.append(compiled(cli, model, tmp_path / name, "--folding", tmp_path / f"{name}.json"))
    assert found[0] == found[1]


def test_a_partial_file_leaves_the_rest_to_the_search(cli: Cli, models: Path, tmp_path: Path) -> None:
    """A slow layer sets the pace: the others become the cheapest that keep it. A fast one alone does not."""
    slow, fast = tmp_path / "slow.json", tmp_path / "fast.json"
    slow.write_text('{"MVAU_1": {"PE": 1, "SIMD": 1}}')
    fast.write_text('{"Thresholding_rtl_0": {"PE": 6}}')
    model = models / "mlp.onnx"
    paced = compiled(cli, model, tmp_path / "slow", "--folding", slow)
    assert json.loads(paced["manifest.json"])["interval_cycles"] == 24
    assert json.loads(paced["folding.json"])["node_MatMul_10_matrix_vector_unit"]["PE"] < 6
    free = compiled(cli, model, tmp_path / "fast", "--folding", fast)
    assert json.loads(free["manifest.json"])["interval_cycles"] == 1


@pytest.mark.parametrize("name", ["tfc_w2a2", "tfc_w1a1"])
def test_finns_own_file(cli: Cli, shared_model: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    """PE and SIMD of FINN's TFC example: 64 cycles a layer by its formula, and here."""
    layers = {"0": (16, 49, "block"), "1": (8, 8, "auto"), "2": (8, 8, "auto"), "3": (10, 8, "distributed")}
    content = {f"MVAU_hls_{k}": {"PE": pe, "SIMD": simd, "ram_style": s} for k, (pe, simd, s) in layers.items()}
    content |= {"Defaults": {}, "Thresholding_hls_0": {"PE": 49, "ram_style": "distributed"}}  # type: ignore[dict-item]
    content["LabelSelect_hls_0"] = {"PE": 1}
    path = tmp_path / "finn.json"
    path.write_text(json.dumps(content))
    design = compiled(cli, shared_model(name), tmp_path / "out", "--folding", path, "--frames", 4)
    rows = json.loads(design["report.json"])["design"]["instances"]
    layers_made = [row for row in rows if row["kernel"] == "matrix_vector_unit"]
    assert [row["interval"] for row in layers_made] == [64, 64, 64, 8]
    assert [(row["settings"]["PE"], row["settings"]["SIMD"]) for row in layers_made] == [v[:2] for v in layers.values()]
    assert json.loads(design["manifest.json"])["interval_cycles"] == 64
