"""The boards: complete, honest about where their figures come from; and clear words for a faulty TOML."""

import dataclasses
import re
import sys
from pathlib import Path

import pytest

from qcompile.ir.errors import CompilerError
from qcompile.targets import Target, all_targets, load

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BOARDS = Path(load.__code__.co_filename).parent / "boards"

# name -> LUT, block RAM bits, multipliers: what each must have (see the `sources` of its TOML).
EXPECTED = {
    "pynq-z1": (53_200, 140 * 36_864, 220),
    "pynq-z2": (53_200, 140 * 36_864, 220),
    "arty-a7-35t": (20_800, 50 * 36_864, 90),
    "arty-a7-100t": (63_400, 135 * 36_864, 240),
    "ultra96-v2": (70_560, 216 * 36_864, 360),
    "kv260": (117_120, 144 * 36_864, 1_248),
    "zcu104": (230_400, 312 * 36_864, 1_728),
    "zcu102": (274_080, 912 * 36_864, 2_520),
    "u250": (4 * 345_000, 4 * 1_152 * 18_432, 4 * 2_880),
    "u280": (400_800 + 382_080 + 380_640, (1_200 + 2 * 1_152) * 18_432, 2_736 + 2 * 2_880),
    "ulx3s": (83_640, 208 * 18_432, 156),
    "orangecrab": (24_288, 56 * 18_432, 28),
    "icebreaker": (5_280, 30 * 4_096, 8),
    "tang-nano-9k": (8_640, 26 * 18_432, 20),
    "tang-nano-20k": (20_736, 46 * 18_432, 48),
}

NAMES = sorted(EXPECTED)


def figures(table: dict[str, object], path: str = "") -> set[str]:
    """Every key of a TOML that holds a figure, as `sources` names them."""
    found: set[str] = set()
    for key, value in table.items():
        if key == "sources" or (path == "" and key in ("name", "board", "vendor", "family", "toolchain")):
            continue
        found |= figures(value, f"{path}{key}.") if isinstance(value, dict) else {f"{path}{key}"}
    return found


def test_all_targets_are_there_by_name() -> None:
    assert [target.name for target in all_targets()] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_figures_that_decide_what_fits(name: str) -> None:
    target = load(name)
    assert (target.lut, target.bram.total_bits, target.dsp.count) == EXPECTED[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_target_is_consistent_in_itself(name: str) -> None:
    target = load(name)
    assert target.name == name
    assert target.lut_inputs == (6 if target.vendor == "amd" else 4)
    assert target.lutram_lut is None or target.lutram_lut <= target.lut
    assert target.lut <= 2 * target.ff  # no family here has fewer than a flip-flop for two LUTs
    assert target.dsp_width == (target.dsp.a_bits, target.dsp.b_bits)
    assert target.dsp.accumulator_bits >= max(target.dsp_width)
    assert max(depth * width for depth, width in target.bram.shapes) <= target.bram.bits
    budget = dataclasses.asdict(target.budget)
    assert budget == {"lut": 0.7, "ff": 0.5, "bram": 0.8, "uram": 0.8, "dsp": 0.8}


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_says_where_it_comes_from(name: str) -> None:
    table = tomllib.loads((BOARDS / f"{name}.toml").read_text())
    wanted = {figure if not figure.startswith("budget.") else "budget" for figure in figures(table)}
    wanted -= {"slr"} if table["slr"] == 1 else set()
    named = [figure for source in load(name).sources for figure in source.figures]
    assert sorted(named) == sorted(wanted)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_from_memory_is_called_checked(name: str) -> None:
    for source in load(name).sources:
        assert not (source.checked and re.search("memory;|not checked", source.how)), source


def test_a_target_cannot_be_changed() -> None:
    target = load("pynq-z2")
    with pytest.raises(dataclasses.FrozenInstanceError):
        target.lut = 10**6  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("pynq-z3", "pynq-z2"),
        ("PYNQ_Z2", "pynq-z2"),
        ("artya735t", "arty-a7-35t"),
        ("tang-nano", "tang-nano-9k"),
        ("zcu14", "zcu104"),
    ],
)
def test_an_unknown_name_names_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(CompilerError) as caught:
        load(name)
    assert caught.value.what == f"unknown target '{name}'"
    assert caught.value.why.startswith("did you mean ")
    assert nearest in caught.value.why


def test_a_name_like_no_other_lists_all() -> None:
    with pytest.raises(CompilerError) as caught:
        load("qqqq")
    assert all(name in caught.value.why for name in NAMES)


