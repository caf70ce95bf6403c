"""report.html in Chromium: what is laid out, what the keyboard reaches, what the script adds. Skipped without Chromium."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from qcompile.report.page import render_page

from .graphs import document

EXAMPLES = Path(__file__).parents[2] / "examples"

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

WIDTHS = {"wide": 1280, "narrow": 400}

# Asked of the page from outside, since the page itself runs no script but its own: it lies in a frame of some width.
QUESTIONS = """
const page = document.querySelector("iframe").contentDocument, root = page.documentElement;
const boxes = [...page.querySelectorAll("a.node")];
const style = (element, name) => page.defaultView.getComputedStyle(element)[name];
const plain = style(boxes[0].querySelector(".frame"), "strokeWidth");
boxes[0].focus();
const heading = page.querySelector("#units thead th.number button");
const cycles = () => [...page.querySelectorAll("#units tbody tr")].map((row) => +row.cells[2].textContent.replaceAll(",", ""));
const before = cycles();
heading.click();
const rising = cycles();
heading.click();
const falling = cycles();
const tall = (name) => page.querySelector(name).getBoundingClientRect();
const answer = {
  page: [root.scrollWidth, root.clientWidth],
  paper: style(page.body, "backgroundColor"),
  ink: style(page.body, "color"),
  boxes: boxes.map((box) => { const r = box.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; }),
  words: boxes.map((box) => Math.max(...[...box.querySelectorAll("text")].map(
    (text) => text.getBoundingClientRect().right - box.querySelector(".frame").getBoundingClientRect().right))),
  focused: page.activeElement === boxes[0],
  stroke: [plain, style(boxes[0].querySelector(".frame"), "strokeWidth")],
  reachable: [...page.querySelectorAll("a[href], button, summary, [tabindex='0']")].every((e) => e.tabIndex === 0),
  before, rising, falling, sort: heading.parentElement.getAttribute("aria-sort"),
  target: tall("#unit-1").height,
};
document.title = "done";
document.body.textContent = JSON.stringify(answer);
"""


@pytest.fixture(scope="session")
def chromium() -> str:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no Chromium on the PATH ({', '.join(NAMES)}): the report is tested as text only")
    return found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pages of a small and of a residual network."""
    folder = tmp_path_factory.mktemp("pages")
    for name in ("digits_mlp_w2a2", "digits_resnet_w4a4"):
        text = render_page(document(EXAMPLES / name / "model.onnx", interval=600))
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return folder


def run(chromium: str, work: Path, *arguments: str) -> str:
    """Chromium's standard output; the network is out of reach."""
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage"]
    command += [f"--user-data-dir={work / 'profile'}", "--proxy-server=127.0.0.1:9", "--virtual-time-budget=5000"]
    finished = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def asked(
    chromium: str, work: Path, page: Path, width: int, *arguments: str
) -> dict[str, list[float] | list[list[float]]]:
    """What the questions find out about a page in a frame of so many pixels."""
    frame = f'<iframe src="{page.name}" style="width:{width}px;height:900px;border:0"></iframe>'
    asking = page.parent / "asking.html"
    load = f"document.querySelector('iframe').onload = () => {{ {QUESTIONS} }};"
    asking.write_text(f"<!doctype html><body>{frame}<script>{load}</script></body>", encoding="utf-8")
    flags = ("--allow-file-access-from-files", "--dump-dom", "--window-size=1400,1000")
    dom = run(chromium, work, *flags, *arguments, asking.as_uri())
    (body,) = re.findall(r"<body>(.*)</body>", dom, re.DOTALL)
    answer: dict[str, list[float] | list[list[float]]] = json.loads(body)
    return answer


@pytest.mark.parametrize("width", WIDTHS.values(), ids=list(WIDTHS))
@pytest.mark.parametrize("name", ["digits_mlp_w2a2", "digits_resnet_w4a4"])
def test_everything_fits(chromium: str, pages: Path, tmp_path: Path, name: str, width: int) -> None:
    """The page never scrolls sideways (tables and parts of the picture do), boxes do not overlap and hold their text."""
    found = asked(chromium, tmp_path, pages / f"{name}.html", width)
    assert found["page"] == [width, width]
    boxes = found["boxes"]
    for k, (left, top, right, bottom) in enumerate(boxes):  # type: ignore[misc]
        assert right - left > 50
        for other in boxes[k + 1 :]:
            assert other[0] >= right or other[2] <= left or other[1] >= bottom or other[3] <= top  # type: ignore[index]
    assert max(found["words"]) < 0  # type: ignore[type-var]


