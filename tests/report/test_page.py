"""report.html as text: well formed, complete, by itself, and accessible as far as text tells."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from qcompile.report.document import Document, ProofFigures, Simulated, TieFigures
from qcompile.report.page import render_page

from .graphs import document

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
STYLE = ROOT / "templates" / "report" / "style.css"

VOID = {"meta", "link", "br", "path", "rect", "circle"}


class Outline(HTMLParser):
    """Every element with its attributes and text; wrong nesting is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> without <{tag}>"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def residual() -> Document:
    return document(EXAMPLES / "digits_resnet_w4a4" / "model.onnx", interval=600)


@pytest.fixture(scope="module", params=["mlp", "forked", "two_inputs", "residual"])
def page(request: pytest.FixtureRequest, models: Path) -> tuple[Document, str]:
    if request.param == "residual":
        found: Document = request.getfixturevalue("residual")
    else:
        found = document(models / f"{request.param}.onnx")
    return found, render_page(found)


def test_it_is_well_formed_and_stands_alone(page: tuple[Document, str]) -> None:
    outline = Outline(page[1])
    assert page[1].startswith("<!doctype html>\n")
    assert "http" not in re.sub(r'http-equiv="', "", page[1])
    assert not outline.all("link") + outline.all("img") + outline.all("iframe")
    assert not [
        a for tag, attributes in outline.elements for a in attributes if a in ("src", "srcset") or a[:2] == "on"
    ]
    assert "url(" not in page[1].replace("url(#arrow)", "")