@pytest.mark.parametrize("name", ["../boards/pynq-z2", "", ".", "/etc/passwd"])
def test_a_name_is_not_a_path_into_the_catalogue(name: str) -> None:
    with pytest.raises(CompilerError, match="unknown target"):
        load(name)


# --- a TOML of the user's own


def edited(tmp_path: Path, *edits: tuple[str, str]) -> Path:
    """A copy of pynq-z2.toml with each first text replaced by the second."""
    text = (BOARDS / "pynq-z2.toml").read_text()
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return path


def test_a_board_of_the_users_own(tmp_path: Path) -> None:
    path = edited(
        tmp_path, ('name = "pynq-z2"', 'name = "my-board"'), ("clock_mhz = 100.0", "clock_mhz = 125")
    )
    mine = load(str(path))
    assert mine == dataclasses.replace(load("pynq-z2"), name="my-board", clock_mhz=125.0)
    assert isinstance(mine, Target)


def test_what_is_optional_may_be_left_out(tmp_path: Path) -> None:
    mine = load(str(edited(tmp_path, ("bandwidth_gb_s = 2.1\n", ""), ("lutram_lut = 17_400\n", ""))))
    assert mine.bandwidth_gb_s is None
    assert mine.lutram_lut is None
    assert mine.uram is None


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (('part = "xc7z020clg400-1"\n', ""), "missing key 'part': a text"),
        (("clock_mhz", "clock_mHz"), "unknown key 'clock_mHz'; did you mean 'clock_mhz'?"),
        (("lut = 53_200", 'lut = "53200"'), "'logic.lut' must be an integer of at least 1, not '53200'"),
        (("lut = 53_200", "lut = 53200.5"), "'logic.lut' must be an integer of at least 1, not 53200.5"),
        (("slr = 1", "slr = true"), "'slr' must be an integer of at least 1, not True"),
        (("count = 280", "count = -1"), "'bram.count' must be an integer of at least 0, not -1"),
        (("clock_mhz = 100.0", "clock_mhz = 0"), "'clock_mhz' must be a number greater than 0, not 0"),
        (
            ("bandwidth_gb_s = 2.1", "bandwidth_gb_s = nan"),
            "'bandwidth_gb_s' must be a number greater than 0, not nan",
        ),
        (("lut = 0.7", "lut = 70"), "'budget.lut' must be a number greater than 0 and at most 1, not 70"),
        (("initialised = true", "initialised = 1"), "'bram.initialised' must be true or false, not 1"),
        (("[512, 36]]", "[512]]"), "'bram.shapes' must be a list of [depth, width]"),
        (("[512, 36]]", "[512, 72]]"), "'bram.shapes' has [[512, 72]], more than the 18432 bits of a block"),
        (
            ('toolchain = "vivado"', 'toolchain = "quartus"'),
            "'toolchain' must be one of vivado, nextpnr-ecp5",
        ),
        (("[dsp]", "[dps]"), "unknown key 'dps'; did you mean 'dsp'?"),
        (("[dsp]", "[dps]"), "missing key 'dsp': a table"),
    ],
)
def test_each_fault_is_told_in_words(tmp_path: Path, edit: tuple[str, str], fault: str) -> None:
    path = edited(tmp_path, edit)
    with pytest.raises(CompilerError) as caught:
        load(str(path))
    assert caught.value.where == str(path)
    assert f"- {fault}" in caught.value.why


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    path = edited(tmp_path, ('board = "TUL PYNQ-Z2"\n', ""), ("ff = 106_400", "ff = 0"), ("a_bits", "a_bit"))
    with pytest.raises(CompilerError) as caught:
        load(str(path))
    assert [line.strip() for line in caught.value.why.strip().splitlines()] == [
        "- missing key 'board': a text",
        "- 'logic.ff' must be an integer of at least 1, not 0",
        "- missing key 'dsp.a_bits': an integer of at least 1",
        "- unknown key 'dsp.a_bit'; did you mean 'dsp.a_bits'?",
    ]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"name = ", "the target is not valid TOML"),
        (b"\xff\xfe", "the target is not a text file"),
        (b"", "the target does not have the right keys"),
    ],
)
def test_a_file_that_is_no_target(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(CompilerError) as caught:
        load(str(path))
    assert caught.value.what == what
    assert caught.value.where == str(path)


def test_a_file_that_is_absent(tmp_path: Path) -> None:
    with pytest.raises(CompilerError) as caught:
        load(str(tmp_path / "absent.toml"))
    assert caught.value.what == "cannot read the target"
    assert caught.value.why == "No such file or directory"
