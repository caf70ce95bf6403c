"""What a run says while it works: lines in a log, a bar on a terminal, and how far it is."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qcompile.cli.steps import Lines, how_far
from qcompile.flow.compile import compile_model
from qcompile.flow.options import Options
from qcompile.flow.prepare import prepare
from qcompile.flow.progress import Progress, Silent
from qcompile.tools.cache import Cache
from qcompile.tools.prerequisites import find_toolchain
from qcompile.verify.comparison import Stimulus
from qcompile.verify.rtl import Traffic, build_simulator, run_bulk

from ..support.outcome import Outcome

Cli = Callable[..., Outcome]


class Recorder(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.step = ""

    def started(self, step: str) -> None:
        self.step = step

    def advanced(self, done: int, total: int | None, what: str) -> None:
        assert 0 <= done <= (done if total is None else total)
        self.told.append((self.step, how_far(done, total, what)))


def test_a_log_says_now_and_then_how_far_a_step_is(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(Lines(every_s=0.1))
    with progress.step("quick"):
        pass
    with progress.step("slow") as step:
        time.sleep(0.15)
        step.at(3, 8, "frames")
        time.sleep(0.1)
    with progress.step("unknown") as step:
        step.at(1234, None, "designs tried")
        time.sleep(0.15)
    with pytest.raises(KeyError), progress.step("wrong"):
        raise KeyError
    time.sleep(0.15)
    out, err = capsys.readouterr()
    lines = [re.sub(r"[\d.]+ s", "s", line).replace(" ", "") for line in err.splitlines()]
    assert out == ""
    assert lines == [
        "[s]quick",
        "(s)slow...",
        "(s)slow,3of8frames...",
        "[s]slow",
        "(s)unknown,1,234designstried...",
        "[s]unknown",
    ]
    assert list(progress.times) == ["quick", "slow", "unknown"]
    assert progress.times["slow"] > 0.2


def test_more_than_all_is_all() -> None:
    recorder = Recorder()
    with Progress(recorder).step("step") as step:
        step.at(12, 8, "cycles")
    assert recorder.told == [("step", "8 of 8 cycles")]


def test_the_long_steps_say_how_far_they_are(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a cache of its own, so that Verilator's run time is compiled, and asked often."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("qcompile.tools.command.WATCH_S", 0.05)
    monkeypatch.setattr("qcompile.flow.prove.PART_ELEMENTS", 1)
    recorder = Recorder()
    options = Options(models / "mlp.onnx", target="pynq-z2", frames=3, rtl_frames=2)
    compile_model(options, tmp_path / "out", Progress(recorder))
    assert ("fold", "1 designs tried") in recorder.told
    proven = [far for step, far in recorder.told if step == "prove the integer graph"]
    assert proven == ["1 of 3 frames", "2 of 3 frames", "3 of 3 frames"]
    built = [far for step, far in recorder.told if step == "build the simulation"]
    assert len(built) > 10
    assert all(re.fullmatch(r"\d+ of \d+ C\+\+ files", far) for far in built)
    assert len(set(built)) > 2


def test_a_long_simulation_says_how_far_it_is(built: Path, models: Path, tmp_path: Path) -> None:
    """Sources that are idle nearly always: some seconds."""
    dataflow = prepare(Options(models / "mlp.onnx", target="pynq-z2", interval=24), Progress()).dataflow
    frames = [np.zeros((100_000, stream.elements), np.int64) for stream in (*dataflow.inputs, *dataflow.outputs)]
    stimulus = Stimulus(dataflow.inputs, dataflow.outputs, frames[:1], frames[1:])
    simulator = build_simulator(find_toolchain(), Cache.of_user(), built, dataflow.name, tmp_path)
    cycles: list[int] = []
    run = run_bulk(simulator, stimulus, Traffic(idle=99), advance=cycles.append)
    assert run.frames == 100_000
    assert cycles
    assert cycles == sorted(cycles)
    assert cycles[-1] < run.cycles


def test_a_terminal_gets_a_bar_and_is_given_back(models: Path, tmp_path: Path) -> None:
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "qcompile", str(models / "mlp.onnx"), "--target", "pynq-z2", "--no-sim"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(
        [*command, "-o", str(tmp_path / "out")], stdout=subprocess.DEVNULL, stderr=slave, stdin=slave, env=environment
    )
    os.close(slave)
    said = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        said += part
    assert process.wait() == 0
    os.close(master)
    text = said.decode()
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") > 0  # the cursor is hidden, and comes back
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
    for step in ("read the model", "fold", "prove the integer graph", "write"):
        assert re.search(rf"\[ *[\d.]+ s\] {step}\r?\n", plain)


def wide(cli: Cli, *arguments: object, width: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines on a terminal of so many columns."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    outcome = cli(*arguments)
    assert outcome.code == 0
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", outcome.out).splitlines()


EXAMPLE = Path(__file__).parents[2] / "examples" / "digits_resnet_w4a4" / "model.onnx"


def test_tables_fit_eighty_columns(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("estimate", EXAMPLE, "--target", "pynq-z2", "--interval", "600", "--quiet")
    narrow = wide(cli, *arguments, width=80, monkeypatch=monkeypatch)
    monkeypatch.undo()
    log = cli(*arguments).out.splitlines()
    tables = [[line for line in lines if not line.startswith(("estimated", "latency", "line"))] for lines in (narrow, log)]
    assert max(map(len, tables[0])) <= 80
    assert max(map(len, tables[1])) > 80
    assert any("…" in line for line in tables[0])
    assert not any("…" in line for line in tables[1])
    # The same numbers, a line a unit.
    numbers = [[line.split()[-4:] for line in lines if re.search(r"\d\s+[\d,]+\s+\d+\s+\d+\s*$", line)] for lines in tables]
    assert numbers[0] == numbers[1]
    assert len(numbers[0]) > 30
    assert sum(line.startswith("> ") for line in narrow) == 1
