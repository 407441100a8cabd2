"""The results of a sweep as a document."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict

from ..evaluation.scores import MAIN, gap_name, mean_name, pairing, score_name, scored_players
from ..evaluation.statistics import mean_and_spread, spread_word
from ..report.document import Document
from ..report.parts import (
    Cell,
    Failure,
    Finding,
    Listing,
    Part,
    Provenance,
    Reach,
    Records,
    Section,
    Settings,
    Table,
    Value,
    number,
    plural,
)
from ..runs.spec import flat, option_words, over
from .drawings import importance_chart, parallel_chart
from .importance import importance
from .space import ENV, Choices, Range, Space, nested

FILE = "trials.json"
FORMAT = 1

DONE, FAILED, PRUNED, UNFINISHED = "done", "failed", "pruned", "unfinished"

PRINTED = 12
"""Trials of the table that is printed, at most; the file and the page have all."""


class Row(TypedDict):
    """What ``trials.json`` must say of a trial."""

    number: int
    values: dict[str, Any]
    status: Literal["done", "failed", "pruned", "unfinished"]
    error: str | None
    raised: bool
    objective: float | None
    scores: dict[str, dict[str, Any]]


class Results(TypedDict):
    """What ``trials.json`` must hold for a sweep to continue."""

    trials: list[Row]
    seconds: float


def document(content: Mapping[str, Any]) -> Document:
    """Return the document of a sweep.

    Args:
        content: of ``trials.json``.
    """
    asked, rows, space = content["protocol"], content["trials"], space_of(content)
    ranked = sorted(rows, key=_rank)
    objective = objective_word(asked["objective"], rows)
    best = best_of(rows)
    counts = {state: sum(row["status"] == state for row in rows) for state in (DONE, FAILED, PRUNED, UNFINISHED)}
    ended = [row for row in rows if row["status"] in (DONE, FAILED, PRUNED)]
    sections = [
        Section("Best trials" if len(rows) > PRINTED else "Trials", _best(ranked, space, asked), Reach.CONSOLE),
        Section("Paste the best", [] if best is None else _paste(content, best), Reach.FILE),
        Section("Pictures", _pictures(ended, space, objective), Reach.FILE),
        Section("Line-ups", _line_ups(ranked), Reach.FILE),
        Section("All trials", _all(ranked, space, asked), Reach.FILE),
        Section("Every score", _scores(ranked)),
        Section("Failures", _failures(rows), Reach.FILE),
        Section("Set-up", [Settings("", {name: value for name, value in asked.items() if value not in (None, {})})]),
    ]
    states = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    return Document(
        title=f"{asked['algorithm']} in {asked['env']}: a sweep of {', '.join(space)}",
        stem=Path(FILE).stem,
        kind="sweep",
        summary=(
            f"{plural(asked['trials'], 'trial')} ({asked['search']}) · {plural(asked['num_seeds'], 'seed')} · "
            f"{states or 'none begun'} · {content['seconds']:.0f} s"
        ),
        findings=[
            *([] if best is None else [_finding(best, objective)]),
            Finding("Trials", f"{counts[DONE]} of {asked['trials']} done", states or "none begun"),
        ],
        sections=[section for section in sections if section.parts],
        provenance=Provenance.of(content),
        notes=[]
        if best is None
        else [f"the best, trial {best['number']}, again: {train_command(asked, best['values'])}"],
        data=content,
        records=_records(rows, space),
    )


def space_of(content: Mapping[str, Any]) -> dict[str, Choices | Range]:
    """Return what was varied."""
    space: dict[str, Choices | Range] = {}
    for axis in content["axes"]:
        entries = {name: value for name, value in axis.items() if name != "name"}
        space[axis["name"]] = Choices(tuple(entries["values"])) if "values" in entries else Range(**entries)
    return space


def objective_word(objective: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the objective in words; that of a learner's own players is called what it is."""
    if objective:
        return f"against {objective}"
    known = {bool(row["self_play"]) for row in rows if row["self_play"] is not None}
    return " or ".join(pairing(self_play=each) for each in sorted(known)) or "together"


