"""What streamlining asks of an operator: not which one it is, but which of these roles it plays."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from qcompile.ir.graph import Shape
from qcompile.ir.types import Array, FloatArray, IntArray
from qcompile.ops.windows import Windows

Float32Array = npt.NDArray[np.float32]


class Direction(Enum):
    """How a scalar function moves with its argument."""

    INCREASING = 1
    DECREASING = -1
    UNKNOWN = 0


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """Real numbers held as integers: x = scale * (q + shift) + offset, elementwise with broadcasting.

    `scale` and `offset` are float64, `shift` is a multiple of one half (a bipolar -1/+1 is q in {0, 1} with shift
    -1/2).
    """

    scale: FloatArray
    shift: FloatArray
    offset: FloatArray

    def decode(self, codes: IntArray) -> Float32Array:
        """The real numbers of these codes: q + shift, the product, the sum, each rounded to float32 as models do it.

        A scale that is no float32 number is that of a product of quantised tensors, or makes its quantiser compute in
        float64: q + shift is then not rounded.
        """
        shifted: Array = codes + self.shift
        if bool(np.all(self.scale == self.scale.astype(np.float32))):
            shifted = shifted.astype(np.float32)
        product: Float32Array = (self.scale * shifted).astype(np.float32)
        return product + self.offset.astype(np.float32) if bool(np.any(self.offset)) else product

    def encode(self, real: Array) -> IntArray:
        """The codes nearest to these real numbers."""
        codes = np.rint((np.asarray(real, np.float64) - self.offset) / self.scale - self.shift)
        return codes.astype(np.int64)

    @staticmethod
    def of(scale: npt.ArrayLike, shift: npt.ArrayLike = 0.0, offset: npt.ArrayLike = 0.0) -> Lattice:
        """A lattice from anything numpy converts; each part becomes float64."""
        return Lattice(*(np.asarray(part, dtype=np.float64) for part in (scale, shift, offset)))


@runtime_checkable
class Pointwise(Protocol):
    """Applies one scalar function to every element; the further inputs are constants that broadcast against the
    first.
    """

    kind: ClassVar[str]

    def infer_shape(self, *shapes: Shape) -> Shape:
        """See Operator."""

    def evaluate(self, *inputs: Array) -> Array:
        """float32 in, float32 out, operator by operator as onnxruntime computes it."""

    def direction(self, *operands: Array) -> Direction:
        """How the function moves for these constants; per element where they differ in sign is UNKNOWN."""

    @property
    def error(self) -> float:
        """How far `evaluate` may be from onnxruntime, in units of max(1, |result|); 0 where the bits are the same."""

    @property
    def wavering(self) -> float:
        """How far `evaluate` may fall where the function rises, absolutely; 0 where each rounding keeps the order."""

    def magnitude(self, largest: Array, *operands: Array) -> Array:
        """At least as large as all that is rounded on the way, for arguments from -largest to largest."""


@runtime_checkable
class Quantiser(Protocol):
    """Ends a chain of real functions: maps real numbers to integer codes, monotonically."""

    kind: ClassVar[str]

    def infer_shape(self, *shapes: Shape) -> Shape:
        """See Operator."""

    def evaluate(self, *inputs: Array) -> Array:
        """The dequantised result, as the model sees it."""

    def codes(self, x: Float32Array, *operands: Array) -> IntArray:
        """The integer codes of `x`, in the reference's own arithmetic."""

    def lattice(self, *operands: Array) -> Lattice:
        """What a code stands for. Zero is the code of real zero wherever the zero point is an integer."""


@runtime_checkable
class Layout(Protocol):
    """Moves elements without computing: works on any array, index arrays included."""

    kind: ClassVar[str]
    moves_elements: ClassVar[bool]

    def infer_shape(self, *shapes: Shape) -> Shape:
        """See Operator."""

    def evaluate(self, *inputs: Array) -> Array:
        """The rearranged array; the leading axis counts frames."""


@runtime_checkable
class Spatial(Protocol):
    """Slides windows over the axes of a tensor behind its batch and channel axes."""

    kind: ClassVar[str]

    @property
    def windows(self) -> Windows:
        """The geometry, one number a spatial axis."""

    def infer_shape(self, *shapes: Shape) -> Shape:
        """See Operator."""

    def evaluate(self, *inputs: Array) -> Array:
        """float32 in, float32 out."""


@runtime_checkable
class Summing(Protocol):
    """Adds up products: the only operators whose float32 result depends on an order that nobody states."""

    kind: ClassVar[str]

    def infer_shape(self, *shapes: Shape) -> Shape:
        """See Operator."""

    def evaluate(self, *inputs: Array) -> Array:
        """float32 in, float32 out."""

    def terms(self, *shapes: Shape) -> int:
        """How many products one element of the result adds up, for inputs of these shapes."""


@runtime_checkable
class Joint(Protocol):
    """Makes one tensor of two that are both computed from the input."""

    kind: ClassVar[str]
    elementwise: ClassVar[bool]
    """Whether each element is a scalar function of one pair: then float32 leaves nothing open."""

    def infer_shape(self, *shapes: Shape) -> Shape:
        """See Operator."""

    def evaluate(self, *inputs: Array) -> Array:
        """float32 in, float32 out; the leading axis of both counts frames."""

    def joint_magnitude(self, *largest: Array) -> Array:
        """At least as large as all that is rounded on the way, for operands from -largest to largest."""


def broadcast_shape(shapes: tuple[Shape, ...]) -> Shape:
    """Shape of an elementwise result, which must be that of the first operand."""
    result = np.broadcast_shapes(*shapes)
    if result != shapes[0]:
        raise ValueError(f"the constants {shapes[1:]} widen the tensor {shapes[0]} to {result}")
    return result


def joint_shape(done: str, shapes: tuple[Shape, ...]) -> Shape:
    """Shape of an elementwise result of two tensors of as many axes; raises ValueError with what is `done` to them."""
    first, second = shapes
    try:
        if len(first) == len(second):
            return np.broadcast_shapes(first, second)
    except ValueError:
        pass
    raise ValueError(f"tensors of the shapes {first} and {second} are {done}")
