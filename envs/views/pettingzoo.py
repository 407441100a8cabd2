"""Games as PettingZoo environments: all players act from outside, at once (parallel) or in turn (AEC)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, NamedTuple

import gymnasium
import numpy as np
from gymnasium import spaces
from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils import wrappers
from pettingzoo.utils.conversions import parallel_to_aec_wrapper

from ... import registry
from ..rendering.frame import DEFAULT_SIZE
from ..rendering.recorder import RENDER_MODES, EpisodeRecorder
from .host import HostGame, action_number, check_process, observation_box, player_names


class Makers(NamedTuple):
    """The three functions of a PettingZoo module."""

    env: Callable[..., AECEnv[str, np.ndarray, int]]
    raw_env: Callable[..., AECEnv[str, np.ndarray, int]]
    parallel_env: Callable[..., ParallelEnv[str, np.ndarray, int]]


def makers(env_id: str) -> Makers:
    """Return ``env``, ``raw_env`` and ``parallel_env`` for one environment of polax.

    Each takes the keywords of `GameParallelEnv`.
    """
    return Makers(partial(make_aec, env_id), partial(GameAECEnv, env_id), partial(GameParallelEnv, env_id))


def make_aec(env_id: str, **keywords: Any) -> Any:
    """Make what ``pettingzoo.make("aec", env_id, ...)`` returns; keywords as in `GameParallelEnv`."""
    return wrappers.OrderEnforcingWrapper(GameAECEnv(env_id, **keywords))


class GameParallelEnv(ParallelEnv[str, np.ndarray, int]):
    """One copy of a game in which all players act at once.

    Observations, actions and rewards are those of the game, by player; ``infos`` hold its counts. No player is ever
    terminated; all are truncated at the horizon.

    Args:
        env_id: an id such as ``"CoinGame-v0"``.
        render_mode: None, ``rgb_array``, ``human`` or ``ansi``.
        render_size: width of the picture in pixels.
        max_cycles: PettingZoo's word for ``max_steps_in_episode``.
        **options: options of the environment.

    Attributes:
        game: the game (a gymnax environment).
    """

    metadata: ClassVar[dict[str, Any]] = {
        "render_modes": list(RENDER_MODES),
        "is_parallelizable": True,
        "render_fps": 4,
    }

    def __init__(
        self,
        env_id: str,
        *,
        render_mode: str | None = None,
        render_size: int = DEFAULT_SIZE,
        max_cycles: int | None = None,
        **options: Any,
    ) -> None:
        if max_cycles is not None:
            if "max_steps_in_episode" in options:
                raise ValueError("max_cycles and max_steps_in_episode are the same: give one of them")
            options["max_steps_in_episode"] = max_cycles
        check_process()
        self.game, params = registry.make_env(env_id, **options)
        module_name = re.sub("(?<=[a-z])(?=[A-Z])", "_", env_id).replace("-", "_").lower()  # coin_game_v0
        self.metadata = {**type(self).metadata, "name": module_name}  # type: ignore[misc]
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
        observations = self._host.reset(seed)
        self._recorder.start(self._host)
        self.agents = list(self.possible_agents)
        return self._by_player(observations), {name: {} for name in self.agents}

    def step(self, actions: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
        """Play one action of each player.

        Returns:
            Observations, rewards, terminations, truncations and infos by player.

        Raises:
            TypeError: an action is not an integer (names the player), or ``actions`` is not a dictionary.
            ValueError: an action is missing, out of range, or of an unknown player.
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


class GameAECEnv(parallel_to_aec_wrapper):
    """The same game with players acting in turn: rewards come when the last of them has acted.

    Takes the arguments of `GameParallelEnv`. PettingZoo's own wrapper would check an action when all have acted; here
    it is checked at once. As with that wrapper, ``unwrapped`` is the parallel environment.
    """

    def __init__(self, env_id: str, **keywords: Any) -> None:
        super().__init__(GameParallelEnv(env_id, **keywords))
        self.agents: list[str] = []

    def observe(self, agent: str) -> np.ndarray:
        """Return what one player saw after the last joint move.

        Raises:
            gymnasium.error.ResetNeeded: before the first ``reset``.
        """
        if not hasattr(self, "_observations"):
            raise gymnasium.error.ResetNeeded(f"{self.env.game.name} has not started: call reset() first")
        return super().observe(agent)

    def step(self, action: Any) -> None:
        """Take the action of the player whose turn it is; None once the episode has ended.

        Raises:
            TypeError, ValueError: a bad action; names the player.
            gymnasium.error.ResetNeeded: before ``reset``, or after all players have left.
            gymnasium.error.ClosedEnvironmentError: after ``close``.
        """
        self.env.require_open()
        if not self.agents:
            raise gymnasium.error.ResetNeeded(f"no active agents in {self.env.game.name}; call reset() before step()")
        if self.truncations[self.agent_selection]:
            self._was_dead_step(action)
        else:
            super().step(self.env.check(self.agent_selection, action))
