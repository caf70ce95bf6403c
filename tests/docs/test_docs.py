"""The documentation stays true: links, commands, catalogues and formulae are those of the code."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from qcompile.cli import main
from qcompile.cli.app import app
from qcompile.flow.manifest import Verdict
from qcompile.folding.finn import KINDS as FINN_KINDS
from qcompile.frontend.importers import IMPORTERS, PULP_IMPORTERS, QONNX_IMPORTERS
from qcompile.frontend.quantised_operators import CONTRIBUTED, STANDARD
from qcompile.kernels import KERNELS
from qcompile.targets import all_targets

from . import library

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = sorted(
    [README, *ROOT.glob("docs/*.md"), ROOT / "CHANGELOG.md", *ROOT.glob("examples/*.md"), *ROOT.glob("hls/*.md")]
)

LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^    (qcompile .+)$", re.MULTILINE)


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def between(page: Path, name: str) -> str:
    """What stands between the comments `<!-- name -->` and `<!-- /name -->`."""
    match = re.search(rf"<!-- {name} -->(.*)<!-- /{name} -->", text(page), re.DOTALL)
    assert match, f"{page.name} has no block '{name}'"
    return match[1]


def quoted(passage: str) -> set[str]:
    """Everything in backquotes, code blocks apart."""
    return set(re.findall(r"`([^`\n]+)`", FENCE.sub("", passage)))


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def links() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for target in LINK.findall(FENCE.sub("", text(page))):
            if "://" not in target:
                yield page, target


@pytest.mark.parametrize(("page", "target"), [pytest.param(*link, id=f"{link[0].stem}-{link[1]}") for link in links()])
def test_relative_links_lead_somewhere(page: Path, target: str) -> None:
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    assert file.exists(), f"{page.name} links to {target}"
    assert not anchor or anchor in anchors(file), f"{page.name}: {file.name} has no heading for #{anchor}"


def commands() -> list[str]:
    return sorted({line for page in PAGES for line in COMMAND.findall(text(page))})


# typer carries a click of its own since version 0.20.
USAGE_ERROR: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


def parsed(line: str) -> Any:
    """The context of a command line, parsed as the program would, but not run."""
    arguments = shlex.split(line, comments=True)[1:]
    root: Any = typer.main.get_command(app)
    if arguments[0] not in root.commands:
        arguments = ["compile", *arguments]
    return root.commands[arguments[0]].make_context(arguments[0], arguments[1:])


def test_there_are_commands_to_check() -> None:
    assert len(commands()) > 5


@pytest.mark.parametrize("line", commands())
def test_command_lines_parse(line: str) -> None:
    try:
        parsed(line)
    except USAGE_ERROR as error:
        pytest.fail(f"{line}: {error.format_message()}")


def test_a_wrong_command_line_would_be_caught() -> None:
    with pytest.raises(USAGE_ERROR):
        parsed("qcompile model.onnx --target pynq-z2 --no-such-option")


def test_the_readme_names_every_command_and_option() -> None:
    root: Any = typer.main.get_command(app)
    readme = text(README)
    assert [name for name in root.commands if name != "compile" and f"qcompile {name}" not in readme] == []
    options = {
        name for parameter in root.commands["compile"].params for name in (*parameter.opts, *parameter.secondary_opts)
    }
    absent = {name for name in options if name.startswith("-") and f"`{name}" not in readme}
    assert absent <= {"--help"}


def test_the_readme_has_the_two_commands_of_ci() -> None:
    """The README's first commands are what .ci/run does."""
    recipe = text(ROOT / ".ci" / "run")
    for command in ("make demo", "make test"):
        assert re.search(rf"^    {command}\b", text(README), re.MULTILINE)
        assert command in recipe


def test_operators_of_the_readme_are_those_of_the_catalogue() -> None:
    catalogue = {*IMPORTERS, *QONNX_IMPORTERS, *PULP_IMPORTERS, "FloatQuant", *STANDARD, *CONTRIBUTED}
    assert quoted(between(README, "operators")) == catalogue


