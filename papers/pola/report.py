"""A reproduction on paper: a table for people, the same as JSON, and the figure."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from ...options import PolaxError


class ReproductionError(PolaxError):
    """A result that cannot be written."""


class Report(NamedTuple):
    """What a reproduction found."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    """One cell of the publication each, as text in `columns`."""

    cells: Sequence[Mapping[str, Any]]
    """The same in numbers."""

    notes: Sequence[str]
    figure: Figure | None = None
    stem: str = ""
    """Of the files' names; empty: the name."""


def show(report: Report, console: Console) -> None:
    """Print the table and the notes."""
    table = Table(title=report.title, title_justify="left", title_style="bold")
    for index, column in enumerate(report.columns):
        table.add_column(column, justify="left" if index == 0 else "right", overflow="fold")
    for row in report.rows:
        table.add_row(*row)
    console.print(table)
    for note in report.notes:
        console.print(f"- {note}", markup=False, highlight=False)


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


def write(report: Report, folder: Path, *, command: Mapping[str, Any], seconds: float | None) -> list[Path]:
    """Write ``STEM.json``, ``STEM.md`` and, where there is a figure, ``STEM.png``.

    Args:
        report: what to write.
        folder: where, see `prepare`.
        command: the settings of this reproduction.
        seconds: how long it took, compilation included; None where the runs were trained over several commands.

    Returns:
        The paths written.

    Raises:
        ReproductionError: if the folder cannot be written.
    """
    versions = {package: version(package) for package in ("polax", "jax", "jaxlib", "numpy")}
    content = {
        "name": report.name,
        "title": report.title,
        **command,
        **({} if seconds is None else {"seconds": round(seconds, 1)}),
        "python": platform.python_version(),
        "versions": versions,
        "notes": list(report.notes),
        "cells": list(report.cells),
    }
    stem = report.stem or report.name
    paths = [folder / f"{stem}.json", folder / f"{stem}.md"]
    try:
        paths[0].write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        paths[1].write_text(markdown(report, command=command, seconds=seconds), encoding="utf-8")
        if report.figure is not None:
            paths.append(folder / f"{stem}.png")
            report.figure.savefig(paths[-1], dpi=160)
    except OSError as cause:
        raise ReproductionError(f"{folder} cannot be written: {cause.strerror or cause}") from cause
    return paths


def markdown(report: Report, *, command: Mapping[str, Any], seconds: float | None) -> str:
    """Return the report as a Markdown page."""
    settings = " ".join(f"--{name} {value}" for name, value in command.items())
    lines = [
        f"# {report.title}",
        "",
        f"`polax reproduce {report.name} {settings}`" + ("." if seconds is None else f", {seconds:.0f} s."),
        "",
        "| " + " | ".join(report.columns) + " |",
        "|---" + "|---:" * (len(report.columns) - 1) + "|",
        *("| " + " | ".join(row) + " |" for row in report.rows),
        "",
        *(f"- {note}" for note in report.notes),
    ]
    if report.figure is not None:
        lines += ["", f"![{report.title}]({report.stem or report.name}.png)"]
    return "\n".join(lines).rstrip() + "\n"


def policy_text(policy: Sequence[float]) -> str:
    """Write five probabilities in the manner of the paper, two decimals."""
    return " ".join(f"{probability:.2f}" for probability in policy)
