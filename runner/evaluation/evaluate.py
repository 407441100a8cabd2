"""Evaluate: the players of a run together, and each of them against every strategy of the game."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from ... import registry
from ...algorithms.core.devices import fetch, for_each_seed
from ...envs.base import Game, Policy
from ...envs.policies.one_of import OneOf, stack_policies
from ...envs.policies.play import play
from ...envs.policies.python_play import Compiled, play_in_python, play_together
from ..runs.load import LoadedRun
from .scores import COOPERATOR, DEFECTOR, TIT_FOR_TAT, score_name
from .verdict import Dilemma


class Match(NamedTuple):
    """One match-up: a learner against a strategy, or a learner's own players together."""

    learner: int | None
    """The player that is the learner and is scored; None: all players are learners."""

    strategy: str
    """The policy of the other players; empty if all are learners."""

    def strategy_of(self, player: int) -> str:
        """Return the strategy of ``player``; empty for a learner."""
        return "" if self.learner in (None, player) else self.strategy


class Evaluator:
    """Scores the players of several seeds in one game.

    Args:
        env: the game.
        params: its numbers.
        num_envs: episodes of each match-up; it is an attribute too.
        pure: whether the players are pytrees that may be compiled.
        each: whether every seed has params of its own, stacked; their episodes are of one length.
        mesh: of the players' seeds, as in `for_each_seed`.
    """

    def __init__(  # what is played, and how
        self,
        env: Game[Any, Any],
        params: Any,
        *,
        num_envs: int,
        pure: bool,
        each: bool = False,
        mesh: Mesh | None = None,
    ) -> None:
        self._env = env
        self._params = params
        self.num_envs = num_envs
        self._pure = pure
        self._each = each
        self._mesh = mesh
        self._matches = matches_of(env)
        self._num_steps = int(np.ravel(params.max_steps_in_episode)[0])

    def __call__(self, keys: jax.Array, number: int, policies: Any) -> dict[str, np.ndarray]:
        """Return every score and every summary of play, each ``[S]`` float64.

        Args:
            keys: one for each seed; the number is folded in.
            number: the update that is evaluated.
            policies: from the learner's ``policies``.

        Raises:
            ValueError: a learner chose an action that the game does not have.
        """
        params = self._params_of(len(keys))
        if self._pure:
            played = _play_seeds(self._static, params, keys, np.uint32(number), policies, mesh=self._mesh)
            rewards, actions, summary = jax.device_get(fetch(played, self._mesh))
            self._check_actions(actions)
        else:
            keys = jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, number)
            played = [
                self._play_one_by_one(key, jax.tree.map(lambda leaf, index=index: leaf[index], params), players)
                for index, (key, players) in enumerate(zip(keys, policies, strict=True))
            ]
            rewards = np.stack([rewards for rewards, _ in played])
            summary = {name: np.stack([each[name] for _, each in played]) for name in played[0][1]}
        table = {
            score_name(player, match.strategy): rewards[:, row, player]
            for row, match in enumerate(self._matches)
            for player in range(self._env.num_players)
            if not match.strategy_of(player)
        }
        return {name: np.asarray(values, np.float64) for name, values in {**table, **summary}.items()}

    def trace(self, keys: jax.Array, policies: Any) -> Any:
        """Return the program of an evaluation of compiled players (or their shapes), traced and not compiled."""
        params = self._params_of(len(keys))
        return _play_seeds.trace(self._static, params, keys, np.uint32(0), policies, mesh=self._mesh)

    @property
    def _static(self) -> tuple[Game[Any, Any], int, int]:
        return self._env, self.num_envs, self._num_steps

    def _params_of(self, num_seeds: int) -> Any:
        """Return the params of every seed, stacked."""
        if self._each:
            return self._params
        return jax.tree.map(lambda leaf: np.broadcast_to(leaf, (num_seeds, *np.shape(leaf))), self._params)

    def _check_actions(self, actions: np.ndarray) -> None:
        """Raise ValueError if a learner's actions, ``[S, matches, players, 2]`` from lowest to highest, do not exist.

        A compiled game does not notice such an action: it reads another one in its place.
        """
        for player in range(self._env.num_players):
            own = [row for row, match in enumerate(self._matches) if not match.strategy_of(player)]
            low, high = int(actions[:, own, player].min()), int(actions[:, own, player].max())
            if low < 0 or high >= self._env.num_actions:
                raise ValueError(
                    f"the policy of player {player} chose actions from {low} to {high}; "
                    f"{self._env.name} has the actions 0 to {self._env.num_actions - 1}"
                )

    def _play_one_by_one(
        self, key: jax.Array, params: Any, policies: Sequence[Policy]
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Play one seed's match-ups one after another; rewards ``[matches, players]``."""
        results = []
        for number, match in enumerate(self._matches):
            chosen = [match.strategy_of(player) for player in range(self._env.num_players)]
            players = [
                Compiled(self._env.strategies[chosen[player]](self._env, player)) if chosen[player] else policy
                for player, policy in enumerate(policies)
            ]
            match_key = jax.random.fold_in(key, number)
            results.append(play_in_python(match_key, self._env, params, players, num_envs=self.num_envs))
        return np.stack([result.reward for result in results]), dict(self._env.summarise(results[0].info))


def score_together(run: LoadedRun, *, num_envs: int) -> dict[str, np.ndarray]:
    """Score the players of a run together, and each of them against every strategy, as `Evaluator` does.

    Raises:
        PluginError: the players raised an error, or chose an action that the game does not have.
    """
    evaluator = Evaluator(run.env, run.params, num_envs=num_envs, pure=run.pure)
    with registry.plugin_code(registry.algorithm_origin(run.spec.algorithm), "act"):
        return evaluator(run.keys.evaluate, run.update, run.policies)


def score_against(
    run: LoadedRun, opponents: Sequence[Sequence[Policy]], names: Sequence[str], *, num_envs: int
) -> dict[str, np.ndarray]:
    """Score each player of a run against opponents of any kind, one after another.

    Args:
        run: the learners.
        opponents: for each name one policy per player.
        names: of the opponents, for the scores.
        num_envs: episodes of each match-up.

    Returns:
        ``score/player_0/vs/NAME`` and so on, each ``[S]`` float64.
    """
    table: dict[str, list[float]] = {}
    for index in range(len(run.spec.seeds)):
        learners = run.players(index)
        key = jax.random.fold_in(run.keys.evaluate[index], run.update)
        for number, (name, others) in enumerate(zip(names, opponents, strict=True)):
            for player, learner in enumerate(learners):
                players = [*others[:player], learner, *others[player + 1 :]]
                match_key = jax.random.fold_in(jax.random.fold_in(key, number), player)
                played = play_together(match_key, run.env, run.params, players, num_envs=num_envs)
                table.setdefault(score_name(player, name), []).append(float(played.reward[player]))
    return {name: np.array(values) for name, values in table.items()}


def measure_dilemma(env: Game[Any, Any], params: Any, *, num_envs: int = 1024) -> Dilemma | None:
    """Play the strategies by whose scores a learner is judged; None where the game lacks one of them."""
    if not {COOPERATOR, DEFECTOR, TIT_FOR_TAT} <= set(env.strategies):
        return None
    players = range(env.num_players)

    def score(names: Sequence[str]) -> np.ndarray:
        line_up = [env.strategies[name](env, player) for player, name in enumerate(names)]
        return np.asarray(play_together(jax.random.key(0), env, params, line_up, num_envs=num_envs).reward, np.float64)

    robbed = [score([COOPERATOR if each == player else DEFECTOR for each in players])[player] for player in players]
    return Dilemma(
        cooperation=float(score([COOPERATOR] * len(players)).mean()),
        defection=float(score([DEFECTOR] * len(players)).mean()),
        sucker=float(np.mean(robbed)),
    )


def matches_of(env: Game[Any, Any]) -> tuple[Match, ...]:
    """Return the match-ups of an evaluation: all learners together first, then each against each strategy."""
    alone = [Match(player, name) for player in range(env.num_players) for name in env.strategies]
    return (Match(None, ""), *alone)


@partial(jax.jit, static_argnums=0, static_argnames="mesh")
def _play_seeds(  # all but one are arrays
    static: tuple[Game[Any, Any], int, int],
    params: Any,
    keys: jax.Array,
    number: jax.Array,
    policies: Any,
    *,
    mesh: Mesh | None,
) -> tuple[jax.Array, jax.Array, dict[str, jax.Array]]:
    """Play every match-up of every seed, whose ``params`` and ``policies`` are stacked, in one scan.

    It returns rewards ``[S, matches, players]``, the lowest and the highest action of each player, ``[S, matches,
    players, 2]``, and summaries ``[S]``.

    Each player is one of several policies, its learner or a strategy; all follow the game, and an index chooses. The
    network thus also runs where a strategy decides, which costs less than compiling a scan for each match-up.
    """
    env, num_envs, num_steps = static
    matches, players = matches_of(env), range(env.num_players)
    scripted = [stack_policies([make(env, player) for make in env.strategies.values()]) for player in players]
    numbers = {"": 0} | {name: 1 + number for number, name in enumerate(env.strategies)}
    chosen = np.array([[numbers[match.strategy_of(player)] for player in players] for match in matches])

    def one_match(key: jax.Array, choice: jax.Array, params: Any, learners: tuple[Policy, ...]) -> Any:
        line_up = [OneOf.of(learner, scripted[i], choice[i]) for i, learner in enumerate(learners)]
        return play(key, env, params, line_up, num_envs=num_envs, num_steps=num_steps)

    def one_seed(
        key: jax.Array, params: Any, learners: tuple[Policy, ...]
    ) -> tuple[jax.Array, jax.Array, dict[str, jax.Array]]:
        match_keys = jax.random.split(jax.random.fold_in(key, number), len(matches))
        results = jax.vmap(one_match, in_axes=(0, 0, None, None))(match_keys, jnp.asarray(chosen), params, learners)
        actions = jnp.stack([results.lowest, results.highest], axis=-1)
        return results.reward, actions, dict(env.summarise({name: own[0] for name, own in results.info.items()}))

    return for_each_seed(one_seed, keys, params, policies, mesh=mesh)
