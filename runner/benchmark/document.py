"""The results of a benchmark as a document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypedDict

from ...options import PolaxError
from ..evaluation.scores import (
    COOPERATOR,
    DEFECTOR,
    TIT_FOR_TAT,
    gap_name,
    mean_name,
    opponents_of,
    pairing,
    score_name,
    scored_players,
)
from ..evaluation.statistics import FEWEST, spread_word
from ..report.document import Document
from ..report.figures import Estimate, draw_estimates
from ..report.learning import LearningRun, learning_charts, read_run
from ..report.parts import (
    Cell,
    Chart,
    Failure,
    Finding,
    Listing,
    Panel,
    Part,
    Provenance,
    Reach,
    Records,
    Section,
    Settings,
    Table,
    Value,
    configurations,
    count,
    interval,
    number,
    plural,
)
from ..runs.files import check_inside, read_text
from ..runs.folder import CONFIG, RunFolder
from .meetings import meetings

FILE = "results.json"
FORMAT = 2
"""Version of ``results.json``; until 1, ``low`` and ``high`` were those of a bootstrap for few seeds too."""

ERRORS = "errors"
"""Folder of what failed combinations raised, in full."""

DONE, FAILED, UNFINISHED = "done", "failed", "unfinished"

SHOWN = ("", COOPERATOR, TIT_FOR_TAT, DEFECTOR)
"""Opponents whose scores tables and charts show, of those that a game has (the empty one: a learner's own players
together); beside them the measures that it wants drawn."""


class Combined(TypedDict):
    """What ``results.json`` must say of a combination."""

    algorithm: str
    env: str
    run: str
    status: Literal["done", "failed", "unfinished"]
    scores: dict[str, dict[str, Any]]


class Results(TypedDict):
    """What ``results.json`` must hold for a benchmark to go on."""

    combinations: list[Combined]


class Runs(NamedTuple):
    """The readable runs of a benchmark, by their paths in ``results.json``."""

    learning: dict[str, LearningRun]
    """Those that have scores to draw."""
    configs: dict[str, dict[str, Any]]
    """Each ``config.json``."""
    problems: list[str]
    """What is damaged."""


NO_RUNS = Runs({}, {}, [])


def read_runs(folder: Path, content: Mapping[str, Any]) -> Runs:
    """Read the runs; a damaged one only lacks its curve."""
    runs = Runs({}, {}, [])
    for row in content["combinations"]:
        path = folder / row["run"]
        try:
            check_inside(folder, path)
            if not (path / CONFIG).exists():
                continue
            opened = RunFolder.open(path, within=folder)
            runs.configs[row["run"]] = opened.config()
            learning = read_run(opened)
        except PolaxError as error:
            runs.problems.append(str(error))
        else:
            if learning.rows:
                runs.learning[row["run"]] = learning._replace(label=row["algorithm"], game=row["env"])
    return runs


def document(folder: Path, content: Mapping[str, Any], runs: Runs | None = None) -> Document:
    """Return the document of a benchmark.

    Args:
        folder: of the benchmark.
        content: of ``results.json``.
        runs: the runs to draw; None: those in the folder.
    """
    runs = read_runs(folder, content) if runs is None else runs
    rows, games = content["combinations"], by_env(content["combinations"])
    names = dict.fromkeys(row["algorithm"] for row in rows)
    colours = {name: index for index, name in enumerate(names)}  # an algorithm keeps its colour from game to game
    sections = [
        Section("Failures", _failures(folder, rows, runs.problems), Reach.FILE),
        *(Section(env, _game(env, own, runs, colours), Reach.CONSOLE) for env, own in games.items()),
        Section("Training", _training(rows), Reach.FILE),
        Section("Set-up", _setup(content, runs)),
    ]
    protocol = content["protocol"]
    length = (protocol["preset"] and f"preset {protocol['preset']}", protocol["budget"])
    return Document(
        title=f"{', '.join(games)} benchmark",
        stem=Path(FILE).stem,
        kind="benchmark",
        summary=(
            f"{plural(len(names), 'algorithm')} · {plural(len(games), 'environment')} · "
            f"{plural(protocol['num_seeds'], 'seed')} · {' and '.join(filter(None, length))} · "
            f"{protocol['evaluation_episodes']:,} episodes per match-up after training"
        ),
        findings=_findings(games),
        sections=[section for section in sections if section.parts],
        provenance=Provenance.of(content),
        data=content,
        records=_records(rows),
        problems=runs.problems,
    )


def is_whole(found: Document) -> bool:
    """Tell whether no combination of a benchmark failed and everything could be drawn."""
    return not found.problems and all(row["status"] != FAILED for row in found.data["combinations"])


def _records(rows: Iterable[Mapping[str, Any]]) -> Records:
    """Return one row per combination, metric and seed with a score."""
    found = [
        (row["env"], row["algorithm"], metric, seed, value)
        for row in rows
        for metric, scores in row["scores"].items()
        for seed, value in enumerate(scores["per_seed"])
        if value is not None
    ]
    return Records(("env", "algorithm", "metric", "seed", "value"), found)


def by_env(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the rows of each game, in order."""
    games: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        games.setdefault(row["env"], []).append(row)
    return games


