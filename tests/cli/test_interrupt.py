"""Ctrl-C and termination in the middle: no process left, nothing half-written, an older output untouched."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..support.onnx_models import ModelBuilder
from ..support.outcome import Outcome

PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Running:
    """A qcompile with a folder for its output, one for its temporary files, and a mark that its children inherit."""

    process: subprocess.Popen[str]
    place: Path
    temporary: Path
    mark: str

    def wait_for(self, step: str) -> None:
        """Until a line on standard error says that a step has ended."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if line.rstrip().endswith(f"] {step}"):
                return
        raise AssertionError(f"it ended before '{step}'")

    def wait_for_child(self, program: str) -> None:
        """Until it has started a program."""
        until = time.monotonic() + PATIENCE_S
        while not any(program in command for command in self.descendants()):
            assert self.process.poll() is None, "it ended before it started a child"
            assert time.monotonic() < until
            time.sleep(0.02)

    def descendants(self) -> list[str]:
        """Command lines of all living processes that bear the mark, but its own."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                other = entry.name.isdigit() and int(entry.name) != self.process.pid
                if other and self.mark.encode() in (entry / "environ").read_bytes():
                    found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        return found

    def end(self, number: signal.Signals) -> None:
        """Sends the signal and looks at what is left."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE_S)
        assert self.process.returncode == 130, err
        assert out == ""
        assert err.endswith("interrupted: nothing was written\n")
        assert "Traceback" not in err
        assert self.descendants() == []
        # onnxruntime leaves a file of its own there as soon as it is imported.
        assert [p.name for p in self.temporary.iterdir() if p.name != ".ses"] == []


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(p.relative_to(folder)): (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}


@contextlib.contextmanager
def started(tmp_path: Path, model: Path, *options: str, cache: bool) -> Iterator[Running]:
    place, temporary = tmp_path / "place", tmp_path / "temporary"
    temporary.mkdir()
    place.mkdir(exist_ok=True)
    mark = uuid.uuid4().hex
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(temporary), "MARK": mark}
    if not cache:
        environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    command = [sys.executable, "-m", "qcompile", str(model), "--target", "pynq-z2", "-o", str(place / "out"), *options]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    running = Running(process, place, temporary, mark)
    try:
        yield running
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def older(cli: object, models: Path, tmp_path: Path) -> dict[str, tuple[bytes, int]]:
    """An older output in the place, and all that is in it."""
    folder = tmp_path / "place" / "out"
    outcome = cli(models / "mlp.onnx", "--target", "pynq-z2", "--no-sim", "-o", folder)  # type: ignore[operator]
    assert isinstance(outcome, Outcome)
    assert outcome.code == 0
    return files(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_while_the_simulation_is_built(
    models: Path, tmp_path: Path, older: dict[str, tuple[bytes, int]], number: signal.Signals
) -> None:
    with started(tmp_path, models / "mlp.onnx", cache=False) as running:
        running.wait_for_child("cc1plus")
        running.end(number)
    assert sorted(p.name for p in running.place.iterdir()) == ["out"]
    assert files(running.place / "out") == older


def test_while_the_rtl_is_simulated(built: Path, models: Path, tmp_path: Path) -> None:
    """`built` has brought the same simulation into the cache."""
    options = ("--interval", "24", "--rtl-frames", "40000", "--frames", "1")
    with started(tmp_path, models / "mlp.onnx", *options, cache=True) as running:
        running.wait_for("build the simulation")
        running.wait_for_child("input_0.bin")
        running.end(signal.SIGINT)
    assert list(running.place.iterdir()) == []


def test_while_it_thinks(tmp_path: Path) -> None:
    """A model of many layers, in the middle of streamlining or searching."""
    import numpy as np
    import onnx

    b, rng = ModelBuilder(), np.random.default_rng(0)
    x = b.quant("x", 0.125, 0.0, 4.0)
    for _ in range(120):
        w = b.quant(b.constant(rng.normal(0, 0.4, (96, 96))), 0.25, 0.0, 4.0, narrow=1)
        x = b.quant(b.node("Relu", [b.node("MatMul", [x, w])]), 2.0, 0.0, 3.0, signed=0)
    onnx.save(b.model((1, 96), x), tmp_path / "deep.onnx")
    with started(tmp_path, tmp_path / "deep.onnx", "--no-sim", cache=True) as running:
        running.wait_for("read the model")
        time.sleep(0.1)
        running.end(signal.SIGINT)
    assert list(running.place.iterdir()) == []
