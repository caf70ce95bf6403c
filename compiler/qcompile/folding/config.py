"""The folding JSON: node name -> attributes, as FINN users write it, read strictly and written in full."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from qcompile.folding import finn
from qcompile.folding.finn import Setting
from qcompile.ir.dataflow import Dataflow, Instance, Kernel
from qcompile.ir.errors import CompilerError, Rejection, refuse
from qcompile.kernels import Fifo
from qcompile.kernels.fifo import RAM_STYLES as FIFO_RAM_STYLES

STYLE = "preferred_impl_style"
"""The attribute that a node has whatever its kernel: in what form it is made where a design mixes both."""

STYLES = ("rtl", "hls", "")
"""Its values; empty: as if it were not stated."""


@dataclass(frozen=True, slots=True)
class FifoSetting:
    """What a file says of a FIFO: `depth` in beats (0: none, None: not stated) and the kind of memory."""

    depth: int | None = None
    ram_style: str = "auto"


@dataclass(frozen=True, slots=True, eq=False)
class Folding:
    """A folding file taken apart: settings by instance; FIFOs by name, or by number where the file counts them as FINN
    does; sentences about what has no effect here; and the form, rtl or hls, of the instances for which it is stated.
    """

    settings: Mapping[str, Mapping[str, Setting]]
    fifos: Mapping[str | int, FifoSetting]
    notes: tuple[str, ...] = ()
    styles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Absorbed:
    """The dataflow in which every operator is a kernel of its own, and which of its instances became part of another."""

    base: Dataflow
    owners: Mapping[str, str]


def engines(path: Path) -> dict[str, tuple[str, int]]:
    """For each node that the file names, what it says of "engine" (empty: nothing) and of "layers" (default 1).

    Raises CompilerError for an unreadable file.
    """
    found = {}
    for name, attributes in _parse(path).items():
        if name != "Defaults" and isinstance(attributes, dict):
            engine, layers = attributes.get("engine", ""), attributes.get("layers", 1)
            found[name] = (engine if isinstance(engine, str) else "", layers if type(layers) is int else 1)
    return found


def default_engine(path: Path) -> tuple[str, frozenset[str] | None] | None:
    """What "Defaults" says of "engine": `lut` or `folded`, and the kinds it is for (None: all); None for anything else.

    Raises CompilerError for an unreadable file.
    """
    entries = _parse(path).get("Defaults", {})
    match entries.get("engine") if isinstance(entries, dict) else None:
        case [("lut" | "folded") as engine, "all"]:
            return engine, None
        case [("lut" | "folded") as engine, [*kinds]]:
            return engine, frozenset(finn.kind(str(kind)) for kind in kinds)
    return None


def read(
    path: Path, dataflow: Dataflow, fifos: Iterable[str], host: Mapping[str, str], absorbed: Absorbed | None = None
) -> Folding:
    """The file's settings for the instances of a lowered dataflow; those of `absorbed` instances go to what they became
    part of.

    `fifos` are all names a FIFO can have at whatever folding. `host` gives, for kinds of kernels that FINN has in
    hardware and this design leaves to the host, a sentence that says so. Raises CompilerError: for an unreadable file,
    and in one list for unknown nodes, unknown attributes and illegal values.
    """
    entries = _parse(path)
    reader = _Reader(
        dataflow, frozenset(fifos), host, _offsets(entries, dataflow, host), absorbed or Absorbed(dataflow, {})
    )
    for name, attributes in entries.items():
        if name == "Defaults":
            continue
        if isinstance(attributes, dict):
            reader.entry(name, attributes)
        else:
            reader.reject(name, f'its attributes must be an object such as {{"PE": 4}}, not {attributes!r}')
    reader.defaults(entries.get("Defaults", {}))
    if reader.rejections:
        raise refuse("the folding file does not fit the network", reader.rejections).at(str(path))
    return Folding(reader.settings, reader.fifos, tuple(reader.notes), reader.styles)


def place(folding: Folding, names: Sequence[str]) -> dict[str, FifoSetting]:
    """FIFO settings by name, once the folding has decided which channels there are: `names` in order."""
    beyond = [number for number in folding.fifos if isinstance(number, int) and number >= len(names)]
    if beyond:
        found = [Rejection(f"this design has {len(names)}, counted from 0", f"StreamingFIFO_{n}") for n in beyond]
        raise refuse("there are no such FIFOs at this folding", found)
    return {names[key] if isinstance(key, int) else key: setting for key, setting in folding.fifos.items()}


def apply(dataflow: Dataflow, folding: Folding) -> Dataflow:
    """The dataflow with the settings made."""
    instances = []
    for instance in dataflow.instances:
        kernel = instance.kernel
        for name, value in in_order(folding.settings.get(instance.name, {})):
            kernel = kernel.with_attribute(name, value)
        style = folding.styles.get(instance.name, instance.style)
        instances.append(replace(instance, kernel=kernel, style=style))
    return replace(dataflow, instances=tuple(instances))


def in_order(settings: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The settings of a node, first those that decide which kernel it is, and with that which others it has."""
    return sorted(settings.items(), key=lambda setting: setting[0] not in ("parallel_window", "SIMD", "engine"))


