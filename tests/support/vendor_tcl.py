"""Scripts for Vitis HLS and Vivado run by a Tcl interpreter, with the vendor's commands replaced by ones that record how they are
called; what is not documented (UG1399, UG835) is a fault.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# The interpreter inside Python, for machines without tclsh. It has no exit of its own.
RUNNER = """
import os, sys, tkinter
tcl = tkinter.Tcl()
tcl.createcommand("exit", lambda *code: (tcl.eval("flush stdout"), os._exit(int(code[0]) if code else 0)))
tcl.setvar("argv", " ".join(sys.argv[2:]))
tcl.eval(open(sys.argv[1]).read())
"""

# In hexadecimal, so that any word survives. What a command returns stands for the object that it would give.
RECORDER = """
proc record {name words} {
  set line $name
  foreach word $words { append line " x" [binary encode hex [encoding convertto utf-8 $word]] }
  puts $line
}
"""


@dataclass(frozen=True, slots=True)
class Command:
    """Options without a value; those with one, and what it looks like; options that must be there; how many other words,
    and what they look like; before which command this one means nothing; what it returns, where that is not its name.
    """

    flags: frozenset[str] = frozenset()
    options: Mapping[str, str] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    words: range = range(1)
    word: str = r".+"
    after: str = ""
    returns: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A call taken apart."""

    name: str
    flags: frozenset[str]
    options: Mapping[str, str]
    words: tuple[str, ...]


def one(pattern: str) -> tuple[range, str]:
    return range(1, 2), pattern


SYN_DESIGN = "csynth_design"
NUMBER = r"\d+(\.\d+)?"
NAME = r"[A-Za-z_]\w*"

VITIS_HLS: Mapping[str, Command] = {
    "open_project": Command(frozenset({"-reset", "-upgrade"}), {}, frozenset(), *one(r"[\w/]+")),
    "set_top": Command(frozenset(), {}, frozenset(), *one(NAME), after="open_project"),
    "add_files": Command(
        frozenset({"-tb", "-blackbox"}),
        {"-cflags": r".*", "-csimflags": r".*"},
        frozenset(),
        *one(r".+\.(cpp|hpp)"),
        after="open_project",
    ),
    "open_solution": Command(frozenset({"-reset"}), {"-flow_target": "vivado|vitis"}, frozenset(), *one(r"\w+"), after="set_top"),
    "set_part": Command(frozenset(), {}, frozenset(), *one(r"x[\w-]+"), after="open_solution"),
    "create_clock": Command(
        frozenset(), {"-period": rf"{NUMBER}(ns|MHz)?", "-name": NAME}, frozenset({"-period"}), after="open_solution"
    ),
    "csim_design": Command(
        frozenset({"-O", "-clean", "-setup", "-profile"}), {"-argv": ".*", "-ldflags": ".*", "-mflags": ".*"}, after="create_clock"
    ),
    SYN_DESIGN: Command(frozenset({"-dump_cfg", "-dump_post_cfg"}), {}, after="create_clock"),
    "cosim_design": Command(
        frozenset({"-O", "-setup", "-random_stall", "-disable_deadlock_detection", "-enable_dataflow_profiling"}),
        {
            "-argv": ".*", "-ldflags": ".*", "-mflags": ".*", "-rtl": "verilog|vhdl", "-tool": r"\w+",
            "-trace_level": "none|all|port|port_hier",
        },
        after=SYN_DESIGN,
    ),
    "export_design": Command(
        frozenset(),
        {
            "-format": "ip_catalog|xo|syn_dcp|sysgen", "-flow": "syn|impl", "-rtl": "verilog|vhdl", "-output": ".+",
            "-vendor": r"[\w.]+", "-library": r"\w+", "-ipname": NAME, "-version": r"\d+\.\d+(\.\d+)?",
            "-description": ".*", "-display_name": ".*",
        },
        after=SYN_DESIGN,
    ),
}  # fmt: skip

