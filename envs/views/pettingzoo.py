"""Games as PettingZoo environments: all players act from outside, at once (parallel) or in turn (AEC)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import gymnasium
import numpy as np
from gymnasium import spaces
from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils import wrappers

from ... import registry
from ..rendering.frame import DEFAULT_SIZE
from ..rendering.recorder import RENDER_MODES, EpisodeRecorder
from .host import HostGame, action_number, observation_box, player_names


class Makers(NamedTuple):
    """The three functions of a PettingZoo module."""

    env: Callable[..., AECEnv[str, np.ndarray, int]]
    raw_env: Callable[..., AECEnv[str, np.ndarray, int]]
    parallel_env: Callable[..., ParallelEnv[str, np.ndarray, int]]


def makers(env_id: str) -> Makers:
    """Return ``env``, ``raw_env`` and ``parallel_env`` for one environment of polax.

    Each takes ``render_mode`` (None, ``rgb_array``, ``human`` or ``ansi``), ``render_size`` (pixels), ``max_cycles``
    (PettingZoo's word for ``max_steps_in_episode``) and the environment's options as keywords.

    Args:
        env_id: an id such as ``"CoinGame-v0"``.
    """

    def parallel_env(
        *,
        render_mode: str | None = None,
        render_size: int = DEFAULT_SIZE,
        max_cycles: int | None = None,
        **options: Any,
    ) -> GameParallelEnv:
        if max_cycles is not None:
            if "max_steps_in_episode" in options:
                raise ValueError("max_cycles and max_steps_in_episode are the same: give one of them")
            options["max_steps_in_episode"] = max_cycles
        return GameParallelEnv(env_id, render_mode=render_mode, render_size=render_size, **options)

    def raw_env(**keywords: Any) -> GameAECEnv:
        return GameAECEnv(parallel_env(**keywords))

    def env(**keywords: Any) -> Any:
        return wrappers.OrderEnforcingWrapper(raw_env(**keywords))

    for function, words in ((parallel_env, "all act at once"), (raw_env, "AEC, unwrapped"), (env, "AEC")):
        function.__doc__ = f"Make {env_id} for PettingZoo ({words}); takes render_mode, render_size, and its options."
    return Makers(env, raw_env, parallel_env)


def make_parallel(env_id: str, **keywords: Any) -> GameParallelEnv:
    """Make what ``pettingzoo.make("parallel", env_id, ...)`` returns; keywords as in `makers`."""
    parallel: GameParallelEnv = makers(env_id).parallel_env(**keywords)
    return parallel


def make_aec(env_id: str, **keywords: Any) -> Any:
    """Make what ``pettingzoo.make("aec", env_id, ...)`` returns; keywords as in `makers`."""
    return makers(env_id).env(**keywords)


class GameParallelEnv(ParallelEnv[str, np.ndarray, int]):
    """One copy of a game in which both players act at once.

    Observations, actions and rewards are those of the game, by player; ``infos`` hold its counts. Nobody is ever
    terminated; both are truncated at the horizon.

    Attributes:
        game: the game (a gymnax environment).
    """

    metadata: ClassVar[dict[str, Any]] = {
        "render_modes": list(RENDER_MODES),
        "is_parallelizable": True,
        "render_fps": 4,
    }

    def __init__(self, env_id: str, *, render_mode: str | None, render_size: int, **options: Any) -> None:
        self.game, params = registry.make_env(env_id, **options)
        self.metadata = {**type(self).metadata, "name": _module_name(env_id)}  # type: ignore[misc]
        self.render_mode = render_mode
        self.possible_agents = player_names(self.game)
        self.agents: list[str] = []
        self._host = HostGame(self.game, params, (None,) * self.game.num_players)
        self._recorder = EpisodeRecorder(
            self.game, params, render_mode, fps=self.metadata["render_fps"], size=render_size
        )
        # PettingZoo asks for the same object each time, so that a seeded space stays seeded.
        self._observation_spaces = {name: observation_box(self.game, params) for name in self.possible_agents}
        self._action_spaces: dict[str, spaces.Discrete[np.int64]] = {
            name: spaces.Discrete(self.game.num_actions) for name in self.possible_agents
        }

    def observation_space(self, agent: str) -> spaces.Box:
        """Return the space of one player's observations."""
        return self._observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Discrete[np.int64]:
        """Return the space of one player's actions."""
        return self._action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, dict[str, Any]]]:
        """Start an episode; with a seed, that seed's first episode, without one, the next."""
        del options
        observations = self._host.reset(seed)
        self._recorder.start(self._host)
        self.agents = list(self.possible_agents)
        return self._by_player(observations), {name: {} for name in self.agents}

    def step(self, actions: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
        """Play one action of each player.

        Returns:
            Observations, rewards, terminations, truncations and infos by player.

        Raises:
            TypeError: an action is no integer (names the player), or there is no dictionary of actions.
            ValueError: a player's action is missing, out of range, or somebody's who does not play.
            gymnasium.error.ResetNeeded: before ``reset``, or after the end of the episode.
            gymnasium.error.ClosedEnvironmentError: after ``close``.
        """
        if self.agents and not isinstance(actions, Mapping):
            raise TypeError(f"{self.game.name} needs a dictionary with an action of each player; got {actions!r}")
        if self.agents and set(actions) != set(self.agents):
            raise ValueError(
                f"{self.game.name} needs an action of each of {', '.join(self.agents)}; got {list(actions)}"
            )
        joint = [action_number(self.game, actions[name], player) for player, name in enumerate(self.agents)]
        observations, rewards, counts = self._host.step(*joint)
        self._recorder.record(self._host, rewards)
        players, ended = self.agents, self._host.ended
        if ended:
            self.agents = []
        return (
            self._by_player(observations),
            dict(zip(players, rewards.tolist(), strict=True)),
            dict.fromkeys(players, False),
            dict.fromkeys(players, ended),
            {name: dict(counts) for name in players},
        )

    def render(self) -> Any:
        """Return the picture: an array ``[height, width, 3]`` uint8, a text, or None for a window."""
        return self._recorder.picture(self._host)

    def close(self) -> None:
        """Close the window, if there is one; ``reset`` opens the environment again."""
        self._recorder.close()
        self._host.close()

    def require_open(self) -> None:
        """Raise ``gymnasium.error.ClosedEnvironmentError`` after `close`."""
        self._host.require_open()

    def check(self, agent: str, action: Any) -> int:
        """Return a player's action as an int, or raise as `step` does."""
        return action_number(self.game, action, self.possible_agents.index(agent))

    def _by_player(self, observations: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(self.possible_agents, observations, strict=True))


class GameAECEnv(AECEnv[str, np.ndarray, int]):
    """The same game with players acting in turn: rewards come when the last of them has acted."""

    def __init__(self, parallel: GameParallelEnv) -> None:
        super().__init__()
        self.parallel = parallel
        self.metadata = parallel.metadata
        self.render_mode = parallel.render_mode
        self.possible_agents = parallel.possible_agents
        self.agents: list[str] = []
        self._actions: dict[str, int] = {}
        self._observations: dict[str, np.ndarray] = {}

    def observation_space(self, agent: str) -> spaces.Box:
        """Return the space of one player's observations."""
        return self.parallel.observation_space(agent)

    def action_space(self, agent: str) -> spaces.Discrete[np.int64]:
        """Return the space of one player's actions."""
        return self.parallel.action_space(agent)

    def observe(self, agent: str) -> np.ndarray:
        """Return what one player saw after the last joint move.

        Raises:
            gymnasium.error.ResetNeeded: before the first ``reset``.
        """
        if not self._observations:
            raise gymnasium.error.ResetNeeded(f"{self.parallel.game.name} has not started: call reset() first")
        return self._observations[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Start an episode; with a seed, that seed's first episode, without one, the next."""
        self._observations, self.infos = self.parallel.reset(seed, options)
        self.agents = list(self.possible_agents)
        self._actions = {}
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.agent_selection = self.agents[0]

    def step(self, action: Any) -> None:
        """Take the action of the player whose turn it is; None once the episode has ended.

        Raises:
            TypeError, ValueError: a bad action; names the player.
            gymnasium.error.ResetNeeded: before ``reset``, or after everybody has left.
            gymnasium.error.ClosedEnvironmentError: after ``close``.
        """
        self.parallel.require_open()
        if not self.agents:
            name = self.parallel.game.name
            raise gymnasium.error.ResetNeeded(f"nobody plays {name} at the moment: call reset() before step()")
        agent = self.agent_selection
        if self.truncations[agent]:
            self._was_dead_step(action)
            return
        self._actions[agent] = self.parallel.check(agent, action)
        self._cumulative_rewards[agent] = 0.0
        self._clear_rewards()
        if len(self._actions) < len(self.agents):
            self.agent_selection = self.agents[len(self._actions)]
            return
        steps = self.parallel.step(self._actions)
        self._observations, self.rewards, self.terminations, self.truncations, self.infos = steps
        self._actions = {}
        self._accumulate_rewards()
        self.agent_selection = self.agents[0]

    def render(self) -> Any:
        """Return the picture, as the parallel environment does."""
        return self.parallel.render()

    def close(self) -> None:
        """Close the environment."""
        self.parallel.close()


def _module_name(env_id: str) -> str:
    """``CoinGame-v0`` in PettingZoo's spelling: ``coin_game_v0``."""
    letters = [
        f"_{letter}" if letter.isupper() and index and env_id[index - 1].islower() else letter
        for index, letter in enumerate(env_id)
    ]
    return "".join(letters).replace("-", "_").lower()
