"""Every example is compiled and verified: all its vectors on the integer graph, the first frames in RTL."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from qcompile.cli import main
from qcompile.flow.options import Options
from qcompile.flow.prepare import understand
from qcompile.flow.progress import Progress
from qcompile.flow.vectors import load_frames
from qcompile.ir.errors import CompilerError

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/model.onnx"))
RTL_FRAMES = 16
INTERVAL = 600
"""Cycles a frame: faster designs of the convolutional networks are several times as large, and take as long to build."""


def test_there_are_examples() -> None:
    """At least those of the README's table, each with the script that trained it."""
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `(\w+_w\da\d)` \|", readme, re.MULTILINE)) == NAMES
    assert sorted(NAMES) == sorted(path.stem for path in (EXAMPLES / "training").glob("*_w?a?.py"))


@pytest.mark.parametrize("name", NAMES)
def test_compiled_and_verified(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = EXAMPLES / name
    frames = len(np.load(folder / "vectors.npz")["x"])
    arguments = [str(folder / "model.onnx"), "--target", "pynq-z2", "-o", str(tmp_path / "build")]
    arguments += ["--vectors", str(folder / "vectors.npz"), "--rtl-frames", str(RTL_FRAMES)]
    if "_lut_" in name:
        arguments += ["--engine", "lut"]
    elif "_mlp_" not in name:
        arguments += ["--interval", str(INTERVAL)]
    assert main(arguments) == 0
    verdict = json.loads(capsys.readouterr().out.splitlines()[-1])
    manifest = json.loads((tmp_path / "build" / "manifest.json").read_text(encoding="utf-8"))
    assert verdict == {
        "frames": frames,
        "mismatches": 0,
        "ties": 0,
        "rtl_frames": RTL_FRAMES,
        "rtl_mismatches": 0,
        "interval": manifest["interval_cycles"],
        "latency": manifest["latency_cycles"],
    }


@pytest.mark.parametrize("name", ["digits_a2q_w8a4", "digits_a2qplus_w8a4", "digits_w8a4"])
def test_what_was_trained_for_accumulators_of_12_bits_fits_them(name: str) -> None:
    """And the same network trained without a thought of them does not, in any layer."""
    options = Options(EXAMPLES / name / "model.onnx", target="", accumulator_bits=12)
    if name == "digits_w8a4":
        with pytest.raises(CompilerError) as error:
            understand(options, Progress())
        assert str(error.value).count("channels need more") == 3
    else:
        found = understand(options, Progress()).accumulators
        assert [int(a.partial_bits.max()) <= 12 for a in found] == [True] * 3


@pytest.mark.parametrize("name", NAMES)
def test_the_integers_are_as_good_as_was_measured(name: str) -> None:
    """The accuracy, or the mean squared error where the labels are images."""
    folder = EXAMPLES / name
    network = understand(Options(folder / "model.onnx", target=""), Progress()).network
    frames = load_frames(folder / "vectors.npz", network)
    values = network.integer.evaluate(*frames.codes)
    outputs = network.after.evaluate(*(values[output] for output in network.integer.outputs))
    found = outputs[network.after.outputs[0]].reshape(len(frames.inputs[0]), -1)
    label = np.load(folder / "vectors.npz")["label"]
    measured = json.loads((folder / "accuracy.json").read_text(encoding="utf-8"))
    if label.ndim > 1:
        error = float(np.mean((found.astype(np.float64) - label.reshape(found.shape)) ** 2))
        assert error == pytest.approx(measured["exported_error"], rel=1e-5)
    else:
        assert float(np.mean(found.argmax(axis=1) == label)) == pytest.approx(measured["exported_accuracy"], abs=1e-12)
