"""fifo against its model: values and cycles, and the exact capacity on which FIFO sizing rests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qcompile.ir.dataflow import Binding, Stream
from qcompile.ir.types import IntType
from qcompile.kernels.fifo import RAM_STYLES, Fifo

from .bench import conform
from .judge import Run


class AsSynthesised(Fifo):
    """The circuit of shift registers, which simulators are otherwise given a faster model of."""

    def binding(self) -> Binding:
        binding = super().binding()
        return replace(binding, parameters=(*binding.parameters, ("FAST_MODEL", 0)))


KERNELS = [
    AsSynthesised(Stream(IntType(bits, signed), lanes, beats), depth, style)
    for bits, signed, lanes, beats, depth, style in [
        (8, False, 1, 60, 2, "auto"),
        (1, False, 1, 60, 3, "srl"),
        (4, True, 3, 60, 4, "srl"),
        (8, False, 1, 60, 17, "srl"),
        (2, False, 5, 60, 33, "auto"),
        (8, True, 2, 60, 3, "distributed"),
        (8, True, 2, 60, 9, "distributed"),
        (3, False, 1, 60, 34, "distributed"),
        (5, True, 1, 60, 3, "block"),
        (36, False, 1, 60, 31, "block"),
        (8, False, 4, 60, 64, "ultra"),
        (16, False, 1, 1, 5, "auto"),
    ]
] + [Fifo(Stream(IntType(4, True), 3, 60), 5, "srl"), Fifo(Stream(IntType(8, False), 300, 60), 33, "srl")]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[list[Run]]:
    return conform(KERNELS, tmp_path_factory.mktemp("fifo"))


def check_exact(kernel: Fifo, runs: list[Run]) -> None:
    """Capacity and latency as the class promises them, under back-pressure, too."""
    filled = 0
    for run in runs:
        (source,), (sink,) = run.inputs, run.outputs
        taken, given = source.beats, sink.beats
        cycles = np.arange(source.ready.size)
        held = np.searchsorted(taken, cycles) - np.searchsorted(given, cycles)
        filled = max(filled, int(held.max()))
        assert np.array_equal(source.ready, held < kernel.depth), run.phase.name
        previous = np.concatenate([[-1], given[:-1]])
        assert np.array_equal(sink.offers, np.maximum(taken + kernel.latency, previous + 1)), run.phase.name
    assert filled == kernel.depth


@pytest.mark.parametrize("index", range(len(KERNELS)))
def test_capacity_and_latency_are_exact(runs: list[list[Run]], index: int) -> None:
    check_exact(KERNELS[index], runs[index])


@pytest.mark.slow
@pytest.mark.parametrize("ram_style", RAM_STYLES)
def test_sweep(ram_style: str, tmp_path: Path) -> None:
    stream = Stream(IntType(5, True), 2, 70)
    kernels = [kind(stream, depth, ram_style) for kind in (Fifo, AsSynthesised) for depth in range(2, 40, 2)]
    for kernel, runs in zip(kernels, conform(kernels, tmp_path, seed=5), strict=True):
        check_exact(kernel, runs)


def test_auto_takes_the_cheaper_memory() -> None:
    stream = Stream(IntType(8, False), 4, 1000)
    built = {depth: Fifo(stream, depth).built_style for depth in (2, 33, 34, 200, 2000)}
    assert built == {2: "srl", 33: "srl", 34: "distributed", 200: "block", 2000: "block"}


def test_attributes() -> None:
    kernel = Fifo(Stream(IntType(8, False), 4, 1000), 20)
    assert kernel.attributes() == {"depth": 20, "ram_style": "auto"}
    assert kernel.with_attribute("depth", 5) == Fifo(kernel.stream, 5)
    assert {k.attributes()["ram_style"] for k in kernel.foldings()} == set(RAM_STYLES)
    for name, value in [("depth", 1), ("depth", "many"), ("ram_style", "bloc"), ("ram_style", 3)]:
        with pytest.raises(ValueError, match=r"at least 2|auto, srl, distributed, block, ultra"):
            kernel.with_attribute(name, value)
    with pytest.raises(KeyError):
        kernel.with_attribute("PE", 2)