def _findings(games: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Finding]:
    """Return the best algorithm of each game, and how much of the benchmark is done."""
    found = []
    for env, rows in games.items():
        scored = [(row["scores"]["score"]["iqm"], row["algorithm"]) for row in rows if "score" in row["scores"]]
        if scored:
            value, name = max(scored, key=lambda each: each[0])
            found.append(Finding(f"Best in {_together(rows)} in {env}", name, f"{value:.3f} per step"))
    states = [row["status"] for rows in games.values() for row in rows]
    left = states.count(UNFINISHED)
    words = f"{states.count(FAILED) or 'none'} failed" + (f", {left} unfinished" if left else "")
    return [*found, Finding("Combinations", f"{states.count(DONE)} of {len(states)} done", words)]


def _failures(folder: Path, rows: Sequence[Mapping[str, Any]], problems: list[str]) -> list[Part]:
    parts: list[Part] = []
    for row in rows:
        if row["status"] == FAILED:
            title = f"{row['algorithm']} in {row['env']}"
            text = _traceback(folder, Path(row["run"]).name, problems)
            details = Listing(f"Traceback of {title}", text) if text else None
            parts.append(Failure(title, row["error"] or "unknown reason", details))
    return [*parts, *(Failure("Not read", problem) for problem in problems)]


def _traceback(folder: Path, name: str, problems: list[str]) -> str:
    try:
        return read_text(folder / ERRORS / f"{name}.txt", within=folder)
    except PolaxError as error:
        problems.append(str(error))
        return ""


def _game(env: str, rows: Sequence[Mapping[str, Any]], runs: Runs, colours: Mapping[str, int]) -> list[Part]:
    learning = [runs.learning[row["run"]] for row in rows if row["run"] in runs.learning]
    scored = [row for row in rows if row["scores"]]
    parts: list[Part] = []
    if learning:
        parts += learning_charts(f"figures/{env}-learning", learning, colours)
    metrics = _shown(rows)
    if scored:
        every = list(dict.fromkeys(metric for row in scored for metric in row["scores"]))
        every = [metric for metric in every if not metric.startswith(("score/player_", "score/gap"))]
        parts += [
            f"After training: interquartile mean over seeds and its {_spread(rows)}. Scores are mean rewards per "
            "step and player. Co-play: policies that were trained together; self-play: one policy as every player. The "
            "gap is the difference between the players' scores in the same seed.",
            _scores_chart(env, scored, metrics, colours),
            _scores(f"{env}: interquartile mean over seeds ({_spread(rows)})", rows, metrics),
            _players(f"{env}: the players of each learner", scored),
        ]
        matrix = meetings(f"figures/{env}-meetings", env, scored)
        parts += [] if matrix is None else [matrix]
        if set(every) - set(metrics):
            titles = {metric: metric.replace("_", " ") for metric in every}
            parts.append(_scores(f"{env}: every metric", rows, titles)._replace(folded=True))
        return parts
    return [*parts, "Nothing was scored in this environment.", _scores(env, rows, {"": "status"})]


