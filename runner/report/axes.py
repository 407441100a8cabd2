"""Axes of the page's charts: from values to places, round ticks, grid lines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .markup import Markup, element

WIDTH = 330
"""Of every chart, in its own units: about a pixel each on a phone and on a page of three charts a row."""

DASHES = ("none", "7 3", "2 3", "9 3 2 3", "5 2", "1 2", "12 4")
"""Of the lines, so that nobody needs the colours."""


class Scale(NamedTuple):
    """A straight line from values to places."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 2)


def scale(values: Iterable[float], start: float, end: float, *, margin: float = 0.0) -> Scale:
    """Return the scale on which all values have a place.

    Args:
        values: at least one.
        start: the place of the lowest value.
        end: the place of the highest.
        margin: what to leave free at each end, in parts of the range.
    """
    there = [value for value in values if math.isfinite(value)]
    low, high = min(there), max(there)
    if low == high:
        low, high = low - 0.5, high + 0.5
    space = margin * (high - low)
    return Scale(low - space, high + space, start, end)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return round numbers between two, at most so many."""
    rough = (high - low) / most
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10, 20) if (high - low) / (size * factor) < most)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def tick_label(value: float) -> str:
    """Write a tick in few characters."""
    if abs(value) >= 1e6:
        return f"{value / 1e6:g}M"
    if abs(value) >= 1e4:
        return f"{value / 1e3:g}k"
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


def shorten(name: str, most: int = 44) -> str:
    """Return a name that fits a chart."""
    return name if len(name) <= most else f"{name[: most - 1]}\N{HORIZONTAL ELLIPSIS}"


def text(x: float, y: float, words: str, anchor: str = "middle", class_: str | None = None) -> Markup:
    """Return a line of text."""
    return element("text", words, x=x, y=y, text_anchor=anchor, class_=class_)


def line(x: Sequence[float], y: Sequence[float], class_: str) -> Markup:
    """Return a straight line between two points."""
    return element("line", x1=x[0], x2=x[1], y1=y[0], y2=y[1], class_=class_)


def svg(height: float, title: str, *children: object, **attributes: object) -> Markup:
    """Return a drawing that is as wide as its column."""
    return element(
        "svg",
        children,
        viewBox=f"0 0 {WIDTH} {height:g}",
        role="img",
        aria_label=title,
        **attributes,
    )
