"""A reproduction as a document: each row beside the published one."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from string import Formatter
from typing import Any

from ..runner.report.document import Document
from ..runner.report.parts import Cell, Chart, Part, Provenance, Reach, Section, Table
from ..runner.runs.files import RunError, make_folder
from ..runner.runs.manifest import device_names, versions

Row = Mapping[str, Any]
Columns = Mapping[str, str | Callable[[Row], Cell]]
"""By title, what a row shows: a template for `str.format` (empty where a value is None) or a function."""


def prepare(folder: Path) -> None:
    """Make the folder for results.

    Raises:
        RunError: it cannot be made or written.
    """
    make_folder(folder)
    if not os.access(folder, os.W_OK):
        raise RunError(f"{folder} cannot be written: no permission; choose another --out")


def reproduction(
    name: str,
    title: str,
    columns: Columns,
    rows: Sequence[Row],
    *,
    notes: Sequence[str],
    chart: Chart | None = None,
    stem: str = "",
) -> Document:
    """Return the document of a reproduction.

    Args:
        name: of the figure or the table.
        title: of the document.
        columns: what the table shows of each row.
        rows: the results, JSON-ready.
        notes: how to read them.
        chart: the figure.
        stem: of the files' names; empty: the name.
    """
    parts: list[Part] = [as_table(title, columns, rows)]
    parts += [] if chart is None else [chart._replace(name=stem or name)]
    return reproduction_of(name, title, [Section("", parts, Reach.CONSOLE)], rows, notes=notes, stem=stem)


def reproduction_of(
    name: str,
    title: str,
    sections: Sequence[Section],
    rows: Sequence[Row],
    *,
    notes: Sequence[str],
    configs: Mapping[str, Any] | None = None,
    stem: str = "",
) -> Document:
    """Return the document of a reproduction in several sections.

    Args:
        name: of the figure or the table.
        title: of the document.
        sections: what is shown.
        rows: the results, JSON-ready.
        notes: how to read them.
        configs: of the runs, by their names, for the data.
        stem: of the files' names; empty: the name.
    """
    data: dict[str, Any] = {"name": name, "title": title, "notes": list(notes), "rows": list(rows)}
    if configs is not None:
        data["configs"] = dict(configs)
    return Document(
        title=title,
        stem=stem or name,
        kind="reproduction",
        sections=sections,
        provenance=Provenance((), {}),
        notes=notes,
        data=data,
    )


def as_table(title: str, columns: Columns, rows: Sequence[Row]) -> Table:
    """Return rows as a table."""
    text = [[each(row) if callable(each) else _fill(each, row) for each in columns.values()] for row in rows]
    return Table(title, list(columns), text)


def stem_of(name: str, scale: str) -> str:
    """Return the stem of the files of what was trained at a scale; published settings need no mention."""
    return "_".join([name.replace("-", "_"), *([] if scale == "published" else [scale])])


def _fill(template: str, row: Row) -> str:
    names = (field.partition("[")[0] for _, field, *_ in Formatter().parse(template) if field)
    return "" if any(row[name] is None for name in names) else template.format_map(row)


def policy_format(name: str, digits: int = 2) -> str:
    """Return the template of a policy: five probabilities in the manner of the paper."""
    return " ".join(f"{{{name}[{place}]:.{digits}f}}" for place in range(5))


def ran(document: Document, settings: Mapping[str, Any], seconds: float | None) -> Document:
    """Return a reproduction with what it was made by.

    Args:
        document: the reproduction.
        settings: options of the command.
        seconds: how long it took, compilation included; None where the runs were trained over several commands.
    """
    words = [
        word
        for name, value in settings.items()
        for word in (f"--{name}", *(map(str, value) if isinstance(value, list) else [str(value)]))
    ]
    found = Provenance(["polax", "reproduce", document.data["name"], *words], versions(), device_names(), seconds)
    made = {**settings, "python": platform.python_version(), "versions": found.versions, "devices": found.devices}
    if seconds is not None:
        made["seconds"] = round(seconds, 1)
    return document._replace(provenance=found, data={**made, **document.data})
