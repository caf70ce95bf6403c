"""`qcompile estimate`: speed and resources in seconds, nothing written, nothing simulated."""

from __future__ import annotations

from dataclasses import dataclass

from qcompile.flow.options import Options
from qcompile.flow.prepare import Prepared, prepare
from qcompile.flow.progress import Progress
from qcompile.report.figures import DesignFigures, figures
from qcompile.report.netlists import LayerFigures, netlist_figures


@dataclass(frozen=True, slots=True, eq=False)
class Estimated:
    """A design that was not written down."""

    prepared: Prepared
    figures: DesignFigures
    netlists: tuple[LayerFigures, ...]


def estimate_model(options: Options, progress: Progress) -> Estimated:
    """Folds the model for its target and collects the figures. Raises CompilerError."""
    prepared = prepare(options, progress)
    timing = prepared.timing
    shown = figures(prepared.dataflow, prepared.target, prepared.clock_mhz, timing.first_output, timing.frame_latency)
    return Estimated(prepared, shown, netlist_figures(prepared.dataflow, prepared.target.lut_inputs))
