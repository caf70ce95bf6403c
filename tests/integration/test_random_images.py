"""Random convolutional networks: every integer against the original model, and some of them in RTL, cycle by cycle."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from qcompile.cli import main
from qcompile.dataflow.lower import lower
from tests.support.proving import assert_exact, prove
from tests.support.random_images import RandomImageNetwork, random_image_network
from tests.support.random_resizing import random_resizing_network

KNOWN = {
    "Add", "AveragePool", "Concat", "Conv", "ConvTranspose", "DepthToSpace", "GlobalMaxPool", "MaxPool", "Mul", "Pad",
    "PRelu", "Resize", "Slice", "SpaceToDepth", "Split", "Sub", "Transpose",
}  # fmt: skip


def examine(
    seeds: range, draw: Callable[[int], RandomImageNetwork] = random_image_network, upsample: str = "auto"
) -> Counter[str]:
    """Proves the network of each seed and lowers it to kernels; counts networks, integers and operators."""
    seen: Counter[str] = Counter()
    for seed in seeds:
        network = draw(seed)
        proof = prove(network.model, frames=6, upsample=upsample)
        try:
            assert_exact(proof)
        except AssertionError as error:
            raise AssertionError(f"{draw.__name__}({seed})") from error
        lower(proof.network.integer, "network")
        seen.update(network.operators)
        seen.update(networks=1, integers=proof.agreement.compared)
    return seen


@pytest.mark.parametrize("chunk", range(8))
def test_random_images(chunk: int) -> None:
    seen = examine(range(25 * chunk, 25 * (chunk + 1)))
    assert seen["networks"] == 25
    assert len(KNOWN & set(seen)) >= 12


@pytest.mark.parametrize("upsample", ["auto", "deconv"])
def test_random_resizing(upsample: str) -> None:
    """Lines between pixels, padding of all kinds, constants beside the tensor, sub-pixel convolutions."""
    seen = examine(range(20), random_resizing_network, upsample)
    assert min(seen[operator] for operator in ("Concat", "DepthToSpace", "Pad", "Resize")) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("upsample", ["auto", "deconv"])
@pytest.mark.parametrize("chunk", range(10))
def test_many_random_resizing(chunk: int, upsample: str) -> None:
    examine(range(1000 + 100 * chunk, 1000 + 100 * (chunk + 1)), random_resizing_network, upsample)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(20))
def test_many_random_images(chunk: int) -> None:
    seen = examine(range(1000 + 100 * chunk, 1000 + 100 * (chunk + 1)))
    print(dict(seen))
    assert set(seen) >= KNOWN


def simulated(
    seed: int,
    interval: int | None,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    draw: Callable[[int], RandomImageNetwork] = random_image_network,
    upsample: str = "auto",
) -> None:
    """Integers exact in RTL, also with idle cycles and back-pressure; measured interval and latency are the model's."""
    onnx.save(draw(seed).model, folder / "model.onnx")
    arguments = [str(folder / "model.onnx"), "--target", "pynq-z2", "-o", str(folder / "build"), "--frames", "8"]
    arguments += ["--rtl-frames", "5", "--upsample", upsample] + (["--interval", str(interval)] if interval else [])
    assert main(arguments) == 0
    verdict = json.loads(capsys.readouterr().out.splitlines()[-1])
    manifest = json.loads((folder / "build" / "manifest.json").read_text(encoding="utf-8"))
    assert (verdict["mismatches"], verdict["ties"], verdict["rtl_mismatches"], verdict["rtl_frames"]) == (0, 0, 0, 5)
    assert (verdict["interval"], verdict["latency"]) == (manifest["interval_cycles"], manifest["latency_cycles"])


@pytest.mark.parametrize("seed", [4, 10, 27, 40, 78])
def test_in_rtl(seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """27 and 78 need a FIFO or none exactly as the timing says: bursts in front of a slow width converter and behind one."""
    simulated(seed, None, tmp_path, capsys)


@pytest.mark.slow
@pytest.mark.parametrize("interval", [None, 3000])
@pytest.mark.parametrize("seed", range(15))
def test_resizing_in_rtl(seed: int, interval: int | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulated(seed, interval, tmp_path, capsys, random_resizing_network, "deconv")


@pytest.mark.slow
@pytest.mark.parametrize("interval", [None, 3000])
@pytest.mark.parametrize("seed", range(100, 130))
def test_many_in_rtl(seed: int, interval: int | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulated(seed, interval, tmp_path, capsys)
