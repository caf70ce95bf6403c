"""All that is reported of one run, as data: report.json is this written down, report.html this drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qcompile.ir.activity import Activity
from qcompile.report.figures import DesignFigures
from qcompile.report.netlists import LayerFigures


@dataclass(frozen=True, slots=True)
class Origin:
    """What a design was made from, and by what. `command`, run in the output folder, makes it again; `versions` are those
    of qcompile and of the libraries that decide what is made.
    """

    model: str
    sha256: str
    target: str
    part: str
    command: str
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TieFigures:
    """Elements of a tensor of the model that the reference's own rounding decided, in one frame."""

    frame: int
    tensor: str
    elements: int


@dataclass(frozen=True, slots=True)
class ProofFigures:
    """What was compared in the integer network: `compared` integers, `given_compared` frames with outputs of the user,
    `rounded` frames that the stated input type does not hold; neurons of LUT netlists, on all of their patterns.
    """

    compared: int
    given_compared: int
    rounded: int
    ties: tuple[TieFigures, ...]
    tables: int
    patterns: int


@dataclass(frozen=True, slots=True)
class Simulated:
    """The RTL in simulation, in cycles: all of them, from frame to frame (None with too few frames to tell), and from the
    first input beat to the first output beat.
    """

    frames: int
    cycles: int
    interval: int | None
    latency: int


@dataclass(frozen=True, slots=True)
class AccumulatorFigures:
    """One matrix product: each width in bits with its name, the exact one first."""

    layer: str
    inputs: int
    input_type: str
    weight_type: str
    widths: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A whole run. `seconds` are those of its steps, None where they are not to be written. Of a design that was only estimated
    there is no `verdict` and no `proof`.
    """

    origin: Origin
    verdict: Mapping[str, int]
    proof: ProofFigures | None
    simulated: Simulated | None
    design: DesignFigures
    first_frame: tuple[Activity, ...]
    accumulators: tuple[AccumulatorFigures, ...]
    netlists: tuple[LayerFigures, ...]
    seconds: Mapping[str, float] | None = None
