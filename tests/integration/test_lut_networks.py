"""LUT netlists from an ONNX file to simulated RTL: alone, beside folded layers, behind windows."""

import json
from pathlib import Path

import onnx
import pytest

from qcompile.cli import main
from qcompile.flow.estimate import estimate_model
from qcompile.flow.options import Options
from qcompile.flow.progress import Progress
from qcompile.folding.cost import Budget, total_resources

from ..support.lut_models import convolutional, mixed, perceptron

Verdict = dict[str, int]


def compiled(
    model: onnx.ModelProto, folder: Path, capsys: pytest.CaptureFixture[str], *options: str, expect_rtl: int = 14
) -> Verdict:
    """Compiles to folder/build; the verdict, after the checks that hold for every network."""
    onnx.save(model, folder / "model.onnx")
    arguments = [str(folder / "model.onnx"), "--target", "pynq-z2", "-o", str(folder / "build"), "--rtl-frames", "14"]
    assert main([*arguments, *options]) == 0
    verdict: Verdict = json.loads(capsys.readouterr().out.splitlines()[-1])
    manifest = json.loads((folder / "build" / "manifest.json").read_text(encoding="utf-8"))
    assert (verdict["mismatches"], verdict["ties"], verdict["rtl_mismatches"]) == (0, 0, 0)
    assert verdict["rtl_frames"] == expect_rtl
    assert verdict["interval"] == manifest["interval_cycles"]
    assert verdict["latency"] == manifest["latency_cycles"]
    return verdict


def kinds(folder: Path) -> list[str]:
    """The kernels of a folder, in order, without what stands between them."""
    report = json.loads((folder / "build" / "report.json").read_text(encoding="utf-8"))
    between = ("fifo", "width_converter", "stream_fork")
    return [row["kernel"] for row in report["design"]["instances"] if row["kernel"] not in between]


def test_a_whole_network_takes_a_frame_each_cycle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verdict = compiled(perceptron(), tmp_path, capsys, "--engine", "lut", "--quiet")
    assert kinds(tmp_path) == ["lut_netlist"]
    assert verdict["interval"] == 1
    report = json.loads((tmp_path / "build" / "report.json").read_text(encoding="utf-8"))
    assert [(row["layer"].split(",")[0], len(row["neurons"])) for row in report["netlists"]][-1][1] == 1
    assert report["tables"]["proven"] == 12 + 10 + 4 + 1
    assert report["tables"]["patterns"] > 12 * 64
    # A register behind each of the layers: three products and the ArgMax.
    assert verdict["latency"] == 4


