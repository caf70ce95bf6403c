"""One stem runs through a kernel's Python model, its RTL and its test."""

from __future__ import annotations

from pathlib import Path

import pytest

from qcompile.ir.dataflow import Kernel
from qcompile.kernels import KERNELS
from qcompile.tools import assets


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.kind)
def test_stem(kernel: type[Kernel]) -> None:
    assert kernel.__module__ == f"qcompile.kernels.{kernel.kind}"
    rendered = assets.templates() / "rtl" / f"{kernel.kind}.sv.j2"
    assert (assets.rtl() / f"{kernel.kind}.sv").exists() != rendered.exists()
    assert Path(__file__).with_name(f"test_{kernel.kind}.py").exists()


def test_kinds_are_sorted_and_differ() -> None:
    kinds = [kernel.kind for kernel in KERNELS]
    assert kinds == sorted(set(kinds))
