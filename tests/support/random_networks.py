"""Random fully connected networks over everything that the frontend and streamlining say they know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto

from qcompile.ir.types import IntType
from qcompile.transforms.streamline import InputType
from tests.support.onnx_models import NEWEST
from tests.support.quantised_operators import as_quantised_operators
from tests.support.random_dialects import DIALECTS, DialectBuilder
from tests.support.random_draft import Draft, Place
from tests.support.random_operators import activation, affine, layout, tail
from tests.support.random_quantisers import quantise, weights

OPSETS = (7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 20, 21, NEWEST)


@dataclass(frozen=True, slots=True)
class RandomNetwork:
    """A model and the types of its inputs. With `exact`, all that its matrix products sum is a multiple of a power of two."""

    seed: int
    model: onnx.ModelProto
    types: dict[str, InputType]
    exact: bool


def random_network(seed: int, dialect: str = "qonnx") -> RandomNetwork:
    """The network of a seed; half of them are exact."""
    rng = np.random.default_rng(seed if dialect == "qonnx" else [seed, DIALECTS.index(dialect)])
    exact = bool(rng.random() < 0.5)
    opset, nodes = int(rng.choice(OPSETS)), bool(rng.random() < 0.3)
    builder = DialectBuilder(opset, constant_nodes=nodes, dialect=dialect, rng=rng)
    d = Draft(rng, builder, exact, dyadic=exact and bool(rng.random() < 0.7))
    frame = _input_shape(d)
    raw = d.here()
    types, element = _input(d)
    outputs: list[str] = []
    if not types and element == TensorProto.FLOAT and d.chance(0.06):
        outputs += _second_head(d, raw)
    for k in range(depth := d.integer(1, 3)):
        if d.chance(0.06):
            outputs += _second_head(d, d.here())
        _residual(d) if d.chance(0.06) else _layer(d)
        if k < depth - 1:
            _between(d, linear_next=True)
            if d.chance(0.08):
                outputs.append(d.x)
    outputs += _end(d)
    model = builder.model(frame, *dict.fromkeys(outputs), element=element)
    if dialect == "operators":
        model = as_quantised_operators(model)
    return RandomNetwork(seed, model, types, exact)


def _second_head(d: Draft, start: Place) -> list[str]:
    """Another reader of the tensor at `start` (where it is the model's input, behind a quantiser of its own)."""
    present = d.here()
    d.go(start)
    if start.x == "x":
        quantise(d)
    if len(d.shape) == 4:
        _flatten(d)
    _layer(d)
    outputs = _end(d)
    d.go(present)
    return outputs


def _end(d: Draft) -> list[str]:
    """Behind the last sum: a quantiser, operators for the host, or nothing; then what a classifier ends with."""
    if d.chance(0.3):
        _between(d, linear_next=False)
    elif d.chance(0.5):
        affine(d)
        if d.chance(0.3):
            activation(d)
    return tail(d)


def _residual(d: Draft) -> None:
    """The sum, the difference or the product of two quantised products of one tensor.

    Where their scales differ, a quantiser follows; else it may be anything.
    """
    start = d.here()
    rows, columns = d.shape[-1], d.integer(1, 12)
    branches: list[str] = []
    shared, differ = d.scale(d.spread * np.sqrt(rows) / 4), d.chance(0.5)
    for _ in range(2):
        d.go(start)
        matrix, size = weights(d, rows, columns)
        d.x = d.builder.node("MatMul", [d.x, matrix])
        d.spread *= size * np.sqrt(rows)
        scale = d.power(d.spread / 4) if d.exact else shared
        if differ:
            scale = float(np.float32(d.spread / 4 * np.exp(d.rng.uniform(-0.5, 0.5))))
        branches.append(d.builder.quant(d.x, scale, 0.0, float(d.integer(2, 6))))
    operator = d.pick(["Add", "Sub", "Mul"] if differ else ["Add", "Sub"])
    d.x = d.builder.node(operator, branches)
    d.spread *= d.spread if operator == "Mul" else 1.0
    d.shape = (*d.shape[:-1], columns)
    if differ:
        _between(d, linear_next=True)


def _input_shape(d: Draft) -> tuple[int, ...]:
    kind = d.integer(0, 9)
    if kind < 6:
        d.shape = (1, d.integer(1, 24))
    elif kind < 8:
        d.shape = (1, d.integer(1, 3), d.integer(1, 8))
    else:
        d.shape = (1, d.integer(1, 3), d.integer(1, 3), d.integer(1, 3))
    return d.shape


def _input(d: Draft) -> tuple[dict[str, InputType], int]:
    """The input: quantised by the model, or of a type that the user states, with thresholds in front or without.

    The second result is its element type in the model: float, or integers that the model casts.
    """
    types: dict[str, InputType] = {}
    kind = d.integer(0, 9)
    if kind < 4 and d.opset >= 9 and d.chance(0.2):
        types["x"] = InputType(IntType(8, False), 1.0)
        d.spread = 128.0
        d.apply("Cast", attributes={"to": int(TensorProto.FLOAT)})
    elif kind < 4:
        scale = d.scale(1 / 255, strict=True)
        element = d.pick([IntType(8, False), IntType(8, True), IntType(16, True), IntType(4, False), IntType(1, False)])
        bipolar = element.bits == 1 and d.chance(0.7)
        types["x"] = InputType(element, scale, -0.5 if bipolar else 0.0)
        d.spread = scale * element.hi / 2
    if kind in (0, 1, 4, 5, 6):
        _preprocess(d)
    if kind >= 2 or kind == 0 or len(d.shape) == 4:
        quantise(d)
    if len(d.shape) == 4 or (len(d.shape) == 3 and d.chance(0.6)):
        _flatten(d)
    return types, TensorProto.UINT8 if d.builder.nodes and d.builder.nodes[0].op_type == "Cast" else TensorProto.FLOAT


def _preprocess(d: Draft) -> None:
    """As (x - 0.5) / 0.5 or 2x - 1; the same factor for all elements, so that a product may follow."""
    for operator in d.pick([("Mul", "Sub"), ("Sub", "Div"), ("Add",), ("Mul",), ()]):
        value = d.pick([0.5, 2.0, 1.0]) if operator in ("Mul", "Div") else d.pick([0.5, 1.0]) * d.power(d.spread)
        d.apply(operator, [value])
        d.spread *= value if operator == "Mul" else 1 / value if operator == "Div" else 1.0


def _flatten(d: Draft) -> None:
    """To (1, K), perhaps with the channels moved to the end first."""
    rank, count = len(d.shape), int(np.prod(d.shape))
    if d.chance(0.4):
        perm = [0, *(int(axis) for axis in 1 + d.rng.permutation(rank - 1))]
        d.apply("Transpose", attributes={"perm": perm})
    if d.chance(0.5):
        d.apply("Flatten")
    elif d.chance(0.5):
        d.apply("Reshape", [d.builder.constant([1, -1], np.int64)])
    else:
        shape = d.builder.node("Shape", ["x"])
        batch = d.builder.node("Gather", [shape, d.builder.constant(0, np.int64)], {"axis": 0})
        axes = {"axes": [0]} if d.opset < 13 else {}
        operands = [batch] if d.opset < 13 else [batch, d.builder.constant([0], np.int64)]
        first = d.builder.node("Unsqueeze", operands, axes)
        target = d.builder.node("Concat", [first, d.builder.constant([-1], np.int64)], {"axis": 0})
        d.apply("Reshape", [target])
        d.ranked = False
    d.shape = (1, count)


def _layer(d: Draft) -> None:
    """A matrix product with what may stand around it."""
    if d.chance(0.2):
        layout(d)
    if d.chance(0.1):
        affine(d, strict=True)
    elif d.chance(0.06):
        d.apply("Relu")
    rows, columns = d.shape[-1], d.integer(1, 12)
    if len(d.shape) == 2 and d.chance(0.4):
        _gemm(d, rows, columns)
    else:
        matrix, size = weights(d, rows, columns)
        d.x = d.builder.node("MatMul", [d.x, matrix])
        d.spread *= size * np.sqrt(rows)
    d.shape = (*d.shape[:-1], columns)
    if d.chance(0.4):
        d.apply("Add", [_bias(d, columns)], swap=d.chance(0.5))


def _gemm(d: Draft, rows: int, columns: int) -> None:
    transposed = d.chance(0.5)
    matrix, size = weights(d, rows, columns, outputs_first=transposed)
    d.spread *= size * np.sqrt(rows)
    attributes: dict[str, object] = {"transB": int(transposed)}
    if d.chance(0.3):
        attributes["alpha"] = d.scale(1.0)
    if d.chance(0.3):
        attributes["beta"] = d.scale(1.0, strict=True)
    operands = [matrix]
    if d.opset < 11 or d.chance(0.7):
        bias = d.numbers(columns, d.spread * 0.3, strict=True)
        operands.append(d.builder.constant(bias.reshape(d.pick([(columns,), (1, columns)]))))
    d.apply("Gemm", operands, attributes)


def _bias(d: Draft, columns: int) -> str:
    """One number a channel, as it is or quantised."""
    values = d.builder.constant(d.numbers(columns, d.spread * 0.3))
    if d.chance(0.5):
        return values
    return d.builder.quant(values, d.scale(d.spread / 50), 0.0, float(d.integer(4, 16)))


def _between(d: Draft, linear_next: bool) -> None:
    """From a sum to the next quantiser."""
    for _ in range(d.integer(0, 2)):
        affine(d)
    if d.chance(0.7):
        activation(d)
    if d.chance(0.2):
        affine(d)
    if d.chance(0.15):
        layout(d)
    quantise(d, linear_next)
    if len(d.shape) == 3 and d.chance(0.4):
        _flatten(d)
