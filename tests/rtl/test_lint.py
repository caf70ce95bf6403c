"""Every module of the library passes Verilator's lint, is read by Yosys and refuses illegal parameters."""

from __future__ import annotations

import pytest

from qcompile.tools import assets
from qcompile.tools.command import run
from qcompile.tools.prerequisites import find_toolchain
from qcompile.tools.verilator import LintReport, Sources, lint

from ..support.yosys import yosys
from .parameter_sets import ILLEGAL, LEGAL, Parameters

RTL = assets.rtl()
MODULES = sorted(path.stem for path in RTL.glob("*.sv"))
LINES = 320


def lint_module(module: str, parameters: Parameters) -> LintReport:
    sources = Sources(module, (RTL / f"{module}.sv",), tuple(parameters.items()), (RTL,))
    return lint(find_toolchain(), sources, RTL / "waivers.vlt")


def test_every_module_has_parameter_sets() -> None:
    assert sorted(LEGAL) == MODULES
    assert sorted(ILLEGAL) == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_verilator_has_no_warning(module: str) -> None:
    for parameters in ({}, *LEGAL[module]):
        report = lint_module(module, parameters)
        assert report.clean, f"{module} {dict(parameters)}:\n" + "\n".join(report.messages)


@pytest.mark.parametrize("module", [m for m in MODULES if ILLEGAL.get(m)])
def test_illegal_parameters_are_refused_in_a_sentence(module: str) -> None:
    for parameters, sentence in ILLEGAL[module]:
        messages = [m for m in lint_module(module, parameters).messages if "USERERROR" in m]
        assert any(f"{module}: " in m and sentence in m for m in messages), f"{module} {dict(parameters)}"


@pytest.mark.parametrize("module", MODULES)
def test_yosys_reads_it(module: str) -> None:
    script = ["read_verilog -sv -defer *.sv", "design -save library"]
    for parameters in ({}, *LEGAL[module]):
        values = {k: f'"{v}"' if isinstance(v, str) else str(v % 2**32) for k, v in parameters.items()}
        script.append("design -load library")
        script.append(" ".join(["chparam", *(f"-set {k} {v}" for k, v in values.items()), module]))
        script += [f"hierarchy -check -top {module}", "proc", "check -assert"]
    finished = run([yosys(), "-q", "-p", "; ".join(script)], what=f"reading {module}", cwd=RTL, check=False)
    assert finished.exit_code == 0, finished.tail()


@pytest.mark.parametrize("module", MODULES)
def test_house_style(module: str) -> None:
    text = (RTL / f"{module}.sv").read_text(encoding="utf-8")
    lines = text.splitlines()
    assert lines[0].startswith(f"// {module}: ")
    header = text[: text.index("`default_nettype none")]
    assert all(f"// {word} " in header for word in ("Handshake", "Interval", "Latency"))
    assert text.rstrip().endswith("`default_nettype wire")
    assert text.count("endmodule") == 1
    assert len(lines) <= LINES
    # FIFO sizing counts on it: a full output stops only a kernel that has one more beat for it.
    assert ".s_axis_tready(enable)" not in text or ".s_axis_tvalid(step)" in text
    assert not [line for line in lines if line != line.rstrip() or "\t" in line]
