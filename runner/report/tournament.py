"""The sections of a tournament's page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import episodes, heat_map
from .markup import NONE, Markup, count, element, number, plural
from .parts import Cell, Section, Tile, configuration, folded, note, score_cell, settings, setup_parts, table, winners


def subtitle(content: Mapping[str, Any]) -> str:
    """Say how much was played."""
    return (
        f"{plural(len(content['players']), 'player')} · {plural(content['episodes'], 'episode')} of "
        f"{plural(content['steps'], 'step')} for each pair and seat · seed {content['seed']}"
    )


def findings(content: Mapping[str, Any]) -> list[Tile]:
    """Return who did best, by the measures there are."""
    means = {row["name"]: row["score"] for row in content["rankings"]["mean_score"]}
    points = {row["name"]: row["points"] for row in content["rankings"]["head_to_head"]}
    alone = {row["name"]: row["self_play"] for row in content["measures"]}
    most = len(content["players"]) - 1
    rows = [
        ("Best mean score", winners(means.items()), lambda value: f"{number(value)} a step"),
        ("Best head to head", winners(points.items()), lambda value: f"{value:g} of {plural(most, 'point')}"),
        ("Best with its like", winners(alone.items()), lambda value: f"{number(value)} a step"),
    ]
    for measure in content["player_measures"]["measures"]:
        if measure["plot"]:
            found = {name: each[measure["name"]] for name, each in content["player_measures"]["values"].items()}
            rows.append((f"Most {measure['title'].lower()}", winners(found.items()), _written(measure)))
    return [Tile(label, best[0], words(best[1])) for label, best, words in rows if best is not None]


def sections(content: Mapping[str, Any]) -> list[Section]:
    """Return everything below the findings."""
    parts = [
        Section(
            "payoffs",
            "Payoffs",
            [
                note(
                    "Each row is a player, each column whom it met: mean reward a step, both seats averaged. The "
                    "diagonal is a player with itself. Point at a cell, or go there with the arrow keys, for its "
                    "standard error and the two seats; choose it to see an episode of the pair below."
                ),
                heat_map.payoffs(content),
            ],
        ),
        Section("ranking", "Ranking", _ranking(content)),
        Section("measures", "Measures", _measures(content)),
    ]
    names = [player["name"] for player in content["players"]]
    if any(content["policy_tables"].get(name) for name in names):
        parts.append(Section("policies", "Policies", _policies(content, names)))
    if content["player_measures"]["measures"]:
        parts.append(Section("play", "Play", _play(content["player_measures"])))
    if content["episodes_shown"]:
        what = note("One recorded episode of each pair: choose two players here, or a cell of the payoffs.")
        parts.append(Section("episodes", "Episodes", [what, episodes.viewer()]))
    return [*parts, Section("setup", "Set-up", _setup(content))]


def _ranking(content: Mapping[str, Any]) -> list[Markup]:
    met = {row["name"]: row for row in content["rankings"]["head_to_head"]}
    rows = []
    for place, row in enumerate(content["rankings"]["mean_score"], 1):
        other = met[row["name"]]
        counts = [Cell(other[name], other[name]) for name in ("wins", "draws", "losses")]
        points = Cell(f"{other['points']:g}", other["points"])
        score = score_cell(row["score"], row["standard_error"], digits=4)
        rows.append([row["name"], Cell(place, place), score, points, *counts])
    head = ["player", "place", "mean score", "points", "wins", "draws", "losses"]
    return [
        note(
            "The mean score is over the other players, ± one standard error; who takes part decides it. Head to head "
            "a player wins where it scores more than the other by over two standard errors: a point, half for a draw."
        ),
        table("Ranking by mean score", head, rows),
    ]


def _measures(content: Mapping[str, Any]) -> list[Markup]:
    asked = any(row["best_response"] for row in content["measures"])
    head = ["player", "self-play", "against always-defect"]
    head += ["best response gets", "and leaves"] if asked else []
    rows: list[list[object]] = []
    for row in content["measures"]:
        values = [row["self_play"], row["against_always_defect"]]
        if asked:
            response = row["best_response"] or {"score": None, "left_with": None}
            values += [response["score"], response["left_with"]]
        rows.append([row["name"], *map(score_cell, values)])
    words = "How a player does with its like, and what a defector can take from it."
    trained = next((row["best_response"] for row in content["measures"] if row["best_response"]), None)
    if trained:
        words += (
            f" The best response is a {trained['algorithm']} learner trained for {trained['updates']} updates against "
            "the player, which is frozen: what it extorts, and what it leaves the player with. It is what this learner "
            "found, so there may be a better one."
        )
    return [note(words), table("Measures of each player, mean reward a step", head, rows)]


def _policies(content: Mapping[str, Any], names: list[str]) -> list[Markup]:
    actions = content.get("action_names") or ["defect", "cooperate"]
    action = "cooperating" if actions[1] == "cooperate" else f"playing {actions[1]}"
    legend = "" if action == "cooperating" else f" C stands for {actions[1]}, D for {actions[0]}."
    return [
        note(
            f"How often a player was {action} after each last joint move, its own move first, in all its matches "
            f"together. A dash: it did not come to that.{legend}"
        ),
        heat_map.habits(content["policy_tables"], action, names),
    ]


def _play(found: Mapping[str, Any]) -> list[Markup]:
    """Return the game's own measures of each player."""
    measures = found["measures"]
    rows: list[list[object]] = []
    for name, values in found["values"].items():
        cells = ((values[measure["name"]], _written(measure)) for measure in measures)
        rows.append([name, *(Cell(NONE if value is None else write(value), value) for value, write in cells)])
    head = ["player", *(measure["title"].lower() for measure in measures)]
    units = dict.fromkeys(measure["unit"] for measure in measures if measure["unit"] not in ("", "proportion"))
    words = f"In {' and '.join(units)}. " if units else ""
    return [
        note(f"{words}A dash means that a value is undefined."),
        table("Measures of each player's play, both seats averaged", head, rows),
    ]


def _written(measure: Mapping[str, Any]) -> Callable[[float], str]:
    """Return how a value of a measure is written."""
    return (lambda value: f"{value:.1%}") if measure["unit"] == "proportion" else (lambda value: number(value, 3))


def _setup(content: Mapping[str, Any]) -> list[Markup]:
    game = {
        "game": content["env"],
        "episodes a pair and seat": content["episodes"],
        "steps": content["steps"],
        "seed": content["seed"],
    }
    rows = []
    for player in content["players"]:
        seed, update = (Cell(count(player[name]), player[name]) for name in ("seed", "update"))
        rows.append([player["name"], player["kind"], player["algorithm"] or NONE, player["path"] or NONE, seed, update])
    configs = [
        folded(
            f"Configuration of {player['name']}",
            configuration(player["config"], player["name"]),
        )
        for player in content["players"]
        if player["config"]
    ]
    return [
        settings({**game, **content["env_options"]}),
        table("Players", ["player", "kind", "learner", "run", "seed", "update"], rows),
        element("div", configs),
        *setup_parts(content),
    ]


def data(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page's script needs."""
    return {"charts": [], "episodes": episodes.payload(content) if content["episodes_shown"] else None}
