"""report.json keeps to its schema and says what is so; report.html is made of the same document."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import onnx
import pytest

from ..support import lut_models
from ..support.outcome import Outcome

Cli = Callable[..., Outcome]

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def report(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    VALIDATOR.validate(content)
    return content


def test_the_schema_is_one_and_leaves_nothing_open() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def objects(part: Any) -> list[dict[str, Any]]:
        if isinstance(part, list):
            return [found for item in part for found in objects(item)]
        if not isinstance(part, dict):
            return []
        own = [part] if part.get("type") == "object" else []
        return own + [found for value in part.values() for found in objects(value)]

    assert len(objects(SCHEMA)) > 10
    assert all("additionalProperties" in part for part in objects(SCHEMA))


def test_what_the_schema_would_catch(built: Path) -> None:
    content = report(built)
    content["design"]["instances"][0]["interval"] = "many"
    content["unknown"] = 1
    assert len(list(VALIDATOR.iter_errors(content))) == 2


def test_of_a_simulated_network(built: Path) -> None:
    content = report(built)
    design, simulated, verdict = content["design"], content["simulated"], content["verdict"]
    assert (simulated["interval"], simulated["latency"]) == (design["interval"], design["latency"])
    assert (verdict["interval"], verdict["latency"]) == (design["interval"], design["latency"])
    assert simulated["frames"] == verdict["rtl_frames"] == 16
    assert simulated["cycles"] > 15 * design["interval"]
    names = [row["name"] for row in design["instances"]]
    assert [row["instance"] for row in content["first_frame"]] == names
    assert content["first_frame"][-1]["first_sent"] == design["latency"]
    assert {c["source"] for c in design["channels"]} == {c["sink"] for c in design["channels"]} == {*names, None}
    for channel in design["channels"]:
        for end, port, widths in (("source", "source_port", "output_bits"), ("sink", "sink_port", "input_bits")):
            if channel[end] is not None:
                row = design["instances"][names.index(channel[end])]
                assert row[widths][channel[port]] == channel["bits"]
    lut = next(resource for resource in design["resources"] if resource["resource"] == "LUT6")
    assert lut["used"] == round(sum(row["resources"]["lut"] for row in design["instances"]))


def test_memories_are_those_that_were_written(built: Path) -> None:
    for row in report(built)["design"]["instances"]:
        for memory in row["memories"]:
            files = [path for path in (built / "memories").iterdir() if path.name.startswith(row["name"])]
            lines = [path.read_text().split() for path in files]
            assert any(len(words) == memory["words"] and len(words[0]) == -(-memory["width"] // 4) for words in lines)


def test_the_page_says_what_the_report_says(built: Path) -> None:
    content, page = report(built), (built / "report.html").read_text(encoding="utf-8")
    assert "✓ exact" in page
    assert "16 of 16 in RTL" in page
    assert page.count("✓ equal") == 2
    assert content["sha256"] in page
    for row in content["design"]["instances"]:
        assert f"{row['interval']:,}" in page


def test_the_command_makes_the_design_again(cli: Cli, built: Path, models: Path, tmp_path: Path) -> None:
    words = shlex.split(report(built)["command"])
    assert words[:2] == ["qcompile", "mlp.onnx"]
    places = {"mlp.onnx": models / "mlp.onnx", "folding.json": built / "folding.json"}
    arguments = [places.get(word, word) for word in words[1:]]
    assert cli(*arguments, "-o", tmp_path / "again").code == 0
    assert (tmp_path / "again" / "report.json").read_bytes() == (built / "report.json").read_bytes()
    assert (tmp_path / "again" / "report.html").read_bytes() == (built / "report.html").read_bytes()


def test_all_that_decides_is_in_the_command(cli: Cli, models: Path, tmp_path: Path) -> None:
    options = [
        "--input",
        "uint4",
        "--input-scale",
        "0.5",
        "--clock",
        "50",
        "--frames",
        "3",
        "--no-sim",
        "--shape",
        "x:1,8",
    ]
    options += ["--accumulator-bits", "20", "--wrap", "--upsample", "deconv", "--interval", "8"]
    assert cli(models / "untyped.onnx", "--target", "zcu104", *options, "-o", tmp_path / "first").code == 0
    found = report(tmp_path / "first")["command"]
    for option, value in pairwise(options):
        if option.startswith("--") and option != "--interval":
            assert f"{option} {value}".split(" --")[0] in found
    words = [{"untyped.onnx": models / "untyped.onnx", "folding.json": tmp_path / "first" / "folding.json"}.get(w, w)
             for w in shlex.split(found)[1:]]  # fmt: skip
    assert cli(*words, "-o", tmp_path / "again").code == 0
    for name in ("report.json", "report.html", "folding.json", "manifest.json"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_of_lut_netlists(cli: Cli, tmp_path: Path) -> None:
    onnx.save(lut_models.perceptron(), tmp_path / "luts.onnx")
    arguments = (tmp_path / "luts.onnx", "--target", "pynq-z2", "--engine", "lut", "--no-sim", "-o", tmp_path / "out")
    assert cli(*arguments).code == 0
    content, page = report(tmp_path / "out"), (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert content["netlists"]
    assert content["simulated"] is None
    assert f"{content['tables']['proven']:,} neurons on all of their {content['tables']['patterns']:,} patterns" in page
    assert "LUT netlists</h2>" in page
    places = {"luts.onnx": tmp_path / "luts.onnx", "folding.json": tmp_path / "out" / "folding.json"}
    words = [places.get(word, word) for word in shlex.split(content["command"])[1:]]
    assert cli(*words, "-o", tmp_path / "again").code == 0
    for name in ("report.json", "rtl/luts.sv"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()
    assert "RTL not simulated" in page


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_seconds_are_there_where_they_are_asked_for(cli: Cli, models: Path, tmp_path: Path, quiet: list[str]) -> None:
    arguments = (models / "mlp.onnx", "--target", "pynq-z2", "--no-sim", "--times", "-o", tmp_path / "out", *quiet)
    assert cli(*arguments).code == 0
    seconds = report(tmp_path / "out")["seconds"]
    assert {"read the model", "fold", "prove the integer graph"} <= set(seconds)
    assert all(value >= 0 for value in seconds.values())
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Seconds of each step" in page


def test_an_estimate_as_a_page(cli: Cli, models: Path, tmp_path: Path) -> None:
    page = tmp_path / "estimate.html"
    outcome = cli("estimate", models / "mlp.onnx", "--target", "pynq-z2", "--html", page, "--quiet")
    assert (outcome.code, outcome.err) == (0, "")
    text = page.read_text(encoding="utf-8")
    assert "An estimate: nothing was written, compared or simulated." in text
    assert "✓" not in text
    missing = tmp_path / "no" / "estimate.html"
    refused = cli("estimate", models / "mlp.onnx", "--target", "pynq-z2", "--html", missing, "--quiet")
    assert str(missing) in refused.error


def test_the_folder_says_where_its_page_is(cli: Cli, built: Path) -> None:
    assert str(built / "report.html") in cli("report", built).out