def test_a_vector_in_several_beats(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compiled(perceptron(), tmp_path, capsys, "--engine", "lut", "--no-sim", "--quiet", expect_rtl=0)
    folding = json.loads((tmp_path / "build" / "folding.json").read_text(encoding="utf-8"))
    (name,) = (name for name in folding if name != "Defaults")
    settings = {"engine": "lut", "layers": 4, "lut_stages": 0, "SIMD": 16, "preferred_impl_style": "rtl"}
    assert folding[name] == settings
    (tmp_path / "folding.json").write_text(json.dumps({name: {**folding[name], "SIMD": 4, "lut_stages": 1}}))
    verdict = compiled(perceptron(), tmp_path, capsys, "--folding", str(tmp_path / "folding.json"), "--quiet")
    assert verdict["interval"] == 4
    (tmp_path / "folding.json").write_text(json.dumps({name: {"engine": "lut", "layers": 5}}))
    arguments = [str(tmp_path / "model.onnx"), "--target", "pynq-z2", "-o", str(tmp_path / "build")]
    assert main([*arguments, "--folding", str(tmp_path / "folding.json")]) == 2
    assert "'layers' must be less" in capsys.readouterr().err


def test_the_rendered_files_are_proven_by_sat(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pysat", reason="python-sat is not installed")
    onnx.save(perceptron(), tmp_path / "model.onnx")
    folder = tmp_path / "build"
    arguments = [str(tmp_path / "model.onnx"), "--target", "pynq-z2", "-o", str(folder), "--no-sim", "--quiet"]
    assert main([*arguments, "--engine", "lut"]) == 0
    check = ["verify", str(folder), "--formal", "--rtl-frames", "0"]
    assert main(check) == 0
    assert "SAT: the Verilog of 4 layers of LUT netlists against the tables of 27 neurons" in capsys.readouterr().out
    file = min(f for f in (folder / "rtl").iterdir() if "wire logic n0_b1 = " in f.read_text())
    text = file.read_text()
    file.write_text(text.replace("wire logic n0_b1 = ", "wire logic n0_b1 = !"))
    assert main(check) == 3
    assert "neuron 0: bits " in capsys.readouterr().err


def test_registers_every_so_many_levels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verdict = compiled(perceptron(), tmp_path, capsys, "--engine", "lut", "--lut-stages", "2", "--quiet")
    assert verdict["latency"] < 4


def test_folded_and_tables_in_one_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compiled(mixed(), tmp_path, capsys, "--engine", "auto", "--quiet")
    assert kinds(tmp_path) == ["matrix_vector_unit", "thresholding", "lut_netlist"]


def test_the_folding_file_gives_the_same_design_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compiled(mixed(), tmp_path, capsys, "--engine", "auto", "--lut-stages", "3", "--quiet")
    first = {p.relative_to(tmp_path): p.read_bytes() for p in (tmp_path / "build" / "rtl").iterdir()}
    (tmp_path / "folding.json").write_bytes((tmp_path / "build" / "folding.json").read_bytes())
    assert main(["verify", str(tmp_path / "build"), "--rtl-frames", "3", "--no-protocol", "--quiet"]) == 0
    capsys.readouterr()
    compiled(mixed(), tmp_path, capsys, "--folding", str(tmp_path / "folding.json"), "--quiet")
    assert first == {p.relative_to(tmp_path): p.read_bytes() for p in (tmp_path / "build" / "rtl").iterdir()}
    assert (tmp_path / "folding.json").read_bytes() == (tmp_path / "build" / "folding.json").read_bytes()


def test_what_is_too_large_is_refused_with_its_cost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    onnx.save(mixed(), tmp_path / "model.onnx")
    arguments = [str(tmp_path / "model.onnx"), "--target", "pynq-z2", "-o", str(tmp_path / "build"), "--quiet"]
    assert main([*arguments, "--engine", "lut"]) == 2
    said = capsys.readouterr().err
    assert "12 of 12 neurons read more than 14 bits; neuron 0 reads 64 (16 inputs of uint4)" in said
    assert "LUTs" in said
    assert main([*arguments, "--engine", "lut", "--lut-inputs", "7"]) == 2
    said = capsys.readouterr().err
    # LogicNets' formula for 8 bits to 2: 2 / 3 * (2 ** 4 - 1).
    assert "10 of 10 neurons read more than 7 bits" in said
    assert "8 (4 inputs of uint2): a table of about 10 LUTs" in said
    for wrong in (["--engine", "tables"], ["--lut-inputs", "40"], ["--lut-stages", "-1"]):
        assert main([*arguments, *wrong]) == 2
        assert wrong[0] in capsys.readouterr().err


def test_the_defaults_of_a_folding_file_name_an_engine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folding = tmp_path / "folding.json"
    for model, defaults, options, expected in (
        (perceptron(), ["lut", "all"], (), ["lut_netlist"]),
        (perceptron(), ["lut", ["MVAU"]], (), ["lut_netlist", "argmax"]),
        (mixed(), ["folded", "all"], ("--engine", "auto"), ["matrix_vector_unit", "thresholding"] * 2 + ["matrix_vector_unit"]),
        (mixed(), ["folded", ["matrix_vector_unit"]], ("--engine", "auto"), ["matrix_vector_unit", "thresholding"] * 2),
    ):
        folding.write_text(json.dumps({"Defaults": {"engine": defaults}}))
        compiled(model, tmp_path, capsys, "--folding", str(folding), "--no-sim", "--quiet", *options, expect_rtl=0)
        assert kinds(tmp_path)[: len(expected)] == expected
    onnx.save(mixed(), tmp_path / "model.onnx")
    arguments = [str(tmp_path / "model.onnx"), "--target", "pynq-z2", "-o", str(tmp_path / "build"), "--quiet"]
    for wrong, message in ((["lut", "all"], "neurons read more than 14 bits"), (["tables", "all"], "engine must be one of")):
        folding.write_text(json.dumps({"Defaults": {"engine": wrong}}))
        assert main([*arguments, "--folding", str(folding)]) == 2
        assert message in capsys.readouterr().err


def test_a_node_is_explained_where_it_is_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    onnx.save(perceptron(), tmp_path / "model.onnx")
    node = next(n.name for n in onnx.load(tmp_path / "model.onnx").graph.node if n.op_type == "MatMul")
    arguments = ["explain", str(tmp_path / "model.onnx"), node]
    assert main([*arguments, "--target", "pynq-z2", "--engine", "lut"]) == 0
    said = capsys.readouterr().out
    assert "kernel lut_netlist" in said
    assert "truth tables: layer 1 of 4 (" in said
    assert "12 neurons of uint2 that read 6 bits each, " in said
    assert main(arguments) == 0
    assert "kernel matrix_vector_unit" in capsys.readouterr().out
    assert main([*arguments, "--engine", "lut"]) == 2
    assert "need to know the target" in capsys.readouterr().err


def test_a_folding_file_says_which_layers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    onnx.save(mixed(), tmp_path / "model.onnx")
    arguments = [str(tmp_path / "model.onnx"), "--target", "pynq-z2", "-o", str(tmp_path / "build"), "--no-sim", "--quiet"]
    folding = tmp_path / "folding.json"

    def with_file(content: object, *options: str) -> int:
        folding.write_text(json.dumps(content))
        return main([*arguments, "--folding", str(folding), *options])

    assert with_file({"MVAU_1": {"engine": "lut", "lut_stages": 2, "PE": 5}}) == 0
    assert "PE of MVAU_1 has no effect: the node is part of" in capsys.readouterr().err
    assert kinds(tmp_path) == ["matrix_vector_unit", "thresholding", "lut_netlist", "matrix_vector_unit"]
    assert with_file({"MVAU_0": {"engine": "folded"}}, "--engine", "lut") == 0
    assert kinds(tmp_path) == ["matrix_vector_unit", "thresholding", "lut_netlist"]
    assert with_file({"MVAU_1": {"PE": 1}, "MVAU_2": {"SIMD": 1}}, "--engine", "auto") == 0
    assert "lut_netlist" not in kinds(tmp_path)
    assert with_file({"MVAU_0": {"engine": "lut"}}) == 2
    assert "neurons read more than 14 bits" in capsys.readouterr().err


@pytest.mark.parametrize("interval", [1, 4, 40, 400])
def test_auto_is_never_dearer_than_folded(tmp_path: Path, interval: int) -> None:
    onnx.save(mixed(), tmp_path / "model.onnx")

    def cost(engine: str) -> tuple[float, set[str]]:
        options = Options(model=tmp_path / "model.onnx", target="pynq-z2", interval=interval, engine=engine)
        made = estimate_model(options, Progress()).prepared
        budget = Budget.of(made.target)
        used = {instance.kernel.kind for instance in made.dataflow.instances}
        return budget.share(total_resources(made.dataflow, made.target)), used

    (auto, kernels), (folded, _) = cost("auto"), cost("folded")
    assert auto <= folded
    # At a frame a cycle, tables of eight bits cost less than multipliers.
    assert interval > 1 or "lut_netlist" in kernels


@pytest.mark.parametrize("interval", [None, 600])
def test_behind_windows(tmp_path: Path, capsys: pytest.CaptureFixture[str], interval: int | None) -> None:
    asked = [] if interval is None else ["--interval", str(interval)]
    folding = tmp_path / "folding.json"
    folding.write_text('{"node_Conv_10_matrix_vector_unit": {"engine": "lut"}, "MVAU_1": {"engine": "lut"}}')
    compiled(convolutional(), tmp_path, capsys, "--folding", str(folding), *asked, "--quiet")
    made = kinds(tmp_path)
    assert made.count("lut_netlist") == 1
    assert made.count("matrix_vector_unit") == 1
