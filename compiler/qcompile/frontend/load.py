"""Reading a model file, with one clear message for everything that can be wrong with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from qcompile.frontend.dialect import STANDARD_DOMAINS
from qcompile.ir.errors import CompilerError

OLDEST_OPSET = 7

Model = onnx.ModelProto
"""A model in memory: what the other stages pass on without looking inside."""


def library_versions() -> dict[str, str]:
    """Versions of the libraries whose arithmetic the proofs rest on."""
    return {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__, "numpy": np.__version__}


def load_model(path: Path) -> onnx.ModelProto:
    """The model of an ONNX file, external data included.

    Raises CompilerError for a path that is no readable ONNX model, for missing external data and for operator sets
    before 7.
    """
    where = str(path)
    if not path.exists():
        raise CompilerError("there is no such file", where, hint="check the path of the model")
    if path.is_dir():
        raise CompilerError("this is a directory, not a model file", where, hint="give the path of an .onnx file")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CompilerError("the file cannot be read", where, str(error)) from error
    if not data:
        raise CompilerError("the file is empty", where, hint="export the model again")
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise CompilerError(
            "this is not an ONNX model, or it was cut short", where, str(error), "export the model again"
        ) from error
    if not model.graph.node and not model.graph.output:
        raise CompilerError("the model holds no graph", where, "neither nodes nor outputs", "export the model again")
    if any(isinstance(text, bytes) for text in _texts(model.graph)):
        raise CompilerError("a name in the model is no text", where, "it is not UTF-8", "export the model again")
    _load_external_data(model, path)
    _check_opset(model, where)
    return model


def _check_opset(model: onnx.ModelProto, where: str) -> None:
    versions = [opset.version for opset in model.opset_import if opset.domain in STANDARD_DOMAINS]
    if not versions:
        raise CompilerError(
            "the model states no operator set",
            where,
            "the meaning of its operators depends on it",
            "export the model again with opset_import",
        )
    if min(versions) < OLDEST_OPSET:
        raise CompilerError(
            f"operator set {min(versions)} is older than {OLDEST_OPSET}",
            where,
            "its broadcasting rules differ",
            f"convert it with onnx.version_converter.convert_version(model, {OLDEST_OPSET})",
        )


def _texts(graph: onnx.GraphProto) -> Iterator[str | bytes]:
    """Names in a graph; protobuf gives those that are no text as bytes."""
    yield graph.name
    yield from (named.name for named in (*graph.input, *graph.output, *graph.initializer))
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)


def _load_external_data(model: onnx.ModelProto, path: Path) -> None:
    """Fetches tensors that live in files beside the model."""
    try:
        onnx.load_external_data_for_model(model, str(path.parent))
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        raise CompilerError(
            "the model keeps tensors in a file that cannot be read",
            str(path),
            str(error),
            "copy the external data file next to the model",
        ) from error


PRODUCER = "qcompile"
"""Stands in every file that we write."""


def is_ours(path: Path) -> bool:
    """Whether a file is a model that qcompile wrote."""
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except (OSError, DecodeError):
        return False
    return bool(model.producer_name == PRODUCER)


def model_digest(path: Path) -> str:
    """sha256 of the file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def self_contained(path: Path, model: Model) -> bytes:
    """The model as a file that needs no other: `path` as it is, or `model` with the tensors it keeps elsewhere inside."""
    data = path.read_bytes()
    return data if onnx.load_model_from_string(data) == model else model.SerializeToString(deterministic=True)
