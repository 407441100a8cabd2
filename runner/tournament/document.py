"""What a tournament found, as a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from ..evaluation.scores import pairing
from ..report.document import Document
from ..report.episodes import payload
from ..report.figures import Curve, HeatMap, draw_curve, finish_curves, heat_map
from ..report.parts import (
    Cell,
    Chart,
    Episodes,
    Finding,
    Panel,
    Part,
    Provenance,
    Reach,
    Records,
    Section,
    Table,
    Value,
    count,
    number,
    plural,
    score,
    winners,
)
from ..runs.files import RunError, make_folder
from ..runs.lock import LOCK
from .groups import group_document, setup_parts
from .population import replicate

FILE = "tournament.json"
FORMAT = 1
"""Version of ``tournament.json``."""


def prepare(folder: Path) -> None:
    """Make an empty folder for the files.

    Raises:
        RunError: it holds something, or cannot be made.
    """
    if {each.name for each in make_folder(folder)} - {LOCK}:
        raise RunError(f"{folder} is not empty; choose another --out")


def document(content: Mapping[str, Any]) -> Document:
    """Return the document of what ``tournament.json`` holds."""
    if "line_ups" in content:
        return group_document(content)
    names = [player["name"] for player in content["players"]]
    payoffs = np.array(content["scores"]["mean"], float)
    sections = [
        Section("Payoffs", _payoffs(content, names), Reach.FILE),
        Section("Ranking", _ranking(content), Reach.CONSOLE),
        Section("Measures", _measures(content), Reach.CONSOLE),
        Section("Population", population_parts(content["env"], names, payoffs), Reach.FILE),
        Section("Policies", _policies(content, names), Reach.FILE),
        Section("Play", _play(content["player_measures"]), Reach.FILE),
        Section("Episodes", _episodes(content)),
        Section("Set-up", _setup(content)),
    ]
    return Document(
        title=f"{content['env']} tournament",
        stem=Path(FILE).stem,
        kind="tournament",
        summary=(
            f"{plural(len(names), 'player')} · {plural(content['episodes'], 'episode')} of "
            f"{plural(content['steps'], 'step')} for each ordered pair · seed {content['seed']}"
        ),
        findings=_findings(content),
        sections=[section for section in sections if section.parts],
        provenance=Provenance.of(content),
        data=content,
        records=_records(content, names),
    )


def _findings(content: Mapping[str, Any]) -> list[Finding]:
    """Return who did best, by the measures there are."""
    rankings, per_step = content["rankings"], "{:.3f} per step"
    most = plural(len(content["players"]) - 1, "point")
    ranked = [
        ("Best mean score", rankings["mean_score"], "score", per_step),
        ("Best head to head", rankings["head_to_head"], "points", f"{{:g}} of {most}"),
        ("Best with itself", _with_itself(content), "score", per_step),
    ]
    own = [{"name": name, **values} for name, values in content["player_measures"]["values"].items()]
    for measure in content["player_measures"]["measures"]:
        if measure["plot"]:
            words = "{:.0%}" if measure["unit"] == "proportion" else f"{{:.3f}} {measure['unit']}"
            ranked.append((f"Highest {measure['title'].lower()}", own, measure["name"], words))
    found = ((label, winners({row["name"]: row[key] for row in rows}), words) for label, rows, key, words in ranked)
    return [Finding(label, best[0], words.format(best[1])) for label, best, words in found if best is not None]


def _with_itself(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": row["name"], "score": fmean(row["with_itself"])} for row in content["measures"]]


def _payoffs(content: Mapping[str, Any], names: Sequence[str]) -> list[Part]:
    mean, error, by_player = (content["scores"][name] for name in ("mean", "standard_error", "by_player"))
    rows: list[list[Cell]] = []
    tips: list[list[str]] = []
    for i, name in enumerate(names):
        rows.append([name, *(score(*pair) for pair in zip(mean[i], error[i], strict=True))])
        tips.append([])
        for j, other in enumerate(names):
            first, second = (number(value, 4) for value in by_player[i][j])
            apart = "" if i == j else f" (as player 0 {first}, as player 1 {second})"
            tips[-1].append(f"{name} against {other}: {rows[i][j + 1]}{apart}")
    label = "mean reward per step"
    chart = heat_map(
        "payoffs",
        f"{content['env']}, {content['episodes']} episodes for each ordered pair",
        HeatMap(names, names, np.array(mean, float), tips, label, x_label="against"),
        cells=True,
    )
    return [
        "Each row is a player, each column its opponent: mean reward per step, averaged over both orders of a pair. "
        "The diagonal is a player against itself: self-play of one policy, or co-play of a pair trained together.",
        chart,
        Table("The row's score against the column's player, ± one standard error", ["", *names], rows, folded=True),
    ]


def _records(content: Mapping[str, Any], names: Sequence[str]) -> Records:
    mean, error = content["scores"]["mean"], content["scores"]["standard_error"]
    size = range(len(names))
    rows = [(names[i], names[j], mean[i][j], error[i][j]) for i in size for j in size]
    return Records(("player", "against", "score", "standard_error"), rows)


def _ranking(content: Mapping[str, Any]) -> list[Part]:
    met = {row["name"]: row for row in content["rankings"]["head_to_head"]}
    rows: list[list[Cell]] = []
    for place, row in enumerate(content["rankings"]["mean_score"], 1):
        other = met[row["name"]]
        counts = [count(other[name]) for name in ("wins", "draws", "losses")]
        points = Value(f"{other['points']:g}", other["points"])
        mean = score(row["score"], row["standard_error"])
        players = [*(score(value) for value in row["by_player"]), score(_gap(row["by_player"]))]
        rows.append([row["name"], count(place), mean, *players, *counts, points])
    head = ["player", "place", "mean score", "as player 0", "as player 1", "gap", "wins", "draws", "losses", "points"]
    return [
        "The mean score is over the other players, ± one standard error; it depends on who takes part. Head to head, "
        "a player wins where it scores more than its opponent by over two standard errors: one point, half a point for "
        "a draw.",
        Table("Ranking by mean score", head, rows),
    ]


def _measures(content: Mapping[str, Any]) -> list[Part]:
    """Return the measures; a best response has columns only where it was asked for."""
    trained = [row["best_response"] for row in content["measures"] if row["best_response"]]
    kinds = {player["name"]: pairing(self_play=player["self_play"]) for player in content["players"]}
    strategies = dict.fromkeys(name for row in content["measures"] for name in row["against"])
    line_ups = ["with itself", *(f"against {name}" for name in strategies)]
    head = ["player", "with itself is", *(title for name in line_ups for title in (name, f"gap {name}"))]
    head += ["best response gets", "and leaves"] if trained else []
    rows: list[list[Cell]] = []
    for row in content["measures"]:
        pairs = [row["with_itself"], *(row["against"][name] for name in strategies)]
        response = row["best_response"] or {"score": None, "left_with": None}
        values = [response["score"], response["left_with"]] if trained else []
        scores = [value for pair in pairs for value in (_pair(pair), score(_gap(pair)))]
        rows.append([row["name"], kinds[row["name"]], *scores, *map(score, values)])
    words = (
        "How a player does against itself, with a player that reciprocates, and what a defector can take from it: the "
        "mean over both positions, the scores as player 0 and as player 1, and the gap between them. With itself, one "
        "policy is in self-play, and the policies of a run that learned a policy for each player are in co-play."
    )
    if trained:
        words += (
            f" The best response is a {trained[0]['algorithm']} learner trained for {trained[0]['updates']} updates "
            "against the player, which is frozen: what it extorts, and what it leaves the player with. It is what this "
            "learner found, so there may be a better one."
        )
    return [words, Table("Measures of each player, mean reward per step", head, rows)]


def _pair(scores: Sequence[float]) -> Value:
    """Return the mean of the scores as player 0 and as player 1, and both."""
    return score(fmean(scores))._replace(spread=f"({', '.join(number(value).text for value in scores)})")


def _gap(scores: Sequence[float]) -> float:
    return max(scores) - min(scores)


DRAWN = 7
"""Players whose share is drawn, each in a colour of its own: those with the largest mean shares."""


def population_parts(env: str, names: Sequence[str], payoffs: np.ndarray, *, name: str = "population") -> list[Part]:
    """Return how the shares of the players develop where those who earn more become more.

    Args:
        env: the game.
        names: of the players.
        payoffs: ``[P, P]``, what the row's player earns from the column's.
        name: of the chart.

    Returns:
        Words, chart and table; nothing for one player, or where a payoff is not known.
    """
    if len(names) < 2 or not np.isfinite(payoffs).all():
        return []
    found = replicate(payoffs)
    chosen = sorted(np.argsort(-found.shares.mean(axis=0), kind="stable")[:DRAWN].tolist())

    def draw(axes: Any) -> None:
        for colour, index in enumerate(chosen):
            share = found.shares[:, index]
            draw_curve(
                axes, Curve(names[index], colour, found.generations, share, share, share, share[None]), "generation"
            )
        finish_curves(axes, "generation", "share", {})

    last = found.shares[-1]
    order = np.argsort(-last, kind="stable").tolist()
    rows: list[list[Cell]] = [[names[i], *(number(found.shares[g, i], 3) for g in (0, -1))] for i in order]
    left_out = "" if len(chosen) == len(names) else f" The {DRAWN} players with the largest mean shares are drawn."
    return [
        "A population in which all players are equally many at first, every one meets every one, and those who earn "
        "more become more (replicator dynamics on the payoffs above, each with itself included). It says who can "
        f"establish itself among these players; among others it may be different.{left_out}",
        Chart(name, f"{env}: shares of a population", [Panel("Share", draw)], (6.4, 3.4)),
        Table(f"Share at first and after {len(found.generations) - 1} generations", ["player", "first", "last"], rows),
    ]


def _policies(content: Mapping[str, Any], names: Sequence[str]) -> list[Part]:
    tables = content["policy_tables"]
    known = [name for name in names if tables.get(name)]
    if not known:
        return []
    actions, counted = content["action_names"], content.get("cooperative_action")
    chosen = actions[1 if counted is None else counted]
    action = f"choosing {chosen}"
    after = ["first step" if row["after"] == "start" else row["after"] for row in tables[known[0]]]
    rates = [[row["cooperate"] for row in tables[name]] for name in known]
    tips = [
        [_habit(name, action, where, row) for where, row in zip(after, tables[name], strict=True)] for name in known
    ]
    legend = "" if counted is None else f" C stands for {actions[counted]}, D for {actions[1 - counted]}."
    title = f"Probability of {action} after each last joint action"
    rows: list[list[Cell]] = [
        [name, *(number(rate, 2) for rate in own)] for name, own in zip(known, rates, strict=True)
    ]
    return [
        f"How often a player chose {chosen} after each last joint action, its own action first, in all its matches. "
        f"A dash means the situation never occurred.{legend}",
        heat_map("policies", title, HeatMap(known, after, np.array(rates, float), tips, "probability", digits=2)),
        Table(f"{title}, its own first", ["player", *after], rows, folded=True),
    ]


def _habit(name: str, action: str, where: str, row: Mapping[str, Any]) -> str:
    when = f"in the {where}" if row["after"] == "start" else f"after {where}"
    if not row["count"]:
        return f"{name} {when}: never occurred"
    return f"{name} {when}: {action} {number(row['cooperate'], 4)} ({count(row['count'])} decisions)"


def _play(found: Mapping[str, Any]) -> list[Part]:
    """Return the game's own measures of each player."""
    measures = found["measures"]
    if not measures:
        return []
    rows = [[name, *(_written(measure, values[measure["name"]]) for measure in measures)]
            for name, values in found["values"].items()]  # fmt: skip
    head = [f"{measure['title'].lower()} ({measure['unit']})".replace(" ()", "") for measure in measures]
    return [
        "What the game measures about each player's play. A dash means that a value is undefined.",
        Table("Play of each player, averaged over both orders of its pairs", ["player", *head], rows),
    ]


def _written(measure: Mapping[str, Any], value: float | None) -> Value:
    if measure["unit"] == "proportion" and value is not None:
        return Value(f"{value:.1%}", value)
    return number(value)


def _episodes(content: Mapping[str, Any]) -> list[Part]:
    if not content["episodes_shown"]:
        return []
    words = "One recorded episode of each pair: choose two players here, or a cell of the payoffs."
    return [words, Episodes(payload(content))]


def _setup(content: Mapping[str, Any]) -> list[Part]:
    game = {
        "environment": content["env"],
        "episodes for each ordered pair": content["episodes"],
        "steps": content["steps"],
        "seed": content["seed"],
    }
    return setup_parts(content, game)
