"""HTML that cannot be broken by what stands in the files: every text is escaped unless it was made here."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Iterable
from typing import Any

NONE = "\N{EN DASH}"
"""Stands where there is no value."""

VOID = frozenset({"br", "input", "meta"})
"""Elements without an end tag."""


class Markup(str):
    """HTML as it is; any other string is text."""

    __slots__ = ()


def element(tag: str, *children: object, **attributes: object) -> Markup:
    """Return an element.

    Args:
        tag: its name.
        children: `Markup`, texts, numbers, None (nothing), or iterables of these.
        attributes: their values; None and False leave one out, True writes its name alone. A trailing underscore is
            dropped (``class_``), the others become dashes.
    """
    opening = f"<{tag}{''.join(_attribute(name, value) for name, value in attributes.items())}>"
    return Markup(opening if tag in VOID else f"{opening}{join(children)}</{tag}>")


def join(children: Iterable[object]) -> Markup:
    """Put children one after the other, see `element`."""
    return Markup("".join(_render(child) for child in children))


def _render(child: object) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return str(child)
    if isinstance(child, str):
        return html.escape(child, quote=False)
    if isinstance(child, Iterable):
        return join(child)
    return html.escape(str(child), quote=False)


def _attribute(name: str, value: object) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'


def embedded_json(content: Any) -> Markup:
    """Write JSON for a script element: no text in it can end the element or begin a comment."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def number(value: float | None, digits: int = 3) -> str:
    """Write a score, with a minus sign that is as wide as a plus; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return NONE
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = f"{0:.{digits}f}"
    return text.replace("-", "\N{MINUS SIGN}")


def count(value: float | None) -> str:
    """Write a whole number; a dash where there is none."""
    return NONE if value is None else f"{value:,.0f}"


def plural(number_of: int, noun: str) -> str:
    """Write a number of things."""
    return f"{number_of:,} {noun}{'' if number_of == 1 else 's'}"
