"""Random networks of layout operators: elements are moved, taken, repeated and joined between quantised layers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnx

from tests.support.onnx_models import ModelBuilder

LARGEST = 400
"""Elements of a tensor."""


@dataclass(slots=True)
class _Drawing:
    """A network under construction: all tensors so far, with their shapes; scales are powers of two."""

    rng: np.random.Generator
    b: ModelBuilder = field(default_factory=ModelBuilder)
    tensors: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)

    def integers(self, *values: int) -> str:
        return self.b.constant(values, np.int64)

    def weights(self, *shape: int) -> str:
        scale = 2.0 ** self.rng.integers(-3, 0, (shape[0],) + (1,) * (len(shape) - 1))
        scale = scale if len(shape) == 4 and self.rng.random() < 0.4 else np.asarray(0.25)
        return self.b.quant(self.b.constant(self.rng.normal(0, 0.6, shape)), scale, 0.0, 3.0, narrow=1)

    def quantised(self, x: str) -> str:
        scale = float(2.0 ** self.rng.integers(-3, 1))
        if self.rng.random() < 0.5:
            return self.b.quant(self.b.node("Relu", [x]), scale, 0.0, 3.0, signed=0)
        return self.b.quant(x, scale, 0.0, 4.0)

    def moved(self, x: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        """One layout operator that keeps the batch axis."""
        rng, b, axis = self.rng, self.b, int(self.rng.integers(1, len(shape)))
        choice = rng.integers(8)
        if choice == 0:
            perm = [0, *(1 + rng.permutation(len(shape) - 1)).tolist()]
            return b.node("Transpose", [x], {"perm": perm}), tuple(shape[k] for k in perm)
        if choice == 1:
            taken = rng.integers(0, shape[axis], rng.integers(1, 6)).tolist()
            return b.node("Gather", [x, self.integers(*taken)], {"axis": axis}), _with(shape, axis, len(taken))
        if choice == 2:
            positions = range(shape[axis])[:: int(rng.choice([-2, -1, 2]))]
            bounds = (positions.start, positions.stop if positions.stop >= 0 else -(2**31), axis, positions.step)
            return b.node("Slice", [x, *map(self.integers, bounds)]), _with(shape, axis, len(positions))
        if choice == 3:
            scale = int(rng.integers(2, 4))
            scales = [float(scale) if k == axis and axis > 1 else 1.0 for k in range(len(shape))]
            y = b.node("Resize", [x, "", b.constant(scales)], {"coordinate_transformation_mode": "asymmetric"})
            return y, _with(shape, axis, shape[axis] * scale) if axis > 1 else shape
        if choice == 4 and len(shape) == 4 and shape[1] % 4 == 0:
            mode = str(rng.choice(["DCR", "CRD"]))
            y = b.node("DepthToSpace", [x], {"blocksize": 2, "mode": mode})
            return y, (1, shape[1] // 4, shape[2] * 2, shape[3] * 2)
        if choice == 5 and len(shape) == 4 and shape[2] % 2 == shape[3] % 2 == 0:
            return b.node("SpaceToDepth", [x], {"blocksize": 2}), (1, shape[1] * 4, shape[2] // 2, shape[3] // 2)
        if choice == 6 and shape[1] % 2 == 0:
            split = (1, 2, shape[1] // 2, *shape[2:])
            y = b.node(
                "Transpose", [b.node("Reshape", [x, self.integers(*split)])], {"perm": [0, 2, 1, *range(3, len(split))]}
            )
            return b.node("Reshape", [y, self.integers(*shape)]), shape
        flat = int(np.prod(shape))
        rows = int(rng.choice([k for k in range(1, flat + 1) if flat % k == 0]))
        target = (1, rows, flat // rows) if len(shape) == 4 else (1, flat // rows, rows, 1)
        return b.node("Reshape", [x, self.integers(*target)]), target

    def layer(self, x: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        """A convolution, a product along the last axis, a pooling, or constants for each channel; quantised."""
        rng, b, outputs = self.rng, self.b, int(self.rng.integers(1, 5))
        choice = rng.integers(5) if len(shape) == 4 else 4
        if choice == 0 and min(shape[2:]) > 1:
            y = b.node("MaxPool", [x], {"kernel_shape": [2, 2], "pads": [0, 1, 0, 0]})
            return y, (*shape[:2], shape[2] - 1, shape[3])
        if choice == 1:
            y = b.node("Conv", [x, self.weights(shape[1], 1, 1, 3)], {"group": shape[1], "pads": [0, 1, 0, 1]})
            return self.quantised(y), shape
        if choice == 2:
            constant = b.constant(2.0 ** rng.integers(-2, 2, (1, shape[1], 1, 1)))
            return self.quantised(b.node("Mul", [x, constant])), shape
        if choice == 3 and min(shape[2:]) > 1:
            y = b.node("Conv", [x, self.weights(outputs, shape[1], 2, 2)])
            return self.quantised(y), (1, outputs, shape[2] - 1, shape[3] - 1)
        y = b.node("MatMul", [x, self.weights(shape[-1], outputs)])
        return self.quantised(y), (*shape[:-1], outputs)

    def joined(self, x: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        """With a tensor before it that fits: a concatenation or a sum."""
        fitting = [(y, s, k) for y, s in self.tensors for k in range(1, len(shape)) if _fits(shape, s, k)]
        if not fitting:
            return x, shape
        y, other, axis = fitting[int(self.rng.integers(len(fitting)))]
        if other == shape and self.rng.random() < 0.4:
            return self.b.quant(self.b.node("Add", [x, y]), 0.25, 0.0, 5.0), shape
        pair = [x, y] if self.rng.random() < 0.5 else [y, x]
        return self.b.node("Concat", pair, {"axis": axis}), _with(shape, axis, shape[axis] + other[axis])


def _with(shape: tuple[int, ...], axis: int, size: int) -> tuple[int, ...]:
    return (*shape[:axis], size, *shape[axis + 1 :])


def _fits(shape: tuple[int, ...], other: tuple[int, ...], axis: int) -> bool:
    return len(shape) == len(other) and _with(shape, axis, 1) == _with(other, axis, 1)


def random_layouts(seed: int) -> onnx.ModelProto:
    """A network of about eight operators with the input x."""
    rng = np.random.default_rng(seed)
    drawing = _Drawing(rng)
    sizes = rng.integers(2, 6, int(rng.choice([2, 3, 3]))).tolist()
    shape = (1, *sizes)
    x = drawing.b.quant("x", 0.25, 0.0, 4.0)
    drawing.tensors.append((x, shape))
    start = shape
    for _ in range(int(rng.integers(5, 12))):
        step = (drawing.moved, drawing.moved, drawing.layer, drawing.joined)[int(rng.integers(4))]
        count, before = len(drawing.b.nodes), (x, shape)
        x, shape = step(x, shape)
        if int(np.prod(shape)) > LARGEST:
            del drawing.b.nodes[count:]
            x, shape = before
        drawing.tensors.append((x, shape))
    x, _ = drawing.layer(x, shape)
    return drawing.b.model(start, x)
