"""Games whose opponent learns between episodes, as single-agent gymnax environments: what M-FOS and SHAPER train in.

References: M-FOS (Lu et al. 2022, arXiv:2205.01447), SHAPER (Khan et al. 2023, arXiv:2312.12568).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from flax import struct

from ... import registry
from ...options import OptionError, PolaxError, check_whole_number, one_line, player_index
from ..base import Experience, Game
from ..gymnax import environment, spaces
from ..policies.one_of import OneOf
from .single_agent import ByValue, ObservationForm, SingleAgent, SingleAgentParams, SingleAgentState, default_params

if TYPE_CHECKING:
    from ...algorithms.base import EpisodeLearner


def meta_game(
    env: Game[Any, Any],
    params: Any,
    *,
    learner: str,
    episodes: int,
    player: int = 0,
    observation: ObservationForm = "features",
    **options: Any,
) -> tuple[MetaGame, MetaGameParams]:
    """Make a game into a gymnax environment whose opponent is a learner, and an episode of which is many of the game.

    At the start of the meta-episode the opponent is drawn anew. It plays the game's episodes with the policy that it
    has learned so far, and after as many of them as its learner takes in a batch it learns from them. An agent that
    earns much over the whole meta-episode shapes what its opponent becomes.

    Args:
        env: the game, from `polax.make_env`, of two players.
        params: its params; the length of its episodes is read here.
        learner: the name of an algorithm that learns from its own episodes (`Algorithm.episode_learner`).
        episodes: of the game in a meta-episode, a multiple of the learner's batch.
        player: the index of the player that is the agent; the learner is the other one.
        observation: as in `polax.single_agent`.
        **options: of the learner, such as its batch, sizes and rates. Numbers travel in the params.

    Returns:
        The environment and its params, which are also its ``default_params``.

    Raises:
        OptionError: no such player, form of observations or option, a number of episodes that leaves part of a batch,
            or a learner that cannot learn from its own episodes, or not in a compiled program.
        PolaxError: there is no such algorithm, or it cannot be used.

    Example:
        >>> import jax, polax
        >>> game, params = polax.make_env("IPD-v0", max_steps_in_episode=10)
        >>> env, params = polax.meta_game(game, params, learner="naive", episodes=12, num_envs=4, hidden_size=8)
        >>> observation, state = env.reset(jax.random.key(0), params)
        >>> observation, state, reward, *_, info = env.step(jax.random.key(1), state, 1, params)
        >>> int(params.max_steps_in_episode), int(info["episode"])
        (120, 0)
    """
    player = player_index(player, env.num_players)
    if env.num_players != 2:
        raise OptionError(f"a meta-game is for two players; {env.name} has {env.num_players}")
    learning = _find_learning(learner, env, params, options)
    try:
        check_whole_number("episodes", episodes, at_least=1)
    except ValueError as cause:
        raise OptionError(one_line(cause)) from cause
    if episodes % learning.num_episodes:
        raise OptionError(
            f"episodes must be a multiple of {learning.num_episodes}, the episodes in a batch of {learner} here; "
            f"got {episodes}"
        )
    num_steps = int(params.max_steps_in_episode)
    view = MetaGame(
        agent=SingleAgent(game=env, player=player, views=((env,),), observation=observation),
        learning=learning._replace(numbers=None),
        num_steps=num_steps,
    )
    numbers = MetaGameParams(
        game=jax.tree.map(jnp.asarray, params),
        learner=learning.numbers,
        max_steps_in_episode=episodes * num_steps,
    )
    return replace(view, defaults=ByValue.of(numbers)), numbers


def _find_learning(name: str, env: Game[Any, Any], params: Any, options: dict[str, Any]) -> EpisodeLearner:
    """Return how an algorithm learns from its own episodes.

    Raises:
        OptionError: it does not, or not in a compiled program.
    """
    algorithm = registry.make_algorithm(name, env, params, **options)
    if not algorithm.pure:
        raise OptionError(f"{name} learns in ordinary Python, which cannot be compiled into an environment")
    if algorithm.episode_learner is None:
        with_options = f" with the options {options!r}" if options else ""
        raise OptionError(
            f"{name}{with_options} cannot be the learner of a meta-game: it does not learn from the episodes of one "
            f"player alone; learners that do: {', '.join(_able(env, params)) or 'none'}"
        )
    return algorithm.episode_learner


def _able(env: Game[Any, Any], params: Any) -> list[str]:
    """Return the names of the algorithms that learn from their own episodes in a game."""
    able = []
    for row in registry.list_algorithms():
        try:
            algorithm = registry.make_algorithm(row.name, env, params)
        except PolaxError:  # broken, or not for this game
            continue
        if algorithm.pure and algorithm.episode_learner is not None:
            able.append(row.name)
    return able


@struct.dataclass(kw_only=True)
class MetaGameState:
    """The present episode of the game, the learner, and the episodes from which it is going to learn."""

    game: SingleAgentState
    learner: Any
    experience: Experience  # of the batch that is being played; what is not played yet is left from the one before
    episode: jax.Array  # [] int32: episodes of the game that have ended
    time: jax.Array  # [] int32: steps taken in this meta-episode


@struct.dataclass(kw_only=True)
class MetaGameParams(environment.EnvParams):
    """The numbers of the game and of the learner: all leaves."""

    game: Any
    learner: Any
    max_steps_in_episode: int | jax.Array  # [] int32: steps of a meta-episode; that of ``game`` does not count


@dataclass(frozen=True, kw_only=True)
class MetaGame(environment.Environment[MetaGameState, MetaGameParams]):
    """A game against a learner; `meta_game` makes it.

    - Observation, action, reward: those of the agent in the game, at every step of it. The step that ends an episode of
      the game returns the first observation of the next one.
    - End: ``truncated`` at ``params.max_steps_in_episode``, the end of the meta-episode. The next has a new learner.
    - ``info``: what the game counts, ``actions`` and ``rewards`` of both players, ``[2]`` each, and ``episode``, ``[]``
      int32, the number of the episode of the game to which the step belonged.

    Learning and starting anew are done only when an environment is due, under ``jax.vmap`` when one of those that are
    mapped over is: environments that start together cost nothing in between.
    """

    agent: SingleAgent
    learning: EpisodeLearner
    """Without numbers: they are in the params."""
    num_steps: int
    """Of an episode of the game."""
    defaults: ByValue | None = None

    @property
    def default_params(self) -> MetaGameParams:
        """The numbers ``step`` and ``reset`` use when they are given none."""
        return default_params(self)

    @property
    def name(self) -> str:
        """The game's id."""
        return self.agent.name

    @property
    def num_actions(self) -> int:
        """Number of the agent's actions."""
        return self.agent.num_actions

    def action_space(self, params: MetaGameParams | None = None) -> spaces.Discrete:
        """Return the space of the agent's actions."""
        return self.agent.action_space()

    def observation_space(self, params: MetaGameParams | None = None) -> spaces.Box | spaces.Discrete:
        """Return the space of the agent's observations in the game."""
        return self.agent.observation_space()

    @partial(jax.jit, static_argnames=("self",))
    def step(
        self,
        key: jax.Array,
        state: MetaGameState,
        action: int | float | jax.Array,
        params: MetaGameParams | None = None,
    ) -> tuple[jax.Array, MetaGameState, jax.Array, jax.Array, jax.Array, dict[str, Any]]:
        """Take one step; returns what gymnax's ``step`` does, which would draw a new learner at every step."""
        params = self.default_params if params is None else params
        key_step, key_reset = jax.random.split(key)
        last, after, reward, terminated, info = self.step_env(key_step, state, action, params)
        truncated = self.is_truncated(after, params)
        observation, after = _where_due(truncated, self._start_over, (last, after), (key_reset, params))
        info = {**info, "terminated": terminated, "truncated": truncated, "final_observation": last}
        return observation, after, reward, terminated, truncated, info

    def reset_env(self, key: jax.Array, params: MetaGameParams) -> tuple[jax.Array, MetaGameState]:
        """Draw a learner and start its first episode."""
        key_learner, key_game = jax.random.split(key)
        learner = self.learning.init(key_learner, params.learner)
        observation, game = self.agent.reset_env(key_game, self._inner(params, learner))
        seen = self._learner_sees(key_game, game, params, learner)
        batch = (self.num_steps, self.learning.num_episodes)
        experience = Experience(
            observations=jnp.zeros((batch[0] + 1, *batch[1:], *seen.shape), seen.dtype),
            actions=jnp.zeros(batch, jnp.int32),
            rewards=jnp.zeros(batch),
        )
        state = MetaGameState(
            game=game, learner=learner, experience=experience, episode=jnp.int32(0), time=jnp.int32(0)
        )
        return observation, state

    def step_env(
        self, key: jax.Array, state: MetaGameState, action: int | float | jax.Array, params: MetaGameParams
    ) -> tuple[jax.Array, MetaGameState, jax.Array, jax.Array, dict[str, Any]]:
        """Take one step of the game; after the last one of an episode start the next, after a batch learn."""
        key_play, key_learn, key_reset = jax.random.split(key, 3)
        inner = self._inner(params, state.learner)
        seen = self._learner_sees(key_play, state.game, params, state.learner)
        played = self.agent.play(key_play, state.game, action, inner)
        place = (state.game.time, state.episode % self.learning.num_episodes)
        pupil = 1 - self.agent.player
        before = state.experience
        experience = Experience(
            observations=before.observations.at[place]
            .set(seen)
            .at[place[0] + 1, place[1]]
            .set(self._learner_sees(key_play, played.state, params, state.learner)),
            actions=before.actions.at[place].set(played.actions[pupil]),
            rewards=before.rewards.at[place].set(played.rewards[pupil]),
        )
        ended = played.state.time >= self.num_steps
        episode = state.episode + ended
        due = ended & (episode % self.learning.num_episodes == 0)
        learner = _where_due(due, self._learn, state.learner, (key_learn, experience))
        here = self.agent.seen(played.observations, played.state), played.state
        there = self.agent.reset_env(key_reset, self._inner(params, learner))
        observation, game = jax.tree.map(partial(jnp.where, ended), there, here)
        info = {
            **played.info,
            "actions": played.actions,
            "rewards": played.rewards,
            "episode": state.episode,
        }
        after = MetaGameState(game=game, learner=learner, experience=experience, episode=episode, time=state.time + 1)
        return observation, after, played.rewards[self.agent.player], jnp.zeros((), bool), info

    def observe(
        self, key: jax.Array, state: MetaGameState, action: jax.Array | None, params: MetaGameParams
    ) -> jax.Array:
        """Return what the agent sees."""
        return self.agent.observe(key, state.game, action, self._inner(params, state.learner))

    def _inner(self, params: MetaGameParams, learner: Any) -> SingleAgentParams:
        """Return the params of the game against what the learner has learned so far."""
        opponent = OneOf((self.learning.policy(learner),), jnp.int32(0))
        steps = jnp.int32(self.num_steps)
        return SingleAgentParams(game=params.game, opponents=(opponent,), max_steps_in_episode=steps)

    def _learner_sees(self, key: jax.Array, game: SingleAgentState, params: MetaGameParams, learner: Any) -> jax.Array:
        """Return the learner's observation, or its row where the game lists its observations."""
        if self.agent.game.num_observations is not None:
            return self.agent.game.observation_index(game.game)[1 - self.agent.player]
        return self.agent.opponent_sees(key, game, self._inner(params, learner), 0)[0][0]

    def _learn(self, learner: Any, inputs: tuple[jax.Array, Experience]) -> Any:
        key, experience = inputs
        return self.learning.learn(key, learner, experience)[0]

    def _start_over(self, _: Any, inputs: tuple[jax.Array, MetaGameParams]) -> tuple[jax.Array, MetaGameState]:
        return self.reset_env(*inputs)


