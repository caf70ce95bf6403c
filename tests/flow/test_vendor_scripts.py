"""The Tcl scripts of an output folder, run with stand-ins for the vendor's commands that refuse what is not documented."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ..support.outcome import Outcome
from ..support.vendor_tcl import VITIS_HLS, VIVADO, Call, Command, run_script

Cli = Callable[..., Outcome]

STEPS = ("csim", "csynth", "cosim", "export")
EXPORTED = {"-format": "ip_catalog", "-vendor": "qcompile", "-library": "hls", "-version": "1.0"}


@pytest.fixture
def folder(cli: Cli, models: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Compiles a small network, elsewhere than where scripts are run from, with white space on the way; `mixed` has a layer
    in HLS C++.
    """

    def compiled(backend: str) -> Path:
        place, folding = tmp_path / "my design", tmp_path / "folding.json"
        folding.write_text('{"MVAU_0": {"preferred_impl_style": "hls"}}' if backend == "mixed" else "{}")
        arguments = ("--target", "pynq-z2", "--backend", backend, "--folding", folding, "--clock", "80", "-o", place)
        outcome = cli(models / "mlp.onnx", *arguments, "--no-sim", "--frames", "4")
        assert outcome.code == 0, outcome.err
        return place

    return compiled


def named(calls: list[Call], name: str) -> list[Call]:
    return [call for call in calls if call.name == name]


def only(calls: list[Call], name: str) -> Call:
    (call,) = named(calls, name)
    return call


@pytest.mark.parametrize("steps", [(), *((step,) if step in ("csim", "csynth") else ("csynth", step) for step in STEPS)])
@pytest.mark.parametrize("backend", ["hls", "mixed"])
def test_vitis_hls(folder: Callable[[str], Path], tmp_path: Path, backend: str, steps: tuple[str, ...]) -> None:
    """The steps asked for, in order, on files that are there; `-f` and its file are among the arguments."""
    place = folder(backend)
    scripts = sorted((place / "hls").rglob("run_hls.tcl"))
    assert len(scripts) == 1
    here = scripts[0].parent
    calls = run_script(scripts[0], VITIS_HLS, tmp_path, "-f", "run_hls.tcl", *steps)
    function = here.name if backend == "mixed" else "mlp"
    sources, bench = named(calls, "add_files")
    assert (sources.words, sources.flags) == (("top.cpp",), frozenset())
    assert (bench.words, bench.flags) == (("tb.cpp",), frozenset({"-tb"}))
    assert all((here / name).exists() for name in (*sources.words, *bench.words))
    assert "-std=c++17" in sources.options["-cflags"]
    assert only(calls, "set_top").words == (function,)
    assert f"void {function}(" in (here / "top.cpp").read_text()
    assert only(calls, "set_part").words == ("xc7z020clg400-1",)
    assert only(calls, "create_clock").options["-period"] == "12.500"
    assert only(calls, "open_solution").options == {"-flow_target": "vivado"}
    vectors = (here / "vectors" if backend == "mixed" else place / "sim" / "vectors").resolve()
    assert (vectors / "input_0.bin").exists()
    ran = [call for call in calls if call.name.removesuffix("_design") in STEPS]
    assert [call.name for call in ran] == [f"{step}_design" for step in steps or STEPS]
    for call in ran:
        match call.name:
            case "csim_design" | "cosim_design":
                # One argument of the program, white space in it or not.
                assert call.options == {"-argv": f"{{{vectors}}}"}
            case "export_design":
                assert call.options == {**EXPORTED, "-ipname": function}


