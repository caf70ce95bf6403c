"""The folding JSON: node name -> attributes, as FINN users write it, read strictly and written in full."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qcompile.ir.dataflow import Dataflow, Instance
from qcompile.ir.errors import CompilerError, Rejection, refuse

Setting = int | str
Config = Mapping[str, Mapping[str, Setting]]

FINN_KINDS = {
    "MVAU": "matrix_vector_unit",
    "MatrixVectorActivation": "matrix_vector_unit",
    "StreamingFCLayer": "matrix_vector_unit",
    "Thresholding": "thresholding",
    "LabelSelect": "argmax",
    "StreamingFIFO": "fifo",
    "StreamingDataWidthConverter": "width_converter",
    "DuplicateStreams": "stream_fork",
}
"""FINN's operator names and the kernels that do the same here."""

FINN_NAME = re.compile(r"(?P<kind>[A-Za-z]+?)(?:_Batch)?(?:_hls|_rtl)?(?:_Batch)?_(?P<number>\d+)")

FIXED: Mapping[str, tuple[Setting, ...]] = {
    "engine": ("folded",),
    "impl_style": ("rtl", "auto"),
    "inFIFODepths": (),
    "mem_mode": ("internal_decoupled", "internal_embedded", "const", "decoupled"),
    "outFIFODepths": (),
    "preferred_impl_style": ("rtl", ""),
    "ram_style_thresholds": ("auto",),
    "runtime_writeable_weights": (0,),
}
"""Attributes of FINN's files that leave no choice here, with the values that say what is done anyway (none: any value
is).
"""


@dataclass(frozen=True, slots=True, eq=False)
class Folding:
    """A folding file taken apart: settings by instance, and FIFO depths by FIFO name (0: none)."""

    settings: Mapping[str, Mapping[str, Setting]]
    fifos: Mapping[str, Mapping[str, Setting]]


def read(path: Path, dataflow: Dataflow, fifo_names: Iterable[str]) -> Folding:
    """The file's settings for the instances of a lowered dataflow.

    `fifo_names` are the names a FIFO may have, in order. Raises CompilerError: for an unreadable file, and in one
    list for unknown nodes, unknown attributes and illegal values.
    """
    config = _parse(path)
    fifos = tuple(fifo_names)
    settings: dict[str, dict[str, Setting]] = {}
    depths: dict[str, dict[str, Setting]] = {}
    rejections = _apply_defaults(config.get("Defaults", {}), dataflow, settings)
    for name, attributes in config.items():
        if name == "Defaults":
            continue
        target = _resolve(name, dataflow, fifos)
        if target is None:
            rejections.append(Rejection(f"no such node; {_nearest(name, dataflow, fifos)}", name))
        elif not isinstance(attributes, dict):
            rejections.append(Rejection('its attributes must be an object such as {"PE": 4}', name))
        elif target in fifos:
            rejections += _fifo(name, attributes, depths.setdefault(target, {}))
        else:
            rejections += _node(name, dataflow.instance(target), attributes, settings.setdefault(target, {}))
    if rejections:
        raise refuse("the folding file does not fit the network", rejections).at(str(path))
    return Folding(settings, depths)


def apply(dataflow: Dataflow, folding: Folding) -> Dataflow:
    """The dataflow with the settings made."""
    instances = []
    for instance in dataflow.instances:
        kernel = instance.kernel
        for name, value in folding.settings.get(instance.name, {}).items():
            kernel = kernel.with_attribute(name, value)
        instances.append(replace(instance, kernel=kernel))
    return replace(dataflow, instances=tuple(instances))


def write(dataflow: Dataflow) -> str:
    """JSON text with every attribute of every instance; reading it back gives the same design."""
    config: dict[str, Mapping[str, Setting]] = {"Defaults": {}}
    for instance in dataflow.instances:
        attributes = instance.kernel.attributes()
        if attributes:
            config[instance.name] = attributes
    return json.dumps(config, indent=2) + "\n"


