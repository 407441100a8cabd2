"""The parts that sections of the page are made of: tables, tiles, lists of settings."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .markup import NONE, Markup, element, number


class Section(NamedTuple):
    """A section of the page, and its entry in the navigation."""

    anchor: str
    title: str
    body: Sequence[object]


class Cell(NamedTuple):
    """A number in a table: how it is shown, and by what its column is sorted."""

    shown: object
    value: float | None
    tip: str | None = None


class Tile(NamedTuple):
    """One finding at the top of the page."""

    label: str
    who: str
    value: str


def section(part: Section) -> Markup:
    """Return a section with its heading."""
    heading = element("h2", part.title, id=f"{part.anchor}-title")
    return element("section", heading, part.body, id=part.anchor, aria_labelledby=f"{part.anchor}-title")


def note(*children: object) -> Markup:
    """Return a paragraph that says how to read what follows."""
    return element("p", children, class_="note")


def scroll(label: str, *children: object) -> Markup:
    """Return a box in which what is too wide scrolls, so that the page does not."""
    return element("div", children, class_="scroll", role="region", aria_label=label)


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """Return a table that can be sorted by its columns.

    Args:
        caption: what it shows.
        head: titles of the columns.
        rows: the first entry of each names the row; numbers are given as `Cell`.
    """
    lines = [list(row) for row in rows]
    numeric = [any(isinstance(line[index], Cell) for line in lines) for index in range(len(head))]
    titles = (
        element("th", title, scope="col", class_="number" if number_column else None)
        for title, number_column in zip(head, numeric, strict=True)
    )
    body = (element("tr", element("th", line[0], scope="row"), map(_cell, line[1:])) for line in lines)
    whole = element(
        "table",
        element("caption", element("span", caption)),
        element("thead", element("tr", titles)),
        element("tbody", body),
        class_="sortable" if len(lines) > 1 else None,
    )
    return scroll(caption, whole)


def _cell(entry: object) -> Markup:
    if not isinstance(entry, Cell):
        return element("td", entry)
    order = None if entry.value is None else repr(float(entry.value))
    return element("td", entry.shown, class_="number", data_value=order, title=entry.tip)


def score_cell(value: float | None, error: float | None = None, *, digits: int = 3) -> Cell:
    """Return a score, with its standard error where there is one."""
    spread = None if error is None else element("span", f" ± {number(error, digits)}", class_="spread")
    return Cell((number(value, digits), spread), value)


def tiles(entries: Iterable[Tile]) -> Markup:
    """Return the findings, side by side."""
    return element(
        "dl",
        (
            element(
                "div", element("dt", tile.label), element("dd", element("b", tile.who), element("span", tile.value))
            )
            for tile in entries
        ),
        class_="tiles",
    )


def winners(entries: Iterable[tuple[str, float | None]]) -> tuple[str, float] | None:
    """Return who has the highest number, and that number; several names where they are equal; None without numbers."""
    there = [(name, value) for name, value in entries if value is not None]
    if not there:
        return None
    best = max(value for _, value in there)
    names = [name for name, value in there if best - value < 5e-4]
    if len(names) > 2:
        return f"{names[0]} and {len(names) - 1} more", best
    return " and ".join(names), best


def settings(entries: Mapping[str, Any]) -> Markup:
    """Return names and values as a list."""
    pairs = ((element("dt", name.replace("_", " ")), element("dd", _value(value))) for name, value in entries.items())
    return element("dl", (element("div", pair) for pair in pairs), class_="settings")


def _value(value: object) -> str:
    if value is None:
        return NONE
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else json.dumps(value)


def folded(title: str, *children: object) -> Markup:
    """Return something that is shown when its title is opened, and on paper."""
    return element("details", element("summary", title), children)


def code(text: str, label: str) -> Markup:
    """Return lines of code in a box of their own."""
    return scroll(label, element("pre", element("code", text)))


def configuration(content: Mapping[str, Any], name: str) -> Markup:
    """Return the configuration of a run; what is in a list stays on one line."""
    text = json.dumps(content, indent=2)
    # Inside a text a line break is written as an escape: these are between entries.
    text = re.sub(r"\[\n([^\[\]{}]*)\n *\]", lambda found: "[" + re.sub(r"\n *", " ", found[1]).strip() + "]", text)
    return code(text, f"configuration of {name}")


def setup_parts(content: Mapping[str, Any]) -> list[Markup]:
    """Return the command and the versions, which every kind of page ends with."""
    words = (element("span", shlex.quote(word), class_="word") for word in content["command"])
    command = element("pre", element("code", ([word, " "] for word in words)), class_="wrap")
    versions = {name: version or "not installed" for name, version in content["versions"].items()}
    return [
        element("h3", "Command"),
        scroll("command", command),
        element("h3", "Versions"),
        settings(versions),
    ]
