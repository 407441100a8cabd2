"""Evaluate: the players of a run against each other, and each of them against every scripted player of the game."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ...algorithms.core.devices import for_each_seed
from ...envs.base import Game, Policy
from ...envs.policies.one_of import OneOf, stack_policies
from ...envs.policies.play import play
from ...envs.policies.python_play import Compiled, play_in_python, play_together
from ..runs.load import LoadedRun
from .scores import score_name


class Match(NamedTuple):
    """One match-up: who sits where."""

    learner: int | None
    """The seat of the learner whose score it is, or None: all learners together."""

    strategy: str
    """Who sits in the other seats; empty where all learners play."""


class Evaluator:
    """Scores the players of several seeds in one game.

    Args:
        env: the game.
        params: its numbers.
        num_envs: episodes of each match-up.
        pure: whether the players are pytrees that may be compiled.
    """

    def __init__(self, env: Game[Any, Any], params: Any, *, num_envs: int, pure: bool) -> None:
        self._env = env
        self._params = params
        self._num_envs = num_envs
        self._pure = pure
        self._matches = matches_of(env)

    def __call__(self, keys: jax.Array, number: int, policies: Any) -> dict[str, np.ndarray]:
        """Return every score and every summary of play, each ``[S]`` float64.

        Args:
            keys: one for each seed; the number is folded in.
            number: the update that is evaluated.
            policies: what the learner's ``policies`` gave.
        """
        num_steps = int(self._params.max_steps_in_episode)
        if self._pure:
            static = (self._env, self._num_envs, num_steps)
            rewards, summary = jax.device_get(_play_seeds(static, self._params, keys, np.uint32(number), policies))
        else:
            keys = jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, number)
            played = [self._play_one_by_one(key, players) for key, players in zip(keys, policies, strict=True)]
            rewards = np.stack([rewards for rewards, _ in played])
            summary = {name: np.stack([each[name] for _, each in played]) for name in played[0][1]}
        table = {name: rewards[:, row, seat] for row, seat, name in _score_names(self._env, self._matches)}
        return {name: np.asarray(values, np.float64) for name, values in {**table, **summary}.items()}

    def _play_one_by_one(self, key: jax.Array, policies: Sequence[Policy]) -> tuple[np.ndarray, dict[str, Any]]:
        """Play one seed's match-ups one after the other; rewards ``[matches, players]``."""
        results = []
        for number, match in enumerate(self._matches):
            players = [
                policy
                if match.learner in (None, seat)
                else Compiled(self._env.strategies[match.strategy](self._env, seat))
                for seat, policy in enumerate(policies)
            ]
            match_key = jax.random.fold_in(key, number)
            results.append(play_in_python(match_key, self._env, self._params, players, num_envs=self._num_envs))
        return np.stack([result.reward for result in results]), dict(self._env.summarise(results[0].info))


def score_against(
    run: LoadedRun, opponents: Sequence[Sequence[Policy]], names: Sequence[str], *, num_envs: int
) -> dict[str, np.ndarray]:
    """Score each player of a run against others of any kind, one after the other.

    Args:
        run: the learners.
        opponents: for each name one policy a seat.
        names: what the scores are called.
        num_envs: episodes of each match-up.

    Returns:
        ``score/player_0/vs/NAME`` and so on, each ``[S]`` float64.
    """
    table: dict[str, list[float]] = {}
    for index in range(len(run.spec.seeds)):
        learners = run.players(index)
        key = jax.random.fold_in(run.keys.evaluate[index], run.update)
        for number, (name, others) in enumerate(zip(names, opponents, strict=True)):
            for seat, learner in enumerate(learners):
                players = [learner if player == seat else other for player, other in enumerate(others)]
                match_key = jax.random.fold_in(jax.random.fold_in(key, number), seat)
                played = play_together(match_key, run.env, run.params, players, num_envs=num_envs)
                table.setdefault(score_name(seat, name), []).append(float(played.reward[seat]))
    return {name: np.array(values) for name, values in table.items()}


def matches_of(env: Game[Any, Any]) -> tuple[Match, ...]:
    """Return the match-ups of an evaluation: all learners together first, then each against each strategy."""
    alone = [Match(seat, name) for seat in range(env.num_players) for name in env.strategies]
    return (Match(None, ""), *alone)


def _score_names(env: Game[Any, Any], matches: Sequence[Match]) -> list[tuple[int, int, str]]:
    """Return ``(match, player, metric)`` for every score that is reported."""
    together = [(0, seat, score_name(seat)) for seat in range(env.num_players)]
    return together + [
        (row, match.learner, score_name(match.learner, match.strategy))
        for row, match in enumerate(matches)
        if match.learner is not None
    ]


@partial(jax.jit, static_argnums=0)
def _play_seeds(
    static: tuple[Game[Any, Any], int, int], params: Any, keys: jax.Array, number: jax.Array, policies: Any
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Play every match-up of every seed in one scan; rewards ``[S, matches, players]``, summaries ``[S]``.

    In each seat sits whoever the match-up says, learner or strategy: all of them follow the game, the seat's number
    chooses. That runs a network where a strategy decides, which is cheap beside compiling a scan for each match-up.
    """
    env, num_envs, num_steps = static
    matches = matches_of(env)
    scripted = [
        stack_policies([make(env, seat) for make in env.strategies.values()]) for seat in range(env.num_players)
    ]
    strategies = list(env.strategies)
    chosen = np.array(
        [  # [matches, players]: 0 is the learner, 1 + k the k-th strategy
            [
                0 if match.learner in (None, seat) else 1 + strategies.index(match.strategy)
                for seat in range(env.num_players)
            ]
            for match in matches
        ]
    )

    def one_match(key: jax.Array, choice: jax.Array, learners: tuple[Policy, ...]) -> Any:
        players = [OneOf.of(learner, scripted[seat], choice[seat]) for seat, learner in enumerate(learners)]
        return play(key, env, params, players, num_envs=num_envs, num_steps=num_steps)

    def one_seed(key: jax.Array, learners: tuple[Policy, ...]) -> tuple[jax.Array, dict[str, jax.Array]]:
        match_keys = jax.random.split(jax.random.fold_in(key, number), len(matches))
        results = jax.vmap(one_match, in_axes=(0, 0, None))(match_keys, jnp.asarray(chosen), learners)
        return results.reward, dict(env.summarise({name: values[0] for name, values in results.info.items()}))

    return for_each_seed(one_seed, keys, policies)
