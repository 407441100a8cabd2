"""The whole page: sections, style and scripts in one file that asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

from ...options import describe_error
from ..runs.folder import RunError
from . import benchmark, tournament
from .learning_curves import COLOURS
from .markup import Markup, element, embedded_json
from .parts import Section, Tile, section, tiles
from .read import FILES

SCRIPTS = ("page.js", "tables.js", "curves.js", "boards.js", "episodes.js")
STYLES = ("page.css", "episodes.css", "print.css")
"""In the order in which they are read."""


class Made(NamedTuple):
    """A page, and what could not be shown on it."""

    html: str
    problems: list[str]


def make(folder: Path, content: Mapping[str, Any]) -> Made:
    """Return the page about what a folder holds.

    Args:
        folder: of the tournament or the benchmark.
        content: from `read.read`.

    Raises:
        RunError: the content is not what polax writes.
    """
    try:
        return _tournament(content) if content["kind"] == "tournament" else _benchmark(folder, content)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as cause:
        path = folder / FILES[content["kind"]]
        said = f"{describe_error(cause)}"
        raise RunError(f"{path} is not what polax {content['kind']} writes: {said}; run it again") from cause


def _tournament(content: Mapping[str, Any]) -> Made:
    body = _body(
        "tournament", content["env"], tournament.subtitle(content), tournament.findings(content),
        tournament.sections(content),
    )  # fmt: skip
    return Made(_page(f"{content['env']} tournament", body, tournament.data(content)), [])


def _benchmark(folder: Path, content: Mapping[str, Any]) -> Made:
    games = ", ".join(dict.fromkeys(row["env"] for row in content["combinations"]))
    runs = benchmark.read_runs(folder, content)
    parts, charts = benchmark.sections(folder, content, runs)
    body = _body("benchmark", games, benchmark.subtitle(content), benchmark.findings(content), parts)
    return Made(_page(f"{games} benchmark", body, {"charts": charts, "episodes": None}), runs.problems)


def _body(kind: str, title: str, subtitle: str, findings: Sequence[Tile], parts: Sequence[Section]) -> Markup:
    links = (element("li", element("a", part.title, href=f"#{part.anchor}")) for part in parts)
    header = element(
        "header",
        element("p", "polax ", element("span", kind), class_="kind"),
        element("h1", title),
        element("p", subtitle, class_="subtitle"),
        tiles(findings),
    )
    nav = element("nav", element("ul", links), aria_label="Sections")
    return Markup(header + nav + element("main", map(section, parts)))


def _page(title: str, body: Markup, data: Mapping[str, Any]) -> str:
    script = "\n".join(map(_asset, SCRIPTS))
    palette = "".join(f"--series-{index}:{colour};" for index, colour in enumerate(COLOURS, 1))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return Template(_asset("page.html")).substitute(
        title=element("title", f"{title} \N{MIDDLE DOT} polax"),
        # Whatever should ever slip through: nothing is loaded from anywhere, and no other script runs.
        policy=f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'",
        style="\n".join([f":root{{{palette}}}", *map(_asset, STYLES)]),
        body=body,
        data=embedded_json(data),
        script=script,
    )


def _asset(name: str) -> str:
    return files(__package__).joinpath("assets", name).read_text(encoding="utf-8")