VIVADO: Mapping[str, Command] = {
    "set_part": Command(frozenset({"-quiet", "-verbose"}), {}, frozenset(), *one(r"x[\w-]+")),
    "current_project": Command(frozenset({"-quiet"}), returns="project_1"),
    "set_property": Command(frozenset({"-quiet"}), {}, frozenset(), range(3, 4), r"(?s).+", after="set_part"),
    "update_ip_catalog": Command(frozenset({"-rebuild", "-quiet"}), after="set_property"),
    "create_ip": Command(
        frozenset({"-force", "-allow_hidden", "-quiet"}),
        {
            "-vlnv": r"[\w.:]+", "-module_name": NAME, "-dir": "/.+", "-vendor": r"[\w.]+", "-library": r"\w+", "-name": NAME,
            "-version": r"\d+\.\d+(\.\d+)?",
        },
        frozenset({"-module_name"}),
        after="update_ip_catalog",
    ),
    "get_ips": Command(frozenset({"-all", "-quiet"}), {"-filter": ".+"}, frozenset(), range(100), after="create_ip", returns="ips"),
    "get_files": Command(frozenset({"-all", "-quiet"}), {"-filter": ".+"}, frozenset(), range(100), returns="files"),
    "generate_target": Command(frozenset({"-force", "-quiet"}), {}, frozenset(), range(2, 3), after="create_ip"),
    "synth_ip": Command(frozenset({"-force", "-quiet"}), {}, frozenset(), *one("ips|files"), after="create_ip"),
    "read_verilog": Command(frozenset({"-sv", "-quiet"}), {"-library": r"\w+"}, frozenset(), *one(r".+\.s?v")),
    "read_mem": Command(frozenset({"-quiet"}), {}, frozenset(), *one(r".+\.(mem|dat|coe)")),
    "synth_design": Command(
        frozenset({"-rtl", "-no_lc", "-assert", "-quiet"}),
        {
            "-name": NAME, "-part": r"x[\w-]+", "-top": NAME, "-mode": "default|out_of_context", "-directive": r"\w+",
            "-flatten_hierarchy": "full|none|rebuilt", "-generic": r"\w+=.+", "-include_dirs": ".+", "-verilog_define": ".+",
        },
        frozenset({"-top"}),
        after="read_verilog",
    ),
    "get_ports": Command(frozenset({"-quiet"}), {"-filter": ".+"}, frozenset(), *one(NAME), after="synth_design", returns="ports"),
    "create_clock": Command(
        frozenset({"-add", "-quiet"}), {"-period": NUMBER, "-name": NAME, "-waveform": ".+"}, frozenset({"-period"}), *one("ports"),
        after="synth_design",
    ),
    "opt_design": Command(frozenset({"-retarget", "-propconst", "-sweep", "-quiet"}), {"-directive": r"\w+"}, after="synth_design"),
    "place_design": Command(frozenset({"-no_timing_driven", "-unplace", "-quiet"}), {"-directive": r"\w+"}, after="opt_design"),
    "route_design": Command(frozenset({"-unroute", "-preserve", "-quiet"}), {"-directive": r"\w+"}, after="place_design"),
    "report_utilization": Command(
        frozenset({"-hierarchical", "-append", "-quiet"}), {"-file": ".+", "-name": NAME, "-cells": ".+"}, after="synth_design"
    ),
    "report_timing_summary": Command(
        frozenset({"-setup", "-hold", "-append", "-warn_on_violation", "-quiet"}),
        {"-file": ".+", "-name": NAME, "-max_paths": r"\d+", "-delay_type": "max|min|min_max"},
        after="synth_design",
    ),
    "write_checkpoint": Command(frozenset({"-force", "-quiet"}), {}, frozenset(), *one(".+"), after="synth_design"),
}  # fmt: skip


def run_script(script: Path, commands: Mapping[str, Command], folder: Path, *arguments: str) -> list[Call]:
    """What a script calls when `folder` is the working folder. Raises AssertionError for calls that are not documented and
    for scripts that end with an error, such as an unknown command.
    """
    mock = folder / "vendor.tcl"
    procedures = [
        f"proc {name} args {{ record {name} $args; return {{{command.returns or name}}} }}" for name, command in commands.items()
    ]
    mock.write_text("\n".join([RECORDER, *procedures, f"source {{{script}}}"]))
    tclsh = shutil.which("tclsh")
    interpreter = [tclsh] if tclsh else [sys.executable, "-c", RUNNER]
    command = [*interpreter, str(mock), *arguments]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    lines = [line.split() for line in finished.stdout.splitlines()]
    calls = [understood(name, [bytes.fromhex(w[1:]).decode() for w in words], commands[name]) for name, *words in lines]
    for number, call in enumerate(calls):
        needed = commands[call.name].after
        assert not needed or needed in [before.name for before in calls[:number]], f"{call.name} before {needed}"
    return calls


def understood(name: str, words: Sequence[str], command: Command) -> Call:
    """A call with its words told apart."""
    flags: set[str] = set()
    options: dict[str, str] = {}
    others: list[str] = []
    rest = iter(words)
    for word in rest:
        if not re.fullmatch(r"-[A-Za-z]\w*", word):
            assert re.fullmatch(command.word, word), f"{name}: {word!r} is none of what it takes"
            others.append(word)
        elif word in command.flags:
            flags.add(word)
        else:
            assert word in command.options, f"{name} has no option {word}"
            value = next(rest, None)
            assert value is not None, f"{name} {word} lacks its value"
            assert re.fullmatch(command.options[word], value), f"{name} {word} cannot be {value!r}"
            options[word] = value
    assert command.required <= options.keys(), f"{name} lacks {sorted(command.required - options.keys())}"
    assert len(others) in command.words, f"{name}: {len(others)} words, not {command.words}"
    return Call(name, frozenset(flags), options, tuple(others))