def test_the_policy_allows_its_own_script_only(page: tuple[Document, str]) -> None:
    (script,) = re.findall(r"<script>(.*?)</script>", page[1], re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = [a["content"] for a in Outline(page[1]).all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def test_links_lead_somewhere_and_names_are_unique(page: tuple[Document, str]) -> None:
    outline = Outline(page[1])
    names = Counter(a["id"] for _, a in outline.elements if "id" in a)
    assert set(names.values()) == {1}
    for _, attributes in outline.elements:
        if (attributes.get("href") or "").startswith("#"):
            assert (attributes["href"] or "")[1:] in names
        for reference in (attributes.get("aria-labelledby") or "").split():
            assert reference in names


def test_all_units_and_fifos_are_there(page: tuple[Document, str]) -> None:
    outline, design = Outline(page[1]), page[0].design
    nodes = [a for a in outline.all("a") if (a.get("class") or "").startswith("node")]
    passing = [row for row in design.instances if row.kernel in ("fifo", "width_converter")]
    assert len(nodes) == len(design.instances) - len(passing)
    assert sum("bottleneck" in (a["class"] or "") for a in nodes) == 1
    for row in design.instances:
        if row not in passing:
            wanted = f"{row.kernel.replace('_', ' ')}; {row.interval:,} cycles a frame"
            assert any(wanted in (a["aria-label"] or "") for a in nodes)
    edges = [a for a in outline.all("g") if a.get("class") == "node edge"]
    assert len(edges) == sum((c.source is None) + (c.sink is None) for c in design.channels)
    fifos = [row for row in passing if row.kernel == "fifo"]
    depths = [
        int(depth)
        for text in re.findall(r"<text[^>]*>([^<]*)</text>", page[1])
        for depth in re.findall(r"FIFO (\d+)", text)
    ]
    assert sorted(depths) == sorted(int(row.settings["depth"]) for row in fifos)


def test_tables_have_headings_with_a_scope(page: tuple[Document, str]) -> None:
    outline = Outline(page[1])
    assert len(outline.all("table")) >= 4
    assert all(a.get("scope") in ("col", "row") for a in outline.all("th"))
    regions = [a for a in outline.all("div") if a.get("role") == "region"]
    assert regions
    assert all(a.get("tabindex") == "0" and (a.get("aria-label") or a.get("aria-labelledby")) for a in regions)
    assert outline.all("html") == [{"lang": "en"}]


def test_the_figures_are_those_of_the_document(residual: Document) -> None:
    text = Outline(render_page(residual)).text
    design = residual.design
    assert f"throughput {design.frames_per_second:,.0f} frames/s at 100 MHz" in text
    assert f"interval {design.interval:,} cycles" in text
    for resource in design.resources:
        if resource.available:
            assert f"{resource.used:,.0f} {resource.available:,} {resource.budget:.0%}, within the budget" in text
    for accumulator in residual.accumulators:
        widths = " ".join(str(bits) for _, bits in accumulator.widths)
        assert (
            f"{accumulator.layer} {accumulator.inputs} {accumulator.input_type} × {accumulator.weight_type} {widths}"
            in text
        )
    for activity in residual.first_frame:
        row = next(r for r in design.instances if r.name == activity.instance)
        if row.kernel not in ("fifo", "width_converter"):
            assert f"{activity.first_taken:,} – {activity.last_taken:,}" in text
            assert f"{activity.first_sent:,} – {activity.last_sent:,}" in text
    assert "An estimate: nothing was written, compared or simulated" in text


def proven(base: Document, interval: int | None, latency: int) -> Document:
    ties = (TieFigures(3, "conv", 2),)
    verdict = {
        "frames": 64,
        "mismatches": 0,
        "ties": 1,
        "rtl_frames": 16,
        "rtl_mismatches": 0,
        "interval": 1,
        "latency": 1,
    }
    return replace(
        base,
        verdict=verdict,
        proof=ProofFigures(1234567, 0, 0, ties, 0, 0),
        simulated=Simulated(16, 99999, interval, latency),
        seconds={"fold": 1.234},
    )


def test_predicted_against_simulated(residual: Document) -> None:
    design = residual.design
    equal = Outline(render_page(proven(residual, design.interval, design.latency))).text
    assert (
        "✓ exact 64 of 64 frames exact in the integer network (1 of them with a float tie of the reference), 16 of 16 in RTL"
        in equal
    )
    assert f"from frame to frame {design.interval} {design.interval} ✓ equal" in equal
    assert "1,234,567 integers" in equal
    assert "frame 3: 2 elements of conv" in equal
    assert "fold 1.23" in equal
    slower = Outline(render_page(proven(residual, design.interval + 6, design.latency))).text
    assert f"from frame to frame {design.interval} {design.interval + 6} +6 cycles (+1.04%)" in slower
    assert "too few frames to tell" in Outline(render_page(proven(residual, None, 7))).text


def test_names_of_the_model_are_text(residual: Document) -> None:
    name = '<script>alert("1")</script>&amp;'
    instances = (replace(residual.design.instances[0], origin=(name,)), *residual.design.instances[1:])
    changed = replace(residual, design=replace(residual.design, instances=instances))
    text = render_page(changed)
    assert name not in text
    assert html.escape(name).replace("&quot;", "&#34;") in text
    assert len(Outline(text).all("script")) == 1


def test_names_that_are_sentences_lose_their_middle(residual: Document) -> None:
    """In tables and boxes; exporters write the names of all that they have joined."""
    name = "first;" + "of;many;" * 60 + "last"
    instances = (replace(residual.design.instances[0], origin=(name,)), *residual.design.instances[1:])
    accumulators = (replace(residual.accumulators[0], layer=name), *residual.accumulators[1:])
    text = render_page(
        replace(residual, design=replace(residual.design, instances=instances), accumulators=accumulators)
    )
    assert name not in text
    assert len(re.findall(r"first;of;[^<>]{0,8}…[^<>]{20,40}last", text)) >= 4


def test_a_design_without_room(residual: Document) -> None:
    """What the device does not hold is said in words, and the bar ends with the device."""
    resources = (replace(residual.design.resources[0], used=60_000), replace(residual.design.resources[1], used=60_000))
    text = render_page(replace(residual, design=replace(residual.design, resources=resources)))
    assert "113%" in text
    assert "more than there is" in text
    assert "50%, over the budget" in text
    assert text.count('class="meter over"') == 2
    assert max(float(width) for width in re.findall(r"width:([\d.]+)%", text)) <= 100


def luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_text_and_bars_can_be_told_from_the_paper(scheme: int) -> None:
    """The contrasts that WCAG 2 asks for: 4.5 for text, 3 for what is drawn."""
    blocks = re.findall(r":root \{(.*?)\}", STYLE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 3
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6}|#[0-9a-f]{3});", blocks[scheme]))
    colours = {n: c if len(c) == 7 else "#" + "".join(2 * d for d in c[1:]) for n, c in colours.items()}

    def contrast(a: str, b: str) -> float:
        high, low = sorted((luminance(colours[a]), luminance(colours[b])), reverse=True)
        return (high + 0.05) / (low + 0.05)

    for text in ("ink", "muted", "blue", "hot", "good"):
        assert contrast(text, "paper") >= 4.5, text
    for text, ground in (
        ("ink", "panel"),
        ("muted", "panel"),
        ("ink", "hot-soft"),
        ("muted", "hot-soft"),
        ("ink", "soft"),
    ):
        assert contrast(text, ground) >= 4.5, (text, ground)
    for mark in ("blue", "hot", "strong"):
        assert contrast(mark, "paper") >= 3, mark
        assert contrast(mark, "panel") >= 3, mark
