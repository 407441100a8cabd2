"""A document as one self-contained HTML page, and as a notebook shows it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from collections.abc import Iterator
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FunctionLoader
from markupsafe import Markup

from .figures import figure_of
from .parts import MISSING, Chart, Episodes
from .svg import SERIES, for_page

if TYPE_CHECKING:
    from .document import Document

SCRIPTS = ("page.js", "tables.js", "boards.js", "episodes.js")
STYLES = ("page.css", "episodes.css", "print.css")
"""In the order in which they are read."""


def to_html(document: Document) -> str:
    """Return the page of a document.

    Raises:
        ValueError: a number of the recorded episodes is not finite.
    """
    script = "\n".join(map(_asset, SCRIPTS))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    palette = "".join(f"--series-{number}:{colour};" for number, colour in enumerate(SERIES, 1))
    parts = [part for section in document.sections for part in section.parts]
    page = _environment().get_template("page.html")
    html: str = page.render(
        document=document,
        sections=list(zip(_anchors(document), document.sections, strict=True)),
        charts={chart.name: _drawings(chart, number) for number, chart in enumerate(document.charts())},
        command=[shlex.quote(word) for word in document.provenance.command],
        data={"episodes": next((part.content for part in parts if isinstance(part, Episodes)), None)},
        # Whatever should ever slip through: nothing is loaded from anywhere, and no other script runs.
        policy=f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'",
        style=Markup("\n".join([f":root{{{palette}}}", *map(_asset, STYLES)])),
        script=Markup(script),
    )
    return html.lstrip()


def to_notebook(document: Document) -> str:
    """Return the title of a document, the tables that commands print, and its notes, as a fragment of a page."""
    return _environment().get_template("notebook.html").render(document=document, tables=document.tables(printed=True))


def _environment() -> Environment:
    found = Environment(loader=FunctionLoader(_asset), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    found.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    found.filters |= {"kind": lambda part: type(part).__name__, "minus": _minus, "setting": _setting}
    return found


def _asset(name: str) -> str:
    return files(__package__).joinpath("html", name).read_text(encoding="utf-8")


def _drawings(chart: Chart, number: int) -> list[Markup]:
    """Return a chart's panels, one by one: so they fit a phone."""
    return [
        Markup(for_page(figure_of(chart, panel), f"{chart.title}: {panel.title}", f"chart-{number}-{place}"))
        for place, panel in enumerate(chart.panels)
    ]


def _anchors(document: Document) -> Iterator[str]:
    taken = {"data", "tip", "live", "top"}
    for number, section in enumerate(document.sections, 1):
        anchor = re.sub(r"[^a-z0-9]+", "-", section.title.lower()).strip("-") or "section"
        yield anchor if anchor not in taken else f"{anchor}-{number}"
        taken.add(anchor)


def _minus(text: str) -> str:
    """Write minus signs that are as wide as a plus, and a dash where there is no number."""
    return "\N{EN DASH}" if text == MISSING else re.sub(r"-(?=\d)", "\N{MINUS SIGN}", text)


def _setting(value: Any) -> str:
    if value is None:
        return "\N{EN DASH}"
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else json.dumps(value)
