"""A whole tournament, from its players to what ``tournament.json`` holds."""

from __future__ import annotations

import time
from typing import Any

import jax
import numpy as np
from rich.console import Console

from ..evaluation.scores import DEFECTOR, TIT_FOR_TAT
from ..runs.manifest import versions
from ..training.progress import LINE_INTERVAL, Rate, say
from .best_response import Response, Training, best_responses, options_of
from .document import FORMAT
from .line_up import LineUp
from .matches import play_all
from .records import Played
from .standings import episodes_shown, player_measures, policy_tables, rank_by_mean, rank_head_to_head, score

YARDSTICKS = (TIT_FOR_TAT, DEFECTOR)
"""Strategies that everybody meets, whether they take part or not: one with which it pays to cooperate, and one that
never cooperates."""


def contest(
    line_up: LineUp, *, episodes: int, seed: int, training: Training | None, console: Console
) -> dict[str, Any]:
    """Play the matches, train the responses, and put the tables together.

    Args:
        line_up: the game and the players.
        episodes: for each ordered pair.
        seed: of all that is random.
        training: how best responses are learned; None: they are not.
        console: where progress is shown.

    Returns:
        What ``tournament.json`` holds, the command apart.
    """
    names = [each.name for each in line_up.participants]
    play_key, response_key = jax.random.split(jax.random.key(seed))
    progress = Progress(console)
    played, against = _play(play_key, line_up, episodes, progress)
    responses: list[Response | None] = [None] * len(names)
    if training is not None:
        progress.begin(f"training a best response ({training.algorithm}) to {len(names)} players", "update")
        responses = best_responses(
            response_key, line_up, line_up.participants, training, episodes=episodes, progress=progress.note
        )
    scores = score(played.rewards)
    measures = [
        {
            "name": name,
            "with_itself": scores.by_player[index, index].tolist(),
            "against": {strategy: values[index].tolist() for strategy, values in against.items()},
            "best_response": _response(responses[index], training, line_up.env),
        }
        for index, name in enumerate(names)
    ]
    return {
        "format": FORMAT,
        "kind": "tournament",
        "versions": versions(),
        "env": line_up.env,
        "env_options": line_up.env_options,
        "episodes": episodes,
        "steps": int(line_up.params.max_steps_in_episode),
        "action_names": list(line_up.game.action_names),
        "seed": seed,
        "players": [each.to_json() for each in line_up.participants],
        "scores": {name: getattr(scores, name).tolist() for name in ("mean", "standard_error", "by_player")},
        "rankings": {
            "mean_score": rank_by_mean(names, scores),
            "head_to_head": rank_head_to_head(names, scores),
        },
        "measures": measures,
        "policy_tables": policy_tables(names, played, line_up.game),
        "cooperative_action": line_up.game.cooperative_action,
        "player_measures": player_measures(names, played, line_up.game),
        "episodes_shown": episodes_shown(names, played, line_up.game),
    }


def _play(key: jax.Array, line_up: LineUp, episodes: int, progress: Progress) -> tuple[Played, dict[str, np.ndarray]]:
    """Play the matches, and each player's against the game's `YARDSTICKS`, whether or not these take part.

    Returns:
        The matches of those who take part, and by strategy what each gets from it as player 0 and as player 1,
        ``[P, 2]``.
    """
    names = [each.name for each in line_up.participants]
    extra = [name for name in YARDSTICKS if name in line_up.game.strategies and name not in names]
    everyone = line_up
    for name in extra:
        everyone = everyone.add(name)
    console_line = f"playing {len(names)} players against each other, {episodes} episodes for each ordered pair"
    progress.begin(console_line, "part")
    played = play_all(key, everyone, everyone.participants, episodes=episodes, progress=progress.note)
    columns = {name: index for index, name in enumerate([*names, *extra]) if name in YARDSTICKS}
    by_player = score(played.rewards).by_player
    against = {name: by_player[: len(names), columns[name]] for name in YARDSTICKS if name in columns}
    return played.without_last(len(extra)), against


def _response(response: Response | None, training: Training | None, env: str) -> dict[str, Any] | None:
    if response is None or training is None:
        return None
    return {
        "score": response.score,
        "left_with": response.left_with,
        "algorithm": training.algorithm,
        "updates": training.updates,
        "options": options_of(training, env),
    }


class Progress:
    """Says what is being done and, now and then, how long it will take."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def begin(self, what: str, unit: str) -> None:
        """Say what begins, and remember of which units it is made."""
        self._unit, self._rate, self._last_line = unit, Rate(), time.monotonic()
        say(self._console, what)

    def note(self, done: int, total: int) -> None:
        """Note how many units are done, and of how many."""
        self._rate.tick()
        left = self._rate.left(total - done)
        if left and time.monotonic() - self._last_line > LINE_INTERVAL:
            self._last_line = time.monotonic()
            say(self._console, f"{self._unit} {done}/{total}  {left}")
