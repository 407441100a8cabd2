"""A reproduction as a document, in its folder."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...options import PolaxError
from ...runner.report.document import Chart, Document, Part, Provenance, Reach, Section, Table
from ...runner.runs.manifest import device_names, versions


class ReproductionError(PolaxError):
    """A result that cannot be written."""


def prepare(folder: Path) -> None:
    """Make the folder for results.

    Raises:
        ReproductionError: if it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise ReproductionError(f"{folder} cannot be written: {cause.strerror or cause}") from cause
    if not os.access(folder, os.W_OK):
        raise ReproductionError(f"{folder} cannot be written: no permission; give another one with --out")


def reproduction(
    *,
    name: str,
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    cells: Sequence[Mapping[str, Any]],
    notes: Sequence[str],
    chart: Chart | None = None,
    stem: str = "",
) -> Document:
    """Return the document of a reproduction.

    Args:
        name: of the figure or the table.
        title: of the document.
        columns: titles of the table's columns.
        rows: one for each cell of the publication, as text.
        cells: the same in numbers.
        notes: how to read them.
        chart: the figure.
        stem: of the files' names; empty: the name.
    """
    stem = stem or name
    parts: list[Part] = [Table(title, columns, rows)]
    parts += [] if chart is None else [chart._replace(name=stem)]
    return Document(
        title=title,
        stem=stem,
        kind="reproduction",
        sections=[Section("", parts, Reach.CONSOLE)],
        provenance=Provenance((), {}),
        notes=notes,
        data={"name": name, "title": title, "notes": list(notes), "cells": list(cells)},
    )


def ran(document: Document, settings: Mapping[str, Any], seconds: float | None) -> Document:
    """Return a reproduction with what it was made by.

    Args:
        document: the reproduction.
        settings: options of the command.
        seconds: how long it took, compilation included; None where the runs were trained over several commands.
    """
    words = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    found = Provenance(["polax", "reproduce", document.data["name"], *words], versions(), device_names(), seconds)
    data = {
        **{name: document.data[name] for name in ("name", "title")},
        **settings,
        **({} if seconds is None else {"seconds": round(seconds, 1)}),
        "python": platform.python_version(),
        "versions": dict(found.versions),
        "devices": list(found.devices),
        "notes": document.data["notes"],
        "cells": document.data["cells"],
    }
    return document._replace(provenance=found, data=data)


def policy_text(policy: Sequence[float]) -> str:
    """Write five probabilities in the manner of the paper, two decimals."""
    return " ".join(f"{probability:.2f}" for probability in policy)