def _shown(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the metrics of some combinations to show, with their titles; the first few where none is known."""
    there = list(dict.fromkeys(metric for row in rows for metric in row["scores"]))
    titles = {mean_name(): _together(rows), gap_name(): "gap"}
    titles |= {mean_name(opponent): f"against {opponent}" for opponent in SHOWN if opponent}
    titles |= {
        measure["name"]: measure["title"].lower()
        for row in rows
        for measure in row.get("measures", ())
        if measure["plot"]
    }
    known = {metric: title for metric, title in titles.items() if metric in there}
    return known or {metric: metric.replace("_", " ") for metric in there[: len(SHOWN)]}


def _together(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the word for what the learners' own players do together, or both words."""
    return " or ".join(sorted({_pairing(row) for row in rows if row["scores"]}))


def _pairing(row: Mapping[str, Any]) -> str:
    return pairing(self_play=bool(row.get("self_play")))


def _scores_chart(
    env: str, rows: Sequence[Mapping[str, Any]], metrics: Mapping[str, str], colours: Mapping[str, int]
) -> Chart:
    panels = []
    for metric, title in metrics.items():
        estimates = [
            _estimate(row["algorithm"], colours[row["algorithm"]], row["scores"][metric])
            for row in rows
            if metric in row["scores"]
        ]
        label = "mean reward per step" if metric.startswith("score") else ""
        panels.append(Panel(title, partial(draw_estimates, estimates=estimates, label=label)))
    title = f"{env}: interquartile mean, {_spread(rows)}, and a tick for each seed"
    return Chart(f"figures/{env}-scores", title, panels, (3.2, 1.2 + 0.42 * len(rows)), grid="x")


def _spread(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say what is shown beside the scores of some combinations, of which some may have lost seeds."""
    counts = {len(_values(found)) for row in rows for found in row["scores"].values()} - {0, 1}
    words = " or ".join(sorted({spread_word(count) for count in counts})) or spread_word(FEWEST)
    return f"{words} (range below {FEWEST} seeds)" if " or " in words else words


def _values(found: Mapping[str, Any]) -> list[float]:
    return [value for value in found["per_seed"] if value is not None]


def _estimate(name: str, colour: int, found: Mapping[str, Any]) -> Estimate:
    return Estimate(name, colour, found["iqm"], found["low"], found["high"], _values(found))


def _scores(title: str, rows: Sequence[Mapping[str, Any]], metrics: Mapping[str, str]) -> Table:
    lines = [[row["algorithm"], *(_score(row, metric) for metric in metrics)] for row in rows]
    return Table(title, ["algorithm", *metrics.values()], lines)


def _players(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return a line for each learner and opponent: the mean over players, each player's score, and the gap."""
    players = sorted({player for row in rows for player in scored_players(row["scores"])})
    lines: list[list[Cell]] = []
    for row in rows:
        for opponent in SHOWN:
            if opponent in opponents_of(row["scores"]):
                names = [mean_name(opponent), *(score_name(player, opponent) for player in players), gap_name(opponent)]
                line_up = opponent or _pairing(row)
                lines.append([row["algorithm"], line_up, *(_score(row, name) for name in names)])
    return Table(title, ["algorithm", "line-up", "mean", *(f"player {player}" for player in players), "gap"], lines)


def _score(row: Mapping[str, Any], metric: str) -> Value:
    """Return a score with its interval or range, or the status of a combination without one."""
    found = row["scores"].get(metric)
    if found is None:
        return number(None) if row["status"] == DONE else Value(str(row["status"]), None)
    several = len(found["per_seed"]) > 1
    return interval(found["iqm"], found["low"], found["high"]) if several else number(found["iqm"])


def _training(rows: Iterable[Mapping[str, Any]]) -> list[Part]:
    lines: list[list[Cell]] = [
        [
            row["algorithm"],
            row["env"],
            row["preset"] or "-",
            row["status"],
            *(count(row[name]) for name in ("updates", "env_steps", "seconds")),
            "; ".join(filter(None, [row["error"], _earlier(row)])),
            row["run"],
        ]
        for row in rows
    ]
    head = ["algorithm", "environment", "preset", "status", "updates", "environment steps per seed", "seconds"]
    return [
        "Seconds are of all seeds together, compilation included, evaluation not.",
        Table("Training of each combination", [*head, "remarks", "run"], lines),
    ]


def _earlier(row: Mapping[str, Any]) -> str:
    """Say why a combination was trained again."""
    errors = row.get("earlier_errors") or []
    return f"{plural(len(errors), 'earlier attempt')} failed: {'; '.join(dict.fromkeys(errors))}" if errors else ""


def _setup(content: Mapping[str, Any], runs: Runs) -> list[Part]:
    protocol = {name: value for name, value in content["protocol"].items() if name != "options"}
    options = content["protocol"].get("options") or {}
    return [
        Settings("", protocol),
        *(Settings(f"Options of {name}", given) for name, given in options.items()),
        *configurations(runs.configs),
    ]
