"""qcompile explore: the points are designs that a compilation makes, the best of them are marked, what was found is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from qcompile.flow import explore
from qcompile.flow.options import Options
from qcompile.flow.prepare import prepare
from qcompile.flow.progress import Progress, Silent
from qcompile.report.exploration import Point, Usage, render_exploration

from ..support.outcome import Outcome

Cli = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_points_are_what_a_compilation_makes(cli: Cli, models: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ["--target", "pynq-z2,ulx3s", "--points", "3", "--workers", "1", "-o", out]
    outcome = cli("explore", models / "mlp.onnx", *options)
    assert outcome.code == 0, outcome.err
    points = [Point.of(point) for point in json.loads((out / "explore.json").read_text())["points"]]
    assert {point.target for point in points} == {"pynq-z2", "ulx3s"}
    for point in points:
        assert not point.refusal
        prepared = prepare(Options(models / "mlp.onnx", point.target, interval=point.asked), Progress())
        assert point.interval == prepared.dataflow.interval()
        assert point.latency == prepared.timing.first_output
        assert point.frames_per_second == prepared.clock_mhz * 1e6 / point.interval
        assert 0 < point.efficiency <= 1
    for name in ("pynq-z2", "ulx3s"):
        front = [point for point in points if point.target == name and point.best]
        assert len(front) > 1
        by_speed = sorted(front, key=lambda point: point.interval)
        assert by_speed == sorted(front, key=lambda point: -point.fullest), "slower ones are smaller"
    page = (out / "explore.html").read_text()
    assert page.count("<svg") == 2
    assert "http://" not in page
    assert json.loads(outcome.out.splitlines()[-1])["looked"] == 8


def test_a_second_run_looks_at_nothing_twice(
    cli: Cli, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--target", "pynq-z2", "--points", "2", "--workers", "1", "-o", tmp_path / "out"]
    assert cli("explore", models / "mlp.onnx", *options).code == 0
    first = (tmp_path / "out" / "explore.json").read_bytes()

    def none_left(_function: object, jobs: dict[str, object], *_rest: object) -> list[object]:
        assert not jobs
        return []

    monkeypatch.setattr(explore, "run_jobs", none_left)
    outcome = cli("explore", models / "mlp.onnx", *options)
    assert outcome.code == 0, outcome.err
    assert "3 of 3 designs were known" in outcome.out
    assert (tmp_path / "out" / "explore.json").read_bytes() == first


def test_what_was_found_before_an_interruption_is_kept(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options, request = Options(models / "mlp.onnx", ""), explore.Request(("pynq-z2",), 3, workers=1)

    class Interrupting(Silent):
        def advanced(self, done: int, total: int | None, what: str) -> None:
            if what == "designs" and done == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        explore.explore_model(options, request, tmp_path / "out", Progress(Interrupting()))
    assert not (tmp_path / "out").exists()
    assert explore.explore_model(options, request, tmp_path / "out", Progress()).known == 2


def test_what_does_not_fit_is_said(cli: Cli, models: Path, tmp_path: Path) -> None:
    board = tmp_path / "small.toml"
    text = (Path(explore.qcompile.__file__).parent / "targets" / "boards" / "icebreaker.toml").read_text()
    board.write_text(text.replace('name = "icebreaker"', 'name = "small"').replace("lut = 5_280", "lut = 40"))
    outcome = cli("explore", models / "mlp.onnx", "--target", board, "--points", "2", "--workers", "1", "-o", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    points = json.loads((tmp_path / "out" / "explore.json").read_text())["points"]
    assert all("LUTs" in point["refusal"] and not point["best"] for point in points)
    assert "does not fit" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--target", "pynq-z2,nowhere"], "nowhere"), (["--target", "pynq-z2", "--points", "0"], "--points 0")],
)
def test_refusals(cli: Cli, models: Path, tmp_path: Path, arguments: list[str], said: str) -> None:
    outcome = cli("explore", models / "mlp.onnx", *arguments, "-o", tmp_path / "out")
    assert outcome.code == 2
    assert said in outcome.err
    assert not (tmp_path / "out").exists()


def test_the_page_escapes_and_is_the_same_every_time() -> None:
    point = Point("board", None, 10, 1e6, 12, 100.0, "<b>unit</b>", 4, 0.5, (Usage("LUT6", 10, 100, 0.7),), 1000, best=True)
    page = render_exploration("a<b>.onnx", [point])
    assert "<b>unit" not in page
    assert "a&lt;b&gt;.onnx" in page
    assert page == render_exploration("a<b>.onnx", [point])
