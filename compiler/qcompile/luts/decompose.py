"""From incompletely specified tables to few small ones: unread inputs dropped, equal gates shared, functions taken apart.

A table is a pair of bool arrays of shape (2,) * n, axis k for input k: `care`, where its value matters, and `value`.
Functional decomposition (Ashenhurst, Curtis): of the inputs, a bound set of as many as a LUT has is replaced by a code
that tells its distinct columns apart. Neurons are thresholds of sums, and of partial sums few need to be told apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from qcompile.ir.types import Array
from qcompile.luts.netlist import Gate, table_luts

MOST_BOUND_SETS = 96
"""Bound sets that are tried for a function; beyond it an even choice of them."""


@dataclass(slots=True)
class Builder:
    """Gates of a layer so far, each only once. Nets below `first` are inputs."""

    first: int
    lut_size: int
    gates: list[Gate] = field(default_factory=list)
    known: dict[tuple[tuple[int, ...], int], int] = field(default_factory=dict)
    neuron: int = 0

    def gate(self, nets: Sequence[int], value: Array) -> int:
        """The net of a completely specified function of these nets, in whatever order they come."""
        order = sorted(range(len(nets)), key=lambda k: nets[k])
        inputs, ordered = tuple(nets[k] for k in order), value.transpose(order) if order else value
        # Input 0 is the low bit of the index: the last axis of the transposed array.
        table = int.from_bytes(np.packbits(ordered.T.ravel(), bitorder="little").tobytes(), "little")
        if len(inputs) == 1 and table == 2:
            return inputs[0]
        key = (inputs, table)
        if key not in self.known:
            self.known[key] = self.first + len(self.gates)
            self.gates.append(Gate(inputs, table, self.neuron))
        return self.known[key]

    def taken_back(self, count: int) -> list[Gate]:
        """Undoes all but the first `count` gates, and gives those undone."""
        undone = self.gates[count:]
        for gate in undone:
            del self.known[gate.inputs, gate.table]
        del self.gates[count:]
        return undone

    def put(self, gates: Sequence[Gate]) -> None:
        """Gates that were taken back, on top of the same ones."""
        for gate in gates:
            self.known[gate.inputs, gate.table] = self.first + len(self.gates)
            self.gates.append(gate)

    def cost(self, count: int) -> int:
        """LUTs of the gates made after the first `count`."""
        return sum(table_luts(len(gate.inputs), self.lut_size) for gate in self.gates[count:])


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """One output: the nets that it reads, in the order of the axes, where its value matters, and the value there."""

    nets: tuple[int, ...]
    care: Array
    value: Array


def realise(builder: Builder, functions: Sequence[Function]) -> list[int]:
    """Nets of some functions of few common inputs, as gates of `builder`: the cheapest form found."""
    reduced = [without_unread(function) for function in functions]
    large = [k for k, f in enumerate(reduced) if len(f.nets) > builder.lut_size]
    results = {k: builder.gate(f.nets, f.value) for k, f in enumerate(reduced) if k not in large}
    if large:
        together = [reduced[k] for k in large]
        start = len(builder.gates)
        attempts = [_whole, _taken_apart] if len(large) == 1 else [_whole, _taken_apart, _one_by_one]
        made = []
        for attempt in attempts:
            found = attempt(builder, together)
            made.append((builder.cost(start), found, builder.taken_back(start)))
        _, found, gates = min(made, key=lambda form: form[0])
        builder.put(gates)
        results |= dict(zip(large, found, strict=True))
    return [results[k] for k in range(len(functions))]


def without_unread(function: Function) -> Function:
    """The function without inputs that it need not read; what is left open is given to the neighbours' values."""
    nets, care, value = list(function.nets), function.care, function.value & function.care
    axis = 0
    while axis < len(nets):
        (c0, c1), (v0, v1) = ((a.take(0, axis), a.take(1, axis)) for a in (care, value))
        if not np.any((v0 ^ v1) & c0 & c1):
            care, value = np.logical_or(c0, c1), np.logical_or(v0, v1)
            del nets[axis]
        else:
            axis += 1
    return Function(tuple(nets), care, value)


def _whole(builder: Builder, functions: Sequence[Function]) -> list[int]:
    """Tables as they are: synthesis makes multiplexers of them."""
    return [builder.gate(f.nets, f.value) for f in functions]


def _one_by_one(builder: Builder, functions: Sequence[Function]) -> list[int]:
    """Each function by itself."""
    return [net for f in functions for net in realise(builder, [f])]


