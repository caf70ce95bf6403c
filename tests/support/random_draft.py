"""A random network under construction: the model, its current tensor, and the dice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from qcompile.ir.types import Array
from tests.support.onnx_models import ModelBuilder

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """A tensor of a draft, to come back to."""

    x: str
    shape: tuple[int, ...]
    spread: float
    ranked: bool


@dataclass(slots=True)
class Draft:
    """`x` is the current tensor of shape `shape` (one frame, leading axis 1), its numbers are about as large as `spread`.

    With `exact`, what a matrix product sums is a multiple of a power of two, so that float32 has nothing to round. With `dyadic`,
    nearly all numbers are, so that quantisers meet their ties. `ranked` says that onnx can infer the number of axes of the tensor.
    """

    rng: np.random.Generator
    builder: ModelBuilder
    exact: bool
    dyadic: bool
    x: str = "x"
    shape: tuple[int, ...] = ()
    spread: float = 1.0
    ranked: bool = True

    @property
    def opset(self) -> int:
        """Version of the operator set."""
        return self.builder.opset

    def here(self) -> Place:
        """The current tensor."""
        return Place(self.x, self.shape, self.spread, self.ranked)

    def go(self, place: Place) -> None:
        """Goes on from another tensor."""
        self.x, self.shape, self.spread, self.ranked = place.x, place.shape, place.spread, place.ranked

    def chance(self, probability: float) -> bool:
        """True so often."""
        return bool(self.rng.random() < probability)

    def pick(self, options: Sequence[T]) -> T:
        """One of them."""
        return options[int(self.rng.integers(len(options)))]

    def integer(self, low: int, high: int) -> int:
        """One of low..high."""
        return int(self.rng.integers(low, high, endpoint=True))

    def apply(
        self,
        operator: str,
        operands: Sequence[object] = (),
        attributes: Mapping[str, object] | None = None,
        swap: bool = False,
    ) -> None:
        """The current tensor becomes `operator` of it and of constants (names, or float32 values), or of constants and it."""
        names = [o if isinstance(o, str) else self.builder.constant(o) for o in operands]
        inputs = [*names, self.x] if swap else [self.x, *names]
        self.x = self.builder.node(operator, inputs, attributes)

    def power(self, about: float) -> float:
        """A power of two near a number."""
        return float(2.0 ** np.rint(np.log2(about) + self.rng.uniform(-0.7, 0.7)))

    def scale(self, about: float, strict: bool = False) -> float:
        """A positive scale near a number: a power of two where sums (`strict`) or the network need one."""
        if self.dyadic or (strict and self.exact):
            return self.power(about)
        return float(np.float32(about * np.exp(self.rng.uniform(-0.5, 0.5))))

    def numbers(self, size: int, about: float, strict: bool = False) -> Array:
        """Float32 numbers of both signs and of about this size, multiples of a power of two in the same cases."""
        values = self.rng.normal(size=size) * about
        if self.dyadic or (strict and self.exact):
            unit = 2.0 ** np.floor(np.log2(about) - self.integer(1, 4))
            values = np.rint(values / unit) * unit
        return values.astype(np.float32)

    def operand(self, about: float, strict: bool = False) -> Array:
        """A constant that broadcasts against the current tensor: a scalar, one number a channel, or seldom one an element."""
        channels = self.shape[-1]
        kind = self.integer(0, 9)
        if kind < 3:
            return self.numbers(1, about, strict).reshape(self.pick([(), (1,), (1, 1)][: 1 + len(self.shape)]))
        if kind < 9 or len(self.shape) == 2:
            return self.numbers(channels, about, strict).reshape(
                self.pick([(channels,), (1,) * (len(self.shape) - 1) + (channels,)])
            )
        return self.numbers(int(np.prod(self.shape)), about, strict).reshape(self.shape)

    def factors(self, strict: bool = False) -> Array:
        """Non-zero factors of about 1, of either sign, in the form of `operand`."""
        form = self.operand(1.0).shape
        magnitude = (
            2.0 ** self.rng.integers(-2, 3, form) if self.dyadic or strict else np.exp(self.rng.uniform(-1, 1, form))
        )
        sign = np.where(self.rng.random(form) < 0.15, -1, 1)
        return np.asarray(sign * magnitude, np.float32)
