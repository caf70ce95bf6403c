"""The mutable helper that streamlining writes integer nodes into, with ranges inferred on the way."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from qcompile.ir.graph import Graph, Node, Operator, Shape, Value, element_count, fresh_name
from qcompile.ir.types import Array, IntArray, Range, read_only
from qcompile.ops import (
    ArgMax,
    BorderAffine,
    ChannelProduct,
    Concat,
    CyclicProduct,
    Lookup,
    MatMul,
    MatrixProduct,
    Pad,
    PhasedWindow,
    Repeat,
    Reshape,
    SlidingWindow,
    Take,
    TensorAdd,
    TensorMultiply,
    Threshold,
    WindowMaximum,
)
from qcompile.ops.windows import Windows
from qcompile.transforms.step_function import Table, Thresholds

SHARED = (Lookup, TensorAdd, Threshold)
"""What is computed once, however often the model asks for it: a quantiser whose codes and numbers are both used, say."""


@dataclass(slots=True)
class IntegerBuilder:
    """Nodes, values with ranges, and constants of the integer graph so far."""

    name: str
    nodes: list[Node] = field(default_factory=list)
    values: dict[str, Value] = field(default_factory=dict)
    constants: dict[str, Array] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    node_names: set[str] = field(default_factory=set)

    def add_input(self, name: str, shape: Shape, codes: Range) -> str:
        """A graph input."""
        name = fresh_name(name, self.values)
        self.values[name] = Value(shape, codes)
        self.inputs.append(name)
        return name

    def range_of(self, name: str) -> Range:
        """Range of an integer value."""
        known = self.values[name].range
        assert known is not None, f"{name} is an integer value without a range"
        return known

    def reshape(self, source: str, shape: Shape, origin: tuple[str, ...]) -> str:
        """The same elements as another shape; the range is kept where the channels stay the same."""
        if self.values[source].shape == shape:
            return source
        known = self.range_of(source)
        codes = known if known.lo.size == shape[-1] else known.shared()
        if known.lo.size > 1 and shape[-1] % known.lo.size == 0:
            repeat = shape[-1] // known.lo.size
            codes = Range.of(np.tile(known.lo, repeat), np.tile(known.hi, repeat))
        return self._add(f"{source}_reshaped", Reshape(shape), (source,), shape, codes, origin)

    def reorder(self, stem: str, source: str, index: IntArray, shape: Shape, origin: tuple[str, ...]) -> str:
        """A frame of `shape` whose element k is element `index[k]` of the flattened frame of `source`.

        Costs nothing where that is its own order. A frame that is itself made by a reordering is passed over, and the same
        reordering is made once.
        """
        index = np.asarray(index, np.int64).reshape(shape)
        producer = next((node for node in self.nodes if node.output == source), None)
        while producer is not None and isinstance(producer.op, (Reshape, Take)):
            if isinstance(producer.op, Take):
                index = self.constants[producer.inputs[1]].reshape(-1)[index]
            source = producer.inputs[0]
            producer = next((node for node in self.nodes if node.output == source), None)
        if np.array_equal(index.reshape(-1), np.arange(element_count(self.values[source].shape))):
            return self.reshape(source, shape, origin)
        for node in self.nodes:
            alike = isinstance(node.op, Take) and node.inputs[0] == source
            if alike and np.array_equal(self.constants[node.inputs[1]], index):
                return node.output
        op = Take()
        names = self._keep(stem, {"index": index})
        codes = op.infer_range(self.range_of(source), index)
        return self._add(stem, op, (source, *names), shape, codes, origin)

    def concat(self, stem: str, sources: tuple[str, str], origin: tuple[str, ...]) -> str:
        """Two frames side by side along their last axes; the same two once."""
        for node in self.nodes:
            if isinstance(node.op, Concat) and node.inputs == sources:
                return node.output
        shapes = [self.values[name].shape for name in sources]
        op = Concat(len(shapes[0]) - 1)
        ranges = (self.range_of(sources[0]), self.range_of(sources[1]))
        codes = op.infer_range(ranges, (shapes[0][-1], shapes[1][-1]))
        return self._add(stem, op, sources, op.infer_shape(*shapes), codes, origin)

    def matmul(self, stem: str, source: str, weights: IntArray, bias: IntArray | None, origin: tuple[str, ...]) -> str:
        """X (..., K) times weights (K, M), plus bias (M,)."""
        op = MatMul()
        constants = {"weights": weights} if bias is None else {"weights": weights, "bias": bias}
        names = self._keep(stem, constants)
        shape = op.infer_shape(self.values[source].shape, weights.shape)
        codes = op.infer_range(self.range_of(source), weights, bias)
        return self._add(stem, op, (source, *names), shape, codes, origin)

    def windows(
        self, stem: str, source: str, windows: Windows, origin: tuple[str, ...], padding: int = 0, groups: int = 1
    ) -> str:
        """Windows of an image (height, width, C), each as a vector, with `padding` outside of the image; or as a vector for
        each of several groups of channels.
        """
        op = SlidingWindow(windows, padding, groups)
        shape = op.infer_shape(self.values[source].shape)
        return self._add(stem, op, (source,), shape, op.infer_range(self.range_of(source)), origin)

    def border_affine(
        self, stem: str, source: str, op: BorderAffine, factors: IntArray, constants: IntArray, origin: tuple[str, ...]
    ) -> str:
        """factors[k] * x + constants[k, c] for channel c of an image (height, width, C), k the class of its pixel."""
        names = self._keep(stem, {"factors": factors, "constants": constants})
        shape = op.infer_shape(self.values[source].shape, factors.shape, constants.shape)
        codes = op.infer_range(self.range_of(source), factors, constants)
        return self._add(stem, op, (source, *names), shape, codes, origin)

    def pad(self, stem: str, source: str, pads: tuple[int, int, int, int], value: int, origin: tuple[str, ...]) -> str:
        """An image (height, width, C) with `value` around it; `pads` are (top, left, bottom, right)."""
        op = Pad((*pads[:2], 0), (*pads[2:], 0), value)
        shape = op.infer_shape(self.values[source].shape)
        return self._add(stem, op, (source,), shape, op.infer_range(self.range_of(source)), origin)

    def phased_windows(self, stem: str, source: str, op: PhasedWindow, origin: tuple[str, ...]) -> str:
        """Windows of an image (height, width, C), one after another, as long as each is."""
        shape = op.infer_shape(self.values[source].shape)
        return self._add(stem, op, (source,), shape, op.infer_range(self.range_of(source)), origin)

    def cyclic_product(
        self, stem: str, source: str, op: CyclicProduct, weights: IntArray, origin: tuple[str, ...]
    ) -> str:
        """Vectors with matrices (rows, columns) side by side, each vector with that whose turn it is."""
        names = self._keep(stem, {"weights": weights})
        shape = op.infer_shape(self.values[source].shape, weights.shape)
        return self._add(stem, op, (source, *names), shape, op.infer_range(self.range_of(source), weights), origin)

    def window_maximum(self, stem: str, source: str, positions: int, origin: tuple[str, ...]) -> str:
        """The greatest of each channel over the positions of a window."""
        op = WindowMaximum(positions)
        shape = op.infer_shape(self.values[source].shape)
        return self._add(stem, op, (source,), shape, op.infer_range(self.range_of(source)), origin)

    def channel_product(self, stem: str, source: str, weights: IntArray, origin: tuple[str, ...]) -> str:
        """Windows (..., positions * C) with weights (positions, C)."""
        op = ChannelProduct()
        names = self._keep(stem, {"weights": weights})
        shape = op.infer_shape(self.values[source].shape, weights.shape)
        return self._add(stem, op, (source, *names), shape, op.infer_range(self.range_of(source), weights), origin)

    def add(self, stem: str, sources: tuple[str, str], factors: tuple[int, int], origin: tuple[str, ...]) -> str:
        """factors[0] * a + factors[1] * b."""
        op = TensorAdd(factors)
        shape = op.infer_shape(*(self.values[name].shape for name in sources))
        return self._add(stem, op, sources, shape, op.infer_range(*(self.range_of(name) for name in sources)), origin)

    def multiply(self, stem: str, sources: tuple[str, str], op: TensorMultiply, origin: tuple[str, ...]) -> str:
        """The product of two values of one shape, as `op` has it."""
        shape = op.infer_shape(*(self.values[name].shape for name in sources))
        return self._add(stem, op, sources, shape, op.infer_range(*(self.range_of(name) for name in sources)), origin)

    def matrix_product(self, stem: str, sources: tuple[str, str], op: MatrixProduct, origin: tuple[str, ...]) -> str:
        """The product of two values (matrices, rows, columns), as `op` has it."""
        shapes = [self.values[name].shape for name in sources]
        codes = op.infer_range(self.range_of(sources[0]), self.range_of(sources[1]), shapes[0][-1])
        return self._add(stem, op, sources, op.infer_shape(*shapes), codes, origin)

    def repeat(self, stem: str, source: str, op: Repeat, origin: tuple[str, ...]) -> str:
        """Vectors of a value, each several times."""
        shape = op.infer_shape(self.values[source].shape)
        return self._add(stem, op, (source,), shape, op.infer_range(self.range_of(source)), origin)

    def step(self, stem: str, source: str, form: Thresholds | Table, origin: tuple[str, ...]) -> str:
        """A function of one integer, as thresholds or as a table."""
        shape, known = self.values[source].shape, self.range_of(source)
        op: Operator
        if isinstance(form, Thresholds):
            op = Threshold(form.base)
            names = self._keep(stem, {"thresholds": form.thresholds, "descending": form.descending})
            codes = op.infer_range(known, form.thresholds, form.descending)
        else:
            op = Lookup(form.first)
            names = self._keep(stem, {"table": form.entries})
            codes = op.infer_range(known, form.entries)
        return self._add(stem, op, (source, *names), shape, codes, origin)

    def argmax(self, stem: str, source: str, op: ArgMax, offsets: IntArray | None, origin: tuple[str, ...]) -> str:
        """Index of the greatest element of the last axis."""
        names = () if offsets is None else self._keep(stem, {"offsets": offsets})
        shape = op.infer_shape(self.values[source].shape)
        codes = Range.of(0, self.values[source].shape[-1] - 1)
        return self._add(stem, op, (source, *names), shape, codes, origin)

    def finish(self, outputs: tuple[str, ...]) -> Graph:
        """The integer graph, pruned to what the outputs need."""
        return Graph(self.name, tuple(self.nodes), tuple(self.inputs), outputs, self.values, self.constants).pruned()

    def _keep(self, stem: str, arrays: dict[str, IntArray]) -> tuple[str, ...]:
        names = []
        for part, array in arrays.items():
            name = fresh_name(f"{stem}.{part}", self.constants)
            self.constants[name] = read_only(array)
            names.append(name)
        return tuple(names)

    def _same(self, first: tuple[str, ...], second: tuple[str, ...]) -> bool:
        """Whether two nodes read the same: values by name, constants by content."""
        pairs = list(zip(first, second, strict=False))
        return len(first) == len(second) and all(
            a == b or (a in self.constants and b in self.constants and np.array_equal(self.constants[a], self.constants[b]))
            for a, b in pairs
        )

    def _add(
        self, stem: str, op: Operator, inputs: tuple[str, ...], shape: Shape, codes: Range, origin: tuple[str, ...]
    ) -> str:
        if isinstance(op, SHARED):
            for made in self.nodes:
                if made.op == op and self._same(made.inputs, inputs):
                    return made.output
        output = fresh_name(stem, self.values)
        node = fresh_name(stem, self.node_names)
        self.node_names.add(node)
        self.values[output] = Value(shape, codes)
        self.nodes.append(Node(node, op, inputs, output, origin))
        return output
