"""Boards and parts as data: one TOML a board in `boards/`, read into a typed, frozen `Target`."""

from qcompile.targets.catalogue import all_targets, load
from qcompile.targets.target import Budget, Dsp, Memory, Source, Target

__all__ = ["Budget", "Dsp", "Memory", "Source", "Target", "all_targets", "load"]
