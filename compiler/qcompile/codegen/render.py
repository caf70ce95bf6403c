"""Jinja, in one place: templates take one typed view object and hold loops and conditions, no arithmetic."""

from __future__ import annotations

from functools import cache

import jinja2

from qcompile.tools import assets


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(assets.templates()),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def render(template: str, view: object) -> str:
    """Text of a template of `templates/`, which sees `view` only."""
    return _environment().get_template(template).render(view=view)