def write(dataflow: Dataflow) -> str:
    """JSON text with every attribute of every instance; reading it back gives the same design."""
    config: dict[str, Mapping[str, Setting]] = {"Defaults": {}}
    for instance in dataflow.instances:
        attributes = instance.kernel.attributes()
        if instance.style == "hls" or (attributes and not isinstance(instance.kernel, Fifo)):
            attributes = {**attributes, STYLE: instance.style}
        if attributes:
            config[instance.name] = attributes
    return json.dumps(config, indent=2) + "\n"


def _parse(path: Path) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise CompilerError(f"'{twice[0]}' stands twice in one object of the folding file", str(path))
        return dict(pairs)

    try:
        config = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=once)
    except (OSError, UnicodeDecodeError) as error:
        raise CompilerError("the folding file cannot be read", str(path), str(error)) from error
    except json.JSONDecodeError as error:
        raise CompilerError(
            "the folding file is no JSON", f"{path}:{error.lineno}", f"{error.msg} at column {error.colno}"
        ) from error
    except RecursionError as error:
        raise CompilerError("the folding file is nested too deeply", str(path)) from error
    if not isinstance(config, dict):
        raise CompilerError(
            "the folding file must hold an object of node names", str(path), hint='an example: {"Defaults": {}}'
        )
    return config


def _offsets(entries: Mapping[str, Any], dataflow: Dataflow, host: Mapping[str, str]) -> dict[str, int]:
    """By how much FINN's count of a kind is ahead of ours.

    FINN's number 0 is work of our host where the design has no kernel of the kind, or none that the entry fits: FINN's
    first Thresholding is the input's quantiser.
    """
    offsets: dict[str, int] = {}
    for name, attributes in entries.items():
        kind, number = finn.node(name) or ("", -1)
        if kind in host and number == 0 and isinstance(attributes, dict):
            first = next((i.kernel for i in dataflow.instances if i.kernel.kind == kind), None)
            offsets[kind] = 0 if first is not None and _fits(first, attributes) else 1
    return offsets


def _fits(kernel: Kernel, attributes: Mapping[str, Any]) -> bool:
    """Whether a kernel takes all these attributes."""
    try:
        for attribute, value in attributes.items():
            if attribute not in finn.FIXED:
                kernel.with_attribute(attribute, value)
    except (KeyError, ValueError):
        return False
    return True


