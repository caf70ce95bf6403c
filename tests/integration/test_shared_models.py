"""The shared fully connected models, from the file to simulated RTL (skipped where ../shared is absent)."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from qcompile.cli import main

# Model, further options, cycles a frame: slow enough for a quick build of the simulation.
MODELS = {
    "tfc_w2a2": ((), 1568),
    "tfc_w1a1": ((), 1568),
    "kwsmlp_w3a3": ((), 8192),
    "jettagging": (("--input", "fixed<16,6>"), 128),
    "finn_tfc_multithreshold": ((), 1568),
}


@pytest.mark.parametrize("name", MODELS)
def test_exact_in_rtl(
    name: str, shared_model: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options, interval = MODELS[name]
    path = shared_model(name)
    arguments = [str(path), "--target", "pynq-z2", "-o", str(tmp_path / "build"), "--interval", str(interval), *options]
    arguments += ["--vectors", str(path.with_suffix(".golden.npz")), "--rtl-frames", "12"]
    assert main(arguments) == 0
    verdict = json.loads(capsys.readouterr().out.splitlines()[-1])
    manifest = json.loads((tmp_path / "build" / "manifest.json").read_text(encoding="utf-8"))
    assert (verdict["mismatches"], verdict["rtl_mismatches"], verdict["rtl_frames"]) == (0, 0, 12)
    assert (verdict["interval"], verdict["latency"]) == (manifest["interval_cycles"], manifest["latency_cycles"])
    assert verdict["interval"] <= interval
