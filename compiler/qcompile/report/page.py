"""report.html: one file that needs nothing else, from the figures of a run.

Jinja escapes everything here; style and script are the project's own files. A browser may run that script only: the
page's policy names its digest.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache

import jinja2

from qcompile.report import picture, tables, wording
from qcompile.report.document import Document
from qcompile.report.network import network
from qcompile.report.views import PageView
from qcompile.tools import assets

FOLDER = "report"

NARROW = 505
"""Pixels up to which something fits beside a picture of one part."""


@cache
def environment() -> jinja2.Environment:
    """Templates of pages: everything that they print is escaped."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(assets.templates() / FOLDER),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=True,
    )


def render_page(document: Document) -> str:
    """The text of report.html: the same document gives the same bytes."""
    return environment().get_template("page.html.j2").render(view=_view(document))


def _view(document: Document) -> PageView:
    design, origin = document.design, document.origin
    drawn = network(design)
    units, parts = tables.units(design, drawn), picture.parts(design, drawn)
    bottleneck = next((unit for unit in units if unit.bottleneck), None)
    ties = document.proof.ties if document.proof is not None else ()
    widest = max((bits for a in document.accumulators for _, bits in a.widths), default=1)
    script = (assets.templates() / FOLDER / "enhance.js").read_text(encoding="utf-8")
    return PageView(
        title=f"{origin.model} on {origin.target}",
        model=origin.model,
        target=f"{origin.target} ({origin.part})",
        verdict=_verdict(document),
        proven="✓ exact" if document.verdict else "",
        figures=_figures(document),
        parts=parts,
        narrow=len(parts) == 1 and parts[0].width <= NARROW,
        picture=_picture(document, len(units)),
        bottleneck=f"{bottleneck.title} ({bottleneck.kernel})" if bottleneck is not None else "",
        units=units,
        resource_names=tables.resource_names(),
        totals=tables.resource_numbers(picture.resources_of([u.instance for u in drawn.units if u.instance])),
        spans=tables.spans(design, drawn, document.first_frame),
        ticks=tables.ticks(document.first_frame),
        fifos=tables.passing(drawn, queues=True),
        converters=tables.passing(drawn, queues=False),
        resources=tuple(tables.resource(r) for r in design.resources if r.available or r.used),
        width_names=tuple(name for name, _ in document.accumulators[0].widths) if document.accumulators else (),
        accumulators=tuple(tables.accumulator(a, widest) for a in document.accumulators),
        netlists=tuple(tables.netlist(layer) for layer in document.netlists),
        compared=tables.compared(document),
        proof=_proof(document),
        ties=tuple(
            f"frame {tie.frame}: {wording.plural(tie.elements, 'element')} of {wording.name(tie.tensor)}"
            for tie in ties
        ),
        origin=(
            ("model", origin.model),
            ("SHA-256 of the model", origin.sha256),
            ("target", f"{origin.target}, {origin.part}"),
            ("clock", f"{design.clock_mhz:g} MHz"),
        ),
        versions=tuple(origin.versions.items()),
        command=origin.command,
        seconds=tuple((name, f"{seconds:.2f}") for name, seconds in (document.seconds or {}).items()),
        style=(assets.templates() / FOLDER / "style.css").read_text(encoding="utf-8"),
        script=script,
        script_digest=base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii"),
    )


def _figures(document: Document) -> tuple[tuple[str, str, str], ...]:
    """The few numbers of the page's head: name, number, what it is counted in."""
    design = document.design
    fullest = max((r for r in design.resources if r.available), key=lambda r: r.share, default=None)
    found = [
        ("throughput", wording.count(design.frames_per_second), f"frames/s at {design.clock_mhz:g} MHz"),
        ("interval", wording.count(design.interval), "cycles from frame to frame"),
        ("latency", wording.count(design.latency), f"cycles to the first output, {design.frame_latency:,} to the last"),
    ]
    if fullest is not None:
        found.append(("fullest resource", wording.percent(fullest.share), f"of the {fullest.resource}, estimated"))
    return tuple(found)


def _verdict(document: Document) -> str:
    """One sentence."""
    verdict = document.verdict
    if not verdict:
        return "An estimate: nothing was written, compared or simulated"
    exact = verdict["frames"] - verdict["mismatches"]
    said = f"{exact:,} of {wording.plural(verdict['frames'], 'frame')} exact in the integer network"
    if verdict["ties"]:
        said += f" ({verdict['ties']:,} of them with a float tie of the reference)"
    if verdict["rtl_frames"]:
        right = verdict["rtl_frames"] - verdict["rtl_mismatches"]
        said += f", {right:,} of {verdict['rtl_frames']:,} in RTL"
    else:
        said += "; RTL not simulated"
    if "hls_frames" in verdict:
        said += f", {verdict['hls_frames'] - verdict['hls_mismatches']:,} of {verdict['hls_frames']:,} in HLS C++"
    return said


def _proof(document: Document) -> tuple[tuple[str, str], ...]:
    """What was compared, as rows."""
    proof, verdict, simulated = document.proof, document.verdict, document.simulated
    if proof is None:
        return (("proof", "none: this is an estimate"),)
    integers = f"{wording.plural(verdict['frames'], 'frame')}, {proof.compared:,} integers"
    differing = f"{verdict['mismatches']:,} frames differ, {verdict['ties']:,} with a float tie"
    rows = [("integer network against the original model", f"{integers}: {differing}")]
    if proof.given_compared:
        rows.append(("outputs that were given", f"{wording.plural(proof.given_compared, 'frame')} compared"))
    if proof.rounded:
        rows.append(("inputs that the stated type does not hold", f"{wording.plural(proof.rounded, 'frame')}, rounded"))
    if proof.tables:
        rows.append(("LUT netlists", f"{proof.tables:,} neurons on all of their {proof.patterns:,} patterns"))
    if simulated is not None:
        wrong = verdict["rtl_mismatches"]
        pauses = "at full speed and with random pauses"
        rows.append(
            (
                "RTL against the integer network",
                f"{wording.plural(simulated.frames, 'frame')} {pauses}: {wrong:,} differ",
            )
        )
        rows.append(("cycles simulated at full speed", wording.count(simulated.cycles)))
    else:
        rows.append(("RTL against the integer network", "not simulated"))
    if "hls_frames" in verdict:
        hls = f"{wording.plural(verdict['hls_frames'], 'frame')}: {verdict['hls_mismatches']:,} differ"
        rows.append(("HLS C++ against the integer network", hls))
    return tuple(rows)


def _picture(document: Document, units: int) -> str:
    """The picture in one sentence."""
    others = len(document.design.instances) - units
    return f"{wording.plural(units, 'unit')}; {others:,} FIFOs and width converters are drawn on the edges"
