"""Data, training, export and checking, shared by the training scripts of all example networks.

A script builds its network, calls `train` (once or in stages) and hands the result to `publish`, which writes
the folder of the example:

    model.onnx      the network with QONNX quantisers, batch dimension 1
    vectors.npz     x: test frames, y: what model.onnx makes of them, label: what is right; frames first
    accuracy.json   measured accuracy or error, in torch and of model.onnx, and how it came about
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from unittest import mock

import numpy as np
import onnx
import torch
from brevitas.export import export_qonnx
from brevitas.nn.mixin.base import QuantLayerMixin
from brevitas.proxy.quant_proxy import QuantProxyFromInjector
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes
from sklearn.datasets import load_digits as sklearn_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

EXAMPLES = Path(__file__).resolve().parent.parent
TEST_FRAMES = 360
BATCH_SIZE = 64
OPSET = 20
LARGEST_IR_VERSION = 10
QUANTISERS = {"Quant", "BipolarQuant", "Trunc"}
MOST_DIFFERING = 0.01  # fraction of the frames on which float rounding may move an activation by a step
PACKAGES = ("torch", "brevitas", "scikit-learn", "onnx", "onnxscript", "qonnx", "onnxruntime")

Loss = Callable[[Tensor, Tensor], Tensor]
Score = Callable[[NDArray[np.float32], NDArray[np.generic]], float]


@dataclass(frozen=True, slots=True)
class Dataset:
    """Frames (float32, frames first) and what they show, for training and for the test: int64 classes, or images."""

    train_x: Tensor  # (frames, *frame shape)
    train_label: Tensor  # (frames,)
    test_x: Tensor
    test_label: Tensor

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Shape of one frame, without batch dimension."""
        return tuple(self.test_x.shape[1:])


