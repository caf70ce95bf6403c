"""Find a target by its name, or read one from a TOML of the user."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

from qcompile.ir.errors import CompilerError
from qcompile.targets.table import Table
from qcompile.targets.target import TOOLCHAINS, Budget, Dsp, Memory, Source, Target

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_BOARDS = Path(__file__).parent / "boards"


def load(name: str) -> Target:
    """The target called `name`, or the one that the TOML file at path `name` describes.

    Raises CompilerError naming the nearest targets where there is none of that name, and every fault of a
    TOML.
    """
    path = Path(name)
    if path.suffix == ".toml":
        return read(path)
    known = _names()
    if name in known:
        return read(_BOARDS / f"{name}.toml")
    near = difflib.get_close_matches(name.lower().replace("_", "-"), known, n=3, cutoff=0.5)
    raise CompilerError(
        f"unknown target '{name}'",
        why=f"did you mean {' or '.join(near)}?" if near else f"the targets are: {', '.join(known)}",
        hint="`qcompile list targets` shows all; the path of a TOML file of your own is accepted too",
    )


def all_targets() -> tuple[Target, ...]:
    """Every target that comes with qcompile, by name."""
    return tuple(load(name) for name in _names())


def read(path: Path) -> Target:
    """The target that a TOML file describes.

    Raises CompilerError telling every missing, misspelled or ill-typed key at once.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CompilerError("cannot read the target", str(path), error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise CompilerError("the target is not a text file", str(path), str(error)) from error
    except tomllib.TOMLDecodeError as error:
        raise CompilerError("the target is not valid TOML", str(path), str(error)) from error
    faults: list[str] = []
    target = _target(Table(values, faults))
    if faults:
        why = "".join(f"\n    - {fault}" for fault in faults)
        raise CompilerError("the target does not have the right keys", str(path), why)
    return target


def _names() -> list[str]:
    return sorted(file.stem for file in _BOARDS.glob("*.toml"))


def _target(table: Table) -> Target:
    logic = table.table("logic")
    uram = table.optional("uram", table.table)
    target = Target(
        name=table.text("name"),
        board=table.text("board"),
        part=table.text("part"),
        vendor=table.text("vendor"),
        family=table.text("family"),
        toolchain=table.text("toolchain", TOOLCHAINS),
        clock_mhz=table.number("clock_mhz"),
        bandwidth_gb_s=table.optional("bandwidth_gb_s", table.number),
        slr=table.integer("slr", least=1),
        lut_inputs=logic.integer("lut_inputs", least=4),
        lut=logic.integer("lut", least=1),
        lutram_lut=logic.optional("lutram_lut", logic.integer),
        ff=logic.integer("ff", least=1),
        bram=_memory(table.table("bram")),
        uram=None if uram is None else _memory(uram),
        dsp=_dsp(table.table("dsp")),
        budget=_budget(table.table("budget")),
        sources=tuple(_source(entry) for entry in table.tables("sources")),
    )
    logic.finish()
    table.finish()
    return target


def _memory(table: Table) -> Memory:
    memory = Memory(
        primitive=table.text("primitive"),
        count=table.integer("count"),
        bits=table.integer("bits", least=1),
        shapes=table.pairs("shapes"),
        initialised=table.flag("initialised"),
    )
    too_large = [[depth, width] for depth, width in memory.shapes if depth * width > memory.bits]
    if too_large:
        table.faults.append(
            f"'{table.path}shapes' has {too_large}, more than the {memory.bits} bits of a block"
        )
    table.finish()
    return memory


def _dsp(table: Table) -> Dsp:
    dsp = Dsp(
        primitive=table.text("primitive"),
        count=table.integer("count"),
        a_bits=table.integer("a_bits", least=1),
        b_bits=table.integer("b_bits", least=1),
        accumulator_bits=table.integer("accumulator_bits", least=1),
    )
    table.finish()
    return dsp


def _budget(table: Table) -> Budget:
    lut, ff, bram, uram, dsp = (table.number(key, most=1.0) for key in ("lut", "ff", "bram", "uram", "dsp"))
    table.finish()
    return Budget(lut, ff, bram, uram, dsp)


def _source(table: Table) -> Source:
    source = Source(table.texts("figures"), table.flag("checked"), table.text("how"))
    table.finish()
    return source
