"""A document as one self-contained HTML page, and as a notebook shows it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from collections.abc import Iterator, Sequence
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
    script = "\n".join(map(asset, SCRIPTS))
    parts = [part for section in document.sections for part in section.parts]
    page = environment().get_template("page.html")
    html: str = page.render(
        document=document,
        sections=list(zip(_anchors(document), document.sections, strict=True)),
        charts={chart.name: _drawings(chart, number) for number, chart in enumerate(document.charts())},
        command=[shlex.quote(word) for word in document.provenance.command],
        data={"episodes": next((part.content for part in parts if isinstance(part, Episodes)), None)},
        policy=policy_of(script),
        style=Markup(style_of(STYLES)),
        script=Markup(script),
    )
    return html.lstrip()


def to_notebook(document: Document) -> str:
    """Return the title of a document, the tables that commands print, and its notes, as a fragment of a page."""
    return environment().get_template("notebook.html").render(document=document, tables=document.tables(printed=True))


def policy_of(script: str) -> str:
    """Return the content security policy of a page with one script.

    Whatever should ever slip through: nothing is loaded from anywhere, and no other script runs.
    """
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"


def style_of(names: Sequence[str]) -> str:
    """Return the styles of a page, with the colours of the charts."""
    palette = "".join(f"--series-{number}:{colour};" for number, colour in enumerate(SERIES, 1))
    return "\n".join([f":root{{{palette}}}", *map(asset, names)])


def environment() -> Environment:
    """Return what fills templates; whatever they are filled with is escaped."""
    found = Environment(loader=FunctionLoader(asset), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    found.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    found.filters |= {"kind": lambda part: type(part).__name__, "minus": _minus, "setting": _setting}
    return found


def asset(name: str) -> str:
    """Return the text of a file in ``html``."""
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
