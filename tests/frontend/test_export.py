"""The exported integer model on stock onnxruntime against the graph's own evaluation."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompile.frontend.export import WRITERS, export_integer
from qcompile.ir.errors import CompilerError
from qcompile.ir.graph import Graph, Node, Operator, Shape, Value, element_count
from qcompile.ir.types import Array, IntArray
from qcompile.ops import (
    ArgMax,
    ChannelProduct,
    Elementwise,
    Lookup,
    MatMul,
    Reshape,
    SlidingWindow,
    Take,
    TensorAdd,
    Threshold,
    Transpose,
    WindowMaximum,
)
from qcompile.ops.windows import Windows

FRAMES = 5


class GraphBuilder:
    """A chain of operators on int64 tensors; every value is kept within a table's reach by the operators themselves."""

    def __init__(self, shape: Shape) -> None:
        self.nodes: list[Node] = []
        self.values: dict[str, Value] = {"x": Value(shape)}
        self.constants: dict[str, Array] = {}
        self.current = "x"

    @property
    def shape(self) -> Shape:
        return self.values[self.current].shape

    def add(self, op: Operator, *constants: IntArray) -> None:
        number = len(self.nodes)
        names = tuple(f"c{number}.{k}" for k in range(len(constants)))
        self.constants |= dict(zip(names, constants, strict=True))
        output = f"v{number}"
        shape = op.infer_shape(self.shape, *(array.shape for array in constants))
        self.nodes.append(Node(f"n{number}", op, (self.current, *names), output))
        self.values[output] = Value(shape)
        self.current = output

    def graph(self) -> Graph:
        return Graph("small", tuple(self.nodes), ("x",), (self.current,), self.values, self.constants)


def run(model: onnx.ModelProto, x: IntArray) -> Array:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    result: Array = session.run(None, {"x": x})[0]
    return result


def assert_same(graph: Graph, x: IntArray) -> None:
    expected = graph.evaluate(x)[graph.outputs[0]]
    actual = run(export_integer(graph), x)
    assert actual.dtype == np.int64
    assert actual.shape == expected.shape
    assert np.array_equal(actual, expected)


def rows(rng: np.random.Generator, channels: int) -> int:
    return int(rng.choice([1, channels]))


def add_matmul(builder: GraphBuilder, rng: np.random.Generator) -> None:
    inputs, outputs = builder.shape[-1], int(rng.integers(1, 9))
    bias = [rng.integers(-(2**40), 2**40, outputs)] if rng.random() < 0.5 else []
    builder.add(MatMul(), rng.integers(-128, 128, (inputs, outputs)), *bias)


def add_threshold(builder: GraphBuilder, rng: np.random.Generator) -> None:
    channels = builder.shape[-1]
    spread = int(rng.choice([4, 1000, 2**41]))
    thresholds = np.sort(rng.integers(-spread, spread, (rows(rng, channels), int(rng.integers(0, 40)))), axis=1)
    descending = rng.integers(0, 2, rows(rng, channels))
    builder.add(Threshold(int(rng.integers(-20, 20))), thresholds, descending)


def add_lookup(builder: GraphBuilder, rng: np.random.Generator) -> None:
    """Behind thresholds, whose results lie within the table."""
    channels = builder.shape[-1]
    builder.add(Threshold(-3), np.sort(rng.integers(-50, 50, (rows(rng, channels), 7))), np.zeros(1, np.int64))
    builder.add(Lookup(-3), rng.integers(-1000, 1000, (rows(rng, channels), 8)))


def add_layout(builder: GraphBuilder, rng: np.random.Generator) -> None:
    shape, count = builder.shape, element_count(builder.shape)
    kind = rng.integers(3)
    if kind == 0:
        builder.add(Reshape((count,) if rng.random() < 0.5 else (1, count, 1)))
    elif kind == 1:
        builder.add(Transpose(tuple(int(axis) for axis in rng.permutation(len(shape)))))
    else:
        builder.add(Take(), rng.integers(0, count, (2, int(rng.integers(1, 6)))))


