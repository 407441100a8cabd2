"""Cell colours of the page in both themes: gains towards blue, losses towards orange, nothing at zero."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple


class Theme(NamedTuple):
    """Three anchors; blue and orange are Okabe and Ito's, and differ in lightness too where colours are not seen."""

    zero: str
    gain: str
    loss: str


LIGHT = Theme("#ffffff", "#0072B2", "#D55E00")
DARK = Theme("#1d2127", "#56B4E9", "#E69F00")
INKS = ("#000000", "#ffffff")


class Range(NamedTuple):
    """Where the shades begin and end."""

    low: float
    high: float


def range_of(values: Iterable[float | None]) -> Range:
    """Return the range of the numbers that are there; 0 to 0 where there is none."""
    there = [value for value in values if value is not None and math.isfinite(value)]
    return Range(min(there), max(there)) if there else Range(0.0, 0.0)


def weight(value: float, span: Range) -> float:
    """Return how much of the gain's colour (positive) or the loss's (negative) a value gets, -1 to 1.

    Where the range has both signs, zero is without colour, and equal distances from it are equally strong. Else the
    colour grows over the range.
    """
    low, high = span
    if low == high:
        return 0.0
    if low < 0 < high:
        return value / max(-low, high)
    return (value - low) / (high - low) if low >= 0 else (value - high) / (high - low)


def style(part: float) -> str:
    """Return the CSS variables of a cell: its colour and its ink's in the light and the dark theme.

    Args:
        part: see `weight`.
    """
    words = []
    for name, theme in (("light", LIGHT), ("dark", DARK)):
        colour = mix(theme.zero, theme.gain if part > 0 else theme.loss, min(abs(part), 1.0))
        words.append(f"--{name}:{colour};--{name}-ink:{ink(colour)}")
    return ";".join(words)


def mix(start: str, end: str, part: float) -> str:
    """Return the colour that is ``part`` of the way from one to the other."""
    pairs = zip(_channels(start), _channels(end), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in pairs)


def ink(colour: str) -> str:
    """Return black or white, whichever is easier to read on a colour; the contrast is 4.5 at least."""
    return max(INKS, key=lambda each: contrast(each, colour))


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours as WCAG 2 defines it, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in _channels(colour)))
    return sum(share * value for share, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[index : index + 2], 16) for index in (1, 3, 5))