def best_of(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the trial with the highest objective, the first of equals; None without any."""
    best = min(rows, key=_rank, default=None)
    return None if best is None or best["objective"] is None else best


def _rank(row: Mapping[str, Any]) -> tuple[float, int]:
    """Sort by the objective, the highest first, and trials without one to the end."""
    return (float("inf") if row["objective"] is None else -row["objective"]), row["number"]


def _finding(best: Mapping[str, Any], objective: str) -> Finding:
    return Finding(f"Best in {objective}", f"trial {best['number']}", f"{best['objective']:.3f} per step")


def _best(ranked: Sequence[Mapping[str, Any]], space: Space, asked: Mapping[str, Any]) -> list[Part]:
    shown = ranked[:PRINTED] if len(ranked) > PRINTED else ranked
    return [_table("Trials, the best first", shown, space, asked)] if ranked else []


def _all(ranked: Sequence[Mapping[str, Any]], space: Space, asked: Mapping[str, Any]) -> list[Part]:
    return [_table("Every trial", ranked, space, asked)] if len(ranked) > PRINTED else []


def _line_ups(ranked: Sequence[Mapping[str, Any]]) -> list[Part]:
    """Return a line for each of the best trials and opponent: mean over players, each player's score, and the gap."""
    done = [row for row in ranked if row["status"] == DONE][:PRINTED]
    players = sorted({player for row in done for player in scored_players(row["scores"])})
    lines: list[list[Cell]] = []
    for row in done:
        for opponent in MAIN:
            names = [mean_name(opponent), *(score_name(player, opponent) for player in players), gap_name(opponent)]
            if names[0] in row["scores"]:
                word = opponent or objective_word("", [row])
                lines.append([str(row["number"]), word, *(_score(row, name) for name in names)])
    columns = ["trial", "line-up", "mean", *(f"player {player}" for player in players), "gap"]
    return [Table("The best trials, mean reward per step over the seeds", columns, lines)] if lines else []


def _scores(ranked: Sequence[Mapping[str, Any]]) -> list[Part]:
    parts: list[Part] = []
    metrics = list(dict.fromkeys(metric for row in ranked for metric in row["scores"]))
    if metrics:
        lines: list[list[Cell]] = [
            [str(row["number"]), *(_score(row, metric) for metric in metrics)] for row in ranked if row["scores"]
        ]
        parts.append(
            Table("Every score", ["trial", *(metric.replace("_", " ") for metric in metrics)], lines, folded=True)
        )
    return parts


def _table(title: str, rows: Sequence[Mapping[str, Any]], space: Space, asked: Mapping[str, Any]) -> Table:
    """Return a line for each trial: its options, its objective, and the score of each player and the gap beside it."""
    scored: Mapping[str, Any] = next((row["scores"] for row in rows if row["scores"]), {})
    players, opponent = scored_players(scored), asked["objective"]
    columns = [objective_word(opponent, rows), *(f"player {player}" for player in players), "gap"] if scored else []
    metrics = [mean_name(opponent), *(score_name(player, opponent) for player in players), gap_name(opponent)]
    spread = f", mean reward per step, {spread_word(asked['num_seeds'])} of the seeds" if asked["num_seeds"] > 1 else ""
    lines: list[list[Cell]] = [
        [
            str(row["number"]),
            *(_setting(row["values"][name]) for name in space),
            *(_score(row, metric, spread=metric == mean_name(opponent)) for metric in metrics if scored),
            row["error"] or row["status"],
        ]
        for row in rows
    ]
    return Table(title + spread, ["trial", *space, *columns, "status"], lines)


def _setting(value: Any) -> Cell:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return Value(f"{value:.4g}" if isinstance(value, float) else str(value), float(value))


def _score(row: Mapping[str, Any], metric: str, *, spread: bool = False) -> Value:
    found = row["scores"].get(metric)
    if found is None or row["status"] != DONE:
        return number(None)
    shown = number(found["mean"])
    return shown._replace(spread=str(mean_and_spread(found["per_seed"]))) if spread else shown


def _pictures(rows: Sequence[Mapping[str, Any]], space: Space, objective: str) -> list[Part]:
    if not any(row["objective"] is not None for row in rows):
        return []
    lost = ", dashed where it failed or was pruned" if any(row["objective"] is None for row in rows) else ""
    title = f"Each trial as a line through its options to its score, {objective}{lost}"
    parts: list[Part] = [parallel_chart("figures/parallel", title, rows, space, objective)]
    shares = importance(rows, space)
    known = {name: share for name, share in shares.items() if share is not None}
    if known:
        parts.append(importance_chart("figures/importance", "Importance of each option by itself", known))
    parts.append(
        "Importance is the share of the variance of the objective over the trials that an option accounts for by "
        "itself: epsilon squared of a one-way analysis of variance, by the values of a list or by up to four groups of "
        "a range. It is near 0 for an option without effect, and blind to what options do only together."
        + ("" if len(known) == len(shares) else f" Too few trials for {', '.join(shares.keys() - known.keys())}.")
    )
    return parts


def _paste(content: Mapping[str, Any], best: Mapping[str, Any]) -> list[Part]:
    asked = content["protocol"]
    return [
        f"Trial {best['number']} again, as a run:",
        Listing("Command", train_command(asked, best["values"])),
        "As a preset of the learner's plug-in:",
        Listing("Preset", preset_block(asked["env"], content["base"], best["values"])),
    ]


def train_command(asked: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """Return the command that trains a trial again.

    Args:
        asked: the protocol.
        values: of the varied options.
    """
    words = ["polax", "train", asked["algorithm"], asked["env"]]
    for name in ("preset", "updates"):
        words += [f"--{name}", str(asked[name])] if asked[name] is not None else []
    words += ["--num-seeds", str(asked["num_seeds"]), "--eval-envs", str(asked["eval_envs"])]
    given = flat(asked["options"]) | flat(asked["env_options"], ENV)
    for name, value in [*given.items(), *values.items()]:
        words += option_words(name, value)
    return shlex.join(words)


def preset_block(env: str, base: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """Return the entry of a plug-in's ``presets`` that has the options of a trial.

    Args:
        env: id of the game.
        base: ``updates``, ``options`` and ``env_options`` that all trials share.
        values: of the varied options.
    """
    own = over({"": base["options"], ENV: base["env_options"]}, nested(values))
    lines = [f"    updates={base['updates']},"]
    lines += [f"    options={dict(own[''])!r},"] if own[""] else []
    lines += [f"    env_options={dict(own[ENV])!r},"] if own[ENV] else []
    return "\n".join([f'("best", {json.dumps(env)}): Preset(', *lines, "),"])


def _failures(rows: Sequence[Mapping[str, Any]]) -> list[Part]:
    return [
        Failure(f"trial {row['number']} ({row['status']})", row["error"])
        for row in rows
        if row["status"] in (FAILED, UNFINISHED) and row["error"]
    ]


def _records(rows: Sequence[Mapping[str, Any]], space: Space) -> Records:
    """Return one row per trial, metric and seed with a score."""
    found = [
        (row["number"], row["status"], *(row["values"][name] for name in space), metric, seed, value)
        for row in rows
        for metric, scores in row["scores"].items()
        for seed, value in enumerate(scores["per_seed"])
        if value is not None
    ]
    return Records(("trial", "status", *space, "metric", "seed", "value"), found)


def is_whole(found: Document) -> bool:
    """Tell whether every trial has come to its end, nothing was raised, and everything could be drawn."""
    rows = found.data["trials"]
    return not found.problems and all(row["status"] != UNFINISHED and not row["raised"] for row in rows)
