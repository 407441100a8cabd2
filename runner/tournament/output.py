"""The files of a tournament: ``tournament.json``, ``payoffs.csv``, ``tournament.md`` and ``payoffs.png``."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..report.tables import markdown_table
from ..runs.folder import RunError, make_folder, write_text
from .heat_map import draw_payoffs

FORMAT = 1
"""Version of ``tournament.json``."""


def prepare(folder: Path) -> None:
    """Make an empty folder for the files.

    Raises:
        RunError: it holds something, or cannot be made.
    """
    if make_folder(folder):
        raise RunError(f"{folder} is not empty; choose another --out")


def write(folder: Path, content: Mapping[str, Any]) -> list[Path]:
    """Write all files.

    Args:
        folder: from `prepare`.
        content: what ``tournament.json`` holds.

    Returns:
        Their paths.

    Raises:
        RunError: one cannot be written.
    """
    names = [player["name"] for player in content["players"]]
    mean = np.array(content["scores"]["mean"], float)
    write_text(folder / "payoffs.csv", payoffs_csv(names, content["scores"]))
    write_text(folder / "tournament.md", markdown(content))
    title = f"{content['env']}, {content['episodes']} episodes a pair and seat"
    figure = draw_payoffs(names, mean, folder / "payoffs.png", title=title)
    write_text(folder / "tournament.json", to_json(content))
    return [folder / "tournament.json", folder / "payoffs.csv", folder / "tournament.md", figure]


def to_json(content: Mapping[str, Any]) -> str:
    """Write JSON with a line for each entry of the object, and null in place of numbers that are not finite."""
    lines = (f"{json.dumps(name)}: {json.dumps(_plain(value), allow_nan=False)}" for name, value in content.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def payoffs_csv(names: Sequence[str], scores: Mapping[str, Any]) -> str:
    """Return one line for each ordered pair."""
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["player", "against", "score", "standard_error"])
    for row, name in enumerate(names):
        for column, other in enumerate(names):
            rows.writerow([name, other, scores["mean"][row][column], scores["standard_error"][row][column]])
    return file.getvalue()


def markdown(content: Mapping[str, Any]) -> str:
    """Return the tables as a Markdown page."""
    names = [player["name"] for player in content["players"]]
    mean, error = content["scores"]["mean"], content["scores"]["standard_error"]
    cells = [
        [name, *(f"{number(score)} ± {number(spread)}" for score, spread in zip(*pair, strict=True))]
        for name, pair in zip(names, zip(mean, error, strict=True), strict=True)
    ]
    parts = [
        f"# Tournament in {content['env']}",
        f"`{' '.join(content['command'])}`",
        f"{content['episodes']} episodes of {content['steps']} steps for each pair and seat, seed {content['seed']}. "
        "Scores are mean rewards a step; ± is one standard error over episodes.",
        "## Ranking",
        markdown_table(*ranking_rows(content)),
        "## Measures",
        markdown_table(*measure_rows(content)),
        "## The row's score against the column's player",
        markdown_table(["", *names], cells),
        "![payoffs](payoffs.png)",
    ]
    return "\n\n".join(parts) + "\n"


def ranking_rows(content: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return head and rows of the ranking by mean score, with the direct encounters beside it."""
    met = {row["name"]: row for row in content["rankings"]["head_to_head"]}
    head = ["player", "mean score", "±", "wins", "draws", "losses", "points"]
    rows = []
    for row in content["rankings"]["mean_score"]:
        other = met[row["name"]]
        counts = [str(other[name]) for name in ("wins", "draws", "losses")]
        scores = [number(row["score"]), number(row["standard_error"])]
        rows.append([row["name"], *scores, *counts, f"{other['points']:g}"])
    return head, rows


def measure_rows(content: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return head and rows of the measures; a best response has columns only where it was asked for."""
    asked = any(row["best_response"] for row in content["measures"])
    head = ["player", "self-play", "against always-defect"]
    head += ["best response gets", "and leaves"] if asked else []
    rows = []
    for row in content["measures"]:
        values = [row["self_play"], row["against_always_defect"]]
        if asked:
            response = row["best_response"] or {"score": None, "left_with": None}
            values += [response["score"], response["left_with"]]
        rows.append([row["name"], *map(number, values)])
    return head, rows


def number(value: float | None) -> str:
    """Write a score."""
    return "-" if value is None or not math.isfinite(value) else f"{value:.4f}"
