"""Where integers begin: inputs whose type the user states, and first quantisers that the host computes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qcompile.ir.graph import Node, element_count
from qcompile.ir.network import Tap
from qcompile.ir.types import Array, Range
from qcompile.ops import Quantize
from qcompile.ops.roles import Lattice, Quantiser
from qcompile.transforms import edges
from qcompile.transforms.channels import channel_operands
from qcompile.transforms.deferred import Deferred
from qcompile.transforms.layouts import frame_axes
from qcompile.transforms.walk import InputType, RefusedError, Walk, tap_of


def typed_input(walk: Walk, name: str, kind: InputType) -> Deferred:
    """A model input that the host sends as integers of a stated type."""
    lattice = Lattice.of([kind.scale], [kind.shift])
    deferred = _begin(walk, name, name, lattice, Range.of(kind.element.lo, kind.element.hi))
    deferred = replace(deferred, lattice=lattice)
    walk.taps.append(Tap(name, deferred.q, deferred.index, lattice.scale, lattice.shift, lattice.offset))
    return deferred


def encode_input(walk: Walk, node: Node, operands: tuple[Array, ...]) -> Deferred:
    """The first quantiser is the host's: its codes are the accelerator's input. Equal codes share one input, whether the
    model goes on with them or with the numbers they stand for.
    """
    assert isinstance(node.op, Quantiser)
    shape = walk.graph.values[node.output].shape
    coder = replace(node.op, dequantized=True) if isinstance(node.op, Quantize) else node.op
    key = (coder, node.inputs[0], tuple((a.shape, a.tobytes()) for a in operands))
    lattice = node.op.lattice(*operands)
    if key in walk.encoded:
        shared = replace(walk.encoded[key], anchor=node.output)
        shared, rows = channel_operands(walk, shared, (lattice.scale, lattice.shift, lattice.offset), node)
        shared = replace(shared, lattice=Lattice.of(*rows))
        walk.taps.append(tap_of(node, shared))
        return shared
    largest = np.finfo(np.float32).max
    extremes = np.stack([np.full(shape, -largest, np.float32), np.full(shape, largest, np.float32)])
    ends = node.op.codes(extremes, *operands)
    if int(np.abs(ends).max()) > 1 << 31:
        raise RefusedError("it does not bound the codes of the model's input")
    deferred = _begin(walk, node.name, node.output, lattice, Range.of(int(ends.min()), int(ends.max())))
    deferred, rows = channel_operands(walk, deferred, (lattice.scale, lattice.shift, lattice.offset), node)
    deferred = replace(deferred, lattice=Lattice.of(*rows))
    walk.encoded[key] = deferred
    walk.taps.append(tap_of(node, deferred))
    return deferred


def _begin(walk: Walk, name: str, real: str, lattice: Lattice, codes: Range) -> Deferred:
    """A new integer input for the real tensor `real` of the host, sent in the order that the network behind it wants.
    """
    shape = walk.graph.values[real].shape
    axes = frame_axes(walk.graph, real)
    if axes is None:
        frame, order = (shape[1:] if len(shape) > 1 and shape[0] == 1 else shape), None
    else:
        frame = tuple(shape[axis] for axis in axes)
        order = np.arange(element_count(shape)).reshape(shape)[0].transpose([axis - 1 for axis in axes])
        order = None if np.array_equal(order.ravel(), np.arange(order.size)) else np.ascontiguousarray(order)
    index = None if order is None else np.argsort(order.ravel()).reshape(shape)
    q = walk.integer.add_input(name, frame, codes)
    walk.encoders.append(edges.Encoder(q, real, frame, order, lattice, codes.least, codes.greatest))
    return Deferred(q, frame, shape, Lattice.of([1.0], [0.0], [0.0]), real, index)
