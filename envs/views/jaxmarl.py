"""Games as JaxMARL environments: dictionaries by player, pure functions, automatic reset. Needs the extra ``jaxmarl``.

Example:
    >>> from polax.envs.views import jaxmarl as jaxmarl_view  # doctest: +SKIP
    >>> env = jaxmarl_view.make("CoinGame-v0")  # doctest: +SKIP
    >>> observations, state = env.reset(jax.random.key(0))  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from ... import registry
from ...options import MissingExtraError
from ..base import Game
from .host import observation_box, player_names

try:
    from jaxmarl.environments import spaces
    from jaxmarl.environments.multi_agent_env import MultiAgentEnv
except ImportError as error:
    raise MissingExtraError("JaxMARL", "jaxmarl") from error


def make(env_id: str, **options: Any) -> GameMultiAgentEnv:
    """Make one environment of polax for JaxMARL.

    Args:
        env_id: an id such as ``"CoinGame-v0"``.
        **options: options of the environment.

    Raises:
        PolaxError: an unknown environment or option.
    """
    game, params = registry.make_env(env_id, **options)
    return GameMultiAgentEnv(game.with_default_params(params))


class GameMultiAgentEnv(MultiAgentEnv):
    """A game under JaxMARL's interface; players are ``player_0``, ``player_1`` and so on.

    - Observations, rewards and dones are dictionaries by player; ``dones["__all__"]`` is True at the horizon.
    - ``step`` is JaxMARL's own: at the end of an episode the state and the observations are those of the next one.
    - ``infos`` has an array ``[players]`` for each of the game's counts, the same number for each player: JaxMARL's
      baselines take a number for each actor.
    - Equal games make equal environments, so nothing is compiled twice.

    Attributes:
        game: the game (a gymnax environment), its options and numbers included.
    """

    def __init__(self, game: Game[Any, Any]) -> None:
        super().__init__(num_agents=game.num_players)
        self.game = game
        self.agents = player_names(game)
        box = observation_box(game, game.default_params)
        self.observation_spaces = {
            agent: spaces.Box(box.low, box.high, box.shape, dtype=jnp.float32) for agent in self.agents
        }
        self.action_spaces = {agent: spaces.Discrete(game.num_actions) for agent in self.agents}

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.game == self.game

    def __hash__(self) -> int:
        return hash((type(self), self.game))

    @property
    def name(self) -> str:
        """The game's id."""
        return self.game.name

    @property
    def agent_classes(self) -> dict[str, list[str]]:
        """One class: the players have the same actions and observations."""
        return {"players": list(self.agents)}

    @partial(jax.jit, static_argnums=0)
    def reset(self, key: jax.Array) -> tuple[dict[str, jax.Array], Any]:
        """Start an episode; returns observations by player and the game's state."""
        observation, state = self.game.reset_env(key, self.game.default_params)
        return self._by_player(observation), state

    def step_env(self, key: jax.Array, state: Any, actions: Mapping[str, jax.Array]) -> tuple[Any, ...]:
        """Take one step without reset.

        Returns:
            Observations by player, state, rewards, dones and infos.
        """
        params = self.game.default_params
        joint = jnp.stack([jnp.asarray(actions[agent], jnp.int32).reshape(()) for agent in self.agents])
        observation, state, reward, terminated, info = self.game.step_env(key, state, joint, params)
        done = terminated | self.game.is_truncated(state, params)
        dones = {**dict.fromkeys(self.agents, done), "__all__": done}
        infos = {name: jnp.full(self.num_agents, value) for name, value in info.items()}
        return self._by_player(observation), state, self._by_player(reward), dones, infos

    def get_obs(self, state: Any) -> dict[str, jax.Array]:
        """Return what each player sees in a state."""
        # Which key it is given does not matter: what a state looks like is not random in these games.
        return self._by_player(self.game.observe(jax.random.key(0), state, None, self.game.default_params))

    @partial(jax.jit, static_argnums=0)
    def get_avail_actions(self, state: Any) -> dict[str, jax.Array]:
        """Every action is allowed at all times, ``[actions]`` bool for each player."""
        return {agent: jnp.ones(self.game.num_actions, bool) for agent in self.agents}

    def _by_player(self, values: jax.Array) -> dict[str, jax.Array]:
        return {agent: values[player] for player, agent in enumerate(self.agents)}