@dataclass(slots=True)
class _Reader:
    """What was understood so far, and everything that was not."""

    dataflow: Dataflow
    fifo_names: Collection[str]
    host: Mapping[str, str]
    offsets: Mapping[str, int]
    absorbed: Absorbed
    settings: dict[str, dict[str, Setting]] = field(default_factory=dict)
    kernels: dict[str, Kernel] = field(default_factory=dict)
    fifos: dict[str | int, FifoSetting] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    stated: dict[str | int, str] = field(default_factory=dict)
    styles: dict[str, str] = field(default_factory=dict)

    def reject(self, where: str, reason: str) -> None:
        """One more fault."""
        self.rejections.append(Rejection(reason, where))

    def entry(self, name: str, attributes: Mapping[str, Any]) -> None:
        """A node of the file, by our name or by FINN's."""
        own = next((i for i in self.dataflow.instances if i.name == name), None)
        kind, number = finn.node(name) or ("", 0)
        if own is not None:
            self.node(name, own, attributes)
        elif name in self.absorbed.owners:
            self.part(name, name, attributes)
        elif name in self.fifo_names:
            self.fifo(name, name, attributes)
        elif kind == Fifo.kind:
            self.fifo(name, number, attributes)
        elif (why := finn.absent(name)) is not None:
            self.notes.append(f"{name} has no effect: {why}")
        elif kind in finn.CHOICELESS:
            for attribute, value in attributes.items():
                self.fixed(name, attribute, value)
        elif kind:
            self.numbered(name, kind, number - self.offsets.get(kind, 0), attributes)
        else:
            self.reject(name, f"no such node; {self._nearest(name)}")

    def numbered(self, name: str, kind: str, number: int, attributes: Mapping[str, Any]) -> None:
        """A node as FINN names it: the `number`-th of its kind."""
        same = self._counted(kind)
        if number < 0:
            self.notes.append(f"{name} has no effect: {self.host[kind]}")
        elif number < len(same) and same[number].name in self.absorbed.owners:
            self.part(name, same[number].name, attributes)
        elif number < len(same):
            self.node(name, same[number], attributes)
        else:
            there = ", ".join(f"{k}: {i.name}" for k, i in enumerate(same[:6])) or "0"
            self.reject(name, f"no such node; of the kind {kind} there are {there}")

    def _counted(self, kind: str) -> list[Instance]:
        """The instances of a kind as FINN counts them: its max pooling has the windows inside."""
        base = self.absorbed.base
        maxima = {i.name for i in base.instances if i.kernel.kind == "window_maximum"}
        pooled = {c.source.instance for c in base.channels if c.sink.instance in maxima}
        pooled = pooled if kind == "sliding_window" else set()
        return [i for i in base.instances if i.kernel.kind == kind and i.name not in pooled]

    def part(self, name: str, instance: str, attributes: Mapping[str, Any]) -> None:
        """A node that became part of another instance: what that one can be told goes there."""
        if self._is_second(name, instance):
            return
        owner = self.absorbed.owners[instance]
        for attribute, value in attributes.items():
            if attribute == "lut_stages":
                self._set(name, self.dataflow.instance(owner), attribute, value)
            elif attribute != "engine":
                self.notes.append(f"{attribute} of {name} has no effect: the node is part of {owner}")

    def node(self, name: str, instance: Instance, attributes: Mapping[str, Any]) -> None:
        """Checks attributes one by one against the kernel and keeps them."""
        if self._is_second(name, instance.name):
            return
        for attribute, value in in_order(attributes):
            known = self._kernel(instance).attributes()
            if attribute == STYLE:
                self._style(name, [instance], value)
            elif attribute in known:
                self._set(name, instance, attribute, value)
            else:
                self.fixed(name, attribute, value, list(known))

    def fixed(self, name: str, attribute: str, value: object, known: Sequence[str] = ()) -> None:
        """An attribute that leaves no choice, on a node that has the `known` ones beside."""
        if attribute not in finn.FIXED:
            self.reject(name, f"no such attribute: {attribute}; {_meant(attribute, known, finn.FIXED)}")
            return
        legal = finn.FIXED[attribute]
        if legal and value not in legal:
            self.reject(name, f"{attribute} must be {' or '.join(map(repr, legal))} here, not {value!r}")

    def fifo(self, name: str, key: str | int, attributes: Mapping[str, Any]) -> None:
        """A FIFO, whose channel is known only when the folding is."""
        if self._is_second(name, key):
            return
        depth, style = attributes.get("depth"), attributes.get("ram_style", "auto")
        if depth is not None and (isinstance(depth, bool) or not isinstance(depth, int) or depth < 0 or depth == 1):
            self.reject(name, f"depth must be a number of beats, 0 (no FIFO) or at least 2, not {depth!r}")
        if style not in FIFO_RAM_STYLES:
            self.reject(name, f"ram_style must be one of {', '.join(FIFO_RAM_STYLES)}, not {style!r}")
        for attribute, value in attributes.items():
            if attribute not in ("depth", "ram_style"):
                self.fixed(name, attribute, value, ("depth", "ram_style"))
        self.fifos[key] = FifoSetting(depth, style)

    def defaults(self, entries: object) -> None:
        """{"PE": [2, "all"], "ram_style": ["block", ["MVAU"]]}: value, and the kinds it is for."""
        if not isinstance(entries, dict):
            self.reject("Defaults", f'must be an object such as {{"PE": [2, "all"]}}, not {entries!r}')
            return
        for attribute, entry in entries.items():
            match entry:
                case [value, "all"]:
                    self._default(attribute, value, [i.kernel.kind for i in self.dataflow.instances])
                case [value, [*kinds]]:
                    self._default(attribute, value, self._known_kinds(kinds))
                case _:
                    self.reject("Defaults", f'{attribute} must be [value, "all"] or [value, [kinds]], not {entry!r}')

    def _default(self, attribute: str, value: object, kinds: Collection[str]) -> None:
        """One default for all instances of these kinds that do not set the attribute themselves."""
        if attribute == "engine" and value in ("lut", "folded"):
            return  # decided before, by `default_engine`
        if attribute == STYLE:
            self._style("Defaults", [i for i in self.dataflow.instances if i.kernel.kind in kinds], value)
            return
        users = [
            i for i in self.dataflow.instances if i.kernel.kind in kinds and attribute in i.kernel.attributes()
        ]
        if attribute in finn.FIXED and not users:
            self.fixed("Defaults", attribute, value)
        elif kinds and not users:
            known = {a for i in self.dataflow.instances if i.kernel.kind in kinds for a in i.kernel.attributes()}
            self.reject("Defaults", f"no node has the attribute {attribute}; {_meant(attribute, sorted(known))}")
        for instance in users:
            if attribute not in self.settings.get(instance.name, {}) and attribute in self._kernel(instance).attributes():
                self._set(f"Defaults, for {instance.name}", instance, attribute, value)

    def _style(self, name: str, instances: Iterable[Instance], value: object) -> None:
        """The form of these instances, of which a node's own entry comes first."""
        if value not in STYLES:
            self.reject(name, f"{STYLE} must be {' or '.join(map(repr, STYLES))}, not {value!r}")
            return
        for instance in instances if value else ():
            self.styles.setdefault(instance.name, str(value))

    def _known_kinds(self, kinds: Iterable[object]) -> list[str]:
        """Our names of kinds; those that no node of the design is of are faults unless they are FINN's."""
        present = sorted({i.kernel.kind for d in (self.dataflow, self.absorbed.base) for i in d.instances})
        chosen = [finn.kind(str(kind)) for kind in kinds]
        for kind in chosen:
            if kind not in present and kind not in finn.KINDS.values():
                self.reject("Defaults", f"no such kind: {kind}; {_meant(kind, [*present, *finn.KINDS])}")
        return [kind for kind in chosen if kind in present]

    def _set(self, name: str, instance: Instance, attribute: str, value: Any) -> None:
        try:
            self.kernels[instance.name] = self._kernel(instance).with_attribute(attribute, value)
            self.settings.setdefault(instance.name, {})[attribute] = value
        except ValueError as error:
            self.reject(name, str(error))

    def _kernel(self, instance: Instance) -> Kernel:
        """The kernel with what has been set so far."""
        return self.kernels.get(instance.name, instance.kernel)

    def _is_second(self, name: str, key: str | int) -> bool:
        """Whether another entry was for the same node."""
        first = self.stated.setdefault(key, name)
        if first != name:
            self.reject(name, f"is the same node as {first}")
        return first != name

    def _nearest(self, name: str) -> str:
        return _meant(name, [i.name for i in self.dataflow.instances], self.fifo_names, what="the nodes are")


def _meant(given: str, known: Sequence[str], others: Iterable[str] = (), what: str = "there are") -> str:
    """The nearest right names, capitals aside; where none is near, the first of them."""
    plain = {name.lower(): name for name in (*others, *known)}
    near = [plain[name] for name in difflib.get_close_matches(given.lower(), plain, n=3, cutoff=0.5)]
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"{what} {', '.join(known[:6]) or 'none'}" + (", ..." if len(known) > 6 else "")
