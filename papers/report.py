"""A reproduction as a document: each row beside the published one."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from string import Formatter
from typing import Any

from ..runner.report.document import Chart, Document, Part, Provenance, Reach, Section, Table
from ..runner.runs.folder import RunError, make_folder
from ..runner.runs.manifest import device_names, versions

Row = Mapping[str, Any]


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
    columns: Mapping[str, str | Callable[[Row], str]],
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
        columns: by title, what a row shows: a template for `str.format` (empty where a value is None) or a function.
        rows: the results, JSON-ready.
        notes: how to read them.
        chart: the figure.
        stem: of the files' names; empty: the name.
    """
    stem = stem or name
    text = [[each(row) if callable(each) else _fill(each, row) for each in columns.values()] for row in rows]
    parts: list[Part] = [Table(title, list(columns), text)]
    parts += [] if chart is None else [chart._replace(name=stem)]
    return Document(
        title=title,
        stem=stem,
        kind="reproduction",
        sections=[Section("", parts, Reach.CONSOLE)],
        provenance=Provenance((), {}),
        notes=notes,
        data={"name": name, "title": title, "notes": list(notes), "rows": list(rows)},
    )


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
    words = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    found = Provenance(["polax", "reproduce", document.data["name"], *words], versions(), device_names(), seconds)
    made = {**settings, "python": platform.python_version(), "versions": found.versions, "devices": found.devices}
    if seconds is not None:
        made["seconds"] = round(seconds, 1)
    return document._replace(provenance=found, data={**made, **document.data})
