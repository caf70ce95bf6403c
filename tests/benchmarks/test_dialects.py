"""The benchmark of dialects: its generated models, its tables, its verdict."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import onnx
import pytest

from qcompile.ir.dataflow import Resources
from tests.support.proving import assert_explained, prove

ROOT = Path(__file__).parents[2]
DENSE_PRODUCTS = 640 * 128 + 3 * 128 * 128 + 2 * 128 * 8 + 3 * 128 * 128 + 128 * 640


@pytest.fixture
def dialects(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program as a module; it imports its neighbours as `python benchmarks/dialects.py` does."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("dialects")


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("generate_int8")


def weights(model: onnx.ModelProto) -> int:
    """Elements of matrices and kernels."""
    tensors = (tensor.dims for tensor in model.graph.initializer if tensor.name.endswith("_weights"))
    count = 0
    for dims in tensors:
        elements = 1
        for size in dims:
            elements *= size
        count += elements
    return count


def test_the_topologies(generate: ModuleType) -> None:
    """Weights as published: 264,192 of the autoencoder; 208,112 of MobileNetV1 of a quarter width for two classes."""
    sizes = {name: weights(make()) for name, make in generate.NETWORKS.items()}
    assert sizes["autoencoder_qdq"] == sizes["autoencoder_operators"] == DENSE_PRODUCTS
    mobile = 8 * 27 + 9 * (8 + 16 + 32 + 32 + 64 + 64 + 6 * 128 + 256)
    mobile += 8 * 16 + 16 * 32 + 32 * 32 + 32 * 64 + 64 * 64 + 64 * 128 + 5 * 128 * 128 + 128 * 256 + 256 * 256 + 256 * 2
    assert sizes["mobilenet_0.25_96_qdq"] == mobile


def test_the_same_bytes_again(generate: ModuleType, tmp_path: Path) -> None:
    first = generate.write("autoencoder_qdq", tmp_path).read_bytes()
    assert generate.write("autoencoder_qdq", tmp_path).read_bytes() == first


@pytest.mark.parametrize("name", ["autoencoder_qdq", "autoencoder_operators"])
def test_the_autoencoder_fills_its_codes(generate: ModuleType, name: str) -> None:
    found = prove(generate.NETWORKS[name](), frames=12)
    assert_explained(found)
    codes = [found.values[node.output] for node in found.network.integer.nodes if node.op.kind == "Threshold"]
    assert len(codes) == 10
    assert all(len(set(values.ravel().tolist())) > 20 for values in codes)


def test_tables(dialects: ModuleType) -> None:
    row = dialects.Row("toy", "QDQ", 1000, 0, 3, 10, 0, 4608, 6358, 5, 6)
    layer: Any = dialects.Requantisation(
        "toy: layer", 32, 18, 10, 22, 16, False, Resources(39, dsp=1), Resources(112), Resources(144, bram18=10), Resources(2470)
    )
    for found, cells in (
        (dialects.table([row]), ("1,000", "4,608", "6,358", "5 / 6")),
        (dialects.layer_table([layer]), ("39 + 1", "112", "144 + 10", "2,470", "22.1")),
    ):
        assert all(cell in found.plain() for cell in cells)
        assert len({line.count("|") for line in found.markdown().splitlines()}) == 1
    assert row.faults == ()
    assert "2 frames differ" in replace(row, mismatches=2).faults[0]
    assert "1 in RTL" in replace(row, rtl_mismatches=1).faults[0]


def test_requantisations_are_found(dialects: ModuleType, tmp_path: Path) -> None:
    path = dialects.prepared(dialects.CASES[4], tmp_path, tmp_path)
    found = dialects.units(path, dialects.CASES[4])
    assert len(found) == 10
    assert all(kernel.pe == 1 and kernel.count >= 127 for _, kernel in found)
    assert dialects.prepared(dialects.CASES[0], tmp_path, tmp_path) is None
