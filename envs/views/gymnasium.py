"""Games as Gymnasium environments: one player is yours, the others are scripted or learned opponents."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from ... import registry
from ..rendering.frame import DEFAULT_SIZE
from ..rendering.recorder import RENDER_MODES, EpisodeRecorder
from .host import HostGame, action_number, check_process, observation_box, policies_around

DEFAULT_OPPONENT = "random"
"""The one strategy that every game has."""


class GameEnv(gymnasium.Env[np.ndarray, np.int64]):
    """One copy of a game, seen by one player; the dynamics are those of the game, compiled, on the CPU.

    ``gymnasium.make(env_id, ...)`` makes it, with Gymnasium's own wrappers around it.

    - Observation: ``Box [features]`` float32 of 0 and 1, this player's view.
    - Action: ``Discrete``, as the game names them in ``game.action_names``.
    - Reward: this player's.
    - End: ``truncated`` at the horizon, with the true last observation; never ``terminated``.
    - ``info``: what the game counts, and ``rewards``, those of all players ``[players]``.

    Args:
        env_id: an environment of polax.
        opponent: who plays the others, as `polax.make_policy` takes it: a strategy's name, a `Policy`, the path of a
            training run, or ``prefix:rest``; one for all of them, or a list with one for each in the players' order.
        player: the number of the player that is yours.
        render_mode: None, ``rgb_array``, ``human`` or ``ansi``.
        render_size: width of the picture in pixels.
        **options: options of the environment.

    Attributes:
        game: the game (a gymnax environment).
        player: the number of this player.

    Raises:
        PolaxError: an unknown environment, option or opponent.
        ValueError: an unknown player or render mode.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as Gymnasium declares it
        "render_modes": list(RENDER_MODES),
        "render_fps": 4,
    }

    def __init__(
        self,
        env_id: str,
        *,
        opponent: Any = DEFAULT_OPPONENT,
        player: int = 0,
        render_mode: str | None = None,
        render_size: int = DEFAULT_SIZE,
        **options: Any,
    ) -> None:
        check_process()
        self.game, params = registry.make_env(env_id, **options)
        self.player = player
        self.render_mode = render_mode
        self.observation_space = observation_box(self.game, params)
        self.action_space = spaces.Discrete(self.game.num_actions)
        self._host = HostGame(self.game, params, policies_around(player, opponent, self.game, params))
        fps = self.metadata["render_fps"]
        self._recorder = EpisodeRecorder(self.game, params, render_mode, fps=fps, size=render_size)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode; with a seed, that seed's first episode, without one, the next."""
        super().reset(seed=seed, options=options)
        observations = self._host.reset(seed)
        self._recorder.start(self._host)
        return observations[self.player], {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Play one action against the opponent's.

        Raises:
            TypeError: the action is not an integer.
            ValueError: it is out of range.
            gymnasium.error.ResetNeeded: before ``reset``, or after the end of the episode.
            gymnasium.error.ClosedEnvironmentError: after ``close``.
        """
        actions = [0] * self.game.num_players
        actions[self.player] = action_number(self.game, action, self.player)
        observations, rewards, counts = self._host.step(*actions)
        self._recorder.record(self._host, rewards)
        info: dict[str, Any] = {**counts, "rewards": rewards}
        return observations[self.player], float(rewards[self.player]), False, self._host.ended, info

    def render(self) -> Any:
        """Return the picture: an array ``[height, width, 3]`` uint8, a text, or None for a window."""
        return self._recorder.picture(self._host)

    def close(self) -> None:
        """Close the window, if there is one; ``reset`` opens the environment again."""
        self._recorder.close()
        self._host.close()
