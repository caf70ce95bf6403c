"""Folding of constant subgraphs, by onnxruntime itself so that the numbers are the reference's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeAlias

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from qcompile.frontend.dialect import OnnxNode, element_name
from qcompile.ir.types import Array

IR_VERSION = 10
"""Written into every model we make: the newest that each onnxruntime we allow can read."""


def session_options() -> onnxruntime.SessionOptions:
    """All graph optimisations off and one thread: the arithmetic of the model as written, the same on every run."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return options


Session: TypeAlias = onnxruntime.InferenceSession
"""A model that is ready to run: what the other stages pass on without looking inside."""


class OnnxruntimeError(Exception):
    """onnxruntime cannot load or run something; the message is its reason in one line."""


def open_session(model: onnx.ModelProto) -> Session:
    """A session for the model as it is written, on the CPU; raises OnnxruntimeError."""
    with _refusals():
        return onnxruntime.InferenceSession(model.SerializeToString(), session_options(), ["CPUExecutionProvider"])


def run_session(
    session: Session, outputs: Sequence[str], feeds: Mapping[str, Array]
) -> dict[str, Array]:
    """The named outputs for these inputs; raises OnnxruntimeError."""
    with _refusals():
        return dict(zip(outputs, session.run(list(outputs), dict(feeds)), strict=True))


@contextmanager
def _refusals() -> Iterator[None]:
    """Onnxruntime has an exception class of its own, below Exception, for each way in which it can fail."""
    try:
        yield
    except Exception as error:
        raise OnnxruntimeError(re.sub(r"\s+", " ", str(error))[:300]) from error


def fold(node: OnnxNode, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Outputs of a standard operator whose inputs are all known; raises OnnxruntimeError for what onnxruntime cannot
    run.
    """
    if node.operator == "Constant":
        return {node.outputs[0]: _constant_value(node)}
    feeds = {name: inputs[name] for name in node.inputs if name}
    graph = helper.make_graph(
        [node.proto],
        "fold",
        [_typed(name, array) for name, array in feeds.items()],
        [helper.make_empty_tensor_value_info(name) for name in node.outputs if name],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", node.opset)], ir_version=IR_VERSION)
    return run_session(open_session(model), [name for name in node.outputs if name], feeds)


def _typed(name: str, array: Array) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)


def _constant_value(node: OnnxNode) -> Array:
    """The array of a Constant node, in whichever of its attributes it is given."""
    for key, dtype in (
        ("value_float", np.float32),
        ("value_floats", np.float32),
        ("value_int", np.int64),
        ("value_ints", np.int64),
    ):
        if key in node.attributes:
            return np.asarray(node.attributes[key], dtype)
    value = node.attributes.get("value")
    if not isinstance(value, np.ndarray):
        raise ValueError("only dense numeric constants are read")
    return value


def initialisers(graph: onnx.GraphProto) -> dict[str, Array]:
    """The graph's initialisers by name; raises ValueError for element types that numpy does not have."""
    arrays: dict[str, Array] = {}
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.UNDEFINED or tensor.data_type not in TensorProto.DataType.values():
            raise ValueError(f"the element type of the tensor {tensor.name} is {element_name(tensor.data_type)}")
        arrays[tensor.name] = numpy_helper.to_array(tensor)
    return arrays
