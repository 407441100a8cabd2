"""The files of a benchmark: ``results.json``, ``results.csv``, ``results.md``, ``figures/``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..report.tables import markdown_table
from ..runs.folder import read_json, write_text
from ..runs.manifest import versions
from .plan import Combination, Protocol

RESULTS = "results.json"
FORMAT = 1

ERRORS = "errors"
"""Folder of what failed combinations raised, in full."""

DONE, FAILED, UNFINISHED = "done", "failed", "unfinished"

PREFERRED = (
    "score",
    "score/vs/always-cooperate",
    "score/vs/tit-for-tat",
    "score/vs/always-defect",
    "own_coin_proportion",
)
"""Metrics that tables and figures show, of those that a game has."""


class Results:
    """What is known of each combination; every change is on the disk at once.

    Args:
        folder: of the benchmark.
        protocol: what was asked for.
        planned: the combinations.
        command: the words of the command line.
    """

    def __init__(
        self, folder: Path, protocol: Protocol, planned: Sequence[Combination], *, command: Sequence[str]
    ) -> None:
        self._folder = folder
        self._protocol = protocol
        self._command = list(command)
        before = read_json(folder / RESULTS).get("combinations", []) if (folder / RESULTS).exists() else []
        kept = {(row["algorithm"], row["env"]): row for row in before if row["status"] == DONE}
        self._rows = {
            (each.algorithm, each.env): kept.get((each.algorithm, each.env)) or _blank(each) for each in planned
        }
        self.write()

    def is_done(self, combination: Combination) -> bool:
        """Tell whether a combination was trained and scored."""
        return self.row(combination)["status"] == DONE

    def row(self, combination: Combination) -> dict[str, Any]:
        """Return what is known of a combination."""
        return self._rows[combination.algorithm, combination.env]

    def update(self, combination: Combination, **changes: Any) -> None:
        """Change what is known of a combination, and write it down."""
        self.row(combination).update(changes)
        self.write()

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What is known of every combination, game by game."""
        return list(self._rows.values())

    def content(self) -> dict[str, Any]:
        """Return what ``results.json`` holds."""
        protocol = self._protocol.to_json()
        return {
            "format": FORMAT,
            "kind": "benchmark",
            "versions": versions(),
            "command": self._command,
            "protocol": {
                name: protocol[name] for name in ("num_seeds", "budget", "preset", "evaluation_episodes", "options")
            },
            "combinations": self.rows,
        }

    def write(self) -> None:
        """Write ``results.json``, ``results.csv`` and ``results.md``, each whole."""
        write_text(self._folder / RESULTS, json.dumps(self.content(), indent=1) + "\n")
        write_text(self._folder / "results.csv", scores_csv(self.rows, self._protocol.num_seeds))
        write_text(self._folder / "results.md", markdown(self.content(), self._folder))


def _blank(combination: Combination) -> dict[str, Any]:
    return {
        "algorithm": combination.algorithm,
        "env": combination.env,
        "run": combination.folder,
        "preset": None if combination.spec is None else combination.spec.preset,
        "status": FAILED if combination.error else UNFINISHED,
        "error": combination.error,
        "seconds": None,
        "env_steps": None,
        "updates": None,
        "scores": {},
        "measures": [],
    }


def scores_csv(rows: Iterable[Mapping[str, Any]], num_seeds: int) -> str:
    """Return one line for each combination, metric and seed that has a score."""
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    table.writerow(["env", "algorithm", "metric", "seed", "value"])
    for row in rows:
        for metric, found in row["scores"].items():
            for seed, value in zip(range(num_seeds), found["per_seed"], strict=True):
                if value is not None:
                    table.writerow([row["env"], row["algorithm"], metric, seed, value])
    return file.getvalue()


def by_env(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the rows of each game, in order."""
    games: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        games.setdefault(row["env"], []).append(row)
    return games


def shown_metrics(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return which metrics of some combinations to show: the preferred ones, or the first few."""
    there = list(dict.fromkeys(metric for row in rows for metric in row["scores"]))
    return [metric for metric in PREFERRED if metric in there] or there[: len(PREFERRED)]


def metric_title(metric: str) -> str:
    """Say in words what a metric is."""
    if metric == "score":
        return "against each other"
    if metric.startswith("score/vs/"):
        return f"against {metric.removeprefix('score/vs/')}"
    return metric.replace("_", " ")


def markdown(content: Mapping[str, Any], folder: Path) -> str:
    """Return the tables as a Markdown page."""
    protocol, rows = content["protocol"], content["combinations"]
    seeds = protocol["num_seeds"]
    length = " and ".join(
        words for words in (protocol["preset"] and f"preset {protocol['preset']}", protocol["budget"]) if words
    )
    parts = [
        "# Benchmark",
        f"`{' '.join(content['command'])}`",
        f"{seeds} seed{'s' if seeds > 1 else ''}, {length}; {protocol['evaluation_episodes']} episodes a match-up "
        "after training. Scores are mean rewards a step and player: interquartile mean over seeds "
        "(95 % bootstrap interval).",
    ]
    for env, own in by_env(rows).items():
        parts += [f"## {env}", scoresmarkdown_table(own)]
        parts += [f"![{env}: {what}]({path})" for path, what in figures_of(env) if (folder / path).exists()]
    return "\n\n".join([*parts, "## Training", _trainingmarkdown_table(rows)]) + "\n"


def figures_of(env: str) -> list[tuple[str, str]]:
    """Return path and content of the figures of a game."""
    return [(f"figures/{env}-scores.png", "scores"), (f"figures/{env}-learning.png", "learning curves")]


def scoresmarkdown_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the scores in one game as a Markdown table."""
    metrics = shown_metrics(rows)
    lines = [[row["algorithm"], *(score_cell(row, metric) for metric in metrics)] for row in rows]
    return markdown_table(["learner", *map(metric_title, metrics)], lines)


def score_cell(row: Mapping[str, Any], metric: str) -> str:
    """Write a score with its interval; the status of a combination that has none."""
    found = row["scores"].get(metric)
    if found is None:
        return str(row["status"]) if row["status"] != DONE else "-"
    interval = f" ({found['low']:.3f} to {found['high']:.3f})" if len(found["per_seed"]) > 1 else ""
    return f"{found['iqm']:.3f}{interval}"


def _trainingmarkdown_table(rows: Iterable[Mapping[str, Any]]) -> str:
    lines = []
    for row in rows:
        counts = ["-" if row[name] is None else f"{row[name]:,.0f}" for name in ("updates", "env_steps", "seconds")]
        said = row["error"] or ("" if row["status"] == DONE else row["status"])
        lines.append([row["env"], row["algorithm"], row["preset"] or "-", *counts, said])
    head = ["game", "learner", "preset", "updates", "environment steps a seed", "seconds", "remarks"]
    return markdown_table(head, lines)
