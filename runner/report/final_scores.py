"""Final scores of a benchmark: interquartile means with their intervals, drawn and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..benchmark.results import metric_title, shown_metrics
from .axes import WIDTH, line, scale, shorten, svg, text, tick_label, ticks
from .markup import NONE, Markup, element, number
from .parts import Cell, Tile, table

LEFT, RIGHT, TOP, ROW = 8, 322, 4, 36


def best(env: str, rows: Sequence[Mapping[str, Any]]) -> Tile | None:
    """Return which learner scored most against its like in a game."""
    scored = [(row["algorithm"], row["scores"]["score"]["iqm"]) for row in rows if "score" in row["scores"]]
    scored = [(name, value) for name, value in scored if value is not None]
    if not scored:
        return None
    name, value = max(scored, key=lambda each: each[1])
    return Tile(f"Best against each other in {env}", name, f"{number(value)} a step")


def drawings(rows: Sequence[Mapping[str, Any]], colours: Mapping[str, int]) -> list[Markup]:
    """Return a drawing for each metric worth showing: point and interval for each learner, a tick for each seed."""
    return [_drawing(rows, metric, colours) for metric in shown_metrics(rows)]


def _drawing(rows: Sequence[Mapping[str, Any]], metric: str, colours: Mapping[str, int]) -> Markup:
    there = [row for row in rows if metric in row["scores"]]
    values = [value for row in there for value in _numbers(row["scores"][metric])]
    title = metric_title(metric)
    bottom = TOP + ROW * len(there)
    places = scale([*values, *([0.0] if metric.startswith("score") else [])], LEFT, RIGHT, margin=0.05)
    marks = []
    for value in ticks(places.low, places.high):
        x = places(value)
        marks += [
            line((x, x), (TOP, bottom), "grid"),
            text(min(max(x, 16), WIDTH - 16), bottom + 14, tick_label(value)),
        ]
    for index, row in enumerate(there):
        marks.append(_learner(row, metric, colours[row["algorithm"]], places, TOP + ROW * (index + 0.72)))
    said = "; ".join(f"{row['algorithm']} {interval(row['scores'][metric])}" for row in there)
    drawing = svg(bottom + 20, f"{title}: {said}", marks, class_="scores")
    return element("figure", element("figcaption", title[0].upper() + title[1:]), drawing, class_="chart")


def _learner(row: Mapping[str, Any], metric: str, colour: int, places: Any, y: float) -> Markup:
    found = row["scores"][metric]
    middle = places(found["iqm"])
    return element(
        "g",
        text(LEFT, y - 11, shorten(row["algorithm"]), "start", "name"),
        line((places(found["low"]), places(found["high"])), (y, y), "interval"),
        (
            line((places(value), places(value)), (y - 5, y + 5), "seed")
            for value in found["per_seed"]
            if value is not None
        ),
        element("circle", cx=middle, cy=y, r=4.5),
        data_tip=f"{row['algorithm']}, {metric_title(metric)}: {interval(found)}",
        style=f"--series:var(--series-{colour + 1})",
        class_="learner",
    )


def _numbers(found: Mapping[str, Any]) -> list[float]:
    return [value for value in (*found["per_seed"], found["low"], found["iqm"], found["high"]) if value is not None]


def interval(found: Mapping[str, Any]) -> str:
    """Write an interquartile mean and its interval."""
    several = len(found["per_seed"]) > 1
    return number(found["iqm"]) + (f" ({number(found['low'])} to {number(found['high'])})" if several else "")


def scores(rows: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> Markup:
    """Return the table of some metrics."""
    lines = [[row["algorithm"], *(_entry(row, metric) for metric in metrics)] for row in rows]
    return table(
        f"{rows[0]['env']}: interquartile mean over seeds (95 % interval)",
        ["learner", *map(metric_title, metrics)],
        lines,
    )


def every(rows: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> Markup:
    """Return the table of many metrics: a line for each."""
    lines = [[metric.replace("_", " "), *(_entry(row, metric) for row in rows)] for metric in metrics]
    return table(f"{rows[0]['env']}: every measure", ["measure", *(row["algorithm"] for row in rows)], lines)


def _entry(row: Mapping[str, Any], metric: str) -> Cell:
    found = row["scores"].get(metric)
    if found is None:
        return Cell(NONE if row["status"] == "done" else row["status"], None)
    mean, spread = interval(found).partition(" ")[::2]
    return Cell((mean, element("span", f" {spread}", class_="spread") if spread else None), found["iqm"])
