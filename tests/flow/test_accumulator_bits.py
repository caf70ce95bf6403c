"""--accumulator-bits and --wrap from the model to the RTL."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from qcompile.frontend.constants import open_session, run_session
from qcompile.ir.errors import CompilerError
from qcompile.tools.hls_compiler import find_ap_types

from ..support.onnx_models import ModelBuilder
from ..support.outcome import Outcome

Cli = Callable[..., Outcome]
RAW = ("--input", "uint8", "--target", "pynq-z2")


RNG = np.random.default_rng(0)
ROWS = np.stack([RNG.permutation(np.repeat([1.0, -1.0], 12)) for _ in range(4)] + [np.repeat([1.0, -1.0], 12)])
"""Weights of five neurons, the last of which adds all that it adds first."""


@pytest.fixture
def balanced(tmp_path: Path) -> Path:
    """24 inputs of 12 to 15, of which each neuron adds 12 and subtracts the others: -36 to 36, up to 180 on the way."""
    b = ModelBuilder()
    x = b.quant(b.node("Clip", ["x", b.constant(12.0), b.constant(15.0)]), 1.0, 0.0, 4.0, signed=0)
    x = b.node("MatMul", [x, b.quant(b.constant(ROWS.T), 1.0, 0.0, 2.0)])
    path = tmp_path / "balanced.onnx"
    onnx.save(b.model((1, 24), b.quant(x, 8.0, 0.0, 4.0)), path)
    return path


def frames(path: Path) -> Path:
    """Pixels around the range; the first two frames reach the ends of the last neuron."""
    x = np.random.default_rng(1).integers(10, 18, (40, 24)).astype(np.float32)
    x[0], x[1] = np.repeat([15, 12], 12), np.repeat([12, 15], 12)
    np.savez(path, x=x)
    return path


def test_refused_unless_it_wraps(cli: Cli, balanced: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    error = cli(balanced, *RAW, "-o", out, "--accumulator-bits", "7").error
    assert error.startswith("not every accumulator fits 7 bits")
    assert "5 of 5 channels need more (0, 1, 2, 3, 4)" in error
    assert "reaches -36 to 36: 7 bits, and on the way -180 to 180: 9 bits, 2 too many" in error
    assert "--wrap builds layers whose final sums fit" in error
    assert not out.exists()
    error = cli(balanced, *RAW, "-o", out, "--accumulator-bits", "6", "--wrap").error
    assert "channel 0 reaches -36 to 36: 7 bits, 1 too many" in error
    error = cli(balanced, *RAW, "-o", out, "--wrap").error
    assert error.startswith("--wrap without --accumulator-bits")


@pytest.mark.parametrize("simd", [24, 4])
def test_wrapped_sums_are_exact(cli: Cli, balanced: Path, tmp_path: Path, simd: int) -> None:
    """The RTL holds seven bits, and no more, and gives every integer of the model; so do model.int.onnx, and the files when
    verified again.
    """
    out, folding = tmp_path / "out", tmp_path / "folding.json"
    folding.write_text(json.dumps({"MVAU_0": {"PE": 5, "SIMD": simd}}))
    options = ("--accumulator-bits", "7", "--wrap", "--vectors", frames(tmp_path / "x.npz"), "--folding", folding)
    outcome = cli(balanced, *RAW, "-o", out, *options, "--rtl-frames", "40")
    assert outcome.code == 0, outcome.err
    assert (outcome.verdict["mismatches"], outcome.verdict["ties"], outcome.verdict["rtl_mismatches"]) == (0, 0, 0)
    assert outcome.verdict["rtl_frames"] == 40
    top = "".join(path.read_text() for path in (out / "rtl").glob("balanced*.sv"))
    assert ".ACCUMULATOR_BITS(7)" in top
    (found,) = json.loads((out / "report.json").read_text())["accumulators"]
    assert (found["exact_bits"], found["partial_bits"], found["built"]) == (7, 9, "int7")
    assert json.loads((out / "manifest.json").read_text())["options"]["wrap"] is True
    assert cli("verify", out, "--rtl-frames", "0").code == 0
    session = open_session(onnx.load(out / "model.int.onnx"))
    x = np.load(tmp_path / "x.npz")["x"]
    (codes,) = run_session(session, [session.get_outputs()[0].name], {session.get_inputs()[0].name: x.astype(np.int64)}).values()
    assert np.array_equal(codes.reshape(40, 5), np.clip(np.rint(np.clip(x, 12, 15) @ ROWS.T / 8), -8, 7))


def test_hls_wraps_as_well(cli: Cli, balanced: Path, tmp_path: Path) -> None:
    try:
        find_ap_types(None)
    except CompilerError as error:
        pytest.skip(str(error))
    options = ("--accumulator-bits", "7", "--wrap", "--backend", "hls", "--vectors", frames(tmp_path / "x.npz"))
    outcome = cli(balanced, *RAW, "-o", tmp_path / "out", *options, "--rtl-frames", "40")
    assert outcome.code == 0, outcome.err
    assert (outcome.verdict["hls_frames"], outcome.verdict["hls_mismatches"]) == (40, 0)