def test_vivado(folder: Callable[[str], Path], tmp_path: Path) -> None:
    """Every file it names is there, all of them are named, the way to the memories is that of the sources."""
    place = folder("rtl")
    calls = run_script(place / "scripts" / "vivado.tcl", VIVADO, tmp_path)
    read = named(calls, "read_verilog")
    assert all(call.flags == {"-sv"} for call in read)
    files = [(place / "scripts" / call.words[0]).resolve() for call in read]
    assert sorted(files) == sorted((place / "rtl").glob("*.sv"))
    names = json.loads((place / "manifest.json").read_text())
    synthesis = {"-top": names["top"], "-part": "xc7z020clg400-1", "-mode": "out_of_context"}
    assert only(calls, "synth_design").options == synthesis
    assert only(calls, "get_ports").words == (names["clock_port"],)
    assert only(calls, "create_clock").options["-period"] == "12.500"
    order = ["synth_design", "opt_design", "place_design", "route_design", "write_checkpoint"]
    assert [call.name for call in calls if call.name in order] == order
    memories = sorted((place / "memories").glob("*.hex"))
    assert memories
    top = (place / "rtl" / f"{names['top']}.sv").read_text()
    assert all(f'"../memories/{memory.name}"' in top for memory in memories)


def test_vivado_with_packaged_blocks(folder: Callable[[str], Path], tmp_path: Path) -> None:
    """What Vitis HLS has packaged under the name that run_hls.tcl gives becomes the module that the wrapper connects."""
    place = folder("mixed")
    script = place / "scripts" / "vivado.tcl"
    with pytest.raises(AssertionError, match=r"is absent: make -C \.\./hls ip"):
        run_script(script, VIVADO, tmp_path)
    (design,) = [path.parent for path in (place / "hls").rglob("top.cpp")]
    packaged = design / "project" / "solution" / "impl" / "ip"
    packaged.mkdir(parents=True)
    (packaged / "component.xml").touch()
    calls = run_script(script, VIVADO, tmp_path)
    repositories = next(call for call in named(calls, "set_property") if call.words[0] == "ip_repo_paths")
    assert repositories.words[1] == f"{{{packaged}}}"
    made = only(calls, "create_ip").options
    exported = only(run_script(design / "run_hls.tcl", VITIS_HLS, tmp_path), "export_design").options
    assert [made[f"-{part}"] for part in ("vendor", "library", "name", "version")] == [
        exported[f"-{part}"] for part in ("vendor", "library", "ipname", "version")
    ]
    wrapper = (place / "rtl" / f"{design.name.removesuffix('_hls')}_block.sv").read_text()
    assert f"  {made['-module_name']} ip (" in wrapper
    assert all("stand_ins" not in call.words[0] for call in named(calls, "read_verilog"))
    order = ["create_ip", "generate_target", "synth_ip", "synth_design"]
    assert [call.name for call in calls if call.name in order] == order


@pytest.mark.parametrize(
    ("commands", "line", "fault"),
    [
        (VITIS_HLS, "open_project -clear project", "open_project has no option -clear"),
        (VITIS_HLS, "open_solution -flow_target ise solution", "-flow_target cannot be 'ise'"),
        (VITIS_HLS, "export_design -format zip", "-format cannot be 'zip'"),
        (VITIS_HLS, "create_clock -name default", r"create_clock lacks \['-period'\]"),
        (VITIS_HLS, "csim_design -argv", "csim_design -argv lacks its value"),
        (VITIS_HLS, "csynth_design now", "csynth_design: 1 words"),
        (VITIS_HLS, "set_top two words", "set_top: 2 words"),
        (VITIS_HLS, "config_dataflow_x -depth 2", "invalid command name"),
        (VITIS_HLS, "cosim_design", "cosim_design before csynth_design"),
        (VIVADO, "synth_design -part xc7z020", r"synth_design lacks \['-top'\]"),
        (VIVADO, "read_mem words.hex", "'words.hex' is none of what it takes"),
        (VIVADO, "place_design", "place_design before opt_design"),
    ],
)
def test_what_is_not_documented_is_caught(tmp_path: Path, commands: dict[str, Command], line: str, fault: str) -> None:
    script = tmp_path / "script.tcl"
    script.write_text(line + "\n")
    with pytest.raises(AssertionError, match=fault):
        run_script(script, commands, tmp_path)
