"""The league as a document: for each game who earns what, with whom, how soon, and who takes over a population."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..evaluation.scores import COOPERATOR, DEFECTOR, TIT_FOR_TAT, pairing
from ..evaluation.statistics import mean_and_spread
from ..evaluation.verdict import Kind
from ..report.document import Document
from ..report.figures import HeatMap, heat_map
from ..report.learning import learning_charts, read_kept_curves
from ..report.parts import (
    Cell,
    Failure,
    Finding,
    Part,
    Provenance,
    Reach,
    Records,
    Section,
    Settings,
    Table,
    Value,
    count,
    number,
    plural,
)
from ..tournament.document import population_parts

FILE = "league.json"
FORMAT = 2

OPPONENTS = (TIT_FOR_TAT, DEFECTOR, COOPERATOR)
"""Strategies with a column of their own in the table of standings."""

Game = Mapping[str, Any]
"""What ``league.json`` holds of one game."""


class _Standing(NamedTuple):
    """A side's place in a game."""

    name: str
    by_seed: list[float]
    """The mean over the other sides."""


def document(content: Mapping[str, Any]) -> Document:
    """Return the document of what ``league.json`` holds."""
    sections = []
    for game in content["games"]:
        parts = [*_standings(game), *_cross_play(game), *_milestones(game), *_population(game)]
        sections.append(Section(game["env"], [*parts, *_curves(game)], Reach.CONSOLE))
    failures: list[Part] = [
        Failure(f"{row['algorithm']} in {row['env']}", row["error"] or "unknown reason") for row in content["failures"]
    ]
    protocol = content["protocol"]
    set_up = [Settings("", protocol), *_origins(content)]
    sections = [Section("Failures", failures, Reach.FILE), *sections, Section("Set-up", set_up)]
    names = dict.fromkeys(side["name"] for game in content["games"] for side in game["sides"] if side["is_learner"])
    return Document(
        title="League",
        stem=Path(FILE).stem,
        kind="league",
        summary=(
            f"{plural(len(names), 'learner')} · {plural(len(content['games']), 'game')} · "
            f"{plural(protocol['num_seeds'], 'seed')} · preset {protocol['preset']} · "
            f"{protocol['episodes']:,} episodes for each ordered pair"
        ),
        findings=_findings(content["games"]),
        sections=[section for section in sections if section.parts],
        provenance=Provenance.of(content),
        data=content,
        records=_records(content["games"]),
    )


def _findings(games: Sequence[Game]) -> list[Finding]:
    """Return the learner that earns most in each game, and those of which every seed reciprocates."""
    found = []
    for game in games:
        learners = [side["name"] for side in game["sides"] if side["is_learner"]]
        ranked = [each for each in _ranking(game) if each.name in learners]
        if ranked:
            found.append(
                Finding(f"Best learner in {game['env']}", ranked[0].name, f"{np.mean(ranked[0].by_seed):.3f} per step")
            )
        all_reciprocate = [name for name in learners if game["kinds"] and _count_kind(game, name) == _seeds(game, name)]
        if game["kinds"]:
            words = f"{len(all_reciprocate)} of {len(learners)} learners"
            found.append(Finding(f"Reciprocate in {game['env']}", ", ".join(all_reciprocate) or "none", words))
    return found


def _ranking(game: Game) -> list[_Standing]:
    """Return the sides, the best first; alone, a side is ranked by what its seeds get from each other."""
    earned = game["earned"]
    standings = []
    for name, row in earned.items():
        others = [seeds for other, seeds in row.items() if other != name] or [row[name]]
        columns = [[np.nan if value is None else value for value in seeds] for seeds in others]
        standings.append(_Standing(name, np.mean(columns, axis=0).tolist()))
    return sorted(standings, key=lambda each: -np.nan_to_num(np.mean(each.by_seed), nan=-np.inf))


def _standings(game: Game) -> list[Part]:
    kinds, responses = game["kinds"], game["best_responses"]
    opponents = [name for name in OPPONENTS if name in game["earned"]]
    head = ["player", "place", "mean score", "together", "gap", "other seeds"]
    head += [f"against {name}" for name in opponents]
    measures = _measures(game)
    head += measures
    head += ["reciprocates"] if kinds else []
    head += ["best response gets", "and leaves"] if responses else []
    sides = {side["name"]: side for side in game["sides"]}
    rows: list[list[Cell]] = []
    for place, standing in enumerate(_ranking(game), 1):
        name, side = standing.name, sides[standing.name]
        together = np.array(game["together"][name])  # [S, 2]
        earned = game["earned"][name]
        both = _mean(together.mean(axis=1).tolist())
        both = both._replace(spread=f"{both.spread} {pairing(self_play=side['self_play'])}".lstrip())
        row: list[Cell] = [name, count(place), _mean(standing.by_seed), both]
        row += [number(float(np.ptp(together, axis=1).mean())), _mean(earned[name] if side["is_learner"] else [])]
        row += [_mean(earned[other]) for other in opponents]
        row += [_mean(values.get(name, [])) for values in measures.values()]
        row += [_reciprocal(game, name)] if kinds else []
        if responses:
            response = responses[name] or {"score": None, "left_with": None}
            row += [number(response["score"]), number(response["left_with"])]
        rows.append(row)
    return [
        "Mean reward per step, mean over seeds with its 95% interval (below four seeds their range). The mean score is "
        "over all other learners and strategies, each of which counts once; it depends on who takes part. Together: "
        "the players of one seed with each other, in self-play (one policy as every player) or in co-play (policies "
        "that were trained together); the gap is the mean difference between them. Other seeds: a seed with the other "
        f"seeds of its learner.{_words_on_kinds(game)}{_words_on_responses(game)}",
        Table(f"{game['env']}: standings", head, rows),
    ]


