"""Networks whose elements move, from an ONNX file to simulated RTL: scales are powers of two, so every integer must agree."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from qcompile.cli import main
from qcompile.dataflow.lower import lower
from qcompile.kernels import Reorder
from qcompile.kernels.address_map import AddressMap, longest_run, program_of
from qcompile.ops import Take

from ..support.onnx_models import ModelBuilder
from ..support.proving import assert_exported, prove

Drawn = tuple[ModelBuilder, str, tuple[int, ...]]


def weights(b: ModelBuilder, rng: np.random.Generator, *shape: int) -> str:
    """Quantised random weights, scale 1/4."""
    return b.quant(b.constant(rng.normal(0, 0.4, shape)), 0.25, 0.0, 3.0, narrow=1)


def relu(b: ModelBuilder, x: str, scale: float = 0.25) -> str:
    """Relu and an unsigned quantiser."""
    return b.quant(b.node("Relu", [x]), scale, 0.0, 3.0, signed=0)


def integers(b: ModelBuilder, *values: int) -> str:
    return b.constant(values, np.int64)


def shuffled(b: ModelBuilder, x: str, shape: tuple[int, ...], groups: int) -> str:
    """The channels of the groups in turn."""
    batch, channels, *spatial = shape
    x = b.node("Reshape", [x, integers(b, batch, groups, channels // groups, *spatial)])
    x = b.node("Transpose", [x], {"perm": [0, 2, 1, *range(3, 3 + len(spatial))]})
    return b.node("Reshape", [x, integers(b, batch, channels, *spatial)])


def upsampling(rng: np.random.Generator) -> Drawn:
    """An image made smaller by SpaceToDepth, and larger by Resize, with convolutions between and behind."""
    b = ModelBuilder()
    x = relu(b, b.node("Conv", [b.quant("x", 0.25, 0.0, 4.0), weights(b, rng, 2, 1, 3, 3)], {"pads": [1, 1, 1, 1]}))
    x = b.node("SpaceToDepth", [x], {"blocksize": 2})
    x = relu(b, b.node("Conv", [x, weights(b, rng, 4, 8, 1, 1)]))
    x = b.node("Resize", [x, "", b.constant([1.0, 1.0, 2.0, 2.0])], {"coordinate_transformation_mode": "asymmetric"})
    x = b.node("Conv", [x, weights(b, rng, 2, 4, 3, 3)], {"pads": [1, 1, 1, 1]})
    return b, relu(b, x), (1, 1, 8, 6)


def sub_pixels(mode: str) -> Callable[[np.random.Generator], Drawn]:
    """Channels become pixels, as in ESPCN, in front of another convolution."""

    def drawn(rng: np.random.Generator) -> Drawn:
        b = ModelBuilder()
        x = relu(b, b.node("Conv", [b.quant("x", 0.25, 0.0, 4.0), weights(b, rng, 8, 1, 2, 2)]))
        x = b.node("DepthToSpace", [x], {"blocksize": 2, "mode": mode})
        x = b.node("Conv", [x, weights(b, rng, 4, 2, 3, 3)], {"pads": [1, 1, 1, 1]})
        return b, b.node("DepthToSpace", [relu(b, x)], {"blocksize": 2, "mode": mode}), (1, 1, 5, 6)

    drawn.__name__ = f"sub_pixels_{mode}"
    return drawn


def shuffle(rng: np.random.Generator) -> Drawn:
    """Channels are shuffled in front of a depthwise convolution, and some are taken behind it."""
    b = ModelBuilder()
    x = relu(b, b.node("Conv", [b.quant("x", 0.25, 0.0, 4.0), weights(b, rng, 6, 2, 1, 1)]))
    x = shuffled(b, x, (1, 6, 5, 4), 3)
    x = relu(b, b.node("Conv", [x, weights(b, rng, 6, 1, 3, 3)], {"pads": [1, 1, 1, 1], "group": 6}), 0.5)
    x = b.node("Slice", [x, integers(b, 1), integers(b, 5), integers(b, 1), integers(b, 2)])
    return b, b.node("Conv", [x, weights(b, rng, 3, 2, 2, 2)]), (1, 2, 5, 4)


def mixer(rng: np.random.Generator) -> Drawn:
    """Dense layers over channels and over tokens in turn, with transpositions between."""
    b = ModelBuilder()
    x = relu(b, b.node("MatMul", [b.quant("x", 0.25, 0.0, 4.0), weights(b, rng, 6, 4)]))
    x = b.node("Transpose", [x], {"perm": [0, 2, 1]})
    x = relu(b, b.node("MatMul", [x, weights(b, rng, 5, 7)]))
    x = b.node("Transpose", [x], {"perm": [0, 2, 1]})
    x = relu(b, b.node("MatMul", [x, weights(b, rng, 4, 3)]))
    x = b.node("Gather", [x, integers(b, 6, 0, 3)], {"axis": 1})
    return b, b.node("MatMul", [x, weights(b, rng, 3, 2)]), (1, 5, 6)


def crops(rng: np.random.Generator) -> Drawn:
    """An image cut, turned round, made irregularly larger, and added to itself turned by a right angle."""
    b = ModelBuilder()
    x = relu(b, b.node("Conv", [b.quant("x", 0.25, 0.0, 4.0), weights(b, rng, 3, 2, 2, 2)]))
    x = b.node("Slice", [x, integers(b, 1, 4), integers(b, 5, 0), integers(b, 2, 3), integers(b, 1, -1)])
    x = b.node("Resize", [x, "", "", integers(b, 1, 3, 6, 6)], {"nearest_mode": "floor"})
    x = b.node("Add", [x, b.node("Transpose", [x], {"perm": [0, 1, 3, 2]})])
    x = b.quant(x, 0.25, 0.0, 3.0, signed=0)
    return b, b.node("Conv", [x, weights(b, rng, 2, 3, 3, 3)], {"strides": [2, 2]}), (1, 2, 6, 6)


def bilinear(rng: np.random.Generator) -> Drawn:
    """An image made smaller and larger by lines between pixels: between pixels, and from one to the next."""
    b = ModelBuilder()
    half = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    x = relu(b, b.node("Conv", [b.quant("x", 0.25, 0.0, 4.0), weights(b, rng, 4, 1, 3, 3)], {"pads": [1, 1, 1, 1]}))
    x = b.quant(b.node("Resize", [x, "", b.constant([1.0, 1.0, 0.5, 0.5])], half), 0.25, 0.0, 4.0, signed=0)
    x = relu(b, b.node("Conv", [x, weights(b, rng, 3, 4, 1, 1)]))
    x = b.quant(b.node("Resize", [x, "", b.constant([1.0, 1.0, 2.0, 2.0])], half), 0.25, 0.0, 4.0, signed=0)
    x = relu(b, b.node("Conv", [x, weights(b, rng, 2, 3, 2, 2)]))
    x = b.node("Resize", [x, "", "", integers(b, 1, 2, 13, 11)], half | {"coordinate_transformation_mode": "align_corners"})
    return b, b.quant(x, 0.125, 0.0, 5.0), (1, 1, 8, 6)


def encoder_decoder(rng: np.random.Generator) -> Drawn:
    """As U-Net: half the size, back again by Resize, joined with what was there before."""
    b = ModelBuilder()
    same = {"pads": [1, 1, 1, 1]}
    x = relu(b, b.node("Conv", [b.quant("x", 0.25, 0.0, 4.0), weights(b, rng, 4, 1, 3, 3)], same))
    y = b.node("MaxPool", [x], {"kernel_shape": [2, 2], "strides": [2, 2]})
    y = relu(b, b.node("Conv", [y, weights(b, rng, 6, 4, 3, 3)], same), 0.5)
    y = b.node("Resize", [y, "", b.constant([1.0, 1.0, 2.0, 2.0])], {"coordinate_transformation_mode": "asymmetric"})
    x = b.node("Concat", [y, x], {"axis": 1})
    x = relu(b, b.node("Conv", [x, weights(b, rng, 2, 10, 3, 3)], same))
    return b, x, (1, 1, 8, 6)


def shuffle_unit(rng: np.random.Generator) -> Drawn:
    """As ShuffleNet: half of the channels pass, the others are computed, all are joined and shuffled, twice."""
    b = ModelBuilder()
    x = relu(b, b.node("Conv", [b.quant("x", 0.25, 0.0, 4.0), weights(b, rng, 4, 2, 1, 1)]))
    for _ in range(2):
        left = b.node("Split", [x], {"axis": 1}, outputs=2)
        y = b.node("Conv", [f"{left}.1", weights(b, rng, 2, 1, 3, 3)], {"pads": [1, 1, 1, 1], "group": 2})
        y = relu(b, b.node("Conv", [relu(b, y), weights(b, rng, 2, 2, 1, 1)]))
        x = shuffled(b, b.node("Concat", [left, y], {"axis": 1}), (1, 4, 5, 4), 2)
    return b, b.node("Conv", [x, weights(b, rng, 3, 4, 2, 2)]), (1, 2, 5, 4)


def dense_block(rng: np.random.Generator) -> Drawn:
    """As DenseNet: each layer reads all before it, of differing scales."""
    b = ModelBuilder()
    parts = [b.quant("x", 0.25, 0.0, 3.0)]
    for scale in (0.25, 0.5, 0.125):
        x = b.node("Concat", parts, {"axis": 1}) if len(parts) > 1 else parts[0]
        channels = 2 + 2 * (len(parts) - 1)
        y = b.node("Conv", [x, weights(b, rng, 2, channels, 3, 3)], {"pads": [1, 1, 1, 1]})
        parts.append(relu(b, y, scale))
    x = b.node("GlobalMaxPool", [b.node("Concat", parts, {"axis": 1})])
    return b, b.node("MatMul", [b.node("Flatten", [x]), weights(b, rng, 8, 3)]), (1, 2, 5, 4)


def channels_last(rng: np.random.Generator) -> Drawn:
    """An encoder-decoder whose tensors have the channels last: only convolutions see them first."""
    b = ModelBuilder()

    def convolution(x: str, outputs: int, inputs: int) -> str:
        x = b.node("Transpose", [x], {"perm": [0, 3, 1, 2]})
        x = b.node("Conv", [x, weights(b, rng, outputs, inputs, 3, 3)], {"pads": [1, 1, 1, 1]})
        return relu(b, b.node("Transpose", [x], {"perm": [0, 2, 3, 1]}))

    start = convolution(b.quant("x", 0.25, 0.0, 4.0), 2, 1)
    x = b.node("Resize", [start, "", b.constant([1.0, 2.0, 2.0, 1.0])], {"coordinate_transformation_mode": "asymmetric"})
    x = b.node("Slice", [x, *(integers(b, v) for v in (0, 6, 1, 1))])
    x = b.node("Concat", [x, b.node("Pad", [start, integers(b, 0, 1, 2, 0, 0, 0, 2, 0)])], {"axis": -1})
    return b, convolution(x, 2, 4), (1, 5, 4, 1)


NETWORKS = [upsampling, sub_pixels("DCR"), sub_pixels("CRD"), shuffle, mixer, crops]
NETWORKS += [bilinear, encoder_decoder, shuffle_unit, dense_block, channels_last]


def test_channels_last_stay_last() -> None:
    """Nothing is transposed: what is moved are rows and pixels, within two rows."""
    builder, output, shape = channels_last(np.random.default_rng(7))
    integer = prove(builder.model(shape, output)).network.integer
    kernels = [instance.kernel for instance in lower(integer, "network").instances]
    moved = [kernel for kernel in kernels if isinstance(kernel, Reorder)]
    assert moved
    assert all(kernel.program.depth <= 2 * 8 * 2 for kernel in moved)


@pytest.mark.parametrize("interval", [None, 700])
@pytest.mark.parametrize("network", NETWORKS)
def test_exact_in_rtl(
    network: Callable[[np.random.Generator], Drawn],
    interval: int | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    builder, output, shape = network(np.random.default_rng(7))
    onnx.save(builder.model(shape, output), tmp_path / "model.onnx")
    arguments = [str(tmp_path / "model.onnx"), "--target", "pynq-z2", "-o", str(tmp_path / "build"), "--check"]
    arguments += ["--rtl-frames", "10"] + (["--interval", str(interval)] if interval else [])
    assert main(arguments) == 0
    verdict = json.loads(capsys.readouterr().out.splitlines()[-1])
    manifest = json.loads((tmp_path / "build" / "manifest.json").read_text(encoding="utf-8"))
    assert (verdict["mismatches"], verdict["ties"], verdict["rtl_mismatches"], verdict["rtl_frames"]) == (0, 0, 0, 10)
    assert (verdict["interval"], verdict["latency"]) == (manifest["interval_cycles"], manifest["latency_cycles"])


def test_super_resolution_in_integers(shared_model: Callable[[str], Path]) -> None:
    """ESPCN with a nearest Resize inside: an image of 256 x 256 pixels."""
    path = shared_model("espcn_nnresize")
    with np.load(path.with_suffix(".golden.npz")) as golden:
        x = golden["x"][:1]
    found = prove(onnx.load(path), x=x, passes=False)
    assert found.agreement.mismatches == ()
    assert found.agreement.compared > 5_000_000
    assert sum(tie.elements for tie in found.agreement.ties) <= 4
    graph = found.network.integer
    (moved,) = (node for node in graph.nodes if isinstance(node.op, Take))
    mapping = AddressMap(128 * 128 * 32, graph.constants[moved.inputs[1]].reshape(-1))
    program = program_of(mapping, longest_run(mapping))
    assert (longest_run(mapping), program.depth) == (32, 128)  # one row of pixels
    assert_exported(found)
