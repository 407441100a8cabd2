"""A page in which a person plays against trained policies: one file, and nothing is loaded from anywhere."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup

from ...envs.base import Game, PageProgram, Policy
from ...options import OptionError
from .page import asset, environment, policy_of, style_of

SCRIPTS = ("page.js", "boards.js", "play.js")
STYLES = ("page.css", "episodes.css", "play.css")
"""In the order in which they are read."""


class Opponent(NamedTuple):
    """A policy to play against."""

    name: str
    env: Game[Any, Any]
    params: Any
    policy: Policy
    player: int
    """Which player of the game it is; the person is the other one."""


def play_page(opponents: Sequence[Opponent]) -> str:
    """Return the page.

    Raises:
        OptionError: a game, or a policy, cannot be played in a page.
    """
    scripts: list[str] = []
    games: list[dict[str, Any]] = []
    agents: list[dict[str, Any]] = []
    for each in opponents:
        entry = _game(each, scripts)
        if entry not in games:
            games.append(entry)
        program = getattr(each.policy, "page_program", lambda: None)()
        if program is None:
            raise OptionError(
                f"{each.name} cannot be played in a page: {type(each.policy).__name__} has no page_program; "
                "trained networks and memory-one policies have one"
            )
        agents.append(
            {"name": each.name, "game": games.index(entry), "player": each.player, **_entry(program, scripts)}
        )
    for number, game in enumerate(games):
        same = [other["name"] for other in games[:number]].count(game["name"])
        game["title"] = f"{game['name']} ({same + 1})" if same else game["name"]
    programs = ",\n".join(f"({script.strip()})" for script in scripts)
    first, *rest = map(asset, SCRIPTS)
    script = "\n".join([first, f"const programs = [{programs}];", *rest])
    html: str = (
        environment()
        .get_template("play.html")
        .render(
            title=f"{games[0]['name']} against {agents[0]['name']}",
            data={"games": games, "agents": agents, "episodes": {}},
            policy=policy_of(script),
            style=Markup(style_of(STYLES)),
            script=Markup(script),
        )
    )
    return html


def _game(opponent: Opponent, scripts: list[str]) -> dict[str, Any]:
    env, params = opponent.env, opponent.params
    program = env.page_program(params)
    if program is None:
        raise OptionError(f"{env.name} cannot be played in a page: its page_program returns no rules in JavaScript")
    known = (f"{name} {value:.2f}" for name, value in env.reference_scores(params).items())
    return {
        "name": env.name,
        "actions": list(env.action_names),
        "players": list(env.player_names),
        "steps": int(params.max_steps_in_episode),
        "references": ", ".join(known),
        **_entry(program, scripts),
    }


def _entry(program: PageProgram, scripts: list[str]) -> dict[str, Any]:
    """Return the number of a program's script, which is added unless it is there, and its numbers."""
    script = _without_comments(program.script)
    if script not in scripts:
        scripts.append(script)
    return {"program": scripts.index(script), "numbers": _numbers(program.numbers)}


def _without_comments(script: str) -> str:
    """Return an expression without the lines of comments around it."""
    lines = script.strip().splitlines()
    return "\n".join(line for line in lines if not line.startswith("//")).rstrip().removesuffix(";")


def _numbers(numbers: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value if isinstance(value, bool | int | float | str | list) else _array(value)
        for name, value in numbers.items()
    }


def _array(value: Any) -> dict[str, Any]:
    array = np.asarray(value, "<f4")
    return {"shape": list(array.shape), "bytes": base64.b64encode(array.tobytes()).decode()}
