"""A tournament in a game of more than two players: line-ups of as many players, all of them or a sample.

A line-up says which players sit together, with repetition; who of them is which player of the game is drawn. A player's
score is its mean over the line-ups in which it sits with somebody else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import combinations_with_replacement
from math import comb
from typing import Any, NamedTuple

import jax
import numpy as np
from rich.console import Console

from ...envs.base import Game, Policy
from ...envs.policies.one_of import StackedPolicies, stack_policies
from ...envs.policies.play import play_policies
from ...envs.policies.python_play import for_python, play_episodes_in_python
from ..report.document import Document
from ..report.figures import HeatMap, heat_map
from ..report.parts import (
    Cell,
    Finding,
    Part,
    Provenance,
    Reach,
    Records,
    Section,
    Settings,
    Table,
    configurations,
    count,
    plural,
    score,
    winners,
)
from ..runs.manifest import versions
from ..training.progress import say
from .arena import EPISODES_AT_ONCE
from .line_up import LineUp
from .standings import standard_error

FORMAT = 1
LINE_UPS = 1000
"""Line-ups that are played unless another number is asked for."""


class Seating(NamedTuple):
    """Who sits where."""

    seats: np.ndarray  # [L, N] which participant is each player of the game
    possible: int
    """How many line-ups there are."""


def draw_seating(participants: int, players: int, *, most: int, seed: int) -> Seating:
    """Return all line-ups, or where there are more than ``most``, that many of them drawn without replacement.

    Line-ups of one participant alone are always among them.

    Args:
        participants: how many take part.
        players: N, seats of a line-up.
        most: line-ups.
        seed: of what is drawn.
    """
    rng, possible = np.random.default_rng(seed), comb(participants + players - 1, players)
    if possible <= most:
        chosen = [*combinations_with_replacement(range(participants), players)]
    else:
        found = {(each,) * players for each in range(participants)}
        # A line-up is a choice of N from P + N - 1, less 0, 1, ..., so that each is as likely as another.
        while len(found) < max(most, participants):
            drawn = np.sort(rng.choice(participants + players - 1, players, replace=False)) - np.arange(players)
            found.add(tuple(drawn.tolist()))
        chosen = sorted(found)
    return Seating(rng.permuted(np.array(chosen), axis=1), possible)


def play_line_ups(
    key: jax.Array, line_up: LineUp, seats: np.ndarray, *, episodes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Play every line-up.

    Args:
        key: a typed key.
        line_up: the game, and who takes part.
        seats: ``[L, N]``.
        episodes: of each line-up.

    Returns:
        Mean reward per step of every player of the game, and its standard error over episodes, ``[L, N]`` each.
    """
    participants = line_up.participants
    fast = np.array([each.compiled for each in participants])[seats].all(axis=1)
    rewards = np.zeros((len(seats), line_up.game.num_players, episodes))
    if fast.any():
        rewards[fast] = _play_compiled(jax.random.fold_in(key, 0), line_up, seats[fast], episodes)
    for number in np.flatnonzero(~fast):
        policies = [for_python(participants[who].policies[player]) for player, who in enumerate(seats[number])]
        own_key = jax.random.fold_in(key, 1 + number)
        play = partial(play_episodes_in_python, observe=_nothing, known=(), num_envs=episodes)
        rewards[number] = play(own_key, line_up.game, line_up.params, policies).rewards.T
    return rewards.mean(axis=2), standard_error(rewards)


def _nothing(known: Any, step: Any) -> tuple[Any, None]:
    return known, None