def test_targets_of_the_readme_are_those_of_the_catalogue() -> None:
    assert quoted(between(README, "targets")) == {target.name for target in all_targets()}


def test_kernels_and_names_of_finn_are_documented() -> None:
    folding = quoted(text(ROOT / "docs" / "folding.md"))
    assert {kernel.kind for kernel in KERNELS} <= folding
    assert {f"{name}_*" for name in FINN_KINDS} <= folding


def test_every_package_is_in_the_table_of_layers() -> None:
    packages = {path.parent.name for path in (ROOT / "compiler" / "qcompile").glob("*/__init__.py")}
    assert packages <= quoted(text(ROOT / "docs" / "architecture.md"))


def test_modules_are_those_of_the_library() -> None:
    assert library.written() == library.table(), "run: python tests/docs/library.py"


def test_every_module_states_interval_and_latency() -> None:
    for file in (ROOT / "rtl").glob("*.sv"):
        said = library.described(text(file))
        assert {"Summary", "Handshake", "Interval", "Latency"} <= set(said), file.name


def test_the_json_line_has_the_documented_keys() -> None:
    for page in (README, ROOT / "docs" / "report.md"):
        (line,) = re.findall(r"^\{\"frames\".*\}$", text(page), re.MULTILINE)
        always = tuple(name for name in Verdict.__slots__ if not name.startswith("hls_"))
        assert tuple(json.loads(line)) == always
    assert {f"`{name}`" for name in Verdict.__slots__} <= {f"`{name}`" for name in quoted(text(ROOT / "docs" / "report.md"))}


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the first example compiled to build/mine."""
    folder = tmp_path_factory.mktemp("readme")
    source = ROOT / "examples" / "digits_mlp_w2a2"
    vectors = ["--vectors", str(source / "vectors.npz")]
    command = [str(source / "model.onnx"), "--target", "pynq-z2", "-o", str(folder / "build" / "mine"), *vectors]
    assert main([*command, "--no-sim", "--quiet"]) == 0
    return folder


@pytest.mark.parametrize("name", ["manifest", "report"])
def test_the_keys_of_the_json_files_are_documented(example: Path, name: str) -> None:
    documented = quoted(text(ROOT / "docs" / "report.md"))
    content = json.loads((example / "build" / "mine" / f"{name}.json").read_text(encoding="utf-8"))
    assert set(keys(content)) <= documented


def keys(content: object) -> Iterator[str]:
    """All keys but those of `settings`, which are a kernel's attributes."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield key
            if key != "settings":
                yield from keys(value)
    elif isinstance(content, list):
        for item in content:
            yield from keys(item)


def test_everything_a_run_writes_is_documented(example: Path) -> None:
    documented = quoted(text(README))
    written = {path.name for path in (example / "build" / "mine").iterdir()}
    assert written <= {name.partition("/")[0] for name in documented}


def test_the_packing_of_the_readme_is_that_of_the_test_vectors(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(example)
    (snippet,) = re.findall(r"^```python\n(.*?)^```$", text(README), re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(snippet, names)
    vectors = np.load(ROOT / "examples" / "digits_mlp_w2a2" / "vectors.npz")
    sent, received = ((example / f"build/mine/sim/vectors/{name}_0.bin").read_bytes() for name in ("input", "output"))
    codes = names["encode"](vectors["x"][0], names["source"])
    packed = names["pack"](codes, names["source"])
    assert packed == sent[: len(packed)]
    assert np.array_equal(names["unpack"](packed, names["source"]), codes.ravel())
    size = len(names["pack"](np.zeros(names["sink"]["shape"], np.int64), names["sink"]))
    logits = names["decode"](names["unpack"](received[:size], names["sink"]), names["sink"])
    assert np.allclose(logits.ravel(), vectors["y"][0].ravel(), atol=1e-4)