def _parse(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CompilerError("the folding file cannot be read", str(path), str(error)) from error
    try:
        config = json.loads(text)
    except json.JSONDecodeError as error:
        raise CompilerError(
            "the folding file is no JSON", f"{path}:{error.lineno}", f"{error.msg} at column {error.colno}"
        ) from error
    if not isinstance(config, dict):
        raise CompilerError("the folding file must hold an object of node names", str(path))
    return config


def _resolve(name: str, dataflow: Dataflow, fifos: tuple[str, ...]) -> str | None:
    """Our name of a node that is given by our name or by FINN's."""
    if name in fifos or any(i.name == name for i in dataflow.instances):
        return name
    match = FINN_NAME.fullmatch(name)
    kind = FINN_KINDS.get(match["kind"]) if match else None
    if match is None or kind is None:
        return None
    names = fifos if kind == "fifo" else tuple(i.name for i in dataflow.instances if i.kernel.kind == kind)
    number = int(match["number"])
    return names[number] if number < len(names) else None


def _nearest(name: str, dataflow: Dataflow, fifos: tuple[str, ...]) -> str:
    names = [i.name for i in dataflow.instances]
    near = difflib.get_close_matches(name, [*names, *fifos], n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
    return f"the nodes are {shown}"


def _node(
    name: str, instance: Instance, attributes: Mapping[str, Setting], into: dict[str, Setting]
) -> list[Rejection]:
    """Checks attributes one by one against the kernel and keeps them."""
    rejections: list[Rejection] = []
    for attribute, value in attributes.items():
        if attribute in FIXED and attribute not in instance.kernel.attributes():
            rejections += _fixed(name, attribute, value)
            continue
        try:
            instance.kernel.with_attribute(attribute, value)
            into[attribute] = value
        except KeyError:
            known = [*instance.kernel.attributes(), *FIXED]
            near = difflib.get_close_matches(attribute, known, n=2, cutoff=0.4)
            meant = (
                f"did you mean {' or '.join(near)}?"
                if near
                else f"it has {', '.join(instance.kernel.attributes()) or 'none'}"
            )
            rejections.append(Rejection(f"no such attribute: {attribute}; {meant}", name))
        except ValueError as error:
            rejections.append(Rejection(str(error), name))
    return rejections


def _fixed(name: str, attribute: str, value: Setting) -> list[Rejection]:
    legal = FIXED[attribute]
    if not legal or value in legal:
        return []
    return [Rejection(f"{attribute} must be {' or '.join(map(repr, legal))} here, not {value!r}", name)]


def _fifo(name: str, attributes: Mapping[str, Setting], into: dict[str, Setting]) -> list[Rejection]:
    rejections: list[Rejection] = []
    for attribute, value in attributes.items():
        if attribute == "depth":
            if isinstance(value, bool) or not isinstance(value, int) or value < 0 or value == 1:
                rejections.append(Rejection(f"depth must be 0 (no FIFO) or at least 2, not {value!r}", name))
            into["depth"] = value
        elif attribute == "ram_style":
            into["ram_style"] = value
        elif attribute in FIXED:
            rejections += _fixed(name, attribute, value)
        else:
            rejections.append(Rejection(f"no such attribute: {attribute}; it has depth, ram_style", name))
    return rejections


def _apply_defaults(
    defaults: Mapping[str, object], dataflow: Dataflow, settings: dict[str, dict[str, Setting]]
) -> list[Rejection]:
    """{"PE": [2, "all"], "ram_style": ["block", ["MVAU"]]}: value, and the kinds it is for."""
    rejections: list[Rejection] = []
    kinds = {i.kernel.kind for i in dataflow.instances}
    for attribute, entry in defaults.items():
        if not (isinstance(entry, list) and len(entry) == 2 and (entry[1] == "all" or isinstance(entry[1], list))):
            rejections.append(Rejection(f'{attribute} must be [value, "all"] or [value, [kinds]]', "Defaults"))
            continue
        value, wanted = entry
        chosen = kinds if wanted == "all" else {FINN_KINDS.get(str(kind), str(kind)) for kind in wanted}
        for kind in sorted(chosen - set(FINN_KINDS.values()) - kinds):
            known = sorted(kinds | set(FINN_KINDS))
            near = difflib.get_close_matches(kind, known, n=3, cutoff=0.4)
            rejections.append(
                Rejection(f"no such kind: {kind}; did you mean {' or '.join(near or known)}?", "Defaults")
            )
        users = [i for i in dataflow.instances if i.kernel.kind in chosen and attribute in i.kernel.attributes()]
        if not users and attribute not in FIXED and wanted == "all":
            rejections.append(Rejection(f"no node has the attribute {attribute}", "Defaults"))
        for instance in users:
            rejections += _node(
                f"Defaults, for {instance.name}", instance, {attribute: value}, settings.setdefault(instance.name, {})
            )
    return rejections
