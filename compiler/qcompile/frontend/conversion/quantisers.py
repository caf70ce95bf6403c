"""What a dialect is told of a quantiser, and what is common to writing one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import onnx

from qcompile.frontend.builder import QuantisedConstant
from qcompile.frontend.conversion.emitter import Emitter
from qcompile.frontend.dialect import UnsupportedError
from qcompile.ir.types import Array, FloatArray, IntArray, IntType
from qcompile.ops import MultiThreshold, Quantize, RequantShift, Truncate
from qcompile.ops.roles import Lattice, Quantiser


@dataclass(frozen=True, slots=True, eq=False)
class Live:
    """A quantiser of a tensor that is computed from the input.

    `proto` makes its output in the original; the operator `op` with the constants `operands` is what that means, applied to
    the tensor `source` of `rank` axes. `element` is the type of the output; `used` says that its numbers are used as they are:
    by other operators than DequantizeLinear.
    """

    proto: onnx.NodeProto
    op: Quantiser
    source: str
    operands: tuple[Array, ...]
    rank: int
    element: int
    used: bool


class Dialect(Protocol):
    """How a dialect writes quantisers. Its methods raise UnsupportedError for what it cannot express."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def oldest_opset(self) -> int:
        """The oldest version of the standard operators that it can be written with."""

    @property
    def standard(self) -> bool:
        """Whether stock onnxruntime runs it."""

    def has(self, proto: onnx.NodeProto) -> bool:
        """Whether a quantiser that begins with this node is of the dialect already."""

    def quantiser(self, emitter: Emitter, live: Live) -> None:
        """Writes the output of a quantiser."""

    def constant(self, emitter: Emitter, constant: QuantisedConstant) -> None:
        """Writes a tensor of quantised numbers."""

    def finish(self, model: onnx.ModelProto) -> None:
        """Writes what the file has to state besides."""


@dataclass(frozen=True, slots=True)
class CodeFormat:
    """The least bits that hold some codes; `narrow` drops the least signed or the greatest unsigned one.

    One bit is never signed: that is what Quant takes for bipolar.
    """

    bits: int
    signed: bool
    narrow: bool
    exact: bool

    @staticmethod
    def of(lo: IntArray, hi: IntArray) -> CodeFormat:
        """For codes from `lo` to `hi`, which may differ between channels; `exact` where these and no others have codes."""
        least, greatest = int(lo.min(initial=0)), int(hi.max(initial=0))
        found = IntType.of_range(least, greatest)
        signed = found.signed
        kind = IntType(max(found.bits, 1 + signed), signed)
        narrow = (least, greatest) == (kind.lo + signed, kind.hi - (not signed))
        same = bool(np.all(lo == least) and np.all(hi == greatest))
        return CodeFormat(kind.bits, signed, narrow, same and (narrow or (least, greatest) == (kind.lo, kind.hi)))

    @property
    def bounds(self) -> tuple[int, int]:
        """Least and greatest code."""
        kind = IntType(self.bits, self.signed)
        return kind.lo + (self.narrow and self.signed), kind.hi - (self.narrow and not self.signed)


@dataclass(frozen=True, slots=True, eq=False)
class Uniform:
    """Integers times a scale: codes from `lo` to `hi`, which stand for codes * scale."""

    scale: FloatArray
    lo: int
    hi: int


def uniform_steps(live: Live) -> Uniform:
    """What a quantiser gives as multiples of one step; raises UnsupportedError where they are none."""
    lattice = live.op.lattice(*live.operands)
    if bool(np.any(lattice.offset)):
        raise UnsupportedError("its numbers are not multiples of its step")
    match live.op:
        case Quantize(bipolar=True):
            lo, hi = 0, 1
        case Quantize():
            removed = live.operands[1] if bool(np.all(live.operands[1] == np.rint(live.operands[1]))) else np.zeros(1)
            lo, hi = live.op.lo - int(removed.max()), live.op.hi - int(removed.min())
        case MultiThreshold():
            lo = int(live.op.codes(np.asarray(-np.inf, np.float32), *live.operands).min())
            hi = lo + len(live.operands)
        case RequantShift():
            lo, hi = live.op.lo, live.op.hi
        case Truncate(lo=int(), hi=int()):
            assert live.op.lo is not None
            assert live.op.hi is not None
            lo, hi = live.op.lo, live.op.hi
        case _:
            raise UnsupportedError(f"{live.proto.op_type} that states no range of codes")
    scale, factor, shift = whole_steps(lattice)
    return Uniform(scale, factor * lo + int(shift.min()), factor * hi + int(shift.max()))


def whole_steps(lattice: Lattice) -> tuple[FloatArray, int, IntArray]:
    """A scale, a factor and a shift with which a code q stands for scale * (factor * q + shift), all integers but the scale.

    Raises UnsupportedError where the shift of the lattice is neither an integer nor half of one.
    """
    doubled = 2 * lattice.shift
    if bool(np.any(doubled != np.rint(doubled))):
        raise UnsupportedError("a zero point that is no integer")
    if bool(np.any(doubled % 2)):
        return lattice.scale / 2, 2, doubled.astype(np.int64)
    return lattice.scale, 1, (doubled // 2).astype(np.int64)


def integers_of(constant: QuantisedConstant) -> tuple[IntArray, FloatArray]:
    """A constant as integers and a scale, in the smallest shape that broadcasts against them."""
    lattice = constant.lattice
    if bool(np.any(lattice.offset)):
        raise UnsupportedError("numbers that are not multiples of a step")
    scale, factor, shift = whole_steps(lattice)
    codes = factor * constant.codes + shift
    return codes, narrowed(np.broadcast_to(scale, codes.shape))


def narrowed(array: FloatArray) -> FloatArray:
    """The array with every axis along which nothing changes of size one; without axes where nothing changes at all."""
    for axis in range(array.ndim):
        first = array.take([0], axis)
        if bool(np.all(array == first)):
            array = first
    return array.reshape(()) if array.size == 1 else array


def float32_scale(scale: FloatArray) -> Array:
    """The scale as float32; raises UnsupportedError where that changes it."""
    narrow = scale.astype(np.float32)
    if not np.array_equal(narrow, scale):
        raise UnsupportedError("a scale of float64 that float32 does not hold")
    return narrow