def seed_everything(seed: int) -> None:
    """Make initialisation, dropout and the order of the frames repeatable (on one thread)."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def load_digits(*frame_shape: int) -> Dataset:
    """The 1797 digits that come with scikit-learn, each of 8x8 pixels and reshaped to `frame_shape`.

    Pixels are multiples of 1/16 from 0 to 1. The split into 1437 training and 360 test frames is stratified and always
    the same.
    """
    pixels, labels = sklearn_digits(return_X_y=True)
    frames = (pixels / 16).astype(np.float32).reshape(-1, *frame_shape)
    parts = train_test_split(frames, labels, test_size=TEST_FRAMES, stratify=labels, random_state=0)
    train_x, test_x, train_label, test_label = map(torch.from_numpy, parts)
    return Dataset(train_x, train_label, test_x, test_label)


def train(
    model: nn.Module,
    data: Dataset,
    *,
    epochs: int,
    learning_rate: float = 5e-3,
    loss: Loss = cross_entropy,
) -> None:
    """Train `model` in place with Adam and the one-cycle schedule, which peaks at `learning_rate`.

    `loss` maps outputs and labels, (batch, ...) each, to a scalar.
    """
    frames = len(data.train_x)
    batches = frames // BATCH_SIZE
    optimiser = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=epochs * batches)
    model.train()
    for _ in range(epochs):
        for batch in torch.randperm(frames)[: batches * BATCH_SIZE].reshape(batches, BATCH_SIZE):
            optimiser.zero_grad()
            torch.autograd.backward(loss(model(data.train_x[batch]), data.train_label[batch]))
            optimiser.step()
            schedule.step()
    model.eval()


def unquantised(model: nn.Module) -> nn.Module:
    """The same module with every quantiser switched off, to be trained in float32."""
    for module in model.modules():
        if isinstance(module, QuantProxyFromInjector):
            module.disable_quant = True
        elif isinstance(module, QuantLayerMixin):
            module.return_quant_tensor = False
    return model


def test_accuracy(model: nn.Module, data: Dataset) -> float:
    """Of a trained network, on the test frames."""
    with torch.no_grad():
        return accuracy(model(data.test_x).numpy(), data.test_label.numpy())


def publish(
    name: str,
    model: nn.Module,
    data: Dataset,
    *,
    seed: int,
    dynamo: bool = True,
    output: str = "logits",
    score: tuple[str, Score] | None = None,
    form: nn.Module | None = None,
    float_accuracy: float | None = None,
) -> None:
    """Export the trained `model`, check what was exported on all test frames and write `examples/<name>/`.

    `dynamo` chooses between the two exporters of torch: torch.export (its default) or TorchScript. `output` is the name
    of the model's output, `score` a name and what is measured on outputs and labels (by default the accuracy). `form` is
    what to export where that is not `model` itself, but the same network in another form. `float_accuracy` is written down
    where it was measured.
    Raises RuntimeError, and writes nothing, when the exported model is not the trained one.
    """
    measure, scored = score or ("accuracy", accuracy)
    exported = export(form or model, data.frame_shape, output, dynamo=dynamo)
    x, label = data.test_x.numpy(), data.test_label.numpy()
    y = run_qonnx(exported, x)
    with torch.no_grad():
        torch_y = model(data.test_x).numpy()
    differing = int(np.sum(~np.isclose(y, torch_y, rtol=1e-4, atol=1e-4).reshape(len(x), -1).all(axis=1)))
    if differing > MOST_DIFFERING * len(x):
        raise RuntimeError(f"{name}: exported model and torch differ on {differing} of {len(x)} frames")

    measured = {
        "frames": len(x),
        f"torch_{measure}": scored(torch_y, label),
        f"exported_{measure}": scored(y, label),
        **({} if float_accuracy is None else {"float_accuracy": float_accuracy}),
        "frames_differing_from_torch": differing,
        "largest_difference_from_torch": float(np.abs(y - torch_y).max()),
        "seed": seed,
        "exporter": "torch.export" if dynamo else "TorchScript",
        "versions": {package: version(package) for package in PACKAGES},
    }
    folder = EXAMPLES / name
    folder.mkdir(exist_ok=True)
    onnx.save(exported, folder / "model.onnx")
    np.savez_compressed(folder / "vectors.npz", x=x, y=y, label=label)
    (folder / "accuracy.json").write_text(json.dumps(measured, indent=2) + "\n")
    print(f"{folder}: {measure} {scored(y, label):.4f} on {len(x)} test frames")


def export(model: nn.Module, frame_shape: tuple[int, ...], output: str, *, dynamo: bool) -> onnx.ModelProto:
    """QONNX form of `model`: batch dimension 1, input "image" (1, *frame_shape), one output.

    Raises RuntimeError when quantisers were lost: torch.export retries a failed trace in a mode that replaces
    them by plain operators, without an error.
    """
    exported: onnx.ModelProto = export_qonnx(
        model,
        args=torch.zeros(1, *frame_shape),
        opset_version=OPSET,
        input_names=["image"],
        output_names=[output],
        dynamo=dynamo,
        optimize=True,
        verbose=False,
    )
    remove_stack_traces(exported)
    onnx.checker.check_model(exported)
    if exported.ir_version > LARGEST_IR_VERSION:
        raise RuntimeError(f"IR version {exported.ir_version} was exported, above {LARGEST_IR_VERSION}")
    found = sum(node.op_type in QUANTISERS for node in exported.graph.node)
    expected = sum(isinstance(m, QuantProxyFromInjector) and m.is_quant_enabled for m in model.modules())
    if found < expected:
        raise RuntimeError(f"{found} quantisers were exported, the network has {expected}")
    return exported


def remove_stack_traces(model: onnx.ModelProto) -> None:
    """Remove the stack traces that torch.export adds to each node: they hold paths of this machine."""
    for node in model.graph.node:
        kept = [entry for entry in node.metadata_props if entry.key != "pkg.torch.onnx.stack_trace"]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)


def run_qonnx(model: onnx.ModelProto, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Outputs, frames first, of `model`, fed one by one with the frames of `x` (frames, *frame shape).

    qonnx runs each node as a model of its own; onnx would give these an IR version that onnxruntime refuses.
    """
    make_model = partial(onnx.helper.make_model, ir_version=LARGEST_IR_VERSION)
    with mock.patch("onnx.helper.make_model", make_model):
        wrapped = ModelWrapper(model).transform(InferShapes())
        output = model.graph.output[0].name
        return np.concatenate([execute_onnx(wrapped, {"image": frame[np.newaxis]})[output] for frame in x])


def accuracy(logits: NDArray[np.float32], label: NDArray[np.generic]) -> float:
    """Fraction of the frames whose largest logit is that of their label."""
    return float(np.mean(logits.argmax(axis=1) == label))