def _taken_apart(builder: Builder, functions: Sequence[Function]) -> list[int]:
    """A bound set behind a code where that leaves fewer inputs, else four cofactors and a multiplexer."""
    nets = sorted({net for f in functions for net in f.nets})
    care, value = _stacked(functions, nets)
    found = _bound_set(builder, care, value)
    if found is None:
        return _cofactored(builder, nets, care, value)
    axes, classes, codes, free_care, free_value = found
    bits = max(1, (classes - 1).bit_length())
    shape = (2,) * len(axes)
    defined = (codes >= 0).reshape(shape)
    bound = [nets[a] for a in axes]
    encoders = [Function(tuple(bound), defined, (np.maximum(codes, 0) >> b & 1).astype(bool).reshape(shape)) for b in range(bits)]
    code_nets = realise(builder, encoders)
    free = [net for k, net in enumerate(nets) if k not in axes]
    # Codes that stand for no class never come.
    size, count = 1 << bits, len(functions)
    full_care = np.zeros((size, count, *free_care.shape[2:]), bool)
    full_value = np.zeros_like(full_care)
    full_care[:classes], full_value[:classes] = free_care, free_value
    rest = []
    for k in range(count):
        # Row index: the last axis of the reshaped array is its low bit.
        c, v = (a[:, k].reshape((2,) * bits + (2,) * len(free)) for a in (full_care, full_value))
        rest.append(_merged((*reversed(code_nets), *free), c, v))
    return realise(builder, rest)


def _merged(nets: tuple[int, ...], care: Array, value: Array) -> Function:
    """A function whose nets may name one net twice (two encoders may be the same gate): only the diagonal is left."""
    position = 0
    while position < len(nets):
        again = next((k for k in range(position + 1, len(nets)) if nets[k] == nets[position]), None)
        if again is None:
            position += 1
            continue
        care, value = (
            np.moveaxis(np.diagonal(a, axis1=position, axis2=again), -1, position) for a in (care, value)
        )
        nets = nets[:again] + nets[again + 1 :]
    return Function(nets, np.ascontiguousarray(care), np.ascontiguousarray(value))


def _stacked(functions: Sequence[Function], nets: Sequence[int]) -> tuple[Array, Array]:
    """`care` and `value` of several functions over all of these nets: bool (functions, 2, 2, ...)."""
    parts = []
    for f in functions:
        order = sorted(range(len(f.nets)), key=lambda k: f.nets[k])
        index = tuple(slice(None) if net in f.nets else None for net in nets)
        shape = (2,) * len(nets)
        parts.append(tuple(np.broadcast_to(a.transpose(order)[index], shape) for a in (f.care, f.value & f.care)))
    return np.stack([care for care, _ in parts]), np.stack([value for _, value in parts])


def _bound_set(
    builder: Builder, care: Array, value: Array
) -> tuple[tuple[int, ...], int, Array, Array, Array] | None:
    """The bound set that leaves least: its axes, number of classes, class of each of its patterns (-1: never comes), and
    care and value of each class (classes, functions, 2, 2, ...); None where no code is shorter than its bound set.
    """
    inputs, count = care.ndim - 1, care.shape[0]
    best: tuple[int, int, tuple[int, ...]] | None = None
    for size in range(builder.lut_size, 2, -1):
        if size >= inputs:
            continue
        for axes in _choices(inputs, size):
            classes = _distinct(care, value, axes)
            bits = max(1, (classes - 1).bit_length())
            if bits >= size:
                continue
            cost = bits + count * table_luts(inputs - size + bits, builder.lut_size)
            if best is None or (cost, classes) < best[:2]:
                best = (cost, classes, axes)
        if best is not None and size < builder.lut_size:
            break
    if best is None:
        return None
    axes = best[2]
    codes, class_care, class_value = _classes(_rows(care, axes), _rows(value, axes))
    free = (2,) * (inputs - len(axes))
    classes = class_care.shape[0]
    return axes, classes, codes, class_care.reshape(classes, count, *free), class_value.reshape(classes, count, *free)


def _choices(inputs: int, size: int) -> list[tuple[int, ...]]:
    """Sets of axes to try: all, or an even choice and those of neighbouring inputs, which are bits of one element."""
    every = list(itertools.islice(itertools.combinations(range(inputs), size), 4000))
    if len(every) <= MOST_BOUND_SETS:
        return every
    step = len(every) / MOST_BOUND_SETS
    chosen = [every[int(k * step)] for k in range(MOST_BOUND_SETS)]
    half = size // 2
    chosen += [
        tuple(sorted({*range(a, a + half), *range(b, b + size - half)}))
        for a in range(inputs - half + 1)
        for b in range(a + half, inputs - (size - half) + 1)
    ]
    return list(dict.fromkeys(chosen))