def random_windows(rng: np.random.Generator, height: int, width: int) -> Windows:
    """Windows that fit an image of this size."""
    while True:
        kernel, stride, dilation, before, after = (
            tuple(int(size) for size in rng.integers(low, high, 2))
            for low, high in ((1, 4), (1, 4), (1, 3), (0, 3), (0, 3))
        )
        windows = Windows(kernel, stride, dilation, before, after, bool(rng.random() < 0.5))
        if all((k - 1) * d < s for k, d, s in zip(kernel, dilation, (height, width), strict=True)):
            return windows


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_windows_of_images(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width, channels = (int(size) for size in rng.integers(1, 8, 3))
    windows = random_windows(rng, height, width)
    builder = GraphBuilder((height, width, channels))
    builder.add(SlidingWindow(windows))
    positions = element_count(windows.kernel)
    follower = rng.integers(3)
    if follower == 0:
        builder.add(WindowMaximum(positions))
    elif follower == 1:
        builder.add(ChannelProduct(), rng.integers(-8, 8, (positions, channels)))
    assert_same(builder.graph(), rng.integers(-99, 99, (FRAMES, height, width, channels)))


STEPS = (add_matmul, add_threshold, add_lookup, add_layout)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), steps=st.lists(st.sampled_from(STEPS), min_size=1, max_size=6))
def test_random_graphs_agree(seed: int, steps: list[type]) -> None:
    rng = np.random.default_rng(seed)
    builder = GraphBuilder(tuple(int(size) for size in rng.integers(1, 6, rng.integers(1, 4))))
    for step in steps:
        if sum(isinstance(node.op, MatMul) for node in builder.nodes) < 2 or step is not add_matmul:
            step(builder, rng)
    builder.add(Reshape(builder.shape))
    assert_same(builder.graph(), rng.integers(-64, 64, (FRAMES, *builder.values["x"].shape)))


def test_sums_of_two_branches() -> None:
    rng = np.random.default_rng(2)
    builder = GraphBuilder((2, 6))
    add_matmul(builder, rng)
    left = builder.current
    builder.add(Threshold(-2), np.asarray([[-30, 0, 30]]), np.zeros(1, np.int64))
    builder.nodes.append(Node("sum", TensorAdd((-3, 5)), (left, builder.current), "total"))
    builder.values["total"] = builder.values[left]
    builder.current = "total"
    assert_same(builder.graph(), rng.integers(-64, 64, (FRAMES, 2, 6)))


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [-1, -2])
@pytest.mark.parametrize("offsets", [False, True])
def test_argmax_breaks_ties_alike(last: bool, keepdims: bool, axis: int, offsets: bool) -> None:
    rng = np.random.default_rng(1)
    builder = GraphBuilder((4, 3))
    op = ArgMax(axis, keepdims, last, shift=3 if offsets else 0)
    builder.add(op, *([rng.integers(-9, 9, (4, 3))] if offsets else []))
    assert_same(builder.graph(), rng.integers(-2, 3, (200, 4, 3)))


def test_every_number_of_thresholds_counts_right() -> None:
    x = np.arange(-3, 40, dtype=np.int64).reshape(-1, 1)
    for count in (0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 34):
        builder = GraphBuilder((1,))
        builder.add(Threshold(-7), np.arange(count, dtype=np.int64)[None], np.zeros(1, np.int64))
        assert_same(builder.graph(), x)
        assert (
            run(export_integer(builder.graph()), x).ravel().tolist() == (np.clip(x + 1, 0, count) - 7).ravel().tolist()
        )


def test_bytes_are_the_same_each_time() -> None:
    def build() -> bytes:
        rng = np.random.default_rng(3)
        builder = GraphBuilder((2, 6))
        for step in STEPS:
            step(builder, rng)
        return export_integer(builder.graph()).SerializeToString(deterministic=True)

    assert build() == build()


def test_only_integer_operators_are_written() -> None:
    rng = np.random.default_rng(4)
    builder = GraphBuilder((2, 6))
    for step in STEPS:
        step(builder, rng)
    model = onnx.shape_inference.infer_shapes(export_integer(builder.graph()), strict_mode=True)
    kinds = {value.type.tensor_type.elem_type for value in model.graph.value_info}
    assert kinds <= {onnx.TensorProto.INT64, onnx.TensorProto.BOOL}


def test_real_operators_are_refused_by_name() -> None:
    builder = GraphBuilder((3,))
    builder.add(Elementwise("Relu"))
    with pytest.raises(CompilerError, match="Elementwise is not computed in integers") as caught:
        export_integer(builder.graph())
    assert caught.value.where == "node n0"
    assert Elementwise not in WRITERS
