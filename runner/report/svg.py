"""Matplotlib figures as SVG: values on hover, and for the page colours that follow its theme."""

from __future__ import annotations

import io
import json
import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.figure import Figure

INK, MUTED, LINE, PAPER = "#333333", "#5f5f5f", "#e6e6e6", "#ffffff"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#111111")
"""Okabe and Ito's palette, which people with any colour vision can tell apart."""

THEME = {INK: "ink", MUTED: "muted", LINE: "line", PAPER: "surface"} | {
    colour: f"series-{number}" for number, colour in enumerate(SERIES, 1)
}
"""The page's name of each colour that differs between its themes."""

STYLE: Mapping[Any, Any] = {
    "font.size": 10,
    "font.family": "sans-serif",
    "text.color": INK,
    "text.parse_math": False,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "polax",
}

_SVG, _XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
_HOVER = "hover:"
_FONT = re.compile(r"font-family: [^;]+; ")


def hover(artist: Artist, text: str, **data: str) -> None:
    """Give an artist a text that an SVG shows on hover, and ``data-`` attributes on the page."""
    artist.set_gid(_HOVER + json.dumps({"text": text, **data}))


def to_svg(figure: Figure) -> str:
    """Return a figure as an SVG file."""
    root = _drawn(figure, transparent=False)
    for node in root.iter():
        if node.get("id", "").startswith(_HOVER):
            ET.SubElement(node, f"{_SVG}title").text = json.loads(node.attrib.pop("id")[len(_HOVER) :])["text"]
    return _written(root)


def for_page(figure: Figure, title: str, prefix: str) -> str:
    """Return a figure as an element of the page.

    Args:
        figure: the figure.
        title: what it shows, for programs that read aloud.
        prefix: of all ids in it, so that they differ from those of the page's other figures.
    """
    root = _drawn(figure, transparent=True)
    for parent, child in [*_pairs(root)]:
        if child.tag == f"{_SVG}metadata" or child.find(f"{_SVG}style") is not None:
            parent.remove(child)
    width = root.attrib.pop("width").removesuffix("pt")
    del root.attrib["height"]
    root.attrib |= {"role": "img", "aria-label": title, "style": f"--width:{float(width) * 4 / 3:.0f}px"}
    references = {found for node in root.iter() for found in _references(node)}
    for node in root.iter():
        _adapt(node, references, prefix)
    return _written(root)


@contextmanager
def saving() -> Iterator[None]:
    """Set what a figure's file depends on, and accept names in a script that the font does not have."""
    with rc_context(dict(STYLE)), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        warnings.filterwarnings("ignore", "constrained_layout not applied")  # a name as long as the figure
        yield


def _drawn(figure: Figure, *, transparent: bool) -> ET.Element:
    file = io.BytesIO()
    with saving():
        figure.savefig(file, format="svg", metadata={"Date": None}, transparent=transparent)
    return ET.fromstring(file.getvalue())


def _pairs(root: ET.Element) -> Iterator[tuple[ET.Element, ET.Element]]:
    return ((parent, child) for parent in root.iter() for child in parent)


def _references(node: ET.Element) -> list[str]:
    names = (node.get(f"{_XLINK}href", ""), node.get("clip-path", "").removeprefix("url(").removesuffix(")"))
    return [name[1:] for name in names if name.startswith("#")]


def _adapt(node: ET.Element, references: set[str], prefix: str) -> None:
    """Give an element the page's ids, colours and fonts, and what it shows on hover."""
    name = node.attrib.pop("id", "")
    if name.startswith(_HOVER):
        said: dict[str, Any] = json.loads(name[len(_HOVER) :])
        ET.SubElement(node, f"{_SVG}title").text = said.pop("text")
        node.attrib |= {f"data-{key}": value for key, value in said.items()}
    elif name in references:
        node.set("id", f"{prefix}-{name}")
    link = node.attrib.pop(f"{_XLINK}href", None)
    if link is not None:
        node.set("href", f"#{prefix}-{link[1:]}")
    if "clip-path" in node.attrib:
        node.set("clip-path", node.attrib["clip-path"].replace("url(#", f"url(#{prefix}-"))
    if "style" in node.attrib:
        style = re.sub(r"#[0-9a-f]{6}", lambda found: _themed(found[0]), node.attrib["style"])
        node.set("style", _FONT.sub("", style))  # the page's own font


def _themed(colour: str) -> str:
    return f"var(--{THEME[colour]})" if colour in THEME else colour


def _written(root: ET.Element) -> str:
    ET.register_namespace("", _SVG.strip("{}"))
    ET.register_namespace("xlink", _XLINK.strip("{}"))
    return ET.tostring(root, encoding="unicode")