def _words_on_kinds(game: Game) -> str:
    if not game["kinds"]:
        return ""
    return (
        " Reciprocates: the seeds that cooperate with each other and with tit-for-tat and leave little to a player "
        "that always defects; docs/what_was_learned.md has the limits."
    )


def _words_on_responses(game: Game) -> str:
    training = game["training"]
    if training is None:
        return ""
    return (
        f" The best response is a {training['algorithm']} learner trained for {training['updates']} updates against "
        "the first seed, which is frozen; there may be a better one."
    )


def _mean(values: Sequence[float | None]) -> Value:
    known = [value for value in values if value is not None and np.isfinite(value)]
    if not known:
        return number(None)
    found = mean_and_spread(known)
    return number(found.mean)._replace(spread=str(found))


def _seeds(game: Game, name: str) -> int:
    return len(game["together"][name])


def _count_kind(game: Game, name: str) -> int:
    return sum(kind == Kind.RECIPROCATES.value for kind in game["kinds"][name])


def _reciprocal(game: Game, name: str) -> Value:
    found, seeds = _count_kind(game, name), _seeds(game, name)
    return Value(f"{found} of {seeds}", found / seeds)


def _cross_play(game: Game) -> list[Part]:
    names = [each.name for each in _ranking(game)]
    values, tips = np.full((len(names), len(names)), np.nan), [[""] * len(names) for _ in names]
    for i, name in enumerate(names):
        for j, other in enumerate(names):
            found = _mean(game["earned"][name][other])
            values[i, j] = np.nan if found.number is None else found.number
            tips[i][j] = f"{name} against {other}: {found}"
    label = "mean reward per step"
    title = f"{game['env']}: what the row gets from the column"
    return [
        "Every seed of the row against every seed of the column, both as either player. On the diagonal a learner's "
        "seeds meet its other seeds, and a strategy meets itself.",
        heat_map(f"{game['env']}-cross-play", title, HeatMap(names, names, values, tips, label, x_label="against")),
    ]


def _milestones(game: Game) -> list[Part]:
    """Return how soon each learner came how far."""
    found = game["milestones"]
    levels = list(dict.fromkeys(level for by_level in found.values() for level in by_level))
    if not levels:
        return []
    rows: list[list[Cell]] = []
    for name, by_level in found.items():
        for level in levels:
            passes = [each for each in by_level[level].values() if each is not None]
            reached = Value(f"{len(passes)} of {len(by_level[level])}", len(passes))
            rows.append([name, level, reached, *(_range(passes, key) for key in ("update", "env_steps", "seconds"))])
    words = ", ".join(
        f"{each['name']} above {each['self_play']:.3f} together and {each['against_defector']:.3f} against {DEFECTOR}"
        for each in game["thresholds"]
    )
    return [
        "The first evaluation of each seed that reaches a level, unsmoothed, so that later ones may fall behind it: "
        "the lowest and the highest of the seeds. Reciprocates is as above"
        f"{f'; in mean reward per step, {words}' if words else ''}. Environment steps are those of one seed. Seconds "
        "are of training, compilation included; the seeds of a learner train side by side, so each one's seconds "
        "contain the others' work.",
        Table(
            f"{game['env']}: how soon",
            ["learner", "level", "seeds", "updates", "environment steps", "seconds"],
            rows,
        ),
    ]


def _range(passes: Sequence[Mapping[str, float]], key: str) -> Value:
    values = [each[key] for each in passes if each.get(key) is not None]
    if not values:
        return number(None)
    low, high = count(min(values)), count(max(values))
    return low if low.text == high.text else Value(f"{low.text} to {high.text}", low.number)


def _population(game: Game) -> list[Part]:
    """Return the shares in a population; a single seed has no other seeds to meet, and meets itself there."""
    names = list(game["earned"])
    payoffs = np.array([[_mean(game["earned"][name][other]).number for other in names] for name in names], float)
    alone = np.isnan(np.diag(payoffs))
    together = [float(np.mean(game["together"][name])) for name in names]
    payoffs[alone, alone] = np.array(together)[alone]
    return population_parts(game["env"], names, payoffs, name=f"{game['env']}-population")


def _origins(content: Mapping[str, Any]) -> list[Settings]:
    """Return where the numbers of a joined league come from, and those of the one that it had joined itself."""
    found, origin = [], content.get("joined")
    while origin:
        rest = {name: value for name, value in origin.items() if name not in ("command", "joined")}
        found.append(Settings("Joined league", {"command": shlex.join(origin["command"]), **rest}))
        origin = origin.get("joined")
    return found


def _measures(game: Game) -> dict[str, dict[str, list[float | None]]]:
    """Return what the game wants drawn, by its title and by learner: the last value of each seed."""
    found: dict[str, dict[str, list[float | None]]] = {}
    for name, content in game["curves"].items():
        run = read_kept_curves(content)
        last = {row["seed"]: row for row in run.rows}
        for measure in run.measures:
            values = [row.get(measure["name"]) for row in last.values()]
            found.setdefault(measure["title"].lower(), {})[name] = values
    return found


def _curves(game: Game) -> list[Part]:
    runs = [run for content in game["curves"].values() if (run := read_kept_curves(content)).rows]
    colours = {run.label: place for place, run in enumerate(runs)}
    return [*learning_charts(f"{game['env']}-learning", runs, colours)] if runs else []


def _records(games: Sequence[Game]) -> Records:
    """Return what each seed got from each side."""
    rows = [
        (game["env"], side["name"], seed, other, value)
        for game in games
        for side in game["sides"]
        for other, values in game["earned"][side["name"]].items()
        for seed, value in zip(side["seeds"], values, strict=True)
        if value is not None
    ]
    return Records(("env", "player", "seed", "against", "score"), rows)
