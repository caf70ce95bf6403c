"""`qcompile estimate`: speed and resources in seconds, nothing compiled, nothing simulated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qcompile.flow.options import Options
from qcompile.flow.prepare import Prepared, prepare
from qcompile.flow.progress import Progress
from qcompile.flow.reporting import design_figures, estimated
from qcompile.ir.errors import CompilerError
from qcompile.report.figures import DesignFigures
from qcompile.report.netlists import LayerFigures, netlist_figures
from qcompile.report.page import render_page


@dataclass(frozen=True, slots=True, eq=False)
class Estimated:
    """A design that was not written down."""

    prepared: Prepared
    figures: DesignFigures
    netlists: tuple[LayerFigures, ...]


def estimate_model(options: Options, progress: Progress, page: Path | None = None) -> Estimated:
    """Folds the model for its target and collects the figures, for people in the file `page`. Raises CompilerError."""
    prepared = prepare(options, progress)
    shown = design_figures(prepared)
    if page is not None:
        text = render_page(estimated(options, prepared, shown))
        try:
            page.write_text(text, encoding="utf-8")
        except OSError as error:
            raise CompilerError("the page cannot be written", str(page), error.strerror or str(error)) from error
    return Estimated(prepared, shown, netlist_figures(prepared.dataflow, prepared.target.lut_inputs))
