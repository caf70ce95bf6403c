"""cocotb on a small module: built without compiling Verilator's run time again, run, and judged."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from qcompile.ir.errors import CompilerError
from qcompile.tools.cache import Cache
from qcompile.tools.cocotb_bench import CocotbRun, build_cocotb, run_cocotb
from qcompile.tools.prerequisites import Toolchain
from qcompile.tools.verilator import BuildOptions, Executable, Sources


@pytest.fixture
def accumulator(designs: Path) -> Sources:
    return Sources("accumulator", (designs / "accumulator.sv",))


@pytest.fixture
def simulation(toolchain: Toolchain, build_cache: Cache, accumulator: Sources, tmp_path: Path) -> Executable:
    return build_cocotb(toolchain, build_cache, accumulator, tmp_path / "simulation")


def simulate(executable: Executable, designs: Path, folder: Path, **options) -> CocotbRun:
    return run_cocotb(
        executable.path,
        top="accumulator",
        test_module="accumulator_tests",
        python_path=(designs,),
        folder=folder,
        plusargs={"case": "seven"} | options.pop("plusargs", {}),
        **options,
    )


def recorded(folder: Path) -> dict[str, object]:
    return json.loads((folder / "record.json").read_text())


def test_tests_pass_and_read_their_options(simulation: Executable, designs: Path, tmp_path: Path) -> None:
    result = simulate(simulation, designs, tmp_path / "run")
    assert result.ok
    assert result.passed == ("sums",)
    assert result.failed == ()
    assert recorded(tmp_path / "run")["case"] == "seven"
    assert "sums passed" in result.log.read_text()


def test_a_seed_gives_the_same_run_and_another_seed_another(
    simulation: Executable, designs: Path, tmp_path: Path
) -> None:
    records = []
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert simulate(simulation, designs, tmp_path / folder, seed=seed).ok
        records.append(recorded(tmp_path / folder))
    assert records[0] == records[1]
    assert records[0]["numbers"] != records[2]["numbers"]
    assert records[0]["unreset"] != records[2]["unreset"]


def test_a_failed_test_is_named_with_its_message(
    simulation: Executable, designs: Path, tmp_path: Path
) -> None:
    result = simulate(simulation, designs, tmp_path / "run", plusargs={"wrong": "1"})
    assert not result.ok
    assert result.passed == ("sums",)
    ((name, message),) = result.failed
    assert name == "wrong"
    assert "expected one" in message


def test_a_simulation_that_does_not_end_is_stopped(
    simulation: Executable, designs: Path, tmp_path: Path
) -> None:
    with pytest.raises(CompilerError, match=r"simulating accumulator: .* did not end within 5 seconds"):
        simulate(simulation, designs, tmp_path / "run", plusargs={"forever": "1"}, timeout_s=5)


def test_a_module_that_cannot_be_imported_is_told(
    simulation: Executable, designs: Path, tmp_path: Path
) -> None:
    with pytest.raises(CompilerError) as caught:
        run_cocotb(
            simulation.path,
            top="accumulator",
            test_module="no_such_module",
            python_path=(designs,),
            folder=tmp_path / "run",
        )
    assert caught.value.what == "simulating accumulator: the simulation ended without results"
    assert "no_such_module" in caught.value.why


def test_an_older_result_is_not_taken_for_a_new_one(
    simulation: Executable, designs: Path, tmp_path: Path
) -> None:
    assert simulate(simulation, designs, tmp_path / "run").ok
    with pytest.raises(CompilerError, match="without results"):
        run_cocotb(
            simulation.path,
            top="no_such_top",
            test_module="accumulator_tests",
            python_path=(designs,),
            folder=tmp_path / "run",
        )


def test_another_model_reuses_the_run_time_and_waves_are_recorded(
    toolchain: Toolchain, build_cache: Cache, accumulator: Sources, designs: Path, tmp_path: Path
) -> None:
    waves = BuildOptions(waves=True)
    first = build_cocotb(toolchain, build_cache, accumulator, tmp_path / "first", waves)
    labelled = replace(accumulator, parameters=(("LABEL", "other"),))
    second = build_cocotb(toolchain, build_cache, labelled, tmp_path / "second", waves)
    assert second.runtime_reused
    assert not second.from_cache
    assert build_cocotb(toolchain, build_cache, labelled, tmp_path / "third", waves).from_cache
    assert simulate(first, designs, tmp_path / "run", waves=True).ok
    assert "$var" in (tmp_path / "run" / "dump.vcd").read_text()


def test_tests_may_look_into_the_whole_hierarchy(
    toolchain: Toolchain, build_cache: Cache, accumulator: Sources, designs: Path, tmp_path: Path
) -> None:
    executable = build_cocotb(toolchain, build_cache, accumulator, tmp_path / "deep", visible_depth=0)
    assert simulate(executable, designs, tmp_path / "run").ok
