"""The original model as an executable reference: stock onnxruntime without graph optimisations, frame by frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from qcompile.frontend.batch import one_frame
from qcompile.frontend.constants import OnnxruntimeError, open_session, run_session
from qcompile.frontend.inputs import input_shapes, model_inputs
from qcompile.frontend.lowering import lower
from qcompile.frontend.partition import cut, early_model, late_model
from qcompile.ir.errors import CompilerError
from qcompile.ir.graph import Shape, element_count
from qcompile.ir.types import Array


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The model ready to run. `inputs` holds the shapes of one frame, `outputs` the outputs and the tapped tensors.

    What no input reaches (weights going through their quantisers) was computed once. The session takes it as
    `computed`, further inputs: constants would be packed, and added up in another order than tensors that a node has
    made.
    """

    inputs: Mapping[str, Shape]
    dtypes: Mapping[str, np.dtype[np.generic]]
    outputs: tuple[str, ...]
    session: onnxruntime.InferenceSession
    computed: Mapping[str, Array]
    fixed: Mapping[str, Array]

    def run(self, *inputs: Array) -> dict[str, Array]:
        """The outputs and the tapped tensors, each of shape (frames, *shape of the tensor for one frame).

        Each input has a leading axis of frames; the batch axis of 1 behind it may be left out. Raises CompilerError
        for inputs that do not fit the model.
        """
        if len(inputs) != len(self.inputs) or len({len(array) for array in inputs}) != 1:
            raise CompilerError(
                f"the inputs {', '.join(self.inputs)} need as many arrays, each with the same number of frames"
            )
        feeds = {name: self._frames(name, array) for name, array in zip(self.inputs, inputs, strict=True)}
        count = len(inputs[0])
        live = [name for name in self.outputs if name not in self.fixed and name not in feeds]
        results = [self._run_frame(live, {name: array[k] for name, array in feeds.items()}) for k in range(count)]
        known = {name: np.broadcast_to(array, (count, *array.shape)) for name, array in self.fixed.items()}
        known |= {name: np.stack([result[name] for result in results]) for name in live}
        return {name: feeds[name] if name in feeds else known[name] for name in self.outputs}

    def _run_frame(self, names: Sequence[str], frame: Mapping[str, Array]) -> dict[str, Array]:
        try:
            return run_session(self.session, names, {**self.computed, **frame})
        except OnnxruntimeError as error:
            raise CompilerError("onnxruntime cannot run the model", why=str(error)) from error

    def _frames(self, name: str, array: Array) -> Array:
        """The frames of one input, in the model's element type and shape."""
        shape = self.inputs[name]
        if not len(array) or array[0].size != element_count(shape):
            raise CompilerError(
                f"{len(array)} frames of shape {array.shape[1:]} do not fit the input '{name}' of shape {shape}"
            )
        frames = array.reshape(len(array), *shape)
        converted = frames.astype(self.dtypes[name])
        if converted.dtype.kind in "iu" and not np.array_equal(converted, frames):
            raise CompilerError(f"the input '{name}' is of type {converted.dtype}, the frames hold other numbers")
        return converted


def make_reference(
    model: onnx.ModelProto,
    taps: Sequence[str] = (),
    shapes: Mapping[str, Shape] | None = None,
    where: str = "the model",
) -> Reference:
    """The reference of a model that `load_model` read; `taps` are tensors of it to be given with its outputs.

    `shapes` overrides shapes of inputs as in `import_model`. Raises CompilerError for a model that onnxruntime cannot
    run and for a tap that the model does not have.
    """
    model = one_frame(model)
    outputs = tuple(dict.fromkeys([*(output.name for output in model.graph.output), *taps]))
    frame = input_shapes(model, where, shapes)
    try:
        lowered = lower(model, frame)
        parts = cut(lowered)
        _check_defined(lowered, outputs)
        fixed = [name for name in outputs if name not in parts.reached]
        computed = _compute(early_model(lowered, parts, [*parts.crossing, *fixed]), [*parts.crossing, *fixed])
        live = [name for name in outputs if name in parts.reached and name not in frame]
        if not live:
            raise CompilerError("no output depends on an input")
        session = open_session(late_model(lowered, parts, computed, live))
    except OnnxruntimeError as error:
        raise CompilerError("onnxruntime cannot load the model", where, str(error)) from error
    except CompilerError as error:
        raise (error if error.where else error.at(where)) from error
    crossing = {name: computed[name] for name in parts.crossing}
    return Reference(frame, _dtypes(model), outputs, session, crossing, {name: computed[name] for name in fixed})


def as_written(
    model: onnx.ModelProto, taps: Sequence[str], shapes: Mapping[str, Shape] | None = None, where: str = "the model"
) -> Reference:
    """A model of standard operators exactly as it stands, with `taps` given besides its outputs; errors as `make_reference`."""
    single = onnx.ModelProto()
    single.CopyFrom(one_frame(model))
    stated = {output.name for output in single.graph.output}
    single.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in taps if name not in stated)
    frame = input_shapes(single, where, shapes)
    try:
        session = open_session(single)
    except OnnxruntimeError as error:
        raise CompilerError("onnxruntime cannot load the model", where, str(error)) from error
    return Reference(frame, _dtypes(single), tuple(output.name for output in single.graph.output), session, {}, {})


def _dtypes(model: onnx.ModelProto) -> dict[str, np.dtype[np.generic]]:
    elements = {value.name: value.type.tensor_type.elem_type for value in model_inputs(model)}
    return {name: helper.tensor_dtype_to_np_dtype(element) for name, element in elements.items()}


def _compute(model: onnx.ModelProto, names: Sequence[str]) -> dict[str, Array]:
    """The named outputs of a model without inputs."""
    return run_session(open_session(model), names, {}) if names else {}


def _check_defined(model: onnx.ModelProto, names: Iterable[str]) -> None:
    """Raises CompilerError for the names that are no tensor of the model."""
    graph = model.graph
    defined = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    defined |= {name for node in graph.node for name in node.output}
    unknown = [name for name in names if name not in defined]
    if unknown:
        raise CompilerError(f"the model has no tensor '{unknown[0]}'")
