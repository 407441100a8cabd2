"""Games as single-agent gymnax environments: the other players are policies, and what they remember is in the state.

The same view serves best responses (`polax.envs.frozen_game`) and is what `polax.envs.views.meta_game` builds on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from ... import registry
from ...options import OptionError, check_choice, one_line, player_index
from ..base import Game, Memory, Policy
from ..gymnax import environment, spaces
from ..policies.one_of import OneOf
from ..policies.play import is_compiled
from ..rendering.frame import DEFAULT_SIZE, Frame

ObservationForm = Literal["features", "index"]


def single_agent(
    env: Game[Any, Any], params: Any, *, opponent: Any, player: int = 0, observation: ObservationForm = "features"
) -> tuple[SingleAgent, SingleAgentParams]:
    """Make a game into a gymnax environment of one agent, which plays against a policy.

    Rewards, ends and spaces are those of one player, so that single-agent code in JAX runs on it: gymnax's wrappers,
    PureJaxRL, rejax, evosax. It is compiled and mapped as every gymnax environment is. The opponents' numbers are
    leaves of the params: opponents that differ in numbers alone share one compiled program and can be mapped over.

    Args:
        env: the game, from `polax.make_env`.
        params: its params.
        opponent: who plays the others, as `polax.make_policy` takes it; in a pytree, so not a player in Python. One for
            all of them, or a list with one for each in the players' order.
        player: the index of the player that is the agent.
        observation: ``features``: the game's own observation, ``[features]`` float32; ``index``: the number of that
            observation among those that the game lists, ``[]`` int32, for tabular learners.

    Returns:
        The environment and its params, which are also its ``default_params``.

    Raises:
        OptionError: no such player or form of observations, an opponent that cannot play this player of this game, or
            one that plays in ordinary Python.
        PolaxError: a reference that names nothing, or that cannot be read.

    Example:
        >>> import jax, polax
        >>> game, params = polax.make_env("IPD-v0")
        >>> env, params = polax.single_agent(game, params, opponent="tit-for-tat")
        >>> observation, state = env.reset(jax.random.key(0), params)
        >>> observation, state, reward, *_ = env.step(jax.random.key(1), state, 0, params)
        >>> round(float(reward), 3)
        0.665
    """
    player = player_index(player, env.num_players)
    references = registry.opponents_of(opponent, env, player=player)
    policies = [check_opponent(each, env, params, player=other) for other, each in references.items()]
    view = SingleAgent(game=env, player=player, views=((env,),) * len(policies), observation=observation)
    numbers = SingleAgentParams(
        game=jax.tree.map(jnp.asarray, params),
        opponents=tuple(OneOf((policy,), jnp.int32(0)) for policy in policies),
        max_steps_in_episode=as_length(params.max_steps_in_episode),
    )
    return replace(view, defaults=ByValue.of(numbers)), numbers


def check_opponent(opponent: Any, env: Game[Any, Any], params: Any, *, player: int) -> Policy:
    """Return the policy that a reference means, if it can play ``player`` inside a compiled program.

    Raises:
        OptionError: it cannot.
        PolaxError: a reference that names nothing, or that cannot be read.
    """
    if isinstance(opponent, Sequence) and not isinstance(opponent, str):
        raise OptionError(
            f"the opponent is one policy, not {len(opponent)}: pass the one that is to play as player {player}"
        )
    policy = registry.make_policy(opponent, env, params, player=player)
    if not is_compiled(policy):
        raise OptionError(
            f"the opponent {opponent!r} plays in ordinary Python, which cannot be compiled into an environment; use a "
            f"policy whose leaves are arrays, or gymnasium.make({env.name!r}, opponent=...)"
        )
    features = env.observation_space(params).shape[-1]
    try:
        memory = jax.eval_shape(lambda: policy.initial_memory(1))
        seen = jax.ShapeDtypeStruct((1, features), jnp.float32)
        action, after = jax.eval_shape(policy.act, jax.random.key(0), seen, memory)
        if action.shape != (1,) or not jnp.issubdtype(action.dtype, jnp.integer):
            raise ValueError(f"for one observation it returns actions of shape {action.shape} and type {action.dtype}")
        if _forms(after) != _forms(memory):
            raise ValueError("its memory changes its form from step to step")
    except (TypeError, ValueError) as cause:
        raise OptionError(
            f"the opponent cannot play as player {player} of {env.name}, which sees {features} features: "
            f"{one_line(cause)[:200]}; make it for that player with polax.make_policy"
        ) from cause
    return policy


def _forms(tree: Any) -> Any:
    leaves, structure = jax.tree.flatten(tree)
    return structure, [(leaf.shape, leaf.dtype) for leaf in leaves]


@struct.dataclass(kw_only=True)
class SingleAgentState:
    """The game, and what each opponent remembers."""

    game: Any
    memories: tuple[Memory, ...]  # of the opponents, [1, ...] each

    @property
    def time(self) -> jax.Array:
        """Steps taken in this episode, ``[]`` int32."""
        return self.game.time


@struct.dataclass(kw_only=True)
class SingleAgentParams(environment.EnvParams):
    """The game's numbers and the opponents: all leaves."""

    game: Any
    opponents: tuple[OneOf, ...]
    """For each player but the agent, in order."""
    max_steps_in_episode: int | jax.Array  # [] int32; that of ``game`` does not count


