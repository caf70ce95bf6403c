"""Operators that move elements, take some of them, or repeat them; and those that join tensors side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from qcompile.frontend.builder import Builder, axis_index
from qcompile.frontend.dialect import OnnxNode, UnsupportedError
from qcompile.ir.graph import Shape
from qcompile.ops import Concat, DepthToSpace, Elementwise, Gather, Pad, Reshape, SpaceToDepth

Importer = Callable[[Builder, OnnxNode], None]


def _along(rank: int, axis: int, positions: Sequence[int]) -> Gather:
    """Positions along one axis."""
    return Gather(tuple(tuple(positions) if k == axis else None for k in range(rank)))


def _slice(builder: Builder, node: OnnxNode) -> None:
    """Bounds are attributes before operator set 10 and inputs, with steps, since."""
    shape = builder.shape(node.inputs[0])
    steps: tuple[int, ...] | None = None
    if node.opset < 10:
        starts, ends = node.integers("starts") or (), node.integers("ends") or ()
        axes = node.integers("axes")
    else:
        starts, ends = builder.integers(node.inputs[1], "starts"), builder.integers(node.inputs[2], "ends")
        axes = builder.integers(node.input(3), "axes") if node.input(3) else None
        steps = builder.integers(node.input(4), "steps") if node.input(4) else None
    axes = tuple(range(len(starts))) if axes is None else axes
    steps = (1,) * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise UnsupportedError(f"starts {starts}, ends {ends}, axes {axes} and steps {steps}")
    positions: list[tuple[int, ...] | None] = [None] * len(shape)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        k = axis_index(axis, len(shape))
        if positions[k] is not None:
            raise UnsupportedError(f"the axes {axes}, one of them twice")
        positions[k] = tuple(range(shape[k])[slice(start, end, step)])
    builder.add(node, Gather(tuple(positions)), node.inputs[0])


def _split(builder: Builder, node: OnnxNode) -> None:
    """Sizes are an attribute before operator set 13 and an input since; without them the parts are equal, but for the last."""
    shape = builder.shape(node.inputs[0])
    axis = axis_index(node.integer("axis", 0), len(shape))
    if node.opset < 13:
        sizes = node.integers("split")
    else:
        sizes = builder.integers(node.input(1), "split") if node.input(1) else None
    if sizes is None:
        parts = node.integer("num_outputs", len(node.outputs))
        each = -(-shape[axis] // parts)
        if node.opset < 18 and shape[axis] % parts:
            raise UnsupportedError(f"{parts} equal parts of {shape[axis]} elements")
        sizes = (*(each,) * (parts - 1), shape[axis] - each * (parts - 1))
    if len(sizes) != len(node.outputs) or sum(sizes) != shape[axis] or min(sizes) < 1:
        raise UnsupportedError(f"{len(node.outputs)} parts of the sizes {sizes} of {shape[axis]} elements")
    start = 0
    for size, output in zip(sizes, node.outputs, strict=True):
        if output:
            op = _along(len(shape), axis, range(start, start + size))
            builder.add(node, op, node.inputs[0], output=output)
        start += size


def _gather(builder: Builder, node: OnnxNode) -> None:
    """The indices, of any shape, take the place of the axis."""
    shape = builder.shape(node.inputs[0])
    axis = axis_index(node.integer("axis", 0), len(shape))
    indices = builder.array(node.inputs[1], "indices")
    if indices.dtype.kind not in "iu":
        raise UnsupportedError("indices that are no integers")
    taken = [int(k) + (shape[axis] if k < 0 else 0) for k in indices.ravel()]
    op = _along(len(shape), axis, taken)
    if indices.ndim == 1:
        builder.add(node, op, node.inputs[0])
        return
    source = builder.add(node, op, node.inputs[0], output=f"{node.outputs[0]}.taken")
    builder.add(node, Reshape((*shape[:axis], *indices.shape, *shape[axis + 1 :])), source)


def _aligned(builder: Builder, node: OnnxNode, rank: int) -> tuple[str, Shape]:
    """The input with leading axes of size 1 up to `rank` axes, and its shape."""
    source, shape = node.inputs[0], builder.shape(node.inputs[0])
    if len(shape) < rank:
        shape = (1,) * (rank - len(shape)) + shape
        source = builder.add(node, Reshape(shape), source, output=f"{node.outputs[0]}.aligned")
    return source, shape


def _expand(builder: Builder, node: OnnxNode) -> None:
    """Broadcasting both ways: the result has the greater size of each axis."""
    target = builder.integers(node.inputs[1], "shape")
    source, shape = _aligned(builder, node, len(target))
    try:
        result = np.broadcast_shapes(shape, target)
    except ValueError as error:
        raise UnsupportedError(f"a tensor {shape} expanded to {target}") from error
    pairs = zip(shape, result, strict=True)
    builder.add(node, Gather(tuple((0,) * new if new != size else None for size, new in pairs)), source)


def _tile(builder: Builder, node: OnnxNode) -> None:
    repeats = builder.integers(node.inputs[1], "repeats")
    shape = builder.shape(node.inputs[0])
    if len(repeats) != len(shape):
        raise UnsupportedError(f"{len(repeats)} repeats of a tensor with {len(shape)} axes")
    pairs = zip(shape, repeats, strict=True)
    op = Gather(tuple(tuple(range(size)) * times if times != 1 else None for size, times in pairs))
    builder.add(node, op, node.inputs[0])


def _depth_to_space(builder: Builder, node: OnnxNode) -> None:
    mode = node.text("mode", "DCR")
    if mode not in ("DCR", "CRD"):
        raise UnsupportedError(f"the mode {mode}")
    builder.add(node, DepthToSpace(node.integer("blocksize", 0), mode == "CRD"), node.inputs[0])


def _space_to_depth(builder: Builder, node: OnnxNode) -> None:
    builder.add(node, SpaceToDepth(node.integer("blocksize", 0)), node.inputs[0])


def _concat(builder: Builder, node: OnnxNode) -> None:
    """Of tensors that are computed, of constants, or of both."""
    ranks = {len(builder.shape(name)) for name in node.inputs}
    op = Concat(axis_index(node.integer("axis", 1), min(ranks)))
    computed = tuple(name for name in node.inputs if not builder.is_constant(name))
    if not computed:
        builder.join_constants(op, node.inputs, node.outputs[0])
    elif len(computed) < len(node.inputs):
        _concat_constants(builder, node, op, computed)
    elif len(node.inputs) == 1:
        builder.alias(node.outputs[0], node.inputs[0])
    else:
        builder.add_joint(node, op, node.inputs)


def _concat_constants(builder: Builder, node: OnnxNode, op: Concat, computed: tuple[str, ...]) -> None:
    """The computed tensors with zeros where the constants belong, to which these are added. Constants between two computed
    tensors are put behind them all, and moved to their place.
    """
    stem, axis = node.outputs[0], op.axis
    source = computed[0]
    if len(computed) > 1:
        source = builder.add_joint(node, op, computed, output=f"{stem}.computed")
    places = [place for place, name in enumerate(node.inputs) if name in computed]
    front, back = node.inputs[: places[0]], node.inputs[places[-1] + 1 :]
    between = tuple(name for name in node.inputs[places[0] : places[-1]] if name not in computed)
    parts = {name: builder.array(name, "constant") for name in (*front, *between, *back)}
    shape = builder.shape(source)
    order = [*(parts[name] for name in front), np.zeros(shape), *(parts[name] for name in (*between, *back))]
    try:
        added = np.concatenate(order, axis)
    except ValueError as error:
        raise UnsupportedError(str(error)) from error
    before, after = [0] * len(shape), [0] * len(shape)
    before[axis] = sum(parts[name].shape[axis] for name in front)
    after[axis] = added.shape[axis] - before[axis] - shape[axis]
    joined = stem if not between else f"{stem}.joined"
    source = builder.add(node, Pad(tuple(before), tuple(after)), source, output=f"{stem}.padded")
    builder.add(node, Elementwise("Add"), source, added.astype(np.float32), output=joined)
    if between:
        middle = [(name in computed, builder.shape(name)[axis]) for name in node.inputs[places[0] : places[-1] + 1]]
        taken = list(range(before[axis]))
        starts = {True: before[axis], False: before[axis] + shape[axis]}
        for kind, size in middle:
            taken += range(starts[kind], starts[kind] + size)
            starts[kind] += size
        builder.add(node, _along(len(shape), axis, [*taken, *range(len(taken), added.shape[axis])]), joined)


IMPORTERS: dict[str, Importer] = {
    "Concat": _concat,
    "DepthToSpace": _depth_to_space,
    "Expand": _expand,
    "Gather": _gather,
    "Slice": _slice,
    "SpaceToDepth": _space_to_depth,
    "Split": _split,
    "Tile": _tile,
}