def _where_due(due: jax.Array, change: Callable[[Any, Any], Any], value: Any, inputs: Any) -> Any:
    """Return ``change(value, inputs)`` where it is due, else ``value``.

    Under `jax.vmap`, ``jax.lax.cond`` would compute both everywhere. This computes the change for a mapped axis only if
    it is due somewhere along it.
    """

    @jax.custom_batching.custom_vmap
    def choose(due: jax.Array, value: Any, inputs: Any) -> Any:
        return jax.lax.cond(due, change, lambda value, _: value, value, inputs)

    def change_each(value: Any, mapped: tuple[jax.Array, Any]) -> Any:
        due, inputs = mapped
        changed = jax.vmap(change)(value, inputs)
        return jax.tree.map(lambda new, old: jax.vmap(jnp.where)(due, new, old), changed, value)

    @choose.def_vmap
    def _(size: int, batched: Any, due: jax.Array, value: Any, inputs: Any) -> tuple[Any, Any]:
        everything = (due, value, inputs)
        due, value, inputs = jax.tree.map(
            lambda leaf, mapped: leaf if mapped else jnp.broadcast_to(leaf, (size, *leaf.shape)),
            everything,
            tuple(batched),
        )
        # One condition for all, and the choice for each inside it: where nothing is due, nothing is touched.
        chosen = _where_due(due.any(), change_each, value, (due, inputs))
        return chosen, jax.tree.map(lambda _: True, chosen)

    return choose(due, value, inputs)