def _play_compiled(key: jax.Array, line_up: LineUp, seats: np.ndarray, episodes: int) -> np.ndarray:
    """Return rewards ``[L, N, episodes]``; line-ups are played in parts of equal size."""
    kept = [index for index, each in enumerate(line_up.participants) if each.compiled]
    place = np.zeros(len(line_up.participants), np.int32)  # of a participant among those that are compiled
    place[kept] = np.arange(len(kept))
    stacked = tuple(
        stack_policies([line_up.participants[index].policies[player] for index in kept])
        for player in range(line_up.game.num_players)
    )
    per_part = max(1, min(len(seats), EPISODES_AT_ONCE // episodes))
    parts = -(-len(seats) // per_part)
    padded = np.resize(place[seats], (parts * per_part, seats.shape[1]))
    places = tuple((tuple(map(int, each.stack)), tuple(map(int, each.row))) for each in stacked)
    static = _Static(line_up.game, episodes, int(line_up.params.max_steps_in_episode), places)
    play = partial(_play_part, static, line_up.params, tuple(each.stacks for each in stacked))
    found = [
        np.asarray(play(jax.random.split(jax.random.fold_in(key, part), per_part), chosen))
        for part, chosen in enumerate(padded.reshape(parts, per_part, -1))
    ]
    return np.concatenate(found)[: len(seats)].swapaxes(1, 2)


class _Static(NamedTuple):
    """What a program is compiled for."""

    game: Game[Any, Any]
    episodes: int
    num_steps: int
    places: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    """Of each player of the game, the ``stack`` and ``row`` of `StackedPolicies`."""


@partial(jax.jit, static_argnums=0)
def _play_part(static: _Static, params: Any, stacks: tuple[Any, ...], keys: jax.Array, seats: jax.Array) -> jax.Array:
    """Return rewards ``[line-ups, episodes, N]``."""
    every = [
        StackedPolicies(own, (None,) * len(own), np.array(stack, np.int32), np.array(row, np.int32))
        for own, (stack, row) in zip(stacks, static.places, strict=True)
    ]

    def one(key: jax.Array, chosen: jax.Array) -> jax.Array:
        policies: list[Policy] = [each.pick(chosen[player]) for player, each in enumerate(every)]
        play = partial(play_policies, num_envs=static.episodes, num_steps=static.num_steps)
        return play(key, static.game, params, policies, _nothing).rewards

    return jax.vmap(one)(keys, seats)


def group_contest(line_up: LineUp, *, episodes: int, seed: int, most: int, console: Console) -> dict[str, Any]:
    """Play the line-ups and put the tables together.

    Args:
        line_up: the game and the participants.
        episodes: of each line-up.
        seed: of all that is random.
        most: line-ups, see `draw_seating`.
        console: where progress is shown.

    Returns:
        What ``tournament.json`` holds, the command apart.
    """
    participants, players = line_up.participants, line_up.game.num_players
    seating = draw_seating(len(participants), players, most=most, seed=seed)
    seats = seating.seats
    say(console, f"playing {len(seats)} of {seating.possible} line-ups of {players}, {episodes} episodes each")
    rewards, errors = play_line_ups(jax.random.key(seed), line_up, seats, episodes=episodes)
    names = [each.name for each in participants]
    return {
        "format": FORMAT,
        "kind": "tournament",
        "versions": versions(),
        "env": line_up.env,
        "env_options": line_up.env_options,
        "num_players": players,
        "episodes": episodes,
        "steps": int(line_up.params.max_steps_in_episode),
        "seed": seed,
        "players": [each.to_json() for each in participants],
        "possible_line_ups": seating.possible,
        "line_ups": [
            {"players": [names[who] for who in row], "scores": scores.tolist(), "standard_errors": _plain(error)}
            for row, scores, error in zip(seats, rewards, errors, strict=True)
        ],
        "ranking": _rank(names, seats, rewards, errors),
        "beside": [_plain(row) for row in _beside(len(names), seats, rewards)],
    }


def _plain(values: np.ndarray) -> list[float | None]:
    """Return numbers as JSON has them: None where there is none."""
    return [None if np.isnan(value) else float(value) for value in values]


def _rank(names: Sequence[str], seats: np.ndarray, rewards: np.ndarray, errors: np.ndarray) -> list[dict[str, Any]]:
    """Return what each participant scores in company and alone, the best in company first."""
    rows = []
    for index, name in enumerate(names):
        own = seats == index  # [L, N]
        alone = own.all(axis=1)
        company = own & ~alone[:, None]
        among = company if company.any() else own
        rows.append(
            {
                "name": name,
                "score": float(rewards[among].mean()),
                "standard_error": _plain(np.sqrt((errors[among] ** 2).sum(keepdims=True)) / among.sum())[0],
                "with_itself": float(rewards[alone].mean()),
                "line_ups": int(among.any(axis=1).sum()),
            }
        )
    return sorted(rows, key=lambda row: -row["score"])


def _beside(count: int, seats: np.ndarray, rewards: np.ndarray) -> np.ndarray:
    """Return what each scores where another one sits too, ``[P, P]``; alone on the diagonal; NaN: they never met."""
    table = np.full((count, count), np.nan)
    for own in range(count):
        for other in range(count):
            there = (seats == own).all(axis=1) if own == other else (seats == other).any(axis=1)
            chosen = (seats == own) & there[:, None]
            if chosen.any():
                table[own, other] = rewards[chosen].mean()
    return table


def group_document(content: Mapping[str, Any]) -> Document:
    """Return the document of what ``tournament.json`` holds of a game of more than two players."""
    names = [player["name"] for player in content["players"]]
    played, possible = len(content["line_ups"]), content["possible_line_ups"]
    coverage = "all line-ups" if played == possible else f"a sample of {played} of {possible} line-ups"
    best = winners({row["name"]: row["score"] for row in content["ranking"]})
    alone = winners({row["name"]: row["with_itself"] for row in content["ranking"]})
    found = [("Best mean score", best), ("Best with itself", alone)]
    return Document(
        title=f"{content['env']} tournament",
        stem="tournament",
        kind="tournament",
        summary=(
            f"{plural(len(names), 'player')} in groups of {content['num_players']} · {coverage} · "
            f"{plural(content['episodes'], 'episode')} of {plural(content['steps'], 'step')} for each · "
            f"seed {content['seed']}"
        ),
        findings=[Finding(label, each[0], f"{each[1]:.3f} per step") for label, each in found if each is not None],
        sections=[
            Section("Ranking", _ranking(content, coverage), Reach.CONSOLE),
            Section("Payoffs", _payoffs(content, names), Reach.FILE),
            Section("Set-up", _setup(content, coverage)),
        ],
        provenance=Provenance.of(content),
        data=content,
        records=_records(content),
    )


def _ranking(content: Mapping[str, Any], coverage: str) -> list[Part]:
    rows: list[list[Cell]] = [
        [
            row["name"],
            count(place),
            score(row["score"], row["standard_error"]),
            score(row["with_itself"]),
            count(row["line_ups"]),
        ]
        for place, row in enumerate(content["ranking"], 1)
    ]
    head = ["player", "place", "mean score", "with itself", "line-ups"]
    return [
        f"The mean score is over the line-ups in which a player sits with another one, of {coverage}, ± one standard "
        "error over episodes; it depends on who takes part. With itself, it is every player of the game.",
        Table("Ranking by mean score", head, rows),
    ]


def _payoffs(content: Mapping[str, Any], names: Sequence[str]) -> list[Part]:
    values = np.array([[np.nan if value is None else value for value in row] for row in content["beside"]], float)
    rows: list[list[Cell]] = [[name, *(score(value) for value in row)] for name, row in zip(names, values, strict=True)]
    tips = [
        [f"{name} beside {other}: {rows[i][j + 1]}" for j, other in enumerate(names)] for i, name in enumerate(names)
    ]
    label = "mean reward per step"
    title = f"{content['env']}, groups of {content['num_players']}"
    return [
        "What the row's player scores in the line-ups in which the column's player sits too. The diagonal is a player "
        "with itself alone.",
        heat_map("payoffs", title, HeatMap(names, names, values, tips, label, x_label="beside")),
        Table("The row's score beside the column's player", ["", *names], rows, folded=True),
    ]


def _setup(content: Mapping[str, Any], coverage: str) -> list[Part]:
    game = {
        "environment": content["env"],
        "players of the game": content["num_players"],
        "line-ups": coverage,
        "episodes for each line-up": content["episodes"],
        "steps": content["steps"],
        "seed": content["seed"],
    }
    return setup_parts(content, game)


def setup_parts(content: Mapping[str, Any], game: Mapping[str, Any]) -> list[Part]:
    """Return what was played, and by whom, in a tournament of any kind.

    Args:
        content: of ``tournament.json``.
        game: what to say of the game and the matches, by name; the game's options are added.
    """
    rows: list[list[Cell]] = [
        [
            player["name"],
            *(player[name] or "-" for name in ("kind", "algorithm", "path")),
            *(count(player[name]) for name in ("seed", "update")),
        ]
        for player in content["players"]
    ]
    return [
        Settings("", {**game, **content["env_options"]}),
        Table("Players", ["player", "kind", "algorithm", "run", "seed", "update"], rows),
        *configurations({player["name"]: player["config"] for player in content["players"] if player["config"]}),
    ]


def _records(content: Mapping[str, Any]) -> Records:
    rows = [
        (number, player, name, score, error)
        for number, each in enumerate(content["line_ups"])
        for player, (name, score, error) in enumerate(
            zip(each["players"], each["scores"], each["standard_errors"], strict=True)
        )
    ]
    return Records(("line_up", "player_index", "player", "score", "standard_error"), rows)
