"""A model taken apart: what the host does before and after, and the integers in between."""

from __future__ import annotations

from dataclasses import dataclass

from qcompile.ir.graph import Graph
from qcompile.ir.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Tap:
    """A tensor of the original model that the integer graph computes: real = scale * (q + shift) + offset.

    `tensor` is its ONNX name, `value` the integer value; `index` (shape of the tensor) gives each element's position
    in the flattened integer frame, None where the order is the same. `reads` names the tensor that a quantiser or an
    ArgMax made this one of, empty for sums.
    """

    tensor: str
    value: str
    index: IntArray | None
    scale: FloatArray
    shift: FloatArray
    offset: FloatArray
    reads: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """`before` maps the model's inputs to integer codes, `integer` is what becomes hardware, `after` maps its outputs
    to the model's outputs (the float tail: scales, Softmax...).
    """

    before: Graph
    integer: Graph
    after: Graph
    taps: tuple[Tap, ...]
