"""Models for several frames at once: made models for one frame, where no operator mixes the frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from qcompile.frontend.constants import OnnxruntimeError, open_session, run_session
from qcompile.frontend.inputs import model_inputs
from qcompile.frontend.lowering import lower
from qcompile.ir.errors import CompilerError, Rejection, refuse
from qcompile.ir.graph import Shape
from qcompile.ir.types import Array

SHAPE_INPUTS = {"Expand": 1, "Reshape": 1, "Resize": 3}
"""Operators that take a shape as an input, which may name the frames."""


def batch_of(model: onnx.ModelProto) -> int:
    """The number of frames that the inputs of a model hold; 1 where they hold one, any number or differing ones."""
    sizes = {_batch(value) for value in model_inputs(model)}
    return sizes.pop() if len(sizes) == 1 else 1


def one_frame(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model for one frame at a time; itself where it is one already. `refuse_mixing` says whether it may be used."""
    batch = batch_of(model)
    if batch == 1:
        return model
    single = onnx.ModelProto()
    single.CopyFrom(model)
    del single.graph.value_info[:]
    fed = {value.name for value in model_inputs(model)}
    for value in (*single.graph.input, *single.graph.output):
        if value.name in fed:
            value.type.tensor_type.shape.dim[0].dim_value = 1
        elif value.type.HasField("tensor_type"):
            value.type.tensor_type.ClearField("shape")
    constants = dict(_constants(single.graph))
    for position, node in enumerate(single.graph.node):
        place = SHAPE_INPUTS.get(node.op_type)
        if place is None or len(node.input) <= place or node.input[place] not in constants:
            continue
        target = constants[node.input[place]]
        first = int(target.ravel()[0]) if target.size else 0
        if first > 0 and first % batch == 0:
            name = f"{node.input[place]}.frame_{position}"
            changed = np.concatenate([[first // batch], target.ravel()[1:]]).astype(np.int64)
            single.graph.initializer.append(numpy_helper.from_array(changed, name))
            node.input[place] = name
    return single


def refuse_mixing(model: onnx.ModelProto, where: str, alone: Mapping[str, Shape]) -> None:
    """Raises CompilerError that names each operator whose result for one frame depends on other frames of the batch.
    `alone` are the shapes of the inputs for one frame.

    Seen by running the model with its batch: when other frames change, what belongs to a frame must stay as it is, bit by
    bit; and a frame alone must give as much as its share of the batch.
    """
    batch = batch_of(model)
    if batch == 1:
        return
    shapes = {name: (batch, *shape[1:]) for name, shape in alone.items()}
    elements = {value.name: value.type.tensor_type.elem_type for value in model_inputs(model)}
    rng = np.random.default_rng(0)
    first, second = (
        {name: _numbers(rng, shape, elements[name]) for name, shape in shapes.items()} for _ in range(2)
    )
    try:
        whole = lower(model, shapes)
        runs = [_run(whole, feeds) for feeds in (first, _mixed(first, second, 1), _mixed(second, first, 1))]
        single = _run(lower(one_frame(model), alone), {name: array[:1] for name, array in first.items()})
    except OnnxruntimeError as error:
        raise CompilerError("onnxruntime cannot load the model", where, str(error)) from error
    rejections, unknown = [], set[str]()
    for node in whole.graph.node:
        if any(name in unknown for name in node.input):
            unknown.update(node.output)
            continue
        for name in node.output:
            if name in runs[0] and name in single and _mixes([run[name] for run in runs], single[name], batch):
                rejections.append(
                    Rejection(f"it mixes the {batch} frames of a batch", f"node {node.name or name} ({node.op_type})")
                )
                unknown.update(node.output)
                break
    if rejections:
        raise refuse(
            "the model holds what qcompile cannot compile", rejections, "export the model with a batch of 1"
        ).at(where)


def _mixes(runs: list[Array], single: Array, batch: int) -> bool:
    """Whether a tensor is no batch of frames each for itself: of the runs the second differs from the first in all frames
    but the first, the third has the others of the first.
    """
    own, others_changed, first_changed = runs
    if all(np.array_equal(own, run, equal_nan=True) for run in runs[1:]):
        return False  # depends on no input
    if own.ndim == 0 or own.shape[0] % batch or own.size != single.size * batch:
        return True
    share = own.shape[0] // batch
    return not (
        np.array_equal(own[:share], others_changed[:share], equal_nan=True)
        and np.array_equal(own[share:], first_changed[share:], equal_nan=True)
    )


def _mixed(front: Mapping[str, Array], rest: Mapping[str, Array], count: int) -> dict[str, Array]:
    return {name: np.concatenate([front[name][:count], rest[name][count:]]) for name in front}


def _numbers(rng: np.random.Generator, shape: Shape, element: int) -> Array:
    numbers = rng.normal(size=shape) * 4
    dtype = helper.tensor_dtype_to_np_dtype(element)
    return numbers.astype(dtype) if element == TensorProto.FLOAT else np.abs(numbers * 8).astype(dtype)


def _run(model: onnx.ModelProto, feeds: Mapping[str, Array]) -> dict[str, Array]:
    """Every tensor that a node of the model gives."""
    names = [name for node in model.graph.node for name in node.output if name]
    del model.graph.output[:]
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    return run_session(open_session(model), names, feeds)


def _constants(graph: onnx.GraphProto) -> Iterator[tuple[str, Array]]:
    """Initialisers and Constant nodes."""
    for tensor in graph.initializer:
        yield tensor.name, numpy_helper.to_array(tensor)
    for node in graph.node:
        if node.op_type != "Constant":
            continue
        for attribute in node.attribute:
            if attribute.name == "value":
                yield node.output[0], numpy_helper.to_array(attribute.t)
            elif attribute.name == "value_ints":
                yield node.output[0], np.asarray(attribute.ints, np.int64)


def _batch(value: onnx.ValueInfoProto) -> int:
    """The size of the leading axis of a tensor of two axes or more; 1 where it is not stated."""
    dims = value.type.tensor_type.shape.dim
    return int(dims[0].dim_value) if len(dims) > 1 and dims[0].dim_value > 0 else 1
