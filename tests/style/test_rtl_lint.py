"""Every module of the library passes `verilator --lint-only -Wall` with its default parameters."""

import pytest

from qcompile.tools import assets
from qcompile.tools.prerequisites import find_toolchain
from qcompile.tools.verilator import Sources, lint

LIBRARY = tuple(sorted(assets.rtl().glob("*.sv")))


@pytest.mark.parametrize("module", [file.stem for file in LIBRARY])
def test_module_is_clean(module: str) -> None:
    report = lint(find_toolchain(), Sources(module, LIBRARY), assets.rtl() / "waivers.vlt")
    assert report.clean, "\n".join(report.messages)