def _rows(array: Array, axes: tuple[int, ...]) -> Array:
    """(functions, 2, ...) as (patterns of the axes, functions * patterns of the others); the first axis is the high bit."""
    moved = np.moveaxis(array, [a + 1 for a in axes], range(len(axes)))
    return moved.reshape(1 << len(axes), -1)


def _distinct(care: Array, value: Array, axes: tuple[int, ...]) -> int:
    """Distinct columns, an open place counted as a zero and columns that never come not counted."""
    rows, cares = _rows(value, axes), _rows(care, axes)
    used = rows[cares.any(axis=1)]
    packed = np.packbits(used, axis=1)
    return len({row.tobytes() for row in packed})


def _classes(care: Array, value: Array) -> tuple[Array, Array, Array]:
    """Rows that agree wherever both matter put together: class of each row, and care and value of each class.

    Classes are numbered by how often their value is one: of a threshold of a sum these are the partial sums in order.
    """
    order = sorted(range(len(care)), key=lambda r: -int(care[r].sum()))
    cares: list[Array] = []
    values: list[Array] = []
    codes = np.full(len(care), -1, np.int64)
    for row in order:
        if not care[row].any():
            continue
        for k, (c, v) in enumerate(zip(cares, values, strict=True)):
            if not np.any((v ^ value[row]) & c & care[row]):
                cares[k], values[k], codes[row] = c | care[row], v | value[row], k
                break
        else:
            codes[row] = len(cares)
            cares.append(care[row].copy())
            values.append(value[row].copy())
    rank = np.argsort([int(v.sum()) for v in values], kind="stable")
    place = np.argsort(rank, kind="stable")
    codes = np.where(codes >= 0, place[codes], -1)
    return codes, np.stack([cares[k] for k in rank]), np.stack([values[k] for k in rank])


def _cofactored(builder: Builder, nets: Sequence[int], care: Array, value: Array) -> list[int]:
    """Each function as a choice of four (two, of LUTs with few inputs) by the inputs that leave the least to read."""
    ways = 2 if builder.lut_size >= 6 else 1
    selected = min(itertools.combinations(range(len(nets)), ways), key=lambda axes: _left(care, value, axes))
    free = tuple(net for k, net in enumerate(nets) if k not in selected)
    cofactors = []
    for k in range(care.shape[0]):
        for pattern in itertools.product((0, 1), repeat=ways):
            index: list[int | slice] = [slice(None)] * len(nets)
            for axis, bit in zip(selected, pattern, strict=True):
                index[axis] = bit
            cofactors.append(Function(free, care[k][tuple(index)], value[k][tuple(index)]))
    parts = realise(builder, cofactors)
    leaves = 1 << ways
    results = []
    for k in range(care.shape[0]):
        data = parts[k * leaves : (k + 1) * leaves]
        inputs = (*(nets[a] for a in selected), *data)
        grid = np.indices((2,) * len(inputs)).astype(bool)
        chosen = np.zeros((2,) * len(inputs), bool)
        for number, pattern in enumerate(itertools.product((False, True), repeat=ways)):
            hit = np.all([grid[a] == bit for a, bit in enumerate(pattern)], axis=0)
            chosen |= hit & grid[ways + number]
        merged = without_unread(_merged(inputs, np.ones_like(chosen), chosen))
        results.append(builder.gate(merged.nets, merged.value))
    return results


def _left(care: Array, value: Array, axes: tuple[int, ...]) -> int:
    """Distinct cofactors of the functions, weighed by the inputs that they still read."""
    moved = [np.moveaxis(a, [axis + 1 for axis in axes], range(1, len(axes) + 1)) for a in (care, value)]
    total = 0
    leaves = 1 << len(axes)
    for k in range(care.shape[0]):
        cares, values = (a[k].reshape(leaves, -1) for a in moved)
        for row in {v.tobytes(): (c, v) for c, v in zip(cares, values, strict=True)}.values():
            total += _reads(*row)
    return total


def _reads(care: Array, value: Array) -> int:
    """2 to the number of inputs that a flat table reads."""
    inputs = value.size.bit_length() - 1
    shaped_care, shaped = care.reshape((2,) * inputs), value.reshape((2,) * inputs)
    reads = 0
    for axis in range(inputs):
        differ = shaped.take(0, axis) ^ shaped.take(1, axis)
        reads += bool(np.any(differ & shaped_care.take(0, axis) & shaped_care.take(1, axis)))
    return 1 << reads
