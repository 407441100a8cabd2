"""All seeds of all learners and every strategy against each other, summed up by learner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from rich.console import Console

from ..evaluation.evaluate import measure_dilemma
from ..evaluation.scores import DEFECTOR, TIT_FOR_TAT, score_name
from ..evaluation.verdict import kind_of
from ..tournament.best_response import Response, Training, best_responses
from ..tournament.contest import Progress
from ..tournament.line_up import LineUp, Participant
from ..tournament.matches import play_all
from ..tournament.standings import score


class Side(NamedTuple):
    """A learner with its seeds, or a strategy."""

    name: str
    is_learner: bool
    seeds: tuple[int, ...]
    members: tuple[tuple[int, ...], ...]
    """By seed, the places of its players in the line-up: one that plays as anybody, or one for each player."""

    def playing(self, seed: int, player: int) -> int:
        """Return the place of who plays as a player of the game, for the seed at an index."""
        return self.members[seed][player % len(self.members[seed])]


def sides_of(participants: Sequence[Participant]) -> list[Side]:
    """Sort the participants of a line-up by learner and seed; a strategy is a side of its own, with one seed."""
    found: dict[str, dict[int, list[int]]] = {}
    learners = set()
    for place, each in enumerate(participants):
        name = each.name if each.spec is None else each.spec.algorithm
        if each.spec is not None:
            learners.add(name)
        found.setdefault(name, {}).setdefault(each.seed or 0, []).append(place)
    return [
        Side(name, name in learners, tuple(seeds), tuple(map(tuple, seeds.values()))) for name, seeds in found.items()
    ]


def earnings(sides: Sequence[Side], mean: np.ndarray) -> list[list[list[float | None]]]:
    """Return what each seed of a side gets from another side, on average over the other's players.

    Within a side, a seed meets the other seeds; a strategy meets itself, and a single seed nobody.

    Args:
        sides: what the participants are.
        mean: ``[P, P]``, what the row's participant gets from the column's.

    Returns:
        By side, by other side, by seed; None where nobody was met.
    """

    def met(side: Side, seed: int, other: Side) -> float | None:
        if other is not side or not side.is_learner:
            opponents = [place for members in other.members for place in members]
        else:
            opponents = [place for index, members in enumerate(other.members) if index != seed for place in members]
        return float(mean[np.ix_(side.members[seed], opponents)].mean()) if opponents else None

    return [[[met(side, seed, other) for seed in range(len(side.seeds))] for other in sides] for side in sides]


def cross_play(
    line_up: LineUp,
    *,
    episodes: int,
    seed: int,
    training: Training | None,
    known: Mapping[str, Mapping[str, float] | None],
    console: Console,
) -> dict[str, Any]:
    """Play every participant against every other one, and train the best responses to each side's first seed.

    Args:
        line_up: the game, every seed of the learners, and the strategies.
        episodes: of each ordered pair.
        seed: of all that is random.
        training: how best responses are learned; None: they are not.
        known: the responses to some sides, by name, which were learned before in that way.
        console: where progress is shown.

    Returns:
        What ``league.json`` holds of the game's matches.
    """
    play_key, response_key = jax.random.split(jax.random.key(seed))
    progress, participants = Progress(console), line_up.participants
    line = f"playing {len(participants)} players against each other, {episodes} episodes for each ordered pair"
    progress.begin(line, "part")
    played = play_all(play_key, line_up, participants, episodes=episodes, watched=False, progress=progress.note)
    scores, sides = score(played.rewards), sides_of(participants)
    responses = None
    if training is not None:
        new = [side for side in sides if side.name not in known]
        progress.begin(f"training a best response ({training.algorithm}) to {len(new)} of them", "update")
        found = _responses(response_key, line_up, new, training, episodes=episodes, progress=progress)
        responses = {side.name: {**known, **found}[side.name] for side in sides}
    names = [side.name for side in sides]
    return {
        "env": line_up.env,
        "env_options": line_up.env_options,
        "steps": int(line_up.params.max_steps_in_episode),
        "sides": [
            {
                "name": side.name,
                "is_learner": side.is_learner,
                "seeds": list(side.seeds),
                "self_play": all(participants[place].self_play for place in side.members[0])
                and len(side.members[0]) == 1,
            }
            for side in sides
        ],
        "together": {side.name: _together(side, scores.by_player) for side in sides},
        "earned": dict(
            zip(
                names,
                (dict(zip(names, row, strict=True)) for row in earnings(sides, scores.mean)),
                strict=True,
            )
        ),
        "kinds": _kinds(line_up, sides, scores.by_player),
        "best_responses": responses,
    }


def _together(side: Side, by_player: np.ndarray) -> list[list[float]]:
    """Return what the players of each seed get together, each as the player of the game that it learned."""
    pairs = [(side.playing(seed, 0), side.playing(seed, 1)) for seed in range(len(side.seeds))]
    return [[float(by_player[first, second, 0]), float(by_player[second, first, 1])] for first, second in pairs]


def _kinds(line_up: LineUp, sides: Sequence[Side], by_player: np.ndarray) -> dict[str, list[str | None]]:
    """Return what kind of behaviour each seed of each side shows; nothing in games that are no dilemma."""
    dilemma = measure_dilemma(line_up.game, line_up.params)
    places = {side.name: side.members[0][0] for side in sides if not side.is_learner}
    if dilemma is None or not {TIT_FOR_TAT, DEFECTOR} <= set(places):
        return {}

    def kind(side: Side, seed: int, together: Sequence[float]) -> str | None:
        row = {score_name(player): value for player, value in enumerate(together)}
        for player in range(2):
            own = side.playing(seed, player)
            row |= {score_name(player, name): by_player[own, places[name], player] for name in (TIT_FOR_TAT, DEFECTOR)}
        found = kind_of(row, dilemma)
        return None if found is None else found.value

    return {
        side.name: [kind(side, seed, together) for seed, together in enumerate(_together(side, by_player))]
        for side in sides
    }


def _responses(
    key: jax.Array, line_up: LineUp, sides: Sequence[Side], training: Training, *, episodes: int, progress: Progress
) -> dict[str, Mapping[str, float] | None]:
    """Return what a response gets from the first seed of each side, and leaves it with; the mean over its players."""
    chosen = [(side.name, place) for side in sides for place in side.members[0]]
    players = [line_up.participants[place] for _, place in chosen]
    responses = best_responses(key, line_up, players, training, episodes=episodes, progress=progress.note)
    by_side: dict[str, list[Response]] = {side.name: [] for side in sides}
    for (name, _), response in zip(chosen, responses, strict=True):
        if response is not None:
            by_side[name].append(response)
    return {
        name: {field: float(np.mean([getattr(each, field) for each in found])) for field in Response._fields}
        if found
        else None
        for name, found in by_side.items()
    }
