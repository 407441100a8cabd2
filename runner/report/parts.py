"""What documents are made of: sections of tables, charts, notes and settings, whatever the format of their files."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

MISSING = "-"
"""What stands in place of a missing value."""


class Reach(IntEnum):
    """Where a section is shown besides the HTML page, which shows everything."""

    PAGE = 0
    FILE = 1
    """In the Markdown file."""
    CONSOLE = 2
    """In the Markdown file, and printed."""


class Value(NamedTuple):
    """A number in a table: how it is shown, and by what its column is sorted."""

    text: str
    number: float | None
    spread: str = ""
    """Its uncertainty, shown after the number."""

    def __str__(self) -> str:
        """Return what is shown."""
        return f"{self.text} {self.spread}".rstrip()


Cell = str | Value


class Table(NamedTuple):
    """Rows under titles; the first entry of a row names it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    folded: bool = False
    """Whether the page shows it only when its title is opened; such a table is not printed."""

    @property
    def numeric(self) -> list[bool]:
        """Whether there are numbers in each column."""
        return [any(isinstance(row[place], Value) for row in self.rows) for place in range(len(self.columns))]


class Panel(NamedTuple):
    """One pair of axes."""

    title: str
    draw: Callable[[Any], None]
    """Draws on matplotlib axes."""
    values: Table | None = None
    """Some of the drawn values, for the page."""


class Chart(NamedTuple):
    """Panels side by side in a file, one after the other on the page."""

    name: str
    """Of its file, without the suffix, relative to the document's folder."""
    title: str
    panels: Sequence[Panel]
    size: tuple[float, float] = (3.8, 3.2)
    """Of a panel, in inches."""
    share_y: bool = False
    grid: str = "y"
    """Along which axes there are grid lines: ``x``, ``y`` or empty."""
    cells: bool = False
    """Whether the cells of its panels can be chosen, as a heat map's of payoffs."""


class Settings(NamedTuple):
    """Names and values."""

    title: str
    entries: Mapping[str, Any]


class Listing(NamedTuple):
    """Lines of text as they are, folded on the page."""

    title: str
    text: str


class Failure(NamedTuple):
    """Something that failed, in a line, with its full text where there is one."""

    title: str
    message: str
    details: Listing | None = None


class Episodes(NamedTuple):
    """Recorded episodes for the page's viewer, see `episodes.payload`."""

    content: Mapping[str, Any]


Part = str | Table | Chart | Settings | Listing | Failure | Episodes
"""What a section is made of; a text is a paragraph."""


class Section(NamedTuple):
    """A part of a document under a heading of its own; an empty title: the only one."""

    title: str
    parts: Sequence[Part]
    reach: Reach = Reach.PAGE


class Finding(NamedTuple):
    """One finding, for the top of the page."""

    label: str
    who: str
    value: str


class Provenance(NamedTuple):
    """Where results come from."""

    command: Sequence[str]
    versions: Mapping[str, str | None]
    devices: Sequence[str] = ()
    seconds: float | None = None

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Provenance:
        """Read it from a document's data."""
        return cls(content["command"], content["versions"], content.get("devices", ()), content.get("seconds"))


class Records(NamedTuple):
    """The flat data behind a document, for CSV."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def configurations(configs: Mapping[str, Mapping[str, Any]]) -> list[Listing]:
    """Return the configurations of some runs; what is in a list stays on one line."""
    # Inside a text a line break is written as an escape: these are between entries.
    inner = re.compile(r"\[\n([^\[\]{}]*)\n *\]")
    return [
        Listing(
            f"Configuration of {name}",
            inner.sub(lambda found: "[" + re.sub(r"\n *", " ", found[1]).strip() + "]", json.dumps(config, indent=2)),
        )
        for name, config in configs.items()
    ]


def number(value: float | None, digits: int = 3) -> Value:
    """Return a number with so many decimals."""
    if value is None or not math.isfinite(value):
        return Value(MISSING, None)
    text = f"{value:.{digits}f}"
    return Value(text.removeprefix("-") if float(text) == 0 else text, value)


def score(value: float | None, error: float | None = None, digits: int = 4) -> Value:
    """Return a score, with its standard error where there is one."""
    found = number(value, digits)
    return found if error is None or found.number is None else found._replace(spread=f"± {number(error, digits).text}")


def interval(value: float | None, low: float | None, high: float | None) -> Value:
    """Return a number and the interval or range around it."""
    return number(value)._replace(spread=f"({number(low).text} to {number(high).text})")


def count(value: float | None) -> Value:
    """Return a whole number."""
    return Value(MISSING, None) if value is None else Value(f"{value:,.0f}", value)


def plural(number_of: int, noun: str) -> str:
    """Write a number of things."""
    return f"{number_of:,} {noun}{'' if number_of == 1 else 's'}"


def winners(entries: Mapping[str, float | None]) -> tuple[str, float] | None:
    """Return who has the highest number, and that number; several names where they are equal; None without numbers."""
    known = {name: value for name, value in entries.items() if value is not None}
    if not known:
        return None
    best = max(known.values())
    names = [name for name, value in known.items() if best - value < 5e-4]
    return (f"{names[0]} and {len(names) - 1} more" if len(names) > 2 else " and ".join(names)), best
