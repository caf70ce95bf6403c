"""`--dump`: the graph after every pass, as text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from qcompile.flow.prepare import Observer, unobserved
from qcompile.ir.errors import CompilerError
from qcompile.ir.graph import Graph


def writer(folder: Path | None) -> Observer:
    """Writes each graph it is given into a numbered file of `folder`; without one it does nothing.

    Raises CompilerError, then and when it is called, where the folder cannot be written.
    """
    if folder is None:
        return unobserved
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    count = 0

    def write(name: str, graph: Graph) -> None:
        nonlocal count
        path = folder / f"{count:02d}_{name}.json"
        try:
            path.write_text(json.dumps(_plain(graph), indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise _unwritable(path, error) from error
        count += 1

    return write


def _unwritable(path: Path, error: OSError) -> CompilerError:
    return CompilerError(
        "cannot write the graphs", str(path), error.strerror or str(error), "choose another folder with --dump"
    )


def _plain(graph: Graph) -> dict[str, object]:
    """A graph in plain types: nodes, shapes, ranges."""
    values = {
        name: {"shape": list(v.shape), "range": None if v.range is None else [v.range.least, v.range.greatest]}
        for name, v in graph.values.items()
    }
    nodes = [
        {"name": n.name, "op": str(n.op), "inputs": list(n.inputs), "output": n.output, "origin": list(n.origin)}
        for n in graph.nodes
    ]
    constants = {name: {"shape": list(np.shape(a)), "dtype": str(a.dtype)} for name, a in graph.constants.items()}
    return {
        "inputs": list(graph.inputs),
        "outputs": list(graph.outputs),
        "nodes": nodes,
        "values": values,
        "constants": constants,
    }
