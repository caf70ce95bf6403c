"""A factor and a constant for each class of pixels: corrects sums at the border of a padded image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qcompile.ir.dataflow import Binding, Memory, Resources, Schedule, Stream, steps
from qcompile.ir.types import IntArray, IntType
from qcompile.kernels.folding import divisors, legal_number, legal_word
from qcompile.kernels.memory import RAM_STYLES, pack, resolve_rom_style, rom_resources, skid_buffer


@dataclass(frozen=True, slots=True, eq=False)
class BorderAffineUnit:
    """y = factors[k] * x + constants[k, c] for channel c of a pixel of class k; `output` holds every y.

    `rows` and `columns` are the classes of each row and column, counted from 0; k is the class of the row times the number
    of column classes and the class of the column. `factors` is int64 (classes,), none negative, `constants` int64
    (classes, channels).
    """

    kind: ClassVar[str] = "border_affine"

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    factors: IntArray
    constants: IntArray
    input: IntType
    output: IntType
    pe: int = 1
    ram_style: str = "auto"

    @property
    def channels(self) -> int:
        """Channels of a pixel."""
        return int(self.constants.shape[1])

    @property
    def folds(self) -> int:
        """Beats of a pixel."""
        return self.channels // self.pe

    @property
    def beats(self) -> int:
        """Beats of a frame."""
        return len(self.rows) * len(self.columns) * self.folds

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """PE channels a beat."""
        return (Stream(self.input, self.pe, self.beats),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """PE channels a beat."""
        return (Stream(self.output, self.pe, self.beats),)

    def interval(self) -> int:
        """One cycle a beat."""
        return self.beats

    def schedule(self) -> Schedule:
        """A beat in, a beat out."""
        order = steps(self.beats)
        return Schedule(self.beats, (order,), (order,), latency=4)

    def foldings(self) -> Iterator[BorderAffineUnit]:
        """PE divides the channels."""
        for pe in divisors(self.channels):
            yield replace(self, pe=pe)

    def attributes(self) -> dict[str, int | str]:
        """PE, and the ram_style of the constants."""
        return {"PE": self.pe, "ram_style": self.ram_style}

    def with_attribute(self, name: str, value: int | str) -> BorderAffineUnit:
        """One of `attributes` changed."""
        match name:
            case "PE":
                return replace(self, pe=legal_number(name, value, divisors(self.channels)))
            case "ram_style":
                return replace(self, ram_style=legal_word(name, value, RAM_STYLES))
        raise KeyError(name)

    def resources(self, lut_inputs: int, bram_bits: int) -> Resources:
        """Counters, the class, memories, an adder a lane with shifted adds for one factor, a DSP a lane for several, which
        has its registers inside. Fitted to Yosys.
        """
        words, bits = self._constants()
        shared = self._factors().shape[0] == 1
        results, classes = self.pe * self.output.bits, int(self.constants.shape[0] - 1).bit_length()
        counters = sum((count - 1).bit_length() for count in (len(self.rows), len(self.columns), self.folds))
        total = skid_buffer(results) + Resources(lut=counters + 8.0, ff=counters + 2.0 * classes + 5)
        total += rom_resources(self.ram_style, self.pe * bits, words.shape[0], lut_inputs, bram_bits)
        if not shared:
            return total + Resources(dsp=self.pe)
        terms = bin(int(self.factors[0])).count("1") - 1 + int(bool(np.any(words)))
        return total + Resources(lut=float(terms * results), ff=2.0 * self.pe * self.input.bits + results)

    def binding(self) -> Binding:
        """The RTL instance with its classes, factors and constants."""
        words, bits = self._constants()
        factors, count = self._factors(), self.constants.shape[0]
        class_bits = max((count - 1).bit_length(), 1)
        columns = np.asarray(self.columns, np.int64)
        rows = np.asarray(self.rows, np.int64) * (columns.max() + 1)
        factor_bits = max(int(factors.max()).bit_length(), 1)
        parameters: tuple[tuple[str, int | str], ...] = (
            ("PE", self.pe),
            ("FOLDS", self.folds),
            ("ROWS", len(self.rows)),
            ("COLUMNS", len(self.columns)),
            ("INPUT_BITS", self.input.bits),
            ("INPUT_SIGNED", int(self.input.signed)),
            ("CLASSES", count),
            ("FACTOR_BITS", factor_bits),
            ("FACTOR_DEPTH", factors.shape[0]),
            ("FACTOR", int(factors[0])),
            ("CONSTANT_BITS", bits),
            ("CONSTANT_DEPTH", words.shape[0]),
            ("OUTPUT_BITS", self.output.bits),
            ("RAM_STYLE", resolve_rom_style(self.ram_style, self.pe * bits, words.shape[0])),
        )
        memories = [
            Memory("ROWS_FILE", class_bits, pack(rows[:, None], class_bits)),
            Memory("COLUMNS_FILE", class_bits, pack(columns[:, None], class_bits)),
            Memory("CONSTANTS_FILE", self.pe * bits, pack(words, bits)),
        ]
        if factors.shape[0] > 1:
            memories.append(Memory("FACTORS_FILE", factor_bits, pack(factors[:, None], factor_bits)))
        return Binding(self.kind, ("skid_buffer", "logic_rom", "rom", "border_affine"), parameters, tuple(memories))

    def evaluate(self, *frames: IntArray) -> tuple[IntArray, ...]:
        """(frames, height * width * channels) to the same shape."""
        (x,) = frames
        columns = np.asarray(self.columns, np.int64)
        classes = (np.asarray(self.rows, np.int64)[:, None] * (columns.max() + 1) + columns).reshape(-1)
        pixels = x.reshape(x.shape[0], classes.size, self.channels)
        return ((pixels * self.factors[classes][:, None] + self.constants[classes]).reshape(x.shape),)

    def _constants(self) -> tuple[IntArray, int]:
        """The words of the constants, (classes * folds or 1, PE), and the bits of a field."""
        bits = 1 + max(int(max(c, -c - 1)).bit_length() for c in (int(self.constants.min()), int(self.constants.max())))
        words = self.constants.reshape(-1, self.pe)
        return (words[:1] if bool(np.all(words == words[0])) else words), bits

    def _factors(self) -> IntArray:
        """One factor where all are equal."""
        return self.factors[:1] if bool(np.all(self.factors == self.factors[0])) else self.factors