def test_keyboard_and_sorting(chromium: str, pages: Path, tmp_path: Path) -> None:
    found = asked(chromium, tmp_path, pages / "digits_resnet_w4a4.html", 1280)
    assert found["focused"] is True
    assert found["reachable"] is True
    plain, focused = found["stroke"]
    assert (plain, focused) == ("1.2px", "4px")
    assert found["rising"] == sorted(found["before"])
    assert found["falling"] == sorted(found["before"], reverse=True)  # type: ignore[type-var]
    assert found["before"] != found["rising"]
    assert found["sort"] == "descending"


def test_light_and_dark(chromium: str, pages: Path, tmp_path: Path) -> None:
    page = pages / "digits_mlp_w2a2.html"
    light, dark = (
        asked(chromium, tmp_path, page, 1280, f"--blink-settings=preferredColorScheme={scheme}") for scheme in (1, 0)
    )
    assert (light["paper"], dark["paper"]) == ("rgb(255, 255, 255)", "rgb(17, 22, 28)")
    assert light["ink"] != dark["ink"]


def test_a_screenshot_shows_the_network(chromium: str, pages: Path, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    page = pages / "digits_mlp_w2a2.html"
    run(chromium, tmp_path, f"--screenshot={picture}", "--window-size=640,1500", page.as_uri())
    rows = pixels(picture)
    assert (len(rows[0]), len(rows)) == (640, 1500)
    # The blue of bars, the frame of the bottleneck, the boxes' ground: counted in the part that shows the network.
    network = [pixel for row in rows[500:] for pixel in row]
    found = [network.count(colour) for colour in ((0x0B, 0x62, 0xA8), (0xB5, 0x41, 0x0A), (0xF4, 0xF6, 0xF8))]
    assert all(count > least for count, least in zip(found, (1_500, 1_500, 40_000), strict=True)), found


def test_without_script(chromium: str, pages: Path, tmp_path: Path) -> None:
    """All that is read is in the file already: the script only makes headings into buttons."""
    page = pages / "digits_mlp_w2a2.html"
    source, shown = page.read_text(encoding="utf-8"), run(chromium, tmp_path, "--dump-dom", page.as_uri())
    assert "<button" not in re.sub(r"<script>.*?</script>", "", source, flags=re.DOTALL)
    assert "<button" in shown
    words = [re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL).split() for text in (source, shown)]
    assert words[0] == words[1]


def pixels(png: Path) -> list[list[tuple[int, int, int]]]:
    """The pixels of a PNG of eight bits a colour, row by row."""
    data, at, header, packed = png.read_bytes(), 8, b"", b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        header, packed = (body if kind == b"IHDR" else header), packed + (body if kind == b"IDAT" else b"")
        at += 12 + size
    width, height, depth, colour = struct.unpack(">IIBB", header[:10])
    assert depth == 8
    step = {2: 3, 6: 4}[colour]
    raw, rows, before = zlib.decompress(packed), [], bytes(width * step)
    for y in range(height):
        start = y * (width * step + 1)
        before = unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + width * step]), before, step)
        rows.append([(before[k], before[k + 1], before[k + 2]) for k in range(0, width * step, step)])
    return rows


def unfiltered(kind: int, row: bytearray, above: bytes, step: int) -> bytes:
    """A row of a PNG, whose bytes are differences to the left, above, their mean, or Paeth's choice."""
    for k in range(len(row)):
        left, up, corner = (row[k - step] if k >= step else 0), above[k], (above[k - step] if k >= step else 0)
        guess = left + up - corner
        near = min((left, up, corner), key=lambda value: abs(guess - value))
        row[k] = row[k] + (0, left, up, (left + up) // 2, near)[kind] & 255
    return bytes(row)
