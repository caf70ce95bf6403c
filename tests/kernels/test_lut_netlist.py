"""lut_netlist against its model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qcompile.codegen.render import render
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.lut_netlist import LutNetlist
from qcompile.luts.minimise import build
from qcompile.luts.tables import Layer
from qcompile.tools import assets
from qcompile.tools.command import run
from qcompile.tools.prerequisites import find_toolchain
from qcompile.tools.verilator import Sources, lint

from ..support.lut_layers import chain, evaluate
from ..support.yosys import yosys
from .bench import Case, conform

LAYERS: dict[str, tuple[Layer, ...]] = {}


def case(
    name: str, sizes: tuple[int, ...], fan_in: int, bits: tuple[int, ...], stages: int, vectors: int, signed: bool, simd: int = 0
) -> Case:
    """A random netlist, and frames for it."""
    rng = np.random.default_rng([len(name), *sizes])
    layers = chain(rng, sizes, fan_in, [IntType(b, signed) for b in bits])
    LAYERS[name] = layers
    lo, hi = (np.full(sizes[0], end) for end in (layers[0].input.lo, layers[0].input.hi))
    kernel = LutNetlist(name, build(layers, lo, hi), vectors, stages, simd)

    def frames(rng: np.random.Generator, count: int) -> tuple[IntArray, ...]:
        return (rng.integers(lo[0], hi[0], (count, vectors * sizes[0]), endpoint=True),)

    return Case(kernel, frames)


CASES = [
    case("net_one", (5, 3), 3, (2, 1), 0, 1, False),
    case("net_three", (8, 9, 7, 4), 3, (2, 2, 3, 2), 0, 1, False),
    case("net_grouped", (8, 9, 7, 4), 3, (2, 2, 2, 2), 4, 5, False),
    case("net_together", (6, 9, 5), 2, (3, 2, 4), 20, 6, True),
    case("net_collected", (12, 9, 7), 3, (2, 2, 3), 0, 2, False, simd=3),
    case("net_one_by_one", (6, 5), 3, (1, 2), 0, 3, False, simd=1),
    case("net_large", (6, 4, 4), 4, (3, 3, 3), 0, 3, True),
]


def test_conformance(tmp_path: Path) -> None:
    conform(CASES, tmp_path)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.kernel.binding().module))
def test_the_model_computes_what_the_layers_do(case: Case) -> None:
    kernel = case.kernel
    assert isinstance(kernel, LutNetlist)
    (x,) = case.draw(np.random.default_rng(3), 50)
    rows = x.reshape(-1, kernel.layers[0].inputs)
    assert np.array_equal(kernel.evaluate(x)[0].reshape(len(rows), -1), evaluate(LAYERS[kernel.name], rows))


def test_stages_have_at_most_the_levels_asked_for() -> None:
    kernel = CASES[2].kernel
    assert isinstance(kernel, LutNetlist)
    for limit in range(1, 12):
        asked = kernel.with_attribute("lut_stages", limit)
        for stage in asked.stages():
            assert len(stage) == 1 or sum(layer.levels() for layer in stage) <= limit
        assert [layer for stage in asked.stages() for layer in stage] == list(kernel.layers)
        assert asked.schedule().latency == len(asked.stages())
    assert len(kernel.with_attribute("lut_stages", 0).stages()) == len(kernel.layers)


@pytest.mark.parametrize("case", CASES[1:5:2] + CASES[4:5], ids=lambda case: str(case.kernel.binding().module))
def test_rendered_files_are_clean(case: Case, tmp_path: Path) -> None:
    files = case.kernel.binding().rendered
    for file in files:
        (tmp_path / f"{file.module}.sv").write_text(render(file.template, file.view), encoding="utf-8")
    sources = Sources(files[-1].module, tuple(tmp_path / f"{file.module}.sv" for file in files), (), (assets.rtl(),))
    report = lint(find_toolchain(), sources, assets.rtl() / "waivers.vlt")
    assert report.clean, "\n".join(report.messages)
    for stem in case.kernel.binding().sources:
        (tmp_path / f"{stem}.sv").write_text((assets.rtl() / f"{stem}.sv").read_text())
    script = f"read_verilog -sv *.sv; hierarchy -check -top {files[-1].module}; proc; check -assert"
    finished = run([yosys(), "-q", "-p", script], what="reading a LUT netlist", cwd=tmp_path, check=False)
    assert finished.exit_code == 0, finished.tail()


def test_names_of_the_model_stay_within_their_comments() -> None:
    kernel = CASES[0].kernel
    assert isinstance(kernel, LutNetlist)
    layer = replace(kernel.layers[0], origin=("a\nwire logic stray;", "b\r"))
    texts = [render(file.template, file.view) for file in replace(kernel, layers=(layer,)).binding().rendered]
    for text in texts:
        assert all(line.strip().startswith("//") for line in text.splitlines() if "stray" in line)
        assert "stray" in text
