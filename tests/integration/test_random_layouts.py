"""Random networks of layout operators: exact in integers, some of them in RTL."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from qcompile.cli import main
from qcompile.dataflow.lower import lower
from qcompile.ops import Concat, Take
from tests.support.proving import assert_exact, prove
from tests.support.random_layouts import random_layouts


@pytest.mark.parametrize("chunk", range(5))
def test_random_layouts(chunk: int) -> None:
    moved = joined = 0
    for seed in range(20 * chunk, 20 * (chunk + 1)):
        proof = prove(random_layouts(seed), frames=6)
        try:
            assert_exact(proof)
        except AssertionError as error:
            raise AssertionError(f"random_layouts({seed})") from error
        nodes = proof.network.integer.nodes
        moved += sum(isinstance(node.op, Take) for node in nodes)
        joined += sum(isinstance(node.op, Concat) for node in nodes)
        assert lower(proof.network.integer, "network").instances
    assert moved >= 10
    assert joined >= 1


@pytest.mark.parametrize("seed", [2, 9, 13, 48])
def test_random_layouts_in_rtl(seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    onnx.save(random_layouts(seed), tmp_path / "model.onnx")
    arguments = [str(tmp_path / "model.onnx"), "--target", "zcu104", "-o", str(tmp_path / "build"), "--check"]
    assert main([*arguments, "--rtl-frames", "8", "--interval", "2000"]) == 0
    verdict = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (verdict["mismatches"], verdict["ties"], verdict["rtl_mismatches"], verdict["rtl_frames"]) == (0, 0, 0, 8)