class Played(NamedTuple):
    """What a step of the game was, for all players."""

    observations: jax.Array  # [players, features], after the step
    state: SingleAgentState
    actions: jax.Array  # [players] int32
    rewards: jax.Array  # [players]
    info: dict[str, jax.Array]


@dataclass(frozen=True, kw_only=True)
class SingleAgent(environment.Environment[SingleAgentState, SingleAgentParams]):
    """A game as one of its players sees it; `single_agent` makes it.

    - Observation: this player's, ``[features]`` float32, or its number in the game's list, ``[]`` int32.
    - Action ``[]`` int32; reward ``[]`` float32, this player's.
    - End: ``truncated`` at ``params.max_steps_in_episode``. ``step`` starts the next episode as gymnax does, the
      opponents' memories included.
    - ``info``: what the game counts, ``actions`` and ``rewards`` of all players, ``[players]`` each.

    Equal views (equal games, players and forms, and default params of equal value) share what is compiled.
    """

    game: Game[Any, Any]
    player: int
    views: tuple[tuple[Game[Any, Any], ...], ...]
    """For each opponent, the form of the game in which each policy of its `OneOf` sees it."""
    observation: ObservationForm = "features"
    defaults: ByValue | None = None

    def __post_init__(self) -> None:
        """Check the form of observations."""
        try:
            check_choice("observation", self.observation, get_args(ObservationForm))
        except ValueError as cause:
            raise OptionError(one_line(cause)) from cause
        if self.observation == "index" and self.game.num_observations is None:
            raise OptionError(f"{self.game.name} does not list its observations: leave out observation='index'")

    @property
    def default_params(self) -> SingleAgentParams:
        """The numbers ``step`` and ``reset`` use when they are given none."""
        return default_params(self)

    @property
    def name(self) -> str:
        """The game's id."""
        return str(self.game.name)

    @property
    def opponents(self) -> tuple[int, ...]:
        """The indices of the players that are policies."""
        return tuple(other for other in range(self.game.num_players) if other != self.player)

    @property
    def num_actions(self) -> int:
        """Number of the agent's actions."""
        return self.game.num_actions

    def action_space(self, params: SingleAgentParams | None = None) -> spaces.Discrete:
        """Return the space of the agent's actions."""
        return spaces.Discrete(self.num_actions)

    def observation_space(self, params: SingleAgentParams | None = None) -> spaces.Box | spaces.Discrete:
        """Return the space of the agent's observations: ``Box [features]``, or ``Discrete`` for their numbers."""
        if self.observation == "index":
            return spaces.Discrete(self.game.num_observations)
        return space_of_player(self.game, self.player)

    def reset_env(self, key: jax.Array, params: SingleAgentParams) -> tuple[jax.Array, SingleAgentState]:
        """Start an episode; the opponents have forgotten the last one."""
        observations, game = self.game.reset_env(key, params.game)
        memories = tuple(opponent.initial_memory(1) for opponent in params.opponents)
        state = SingleAgentState(game=game, memories=memories)
        return self.seen(observations, state), state

    def step_env(
        self, key: jax.Array, state: SingleAgentState, action: int | float | jax.Array, params: SingleAgentParams
    ) -> tuple[jax.Array, SingleAgentState, jax.Array, jax.Array, dict[str, jax.Array]]:
        """Take one step without reset."""
        played = self.play(key, state, action, params)
        info = {**played.info, "actions": played.actions, "rewards": played.rewards}
        observation = self.seen(played.observations, played.state)
        return observation, played.state, played.rewards[self.player], jnp.zeros((), bool), info

    def play(
        self, key: jax.Array, state: SingleAgentState, action: int | float | jax.Array, params: SingleAgentParams
    ) -> Played:
        """Let the opponents choose and step the game."""
        actions: list[Any] = [action] * self.game.num_players
        memories = []
        for number, player in enumerate(self.opponents):
            # Keys are folded in, not split: a player that draws nothing then costs nothing.
            own_key = jax.random.fold_in(key, 1 + number)
            seen = self.opponent_sees(own_key, state, params, number)
            chosen, memory = params.opponents[number].act_on(own_key, seen, state.memories[number])
            actions[player] = chosen[0]
            memories.append(memory)
        # Selecting with a constant stays elementwise under vmap; stacking does not.
        joint = jnp.zeros(len(actions), jnp.int32)
        for player, chosen in enumerate(actions):
            joint = jnp.where(np.arange(len(actions)) == player, jnp.asarray(chosen, jnp.int32), joint)
        observations, game, rewards, _, info = self.game.step_env(
            jax.random.fold_in(key, 0), state.game, joint, params.game
        )
        return Played(observations, SingleAgentState(game=game, memories=tuple(memories)), joint, rewards, info)

    def opponent_sees(
        self, key: jax.Array, state: SingleAgentState, params: SingleAgentParams, number: int
    ) -> list[jax.Array]:
        """Return what each policy of an opponent sees, ``[1, features]`` each; ``number`` counts the opponents."""
        player = self.opponents[number]
        view_key = jax.random.fold_in(key, 0)
        return [view.observe(view_key, state.game, None, params.game)[player][None] for view in self.views[number]]

    def observe(
        self, key: jax.Array, state: SingleAgentState, action: jax.Array | None, params: SingleAgentParams
    ) -> jax.Array:
        """Return what the agent sees."""
        return self.seen(self.game.observe(key, state.game, action, params.game), state)

    def seen(self, observations: jax.Array, state: SingleAgentState) -> jax.Array:
        """Return the agent's observation in its form, given all players' in the game's."""
        if self.observation == "index":
            return self.observation_index(state)
        return observations[self.player]

    def observation_index(self, state: SingleAgentState) -> jax.Array:
        """Return the number of what the agent sees among the observations that the game lists, ``[]`` int32."""
        return self.game.observation_index(state.game)[self.player]

    def frames(
        self, params: SingleAgentParams, states: Sequence[SingleAgentState], infos: Sequence[Mapping[str, Any]]
    ) -> list[Frame]:
        """Return the moments of one episode, for `draw`, for `describe` and for a film (`save_frames`).

        Args:
            params: the params.
            states: of the episode, from its start. The last step that ``step`` takes leads into the next episode: its
                state is not one of them.
            infos: what the steps returned, from the first one.
        """
        game_params = params.game.replace(max_steps_in_episode=params.max_steps_in_episode)
        frames = [Frame.first(game_params, states[0].game, self.game.num_players)]
        for state, info in zip(states[1:], infos, strict=False):
            frames.append(frames[-1].after(state.game, np.asarray(info["actions"]), np.asarray(info["rewards"])))
        return frames

    def draw(self, frame: Frame, *, size: int = DEFAULT_SIZE) -> Any:
        """Draw a moment as the game does."""
        return self.game.draw(frame, size=size)

    def describe(self, frame: Frame) -> str:
        """Return a moment as lines of text, as the game does."""
        return self.game.describe(frame)


