"""Tables whose cells are coloured by what stands in them: payoffs, and habits of players."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import shades
from .markup import NONE, Markup, count, element, number
from .parts import scroll

WIDE = 12
"""From so many columns on the cells are narrower and the names stand upright."""


def payoffs(content: Mapping[str, Any]) -> Markup:
    """Return the heat map of a tournament's scores, the row's against the column's player."""
    names = [player["name"] for player in content["players"]]
    mean, errors, seats = content["scores"]["mean"], content["scores"]["standard_error"], content["seats"]
    span = shades.range_of(value for row in mean for value in row)
    rows = []
    for i, name in enumerate(names):
        cells = []
        for j, other in enumerate(names):
            first, second = seats[i][j]
            error = "" if errors[i][j] is None else f" ± {number(errors[i][j], 4)}"
            tip = f"{name} against {other}: {number(mean[i][j], 4)}{error}"
            tip += "" if i == j else f" (in seat 0 {number(first, 4)}, in seat 1 {number(second, 4)})"
            cells.append(_cell(mean[i][j], span, tip, digits=2 if len(names) >= WIDE else 3, data_pair=f"{i} {j}"))
        rows.append(element("tr", element("th", name, scope="row"), cells))
    head = element("tr", element("td"), (element("th", element("span", name), scope="col") for name in names))
    caption = "Mean reward a step of the row's player against the column's"
    whole = element(
        "table",
        element("caption", element("span", caption)),
        element("thead", head),
        element("tbody", rows),
        class_="heat wide" if len(names) >= WIDE else "heat",
        style=f"--columns:{len(names)}",
        id="payoffs-map",
    )
    return element("div", scroll(caption, whole), _legend(span))


def _cell(value: float | None, span: shades.Range, tip: str, *, digits: int, **attributes: object) -> Markup:
    if value is None:
        return element("td", NONE, title=tip, class_="none", **attributes)
    look = shades.style(shades.weight(value, span))
    return element("td", number(value, digits), title=tip, style=look, **attributes)


def _legend(span: shades.Range) -> Markup:
    steps = 11
    places = [span.low + (span.high - span.low) * step / (steps - 1) for step in range(steps)]
    return element(
        "p",
        element("span", number(span.low, 2)),
        element(
            "span",
            (element("i", style=shades.style(shades.weight(place, span))) for place in places),
            class_="swatches",
            aria_hidden="true",
        ),
        element("span", number(span.high, 2)),
        class_="legend",
    )


def habits(tables: Mapping[str, Any], action: str, names: Sequence[str]) -> Markup:
    """Return how likely each player was to take an action after each last joint action.

    Args:
        tables: ``policy_tables`` of the tournament.
        action: what the numbers are the probability of.
        names: of the players, in the order of the rows.
    """
    after = [row["after"] for row in next(tables[name] for name in names if tables[name])["rows"]]
    span = shades.Range(0.0, 1.0)
    rows = []
    for name in names:
        cells = []
        for row in tables[name]["rows"] if tables[name] else ():
            where = "in the first step" if row["after"] == "start" else f"after {row['after']}"
            seen = "not known" if row["count"] is None else f"of {count(row['count'])} decisions"
            rate = number(row["cooperate"], 4) if row["count"] != 0 else "did not happen"
            tip = f"{name} {where}: {action} {rate}" + (f" ({seen})" if row["count"] else "")
            cells.append(_cell(row["cooperate"], span, tip, digits=2))
        rows.append(element("tr", element("th", name, scope="row"), cells))
    caption = f"Probability of {action} after each last joint move, the player's own first"
    titles = (element("th", element("span", "first step" if each == "start" else each), scope="col") for each in after)
    whole = element(
        "table",
        element("caption", element("span", caption)),
        element("thead", element("tr", element("td"), titles)),
        element("tbody", rows),
        class_="heat",
        style=f"--columns:{len(after)}",
        id="policy-map",
    )
    return scroll(caption, whole)
