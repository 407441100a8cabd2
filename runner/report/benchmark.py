"""The sections of a benchmark's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...options import PolaxError
from ..benchmark.results import DONE, ERRORS, FAILED, by_env, shown_metrics
from ..runs.folder import RunFolder
from . import curves, final_scores
from .learning_curves import COLOURS, LearningRun, read_run
from .markup import NONE, Markup, count, element, plural
from .parts import Cell, Section, Tile, code, configuration, folded, note, settings, setup_parts, table


class Runs(NamedTuple):
    """What could be read of the runs under a benchmark's folder."""

    learning: dict[str, LearningRun]
    """By the run's path in ``results.json``; those that have scores to draw."""
    configs: dict[str, dict[str, Any]]
    """``config.json`` by path."""
    problems: list[str]
    """What is damaged."""


def read_runs(folder: Path, content: Mapping[str, Any]) -> Runs:
    """Read the runs; one that is damaged takes its curve away and nothing else."""
    runs = Runs({}, {}, [])
    for row in content["combinations"]:
        path = folder / row["run"]
        if not (path / "config.json").exists():
            continue
        try:
            opened = RunFolder.open(path)
            runs.configs[row["run"]] = opened.read_json("config.json")
            learning = read_run(opened)
        except PolaxError as error:
            runs.problems.append(str(error))
        else:
            if learning.rows:
                runs.learning[row["run"]] = learning._replace(label=row["algorithm"], game=row["env"])
    return runs


def subtitle(content: Mapping[str, Any]) -> str:
    """Say what was trained for how long."""
    protocol, rows = content["protocol"], content["combinations"]
    length = " and ".join(
        words for words in (protocol["preset"] and f"preset {protocol['preset']}", protocol["budget"]) if words
    )
    learners, games = (len({row[name] for row in rows}) for name in ("algorithm", "env"))
    return (
        f"{plural(learners, 'learner')} · {plural(games, 'game')} · {plural(protocol['num_seeds'], 'seed')} · "
        f"{length} · {protocol['evaluation_episodes']:,} episodes a match-up after training"
    )


def findings(content: Mapping[str, Any]) -> list[Tile]:
    """Return the best learner of each game, and how much of the benchmark is done."""
    rows = content["combinations"]
    best = [final_scores.best(env, own) for env, own in by_env(rows).items()]
    failed = sum(row["status"] == FAILED for row in rows)
    done = sum(row["status"] == DONE for row in rows)
    left = len(rows) - done - failed
    state = f"{failed or 'none'} failed" + (f", {left} unfinished" if left else "")
    return [*(tile for tile in best if tile), Tile("Combinations", f"{done} of {len(rows)} done", state)]


def sections(folder: Path, content: Mapping[str, Any], runs: Runs) -> tuple[list[Section], list[dict[str, Any]]]:
    """Return everything below the findings, and what the script needs to know about the charts."""
    rows = content["combinations"]
    # A learner keeps its colour from game to game.
    names = dict.fromkeys(row["algorithm"] for row in rows)
    colours = {name: index % len(COLOURS) for index, name in enumerate(names)}
    failures = _failures(folder, rows, runs.problems)
    parts = [Section("failures", "Failures", failures)] if failures else []
    shown: list[dict[str, Any]] = []
    for index, (env, own) in enumerate(by_env(rows).items(), 1):
        learning = [runs.learning[row["run"]] for row in own if row["run"] in runs.learning]
        charts = curves.charts(learning, colours, len(shown)) if learning else []
        shown += [chart.data for chart in charts]
        parts.append(Section(f"game-{index}", env, _game(own, learning, [chart.drawing for chart in charts], colours)))
    parts.append(Section("training", "Training", _training(rows)))
    parts.append(Section("setup", "Set-up", _setup(content, runs)))
    return parts, shown


def _failures(folder: Path, rows: Sequence[Mapping[str, Any]], problems: Sequence[str]) -> list[Markup]:
    entries = []
    for row in rows:
        if row["status"] != FAILED:
            continue
        trace = folder / ERRORS / f"{Path(row['run']).name}.txt"
        where = None
        if trace.is_file():
            text = trace.read_text(encoding="utf-8", errors="replace")
            where = folded("Where it comes from", code(text, f"traceback of {row['algorithm']} in {row['env']}"))
        title = element("b", f"{row['algorithm']} in {row['env']}")
        entries.append(element("li", title, element("p", row["error"] or "no reason is known"), where))
    entries += [element("li", element("b", "Not read"), element("p", problem)) for problem in problems]
    return [element("ul", entries, class_="failures")] if entries else []


def _game(
    rows: Sequence[Mapping[str, Any]],
    learning: Sequence[LearningRun],
    charts: Sequence[Markup],
    colours: Mapping[str, int],
) -> list[Markup]:
    scored = [row for row in rows if row["scores"]]
    parts: list[Markup] = []
    if charts:
        parts += [
            element("h3", "Learning curves"),
            note("Mean over seeds, with the 95 % interval of the mean (Student's t) as a band; dashed lines are scores "
                 "to compare with. Point at a chart, or go through it with the arrow keys, for the values."),
            curves.legend({run.label: colours[run.label] for run in learning}),
            element("div", charts, class_="charts"),
        ]  # fmt: skip
    if scored:
        metrics = shown_metrics(scored)
        every = list(dict.fromkeys(metric for row in scored for metric in row["scores"]))
        parts += [
            element("h3", "Final scores"),
            note("After training: interquartile mean over seeds, the 95 % bootstrap interval, a tick for each seed. "
                 "Mean reward a step and player, but for proportions."),
            element("div", final_scores.drawings(scored, colours), class_="charts"),
            final_scores.scores(rows, metrics),
            folded("Every measure", final_scores.every(rows, every)) if len(every) > len(metrics) else Markup(),
        ]  # fmt: skip
    return parts or [note("Nothing was scored in this game.")]


def _training(rows: Sequence[Mapping[str, Any]]) -> list[Markup]:
    lines = []
    for row in rows:
        counts = [Cell(count(row[name]), row[name]) for name in ("updates", "env_steps", "seconds")]
        lines.append([row["algorithm"], row["env"], row.get("preset") or NONE, row["status"], *counts, row["run"]])
    head = ["learner", "game", "preset", "status", "updates", "environment steps a seed", "seconds", "run"]
    return [
        note("Seconds are of all seeds together, compilation included, evaluation not."),
        table("Training of each combination", head, lines),
    ]


def _setup(content: Mapping[str, Any], runs: Runs) -> list[Markup]:
    protocol = {name: value for name, value in content["protocol"].items() if name != "options"}
    options = content["protocol"].get("options") or {}
    own = [part for name, given in options.items() for part in (element("h3", f"Options of {name}"), settings(given))]
    configs = [folded(f"Configuration of {name}", configuration(config, name)) for name, config in runs.configs.items()]
    return [settings(protocol), *own, element("div", configs), *setup_parts(content)]
