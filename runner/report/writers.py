"""A document as JSON, CSV and Markdown, on the console, and with its charts as pictures."""

from __future__ import annotations

import csv
import io
import json
import math
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from ..runs.files import write_text
from .parts import Chart, Failure, Listing, Reach, Section, Settings, Table

if TYPE_CHECKING:
    from .document import Document


def write(document: Document, folder: Path, *, records: str | None = None) -> list[Path]:
    """Write ``STEM.json``, ``STEM.md``, the charts, and the flat data as CSV; the stem is the document's.

    Args:
        document: what to write.
        folder: where; it exists.
        records: name of the CSV file; None: there is none.

    Returns:
        The paths.

    Raises:
        RunError: a file cannot be written.
    """
    figures = draw(document, folder)
    return [*write_texts(document, folder, records=records), *figures]


def write_texts(document: Document, folder: Path, *, records: str | None = None) -> list[Path]:
    """Write everything but the charts; see `write`."""
    stem = document.stem
    texts = {f"{stem}.json": to_json(document.data), f"{stem}.md": to_markdown(document, folder)}
    if records is not None:
        texts[records] = to_csv(document)
    for name, text in texts.items():
        write_text(folder / name, text)
    return [folder / name for name in texts]


def draw(document: Document, folder: Path) -> list[Path]:
    """Draw every chart as a picture beside the document; see `write`."""
    charts = document.charts()
    if not charts:
        return []
    from .figures import figure_of, save

    return [save(figure_of(chart), folder / f"{chart.name}.png") for chart in charts]


def to_json(content: Mapping[str, Any]) -> str:
    """Write JSON with a line for each entry, and for each object in a list; null for numbers that are not finite."""
    lines = (f"{json.dumps(name)}: {_json_lines(_finite(value))}" for name, value in content.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _json_lines(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        return "[\n " + ",\n ".join(json.dumps(each, allow_nan=False) for each in value) + "\n]"
    return json.dumps(value, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def to_csv(document: Document) -> str:
    """Return the flat data, a line each."""
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    if document.records is not None:
        rows.writerow(document.records.columns)
        rows.writerows(document.records.rows)
    return file.getvalue()


def to_markdown(document: Document, folder: Path) -> str:
    """Return a Markdown page; charts are shown that have been drawn in ``folder``."""
    command, seconds = shlex.join(document.provenance.command), document.provenance.seconds
    parts = [f"# {document.title}"]
    if command:
        parts.append(f"`{command}`" + ("" if seconds is None else f", {seconds:.0f} s."))
    parts += [document.summary] if document.summary else []
    for section in document.sections:
        if section.reach >= Reach.FILE:
            parts += _section_markdown(section, folder)
    if document.notes:
        parts.append("\n".join(f"- {note}" for note in document.notes))
    return "\n\n".join(parts) + "\n"


def _section_markdown(section: Section, folder: Path) -> list[str]:
    parts = [f"## {section.title}"] if section.title else []
    level = "###" if section.title else "##"
    tables = sum(isinstance(part, Table) for part in section.parts)
    for part in section.parts:
        match part:
            case str():
                parts.append(part)
            case Table():
                parts += [f"{level} {part.title}", markdown_table(part)] if tables > 1 else [markdown_table(part)]
            case Chart() if (folder / f"{part.name}.png").exists():
                parts.append(f"![{part.title or part.panels[0].title}]({part.name}.png)")
            case Failure():
                parts.append(f"- {part.title}: {part.message}")
            case Listing():
                parts.append(f"{part.title}:\n\n```\n{part.text}\n```")
            case Settings():
                parts.append("\n".join(f"- {name}: {value}" for name, value in part.entries.items()))
    return parts


def markdown_table(table: Table) -> str:
    """Return a Markdown table; all columns but the first stand to the right."""
    marks = ["---", *["---:"] * (len(table.columns) - 1)]
    lines = [table.columns, marks, *([str(cell) for cell in row] for row in table.rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def show(document: Document, console: Console) -> None:
    """Print the tables of the sections that go so far, and the notes."""
    for table in document.tables(printed=True):
        console.print(console_table(table))
    for note in document.notes:
        console.print(f"- {note}", markup=False, highlight=False)


def console_table(table: Table) -> RichTable:
    """Return a table for the terminal; names in it are not taken for markup."""
    made = RichTable(title=escape(table.title), title_justify="left", title_style="bold")
    for place, name in enumerate(table.columns):
        made.add_column(escape(name), justify="right" if place else "left", overflow="fold")
    for row in table.rows:
        made.add_row(*(escape(str(cell)) for cell in row))
    return made