def as_length(steps: Any) -> Any:
    """Return the length of an episode as gymnax's params hold it: an int, as which others take it, unless traced."""
    return steps if isinstance(steps, jax.core.Tracer) else int(steps)


def space_of_player(game: Game[Any, Any], player: int) -> spaces.Box:
    """Return the space of one player's observations."""
    every = game.observation_space(None)
    low, high = (np.broadcast_to(np.asarray(bound), every.shape)[player] for bound in (every.low, every.high))
    return spaces.Box(low.astype(np.float32), high.astype(np.float32), low.shape, jnp.float32)


def default_params(view: Any) -> Any:
    """Return the params that a view keeps in its field ``defaults``.

    Raises:
        OptionError: it was made inside a compiled function, where params have no value yet.
    """
    if view.defaults is None:
        raise OptionError(f"this {view.name} has no default params: pass params to reset and step")
    return view.defaults.tree


class ByValue:
    """A pytree of arrays that is equal to another one of equal content, and hashes alike."""

    @classmethod
    def of(cls, tree: Any) -> ByValue | None:
        """Return the pytree by its value; None where it is traced, and has none."""
        traced = any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(tree))
        return None if traced else cls(tree)

    def __init__(self, tree: Any) -> None:
        self.tree = tree
        leaves, structure = jax.tree.flatten(tree)
        arrays = [np.asarray(leaf) for leaf in leaves]
        self._content = (structure, *((array.shape, array.dtype.name, array.tobytes()) for array in arrays))
        self._hash = hash(self._content)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ByValue) and self._content == other._content

    def __hash__(self) -> int:
        return self._hash
