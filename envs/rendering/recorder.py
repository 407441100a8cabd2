"""Follow an episode as it is played: for ``render`` of a view, for a window, or to keep every frame."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..base import Game, Policy
from ..policies.play import whole_step
from ..policies.python_play import for_python, play_episodes_in_python
from ..views.host import HostGame, seed_words
from .frame import DEFAULT_SIZE, Frame

RENDER_MODES = ("rgb_array", "human", "ansi")


def record_episode(
    game: Game[Any, Any], params: Any, policies: Sequence[Policy], *, seed: int | None = None
) -> list[Frame]:
    """Let policies play one episode.

    Args:
        game: the game.
        params: its numbers.
        policies: one for each player.
        seed: of the episode; None: another one each time.

    Returns:
        The frames, from the start to the last step.

    Raises:
        ValueError: not one policy for each player.
    """
    key = jax.random.wrap_key_data(jnp.asarray(seed_words(seed)))
    players = [for_python(policy) for policy in policies]
    played = play_episodes_in_python(key, game, params, players, whole_step, known=(), num_envs=1)
    first, steps = jax.tree.map(lambda leaf: leaf[0], played.start), played.records
    frames = [Frame.first(params, first, game.num_players)]
    for time, (actions, rewards) in enumerate(zip(steps.actions[:, 0], steps.rewards[:, 0], strict=True)):
        state = jax.tree.map(lambda leaf, time=time: leaf[time, 0], steps.state)
        frames.append(frames[-1].after(state, actions, rewards))
    return frames


class EpisodeRecorder:
    """Follows one episode of a `HostGame` for the ``render`` of a view; without a render mode it costs nothing."""

    def __init__(
        self, game: Game[Any, Any], params: Any, render_mode: str | None, *, fps: float, size: int = DEFAULT_SIZE
    ) -> None:
        if render_mode is not None and render_mode not in RENDER_MODES:
            raise ValueError(f"render_mode must be None or one of {', '.join(RENDER_MODES)}; got {render_mode!r}")
        self._game, self._params, self._size = game, params, size
        self.mode = render_mode
        self._window = _Window(game.name, fps) if render_mode == "human" else None
        self._frame: Frame | None = None

    def start(self, host: HostGame) -> None:
        """Take the first frame of an episode."""
        if self.mode is not None:
            self._frame = Frame.first(self._params, host.state(), self._game.num_players)
            self._show()

    def record(self, host: HostGame, rewards: np.ndarray) -> None:
        """Take the next frame."""
        if self._frame is not None:
            self._frame = self._frame.after(host.state(), host.actions(), rewards)
            self._show()

    def picture(self, host: HostGame) -> Any:
        """Return the frame in the render mode.

        Raises:
            ValueError: no render mode was chosen when the environment was made.
            gymnasium.error.ResetNeeded: no episode has started.
            gymnasium.error.ClosedEnvironmentError: the environment was closed.
        """
        host.state()  # raises where there is nothing to show
        if self._frame is None:
            raise ValueError(
                f"nothing to render: make the environment with render_mode= one of {', '.join(RENDER_MODES)}"
            )
        if self.mode == "ansi":
            return self._game.describe(self._frame)
        return self._drawn(self._frame) if self.mode == "rgb_array" else None

    def close(self) -> None:
        """Close the window."""
        if self._window is not None:
            self._window.close()

    def _show(self) -> None:
        if self._window is not None and self._frame is not None:
            self._window.show(self._drawn(self._frame))

    def _drawn(self, frame: Frame) -> np.ndarray:
        return np.asarray(self._game.draw(frame, size=self._size))


class _Window:
    """A window of matplotlib's; nothing at all, with one warning, where none can be opened."""

    def __init__(self, title: str, fps: float) -> None:
        self._title, self._fps = title, fps
        self._blind = False
        self._figure: Any = None
        self._image: Any = None

    def show(self, picture: np.ndarray) -> None:
        """Show a picture for one frame's time."""
        if self._figure is None and not self._blind:
            self._open(picture)
        if self._blind:
            return
        self._image.set_data(picture)
        self._figure.canvas.draw_idle()
        self._figure.canvas.start_event_loop(1 / self._fps)

    def _open(self, picture: np.ndarray) -> None:
        import matplotlib as mpl
        from matplotlib import pyplot

        height, width = picture.shape[:2]
        reason = "matplotlib found no display or no window toolkit"
        try:
            self._figure = pyplot.figure(self._title, figsize=(width / 100, height / 100), dpi=100)
        except Exception as cause:  # each toolkit that was chosen by name and has no display raises its own error
            reason = f"{type(cause).__name__}: {cause}"
        # matplotlib falls back to a backend without a window, which is all right if the user chose it by name.
        if self._figure is None or (mpl.get_backend().lower() == "agg" and "MPLBACKEND" not in os.environ):
            self.close()
            self._blind = True
            warnings.warn(
                f"no window can be opened here, so nothing is shown: {reason} (pip install pyqt6, for one); "
                'render_mode="rgb_array" gives pictures without a window',
                stacklevel=2,
            )
            return
        axes = self._figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        self._image = axes.imshow(picture, interpolation="lanczos")
        if mpl.get_backend().lower() != "agg":
            self._figure.canvas.manager.show()

    def close(self) -> None:
        """Close the window."""
        if self._figure is not None:
            from matplotlib import pyplot

            pyplot.close(self._figure)
            self._figure = None
